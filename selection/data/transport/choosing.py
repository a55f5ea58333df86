"""The best rows within a budget: those that repeat a chosen one wait, and those of targets that have their part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from selection.data.grouping import code_groups
from selection.data.transport.density import kernel_block
from selection.data.transport.reading import Groups

CHUNK = 1024
"""Rows that are compared with the chosen at once."""
HALF = 0.5
"""A row waits where a chosen one takes this much of its mass, or where this much of it is for targets that are full."""

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
    """

    weights: OfRows
    mass: Float[np.ndarray, " m"]


def choose_rows(
    scores: Float[np.ndarray, " n"],
    counts: Mapping[Any, int],
    groups: Groups | None,
    *,
    vectors: OfRows,
    sigma: float | None,
    parts: Parts | None = None,
) -> ChosenRows:
    """Walk rows from the lowest score, and take each while its group's count lasts.

    Near-duplicates share the mass of one row: a chosen one takes `max(0, 1 - |x - x'|^2 / sigma^2)` of the mass of each
    around it, and one that loses half or more, within sigma / sqrt(2), waits until all others have been seen. Prices
    leave many rows about as good as each other, and a threshold on scores would take all rows near one target and none
    near another; so rows that are mostly for targets that have their part of the budget wait, too, but not as long.

    Args:
        scores: Of each row of the pool; lower is better, ties go to the smaller index.
        counts: How many of each group; of the one group None where there are no groups.
        groups: The group of each row, or None.
        vectors: Gives unit vectors of rows.
        sigma: The distance at which a row no longer takes another's mass; None lets near-duplicates in.
        parts: What each target is to have; None goes by scores alone.

    Returns:
        As many rows as the counts sum to.
    """
    codes, names = (np.zeros(len(scores), dtype=np.int64), [None]) if groups is None else code_groups(groups)
    left = np.array([counts.get(name, 0) for name in names], dtype=np.int64)
    budget = int(left.sum())
    walk = _Walk(
        codes,
        left,
        None if sigma is None else _Crowd(vectors, sigma, budget),
        None if parts is None else _Loads(parts, budget),
    )
    order = np.argsort(scores, kind="stable")
    for start in range(0, len(order), CHUNK):
        if not left.any():
            break
        walk.over(order[start : start + CHUNK])
    filled = [row for row in walk.served if walk.take(row)]
    repeating = [row for row in walk.repeating if walk.take(row)]
    return ChosenRows(np.array([*walk.taken, *filled, *repeating], dtype=np.int64), len(repeating))


@dataclass(eq=False)
class _Walk:
    """Where a walk over rows stands: what each group has left, what was taken, and what waits for which reason."""

    codes: Int[np.ndarray, " n"]
    left: Int[np.ndarray, " k"]
    crowd: _Crowd | None
    loads: _Loads | None
    taken: list[int] = field(default_factory=list)
    served: list[int] = field(default_factory=list)
    repeating: list[int] = field(default_factory=list)

    def take(self, row: int) -> bool:
        """Take one of the group's count if there is any left."""
        if self.left[self.codes[row]] <= 0:
            return False
        self.left[self.codes[row]] -= 1
        return True

    def over(self, rows: Int[np.ndarray, " c"]) -> None:
        """Walk over the next rows, best first."""
        rows = rows[self.left[self.codes[rows]] > 0]
        if not len(rows):
            return
        lost = None if self.crowd is None else self.crowd.meet(rows)
        full = None if self.loads is None else self.loads.meet(rows)
        fresh = np.zeros(len(rows), dtype=bool)
        for i, row in enumerate(rows.tolist()):
            if lost is not None and lost[i] >= HALF:
                self.repeating.append(row)
            elif full is not None and self.loads is not None and (full[i] or self.loads.is_served(i)):
                self.served.append(row)
            elif self.take(row):
                fresh[i] = True
                self.taken.append(row)
                if self.crowd is not None:
                    self.crowd.add(i)
                if self.loads is not None:
                    self.loads.add(i)
        if self.crowd is not None:
            self.crowd.keep(fresh)


class _Crowd:
    """The vectors chosen so far, which take mass from those around them."""

    def __init__(self, vectors: OfRows, sigma: float, budget: int) -> None:
        self._vectors, self._sigma, self._budget, self._n = vectors, sigma, budget, 0
        self._chosen = self._units = self._among = np.empty((0, 0))
        self._lost = np.empty(0)

    def meet(self, rows: Int[np.ndarray, " c"]) -> Float[np.ndarray, " c"]:
        """Return how much of the mass of these rows is lost, which `add` goes on writing to."""
        self._units = self._vectors(rows)
        if not self._n:
            self._chosen = np.empty((self._budget, self._units.shape[1]), dtype=self._units.dtype)
        self._lost = kernel_block(self._units, self._chosen[: self._n], self._sigma).max(axis=1, initial=0)
        self._among = kernel_block(self._units, self._units, self._sigma)
        return self._lost

    def add(self, i: int) -> None:
        """Let a row of these take its part of the others' mass."""
        np.maximum(self._lost, self._among[i], out=self._lost)

    def keep(self, fresh: Bool[np.ndarray, " c"]) -> None:
        """Keep the rows that were taken."""
        n = self._n + int(fresh.sum())
        self._chosen[self._n : n] = self._units[fresh]
        self._n = n


class _Loads:
    """How much of the budget each target has."""

    def __init__(self, parts: Parts, budget: int) -> None:
        self._parts, self._wanted = parts, parts.mass * budget
        self._load, self._weights = np.zeros(len(parts.mass)), np.empty((0, 0))
        self._full = np.zeros(len(parts.mass))

    def meet(self, rows: Int[np.ndarray, " c"]) -> Bool[np.ndarray, " c"]:
        """Say which of these rows are for targets that have their part already."""
        self._weights = self._parts.weights(rows).astype(np.float64)
        return self._weights @ self._full >= HALF

    def is_served(self, i: int) -> bool:
        """Say whether a row of these is by now."""
        return bool(self._weights[i] @ self._full >= HALF)

    def add(self, i: int) -> None:
        """Count a row for its targets."""
        self._load += self._weights[i]
        self._full = (self._load >= self._wanted).astype(np.float64)
