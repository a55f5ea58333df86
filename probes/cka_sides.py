"""What one language contributes to CKA, two of them paired, and one pivot judged against many.

CKA compares centred Grams, whatever kernel they come from: a `GramSide` holds one. `CKASide` is that of the linear
kernel, which can also be compared without forming Grams; `probes.rbf_cka` has that of the Gaussian kernel.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import (
    Array,
    centred,
    checked,
    inner_product,
    namespace,
    require_choice,
    require_matching,
    to_device_of,
    to_host,
    working_dtype,
)
from probes.judging import Preparation, centred_on
from probes.symmetric_products import WeightedMatrix, counted, permuted_products, permuted_products_with_many

ESTIMATORS = ("debiased", "biased")


class GramSide(ABC):
    """A language as CKA sees it: its Gram matrix under some kernel, centred for an estimator of HSIC.

    Attributes:
        lengths: Diagonal of the doubly centred Gram; all 0 where nothing varies.
        estimator: debiased (U-centred, with a diagonal of zeros) or biased (doubly centred).
        name: What errors and reasons call the vectors.
    """

    lengths: Float[np.ndarray, " n"]
    estimator: str
    name: str

    @property
    def n(self) -> int:
        """How many rows."""
        return self.lengths.size

    @property
    @abstractmethod
    def gram(self) -> Float[Array, "n n"]:
        """The centred Gram."""

    @property
    def flaw(self) -> str:
        """Why the Gram is zero; empty where it is not."""
        if self.lengths.any():
            return ""
        return f"{self.name} has the same vector in every row, so nothing varies that could be compared"

    @cached_property
    def self_similarity(self) -> float:
        """The inner product of the Gram with itself: n (n - 3) HSIC_1(x, x), or (n - 1)^2 HSIC_0(x, x)."""
        return inner_product(self.gram, self.gram)


@dataclass(frozen=True, eq=False)
class CKASide(GramSide):
    """Centred vectors, and their Gram matrix under the linear kernel.

    Attributes:
        features: Rows centred in float64, scaled to mean square 1 (CKA does not see scale), in the working type.
        lengths: Squared length of each row: the diagonal of `features @ features.T`.
        estimator: Which estimator of HSIC the Gram is centred for.
        name: What errors and reasons call the vectors.
    """

    features: Float[Array, "n d"]
    lengths: Float[np.ndarray, " n"]
    estimator: str
    name: str

    @cached_property
    def shifts(self) -> Float[np.ndarray, " n"]:
        """What U-centring takes from row i and from column i (0 for the biased estimator).

        Rows of a centred Gram sum to zero, so without its diagonal row i sums to -lengths[i], and Song's column terms
        are known without a pass over the Gram.
        """
        if self.estimator == "biased":
            return np.zeros_like(self.lengths)
        n = self.n
        return -self.lengths / (n - 2) + self.lengths.sum() / (2 * (n - 1) * (n - 2))

    @cached_property
    def gram(self) -> Float[Array, "n n"]:
        """The centred Gram; for the debiased estimator U-centred, with a diagonal of zeros."""
        return self.gram_rows(slice(0, self.n))

    def gram_rows(self, rows: slice) -> Float[Array, "r w"]:
        """Return the rows of the Gram from their own first column on (the part left of it is known by symmetry)."""
        xp = namespace(self.features)
        right = self.features[rows.start :, :]
        gram = self.features[rows, :] @ right.T
        if self.estimator == "debiased":
            shifts = to_device_of(self.shifts, gram, dtype=gram.dtype)
            gram -= shifts[rows, None]
            gram -= shifts[None, rows.start :]
            diagonal = xp.arange(gram.shape[0], device=gram.device)
            gram[diagonal, diagonal] = 0.0
        return gram

    @cached_property
    def self_similarity_from_features(self) -> float:
        """The same number from the d x d products of columns, cheaper when n is far larger than d."""
        return feature_product(self, self)


def cka_side(x: Float[Array, "n d"], *, estimator: str = "debiased", name: str = "x") -> CKASide:
    """Return the side of CKA that belongs to `x`.

    Raises:
        ValueError: If `x` has fewer than 4 rows or values that are not finite, or the estimator is unknown.
    """
    require_choice("estimator", estimator, ESTIMATORS)
    x = checked(x, name=name)
    xp = namespace(x)
    wide, deviations = centred(x)
    scale = float(xp.sqrt(xp.mean(deviations**2)))
    wide /= scale if scale > 0 else 1.0
    return CKASide(xp.astype(wide, working_dtype(x)), to_host(xp.sum(wide * wide, axis=1)), estimator, name)


def feature_product(a: CKASide, b: CKASide) -> float:
    """Return the inner product of two centred Grams without forming them.

    The trace of K L is `|Xc' Yc|^2`; for the debiased estimator its diagonal terms and Song's corrections follow from
    the row lengths alone, because the rows of a centred Gram sum to zero.
    """
    cross = a.features.T @ b.features
    trace = inner_product(cross, cross)
    if a.estimator == "biased":
        return trace
    n, products = a.n, float(a.lengths @ b.lengths)
    totals = float(a.lengths.sum() * b.lengths.sum())
    return trace - products - 2 * products / (n - 2) + totals / ((n - 1) * (n - 2))


def normaliser(a: GramSide, b: GramSide) -> float:
    """Return the square root of the product of the self-similarities, or NaN where one is not positive."""
    return _geometric_mean(a.self_similarity, b.self_similarity)


def feature_normaliser(a: CKASide, b: CKASide) -> float:
    """Return the same without forming Grams."""
    return _geometric_mean(a.self_similarity_from_features, b.self_similarity_from_features)


def _geometric_mean(first: float, second: float) -> float:
    return float(np.sqrt(first * second)) if min(first, second) > 0 else float("nan")


def undefined_reason(a: GramSide, b: GramSide, score: float) -> str:
    """Say why a CKA is NaN; empty where it is not."""
    if not np.isnan(score):
        return ""
    flaws = [side.flaw for side in (a, b) if side.flaw]
    if flaws:
        return flaws[0]
    return "the debiased HSIC of x or y with itself is not positive: too few rows for what varies; give more sentences"


@dataclass(frozen=True, eq=False)
class PreparedCKA:
    """Two sides of CKA, judged from their Grams; holds n x n numbers a side and one such temporary.

    A permutation moves rows and columns of one Gram, so only the inner product changes. In a bootstrap a sentence drawn
    twice would form a pair with its own copy, of similarity |x_i|^2 in both languages: the naive bootstrap of debiased
    CKA finds thousands of such shared pairs and lies far above the score. Here copies form no pair: HSIC_1 is taken of
    the resampled Grams with zeros wherever both rows are the same sentence. The biased estimator has such pairs in the
    sample too (its diagonal), but fewer: its plain bootstrap lies as far above the score as copies add, and is moved
    back onto it by `probes.judging.centred_on`.
    """

    a: GramSide
    b: GramSide

    @cached_property
    def score(self) -> float:
        """CKA of the matched rows; NaN where a normaliser is not positive."""
        return inner_product(self.a.gram, self.b.gram) / normaliser(self.a, self.b)

    @property
    def chance(self) -> float:
        """The exact mean over all permutations: 0 when debiased, tr K tr L / ((n - 1) |K| |L|) when biased."""
        if self.a.estimator == "debiased":
            return 0.0
        traces = float(self.a.lengths.sum() * self.b.lengths.sum())
        return traces / ((self.a.n - 1) * normaliser(self.a, self.b))

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the CKA of x with y[p] for each permutation p."""
        return permuted_products(self.a.gram, self.b.gram, permutations) / normaliser(self.a, self.b)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the CKA of each resample: copies form no pair (debiased), or are centred on the score (biased)."""
        return self.resampled_with(ResampledSide(self.a, counts), ResampledSide(self.b, counts))

    def resampled_with(self, a: "ResampledSide", b: "ResampledSide") -> Float[np.ndarray, " m"]:
        """Return the same, given both sides resampled."""
        scores = _resampled_scores(a, b)
        return scores if self.a.estimator == "debiased" else centred_on(self.score, scores)


class ResampledSide(WeightedMatrix):
    """A Gram under many resamples, and its own weighted self-similarity."""

    def __init__(self, side: GramSide, counts: Int[np.ndarray, "m n"]) -> None:
        super().__init__(side.gram, counts)
        self.side = side

    @cached_property
    def self_similarity(self) -> Float[np.ndarray, " m"]:
        """The weighted inner product of the Gram with itself."""
        return weighted_product(self, self)


def weighted_product(a: ResampledSide, b: ResampledSide) -> Float[np.ndarray, " m"]:
    """Return HSIC (times its constant) of every resample: with weights w, centred anew.

    S1 = w'(K.L)w, S2 = sum_i w_i (Kw)_i (Lw)_i, S3 = (w'Kw)(w'Lw): Song's S1 - 2 S2 / (n - 2) + S3 / ((n - 1)(n - 2))
    for Grams with a zero diagonal, S1 - 2 S2 / n + S3 / n^2 for the biased estimator.
    """
    n = a.side.n
    s1, s2, s3 = a.product(b), a.sums(a.rows * b.rows), a.total * b.total
    divisors = (n * 0.5, float(n * n)) if a.side.estimator == "biased" else (0.5 * (n - 2), (n - 1.0) * (n - 2.0))
    return s1 - s2 / divisors[0] + s3 / divisors[1]


def _resampled_scores(a: ResampledSide, b: ResampledSide) -> Float[np.ndarray, " m"]:
    own_a, own_b = a.self_similarity, b.self_similarity
    defined = (own_a > 0) & (own_b > 0)
    norms = np.sqrt(np.where(defined, own_a * own_b, 1.0))
    return np.where(defined, weighted_product(a, b) / norms, np.nan)


class GramPreparation(Preparation[PreparedCKA]):
    """CKA under some kernel: pairs sides, and shares a pivot's work between many."""

    @abstractmethod
    def side(self, x: Float[Array, "n d"], *, name: str = "x") -> GramSide:
        """Return the Gram of one language."""

    def pair(self, a: GramSide, b: GramSide) -> PreparedCKA:
        """Return two languages paired."""
        require_matching(a.lengths, b.lengths)
        return PreparedCKA(a, b)

    def permuted_many(
        self, pivot: GramSide, sides: Sequence[GramSide], permutations: Int[np.ndarray, "m n"]
    ) -> Float[np.ndarray, "s m"]:
        """Return the scores of many languages with one pivot under each permutation; the pivot is permuted once.

        Beyond the sides' Grams a block of about 16 million numbers is held.
        """
        products = permuted_products_with_many(pivot.gram, [side.gram for side in sides], permutations)
        return products / np.array([[normaliser(pivot, side)] for side in sides])

    def resampled_many(
        self, pivot: GramSide, sides: Sequence[GramSide], counts: Int[np.ndarray, "m n"]
    ) -> Float[np.ndarray, "s m"]:
        """Return the scores of many languages with one pivot under each resample; the pivot's own terms once."""
        resampled = ResampledSide(pivot, counts)
        return np.stack(
            [self.pair(pivot, side).resampled_with(resampled, ResampledSide(side, counts)) for side in sides]
        )


@dataclass(frozen=True)
class CKAPreparation(GramPreparation):
    """Linear CKA with its estimator."""

    estimator: str = "debiased"

    def side(self, x: Float[Array, "n d"], *, name: str = "x") -> CKASide:
        """Return the centred vectors of one language."""
        return cka_side(x, estimator=self.estimator, name=name)


def upper_blocks(sides: Sequence[CKASide], rows: slice) -> Float[Array, "s k"]:
    """Return the same rows of every side's Gram, flattened so that products count both triangles; kept by no side."""
    xp = namespace(sides[0].features)
    return xp.stack([xp.reshape(counted(side.gram_rows(rows), 2**0.5), (-1,)) for side in sides])
