"""Draw each category's share: the best row of every cluster, if it is a good one, then the best of the rest."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from probes.arrays import to_host
from selection.data.clustering import cluster_rows, content_order
from selection.data.grouping import code_groups
from selection.data.quotas import ROUNDING, TOLERANCE, fill_shares, require_budget


@dataclass(frozen=True, eq=False)
class StratifiedChoice:
    """What was chosen, and how it was divided.

    Attributes:
        indices: Rows in order of choice: the best of clusters by falling score, then the others by falling score.
        clustered: Whether each was taken as the best of its cluster.
        wanted: Rows that the shares ask of each category, rounded down.
        taken: Rows that each category gave: what was asked, and its part of what others lacked and of what rounding
            left over.
        shortfall: Rows that a category lacked of what was asked; categories that lacked none are left out.
        thresholds: The score from which the best of a cluster is taken, by category; NaN where all rows are taken.
    """

    indices: Int[np.ndarray, " b"]
    clustered: Bool[np.ndarray, " b"]
    wanted: Mapping[Any, int]
    taken: Mapping[Any, int]
    shortfall: Mapping[Any, int]
    thresholds: Mapping[Any, float]


def stratified_select(  # noqa: PLR0913 - the arguments are the public interface
    scores: Float[Any, " n"],
    categories: Sequence[Hashable] | np.ndarray,
    embeddings: Float[Any, "n d"],
    *,
    shares: Mapping[Any, int | float],
    budget: int,
    percentile: int | float = 80,
    seed: int = 0,
    keys: Integer[Any, " n"] | None = None,
) -> StratifiedChoice:
    """Choose rows category by category: good ones, and from everywhere.

    Category c is asked for `int(share_c budget)` rows. Its rows are clustered into as many clusters by their
    embeddings; the best row of each is taken if its score reaches the percentile of the category's scores, and what is
    still lacking is filled by score. What a category lacks, and what rounding leaves, goes to the others in proportion
    to their shares. Categories may be pairs of a category and a language. The order of the pool decides nothing.

    Args:
        scores: What each row is worth, such as `preference`; ties go by `keys`, and between categories in the order of
            `shares`. Only rows alike in both keep the order of the pool.
        categories: The category of each row.
        embeddings: A vector for each row; may be memory-mapped.
        shares: Share of the budget by category, summing to 1; rows of categories that are not named are not chosen.
        budget: How many rows.
        percentile: Of a category's scores, from which a cluster's best is taken, in [0, 100].
        seed: Of the clustering.
        keys: A whole number for each row that says what it holds, such as a hash of its text: vectors may differ by
            rounding between two runs of a model. None takes a hash of the vector (`content_order`).

    Returns:
        The rows, and how the budget was divided.

    Raises:
        TypeError: If the budget is no whole number.
        ValueError: If lengths differ, a score is not finite, shares do not sum to 1, or the named categories have fewer
            rows than the budget.

    References:
        Mirza, Weber & Küch (2025), Stratified Selective Sampling for Instruction Tuning with Dedicated Scoring
            Strategy, arXiv:2505.22157, section on sampling. There k-means sees every row with a cluster for each row
            that is asked for; here `cluster_rows` finds many clusters as clusters of clusters.
    """
    values = to_host(scores)
    _check(values, embeddings, shares, percentile)
    known = None if keys is None else to_host(keys)
    if known is not None and known.shape != values.shape:
        raise ValueError(f"keys must have the {len(values)} rows of scores, got {len(known)}")
    codes, names = code_groups(categories, n=len(values))
    rows = {name: np.flatnonzero(codes == names.index(name)) for name in shares if name in set(names)}
    have = {name: len(rows.get(name, ())) for name in shares}
    _require_rows(budget, {name: n for name, n in have.items() if shares[name] > 0})
    wanted = {name: int(share * budget + ROUNDING) for name, share in shares.items()}
    taken = fill_shares(shares, have, budget, given={name: min(n, have[name]) for name, n in wanted.items()})
    parts = {}
    for name, count in taken.items():
        if count:
            own = rows[name]
            order = content_order(embeddings, own, values[own], keys=None if known is None else known[own])
            parts[name] = _choose(values, embeddings, own[order], count, percentile=percentile, seed=seed)
    chosen = np.concatenate([part.rows for part in parts.values()])
    clustered = np.concatenate([part.clustered for part in parts.values()])
    order = np.lexsort((-values[chosen], ~clustered))
    return StratifiedChoice(
        indices=chosen[order],
        clustered=clustered[order],
        wanted=wanted,
        taken=taken,
        shortfall={name: n - have[name] for name, n in wanted.items() if n > have[name]},
        thresholds={name: part.threshold for name, part in parts.items()},
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """What one category gives."""

    rows: Int[np.ndarray, " c"]
    clustered: Bool[np.ndarray, " c"]
    threshold: float


def _choose(
    values: np.ndarray, embeddings: Any, rows: Int[np.ndarray, " m"], count: int, *, percentile: int | float, seed: int
) -> _Part:
    """Best of clusters above the threshold, then the best of the rest; ties go to what comes first in `rows`."""
    if count == len(rows):
        return _Part(rows, np.zeros(count, dtype=bool), float("nan"))
    own = values[rows]
    threshold = float(np.percentile(own, percentile))
    labels = cluster_rows(embeddings, count, rows=rows, seed=seed).labels
    order = np.argsort(-own, kind="stable")
    best = order[np.unique(labels[order], return_index=True)[1]]
    is_clustered = np.zeros(len(rows), dtype=bool)
    is_clustered[best[own[best] >= threshold]] = True
    first = order[np.argsort(~is_clustered[order], kind="stable")][:count]
    return _Part(rows[first], is_clustered[first], threshold)


def _require_rows(budget: int, have: Mapping[Any, int]) -> None:
    told = ", ".join(f"{name!r} {n}" for name, n in have.items())
    require_budget(budget, sum(have.values()), rows=f"rows of the categories with a share ({told})")


def _check(values: np.ndarray, embeddings: Any, shares: Mapping[Any, int | float], percentile: int | float) -> None:
    if len(embeddings) != len(values):
        raise ValueError(f"embeddings must have the {len(values)} rows of scores, got {len(embeddings)}")
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise ValueError(
            f"scores must be finite, got NaN or infinity in {wrong.size} of {len(values)} rows, first in row "
            f"{wrong[0]}; score these rows or leave them out"
        )
    if any(not 0 <= share <= 1 for share in shares.values()) or abs(sum(shares.values()) - 1) > TOLERANCE:
        raise ValueError(
            f"shares must be in [0, 1] and sum to 1, got {dict(shares)}, which sum to {sum(shares.values()):g}"
        )
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile must be from 0 to 100, got {percentile}")
