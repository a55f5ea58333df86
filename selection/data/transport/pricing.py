"""Prices of the target from a pool in memory, near-duplicates sharing mass: for all of the pool, and for a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from selection.data.grouping import code_groups, rank_within_groups
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
MOST_MOVED = 0.999
"""Of a group: a place in it has no price where all of its rows are moved."""


@dataclass(frozen=True, eq=False)
class WeighedPool:
    """A pool, and the sample of it that fits use.

    Attributes:
        rows: All rows.
        sample: Some of them in an order that means nothing, their weights divided by their density.
        target: What they are to be moved to.
        sigma: The distance between unit vectors from which on they do not share mass; None where they never do.
        density: How it was found: exact | sampled | none.
        worth: How many rows each of the sample is, in (0, 1]: near-duplicates share one.
    """

    rows: PoolRows
    sample: PoolRows
    target: AlignedTarget
    sigma: float | None
    density: str
    worth: Float[np.ndarray, " s"]

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.rows.rows)

    @property
    def n_distinct(self) -> float:
        """How many rows the pool is worth."""
        return float(self.n * np.mean(self.worth))


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
        return WeighedPool(rows, sample, target, None, "none", np.ones(len(sample.rows)))
    units = aligned_rows(sample, target.group_means)
    reach = max(sigma * spread(units), LEAST_REACH) if relative else sigma
    density, how = pool_density(units, n, sigma=reach, n_threads=settings.n_threads)
    shared = replace(sample, weights=(1.0 if sample.weights is None else sample.weights) / density)
    return WeighedPool(rows, shared, target, reach, how, 1 / density)


def price_all(pool: WeighedPool, settings: TransportSettings) -> TransportModel:
    """Fit the prices at which the whole pool meets the target, or as far as an unbalanced setting asks for."""
    return fit_sample(pool.sample, pool.target, settings, n_pool=pool.n)


def price_budget(pool: WeighedPool, counts: Mapping[Any, int], settings: TransportSettings) -> TransportModel:
    """Fit the prices at which the budget's worth of rows that is cheapest to move meets the target.

    A sample holds few of the rows worth moving. Where there are more rows than a fit takes, prices for a larger share
    find the rows that may be worth moving, and the next fit is among these, until a fit sees enough of them.

    Args:
        pool: Rows of groups that have a count.
        counts: How many of each group, above 0; of the one group None for any.
        settings: Of the fits.

    Returns:
        The prices of the targets, and with counts by group those of places in each.
    """
    while True:
        held = _Groups.of(pool, by_group=set(counts) != {None})
        wanted, n_sample = np.array([counts[name] for name in held.names]), len(pool.sample.rows)
        least = 0.0 if n_sample == pool.n else MOVED_PER_TARGET * len(pool.target.units) / n_sample
        shares = np.maximum(wanted / held.n_distinct, least)
        model = fit_sample(pool.sample, pool.target, replace(settings, share=held.named(shares)), n_pool=pool.n)
        kept = np.maximum(n_sample * held.sizes // pool.n, SHORTLIST * wanted)
        kept = np.maximum(kept, (SLACK * shares * held.sizes).astype(np.int64))
        if n_sample == pool.n or (kept >= held.sizes).all():
            return model
        order = np.argsort(score_pool(model, pool.rows, settings), kind="stable")
        codes = held.codes[order]
        pool = weigh(
            pool.rows.take(order[rank_within_groups(codes) < kept[codes]]), pool.target, settings, sigma=pool.sigma
        )


@dataclass(frozen=True, eq=False)
class _Groups:
    """Groups of a pool that are counted apart.

    Attributes:
        names: Of each; None alone where all rows are one.
        codes: The group of each row of the pool.
        n_distinct: How many rows each is worth, judged by those in the sample; all of its rows where it has none there.
    """

    names: list
    codes: Int[np.ndarray, " n"]
    n_distinct: Float[np.ndarray, " k"]

    @classmethod
    def of(cls, pool: WeighedPool, *, by_group: bool) -> _Groups:
        """Tell a pool's groups apart, or take them as one."""
        if not by_group or pool.rows.groups is None or pool.sample.groups is None:
            return cls([None], np.zeros(pool.n, dtype=np.int64), np.array([pool.n_distinct]))
        both, names = code_groups(np.concatenate([pool.rows.groups, pool.sample.groups]))
        codes, sampled = both[: pool.n], both[pool.n :]
        n_sampled = np.bincount(sampled, minlength=len(names))
        worth = np.bincount(sampled, weights=pool.worth, minlength=len(names))
        mean = np.divide(worth, n_sampled, out=np.ones(len(names)), where=n_sampled > 0)
        return cls(names, codes, mean * np.bincount(codes, minlength=len(names)))

    @property
    def sizes(self) -> Int[np.ndarray, " k"]:
        """Rows of each group."""
        return np.bincount(self.codes, minlength=len(self.names))

    def named(self, shares: Float[np.ndarray, " k"]) -> float | dict[Any, float]:
        """Return shares as settings take them."""
        if self.names == [None]:
            return min(1.0, float(shares[0]))
        return dict(zip(self.names, np.minimum(shares, MOST_MOVED).tolist(), strict=True))


def score_pool(model: TransportModel, rows: PoolRows, settings: TransportSettings) -> Float[np.ndarray, " n"]:
    """Score all rows."""
    return model.score(rows.rows, rows.groups, reliability=rows.reliability, own=rows.own, n_threads=settings.n_threads)
