"""What a map phase leaves of each shard: files by kind and content key, each whole or absent, so that runs go on."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xalign.encoders.fingerprints import cache_folder
from xalign.files import write_text, write_whole

if TYPE_CHECKING:
    import pyarrow as pa

ROWS, VECTORS, SCORES, TAGS = "rows", "vectors", "scores", "tags"
_ENDINGS = {ROWS: ".parquet", VECTORS: ".npy", SCORES: ".npy", TAGS: ".parquet"}


def default_folder() -> Path:
    """Where sidecars stand unless another folder is named: beside the cache of activations."""
    return cache_folder() / "selecting"


@dataclass(frozen=True)
class Sidecars:
    """A folder of sidecar files, shared by runs, processes and machines.

    A sidecar is a data file and, written after it, facts in JSON; only with both it is there.

    Attributes:
        folder: Where.
    """

    folder: Path

    def path(self, kind: str, key: str) -> Path:
        """The data file of a kind and key."""
        return self.folder / kind / key[:2] / f"{key}{_ENDINGS[kind]}"

    def has(self, kind: str, key: str) -> bool:
        """Whether it is there whole."""
        return self._facts(kind, key).is_file() and self.path(kind, key).is_file()

    def facts(self, kind: str, key: str) -> dict[str, Any]:
        """What was found while it was made."""
        return json.loads(self._facts(kind, key).read_text(encoding="utf-8"))

    def write_table(self, kind: str, key: str, table: pa.Table, facts: Mapping[str, Any]) -> None:
        """Write a table and its facts."""
        import pyarrow.parquet as pq

        write_whole(self.path(kind, key), lambda file: pq.write_table(table, file))
        self._write_facts(kind, key, facts)

    def read_table(self, kind: str, key: str, *, columns: list[str] | None = None) -> pa.Table:
        """Read a table, or some of its columns."""
        import pyarrow.parquet as pq

        return pq.read_table(self.path(kind, key), columns=columns, partitioning=None)

    def write_array(
        self, kind: str, key: str, shape: tuple[int, ...], blocks: Iterator[np.ndarray], facts: Mapping[str, Any]
    ) -> None:
        """Write an array block by block, so that no shard need fit into memory, and its facts.

        Args:
            kind: One of the kinds stored as arrays.
            key: Of the content.
            shape: Of the whole array.
            blocks: Its rows in order, all of one type.
            facts: May be filled while the blocks are made.

        Raises:
            ValueError: If the blocks have another number of rows, or other rows, than `shape` says.
        """
        path = self.path(kind, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                _write_blocks(file, shape, blocks)
                file.flush()
                os.fsync(file.fileno())
            Path(aside).chmod(0o644)
            Path(aside).replace(path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
        self._write_facts(kind, key, facts)

    def map_array(self, kind: str, key: str) -> np.ndarray:
        """Map an array into memory, read-only."""
        path = self.path(kind, key)
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def _facts(self, kind: str, key: str) -> Path:
        return self.path(kind, key).with_suffix(".json")

    def _write_facts(self, kind: str, key: str, facts: Mapping[str, Any]) -> None:
        write_text(self._facts(kind, key), json.dumps(dict(facts), ensure_ascii=False) + "\n")


def _write_blocks(file: Any, shape: tuple[int, ...], blocks: Iterator[np.ndarray]) -> None:
    """The header of the .npy format, then the rows."""
    n = 0
    for block in blocks:
        if not n:
            header = {"descr": np.lib.format.dtype_to_descr(block.dtype), "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
        if block.shape[1:] != shape[1:]:
            raise ValueError(f"blocks must have rows of shape {shape[1:]}, got {block.shape[1:]}")
        n += len(block)
        file.write(np.ascontiguousarray(block).data)
    if n != shape[0]:
        raise ValueError(f"blocks must have {shape[0]} rows together, got {n}")
    if not n:
        np.lib.format.write_array(file, np.zeros(shape, dtype=np.float32), allow_pickle=False)
