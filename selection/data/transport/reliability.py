"""How far a row can be trusted to lie where its meaning is, from its own translation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


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
