"""How large a sum over chosen pairs can be at most: by counting, and by a concave function above it."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from selection.languages.limits import Grouping, Limits
from selection.languages.linear_bounds import Branches, LinearBound, bound_linearly
from selection.languages.objectives import PairSum

N_HALVINGS = 26
"""Of the interval in which a projection's threshold lies."""
STEPS_A_CHECK, SLOW = 10, 1e-3
"""Steps end where so many of them bring no bound nearer to the target by so large a share of what is left."""


class PairBounds:
    """Bounds on `x' P x / 2 + u' x` over sets x of k languages, with what does not change between branches.

    Counting: a language brings its pairs with those taken, and half its `missing - 1` best pairs with the undecided.
    Concave: x_i = x_i^2 for a set, so a diagonal may be moved between P and u. With the smallest multiple of the
    identity that leaves no upward curvature at a fixed number of languages, the relaxation to 0 <= x <= 1 is concave,
    and its tangent at any point, maximised over sets, is a bound. Typological and cosine distances are of negative
    type, so the diagonal even adds curvature, and the bound is tight.

    References:
        Hammer & Rubin (1970), Some remarks on quadratic programming with 0-1 variables, RIRO 4 (moving the diagonal).
        Martí, Gallego & Duarte (2010), A branch and bound algorithm for the maximum diversity problem, EJOR 200
            (counting).
    """

    def __init__(self, objective: PairSum, limits: Limits) -> None:
        """Find the diagonal.

        Args:
            objective: What is maximised.
            limits: What every set keeps.
        """
        self.objective, self.limits = objective, limits
        curvatures = _curvatures(objective.pairs[np.ix_(limits.allowed, limits.allowed)])
        highest = float(curvatures[-1])
        steepest = max(float(np.abs(objective.pairs).max()), float(np.abs(objective.utility).max()))
        self._step = 1 / (max(highest - float(curvatures[0]), 1e-9 * steepest) or 1.0)
        self._quadratic = objective.pairs - highest * np.eye(limits.m)
        self._linear = objective.utility + highest / 2

    @cached_property
    def _best_first(self) -> Int[np.ndarray, "m m"]:
        return np.argsort(-self.objective.pairs, axis=1)

    def count(self, branches: Branches) -> LinearBound:
        """Bound each branch by counting pairs."""
        pairs, utility = self.objective.pairs, self.objective.utility
        taken = branches.taken.astype(np.float64)
        with_taken = taken @ pairs
        order = self._best_first
        undecided = branches.open[:, order]
        best = undecided & (undecided.cumsum(-1) < branches.missing(self.limits.k)[:, None, None])
        among = (best * np.take_along_axis(pairs, order, 1)).sum(-1)
        constant = (taken * (with_taken / 2 + utility)).sum(1)
        return bound_linearly(constant, with_taken + among / 2 + utility, branches, self.limits)

    def relax(
        self, branches: Branches, start: Float[np.ndarray, "b m"], target: float, n_steps: int
    ) -> tuple[LinearBound, Float[np.ndarray, "b m"]]:
        """Bound each branch by tangents of the concave relaxation.

        Args:
            branches: What is decided.
            start: Where accelerated projected gradient steps begin, in [0, 1].
            target: Bounds this low are low enough.
            n_steps: At most so many steps.

        Returns:
            The lowest bounds met, and where the steps ended.
        """
        x = ahead = self._project(start, branches)
        momentum, found = 1.0, self._tangent(x, branches)
        for step in range(1, n_steps + 1):
            following = self._project(ahead + self._step * self._slope(ahead), branches)
            faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            ahead = following + (momentum - 1) / faster * (following - x)
            x, momentum = following, faster
            if step % STEPS_A_CHECK == 0 or step == n_steps:
                before, found = found.bound, found.better_of(self._tangent(x, branches))
                if (before - found.bound <= SLOW * np.maximum(found.bound - target, 0.0)).all():
                    break
        return found, x

    def _slope(self, x: Float[np.ndarray, "b m"]) -> Float[np.ndarray, "b m"]:
        return x @ self._quadratic + self._linear

    def _tangent(self, x: Float[np.ndarray, "b m"], branches: Branches) -> LinearBound:
        slope = self._slope(x)
        height = (x * (self._linear - slope)).sum(1) / 2  # f(x) - slope' x, for a quadratic f
        return bound_linearly(height + (slope * branches.taken).sum(1), slope, branches, self.limits)

    def _project(self, x: Float[np.ndarray, "b m"], branches: Branches) -> Float[np.ndarray, "b m"]:
        """Return the nearest point with k languages in all; nearly the nearest where groups are limited."""
        low, high = branches.taken.astype(np.float64), branches.possible.astype(np.float64)
        for grouping in self.limits.groupings:
            x = _fit_groups(x, low, high, grouping)
        lower, upper = (x - high).min(1, keepdims=True) - 1e-9, (x - low).max(1, keepdims=True) + 1e-9
        for _ in range(N_HALVINGS):
            middle = (lower + upper) / 2
            above = np.clip(x - middle, low, high).sum(1, keepdims=True) > self.limits.k
            lower, upper = np.where(above, middle, lower), np.where(above, upper, middle)
        return np.clip(x - upper, low, high)


def _fit_groups(
    x: Float[np.ndarray, "b m"], low: Float[np.ndarray, "b m"], high: Float[np.ndarray, "b m"], grouping: Grouping
) -> Float[np.ndarray, "b m"]:
    """Lower the members of each group that is over its limit until they fit."""
    shape = (len(x), len(grouping.labels))
    lower, upper = np.zeros(shape), np.full(shape, max(float((x - low).max()), 0.0) + 1e-9)
    for _ in range(N_HALVINGS):
        middle = (lower + upper) / 2
        sums = np.clip(x - grouping.by_language(middle, 0.0), low, high) @ grouping.members
        lower, upper = np.where(sums > grouping.limit, middle, lower), np.where(sums > grouping.limit, upper, middle)
    return x - grouping.by_language(np.where(lower > 0, upper, 0.0), 0.0)


def _curvatures(pairs: Float[np.ndarray, "m m"]) -> Float[np.ndarray, " e"]:
    """Return the eigenvalues of a matrix among vectors that sum to 0; with one language there is only 0."""
    m = len(pairs)
    if m < 2:
        return np.zeros(1)
    centred = pairs - pairs.mean(0) - pairs.mean(1)[:, None] + pairs.mean()
    values, vectors = np.linalg.eigh(centred)
    constant = np.abs(vectors.sum(0)).argmax()  # the vector of ones has eigenvalue 0 and is no direction to move in
    return np.delete(values, constant)
