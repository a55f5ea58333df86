"""A sample of rows by what they hold and not by where they stand, so that order and shards change nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt64

from probes.arrays import row_chunks
from selection.data.transport.reading import Groups, read_rows

BATCH_ROWS = 1 << 16
KNOWN = ("groups", "weights", "reliability", "own")


@dataclass(frozen=True, eq=False)
class PoolRows:
    """Rows of a pool and what is known of each.

    Attributes:
        rows: Vectors as the encoder gave them.
        groups: Their groups (languages); None where there are none.
        weights: Their masses, above 0; None takes all the same.
        reliability: In (0, 1]; None takes 1, or what the settings say of their groups.
        own: Which target each row is, -1 where it is none; it does not serve that one. None where no row is a target.
    """

    rows: Float[np.ndarray, "n d"]
    groups: Shaped[np.ndarray, " n"] | None = None
    weights: Float[np.ndarray, " n"] | None = None
    reliability: Float[np.ndarray, " n"] | None = None
    own: Int[np.ndarray, " n"] | None = None

    def take(self, at: np.ndarray | slice) -> PoolRows:
        """Return some of the rows."""
        return PoolRows(self.rows[at], *(_taken(values, at) for values in self.known))

    def join(self, other: PoolRows) -> PoolRows:
        """Return the rows of both.

        Raises:
            ValueError: If one has groups, weights or reliability and the other has not, or their widths differ.
        """
        if self.rows.shape[1] != other.rows.shape[1]:
            raise ValueError(f"pool must have {self.rows.shape[1]} columns in every batch, got {other.rows.shape[1]}")
        joined = [_joined(name, one, more) for name, one, more in zip(KNOWN, self.known, other.known, strict=True)]
        return PoolRows(np.concatenate([self.rows, other.rows]), *joined)

    @property
    def known(self) -> tuple[np.ndarray | None, ...]:
        """Groups, weights, reliability, and which target each row is."""
        return self.groups, self.weights, self.reliability, self.own


def batches_of(pool: Any, groups: Groups | None, *, width: int | None = None) -> Iterator[PoolRows]:
    """Yield a pool batch by batch.

    Args:
        pool: A matrix, `PoolRows`, or an iterable of matrices, of (matrix, groups) pairs, or of `PoolRows`.
        groups: Of a matrix's rows.
        width: Columns that they must have; None for any number.

    Yields:
        Checked rows.

    Raises:
        ValueError: If groups are given beside batches, or a batch is unfit.
    """
    if isinstance(pool, PoolRows) or hasattr(pool, "shape"):
        whole = pool if isinstance(pool, PoolRows) else PoolRows(np.asarray(pool), labels_of(groups, len(pool)))
        for block in row_chunks(len(whole.rows), 1, elements=BATCH_ROWS):
            part = whole.take(block)
            yield PoolRows(read_rows(part.rows, "pool", width=width), *part.known)
        return
    if groups is not None:
        raise ValueError("groups belong to a matrix; where pool comes in batches, give (rows, groups) pairs")
    for batch in pool:
        rows, labels = batch if isinstance(batch, tuple) else (batch, None)
        yield from batches_of(rows, labels, width=width)


def sample_rows(batches: Iterable[PoolRows], n: int, *, seed: int) -> tuple[PoolRows, int]:
    """Keep the n rows whose contents hash lowest, in the order of their hashes.

    Args:
        batches: Of rows.
        n: How many to keep at most.
        seed: Of the hash.

    Returns:
        The sample, the same however the rows are ordered and cut into batches, and how many rows there were.

    Raises:
        ValueError: If there are no rows.
    """
    kept, keys, n_seen = None, np.empty(0, dtype=np.uint64), 0
    for batch in batches:
        n_seen += len(batch.rows)
        found = content_keys(batch.rows, seed=seed)
        if kept is not None and len(keys) == n:
            among = np.flatnonzero(found < keys[-1])
            batch, found = batch.take(among), found[among]
        kept, keys = batch if kept is None else kept.join(batch), np.concatenate([keys, found])
        order = np.argsort(keys, kind="stable")[:n]
        kept, keys = kept.take(order), keys[order]
    if kept is None:
        raise ValueError("pool must hold at least one row, got none")
    return kept, n_seen


def content_keys(rows: Float[np.ndarray, "n d"], *, seed: int) -> UInt64[np.ndarray, " n"]:
    """Hash each row's values in float32 to 64 bits, by a random linear form modulo 2^64 whose bits are then mixed."""
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 1 << 63, size=rows.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    keys = np.empty(len(rows), dtype=np.uint64)
    for block in row_chunks(len(rows), rows.shape[1], elements=1 << 20):
        words = np.ascontiguousarray(rows[block] + np.float32(0), dtype=np.float32).view(np.uint32)  # no -0
        keys[block] = (words.astype(np.uint64) * factors).sum(axis=1)
    keys ^= keys >> np.uint64(30)
    keys *= np.uint64(0xBF58476D1CE4E5B9)
    keys ^= keys >> np.uint64(27)
    keys *= np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def labels_of(groups: Groups | None, n: int) -> Shaped[np.ndarray, " n"] | None:
    """Return groups as an array with a label for each of n rows.

    Raises:
        ValueError: If there are not n.
    """
    if groups is None:
        return None
    if len(groups) != n:
        raise ValueError(f"groups must have a label for each of the {n} rows, got {len(groups)}")
    if isinstance(groups, np.ndarray):
        return groups
    labels = np.empty(n, dtype=object)
    labels[:] = list(groups)
    return labels


def _taken(values: np.ndarray | None, at: np.ndarray | slice) -> np.ndarray | None:
    return None if values is None else values[at]


def _joined(name: str, first: np.ndarray | None, second: np.ndarray | None) -> np.ndarray | None:
    if (first is None) != (second is None):
        raise ValueError(f"{name} must be given for every batch of the pool or for none")
    return None if first is None or second is None else np.concatenate([first, second])
