"""Language similarity matrices: the mean cosine of translations, for every two of many languages (mPLM-Sim)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from probes.arrays import Array, as_stack, namespace, require_same_width, row_chunks, to_host, working_dtype
from probes.rsa import mid_ranks
from probes.symmetric_products import accumulated_product

BLOCK_ELEMENTS = 1 << 22
"""How many numbers of all languages together are made into unit rows at a time."""


@dataclass(frozen=True)
class PairwiseCosine:
    """The mean cosine of matched rows of every two matrices of a stack.

    Attributes:
        scores: Symmetric, with a diagonal of 1; see `standardised`.
        n: How many sentences were compared.
        centred: Whether the mean vector of each language was taken away first.
        standardised: Whether cosines were replaced by their ranks between 0 and 1.
    """

    scores: Float[np.ndarray, "m m"]
    n: int
    centred: bool
    standardised: bool


def pairwise_cosine(
    stack: Float[Array, "m n d"] | Sequence[Float[Array, "n d"]], *, centred: bool = False, standardised: bool = False
) -> PairwiseCosine:
    """Average the cosines of translations between every two of many languages.

    Raw cosines of contextual models lie close together (.96 to .98), because all vectors share a direction. `centred`
    takes each language's own mean vector away; `standardised` keeps only the order of the languages' similarities, so
    that layers and models can be compared.

    Memory: blocks of the same rows of all languages, of about 4 million numbers, whatever m and n are.

    Args:
        stack: An (m, n, d) array, or a list of m matrices of one shape with the same sentences in the same order.
        centred: Take the mean vector of each language away before cosines.
        standardised: Replace each mean cosine of two different languages by its mid-rank among all of them, from 0 (the
            least similar two) to 1.

    Returns:
        The symmetric matrix of scores, 1 on the diagonal.

    Raises:
        ValueError: If shapes differ, there are fewer than 4 rows, a value is not finite, or a row is zero (or, centred,
            the mean of its language).

    References:
        Lin et al. (2024), mPLM-Sim: Better Cross-Lingual Similarity and Transfer in Multilingual Pretrained Language
            Models, arXiv:2305.13684, sec. 3 (raw cosines).
    """
    members = as_stack(stack)
    for member in members[1:]:
        require_same_width(members[0], member)
    n = members[0].shape[0]
    scores = to_host(_products(members, centred)) / n
    np.fill_diagonal(scores, 1.0)
    return PairwiseCosine(rank_standardised(scores) if standardised else scores, n, centred, standardised)


def rank_standardised(scores: Float[np.ndarray, "m m"]) -> Float[np.ndarray, "m m"]:
    """Replace the scores of a symmetric matrix by their mid-ranks from 0 to 1, with a diagonal of 1; NaN stays.

    With a single pair of languages, or with all scores tied, every rank is 1/2.
    """
    pairs = np.tri(scores.shape[0], k=-1, dtype=bool)
    pairs &= ~np.isnan(scores)
    ranks = mid_ranks(scores[pairs])
    lower = np.where(np.tri(scores.shape[0], k=-1, dtype=bool), np.nan, 0.0)
    lower[pairs] = ranks / (ranks.size - 1) if ranks.size > 1 else 0.5
    return lower + lower.T + np.eye(scores.shape[0])


def _products(members: list[Array], centred: bool) -> Float[Array, "m m"]:
    """Return the sums over rows of the cosines of every two members."""
    xp, (n, d) = namespace(members[0]), members[0].shape
    total = xp.zeros((len(members), len(members)), dtype=xp.float64, device=members[0].device)
    means = [xp.mean(xp.astype(x, xp.float64), axis=0) * float(centred) for x in members]
    for rows in row_chunks(n, d * len(members), elements=BLOCK_ELEMENTS):
        units = [
            _unit_rows(x, rows, mean, f"stack[{i}]") for i, (x, mean) in enumerate(zip(members, means, strict=True))
        ]
        block = xp.stack([xp.reshape(unit, (-1,)) for unit in units])
        total += accumulated_product(block, block)
    return (total + total.T) / 2


def _unit_rows(x: Float[Array, "n d"], rows: slice, mean: Float[Array, " d"], name: str) -> Float[Array, "r d"]:
    """Return rows less the mean, divided by their lengths in float64.

    Raises:
        ValueError: If nothing but rounding is left of a row.
    """
    xp = namespace(x)
    wide = xp.astype(x[rows, :], xp.float64) - mean
    largest = xp.max(xp.abs(wide), axis=1)
    empty = to_host(largest <= 8 * xp.finfo(xp.float64).eps * xp.max(xp.abs(mean)))
    if empty.any():
        row = rows.start + int(np.flatnonzero(empty)[0])
        found = "the mean of all its rows" if bool(xp.any(mean != 0)) else "zeros"
        raise ValueError(
            f"{name} must have a direction in every row, got {found} in row {row}; leave that sentence out"
        )
    wide /= largest[:, None]
    wide /= xp.sqrt(xp.sum(wide * wide, axis=1))[:, None]
    return xp.astype(wide, working_dtype(x))
