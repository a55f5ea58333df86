"""The space in which rows are compared: language means taken away, so that distance means meaning and not language."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from selection.data.transport.centring import GroupMeans
from selection.data.transport.costs import directions
from xalign.encoders.fingerprints import digest_texts
from xalign.files import write_whole
from xalign.selecting.material.compact import PoolArrays
from xalign.selecting.material.targets import Target
from xalign.selecting.pools.reading import UNKNOWN

ENOUGH = 10
"""Rows of which a language's mean is taken; fewer would lose what they say."""
IN_MEMORY = 1 << 30
"""Bytes up to which a matrix of the pool is held in memory; a larger one is put into one file and mapped."""


@dataclass(frozen=True, eq=False)
class Space:
    """Pool and target as vectors that can be compared.

    Attributes:
        pool: The pool's arrays.
        target_rows: The target's vectors as the model gave them.
        target_groups: Their languages.
        means: Of each language; None where languages are not brought together.
        folder: Where a matrix too large for memory is put.
        places: Which rows of the pool the targets are; None where they are not of the pool.
    """

    pool: PoolArrays
    target_rows: Float[np.ndarray, "m d"]
    target_groups: tuple[str, ...]
    means: GroupMeans | None
    folder: Path
    places: Int[np.ndarray, " m"] | None = None

    @cached_property
    def target(self) -> Float[np.ndarray, "m d"]:
        """The target's directions."""
        return self._directions(self.target_rows, np.array(self.target_groups, dtype=object))

    def rows(self, wanted: Int[np.ndarray, " k"]) -> Float[np.ndarray, "k d"]:
        """The directions of some rows of the pool."""
        return self._directions(self.pool.vectors.rows(wanted), self.pool.groups[wanted])

    def themselves(
        self, rows: Int[np.ndarray, " k"], targets: Int[np.ndarray, " t"] | None = None
    ) -> tuple[Int[np.ndarray, " s"], Int[np.ndarray, " s"]]:
        """Where a row of the pool is itself a target: positions in these rows, and in these targets (None for all)."""
        if self.places is None:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        places = self.places if targets is None else self.places[targets]
        _, of_rows, of_targets = np.intersect1d(rows, places, assume_unique=True, return_indices=True)
        return of_rows, of_targets

    def blocks(self) -> Iterator[tuple[int, Float[np.ndarray, "n d"]]]:
        """The directions of all rows, block by block, each with its first row's number."""
        for start, block in self.pool.vectors.blocks():
            yield start, self._directions(block, self.pool.groups[start : start + len(block)])

    def raw(self) -> Float[np.ndarray, "n d"]:
        """All rows of the pool as the model gave them, in memory or mapped from a file."""
        return self._held(self.pool.vectors.width, self.pool.vectors.blocks(), ["raw"])

    def matrix(self, reliability: Mapping[str, float] | None = None) -> Float[np.ndarray, "n d"]:
        """The directions of all rows as one array.

        Args:
            reliability: By language; cosines between rows of different languages, and with the target, are multiplied
                by it, so that a language whose vectors cannot be trusted stands for itself alone.

        Returns:
            An array in memory, or mapped from a file where it is large. With reliability it has a further column for
            each language, which the target has not.
        """
        width = self.pool.vectors.width + (0 if reliability is None else len(self.pool.language_names))
        blocks = self.blocks() if reliability is None else self._weighed(reliability)
        return self._held(width, blocks, [*self._spoken(), repr(reliability and sorted(reliability.items()))])

    def target_beside(self, reliability: Mapping[str, float] | None) -> Float[np.ndarray, "m d"]:
        """The target's directions with the columns that `matrix` has."""
        if reliability is None:
            return self.target
        return np.pad(self.target, ((0, 0), (0, len(self.pool.language_names))))

    def _weighed(self, reliability: Mapping[str, float]) -> Iterator[tuple[int, Float[np.ndarray, "n d"]]]:
        """Directions times reliability, and what that leaves of their length in a column of their language."""
        by_code = np.array([reliability[name] for name in self.pool.language_names], dtype=np.float32)
        for start, block in self.blocks():
            codes = self.pool.languages[start : start + len(block)]
            own = np.zeros((len(block), len(by_code)), dtype=np.float32)
            own[np.arange(len(block)), codes] = np.sqrt(1 - by_code[codes] ** 2)
            yield start, np.hstack([block * by_code[codes][:, None], own])

    def _spoken(self) -> list[str]:
        """What languages put into directions: that of each row, and the means that are taken away."""
        names = self.pool.language_names
        means = "" if self.means is None else _digest_array(self.means.of(names))
        return [_digest_array(self.pool.languages), means, *names]

    def _held(
        self, width: int, blocks: Iterator[tuple[int, Float[np.ndarray, "n d"]]], decides: list[str]
    ) -> Float[np.ndarray, "n d"]:
        """Blocks as one array; in a file under the key of all that decides them where memory would not hold it."""
        if self.pool.n * width * 4 <= IN_MEMORY:
            out = np.empty((self.pool.n, width), dtype=np.float32)
            for start, block in blocks:
                out[start : start + len(block)] = block
            return out
        keys = [shard.embedding.key for shard in self.pool.shards]
        places = [np.flatnonzero(~keep).tolist() for keep in self.pool.vectors.kept]
        key = digest_texts([*keys, repr(places), *decides])
        path = self.folder / "joined" / f"{key}.npy"
        if not path.is_file():
            write_whole(path, lambda file: _write(file, (self.pool.n, width), blocks))
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def _directions(self, rows: Float[np.ndarray, "k d"], groups: np.ndarray) -> Float[np.ndarray, "k d"]:
        """Rows of length 1; one that its language's mean leaves nothing of keeps its own direction."""
        plain = directions(rows).astype(np.float32)
        if self.means is None:
            return plain
        centred = directions(rows, self.means.centre(rows, groups)).astype(np.float32)
        return np.where(centred.any(axis=1, keepdims=True), centred, plain)


def make_space(pool: PoolArrays, target: Target, *, align: bool, folder: Path) -> Space:
    """Fit the means of all languages in one pass.

    Args:
        pool: With vectors on disk.
        target: A language of it that the pool lacks has the mean of its own rows if these are 10 or more; fewer, and
            rows of unknown language, have the mean of all languages' means.
        align: Take the means away.
        folder: For a matrix too large for memory.
    """
    if not align:
        return Space(pool, target.vectors, target.languages, None, folder, target.rows)
    means = GroupMeans()
    for start, block in pool.vectors.blocks():
        means = means.add(block, pool.groups[start : start + len(block)])
    means = means.merge(_lacking(means, target))
    return Space(pool, target.vectors, target.languages, means, folder, target.rows)


def _lacking(means: GroupMeans, target: Target) -> GroupMeans:
    """Means of the target's languages that the pool lacks: of their own rows where these are enough."""
    languages = np.array(target.languages, dtype=object)
    found = GroupMeans()
    for language in dict.fromkeys(target.languages):
        if language in means.names:
            continue
        inside = languages == language
        if language == UNKNOWN or inside.sum() < ENOUGH:
            found = found.merge(GroupMeans((language,), means.overall[None], np.array([1])))
        else:
            found = found.merge(GroupMeans().add(target.vectors[inside], languages[inside]))
    return found


def _digest_array(array: np.ndarray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=20).hexdigest()


def _write(file: object, shape: tuple[int, int], blocks: Iterator[tuple[int, Float[np.ndarray, "n d"]]]) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)  # type: ignore[arg-type]
    for _, block in blocks:
        file.write(np.ascontiguousarray(block, dtype="<f4").data)  # type: ignore[attr-defined]
