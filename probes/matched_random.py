"""Matched against random pairs, as written and transliterated: does one script bring translations nearer, or all?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, namespace, to_device_of, to_host
from probes.judging import Preparation, judged_by
from probes.prepared_retrieval import PreparedCosine
from probes.retrieval import retrieval_statistics
from probes.retrieval_sides import RetrievalSide, retrieval_side

VERSIONS = ("original", "transliterated")


@dataclass(frozen=True)
class MatchedRandom:
    """Four mean cosines.

    Attributes:
        score: (matched - random) of transliterated sentences less (matched - random) of the originals.
        matched: Mean cosine of translations, as they are written.
        random: Exact mean cosine of all pairs that are no translations, as they are written.
        matched_transliterated: Mean cosine of translations, transliterated.
        random_transliterated: Exact mean cosine of all other pairs, transliterated.
        n: How many pairs were compared.
    """

    score: float
    matched: float
    random: float
    matched_transliterated: float
    random_transliterated: float
    n: int

    @property
    def gap(self) -> float:
        """How much nearer translations are than other pairs, as they are written."""
        return self.matched - self.random

    @property
    def gap_transliterated(self) -> float:
        """How much nearer translations are than other pairs, transliterated."""
        return self.matched_transliterated - self.random_transliterated


@dataclass(frozen=True, eq=False)
class PreparedGap:
    """Mean cosine of matched less that of all other pairs, for one version of the text."""

    cosines: PreparedCosine

    @property
    def score(self) -> float:
        """Matched less random."""
        return self.cosines.score - self.cosines.random

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the gap of x with y[p]: all pairs sum to the same, so what matched pairs win the others lose."""
        n, matched = self.cosines.a.n, self.cosines.permuted(permutations)
        total = self.cosines.score * n + self.cosines.random * n * (n - 1)
        return matched - (total - n * matched) / (n * (n - 1))

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the gap when sentence i is drawn counts[., i] times; copies of a sentence form no random pair."""
        sums = [_weighted_sums(side, counts) for side in (self.cosines.a, self.cosines.b)]
        same = counts**2 @ self.cosines.gold
        drawn, twice = counts.sum(axis=1), (counts**2).sum(axis=1)
        others = drawn**2 - twice
        random = (np.sum(sums[0] * sums[1], axis=1) - same) / np.where(others > 0, others, 1)
        return np.where(others > 0, self.cosines.resampled(counts) - random, np.nan)


def _weighted_sums(side: RetrievalSide, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, "m d"]:
    weights = to_device_of(counts, side.unit, dtype=side.unit.dtype)
    return to_host(namespace(side.unit).astype(weights @ side.unit, namespace(side.unit).float64))


@dataclass(frozen=True, eq=False)
class PreparedMatchedRandom:
    """Both versions of two languages, ready to be judged.

    Permutations move the same rows of the target in both versions. In a bootstrap a sentence is drawn in both versions
    at once.
    """

    original: PreparedGap
    transliterated: PreparedGap

    @property
    def score(self) -> float:
        """The gap transliterated less the gap as it is written."""
        return self.transliterated.score - self.original.score

    @property
    def chance(self) -> float:
        """Exactly 0: over all permutations matched pairs are as near as the others."""
        return 0.0

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score of x with y[p] for each permutation p."""
        return self.transliterated.permuted(permutations) - self.original.permuted(permutations)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score when sentence i is drawn counts[., i] times."""
        return self.transliterated.resampled(counts) - self.original.resampled(counts)


@dataclass(frozen=True)
class MatchedRandomPreparation(Preparation[PreparedMatchedRandom]):
    """Matched against random pairs; a side holds both versions of one language, original first."""

    def side(self, x: Float[Array, "n 2 d"], *, name: str = "x") -> tuple[RetrievalSide, RetrievalSide]:
        """Return the unit rows of both versions.

        Raises:
            ValueError: If `x` has not the shape (sentences, 2, dimensions), or a version is unfit.
        """
        if x.ndim != 3 or x.shape[1] != len(VERSIONS):
            raise ValueError(
                f"{name} must have the shape (sentences, 2, dimensions), originals and transliterations, "
                f"got {tuple(x.shape)}; stack both versions on axis 1"
            )
        return retrieval_side(x[:, 0, :], name=name), retrieval_side(x[:, 1, :], name=f"{name}_transliterated")

    def pair(self, a: Sequence[RetrievalSide], b: Sequence[RetrievalSide]) -> PreparedMatchedRandom:
        """Return two languages paired."""
        gaps = [PreparedGap(retrieval_statistics(i, j).gold()) for i, j in zip(a, b, strict=True)]
        return PreparedMatchedRandom(gaps[0], gaps[1])


@judged_by(MatchedRandomPreparation)
def matched_random(
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    x_transliterated: Float[Array, "n d"],
    y_transliterated: Float[Array, "n d"],
) -> MatchedRandom:
    """Compare translations with other pairs, as they are written and transliterated into one script.

    Transliteration raises the cosine of all pairs, of random ones too: that alone is no alignment. The score says how
    much more it sets translations apart from other pairs; below 0 it blurs them. To judge it, stack both versions:
    `permutation_null(matched_random, numpy.stack([x, x_transliterated], 1), numpy.stack([y, y_transliterated], 1))`.

    Args:
        x: Sentence vectors of one language, at least 4; row i translates row i of `y`.
        y: Sentence vectors of the other.
        x_transliterated: Vectors of the sentences of `x` in a common script.
        y_transliterated: Vectors of the sentences of `y` in that script.

    Returns:
        The four mean cosines, and the difference of differences.

    Raises:
        ValueError: If shapes differ, there are fewer than 4 rows, a value is not finite, or a row is zero.

    References:
        Liu et al. (2024), How Transliterations Improve Crosslingual Alignment, arXiv:2409.17326 (four types of
            similarities; the difference of differences is ours).
    """
    named = {"x": x, "y": y, "x_transliterated": x_transliterated, "y_transliterated": y_transliterated}
    namespace(*named.values())
    for name, vectors in named.items():
        if vectors.shape != x.shape:
            raise ValueError(f"{name} must have the shape {tuple(x.shape)} of x, got {tuple(vectors.shape)}")
    sides = [retrieval_side(vectors, name=name) for name, vectors in named.items()]
    prepared = MatchedRandomPreparation().pair((sides[0], sides[2]), (sides[1], sides[3]))
    original, other = prepared.original.cosines, prepared.transliterated.cosines
    return MatchedRandom(prepared.score, original.score, original.random, other.score, other.random, x.shape[0])
