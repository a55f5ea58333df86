"""Links by probabilities: words that are likely translations of each other, both ways."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from xalign.word_alignment.blocks import Block, Found, extract_blockwise
from xalign.word_alignment.links import Links
from xalign.word_alignment.option_checks import require_positive, require_threshold

Normalise = Callable[[Float[np.ndarray, "b s t"], int], Float[np.ndarray, "b s t"]]
"""Turns scores into probabilities along an axis."""


def softmax_links(similarities: Sequence[Any], *, threshold: float = 1e-3, temperature: float = 1.0) -> list[Links]:
    """Link words whose softmax probability is above a threshold both ways: over target words and over source words.

    Confidence: the harmonic mean of both probabilities.

    Args:
        similarities: Inner products of word vectors as the model gives them, not cosines, one (source words, target
            words) matrix per sentence pair. Cosines need a temperature near 1 / (squared norm of a word vector).
        threshold: Probabilities above it count, in [0, 1).
        temperature: What similarities are divided by, above 0.

    Returns:
        The links of each pair.

    Raises:
        ValueError: If a value is not finite, or an option is out of range.

    References:
        Dou & Neubig (2021), Word Alignment by Fine-tuning Embeddings on Parallel Corpora, arXiv:2101.08231
            (probability thresholding; 1e-3 in the released code).
    """
    return _extract(similarities, softmax, threshold, temperature)


def entmax_links(similarities: Sequence[Any], *, threshold: float = 1e-3, temperature: float = 1.0) -> list[Links]:
    """Link words whose 1.5-entmax probability is above a threshold both ways.

    As `softmax_links`, with probabilities that are exactly 0 for unlikely words; awesome-align's own code takes
    threshold 0. Confidence: the harmonic mean of both probabilities.

    Args:
        similarities: Inner products of word vectors, one (source words, target words) matrix per sentence pair.
        threshold: Probabilities above it count, in [0, 1).
        temperature: What similarities are divided by, above 0.

    Returns:
        The links of each pair.

    Raises:
        ValueError: If a value is not finite, or an option is out of range.

    References:
        Dou & Neubig (2021), arXiv:2101.08231
            (alpha-entmax with alpha 1.5).
    """
    return _extract(similarities, entmax, threshold, temperature)


def _extract(similarities: Sequence[Any], normalise: Normalise, threshold: float, temperature: float) -> list[Links]:
    require_threshold(threshold)
    require_positive("temperature", temperature)
    find = partial(_both_ways, normalise=normalise, threshold=threshold, temperature=temperature)
    return extract_blockwise(similarities, find, cosines=False)


def _both_ways(block: Block, *, normalise: Normalise, threshold: float, temperature: float) -> Found:
    scores = block.values.astype(np.float64) / temperature
    # Far below every score, yet finite: a row outside a pair's words has no other values.
    scores = block.filled(scores, float(scores.min()) - 1e6)
    forward, backward = normalise(scores, 2), normalise(scores, 1)
    linked = (forward > threshold) & (backward > threshold) & block.inside
    mean = np.divide(2 * forward * backward, forward + backward, out=np.zeros_like(forward), where=linked)
    return linked, mean


def softmax(scores: Float[np.ndarray, "*shape"], axis: int) -> Float[np.ndarray, "*shape"]:
    """Return exp(scores), scaled to sum to 1 along an axis."""
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def entmax(scores: Float[np.ndarray, "*shape"], axis: int) -> Float[np.ndarray, "*shape"]:
    """Return max(scores / 2 - tau, 0)^2 with the tau that makes it sum to 1 along an axis: exact 1.5-entmax.

    With z = scores / 2 sorted falling, the k largest alone give tau(k) = mean - sqrt((1 - squares about it) / k); k is
    right while tau(k) <= z_k.

    References:
        Peters, Niculae & Martins (2019), Sparse Sequence-to-Sequence Models, arXiv:1905.05702, algorithm 2.
    """
    # Nothing that lies 1 below the largest has mass, so larger differences need not be kept; kept at 1 itself, rounding
    # could give it some.
    z = np.maximum((scores - scores.max(axis=axis, keepdims=True)) / 2, -2.0)
    falling = -np.sort(-np.moveaxis(z, axis, -1), axis=-1)
    k = np.arange(1, falling.shape[-1] + 1)
    mean = np.cumsum(falling, axis=-1) / k
    squares = np.cumsum(falling**2, axis=-1) - k * mean**2
    taus = mean - np.sqrt(np.maximum(1 - squares, 0) / k)
    support = (taus <= falling).sum(axis=-1, keepdims=True)
    tau = np.moveaxis(np.take_along_axis(taus, support - 1, axis=-1), -1, axis)
    return np.maximum(z - tau, 0) ** 2
