"""Representational similarity analysis: are the sentences that are alike in one language alike in the other?"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import (
    Array,
    centred,
    checked,
    inner_product,
    require_choice,
    require_matching,
    to_device_of,
    to_host,
    working_dtype,
)
from probes.judging import Preparation, judged_by
from probes.symmetric_products import WeightedMatrix, permuted_products, permuted_products_with_many

COMPARISONS = ("spearman", "pearson")
TIED = 1e-12
"""Correlations this close are ties: the same number summed in another order."""


@dataclass(frozen=True)
class RSA:
    """A correlation of two representational dissimilarity matrices.

    Attributes:
        score: Between -1 and 1; NaN has a `reason`.
        chance: 0, the exact mean over all permutations of the rows.
        n: How many sentences were compared.
        compare: spearman or pearson.
        reason: Why the score is NaN; empty where it is not.
    """

    score: float
    chance: float
    n: int
    compare: str
    reason: str = ""


@dataclass(frozen=True, eq=False)
class RDMSide:
    """How dissimilar each two sentences of a language are, standardised over pairs.

    Attributes:
        entries: Correlation distances, or their mid-ranks, less their mean, scaled to mean square 1; symmetric, with a
            diagonal of zeros. All 0 where the distances do not vary.
        compare: spearman (ranks) or pearson (distances).
        name: What errors and reasons call the vectors.
    """

    entries: Float[Array, "n n"]
    compare: str
    name: str

    @property
    def n(self) -> int:
        """How many rows."""
        return self.entries.shape[0]

    @cached_property
    def norm(self) -> float:
        """Length of all entries; 0 where they do not vary."""
        return inner_product(self.entries, self.entries) ** 0.5


def rdm_side(x: Float[Array, "n d"], *, compare: str = "spearman", name: str = "x") -> RDMSide:
    """Return the side of RSA that belongs to `x`, computed in float64; ranks are taken on the CPU.

    Raises:
        ValueError: If `x` has fewer than 4 rows, values that are not finite or a row without variance, or the
            comparison is unknown.
    """
    require_choice("compare", compare, COMPARISONS)
    x = checked(x, name=name)
    distances = correlation_distances(x, name=name)
    pairs = np.tri(x.shape[0], k=-1, dtype=bool)
    values = to_host(distances)[pairs]
    spread = float(values.max() - values.min())
    values = (mid_ranks(values) if compare == "spearman" else values) if spread > TIED else np.zeros(values.size)
    values = values - values.mean()
    values /= np.sqrt(np.mean(values**2)) if spread > TIED else 1.0
    return RDMSide(to_device_of(_symmetric(values, pairs), x, dtype=working_dtype(x)), compare, name)


def correlation_distances(x: Float[Array, "n d"], *, name: str = "x") -> Float[Array, "n n"]:
    """Return 1 - the Pearson correlation of each two rows over their dimensions, in float64.

    Raises:
        ValueError: If a row has the same value in every dimension.
    """
    columns, deviations = centred(x.T)
    constant = to_host(deviations) == 0
    if constant.any():
        raise ValueError(
            f"{name} must vary within every row to be correlated, got one value throughout row "
            f"{np.flatnonzero(constant)[0]}; leave that sentence out"
        )
    rows = columns.T / deviations[:, None]
    distances = rows @ rows.T
    distances *= -1 / x.shape[1]
    distances += 1
    return distances


def mid_ranks(values: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Return ranks from 0, the mean rank for values that are tied."""
    order = np.argsort(values)
    first = np.flatnonzero(np.diff(values[order], prepend=-np.inf) > TIED)
    sizes = np.diff(first, append=values.size)
    ranks = np.empty(values.size)
    ranks[order] = np.repeat(first + (sizes - 1) / 2, sizes)
    return ranks


