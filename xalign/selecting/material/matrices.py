"""Vectors of a pool that stay on disk: one array a shard, read block by block, rows fetched as they are asked for.

They are stored as float32 or float16; what is handed out is a copy in float32, of what was asked for alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

BLOCK = 8192


@dataclass(frozen=True, eq=False)
class ShardedMatrix:
    """The rows of several .npy files, one after another, some left out.

    Attributes:
        paths: The files.
        kept: Which of each file's rows count.
        width: Columns.
    """

    paths: tuple[Path, ...]
    kept: tuple[Bool[np.ndarray, " _"], ...]
    width: int

    @cached_property
    def offsets(self) -> Int[np.ndarray, " shards"]:
        """Where each file's first row stands, and last the number of rows."""
        return np.concatenate([[0], np.cumsum([int(keep.sum()) for keep in self.kept])]).astype(np.int64)

    @property
    def n(self) -> int:
        """Rows in all."""
        return int(self.offsets[-1])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.n, self.width

    def blocks(self, rows: int = BLOCK) -> Iterator[tuple[int, Float[np.ndarray, "n d"]]]:
        """Yield all rows in order as float32, at most `rows` at a time, each block with its first row's number."""
        for place, path in enumerate(self.paths):
            stored, places = self._open(path), np.flatnonzero(self.kept[place])
            for start in range(0, len(places), rows):
                some = places[start : start + rows]
                yield int(self.offsets[place]) + start, _take(stored, some)

    def rows(self, wanted: Int[np.ndarray, " k"]) -> Float[np.ndarray, "k d"]:
        """Return some rows as float32, in the order they are asked for."""
        wanted = np.asarray(wanted, dtype=np.int64)
        out = np.empty((len(wanted), self.width), dtype=np.float32)
        homes = np.searchsorted(self.offsets, wanted, side="right") - 1
        for place in np.unique(homes):
            here = np.flatnonzero(homes == place)
            here = here[np.argsort(wanted[here], kind="stable")]
            places = np.flatnonzero(self.kept[place])[wanted[here] - self.offsets[place]]
            out[here] = self._open(self.paths[place])[places]
        return out

    def _open(self, path: Path) -> Float[np.ndarray, "n d"]:
        return np.load(path, mmap_mode="r", allow_pickle=False)


def _take(stored: Float[np.ndarray, "n d"], places: Int[np.ndarray, " k"]) -> Float[np.ndarray, "k d"]:
    """Rows as float32; a run without gaps is read as one piece."""
    if len(places) and places[-1] - places[0] + 1 == len(places):
        return np.asarray(stored[places[0] : places[-1] + 1], dtype=np.float32)
    return stored[places].astype(np.float32)
