"""Fit the price of every target: Newton steps on the semi-dual, averaged over batches of pool rows that grow.

The entropic problem, with the product of both masses as reference measure, is

    max_g  sum_j b_j g_j + sum_i a_i V(s_i),    s_i = -epsilon log sum_j b_j exp((g_j - c_ij) / epsilon),

with V(s) = s where all of the pool is moved (`marginals` has the other). Its gradient is what the targets want less
what they receive. The entropy falls from the scale of the costs to the one asked for on the first rows; then the rows
grow to all of them. Where a Newton step does not bring the masses nearer, Sinkhorn's step is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from selection.data.transport.marginals import PoolMarginal, TargetMarginal
from selection.data.transport.sweeps import Supply, competition, sweep
from selection.data.transport.workers import Run

ROWS_PER_TARGET = 8
"""Rows of the first batch, and those that Newton steps first learn from how targets compete."""
ROUGH = 0.05
"""The masses' error at which a problem on the way is left."""
NEAR = 0.7
"""The masses' error below which a Newton step may be tried: further off, the curvature says little of the optimum."""
NEWTON_PAYS = 12
"""How many passes Sinkhorn's steps must still need for a Newton step to be worth its time."""
HALVINGS = 6
PATIENCE = 10
"""Sinkhorn's steps after a Newton step that failed."""
GIVE_UP = 5
"""Newton steps from all rows that fail in a row before a fit ends: rounding is what is left."""
AGAIN = 16.0
"""How many times its entropy a problem with more rows begins with: there, subjects that the first rows have too many or
too few of exchange mass easily, and hardly at the end."""
LARGEST_EPSILON = 0.125
"""Of the first problem on the way: an eighth of the largest cost of a fully reliable row."""
REACH = 30.0
"""How far a Newton step may change a price, in epsilons: beyond, the curvature is another."""
CLEARLY = 0.7
"""What is left of the error after a step that is taken for this alone."""
ARMIJO = 0.2
"""The part of the expected rise of the objective that a step must bring otherwise: some errors fall late."""
RIDGE = 1e-6
TINY = 1e-30


@dataclass(frozen=True, eq=False)
class Fit:
    """Prices that meet the masses.

    Attributes:
        potentials: `g`, the price of each target, in the unit of the cost.
        value: Of the semi-dual objective.
        marginal_error: Sum over targets of |wanted - received|; masses sum to 1.
        converged: Whether that is within the tolerance.
        n_iterations: Passes over rows, those over a part of them too.
    """

    potentials: Float[np.ndarray, " m"]
    value: float
    marginal_error: float
    converged: bool
    n_iterations: int


@dataclass(frozen=True, eq=False)
class _State:
    """Prices, and what the targets want more than they receive at these."""

    g: Float[np.ndarray, " m"]
    received: Float[np.ndarray, " m"]
    gap: Float[np.ndarray, " m"]
    error: float
    value: float


