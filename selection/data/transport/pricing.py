"""Prices of the target from a pool in memory, near-duplicates sharing mass: for all of the pool, and for a budget."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from selection.data.transport.density import pool_density, spread
from selection.data.transport.fitting import AlignedTarget, aligned_rows, fit_sample
from selection.data.transport.models import TransportModel
from selection.data.transport.row_samples import PoolRows, batches_of, sample_rows
from selection.data.transport.settings import TransportSettings

SHORTLIST = 4
"""Budgets' worth of best rows that the last fit sees at least, where the pool is larger than a fit takes."""
LEAST_REACH = 1e-6
"""A distance between unit vectors that is rounding."""
MOVED_PER_TARGET = 2
"""Rows of a sample that must be moved for each target for its price to mean something."""
SLACK = 1.5
"""How many times the rows that a fit moves are kept for the next."""


@dataclass(frozen=True, eq=False)
class WeighedPool:
    """A pool, and the sample of it that fits use.

    Attributes:
        rows: All rows.
        sample: Some of them in an order that means nothing, their weights divided by their density.
        target: What they are to be moved to.
        sigma: The distance between unit vectors from which on they do not share mass; None where they never do.
        density: How it was found: exact | sampled | none.
        n_distinct: How many rows the pool is worth.
    """

    rows: PoolRows
    sample: PoolRows
    target: AlignedTarget
    sigma: float | None
    density: str
    n_distinct: float

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.rows.rows)


def weigh(
    rows: PoolRows,
    target: AlignedTarget,
    settings: TransportSettings,
    *,
    sigma: float | None,
    relative: bool = False,
) -> WeighedPool:
    """Sample the rows that fits use, and let near-duplicates share mass where a sigma is given.

    A relative sigma is in units of the distance between two rows drawn at random.
    """
    n = len(rows.rows)
    sample, _ = sample_rows(batches_of(rows, None), settings.rows_for(len(target.units)), seed=settings.seed)
    if sigma is None:
        return WeighedPool(rows, sample, target, None, "none", float(n))
    units = aligned_rows(sample, target.group_means)
    reach = max(sigma * spread(units), LEAST_REACH) if relative else sigma
    density, how = pool_density(units, n, sigma=reach, n_threads=settings.n_threads)
    shared = replace(sample, weights=(1.0 if sample.weights is None else sample.weights) / density)
    return WeighedPool(rows, shared, target, reach, how, float(n * np.mean(1 / density)))


def price_all(pool: WeighedPool, settings: TransportSettings) -> TransportModel:
    """Fit the prices at which the whole pool meets the target, or as far as an unbalanced setting asks for."""
    return fit_sample(pool.sample, pool.target, settings, n_pool=pool.n)


def price_budget(pool: WeighedPool, budget: int, settings: TransportSettings) -> TransportModel:
    """Fit the prices at which the budget's worth of rows that is cheapest to move meets the target.

    A sample holds few of the rows worth moving. Where there are more rows than a fit takes, prices for a larger share
    find the rows that may be worth moving, and the next fit is among these, until a fit sees enough of them.
    """
    n = pool.n
    while True:
        n_sample = len(pool.sample.rows)
        least = 0.0 if n_sample == pool.n else MOVED_PER_TARGET * len(pool.target.units) / n_sample
        share = min(1.0, max(budget / pool.n_distinct, least))
        model = fit_sample(pool.sample, pool.target, replace(settings, share=share), n_pool=n)
        n_kept = max(n_sample, SHORTLIST * budget, int(SLACK * share * pool.n))
        if n_kept >= pool.n:
            return model
        best = np.argsort(score_pool(model, pool.rows, settings), kind="stable")[:n_kept]
        pool = weigh(pool.rows.take(best), pool.target, settings, sigma=pool.sigma)


def score_pool(model: TransportModel, rows: PoolRows, settings: TransportSettings) -> Float[np.ndarray, " n"]:
    """Score all rows."""
    return model.score(rows.rows, rows.groups, reliability=rows.reliability, n_threads=settings.n_threads)
