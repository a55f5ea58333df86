"""The chosen rows in the pool's own format and order, each with its score, rank, language and reason."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Int

from xalign.errors import SettingError
from xalign.selecting.material.compact import PoolArrays
from xalign.selecting.pools.formats import DATASETS, FORMATS, PLAIN_LINES, Format, Piece
from xalign.selecting.pools.shards import Shard

CHOSEN = "chosen"


@dataclass(frozen=True, eq=False)
class Subset:
    """Chosen rows, not yet copied.

    Attributes:
        format_name: The pool's format.
        suffix: The ending of the pool's files.
        pieces: In the pool's order.
        name: Of the copy, without its ending.
        shards: Which they were chosen from.
    """

    format_name: str
    suffix: str
    pieces: tuple[Piece, ...]
    name: str = CHOSEN
    shards: tuple[Shard, ...] = ()

    @property
    def format(self) -> Format:
        """The format itself."""
        return next(known for known in FORMATS if known.name == self.format_name)

    @property
    def file_name(self) -> str:
        """What the copy is called; lines of text become JSON lines, and what was compressed is not."""
        if self.format_name == PLAIN_LINES.name:
            return f"{self.name}.jsonl"
        return self.name if self.format_name == DATASETS.name else self.name + self.suffix.removesuffix(".gz")

    def write(self, folder: Path) -> Path:
        """Copy the rows.

        Raises:
            CorpusError: If files of the pool have different columns, or one is not as it was when rows were chosen.
        """
        self._require_unchanged()
        self.format.write(folder / self.file_name, self.pieces)
        self._require_unchanged()
        return folder / self.file_name

    def _require_unchanged(self) -> None:
        for shard in {shard.path: shard for shard in self.shards}.values():
            shard.require_unchanged()


def make_subset(pool: PoolArrays, rows: Int[np.ndarray, " b"], told: pd.DataFrame) -> Subset:
    """Gather what is copied from each shard.

    Args:
        pool: Where rows came from.
        rows: The chosen.
        told: For each, in the same order: score, rank, language, reason, and category where rows have one.
    """
    order = np.argsort(rows, kind="stable")
    homes = pool.shard_of(rows[order])
    pieces, shards = [], {home: pool.shards[home].reading.shard for home in np.unique(homes).tolist()}
    for home, shard in shards.items():
        part = order[homes == home]
        added: Mapping[str, list] = {
            f"xalign_{name}": told[name].iloc[part].tolist()
            for name in ("score", "rank", "language", "reason", *(["category"] if pool.categories is not None else []))
        }
        pieces.append(Piece(shard.path, shard.span, tuple(pool.places[rows[part]].tolist()), added))
    first = pool.shards[0].reading.shard
    suffix = first.format.suffix_of(first.path)
    return Subset(first.format_name, suffix, tuple(pieces), shards=tuple(shards.values()))


def require_empty(folder: Path) -> None:
    """Refuse, before any work, a place where something stands; clear what a killed run left beside it.

    Raises:
        SettingError: If the folder is not empty, or is a file.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "a file" if not folder.is_dir() else f"one with {sum(1 for _ in folder.iterdir())} entries"
        raise SettingError(f"out must be a new or empty folder, got {what}: {folder}; name another or empty it")
    for left in folder.parent.glob(f".{folder.name}.unfinished-*"):
        shutil.rmtree(left, ignore_errors=True)