@dataclass(frozen=True, eq=False)
class _Stage:
    """A problem on the way: some of the rows, some entropy."""

    supply: Supply
    pool: PoolMarginal
    target: TargetMarginal
    run: Run

    @property
    def _free_constant(self) -> bool:
        """Whether prices are known up to a constant only."""
        return self.pool.balanced and self.target.balanced

    def at(self, g: Float[np.ndarray, " m"]) -> _State:
        """Pass over the rows at these prices."""
        if self._free_constant:
            g = g - self.supply.target_mass @ g  # keeps prices small, and so exact in float32
        found = sweep(self.supply, g, self.pool, self.run)
        gap = self.supply.target_mass * self.target.wanted(g) - found.received
        value = self.supply.target_mass @ self.target.value(g) + self.supply.mass @ self.pool.value(found.scores)
        return _State(g, found.received, gap, float(np.abs(gap).sum()) / self.supply.share, float(value))

    def solve(self, g: Float[np.ndarray, " m"], *, tolerance: float, max_passes: int) -> tuple[_State, int]:
        """Go on until the masses are met, or passes run out."""
        state, n_passes, newton_from, contraction = self.at(g), 1, 0, 0.0
        n_rows = int(ROWS_PER_TARGET * self.supply.n_target / self.supply.share)
        n_failed = 0
        while state.error > tolerance and n_passes < max_passes and n_failed < GIVE_UP:
            if state.error < NEAR and n_passes >= newton_from and _is_slow(contraction, state.error, tolerance):
                after, passes = self._newton(state, n_rows)
                n_passes += passes
                if after is not None:
                    state, n_failed = after, 0
                elif n_rows >= self.supply.n:
                    newton_from, n_failed = n_passes + PATIENCE, n_failed + 1
                n_rows *= 1 if passes <= 2 else 2  # a step that must be cut short again knows too little
                if after is not None:
                    continue
            after = self._sinkhorn(state)
            contraction, state, n_passes = after.error / state.error, after, n_passes + 1
        return state, n_passes

    def _sinkhorn(self, state: _State) -> _State:
        ratio = np.log(np.maximum(state.received, TINY) / self.supply.target_mass)
        return self.at(self.target.fixed_point(state.g, ratio, self.pool.epsilon))

    def _newton(self, state: _State, n_rows: int) -> tuple[_State | None, int]:
        """Return a better state, or None, and the passes it took."""
        step = self._direction(state, n_rows)
        step = np.clip(step, -REACH * self.pool.epsilon, REACH * self.pool.epsilon)
        for tries in range(1, HALVINGS + 2):
            trial = self.at(state.g + step)
            rises = trial.value - state.value > ARMIJO * float(state.gap @ step)
            if trial.error < CLEARLY * state.error or (rises and trial.error < NEAR):
                return trial, tries
            step /= 2
        return None, tries

    def _direction(self, state: _State, n_rows: int) -> Float[np.ndarray, " m"]:
        from scipy.linalg import solve

        second, from_these = competition(self.supply, state.g, self.pool, self.run, n_rows=n_rows)
        received = np.maximum(state.received, TINY)
        # The first rows say how targets compete; how much each receives is known from all of them.
        scale = np.sqrt(received / np.maximum(from_these, TINY))
        second *= -scale[:, None] * scale[None, :]
        own = received / self.pool.epsilon + self.supply.target_mass * self.target.curvature(state.g)
        second[np.diag_indices_from(second)] += own * (1 + RIDGE)
        if self._free_constant:
            second += np.outer(received, received) / self.pool.epsilon
        half = np.sqrt(own)
        second /= half[:, None] * half[None, :]
        return solve(second, state.gap / half, assume_a="pos", check_finite=False) / half


def fit_prices(
    supply: Supply,
    pool: PoolMarginal,
    target: TargetMarginal,
    run: Run,
    *,
    tolerance: float,
    max_iterations: int,
) -> Fit:
    """Maximise the semi-dual objective.

    Args:
        supply: Rows in an order that means nothing, and the targets.
        pool: What the pool may give; holds epsilon.
        target: What the targets want.
        run: From `workers`.
        tolerance: Sum over targets of |wanted - received| at which to stop.
        max_iterations: Passes over rows at most.

    Returns:
        The prices; where both sides are balanced, they are known up to a constant.
    """
    g = np.zeros(supply.n_target)
    n_passes = 0
    for stage, rough in _stages(supply, pool, target, run):
        state, passes = stage.solve(
            g, tolerance=max(ROUGH, tolerance) if rough else tolerance, max_passes=max_iterations - n_passes
        )
        g, n_passes = state.g, n_passes + passes
    return Fit(g, state.value, state.error, state.error <= tolerance, n_passes)


def _stages(supply: Supply, pool: PoolMarginal, target: TargetMarginal, run: Run) -> Iterator[tuple[_Stage, bool]]:
    """Yield problems on the way, with whether they are only on the way."""
    n = min(supply.n, ROWS_PER_TARGET * supply.n_target)
    first = supply.first(n)
    for epsilon in _falling(LARGEST_EPSILON, pool.epsilon):
        yield _Stage(first, replace(pool, epsilon=epsilon), target, run), True
    while n < supply.n:
        n = min(4 * n, supply.n)
        first = supply if n == supply.n else supply.first(n)
        for epsilon in _falling(min(LARGEST_EPSILON, AGAIN * pool.epsilon), pool.epsilon):
            yield _Stage(first, replace(pool, epsilon=epsilon), target, run), True
    yield _Stage(first, pool, target, run), False


def _is_slow(contraction: float, error: float, tolerance: float) -> bool:
    """Say whether Sinkhorn's steps, each multiplying the error by the contraction, would take too many passes."""
    return contraction >= 1 or math.log(tolerance / error) < NEWTON_PAYS * math.log(max(contraction, TINY))


def _falling(largest: float, smallest: float) -> Iterator[float]:
    """Yield the entropies above the smallest, each half of the one before."""
    epsilon = largest
    while epsilon > 1.5 * smallest:
        yield epsilon
        epsilon /= 2
