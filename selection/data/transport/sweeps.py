"""One pass over pool rows against priced targets: soft distances, received masses, and the curvature.

The cost of row x and target y is `(1 - cos) / (2 r)` with r the reliability of the row. No array of all rows by all
targets is needed; one is kept between passes where it is small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import row_chunks
from selection.data.transport.marginals import PoolMarginal
from selection.data.transport.workers import Run

BLOCK = 1 << 19
"""Numbers in a block of rows by targets: it stays in a core's cache."""
KEPT = 1 << 27
"""Numbers up to which products of rows and targets are kept between passes."""
FORBIDDEN = 1000.0
"""What it costs, beyond all costs there are, to take another group's place to stay or to serve oneself."""
NO_MASS = 1e-12
"""Of what stays in a group that the first rows have none of."""
SUMMED_ROWS = 32
"""Rows whose weights are summed in float32 where the vectors are: more would lose digits of the targets' masses."""
CURVATURE_ROWS = 2048
"""Rows of one product of the curvature."""


@dataclass(frozen=True, eq=False)
class Staying:
    """Which part of each group's mass is moved; the rest stays at no cost.

    Attributes:
        codes: The group of each row, from 0.
        shares: Of each group's mass that is moved, in (0, 1).
    """

    codes: Int[np.ndarray, " n"]
    shares: Float[np.ndarray, " k"]

    @property
    def n_groups(self) -> int:
        """How many groups."""
        return len(self.shares)

    def beside(self, target_mass: Float[np.ndarray, " m"], mass: Float[np.ndarray, " n"]) -> Float[np.ndarray, " mk"]:
        """Return the masses of targets and of what stays in each group, summing to 1; those of targets keep ratios."""
        held = np.bincount(self.codes, weights=mass, minlength=self.n_groups)
        moved = held @ self.shares
        return np.append(moved * target_mass / target_mass.sum(), np.maximum(held * (1 - self.shares), NO_MASS))


@dataclass(frozen=True, eq=False)
class Supply:
    """Pool rows as a fit sees them.

    Attributes:
        halves: Unit vectors times `1 / (2 r)`, and more columns where some mass stays.
        constant: The cost is it less the product of `halves` and the target: `1 / (2 r)`, or 0 with more columns.
        mass: Of each row, summing to 1.
        target: Unit vectors, and as many more columns.
        target_mass: Of each target, summing to 1.
        staying: What stays, where some does: the last targets take it, one for each group.
        own: Which target each row is, -1 where it is none: none serves itself. None where no row is a target.
    """

    halves: Float[np.ndarray, "n d"]
    constant: Float[np.ndarray, " n"]
    mass: Float[np.ndarray, " n"]
    target: Float[np.ndarray, "m d"]
    target_mass: Float[np.ndarray, " m"]
    staying: Staying | None = None
    own: Int[np.ndarray, " n"] | None = None

    @property
    def share(self) -> float:
        """Of the mass, what is moved: what errors are measured by."""
        return 1.0 if self.staying is None else float(self.target_mass[: -self.staying.n_groups].sum())

    def first(self, n: int) -> Supply:
        """Return the first n rows, masses summing to 1."""
        if n >= len(self.mass):
            return self
        mass, staying, target_mass = self.mass[:n] / self.mass[:n].sum(), self.staying, self.target_mass
        if staying is not None:
            staying = replace(staying, codes=staying.codes[:n])
            target_mass = staying.beside(target_mass[: -staying.n_groups], mass)
        halves, constant = self.halves[:n], self.constant[:n]
        own = None if self.own is None else self.own[:n]
        return Supply(halves, constant, mass, self.target, target_mass, staying, own)

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.mass)

    @property
    def n_target(self) -> int:
        """How many targets."""
        return len(self.target_mass)

    @cached_property
    def _kept(self) -> Float[np.ndarray, "n m"] | None:
        """Products of all rows and targets, where they are few enough."""
        if self.n * self.n_target > KEPT:
            return None
        return np.empty((self.n, self.n_target), dtype=self.halves.dtype)

    @cached_property
    def _filled(self) -> set[int]:
        return set()

    def products(self, rows: slice) -> Float[np.ndarray, "b m"]:
        """Return the products of some rows with the targets; they must not be written to."""
        if self._kept is None:
            return self._without_own(self.halves[rows] @ self.target.T, rows)
        if rows.start not in self._filled:
            np.matmul(self.halves[rows], self.target.T, out=self._kept[rows])
            self._without_own(self._kept[rows], rows)
            self._filled.add(rows.start)
        return self._kept[rows]

    def _without_own(self, products: Float[np.ndarray, "b m"], rows: slice) -> Float[np.ndarray, "b m"]:
        return products if self.own is None else forbid_own(products, self.own[rows])

    @property
    def blocks(self) -> list[slice]:
        """Rows in slices that fit a core's cache."""
        return row_chunks(self.n, self.n_target, elements=BLOCK)


