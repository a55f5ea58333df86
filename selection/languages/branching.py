"""Branch and bound: the best sum over pairs, proven, by deciding one language after the other."""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from jaxtyping import Bool, Float, Int

from selection.languages.limits import Limits
from selection.languages.linear_bounds import Branches, close_full_groups
from selection.languages.objectives import PairSum
from selection.languages.pair_bounds import PairBounds
from selection.languages.results import TIGHTNESS, Proven

ROOT_STEPS, BRANCH_STEPS = 400, 30
BATCH_NUMBERS = 1 << 21
"""How many numbers a batch of branches may hold per temporary array."""


@dataclass
class _Queue:
    """Open branches, the one with the highest bound first."""

    heap: list[tuple[float, int, Bool[np.ndarray, " m"], Bool[np.ndarray, " m"], Float[np.ndarray, " m"]]] = field(
        default_factory=list
    )
    order: count = field(default_factory=count)

    def push(self, branches: Branches, bounds: Float[np.ndarray, " b"], points: Float[np.ndarray, "b m"]) -> None:
        for taken, possible, bound, point in zip(branches.taken, branches.possible, bounds, points, strict=True):
            heapq.heappush(self.heap, (-float(bound), next(self.order), taken, possible, point.astype(np.float32)))

    def pop(self, n: int) -> tuple[Branches, Float[np.ndarray, " b"], Float[np.ndarray, "b m"]]:
        found = [heapq.heappop(self.heap) for _ in range(min(n, len(self.heap)))]
        bounds, _, taken, possible, points = zip(*found, strict=True)
        return Branches(np.stack(taken), np.stack(possible)), -np.array(bounds), np.stack(points).astype(np.float64)

    @property
    def highest(self) -> float:
        return -self.heap[0][0] if self.heap else -np.inf


class PairSearch:
    """A search for the largest sum over pairs, begun with a good set."""

    def __init__(self, objective: PairSum, limits: Limits, start: Int[np.ndarray, " k"]) -> None:
        """Begin at the root.

        Args:
            objective: What is maximised.
            limits: What every set keeps.
            start: A set that keeps them.
        """
        self._objective, self._limits = objective, limits
        self._bounds = PairBounds(objective, limits)
        self.best, self.total = start, objective.total(start)
        self._queue, self._n_bounded = _Queue(), 0
        root = close_full_groups(Branches(limits.required[None], limits.allowed[None]), limits)
        self._bound_and_branch(root, np.full(1, np.inf), np.full((1, limits.m), limits.k / limits.m), ROOT_STEPS)

    def run(self, *, n_branches: int | None, seconds: float) -> Proven:
        """Decide languages until nothing better can exist, or the effort is spent.

        Args:
            n_branches: At most so many branches are bounded; None for no limit.
            seconds: At most so long.

        Returns:
            The best set and the bound of what is still open.
        """
        batch = max(1, min(64, BATCH_NUMBERS // self._limits.m**2))
        until = time.monotonic() + seconds
        most = np.inf if n_branches is None else n_branches
        while self._queue.highest > self._target and self._n_bounded < most and time.monotonic() < until:
            self._bound_and_branch(*self._queue.pop(batch), BRANCH_STEPS)
        is_open = self._queue.highest > self._target
        return Proven(self.best, self.total, self._queue.highest if is_open else self.total)

    @property
    def _target(self) -> float:
        return self.total + TIGHTNESS * max(abs(self.total), float(np.abs(self._objective.pairs).max()))

    def _bound_and_branch(
        self, branches: Branches, bounds: Float[np.ndarray, " b"], points: Float[np.ndarray, "b m"], n_steps: int
    ) -> None:
        self._n_bounded += len(bounds)
        counted = self._bounds.count(branches)
        bounds = np.minimum(bounds, counted.bound)
        branches, bounds, points = self._kept(counted.decide(branches, self._target), bounds, points)
        if not len(bounds):
            return
        relaxed, points = self._bounds.relax(branches, points, self._target, n_steps)
        bounds = np.minimum(bounds, relaxed.bound)
        self._split(*self._kept(relaxed.decide(branches, self._target), bounds, points))

    def _kept(
        self, branches: Branches, bounds: Float[np.ndarray, " b"], points: Float[np.ndarray, "b m"]
    ) -> tuple[Branches, Float[np.ndarray, " c"], Float[np.ndarray, "c m"]]:
        """Close branches that are too low, cannot hold k languages, or are decided; the decided may be the best."""
        branches = close_full_groups(branches, self._limits)
        n_taken, n_possible, k = branches.taken.sum(1), branches.possible.sum(1), self._limits.k
        viable = (bounds > self._target) & (n_taken <= k) & (n_possible >= k)
        decided = viable & ((n_taken == k) | (n_possible == k))
        self._try(np.where((n_taken == k)[:, None], branches.taken, branches.possible)[decided])
        left = viable & ~decided
        return branches[left], bounds[left], points[left]

    def _try(self, sets: Bool[np.ndarray, "c m"]) -> None:
        for taken in sets[self._limits.kept_by(sets)]:
            total = self._objective.total(np.flatnonzero(taken))
            if total > self.total:
                self.best, self.total = np.flatnonzero(taken), total

    def _split(self, branches: Branches, bounds: Float[np.ndarray, " b"], points: Float[np.ndarray, "b m"]) -> None:
        """Decide the language that the relaxation is least sure of, both ways."""
        unsure = np.where(branches.open, points * (1 - points), -1.0).argmax(1)
        this = np.arange(branches.taken.shape[1]) == unsure[:, None]
        self._queue.push(Branches(branches.taken | this, branches.possible), bounds, points)
        self._queue.push(Branches(branches.taken, branches.possible & ~this), bounds, points)
