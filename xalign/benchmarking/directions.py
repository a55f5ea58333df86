"""Two languages whose rows are matched, asked in both directions by cosine, CSLS or margin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import inverse
from probes.chances import hit_chance
from probes.neighbours import Answers
from probes.prepared_retrieval import PreparedAnswers
from probes.retrieval import retrieval_statistics
from probes.retrieval_sides import RetrievalSide
from probes.retrieval_statistics import RetrievalStatistics
from xalign.benchmarking.judged import Draws
from xalign.benchmarking.settings import Comparison
from xalign.judging.rows import Judged

XSIM_NEIGHBOURS = 4


def both_directions(
    a: RetrievalSide, b: RetrievalSide, comparison: Comparison
) -> tuple[PreparedAnswers, PreparedAnswers]:
    """Return the answers to rows of `a` among those of `b`, and to rows of `b` among those of `a`.

    Raises:
        ValueError: If the sides do not match, there are fewer rows than neighbours, or a ratio is not positive.
    """
    statistics = retrieval_statistics(a, b, neighbours=comparison.neighbours)
    chance = hit_chance(a.labels)
    forward, backward = (
        PreparedAnswers(answers, None, a.labels, chance, combine="forward")
        for answers in answers_of(statistics, comparison)
    )
    return forward, backward


def answers_of(statistics: RetrievalStatistics, comparison: Comparison) -> tuple[Answers, Answers]:
    """Return who is nearest to each row by the score that is asked for, forward and backward."""
    k = comparison.neighbours
    if comparison.score == "csls":
        return statistics.csls_answers(k)
    if comparison.score == "margin":
        forward, backward = (statistics.margins(k, comparison.margin, backward=back) for back in (False, True))
    else:
        forward, backward = statistics.nearest
    return forward.answers(), backward.answers()


def xsim(a: RetrievalSide, b: RetrievalSide) -> PreparedAnswers:
    """Return LASER's xsim, as an accuracy: the best ratio margin among the 4 nearest, from `a` to `b`.

    Raises:
        ValueError: If a neighbourhood's mean cosine is not positive.

    References:
        Artetxe & Schwenk (2019), Margin-based Parallel Corpus Mining, arXiv:1811.01136, eq. 3.
    """
    return retrieval_statistics(a, b, neighbours=XSIM_NEIGHBOURS).margin(XSIM_NEIGHBOURS, "ratio")


def judge_answers(prepared: PreparedAnswers, draws: Draws) -> Judged:
    """Judge one direction by shuffled answers and resampled queries."""
    n = prepared.labels.size
    permuted, resampled = prepared.permuted(draws.permutations(n)), prepared.resampled(draws.counts(n))
    return Judged(prepared.score, prepared.chance, permuted, resampled)


@dataclass(frozen=True, eq=False)
class NearestF1:
    """The F1 that the mteb package reports for bitexts: of the nearest candidates, read as predicted classes.

    Every row is a class of its own; the mean over classes of `2 hit / (1 + times predicted)`. A candidate that many
    queries find is thereby worth less than in accuracy.

    Attributes:
        predicted: The nearest candidate of each row; of several level ones the first.
    """

    predicted: Int[np.ndarray, " n"]

    @classmethod
    def of(cls, prepared: PreparedAnswers) -> NearestF1:
        """Read the predictions from one direction of retrieval."""
        return cls(prepared.forward.candidates[prepared.forward.starts])

    def judged(self, draws: Draws) -> Judged:
        """Judge by shuffled answers and resampled queries; chance is the exact mean over all shuffles."""
        n = self.predicted.size
        times = np.bincount(self.predicted, minlength=n)
        chance = float(np.sum(2 * times / (1 + times)) / n**2)
        right = inverse(draws.permutations(n))
        permuted = np.mean(2 * (self.predicted[None, :] == right) / (1 + times[right]), axis=1)
        return Judged(self.score, chance, permuted, self._resampled(draws.counts(n)))

    @property
    def score(self) -> float:
        """The F1."""
        return float(self._resampled(np.ones((1, self.predicted.size), dtype=np.int64))[0])

    def _resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """The F1 when query i is drawn counts[., i] times, and its class with it."""
        n = self.predicted.size
        hits = np.where(self.predicted == np.arange(n), counts, 0)
        times = np.stack([np.bincount(self.predicted, weights=row, minlength=n) for row in counts])
        return np.sum(counts * 2 * hits / np.maximum(counts + times, 1), axis=1) / counts.sum(axis=1)
