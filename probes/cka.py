"""Linear CKA: do two languages place the same sentences in the same arrangement, up to rotation and scale?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from probes.arrays import Array, as_stack, namespace, require_choice, require_matching, row_chunks, to_host
from probes.cka_sides import (
    ESTIMATORS,
    CKAPreparation,
    CKASide,
    PreparedCKA,
    cka_side,
    feature_normaliser,
    feature_product,
    normaliser,
    undefined_reason,
    upper_blocks,
)
from probes.judging import judged_by
from probes.symmetric_products import accumulated_product

TILE = 256
"""How many members of a stack are centred at a time, twice over."""


@dataclass(frozen=True)
class CKA:
    """A centred kernel alignment.

    Attributes:
        score: At most 1; negative values of the debiased estimator are reported as they are; NaN has a `reason`.
        chance: The exact mean over all permutations of the rows: 0 when debiased, far above 0 when biased and n < d.
        n: How many sentences were compared.
        estimator: debiased or biased.
        reason: Why the score is NaN; empty where it is not.
    """

    score: float
    chance: float
    n: int
    estimator: str
    reason: str = ""


@dataclass(frozen=True)
class PairwiseCKA:
    """CKA of every two matrices of a stack.

    Attributes:
        scores: Symmetric; NaN where a matrix does not vary.
        n: How many sentences were compared.
        estimator: debiased or biased.
    """

    scores: Float[np.ndarray, "m m"]
    n: int
    estimator: str


@judged_by(CKAPreparation)
def linear_cka(x: Float[Array, "n d"], y: Float[Array, "n e"], *, estimator: str = "debiased") -> CKA:
    """Compare the similarity structure of the same sentences in two spaces.

    With centred Grams K and L: `<K, L> / (|K| |L|)`. The biased estimator takes all entries; of independent Gaussians
    it gives .96 at n = 32, d = 768. The debiased one replaces HSIC by the unbiased HSIC_1 (U-centred Grams), so that
    unrelated spaces give 0 on average.

    Args:
        x: Sentence vectors of one language, at least 4; row i is matched with row i of `y`.
        y: Sentence vectors of the other; its dimensions may differ in number.
        estimator: debiased | biased. The bootstrap of the biased one is centred on the score (see
            `bootstrap_interval`).

    Returns:
        The score with its chance level; NaN with a reason where a normaliser is not positive.

    Raises:
        ValueError: If the rows differ in number, there are fewer than 4, a value is not finite, or the estimator is
            unknown.

    References:
        Kornblith et al. (2019), Similarity of Neural Network Representations Revisited, arXiv:1905.00414, eq. 3-4.
        Song et al. (2012), Feature Selection via Dependence Maximization, JMLR 13, eq. 5.
        Székely & Rizzo (2014), Partial distance correlation with methods for dissimilarities, arXiv:1310.2926
            (U-centring).
    """
    require_matching(x, y)
    a, b = cka_side(x, estimator=estimator), cka_side(y, estimator=estimator, name="y")
    prepared = PreparedCKA(a, b)
    score = _score_from_features(a, b) if _columns_are_cheaper(a, b) else prepared.score
    reason = undefined_reason(a, b, score)
    return CKA(score, _chance(a, b), a.n, estimator, reason)


def _columns_are_cheaper(a: CKASide, b: CKASide) -> bool:
    """Two symmetric n x n products against two symmetric d x d ones and a full one."""
    n, d, e = a.n, a.features.shape[1], b.features.shape[1]
    return n * (d + e) > d * d + e * e + 2 * d * e


def _score_from_features(a: CKASide, b: CKASide) -> float:
    return feature_product(a, b) / feature_normaliser(a, b)


def _chance(a: CKASide, b: CKASide) -> float:
    if a.estimator == "debiased":
        return 0.0
    traces = float(a.lengths.sum() * b.lengths.sum())
    norm = feature_normaliser(a, b) if _columns_are_cheaper(a, b) else normaliser(a, b)
    return traces / ((a.n - 1) * norm)


def pairwise_cka(
    stack: Float[Array, "m n d"] | Sequence[Float[Array, "n _"]], *, estimator: str = "debiased"
) -> PairwiseCKA:
    """Compare every two of many languages (or layers) at once.

    Each Gram is formed once, in blocks of rows right of the diagonal, and one product per block gives the inner
    products of all pairs: the cost grows with m for the Grams. Memory: centred copies (in their own type, float32 or
    float64) of at most 512 members at a time, and blocks of about 64 MB, whatever m and n are; beyond 256 members Grams
    are formed again for every tile of 256 they meet.

    Args:
        stack: An (m, n, d) array, or a list of m matrices with the same n rows in the same order.
        estimator: debiased | biased; see `linear_cka`.

    Returns:
        The symmetric matrix of scores.

    Raises:
        ValueError: If matrices differ in rows, have fewer than 4, hold a value that is not finite, or the estimator is
            unknown.

    References:
        As `linear_cka`.
    """
    members = as_stack(stack)
    require_choice("estimator", estimator, ESTIMATORS)
    products = _all_products(members, estimator)
    own = np.diag(products)
    norms = np.sqrt(np.where(own > 0, own, np.nan))
    scores = products / norms[:, None] / norms[None, :]
    np.fill_diagonal(scores, np.where(own > 0, 1.0, np.nan))
    return PairwiseCKA(scores, members[0].shape[0], estimator)


def _all_products(members: list[Array], estimator: str, *, tile: int = TILE) -> Float[np.ndarray, "m m"]:
    """Return the inner products of all centred Grams, with no more than two tiles of members centred at a time."""
    products = np.zeros((len(members), len(members)))
    tiles = [slice(start, start + tile) for start in range(0, len(members), tile)]
    for i, first in enumerate(tiles):
        a = _sides(members, first, estimator)
        for second in tiles[i:]:
            b = a if second is first else _sides(members, second, estimator)
            products[first, second] = _products_between(a, b)
    upper = np.triu(products)
    return upper + np.triu(products, 1).T


def _sides(members: list[Array], tile: slice, estimator: str) -> list[CKASide]:
    return [cka_side(x, estimator=estimator, name=f"stack[{tile.start + i}]") for i, x in enumerate(members[tile])]


def _products_between(a: list[CKASide], b: list[CKASide], *, elements: int = 1 << 24) -> Float[np.ndarray, "s m"]:
    xp = namespace(a[0].features)
    total = xp.zeros((len(a), len(b)), dtype=xp.float64, device=a[0].features.device)
    for rows in row_chunks(a[0].n, a[0].n * max(len(a), len(b)), elements=elements):
        blocks = upper_blocks(a, rows)
        total += accumulated_product(blocks, blocks if b is a else upper_blocks(b, rows))
    return to_host(total)