def _symmetric(values: Float[np.ndarray, " k"], pairs: Bool[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    matrix = np.zeros(pairs.shape)
    matrix[pairs] = values
    return matrix + matrix.T


class ResampledRDM(WeightedMatrix):
    """The entries of a dissimilarity matrix under many resamples, in which copies of a sentence form no pair."""

    def __init__(self, side: RDMSide, counts: Int[np.ndarray, "m n"]) -> None:
        super().__init__(side.entries, counts)
        self.n_pairs = (counts.sum(axis=1) ** 2 - (counts**2).sum(axis=1)).astype(np.float64)

    def covariance(self, other: "ResampledRDM") -> Float[np.ndarray, " m"]:
        """Return the covariance over pairs of different sentences, as often as both are drawn."""
        with np.errstate(invalid="ignore"):
            return self.product(other) / self.n_pairs - self.total * other.total / self.n_pairs**2

    @cached_property
    def variance(self) -> Float[np.ndarray, " m"]:
        """The covariance with itself."""
        return self.covariance(self)


@dataclass(frozen=True, eq=False)
class PreparedRSA:
    """Two dissimilarity matrices, compared over pairs of sentences.

    A permutation moves rows and columns of one matrix, so only the inner product changes. In a bootstrap copies of a
    sentence form no pair: their dissimilarity is 0 in both languages, and would be found to agree. What is correlated
    is weighted by how often both sentences of a pair are drawn. Ranks stay those of the sample (ranking every resample
    again changes the spread of the scores by a few percent at most).
    """

    a: RDMSide
    b: RDMSide

    @cached_property
    def norm(self) -> float:
        """Product of the lengths of both matrices; NaN where one does not vary."""
        return self.a.norm * self.b.norm or float("nan")

    @cached_property
    def score(self) -> float:
        """The correlation of the matched rows; NaN where one matrix does not vary."""
        return inner_product(self.a.entries, self.b.entries) / self.norm

    @property
    def chance(self) -> float:
        """The exact mean over all permutations: entries sum to 0."""
        return 0.0

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the correlation of x with y[p] for each permutation p."""
        return permuted_products(self.a.entries, self.b.entries, permutations) / self.norm

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the correlation of each resample; copies of a sentence form no pair."""
        return _correlation(ResampledRDM(self.a, counts), ResampledRDM(self.b, counts))


def _correlation(a: ResampledRDM, b: ResampledRDM) -> Float[np.ndarray, " m"]:
    defined = (a.variance > 0) & (b.variance > 0)
    norms = np.sqrt(np.where(defined, a.variance * b.variance, 1.0))
    return np.where(defined, a.covariance(b) / norms, np.nan)


@dataclass(frozen=True)
class RSAPreparation(Preparation[PreparedRSA]):
    """RSA with its comparison."""

    compare: str = "spearman"

    def side(self, x: Float[Array, "n d"], *, name: str = "x") -> RDMSide:
        """Return the dissimilarities of one language."""
        return rdm_side(x, compare=self.compare, name=name)

    def pair(self, a: RDMSide, b: RDMSide) -> PreparedRSA:
        """Return two languages paired."""
        require_matching(a.entries, b.entries)
        return PreparedRSA(a, b)

    def permuted_many(
        self, pivot: RDMSide, sides: Sequence[RDMSide], permutations: Int[np.ndarray, "m n"]
    ) -> Float[np.ndarray, "s m"]:
        """Return the scores of many languages with one pivot under each permutation; the pivot is permuted once."""
        products = permuted_products_with_many(pivot.entries, [side.entries for side in sides], permutations)
        return products / np.array([[self.pair(pivot, side).norm] for side in sides])

    def resampled_many(
        self, pivot: RDMSide, sides: Sequence[RDMSide], counts: Int[np.ndarray, "m n"]
    ) -> Float[np.ndarray, "s m"]:
        """Return the scores of many languages with one pivot under each resample; the pivot's own terms once."""
        resampled = ResampledRDM(pivot, counts)
        return np.stack([_correlation(resampled, ResampledRDM(side, counts)) for side in sides])


@judged_by(RSAPreparation)
def rsa(x: Float[Array, "n d"], y: Float[Array, "n e"], *, compare: str = "spearman") -> RSA:
    """Correlate the dissimilarities of all pairs of sentences in two spaces.

    The dissimilarity of two sentences is 1 - the Pearson correlation of their vectors over dimensions; the upper
    triangles of the two matrices are correlated. Ties get mid-ranks.

    Args:
        x: Sentence vectors of one language, at least 4; row i is matched with row i of `y`.
        y: Sentence vectors of the other; its dimensions may differ in number.
        compare: spearman | pearson.

    Returns:
        The correlation; NaN with a reason where all pairs of a language are equally dissimilar.

    Raises:
        ValueError: If the rows differ in number, there are fewer than 4, a value is not finite, a row does not vary, or
            the comparison is unknown.

    References:
        Kriegeskorte, Mur & Bandettini (2008), Representational similarity analysis: connecting the branches of systems
            neuroscience, Frontiers in Systems Neuroscience 2:4.
    """
    require_matching(x, y)
    a, b = rdm_side(x, compare=compare), rdm_side(y, compare=compare, name="y")
    return RSA(PreparedRSA(a, b).score, 0.0, a.n, compare, _reason(a, b))


def _reason(a: RDMSide, b: RDMSide) -> str:
    for side in (a, b):
        if side.norm == 0:
            return f"all pairs of sentences of {side.name} are equally dissimilar, so nothing varies that could agree"
    return ""
