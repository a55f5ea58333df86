"""How far a row can be trusted to lie where its meaning is, from its own translation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float


def pair_margins(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "n d"],
    near_x: Float[np.ndarray, "m d"],
    near_y: Float[np.ndarray, "m d"],
    *,
    same: Bool[np.ndarray, "n m"],
    k: int = 4,
) -> Float[np.ndarray, " n"]:
    """Divide the cosine of each pair by the mean cosine of both with their k nearest on the other side.

    Args:
        x: Unit vectors of rows.
        y: Of their translations, row by row.
        near_x: Of rows among which the neighbours of `y` are looked for: all of `x`, or a sample.
        near_y: Of translations among which those of `x` are, row by row as `near_x`.
        same: Which rows of `near_x` have the text of which row of `x`: these are one pair, and no neighbours.
        k: Neighbours, of which each pair is one if it is near enough; fewer where there are fewer.

    Returns:
        Ratio margins; NaN where the mean is not above 0, of which there is no ratio.

    References:
        Artetxe & Schwenk (2019), Margin-based Parallel Corpus Mining with Multilingual Sentence Embeddings,
            arXiv:1811.01136, eq. 3.
    """
    pair = np.einsum("ij,ij->i", x, y).astype(np.float64)
    means = (_mean_nearest(x @ near_y.T, pair, same, k) + _mean_nearest(y @ near_x.T, pair, same, k)) / 2
    return np.divide(pair, means, out=np.full(len(pair), np.nan), where=means > 0)


def _mean_nearest(
    cosines: Float[np.ndarray, "n m"], pair: Float[np.ndarray, " n"], same: Bool[np.ndarray, "n m"], k: int
) -> Float[np.ndarray, " n"]:
    """The mean of the k largest of a row's cosines, its own pair among them once; of all where there are fewer."""
    cosines[same] = -np.inf
    k = min(k, cosines.shape[1])
    cosines.partition(cosines.shape[1] - k, axis=1)
    found = np.sort(np.column_stack([pair, cosines[:, cosines.shape[1] - k :]]), axis=1)[:, 1:]
    known = np.isfinite(found)
    return np.where(known, found, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def margin_reliability(
    margins: Float[np.ndarray, " n"], *, full: float = 1.3, least: float = 0.1
) -> Float[np.ndarray, " n"]:
    """Turn the margin of a row and its translation into a reliability: how much nearer it is than the next best.

    It rises linearly from 0 at margin 1, where the translation is no nearer than its neighbours, to 1 at `full`.

    Args:
        margins: Ratio margins (`probes.mine_bitext`, `probes.margin_retrieval`): the cosine of a pair over the mean
            cosine with the neighbours of both. NaN where a row has no translation: it is left at 1.
        full: The margin from which on a row is fully reliable, above 1.
        least: The lowest reliability, in (0, 1]: costs are divided by it.

    Returns:
        A reliability for each row, in [least, 1]; multiply it with that of the row's language.

    Raises:
        ValueError: If a margin is infinite, or a limit is out of range.

    References:
        Artetxe & Schwenk (2019), Margin-based Parallel Corpus Mining with Multilingual Sentence Embeddings,
            arXiv:1811.01136, eq. 3 (the margin).
    """
    values = np.asarray(margins, dtype=np.float64)
    if np.isinf(values).any():
        raise ValueError(
            f"margins must be finite, or NaN without a translation, got infinity in row {np.isinf(values).argmax()}"
        )
    if not full > 1 or not 0 < least <= 1:
        raise ValueError(f"full must be above 1 and least in (0, 1], got {full} and {least}")
    return np.where(np.isnan(values), 1.0, np.clip((values - 1) / (full - 1), least, 1.0))
