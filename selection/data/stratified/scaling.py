"""Scores of several sources on one scale from 0 to 1."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from probes.arrays import to_host
from selection.data.grouping import code_groups


def robust_scale(
    values: Float[Any, " n"],
    sources: Sequence[Hashable] | np.ndarray,
    *,
    quantiles: tuple[int | float, int | float] = (1, 99),
    clip: bool = False,
) -> Float[np.ndarray, " n"]:
    """Scale by median and quantiles over all sources, then to [0, 1] within each source.

    The first step is `(x - median) / (q_high - q_low)`, one affine map for all rows, and the second undoes any such
    map: as published, the result is that of the second step alone. With `clip`, values beyond the two quantiles are set
    to them in between, so that one outlier does not press a source's other rows together.

    Args:
        values: A score of each row.
        sources: Where each row comes from: a data set, or the scorer that gave its score.
        quantiles: Low and high, in percent.
        clip: Set values beyond the quantiles to these.

    Returns:
        Values in [0, 1]. A source whose values are all equal tells nothing by itself: its rows have the place of that
        value among the values of all sources, and 1 where these are all equal, so that a product is left as it is.

    Raises:
        ValueError: If a value is not finite, or the quantiles are not ordered within [0, 100].

    References:
        Mirza, Weber & Küch (2025), Stratified Selective Sampling for Instruction Tuning with Dedicated Scoring
            Strategy, arXiv:2505.22157, section on sampling.
    """
    scores = _finite("values", to_host(values))
    low, high = quantiles
    if not 0 <= low < high <= 100:
        raise ValueError(f"quantiles must be two percentages, the lower first, got {quantiles}")
    codes, names = code_groups(sources, n=len(scores))
    if not len(scores):
        return scores
    bottom, median, top = np.percentile(scores, [low, 50, high])
    if clip:
        scores = np.clip(scores, bottom, top)
    scaled = (scores - median) / (top - bottom if top > bottom else 1.0)
    least, most = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    np.minimum.at(least, codes, scaled)
    np.maximum.at(most, codes, scaled)
    is_flat = most <= least
    least[is_flat], most[is_flat] = scaled.min(), scaled.max()
    span = most - least
    return np.where(span[codes] > 0, (scaled - least[codes]) / np.where(span > 0, span, 1.0)[codes], 1.0)


def preference(
    quality: Float[Any, " n"],
    difficulty: Float[Any, " n"],
    sources: Sequence[Hashable] | np.ndarray,
    *,
    quantiles: tuple[int | float, int | float] = (1, 99),
    clip: bool = False,
) -> Float[np.ndarray, " n"]:
    """Multiply quality by difficulty, each scaled by `robust_scale`.

    Args:
        quality: How good each response is, up is better.
        difficulty: How hard each instruction is, up is harder.
        sources: As in `robust_scale`.
        quantiles: As in `robust_scale`.
        clip: As in `robust_scale`.

    Returns:
        Values in [0, 1], which `stratified_select` takes as scores.

    Raises:
        ValueError: If lengths differ or a value is not finite.
    """
    good, hard = to_host(quality), to_host(difficulty)
    if good.shape != hard.shape:
        raise ValueError(f"difficulty must have the {len(good)} rows of quality, got {len(hard)}")
    return robust_scale(_finite("quality", good), sources, quantiles=quantiles, clip=clip) * robust_scale(
        _finite("difficulty", hard), sources, quantiles=quantiles, clip=clip
    )


def from_zero(values: Float[Any, " n"]) -> Float[np.ndarray, " n"]:
    """Scale values of any sign to units of the way from their 1st to their 99th percentile, and 0 below the former.

    One value far below the others therefore presses them not together; values above the 99th percentile keep their
    order, so that the best do not tie.

    Args:
        values: Any that are finite.

    Returns:
        Values of at least 0; where all are equal, 1.
    """
    scores = to_host(values)
    low, high = np.percentile(scores, [1, 99]) if len(scores) else (0.0, 0.0)
    if high > low:
        return np.maximum(scores - low, 0) / (high - low)
    return np.ones(len(scores)) if len(np.unique(scores)) < 2 else scores - scores.min()


def _finite(name: str, values: np.ndarray) -> Float[np.ndarray, " n"]:
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise ValueError(
            f"{name} must be finite, got NaN or infinity in {wrong.size} of {len(values)} rows, first in row "
            f"{wrong[0]}; score these rows or leave them out"
        )
    return values.astype(np.float64)
