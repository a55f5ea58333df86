"""The best rows within a budget: each target has its part of it, and rows that repeat a chosen one wait."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from selection.data.grouping import code_groups
from selection.data.transport.density import kernel_block
from selection.data.transport.reading import Groups

CHUNK = 1024
"""Rows that are compared with the chosen at once."""
HALF = 0.5
"""A row waits where a chosen one takes this much of its mass."""

OfRows = Callable[[Int[np.ndarray, " c"]], np.ndarray]
"""Something of rows, by their indices: unit vectors, or the weight of each target in their soft distances."""


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """Rows in the order of choice.

    Attributes:
        indices: The chosen.
        n_repeating: How many of them, the last ones, repeat a better one and only fill the budget.
    """

    indices: Int[np.ndarray, " b"]
    n_repeating: int


@dataclass(frozen=True, eq=False)
class Parts:
    """What part of the budget each target is to have.

    Attributes:
        weights: Gives the weight of each target for rows, summing to 1 by row.
        mass: Of the targets, summing to 1.
        limit: The score above which a row is looked at only where the budget cannot be filled otherwise.
    """

    weights: OfRows
    mass: Float[np.ndarray, " m"]
    limit: float


def choose_rows(
    scores: Float[np.ndarray, " n"],
    counts: Mapping[Any, int],
    groups: Groups | None,
    *,
    vectors: OfRows,
    sigma: float | None,
    parts: Parts | None = None,
) -> ChosenRows:
    """Rank rows for each target, and take those of the best ranks until each group has its count.

    Near-duplicates share the mass of one row: a row taken takes `max(0, 1 - |x - x'|^2 / sigma^2)` of the mass of each
    around it, and one that loses half or more, within sigma / sqrt(2), waits until all others have been seen.

    Prices leave many rows about as good as each other, and a threshold on scores would take all rows near one target
    and none near another. So each row has a rank: of the parts of the budget that its targets are to have, how much
    do better rows serve already, with half of the row itself? That is how seats go to parties by Webster's rule; the
    ranks of all targets' rows rise alike, whichever are met first.

    Args:
        scores: Of each row of the pool; lower is better, ties go to the smaller index.
        counts: How many of each group; of the one group None where there are no groups.
        groups: The group of each row, or None.
        vectors: Gives unit vectors of rows.
        sigma: The distance at which a row no longer takes another's mass; None lets near-duplicates in.
        parts: What each target is to have; None goes by scores alone.

    Returns:
        As many rows as the counts sum to, by score.
    """
    codes, names = (np.zeros(len(scores), dtype=np.int64), [None]) if groups is None else code_groups(groups)
    walk = _Walk(
        scores, codes, np.array([counts.get(name, 0) for name in names], dtype=np.int64), vectors, sigma, parts
    )
    seats = walk.over(np.argsort(scores, kind="stable"))
    if seats.n_evicted and seats.waiting:
        seats = walk.over(seats.held)  # rows may have waited for one that has lost its seat since
    return seats.settle()


@dataclass(frozen=True, eq=False)
class _Walk:
    """What a walk over rows goes by; see `choose_rows`."""

    scores: Float[np.ndarray, " n"]
    codes: Int[np.ndarray, " n"]
    counts: Int[np.ndarray, " k"]
    vectors: OfRows
    sigma: float | None
    parts: Parts | None

    def over(self, order: Int[np.ndarray, " m"]) -> _Seats:
        """Walk over rows, best first, until better ones than those that have seats are not to be expected."""
        seats = _Seats(self.counts)
        crowd = None if self.sigma is None else _Crowd(self.vectors, self.sigma)
        loads = None if self.parts is None else _Loads(self.parts, seats.budget)
        limit = -np.inf if self.parts is None else self.parts.limit
        for start in range(0, len(order), CHUNK):
            rows = order[start : start + CHUNK]
            if seats.filled and self.scores[rows[0]] > limit:
                break
            rows = rows[self.counts[self.codes[rows]] > 0]
            if len(rows):
                self._rank(rows, seats, crowd, loads)
        return seats

    def _rank(self, rows: Int[np.ndarray, " c"], seats: _Seats, crowd: _Crowd | None, loads: _Loads | None) -> None:
        lost = None if crowd is None else crowd.meet(rows)
        if loads is not None:
            loads.meet(rows)
        fresh = np.zeros(len(rows), dtype=bool)
        for i, (row, code) in enumerate(zip(rows.tolist(), self.codes[rows].tolist(), strict=True)):
            if lost is not None and lost[i] >= HALF:
                seats.wait(row, code)
                continue
            fresh[i] = seats.offer(row, code, float(self.scores[row]) if loads is None else loads.rank(i))
            if crowd is not None and fresh[i]:
                crowd.add(i)
            if loads is not None and fresh[i]:
                loads.add(i)
        if crowd is not None:
            crowd.keep(fresh)


class _Seats:
    """Rows of the best ranks in each group so far: a heap, the worst rank on top, ties to those met first."""

    def __init__(self, counts: Int[np.ndarray, " k"]) -> None:
        self.budget, self.n_evicted = int(counts.sum()), 0
        self.waiting: list[tuple[int, int, int]] = []
        self._counts = counts.tolist()
        self._best: list[list[tuple[float, int, int]]] = [[] for _ in self._counts]
        self._n_open, self._n_met = sum(n > 0 for n in self._counts), 0

    @property
    def filled(self) -> bool:
        """Whether every group has its count."""
        return not self._n_open

    @property
    def held(self) -> Int[np.ndarray, " h"]:
        """Rows that have seats and rows that wait, in the order in which they were met."""
        seated = [(-met, row) for best in self._best for _, met, row in best]
        waiting = [(met, row) for met, row, _ in self.waiting]
        return np.array([row for _, row in sorted(seated + waiting)], dtype=np.int64)

    def offer(self, row: int, code: int, rank: float) -> bool:
        """Give a row a seat if it is among the best of its group; say whether it is."""
        best, self._n_met = self._best[code], self._n_met + 1
        entry = (-rank, -self._n_met, row)
        if len(best) < self._counts[code]:
            heapq.heappush(best, entry)
            self._n_open -= len(best) == self._counts[code]
            return True
        seated = heapq.heappushpop(best, entry) is not entry
        self.n_evicted += seated
        return seated

    def wait(self, row: int, code: int) -> None:
        """Let a row wait."""
        self._n_met += 1
        self.waiting.append((self._n_met, row, code))

    def settle(self) -> ChosenRows:
        """Return the rows that have seats in the order in which they were met, then waiting ones for what is left."""
        seated = sorted((-met, row) for best in self._best for _, met, row in best)
        left = [n - len(best) for n, best in zip(self._counts, self._best, strict=True)]
        filling = []
        for _, row, code in self.waiting:
            if left[code] > 0:
                left[code] -= 1
                filling.append(row)
        return ChosenRows(np.array([row for _, row in seated] + filling, dtype=np.int64), len(filling))


class _Crowd:
    """The vectors seated so far, which take mass from those around them."""

    def __init__(self, vectors: OfRows, sigma: float) -> None:
        self._vectors, self._sigma = vectors, sigma
        self._blocks: list[np.ndarray] = []
        self._units = self._among = np.empty((0, 0))
        self._lost = np.empty(0)

    def meet(self, rows: Int[np.ndarray, " c"]) -> Float[np.ndarray, " c"]:
        """Return how much of the mass of these rows is lost, which `add` goes on writing to."""
        self._units = self._vectors(rows)
        self._lost = np.zeros(len(rows), dtype=self._units.dtype)
        for block in self._blocks:
            np.maximum(self._lost, kernel_block(self._units, block, self._sigma).max(axis=1), out=self._lost)
        self._among = kernel_block(self._units, self._units, self._sigma)
        return self._lost

    def add(self, i: int) -> None:
        """Let a row of these take its part of the others' mass."""
        np.maximum(self._lost, self._among[i], out=self._lost)

    def keep(self, fresh: Bool[np.ndarray, " c"]) -> None:
        """Keep the rows that were seated."""
        if fresh.any():
            self._blocks.append(self._units[fresh])


class _Loads:
    """How much of its part of the budget each target has from the rows that were given seats, if only for a time."""

    def __init__(self, parts: Parts, budget: int) -> None:
        self._weights_of, self._per_row = parts.weights, 1 / (parts.mass * budget)
        self._filled, self._weights = np.zeros(len(parts.mass)), np.empty((0, 0))

    def meet(self, rows: Int[np.ndarray, " c"]) -> None:
        """Take up the next rows."""
        self._weights = self._weights_of(rows).astype(np.float64)

    def rank(self, i: int) -> float:
        """Return how full the targets of one of these rows are, half of the row itself in them."""
        return float(self._weights[i] @ (self._filled + HALF * self._weights[i] * self._per_row))

    def add(self, i: int) -> None:
        """Count one of these rows."""
        self._filled += self._weights[i] * self._per_row
