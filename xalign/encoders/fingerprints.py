"""Content hashes of files, remembered by path, size and time of change, so that large weights are read once."""

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

import platformdirs

from xalign.files import write_text

logger = logging.getLogger(__name__)

REMEMBER_FROM_BYTES = 1 << 20


def cache_folder() -> Path:
    """Return the folder for what can be computed again: `$XALIGN_CACHE`, else the user's cache folder."""
    return Path(os.environ.get("XALIGN_CACHE") or platformdirs.user_cache_dir("xalign"))


def digest_texts(parts: Iterable[str]) -> str:
    """Hash a sequence of texts, each with its length, so that no two sequences run together."""
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def digest_files(paths: Iterable[Path]) -> str:
    """Hash the names and contents of files, in the order given."""
    return digest_texts(part for path in paths for part in (path.name, digest_file(path)))


def digest_file(path: Path) -> str:
    """Hash one file; a large one is read again only if its size or time of change differs."""
    path = path.resolve()
    status = path.stat()
    if status.st_size < REMEMBER_FROM_BYTES:
        return _read_digest(path)
    stamp = f"{path}|{status.st_size}|{status.st_mtime_ns}|{status.st_ino}"
    known = _remembered()
    if stamp not in known:
        known = {key: value for key, value in known.items() if not key.startswith(f"{path}|")}
        known[stamp] = _read_digest(path)
        _remember(known)
    return known[stamp]


def stamp_of(folder: str | Path) -> str:
    """Sizes and times of change of a folder's files, by which what is kept in memory is known to be old; else empty."""
    files = sorted(path for path in Path(folder).expanduser().rglob("*") if path.is_file())
    return digest_texts(f"{path}|{path.stat().st_size}|{path.stat().st_mtime_ns}" for path in files) if files else ""


def _read_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()


def _memory() -> Path:
    return cache_folder() / "fingerprints.json"


def _remembered() -> dict[str, str]:
    try:
        content = json.loads(_memory().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _remember(known: dict[str, str]) -> None:
    try:
        write_text(_memory(), json.dumps(known, indent=0))
    except OSError as error:
        logger.debug("file hashes cannot be remembered: %s", error)
