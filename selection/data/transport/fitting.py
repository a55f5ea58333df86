"""From a pool and a target to a model that scores rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from probes.arrays import Array
from selection.data.grouping import code_groups
from selection.data.transport.centring import GroupMeans
from selection.data.transport.costs import directions, half_scale, mean_cost, supply_of
from selection.data.transport.exact import exact_prices
from selection.data.transport.marginals import PoolMarginal, TargetMarginal
from selection.data.transport.models import Place, TransportModel
from selection.data.transport.reading import Groups, read_masses, read_reliability, read_rows
from selection.data.transport.row_samples import PoolRows, batches_of, sample_rows
from selection.data.transport.semi_dual import Fit, fit_prices
from selection.data.transport.settings import TransportSettings
from selection.data.transport.sweeps import NO_MASS, Staying, Supply
from selection.data.transport.workers import workers

DEFAULT = TransportSettings()
SAME = 1e-6
"""A mean cost that is rounding."""


@dataclass(frozen=True, eq=False)
class AlignedTarget:
    """A target in the space of the costs.

    Attributes:
        units: Vectors of length 1, after centring.
        mass: Of each, summing to 1.
        group_means: What they were centred by, and rows are; None where they are not.
    """

    units: Float[np.ndarray, "m d"]
    mass: Float[np.ndarray, " m"]
    group_means: GroupMeans | None


def fit_transport(
    pool: Array | PoolRows | Iterable,
    target: Array,
    *,
    groups: Groups | None = None,
    target_weights: Any = None,
    target_groups: Groups | None = None,
    settings: TransportSettings = DEFAULT,
) -> TransportModel:
    """Fit the price of every target, from a pool of any size.

    Rows and target are centred by group where groups are given: subtracting each language's mean leaves distances that
    mean meaning. The mean is that of the pool's rows, for the target too: what a few hundred targets have in common is
    their subject as much as their language. A target without groups is centred by the mean of the groups' means.

    Args:
        pool: Vectors, a row per example; or batches of them, or of (vectors, groups), or of `PoolRows`, read once.
        target: Vectors of what is wanted.
        groups: The group (language) of each row, where the pool is one matrix.
        target_weights: How much each target is wanted, above 0; None takes all the same.
        target_groups: The group of each target; one of the pool's.
        settings: Entropy, marginals, solver, sample.

    Returns:
        A model whose `score` is lower for better rows.

    Raises:
        ValueError: If vectors, groups, weights or settings are unfit.

    References:
        Genevay, Cuturi, Peyre & Bach (2016), Stochastic Optimization for Large-scale Optimal Transport,
            arXiv:1605.08527, eqs. S_eps and 5 (the semi-dual; here the reference measure is the product of the masses).
    """
    wanted = read_rows(target, "target")
    means = GroupMeans()

    def seen() -> Iterable[PoolRows]:
        nonlocal means
        for batch in batches_of(pool, groups, width=wanted.shape[1]):
            if batch.groups is not None and settings.group_means is None:
                means = means.add(batch.rows, batch.groups)
            yield batch

    sample, n_pool = sample_rows(seen(), settings.rows_for(len(wanted)), seed=settings.seed)
    known = settings.group_means or (means if means.names else None)
    aligned = align_target(wanted, target_weights, target_groups, known)
    return fit_sample(sample, aligned, settings, n_pool=n_pool)


def align_target(
    target: Float[np.ndarray, "m d"], weights: Any, groups: Groups | None, group_means: GroupMeans | None
) -> AlignedTarget:
    """Centre and scale a target.

    Raises:
        ValueError: If weights or groups do not fit, or groups are given where nothing is centred.
    """
    if groups is not None and group_means is None:
        raise ValueError("target_groups need groups of the pool, by whose means both are centred; got none")
    centred = None if group_means is None else group_means.centre(target, groups, argument="target_groups")
    return AlignedTarget(directions(target, centred), read_masses(weights, len(target), "target_weights"), group_means)


def fit_sample(sample: PoolRows, target: AlignedTarget, settings: TransportSettings, *, n_pool: int) -> TransportModel:
    """Fit prices to a sample of rows in an order that means nothing."""
    units = aligned_rows(sample, target.group_means)
    mass = read_masses(sample.weights, len(units), "weights")
    plain = mean_cost(units, mass, target.units, target.mass)
    if not plain > SAME:
        raise ValueError("pool must differ from target somewhere: every row points where every target points")
    trust = sample.reliability
    if trust is None:
        trust = read_reliability(settings.reliability, sample.groups, len(units))
    half, (staying, names) = half_scale(trust, len(units)), _staying(sample, settings)
    supply = supply_of(units, half, mass, target.units.astype(units.dtype), target.mass, staying)
    supply = replace(supply, own=sample.own)
    fit = _prices(supply, settings, plain)
    potentials, places = _settled(fit.potentials, target.mass, supply, names, settings)
    return TransportModel(
        target=target.units.astype(units.dtype),
        target_weights=target.mass,
        target_potentials=potentials,
        epsilon=float(settings.epsilon) * plain,
        mean_cost=plain,
        rho=(settings.penalties[0] * plain, settings.penalties[1] * plain),
        share=supply.share,
        places=places,
        value=fit.value,
        group_means=target.group_means,
        reliability=settings.reliability,
        method="exact" if settings.epsilon == 0 else "streaming",
        converged=fit.converged,
        marginal_error=fit.marginal_error,
        n_iterations=fit.n_iterations,
        n_fitted=len(units),
        n_pool=n_pool,
    )


def aligned_rows(sample: PoolRows, group_means: GroupMeans | None) -> Float[np.ndarray, "n d"]:
    """Return rows less the mean of their group, of length 1.

    Raises:
        ValueError: If means are given for rows without groups.
    """
    if group_means is not None and sample.groups is None:
        raise ValueError("groups must be given for the pool where group_means are; got none")
    return directions(sample.rows, None if group_means is None else group_means.centre(sample.rows, sample.groups))


def _prices(supply: Supply, settings: TransportSettings, unit: float) -> Fit:
    """Choose the solver; the entropy and the penalties are in units of the mean cost."""
    if settings.epsilon == 0:
        return exact_prices(supply)
    pool = PoolMarginal(settings.epsilon * unit, settings.penalties[0] * unit)
    target = TargetMarginal(settings.penalties[1] * unit)
    with workers(settings.n_threads) as run:
        return fit_prices(
            supply, pool, target, run, tolerance=settings.tolerance, max_iterations=settings.max_iterations
        )


def _staying(sample: PoolRows, settings: TransportSettings) -> tuple[Staying | None, list]:
    """Return what stays of a sample, and the groups by their codes."""
    n = len(sample.rows)
    if not isinstance(settings.share, Mapping):
        whole = np.zeros(n, dtype=np.int64)
        return Staying(whole, np.array([settings.share])) if settings.share < 1 else None, [None]
    if sample.groups is None:
        raise ValueError("a share of each group needs groups of the pool; got none")
    codes, names = code_groups(sample.groups)
    unknown = [name for name in names if name not in settings.share]
    if unknown:
        raise ValueError(f"share must name every group of the pool, got none for {unknown[0]!r}")
    return Staying(codes, np.array([float(settings.share[name]) for name in names])), names


def _settled(
    g: Float[np.ndarray, " k"],
    mass: Float[np.ndarray, " m"],
    supply: Supply,
    names: list,
    settings: TransportSettings,
) -> tuple[Float[np.ndarray, " m"], dict[Any, Place] | None]:
    """Fix the constant that balanced prices are known up to: the mean price is 0, of staying where some mass stays."""
    if supply.staying is None:
        return (g - mass @ g if all(math.isinf(rho) for rho in settings.penalties) else g), None
    m = len(mass)
    staying, prices, stays = supply.staying, g[m:], supply.target_mass[m:]
    moved = np.bincount(staying.codes, weights=supply.mass, minlength=staying.n_groups) * staying.shares
    free = float(moved @ prices / moved.sum())
    if not isinstance(settings.share, Mapping):
        return g[:m] - free, None
    places = {name: Place(float(p - free), float(t)) for name, p, t in zip(names, prices, stays, strict=True)}
    # A group that the sample holds no row of has no price of its own: it takes the mean one, 0.
    return g[:m] - free, {name: Place(0.0, NO_MASS) for name in settings.share} | places
