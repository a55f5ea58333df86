"""Round robin (RDS+): every target in turn takes the nearest row that nobody has taken."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import require_same_width, row_chunks, to_host
from selection.data.allowances import read_allowances
from selection.data.covering.results import RoundRobinChoice
from selection.data.covering.unit_rows import require_embeddings, unit_blocks, unit_rows

DEPTH = 4
"""How many times its own part of the budget a target's list holds."""
HARDLY = 4
"""Lists of which no more than this part of their length is left are fetched anew, when one has come to its end."""


def round_robin_select(
    pool: Float[Any, "n d"],
    target: Float[Any, "m d"],
    budget: int,
    *,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    quotas: Mapping[Any, float | int] | str | None = None,
) -> RoundRobinChoice:
    """Let targets take turns, each the most similar row that is left.

    The pool is read in blocks and may be memory-mapped; what is kept of it is a list of nearest rows for each target.

    Args:
        pool: A vector for each row, none zero.
        target: A vector for each target, none zero; they take turns in this order.
        budget: How many rows, 1 to n.
        groups: The group of each row of the pool, with `quotas`.
        quotas: Group to share or to count, "proportional" or "equal"; None for none.

    Returns:
        The rows in order of choice, with who took them. Ties go to the smaller row.

    Raises:
        ValueError: If a vector is zero or not finite, widths differ, or the budget or quotas cannot be met.

    References:
        Ivison et al. (2025), Large-Scale Data Selection for Instruction Tuning, arXiv:2503.01807, Section 3 (RDS+).
    """
    require_embeddings(pool, name="pool")
    require_embeddings(target, name="target")
    require_same_width(pool, target)
    n, m = len(pool), len(target)
    allowances = read_allowances(n, budget, groups=groups, quotas=quotas)
    open_rows, left = allowances.open_rows(n), allowances.counts.copy()
    wishes = _Wishes(pool, unit_rows(to_host(target), name="target"), min(n, DEPTH * -(-budget // m)), open_rows)
    taken = []
    for place in range(budget):
        row, similarity = wishes.next_of(place % m)
        allowances.take(row, left, open_rows)
        taken.append((row, place % m, similarity))
    rows, targets, similarities = zip(*taken, strict=True)
    return RoundRobinChoice(np.array(rows), np.array(targets), np.array(similarities, dtype=np.float64))


class _Wishes:
    """The nearest open rows of each target; rows are closed by the caller, as they are taken."""

    def __init__(
        self, pool: Float[Any, "n d"], targets: Float[np.ndarray, "m d"], depth: int, open_rows: Bool[np.ndarray, " n"]
    ) -> None:
        self._pool, self._targets, self._depth, self._open = pool, targets, depth, open_rows
        rows, similarities = nearest_rows(pool, targets, depth, among=open_rows)
        self._rows, self._similarities = [*rows], [*similarities]
        self._places = [0] * len(targets)

    def next_of(self, target: int) -> tuple[int, float]:
        """Return the nearest row that is open, and its cosine."""
        while True:
            rows, place = self._rows[target], self._places[target]
            for at in range(place, len(rows)):
                if self._open[rows[at]]:
                    self._places[target] = at + 1
                    return int(rows[at]), float(self._similarities[target][at])
            self._places[target] = len(rows)
            self._fetch()

    def _fetch(self) -> None:
        """Read the pool once more for all targets that hardly have a row left."""
        left = [self._open[rows[place:]].sum() for rows, place in zip(self._rows, self._places, strict=True)]
        few = np.flatnonzero(np.array(left) * HARDLY <= self._depth)
        lists = nearest_rows(self._pool, self._targets[few], self._depth, among=self._open)
        for target, rows, similarities in zip(few.tolist(), *lists, strict=True):
            self._rows[target], self._similarities[target], self._places[target] = rows, similarities, 0


def nearest_rows(
    pool: Float[Any, "n d"], targets: Float[np.ndarray, "m d"], depth: int, *, among: Bool[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, "m k"], Float[np.ndarray, "m k"]]:
    """Find the rows of the pool that are most similar to each target, most similar first, smaller rows first.

    Args:
        pool: A vector for each row, read in blocks.
        targets: Vectors of length 1.
        depth: How many rows for each.
        among: The rows that count.

    Returns:
        Rows and cosines, targets by depth, or by as many rows as count.
    """
    rows = np.empty((len(targets), 0), dtype=np.int64)
    cosines = np.empty((len(targets), 0), dtype=targets.dtype)
    for part, block in unit_blocks(pool, name="pool"):
        for some in row_chunks(len(block), len(targets)):
            inside = np.flatnonzero(among[part.start + some.start : part.start + some.stop])
            found = targets @ block[some][inside].T
            numbers = inside + part.start + some.start
            if cosines.shape[1] < depth:
                everyone = np.broadcast_to(numbers, found.shape)
                rows, cosines = _merge(rows, cosines, everyone, found, depth)
            else:
                _take_nearer(rows, cosines, numbers, found)
    return rows, cosines


def _take_nearer(
    rows: Int[np.ndarray, "m k"],
    cosines: Float[np.ndarray, "m k"],
    numbers: Int[np.ndarray, " b"],
    found: Float[np.ndarray, "m b"],
) -> None:
    """Put later rows into full lists, in place; one that equals the last of a list comes too late."""
    target, column = np.nonzero(found > cosines[:, -1:])
    if not target.size:
        return
    some, first, sizes = np.unique(target, return_index=True, return_counts=True)
    at = np.repeat(np.arange(len(some)), sizes), np.arange(len(target)) - np.repeat(first, sizes)
    new_rows = np.full((len(some), sizes.max()), -1, dtype=np.int64)
    new_cosines = np.full(new_rows.shape, -np.inf, dtype=found.dtype)
    new_rows[at], new_cosines[at] = numbers[column], found[target, column]
    rows[some], cosines[some] = _merge(rows[some], cosines[some], new_rows, new_cosines, rows.shape[1])


def _merge(
    rows: Int[np.ndarray, "m a"],
    cosines: Float[np.ndarray, "m a"],
    later_rows: Int[np.ndarray, "m b"],
    later_cosines: Float[np.ndarray, "m b"],
    depth: int,
) -> tuple[Int[np.ndarray, "m k"], Float[np.ndarray, "m k"]]:
    """Join lists and keep the beginning; among equals the earlier rows come first."""
    both = np.concatenate([cosines, later_cosines], axis=1)
    order = np.argsort(-both, axis=1, kind="stable")[:, :depth]
    numbers = np.concatenate([rows, later_rows], axis=1)
    return np.take_along_axis(numbers, order, axis=1), np.take_along_axis(both, order, axis=1)