def forbid_own(products: Float[np.ndarray, "b m"], own: Int[np.ndarray, " b"]) -> Float[np.ndarray, "b m"]:
    """Make it cost too much, in place, that a row serves the target which it is itself."""
    at = np.flatnonzero(own >= 0)
    products[at, own[at]] = -FORBIDDEN
    return products


@dataclass(frozen=True, eq=False)
class Sweep:
    """What a pass found.

    Attributes:
        scores: Soft distance of each row to the priced target.
        received: Mass that each target receives.
    """

    scores: Float[np.ndarray, " n"]
    received: Float[np.ndarray, " m"]


def soft_minimum(
    products: Float[np.ndarray, "b m"], prices: Float[np.ndarray, " m"], epsilon: float
) -> tuple[Float[np.ndarray, " b"], Float[np.ndarray, "b m"]]:
    """Return `epsilon log sum_j exp(products_j / epsilon + prices_j)`, and the weight of each target in it.

    Args:
        products: Of rows and targets.
        prices: `g_j / epsilon + log b_j`.
        epsilon: Above 0.

    Returns:
        The soft maximum by row, in float64, and weights that sum to 1 by row.
    """
    logits = products * products.dtype.type(1 / epsilon)
    logits += prices.astype(products.dtype, copy=False)
    largest = logits.max(axis=1, keepdims=True)
    logits -= largest
    np.exp(logits, out=logits)
    total = logits.sum(axis=1, keepdims=True)
    logits /= total
    return epsilon * (largest[:, 0].astype(np.float64) + np.log(total[:, 0].astype(np.float64))), logits


def weighted_sum(given: Float[np.ndarray, " b"], weights: Float[np.ndarray, "b m"]) -> Float[np.ndarray, " m"]:
    """Return `given @ weights`, in the type of the weights for a few rows at a time and in float64 over these."""
    whole, m = len(given) // SUMMED_ROWS * SUMMED_ROWS, weights.shape[1]
    given = given.astype(weights.dtype)
    parts = given[:whole].reshape(-1, 1, SUMMED_ROWS) @ weights[:whole].reshape(-1, SUMMED_ROWS, m)
    return parts.sum(axis=(0, 1), dtype=np.float64) + given[whole:] @ weights[whole:]


def sweep(supply: Supply, g: Float[np.ndarray, " m"], marginal: PoolMarginal, run: Run) -> Sweep:
    """Pass over all rows once.

    Args:
        supply: The rows and the targets.
        g: Price of each target.
        marginal: What the pool may give; holds epsilon.
        run: From `workers`.

    Returns:
        Soft distances and received masses.
    """
    prices = g / marginal.epsilon + np.log(supply.target_mass)

    def one(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        largest, weights = soft_minimum(supply.products(rows), prices, marginal.epsilon)
        s = supply.constant[rows] - largest
        given = supply.mass[rows] * marginal.moved(s)
        return s, weighted_sum(given, weights)

    found = list(run(one, supply.blocks))
    scores = np.concatenate([s for s, _ in found])
    received = np.sum([part for _, part in found], axis=0)
    return Sweep(scores, received)


def competition(
    supply: Supply, g: Float[np.ndarray, " m"], marginal: PoolMarginal, run: Run, *, n_rows: int
) -> tuple[Float[np.ndarray, "m m"], Float[np.ndarray, " m"]]:
    """Say how targets compete for rows: the part of the semi-dual's second derivative that is not diagonal.

    Args:
        supply: The rows and the targets.
        g: Price of each target.
        marginal: What the pool may give; holds epsilon.
        run: From `workers`.
        n_rows: How many rows, from the first, it is taken from.

    Returns:
        The sum over these rows of `mass * curvature * p p'` with p a row's weights of the targets, and what the targets
        receive from them.
    """
    prices = g / marginal.epsilon + np.log(supply.target_mass)

    def one(blocks: list[slice]) -> tuple[np.ndarray, np.ndarray]:
        parts, received = [], np.zeros(supply.n_target)
        for rows in blocks:
            largest, weights = soft_minimum(supply.products(rows), prices, marginal.epsilon)
            s, mass = supply.constant[rows] - largest, supply.mass[rows]
            received += weighted_sum(mass * marginal.moved(s), weights)
            weights *= np.sqrt(mass * marginal.curvature(s)).astype(weights.dtype)[:, None]
            parts.append(weights)
        stacked = np.concatenate(parts)
        return stacked.T @ stacked, received

    total, received = np.zeros((supply.n_target, supply.n_target)), np.zeros(supply.n_target)
    for part, taken in run(one, list(_gathered(supply.blocks, n_rows))):
        total += part
        received += taken
    return total, received


def _gathered(blocks: list[slice], n_rows: int) -> Iterator[list[slice]]:
    """Gather blocks that begin within the first rows into groups of about `CURVATURE_ROWS` rows."""
    group: list[slice] = []
    for rows in blocks:
        if rows.start >= n_rows:
            break
        group.append(rows)
        if rows.stop - group[0].start >= CURVATURE_ROWS:
            yield group
            group = []
    if group:
        yield group
