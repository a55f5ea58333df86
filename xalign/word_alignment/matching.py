"""Links by matching: words that are each other's nearest, and the matching of largest total similarity."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from xalign.word_alignment.blocks import Block, Found, extract_blockwise, half_cosines
from xalign.word_alignment.links import Links
from xalign.word_alignment.option_checks import require_share


def argmax_links(similarities: Sequence[Any], *, distortion: float = 0.0) -> list[Links]:
    """Link words that are each other's most similar.

    Of equally similar words the first counts. Where two equal words stand in a sentence and a tie falls so, a word may
    stay without a link. Confidence: (1 + cosine) / 2 of the two words, after distortion.

    Args:
        similarities: Cosines, one (source words, target words) matrix per sentence pair.
        distortion: How much words at different places of their sentences are held back, in [0, 1].

    Returns:
        The links of each pair.

    Raises:
        ValueError: If a value is no cosine, or an option is out of range.

    References:
        Jalili Sabet et al. (2020), SimAlign, arXiv:2004.08728 (Argmax; `inter` in the package).
    """
    require_share("distortion", distortion, include_zero=True)
    return extract_blockwise(similarities, partial(_argmax, distortion=distortion))


def _argmax(block: Block, *, distortion: float) -> Found:
    similarity = half_cosines(block, distortion=distortion)
    return mutual_argmax(block.filled(similarity, -np.inf)), similarity


def mutual_argmax(values: Float[np.ndarray, "b s t"]) -> Bool[np.ndarray, "b s t"]:
    """Say which entries are the first largest of both their row and column; -inf outside a pair's words is never."""
    forward, backward = values.argmax(axis=2), values.argmax(axis=1)
    k, i = np.nonzero(np.take_along_axis(backward, forward, axis=1) == np.arange(values.shape[1]))
    mutual = np.zeros(values.shape, dtype=bool)
    mutual[k, i, forward[k, i]] = True
    return mutual


def matching_links(similarities: Sequence[Any], *, distortion: float = 0.0) -> list[Links]:
    """Link words one to one so that the sum of similarities is largest; every word of the shorter side gets a link.

    Confidence: (1 + cosine) / 2 of the two words, after distortion. Where several matchings have the same sum, which
    one is taken depends on the solver.

    Args:
        similarities: Cosines, one (source words, target words) matrix per sentence pair.
        distortion: How much words at different places of their sentences are held back, in [0, 1].

    Returns:
        The links of each pair.

    Raises:
        ValueError: If a value is no cosine, or an option is out of range.

    References:
        Jalili Sabet et al. (2020), SimAlign, arXiv:2004.08728 (Match; `mwmf` in the package, which
            leaves out words whose similarity (1 + cosine) / 2 is exactly 0).
        Crouse (2016), On implementing 2D rectangular assignment algorithms (scipy's solver).
    """
    require_share("distortion", distortion, include_zero=True)
    return extract_blockwise(similarities, partial(_matching, distortion=distortion))


def _matching(block: Block, *, distortion: float) -> Found:
    from scipy.optimize import linear_sum_assignment

    similarity = half_cosines(block, distortion=distortion)
    matched = np.zeros(similarity.shape, dtype=bool)
    for row, matrix in enumerate(block.matrices(similarity)):
        matched[row, *linear_sum_assignment(matrix, maximize=True)] = True
    return matched, similarity
