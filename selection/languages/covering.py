"""Facility location and k-medoids, proven: prices for being covered bound them, a small integer programme decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from selection.languages.limits import Limits
from selection.languages.linear_bounds import Branches, LinearBound, bound_linearly, close_full_groups
from selection.languages.objectives import Covering
from selection.languages.programmes import Effort, maximise
from selection.languages.results import TIGHTNESS, Proven

N_STEPS, PATIENCE = 400, 20
"""Of the prices, and after how many without a lower bound the steps are halved."""
SCALE = 1000.0
"""HiGHS stops 1e-6 short of the optimum, so that the largest worth is given to it as so much."""


@dataclass(frozen=True, eq=False)
class Priced:
    """The bound that the best prices give.

    Attributes:
        bound: No set has a larger total.
        branches: Who is in, and who may be, in any better set.
    """

    bound: float
    branches: Branches


def prove_covering(
    objective: Covering, limits: Limits, start: Int[np.ndarray, " k"], *, most_pairs: int | None, effort: Effort
) -> Proven:
    """Bound a covering by prices, rule out who cannot be in a better one, and solve for the rest.

    Args:
        objective: What is maximised.
        limits: What every set keeps.
        start: A good set.
        most_pairs: The integer programme is left out where more pairs of a language and an undecided cover remain; None
            for never.
        effort: Of HiGHS.

    Returns:
        The best set and the proven bound.

    References:
        Cornuéjols, Fisher & Nemhauser (1977), Location of bank accounts to optimize float, Management Science 23
            (the Lagrangian bound; the strong formulation).
    """
    total = objective.total(start)
    priced = price(objective, limits, total)
    if priced.bound <= _just_above(objective, total):
        return Proven(start, total, total)
    n_pairs = int(priced.branches.open.sum()) * limits.m
    if most_pairs is not None and n_pairs > most_pairs:
        return Proven(start, total, priced.bound)
    return _solve(objective, limits, start, priced, effort)


def price(objective: Covering, limits: Limits, total: float) -> Priced:
    """Lower the Lagrangian bound by steps along its subgradient.

    Every language pays a price l_i for being covered. A cover j is worth `u_j + sum_i max(0, worth_ij - l_i)`, and
    the sum of prices plus the best worth of k covers is a bound for any prices.
    """
    branches = close_full_groups(Branches(limits.required[None], limits.allowed[None]), limits)
    prices = np.sort(objective.worth[:, limits.allowed], axis=1)[:, -min(2, limits.k, int(limits.allowed.sum()))]
    best, size, stale, best_prices = np.inf, 1.0, 0, prices
    for _ in range(N_STEPS):
        found = _at(prices, objective, branches, limits)
        if found.bound[0] < best:
            best, best_prices, stale = float(found.bound[0]), prices, 0
        elif (stale := stale + 1) % PATIENCE == 0:
            size, prices = size / 2, best_prices
            found = _at(prices, objective, branches, limits)
        taken = found.selected[0] | branches.taken[0]
        slope = 1.0 - (objective.worth[:, taken] > prices[:, None]).sum(1)
        length = float(slope @ slope)
        if best <= _just_above(objective, total) or length == 0:
            break
        prices = np.maximum(prices - size * (float(found.bound[0]) - total) / length * slope, 0.0)
    found = _at(best_prices, objective, branches, limits)
    decided = found.decide(branches, _just_above(objective, total))
    return Priced(float(found.bound[0]), close_full_groups(decided, limits))


def _at(prices: Float[np.ndarray, " m"], objective: Covering, branches: Branches, limits: Limits) -> LinearBound:
    worth = np.maximum(objective.worth - prices[:, None], 0.0).sum(0) + objective.utility
    constant = np.array([prices.sum() + worth[branches.taken[0]].sum()])
    return bound_linearly(constant, worth[None], branches, limits)


def _just_above(objective: Covering, total: float) -> float:
    return total + TIGHTNESS * max(abs(total), float(objective.worth.max()))


def _solve(objective: Covering, limits: Limits, start: Int[np.ndarray, " k"], priced: Priced, effort: Effort) -> Proven:
    """Solve for who is chosen (whole) and who covers whom (at most one each, only by the chosen)."""
    total = objective.total(start)
    taken, possible = (side[0] for side in (priced.branches.taken, priced.branches.possible))
    covers = np.flatnonzero(possible)
    scale = SCALE / (max(float(objective.worth.max()), float(np.abs(objective.utility).max())) or 1.0)
    gains = np.concatenate([objective.utility, objective.worth[:, covers].ravel()]) * scale
    rows, low, high = _covering_rows(limits, covers)
    found = maximise(gains, rows, low, high, (taken.astype(float), possible.astype(float)), effort)
    bound = min(priced.bound, max(total, found.bound / scale))
    if found.values is not None:
        chosen = np.flatnonzero(found.values[: limits.m] > 0.5)
        if limits.kept_by(found.values[None, : limits.m] > 0.5)[0] and objective.total(chosen) > total:
            start, total = chosen, objective.total(chosen)
    return Proven(start, total, max(total, bound))


def _covering_rows(limits: Limits, covers: Int[np.ndarray, " c"]) -> tuple[object, np.ndarray, np.ndarray]:
    from scipy import sparse

    m, c = limits.m, len(covers)
    rows, low, high = limits.rows()
    of_set = sparse.hstack([sparse.csr_matrix(rows), sparse.csr_matrix((len(rows), m * c))])
    once = sparse.hstack([sparse.csr_matrix((m, m)), sparse.kron(sparse.eye(m), np.ones((1, c)))])
    chosen = sparse.csr_matrix((np.ones(m * c), (np.arange(m * c), np.tile(covers, m))), shape=(m * c, m))
    only_chosen = sparse.hstack([-chosen, sparse.eye(m * c)])
    lows = np.concatenate([low, np.full(m + m * c, -np.inf)])
    highs = np.concatenate([high, np.ones(m), np.zeros(m * c)])
    return sparse.vstack([of_set, once, only_chosen]).tocsr(), lows, highs
