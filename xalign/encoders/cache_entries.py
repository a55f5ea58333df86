"""One entry of the cache: a folder of arrays and a header that says what they must look like."""

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from xalign.encoders.fingerprints import digest_texts
from xalign.errors import CacheError

FORMAT = "activations-2"
FORMATS = "activations-*"
HEADER = "header.json"


@dataclass(frozen=True)
class CacheEntry:
    """One entry of the cache.

    Attributes:
        key: Hash of everything that decides its content.
        model: The model's name.
        label: What was encoded, as the caller named it; usually a language.
        n_sentences: Sentences in it.
        n_bytes: Its size on disk.
        created: When, UTC.
    """

    key: str
    model: str
    label: str
    n_sentences: int
    n_bytes: int
    created: datetime


@dataclass(frozen=True)
class StoredBlock:
    """A block in an entry of the cache; a layer is read from its memory-mapped file when it is asked for.

    Attributes:
        folder: The entry.
        rows: For each pooling and statistic, the stored row of each layer that is asked.
    """

    folder: Path
    rows: Mapping[str, tuple[int, ...]]

    @property
    def n_tokens(self) -> Int[np.ndarray, " n"]:
        """Tokens of each sentence before truncation, special tokens left out."""
        return np.array(_open(self.folder / "n_tokens.npy"))

    @property
    def truncated(self) -> Bool[np.ndarray, " n"]:
        """Which sentences were cut."""
        return np.array(_open(self.folder / "truncated.npy"))

    @property
    def n_read(self) -> Int[np.ndarray, " n"]:
        """Tokens the model read of each sentence: after truncation, special tokens included."""
        return np.array(_open(self.folder / "n_read.npy"))

    def read(self, name: str, index: int) -> Float[np.ndarray, "n d"]:
        """Copy one layer out of the file; nothing stays open."""
        return np.array(_open(self.folder / f"{name}.npy")[self.rows[name][index]])


def fill_entry(folder: Path, key: str, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
    """Write arrays and then the header into an empty folder, all of it durable on return."""
    files = {}
    for name, array in arrays.items():
        path = folder / f"{name}.npy"
        _save(path, array)
        files[path.name] = {"bytes": path.stat().st_size, "crc32": _checksum(path)}
    header = {"format": FORMAT, "key": key, "created": datetime.now(UTC).isoformat(), **about, "files": files}
    with (folder / HEADER).open("w", encoding="utf-8") as file:
        json.dump({**header, "digest": _header_digest(header)}, file)
        _sync(file)
    sync_folder(folder)


def _save(path: Path, array: np.ndarray) -> None:
    """Write a .npy file; unlike `np.save`, whose error has no number, a full disk is told apart from other faults."""
    array = np.ascontiguousarray(array)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)
        _sync(file)


def find_fault(folder: Path, key: str) -> str:
    """Say what is wrong with an entry; nothing if it is whole."""
    header = _read_header(folder)
    if header is None or header.get("key") != key:
        return f"{HEADER} is missing or damaged"
    for name, expected in header["files"].items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else 0
        if size != expected["bytes"]:
            return f"{name} must have {expected['bytes']} bytes, got {size}"
        if _checksum(path) != expected["crc32"]:
            return f"{name} has another checksum than when it was written"
    return ""


def _read_header(folder: Path) -> dict[str, Any] | None:
    try:
        header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
        digest = header.pop("digest")
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return header if digest == _header_digest(header) else None


def _header_digest(header: Mapping[str, Any]) -> str:
    return digest_texts([json.dumps(header, sort_keys=True)])


def describe_entry(folder: Path) -> CacheEntry | None:
    """Read an entry's header; None if it is damaged."""
    header = _read_header(folder)
    if header is None:
        return None
    created = datetime.fromisoformat(header["created"])
    return CacheEntry(
        header["key"], header["model"], header["label"], header["n_sentences"], entry_size(folder), created
    )


def entry_size(folder: Path) -> int:
    """Add up the bytes of an entry's files."""
    return sum(path.stat().st_size for path in folder.glob("*"))


def _checksum(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            value = zlib.crc32(chunk, value)
    return value


def _open(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise CacheError(f"{path} cannot be read ({error}); was the cache cleared meanwhile? Encode again") from error


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable, where the system can open folders."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
