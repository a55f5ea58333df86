"""The largest smallest distance, proven: for one threshold after another, is there a set with no closer pair?"""

from __future__ import annotations

import heapq
import time

import numpy as np
from jaxtyping import Int

from selection.languages.far_sets import Budget, FarSets
from selection.languages.limits import Limits
from selection.languages.objectives import SmallestPair
from selection.languages.results import TIGHTNESS, Proven

Interval = tuple[float, int, int, float]
"""Minus what a set whose smallest pair lies in it can have at most; the first and last level; the most utility."""


class ThresholdSearch:
    """A bisection over the distances that occur, the interval that promises most first.

    Without utility any set whose pairs all reach a threshold will do, and this is a binary search; with utility the
    best set of a threshold bounds the interval above it.

    References:
        Sayah & Irnich (2017), A new compact formulation for the discrete p-dispersion problem, EJOR 256 (thresholds).
    """

    def __init__(self, objective: SmallestPair, limits: Limits, start: Int[np.ndarray, " k"]) -> None:
        """Begin with a set that keeps the limits.

        Args:
            objective: What is maximised.
            limits: What every set keeps.
            start: A good set.
        """
        self._objective, self._limits = objective, limits
        allowed = np.flatnonzero(limits.allowed)
        pairs = objective.pairs[np.ix_(allowed, allowed)]
        self._levels = np.unique(pairs[np.triu_indices(len(allowed), 1)]) if limits.k > 1 else np.zeros(1)
        self._most_utility = float(np.sort(objective.utility[allowed])[-limits.k :].sum())
        self.best, self.total = start, objective.total(start)

    def run(self, *, n_nodes: int | None, seconds: float) -> Proven:
        """Bisect until nothing better can exist, or the effort is spent.

        Args:
            n_nodes: Of the tree of each threshold at most, and 10 times as many in all; None for no limit.
            seconds: At most so long.

        Returns:
            The best set and the proven bound.
        """
        self._until = time.monotonic() + seconds
        self._each = np.inf if n_nodes is None else n_nodes
        self._left = 10 * self._each
        heap: list[Interval] = []
        self._add(heap, 0, len(self._levels) - 1, self._utility_from(0, len(self._levels) - 1))
        given_up = -np.inf
        while heap and -heap[0][0] > self._target:
            bound, low, high, utility = heapq.heappop(heap)
            if low == high or self._is_spent:
                given_up = max(given_up, -bound)
                continue
            middle = self._middle(low, high, utility)
            above = self._utility_from(middle, high)
            self._add(heap, low, middle - 1, utility)
            self._add(heap, middle, high, min(above, utility))
        return Proven(self.best, self.total, given_up if given_up > self._target else self.total)

    @property
    def _is_spent(self) -> bool:
        return self._left <= 0 or time.monotonic() > self._until

    @property
    def _target(self) -> float:
        return self.total + TIGHTNESS * max(abs(self.total), float(self._levels[-1]))

    def _add(self, heap: list[Interval], low: int, high: int, utility: float) -> None:
        if low <= high and utility > -np.inf:
            heapq.heappush(heap, (-(float(self._levels[high]) + utility), low, high, utility))

    def _middle(self, low: int, high: int, utility: float) -> int:
        """Bisect only the levels that could beat the best."""
        useful = int(np.searchsorted(self._levels, self._target - utility, side="right"))
        first = max(low + 1, useful)
        return (first + high) // 2 if first <= high else high

    def _utility_from(self, level: int, high: int) -> float:
        """Return the most utility that a set can have whose pairs reach a level, as far as it matters up to `high`."""
        utility = self._objective.utility
        far = self._objective.pairs >= self._levels[level]
        np.fill_diagonal(far, False)
        sets = FarSets(far, utility, self._limits)
        above = self.total - float(self._levels[high]) if utility.any() else -np.inf
        budget = Budget(float(min(self._each, self._left)), self._until)
        chosen, most = sets.best(above, budget)
        self._left -= budget.opened
        if chosen is not None and self._objective.total(chosen) > self.total:
            self.best, self.total = chosen, self._objective.total(chosen)
        return min(most, self._most_utility)
