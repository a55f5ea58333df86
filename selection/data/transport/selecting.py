"""Choose the rows of a pool that transport a target best: what they cost to move, prices that serve every target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, require_choice
from selection.data.clustering import cluster_rows
from selection.data.grouping import code_groups
from selection.data.quotas import require_budget, resolve_quotas
from selection.data.transport.centring import GroupMeans
from selection.data.transport.choice import TransportChoice
from selection.data.transport.choosing import Parts, choose_rows
from selection.data.transport.fitting import align_target, aligned_rows
from selection.data.transport.models import PLAN_TOLERANCE, TransportModel
from selection.data.transport.pricing import WeighedPool, price_all, price_budget, score_pool, weigh
from selection.data.transport.reading import (
    Groups,
    Reliability,
    read_masses,
    read_own,
    read_quality,
    read_reliability,
    read_rows,
    require_at_least,
)
from selection.data.transport.row_samples import PoolRows, content_keys, labels_of
from selection.data.transport.settings import Method, TransportSettings

Moved = Literal["budget", "all"]

ROWS_PER_PART = 5
"""Rows of the budget that a part of the target is to have; targets that want fewer share a part with those near."""


def transport_select(  # noqa: PLR0913
    pool: Array,
    target: Array,
    budget: int,
    *,
    pool_weights: Any = None,
    target_weights: Any = None,
    epsilon: int | float = 0.01,
    unbalanced: int | float | tuple[int | float, int | float] | None = None,
    reliability: Reliability | None = None,
    quality: Any = None,
    quality_weight: int | float = 0.3,
    density_discount: bool = True,
    quotas: Mapping[Any, int | float] | str | None = None,
    groups: Groups | None = None,
    target_groups: Groups | None = None,
    target_rows: Any = None,
    group_means: GroupMeans | None = None,
    moved: Moved = "budget",
    sigma: int | float = 0.5,
    method: Method = "auto",
    n_fit: int | None = None,
    n_threads: int | None = None,
    seed: int = 0,
) -> TransportChoice:
    """Choose the rows that move to a target most cheaply, so that each target is served by its part of the budget.

    The cost of a row and a target is `(1 - cos) / 2`, after subtracting each group's mean, over the row's reliability.
    Each target has a price `g_j` and a row's score is the soft minimum of `c_j - g_j`: where few rows lie near a
    target its price is high, and rows further away are let in. The prices are those at which the budget's worth of the
    pool that is cheapest to move meets the target: each row gives at most one part in `budget`, the others stay
    (partial transport). With quotas, rows of each group are moved as far as its quota goes, and the price of a place
    in the group is part of the score. The rows of lowest score near each part of the target are taken, as many as the
    part is of the target; a row that repeats a chosen one waits.

    Args:
        pool: Vectors, a row per example.
        target: Vectors of what is wanted, some hundreds to thousands.
        budget: How many rows to choose.
        pool_weights: Mass of each row, above 0: how much of the budget it may stand for. None takes all the same.
        target_weights: How much each target is wanted, above 0; None takes all the same.
        epsilon: Weight of the entropy in units of the mean cost; 0 is exact transport by POT.
        unbalanced: Price of leaving the pool's masses, in units of the mean cost, instead of partial transport; a pair
            prices leaving the target's masses too.
        reliability: By group or by row, in (0, 1]: how far its language is known to be aligned; divides its costs.
        quality: Of each row, in [0, 1]: its costs are divided by `1 - quality_weight + quality_weight * quality`, too.
        quality_weight: How much of a row's worth its quality is, in [0, 1). Costs of near and far rows differ by less
            than half, so that a large one leaves little to what the target says.
        density_discount: Whether near-duplicates share the mass of one row in the fit, and wait in the choice.
        quotas: Group to share of the budget (floats that sum to 1) or to count; "proportional" or "equal".
        groups: The group (language) of each row, by which it is centred and counted.
        target_groups: The group of each target, one of the pool's; None centres the target by the mean of all groups.
        target_rows: The row of the pool that each target is, where the target is part of the pool: no row serves
            itself. All could at no cost, and then prices say nothing of which rows stand for others.
        group_means: What to centre by, from elsewhere; None takes the pool's own, where it has groups.
        moved: `budget` as above, or `all`: prices at which the whole pool meets the target, so that the scores are
            `potentials` (the calibrated gradients of LAVA order rows the same way).
        sigma: The distance from which on rows do not share mass, above 0, in units of that between two rows drawn at
            random; a chosen row makes those within sigma / sqrt(2) wait.
        method: auto | exact | streaming, see `TransportSettings`.
        n_fit: Rows that a fit uses at most; None takes 20 for each target, at least 20,000.
        n_threads: None takes as many as matrix products may use.
        seed: Of the sample.

    Returns:
        The chosen rows, scores and potentials of all, and what the choice costs to move. Shuffling the pool changes
        nothing but rounding and the order of ties.

    Raises:
        ValueError: If vectors hold zeros or missing values, options contradict each other, the budget exceeds the
            pool, or quotas cannot be met.

    References:
        Kang et al. (2024), Get More for Less: Principled Data Selection for Warming Up Fine-Tuning in LLMs,
            arXiv:2405.02774 (gradients of transport to a target); Liu et al. (2024), TSDS, arXiv:2410.11303 (the
            density); Genevay et al. (2016), arXiv:1605.08527 (the semi-dual). Alignment and partial transport are ours.
    """
    require_choice("moved", moved, ("budget", "all"))
    require_at_least("sigma", sigma, strict=True)
    settings = TransportSettings(
        epsilon=epsilon, unbalanced=unbalanced, method=method, n_fit=n_fit, seed=seed, n_threads=n_threads,
        group_means=group_means,
    )  # fmt: skip
    rows = _read_pool(pool, groups, pool_weights, reliability, quality, quality_weight)
    if target_rows is not None:
        rows = replace(rows, own=read_own(target_rows, len(target), len(rows.rows)))
    require_budget(budget, len(rows.rows))
    counts = _counts(rows, budget, quotas)
    wanted = read_rows(target, "target", width=rows.rows.shape[1])
    if group_means is None and rows.groups is not None:
        group_means = GroupMeans().add(rows.rows, rows.groups)
    aligned = align_target(wanted, target_weights, target_groups, group_means)
    weighed = weigh(rows, aligned, settings, sigma=sigma if density_discount else None, relative=True)
    return _choose(weighed, counts, settings, moved=moved if unbalanced is None else "unbalanced")


def _counts(rows: PoolRows, budget: int, quotas: Mapping[Any, int | float] | str | None) -> dict[Any, int]:
    """Return how many rows of each group, of the one group None without quotas."""
    if quotas is None:
        return {None: budget}
    if rows.groups is None:
        raise ValueError("quotas need groups, a label for each row of the pool; got none")
    return resolve_quotas(rows.groups, budget, quotas)


def _read_pool(
    pool: Array,
    groups: Groups | None,
    weights: Any,
    reliability: Reliability | None,
    quality: Any,
    quality_weight: int | float,
) -> PoolRows:
    rows = read_rows(pool, "pool")
    labels = labels_of(groups, len(rows))
    mass = None if weights is None else read_masses(weights, len(rows), "pool_weights")
    trust, worth = read_reliability(reliability, labels, len(rows)), read_quality(quality, quality_weight, len(rows))
    both = [one for one in (trust, worth) if one is not None]
    return PoolRows(rows, labels, mass, np.prod(both, axis=0) if both else None)


def _choose(
    pool: WeighedPool, counts: Mapping[Any, int], settings: TransportSettings, *, moved: str
) -> TransportChoice:
    """Score all rows by the prices asked for, and choose; potentials are those of moving the whole pool."""
    whole = price_all(pool, settings)
    of_whole = score_pool(whole, pool.rows, settings)
    model, budget = whole, sum(counts.values())
    groups = None if set(counts) == {None} else pool.rows.groups
    among = np.arange(pool.n) if groups is None else _counted(groups, counts)
    if moved == "budget" and groups is None and budget >= pool.n_distinct:
        moved = "all"  # and nothing is left to stay
    found = of_whole[among]
    if moved == "budget":
        part = pool if len(among) == pool.n else weigh(pool.rows.take(among), pool.target, settings, sigma=pool.sigma)
        model = price_budget(part, counts, settings)
        found = score_pool(model, part.rows, settings)
    scores = np.full(pool.n, np.inf)
    scores[among] = found
    chosen = choose_rows(
        scores,
        counts,
        groups,
        vectors=lambda at: aligned_rows(pool.rows.take(at), pool.target.group_means),
        sigma=pool.sigma,
        parts=None if model is whole else _parts(model, pool.rows, budget, settings.seed),
    )
    picked = pool.rows.take(chosen.indices)
    cost, error = model.plan(picked.rows, picked.groups, own=picked.own, n_threads=settings.n_threads)
    return TransportChoice(
        indices=chosen.indices,
        scores=scores,
        potentials=whole.potential(of_whole),
        cost=cost,
        model=model,
        converged=whole.converged and model.converged and error <= PLAN_TOLERANCE,
        marginal_error=max(whole.marginal_error, model.marginal_error, error),
        moved=moved,
        density=pool.density,
        n_pool=pool.n,
        n_distinct=pool.n_distinct,
        n_repeating=chosen.n_repeating,
    )


def _counted(groups: Groups, counts: Mapping[Any, int]) -> Int[np.ndarray, " k"]:
    """Return the rows of groups that have a count."""
    codes, names = code_groups(groups)
    return np.flatnonzero(np.array([counts.get(name, 0) > 0 for name in names])[codes])


def _parts(model: TransportModel, rows: PoolRows, budget: int, seed: int) -> Parts:
    """Return what part of the budget is for each target, or for each cluster of them where they are many."""
    m = len(model.target)
    k = max(1, budget // ROWS_PER_PART)
    cluster = np.arange(m)
    if k < m:
        by_content = np.argsort(content_keys(model.target, seed=seed), kind="stable")
        cluster[by_content] = cluster_rows(model.target[by_content], k, seed=seed).labels
        _, cluster = np.unique(cluster, return_inverse=True)
    member = np.eye(cluster.max() + 1, dtype=model.target.dtype)[cluster]

    def weights(at: Int[np.ndarray, " c"]) -> Float[np.ndarray, "c m"]:
        some = rows.take(at)
        found = model.weights(some.rows, some.groups, reliability=some.reliability, own=some.own)
        return found if k >= m else found @ member

    return Parts(weights, model.target_weights @ member, model.hardly_worth_moving)
