"""A fitted target: scores any row of the pool in one pass, with memory for a block of rows only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, row_chunks
from selection.data.grouping import code_groups
from selection.data.transport.centring import GroupMeans
from selection.data.transport.costs import directions, half_scale, supply_of
from selection.data.transport.marginals import PoolMarginal, TargetMarginal
from selection.data.transport.reading import Groups, Reliability, read_masses, read_reliability, read_rows
from selection.data.transport.semi_dual import fit_prices
from selection.data.transport.sweeps import BLOCK, Supply, forbid_own, soft_minimum
from selection.data.transport.workers import workers

PLAN_TOLERANCE = 1e-4
"""Of the masses of a plan: sum over targets of |wanted - received|."""


@dataclass(frozen=True)
class Place:
    """Where a group's rows stay.

    Attributes:
        price: Of taking a row from the group, in the unit of the cost; 0 on the mean over what is moved.
        stays: The mass that stays, of a total of 1.
    """

    price: float
    stays: float


@dataclass(frozen=True, eq=False)
class TransportModel:
    """What a row of the pool is worth to a target: small arrays, whatever the size of the pool.

    The score of a row is `s = -epsilon log sum_j b_j exp((g_j - c_j) / epsilon)` with b the target's masses and g its
    prices; with epsilon 0, `min_j (c_j - g_j)`. Lower is better. Where each group has its own share to move, the price
    of its places is added.

    Attributes:
        target: Unit vectors, after centring.
        target_weights: Their masses, summing to 1.
        target_potentials: `g`, in the unit of the cost. Balanced: their mean, weighted by the masses, is 0. Where only
            a share is moved: rows worth moving have scores below about 0.
        epsilon: Weight of the entropy, in the unit of the cost.
        mean_cost: `(1 - cos) / 2` on average over the fitted rows and the target.
        rho: Price of leaving the pool's and the target's masses, in the unit of the cost.
        share: Of the pool's mass that is moved.
        places: By group, where a share of each is moved.
        value: Of the fitted semi-dual objective; the transport cost with its entropy if balanced.
        group_means: What rows are centred by; None where they are not.
        reliability: By group, where it is.
        method: Which solver: exact | streaming.
        converged: Whether the masses are met within the tolerance.
        marginal_error: Sum over targets of |wanted - received|, of a total of 1 (of the share, if that is below 1).
        n_iterations: Passes over rows that the fit took.
        n_fitted: Rows that it used.
        n_pool: Rows that they were sampled from.
    """

    target: Float[np.ndarray, "m d"]
    target_weights: Float[np.ndarray, " m"]
    target_potentials: Float[np.ndarray, " m"]
    epsilon: float
    mean_cost: float
    rho: tuple[float, float]
    share: float
    places: Mapping[Any, Place] | None
    value: float
    group_means: GroupMeans | None
    reliability: Mapping[Any, int | float] | None
    method: str
    converged: bool
    marginal_error: float
    n_iterations: int
    n_fitted: int
    n_pool: int

    def score(
        self,
        rows: Array,
        groups: Groups | None = None,
        *,
        reliability: Reliability | None = None,
        own: Int[np.ndarray, " n"] | None = None,
        n_threads: int | None = None,
    ) -> Float[np.ndarray, " n"]:
        """Score rows of any number; a memory map is read block by block.

        Args:
            rows: Vectors as the encoder gave them.
            groups: The group of each, where the model centres by group or knows their reliability.
            reliability: Of each row, in (0, 1], or by group; None takes what the model knows.
            own: Which target each row is, -1 where it is none; it does not count as near to itself.
            n_threads: None takes as many as matrix products may use.

        Returns:
            `s` in float64; lower is better.

        Raises:
            ValueError: If rows are unfit, or a group is missing or unknown.
        """
        width = self.target.shape[1]
        if groups is not None and len(groups) != len(rows):
            raise ValueError(f"groups must have a label for each of the {len(rows)} rows, got {len(groups)}")
        if groups is None and (self.group_means is not None or self.places is not None):
            raise ValueError("groups must be given, as the model centres rows by group or prices them; got none")
        trust = read_reliability(self.reliability if reliability is None else reliability, groups, len(rows))
        means, codes = self._means_of(groups)

        def one(block: slice) -> np.ndarray:
            part = read_rows(rows[block], f"rows[{block.start}:{block.stop}]", width=width)
            centred = None if means is None else part - means[codes[block]]
            half = half_scale(None if trust is None else trust[block], len(part))
            return self._scores(directions(part, centred), half, None if own is None else own[block])

        blocks = row_chunks(len(rows), max(width, len(self.target)), elements=BLOCK)
        with workers(n_threads) as run:
            found = np.concatenate(list(run(one, blocks)))
        return found if self.places is None else found + self._places_of(groups)[0]

    def _places_of(self, groups: Groups | None) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Return the price and the mass of what stays in the group of each row."""
        if self.places is None or groups is None:
            raise ValueError("groups must be given, as the model prices rows by group; got none")
        codes, names = code_groups(groups)
        unknown = [name for name in names if name not in self.places]
        if unknown:
            raise ValueError(f"groups must be among those that have a share to move, got {unknown[0]!r}")
        found = [self.places[name] for name in names]
        return np.array([place.price for place in found])[codes], np.array([place.stays for place in found])[codes]

    def _means_of(self, groups: Groups | None) -> tuple[Float[np.ndarray, "g d"] | None, Int[np.ndarray, " n"]]:
        """Return the mean of each group that there is, and which of these each row has; None where none is needed."""
        if groups is None or self.group_means is None:
            return None, np.empty(0, dtype=np.int64)
        codes, names = code_groups(groups)
        return self.group_means.of(names).astype(self.target.dtype), codes

    def _scores(
        self, units: Float[np.ndarray, "b d"], half: Float[np.ndarray, " b"], own: Int[np.ndarray, " b"] | None
    ) -> Float[np.ndarray, " b"]:
        products = self._products(units, half, own)
        if self.epsilon == 0:
            products += self.target_potentials.astype(products.dtype)
            return half - products.max(axis=1)
        return half - soft_minimum(products, self._prices, self.epsilon)[0]

    def _products(
        self, units: Float[np.ndarray, "b d"], half: Float[np.ndarray, " b"], own: Int[np.ndarray, " b"] | None
    ) -> Float[np.ndarray, "b m"]:
        products = units.astype(self.target.dtype, copy=False) @ self._columns
        products *= half[:, None].astype(products.dtype)
        return products if own is None else forbid_own(products, own)

    @cached_property
    def _columns(self) -> Float[np.ndarray, "d m"]:
        return np.ascontiguousarray(self.target.T)

    @cached_property
    def _prices(self) -> Float[np.ndarray, " m"]:
        return self.target_potentials / self.epsilon + np.log(self.target_weights)

    def weights(
        self,
        rows: Array,
        groups: Groups | None = None,
        *,
        reliability: Reliability | None = None,
        own: Int[np.ndarray, " n"] | None = None,
    ) -> Float[np.ndarray, "n m"]:
        """Return how a few rows would be divided among the targets: the weight of each in the row's soft distance."""
        part = read_rows(rows, "rows", width=self.target.shape[1])
        trust = read_reliability(self.reliability if reliability is None else reliability, groups, len(part))
        products = self._products(self.directions(part, groups), half_scale(trust, len(part)), own)
        if self.epsilon == 0:
            nearest = (products + self.target_potentials.astype(products.dtype)).argmax(axis=1)
            return np.eye(len(self.target), dtype=products.dtype)[nearest]
        return soft_minimum(products, self._prices, self.epsilon)[1]

    def potential(self, scores: Float[np.ndarray, " n"], groups: Groups | None = None) -> Float[np.ndarray, " n"]:
        """Return `f` of pool rows: what one more unit of their mass changes the transport cost by.

        It is the score itself where all mass is moved; see `marginals.PoolMarginal` for the others.

        Args:
            scores: Of the rows.
            groups: The group of each, where a share of each group is moved.

        Returns:
            `f` in the unit of the cost.

        Raises:
            ValueError: If groups are missing or unknown.
        """
        if self.share == 1:
            return PoolMarginal(self.epsilon, self.rho[0]).potential(scores)
        price, stays = (0.0, 1 - self.share) if self.places is None else self._places_of(groups)
        if self.epsilon == 0:
            return np.minimum(scores, 0.0) - price
        moves = np.log(self.share) - scores / self.epsilon
        return -self.epsilon * np.logaddexp(np.log(stays), moves) - price

    @property
    def hardly_worth_moving(self) -> float:
        """The score of a row of which the plan moves a hundredth of what it moves of rows on the mean."""
        return math.inf if self.share == 1 else self.epsilon * math.log(100)

    def directions(self, rows: Float[np.ndarray, "n d"], groups: Groups | None = None) -> Float[np.ndarray, "n d"]:
        """Return rows in the space of the costs: less the mean of their group, of length 1."""
        return directions(rows, None if self.group_means is None else self.group_means.centre(rows, groups))

    def cost(
        self,
        rows: Array,
        groups: Groups | None = None,
        *,
        weights: Any = None,
        own: Int[np.ndarray, " n"] | None = None,
        n_threads: int | None = None,
    ) -> float:
        """Return what it costs to move a set of rows, chosen or drawn, to the whole target: how well they cover it.

        Args:
            rows: Vectors as the encoder gave them.
            groups: The group of each, where the model centres by group.
            weights: Masses; None takes all the same.
            own: Which target each row is, -1 where it is none; it serves the others, and itself only where it has more
                mass than they want.
            n_threads: None takes as many as matrix products may use.

        Returns:
            The mean of `(1 - cos) / 2` over the transport plan, the entropy left out and every row fully reliable.

        Raises:
            ValueError: If rows are unfit.
        """
        return self.plan(rows, groups, weights=weights, own=own, n_threads=n_threads)[0]

    def plan(
        self,
        rows: Array,
        groups: Groups | None = None,
        *,
        weights: Any = None,
        own: Int[np.ndarray, " n"] | None = None,
        n_threads: int | None = None,
    ) -> tuple[float, float]:
        """Return `cost`, and the part of the mass that its plan brings where none is wanted: 1e-4 if it settled."""
        units = self.directions(read_rows(rows, "rows", width=self.target.shape[1]), groups)
        half = half_scale(None, len(units))
        mass = read_masses(weights, len(units), "weights")
        supply = supply_of(units, half, mass, self.target.astype(units.dtype), self.target_weights)
        if own is not None:
            fits = mass + self.target_weights[own] <= 1
            supply = replace(supply, own=np.where(fits, own, -1))
        return plan_cost(supply, self.epsilon, n_threads=n_threads)


def plan_cost(supply: Supply, epsilon: float, *, n_threads: int | None = None) -> tuple[float, float]:
    """Return the cost of the balanced plan, its entropy left out, and the error of its masses."""
    if epsilon == 0:
        from selection.data.transport.exact import exact_prices

        exact = exact_prices(supply)
        return exact.value, exact.marginal_error
    marginal = PoolMarginal(epsilon)
    with workers(n_threads) as run:
        fit = fit_prices(supply, marginal, TargetMarginal(), run, tolerance=PLAN_TOLERANCE, max_iterations=500)
        prices = fit.potentials / epsilon + np.log(supply.target_mass)

        def one(block: slice) -> float:
            products = supply.products(block)
            _, plan = soft_minimum(products, prices, epsilon)
            gained = np.einsum("ij,ij->i", plan, products)
            return float(supply.mass[block] @ (supply.constant[block] - gained))

        return float(sum(run(one, supply.blocks))), fit.marginal_error
