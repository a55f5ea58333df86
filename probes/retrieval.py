"""Retrieval across languages: is the translation of a sentence its nearest neighbour?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from probes.arrays import Array, require_matching, require_same_width
from probes.judging import P, Preparation, judged_by
from probes.prepared_retrieval import PreparedAnswers, PreparedCosine, PreparedRanks
from probes.retrieval_sides import Labels, RetrievalSide, retrieval_side
from probes.retrieval_statistics import RetrievalStatistics


@dataclass(frozen=True)
class RetrievalPreparation(Preparation[P]):
    """A measure that is read from the retrieval statistics of a pair.

    Attributes:
        read: Takes the prepared measure from the statistics.
        neighbours: How many nearest candidates it needs.
        ranks: Whether it needs the ranks of right answers.
        groups: Labels by row; rows of a label are right answers to each other.
    """

    read: Callable[[RetrievalStatistics], P]
    neighbours: int = 1
    ranks: bool = False
    groups: Labels | None = None

    def side(self, x: Float[Array, "n d"], *, name: str = "x") -> RetrievalSide:
        """Return the unit rows of one language."""
        return retrieval_side(x, groups=self.groups, name=name)

    def pair(self, a: RetrievalSide, b: RetrievalSide) -> P:
        """Return two languages paired."""
        return self.read(retrieval_statistics(a, b, neighbours=self.neighbours, ranks=self.ranks))


def retrieval_statistics(
    a: RetrievalSide, b: RetrievalSide, *, neighbours: int = 1, ranks: bool = False
) -> RetrievalStatistics:
    """Pair two sides for every retrieval measure.

    Args:
        a: One language.
        b: The other; row i translates row i of `a`.
        neighbours: At least the largest k that a measure will be asked for (10 for CSLS, 4 for the margin).
        ranks: Whether the reciprocal rank will be asked for.

    Returns:
        What every measure is read from; computed when the first is.

    Raises:
        ValueError: If rows or columns differ in number, or there are fewer rows than neighbours.
    """
    require_matching(a.unit, b.unit)
    require_same_width(a.unit, b.unit)
    if not np.array_equal(a.labels, b.labels):
        raise ValueError(
            "groups must be the same on both sides, got different labels; prepare both with the same groups"
        )
    return RetrievalStatistics(a, b, neighbours, ranks)


@dataclass(frozen=True)
class RetrievalAccuracy:
    """The expected share of queries answered right.

    Attributes:
        score: Mean of both directions.
        forward: Rows of `x` asking among rows of `y`.
        backward: Rows of `y` asking among rows of `x`.
        chance: The expected score when nothing is matched.
        n: How many queries a direction has.
    """

    score: float
    forward: float
    backward: float
    chance: float
    n: int


@dataclass(frozen=True)
class MutualRetrieval:
    """The share of sentences that are each other's strict nearest.

    Attributes:
        score: The share.
        chance: 1 / (2n - 1), or its value with groups.
        n: How many sentences were asked.
    """

    score: float
    chance: float
    n: int


@dataclass(frozen=True)
class PairCosine:
    """How near translations lie.

    Attributes:
        score: Mean cosine of matched rows.
        random: The exact mean cosine of all pairs that are not matched.
        n: How many pairs were compared.
    """

    score: float
    random: float
    n: int


def _accuracy(k: int = 1, groups: Labels | None = None) -> RetrievalPreparation[PreparedAnswers]:
    return RetrievalPreparation(lambda statistics: statistics.accuracy(k), neighbours=k, groups=groups)


def _ranks(groups: Labels | None = None) -> RetrievalPreparation[PreparedRanks]:
    return RetrievalPreparation(RetrievalStatistics.reciprocal_rank, ranks=True, groups=groups)


def _mutual(groups: Labels | None = None) -> RetrievalPreparation[PreparedAnswers]:
    return RetrievalPreparation(RetrievalStatistics.mutual, groups=groups)


def _strong(groups: Labels | None = None) -> RetrievalPreparation[PreparedAnswers]:
    return RetrievalPreparation(RetrievalStatistics.strong, groups=groups)


def _gold() -> RetrievalPreparation[PreparedCosine]:
    return RetrievalPreparation(RetrievalStatistics.gold)


@judged_by(_accuracy)
def retrieval_accuracy(
    x: Float[Array, "n d"], y: Float[Array, "n d"], *, k: int = 1, groups: Labels | None = None
) -> RetrievalAccuracy:
    """Measure how often a right answer is among the k nearest by cosine (P@1, R@k).

    Ties are shared: the score is the expected hit under random tie-breaking, so it never depends on the order of rows.
    A right answer tied with t others scores 1 / (t + 1) at k = 1. Chance is k / n.

    Args:
        x: Sentence vectors of one language, at least 4; row i translates row i of `y`.
        y: Sentence vectors of the other.
        k: How many nearest candidates may hold the answer.
        groups: A label per row; every row of a label is a right answer to the others. Duplicate texts are passed so.

    Returns:
        The accuracy in both directions and their mean.

    Raises:
        TypeError: If k is no whole number.
        ValueError: If shapes differ, there are fewer than 4 rows or fewer than k, a value is not finite, a row is zero,
            or there is not one label per row.

    References:
        Artetxe & Schwenk (2019), Massively Multilingual Sentence Embeddings, arXiv:1812.10464 (similarity search).
    """
    return directions_of(_accuracy(k, groups), x, y)


@judged_by(_ranks)
def mean_reciprocal_rank(
    x: Float[Array, "n d"], y: Float[Array, "n d"], *, groups: Labels | None = None
) -> RetrievalAccuracy:
    """Average 1 / rank of the (first) right answer by cosine.

    Tied candidates take the mid-rank: with a candidates above and t level, of which r are right, a + (t + 1) / (r + 1).
    Chance is H_n / n, H_n the n-th harmonic number.

    Args:
        x: Sentence vectors of one language, at least 4; row i translates row i of `y`.
        y: Sentence vectors of the other.
        groups: A label per row; every row of a label is a right answer to the others.

    Returns:
        The mean reciprocal rank in both directions and their mean.

    Raises:
        ValueError: As `retrieval_accuracy`.

    References:
        Voorhees (1999), The TREC-8 Question Answering Track Report.
    """
    prepared = _ranks(groups).of(x, y)
    forward, backward = float(prepared.forward.mean()), float(prepared.backward.mean())
    return RetrievalAccuracy(prepared.score, forward, backward, prepared.chance, prepared.a.n)


@judged_by(_mutual)
def mutual_retrieval(
    x: Float[Array, "n d"], y: Float[Array, "n d"], *, groups: Labels | None = None
) -> MutualRetrieval:
    """Measure the share of rows whose gold cosine is strictly the largest of its row and column (MEXA's rule).

    A tie is a miss. Chance is 1 / (2n - 1): the gold pair is one of 2n - 1 that could be the largest.

    Args:
        x: Sentence vectors of one language, at least 4; row i translates row i of `y`.
        y: Sentence vectors of the other.
        groups: A label per row; rows of a label are no rivals of each other.

    Returns:
        The share and its chance.

    Raises:
        ValueError: As `retrieval_accuracy`.

    References:
        Kargaran et al. (2024), MEXA: Multilingual Evaluation of English-Centric LLMs via Cross-Lingual Alignment,
        arXiv:2410.05873, eq. 1.
    """
    prepared = _mutual(groups).of(x, y)
    return MutualRetrieval(prepared.score, prepared.chance, prepared.labels.size)


@judged_by(_strong)
def strong_alignment(
    x: Float[Array, "n d"], y: Float[Array, "n d"], *, groups: Labels | None = None
) -> RetrievalAccuracy:
    """Measure P@1 when sentences of the query's own language are candidates too (all but the query itself).

    A language offset that leaves plain retrieval alone takes this to 0: every sentence is nearest to its own language.
    Centring each language restores it.

    Args:
        x: Sentence vectors of one language, at least 4; row i translates row i of `y`.
        y: Sentence vectors of the other.
        groups: A label per row; rows of a label are right answers in the other language and no candidates in the own.

    Returns:
        The accuracy in both directions and their mean; chance is 1 / (2n - 1). Ties are shared.

    Raises:
        ValueError: As `retrieval_accuracy`.

    References:
        Roy et al. (2020), LAReQA: Language-Agnostic Answer Retrieval from a Multilingual Pool, arXiv:2004.05484.
        Gaschi et al. (2022), Multilingual Transformer Encoders: a Word-Level Task-Agnostic Evaluation,
            arXiv:2207.09076.
    """
    return directions_of(_strong(groups), x, y)


@judged_by(_gold)
def pair_cosine(x: Float[Array, "n d"], y: Float[Array, "n d"]) -> PairCosine:
    """Average the cosine of matched rows, beside the mean over all pairs that are not matched.

    Args:
        x: Sentence vectors of one language, at least 4; row i translates row i of `y`.
        y: Sentence vectors of the other.

    Returns:
        Both means. Raw cosines of contextual models lie near 1: only their difference says something.

    Raises:
        ValueError: As `retrieval_accuracy`.

    References:
        Ethayarajh (2019), How Contextual are Contextualized Word Representations?, arXiv:1909.00512.
    """
    prepared = _gold().of(x, y)
    return PairCosine(prepared.score, prepared.random, prepared.a.n)


def directions_of(
    preparation: RetrievalPreparation[PreparedAnswers], x: Float[Array, "n d"], y: Float[Array, "n d"]
) -> RetrievalAccuracy:
    """Return the accuracy of both directions of a prepared measure of `x` and `y`."""
    prepared = preparation.of(x, y)
    forward, backward = (float(hits.mean()) for hits in prepared.hits)
    return RetrievalAccuracy(prepared.score, forward, backward, prepared.chance, prepared.labels.size)
