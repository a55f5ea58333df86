"""Links by iterating: mutual nearest words first, then those of what is left, links with a linked word held back."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from probes.arrays import require_whole
from xalign.word_alignment.blocks import Block, Found, extract_blockwise, half_cosines
from xalign.word_alignment.links import Links
from xalign.word_alignment.matching import mutual_argmax
from xalign.word_alignment.option_checks import require_share


def itermax_links(
    similarities: Sequence[Any], *, iterations: int = 2, alpha: float = 0.9, distortion: float = 0.0
) -> list[Links]:
    """Link mutual nearest words, then again among what is left, so that a word may get several links.

    From the second iteration on, the similarity (1 + cosine) / 2 of two words counts min(1, 2 alpha) times if neither
    has a link, alpha times if one has, and not at all if both have. Nothing is added where a side has at most 2 words,
    or no word without a link. Of equally similar words the first counts. Confidence: (1 + cosine) / 2 of the two words,
    after distortion.

    Args:
        similarities: Cosines, one (source words, target words) matrix per sentence pair.
        iterations: How often; 1 is argmax.
        alpha: What a similarity is worth to a word that has a link, in (0, 1].
        distortion: How much words at different places of their sentences are held back, in [0, 1].

    Returns:
        The links of each pair.

    Raises:
        TypeError: If `iterations` is no whole number.
        ValueError: If a value is no cosine, or an option is out of range.

    References:
        Jalili Sabet et al. (2020), SimAlign, arXiv:2004.08728 (Itermax) and the package's settings, 2 and
            .9; as in the package, both sides need a word without a link for another iteration.
    """
    require_whole("iterations", iterations, minimum=1)
    require_share("alpha", alpha)
    require_share("distortion", distortion, include_zero=True)
    return extract_blockwise(similarities, partial(_itermax, iterations=iterations, alpha=alpha, distortion=distortion))


def _itermax(block: Block, *, iterations: int, alpha: float, distortion: float) -> Found:
    similarity = half_cosines(block, distortion=distortion)
    values = block.filled(similarity, -np.inf)
    linked = mutual_argmax(values)
    for _ in range(iterations - 1):
        added = _next_links(block, values, linked, alpha)
        if not added.any():
            break
        linked |= added
    return linked, similarity


def _next_links(
    block: Block, values: Float[np.ndarray, "b s t"], linked: Bool[np.ndarray, "b s t"], alpha: float
) -> Bool[np.ndarray, "b s t"]:
    """Return the links that one more iteration adds."""
    free_rows, free_columns = np.all(~linked, axis=2), np.all(~linked, axis=1)
    both_free = (free_rows & block.own_source).any(axis=1) & (free_columns & block.own_target).any(axis=1)
    growing = both_free & (np.minimum(block.n_source, block.n_target) > 2)
    weights = np.minimum(alpha * free_rows[:, :, None] + alpha * free_columns[:, None, :], 1.0)
    # Outside a pair nothing is ever linked, so the weight there is positive and -inf stays -inf.
    added = mutual_argmax(values * weights)
    return added & (weights > 0) & np.expand_dims(growing, (1, 2))
