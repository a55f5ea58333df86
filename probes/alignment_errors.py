"""Errors of word alignment: predicted links against sure and possible ones, and against words without a link."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import require_choice
from probes.judging import BootstrapInterval, draw_resamples, interval_of

SCORES = ("aer", "precision", "recall", "f1", "total_f1")

WordLinks = Collection[tuple[int, int]] | Int[np.ndarray, "_ 2"]
"""The links of one sentence pair: (source word, target word), both from 0."""

Shapes = Sequence[tuple[int, int]] | Int[np.ndarray, "_ 2"]
"""How many words each sentence pair has: (source words, target words)."""


@dataclass(frozen=True, eq=False)
class AlignmentErrors:
    """How far predicted links are from the gold ones; every score is a share in [0, 1].

    Attributes:
        n: How many sentence pairs.
        counts: By sentence pair: predicted links, sure links, predicted links that are sure, that are possible.
        totals: By sentence pair: precision and recall with null alignments; NaN where there is nothing to be right
            about, and everywhere without shapes.
        aer: 1 - (|A and S| + |A and P|) / (|A| + |S|) over all pairs; lower is better. NaN without any link in A and S.
        precision: |A and P| / |A|; NaN if nothing is predicted.
        recall: |A and S| / |S|; NaN if nothing is sure.
        f1: The harmonic mean of precision and recall; 0 if nothing is predicted, NaN if nothing is sure.
        total_f1: The harmonic mean of the two totals, each averaged over sentence pairs; NaN without shapes.
    """

    n: int
    counts: Int[np.ndarray, "n 4"] = field(repr=False)
    totals: Float[np.ndarray, "n 2"] = field(repr=False)
    aer: float
    precision: float
    recall: float
    f1: float
    total_f1: float

    def resampled(self, counts: Int[np.ndarray, "m n"], *, score: str = "aer") -> Float[np.ndarray, " m"]:
        """Return a score when sentence pair i is drawn counts[., i] times; give two systems the same to compare them.

        Raises:
            ValueError: If the score is unknown.
        """
        require_choice("score", score, SCORES)
        return _scores(counts, self.counts, self.totals)[score]

    def interval(
        self, score: str = "aer", *, level: float = 0.95, n_resamples: int = 1000, seed: int = 0
    ) -> BootstrapInterval:
        """Draw sentence pairs with replacement, and return the percentile interval of a score.

        Args:
            score: aer | precision | recall | f1 | total_f1.
            level: Share of the resampled scores inside, between 0 and 1.
            n_resamples: How many draws of n sentence pairs.
            seed: Seed of the draws.

        Returns:
            The interval around the score.

        Raises:
            TypeError: If `n_resamples` or `seed` is no whole number.
            ValueError: If the score is unknown, `level` is not between 0 and 1, fewer than 1 resample is asked for, or
                the seed is negative.

        References:
            Efron (1979), Bootstrap methods: another look at the jackknife.
        """
        require_choice("score", score, SCORES)
        resampled = self.resampled(draw_resamples(self.n, n_resamples, seed=seed), score=score)
        return interval_of(getattr(self, score), resampled, level=level)


def alignment_error_rate(
    predicted: Sequence[WordLinks],
    sure: Sequence[WordLinks],
    possible: Sequence[WordLinks],
    *,
    shapes: Shapes | None = None,
) -> AlignmentErrors:
    """Score word alignments by AER, precision, recall and F1 over all sentence pairs.

    Links are pairs (source word, target word), both counted from 0; one given twice counts once. Gold files often count
    from 1 (awesome-align's, the shared tasks'): one too many on both sides turns an AER of 4.1 % into 43.7 %
    (awesome-align's released links of English and French).

    With shapes, words without a link count as linked to null (total F1). A predicted null is right for precision if the
    word has no sure link, and to be found for recall if it has no possible one; with `sure` and `possible` the same, as
    there, this is the published score. As published, precision and recall are means over sentence pairs; pairs in which
    there is nothing to be right about, or nothing to be found, are left out of the mean.

    Args:
        predicted: The links of each sentence pair (A).
        sure: Gold links that must be found (S).
        possible: Gold links that are not wrong (P); includes the sure ones.
        shapes: The number of source and target words of each sentence pair. Links are checked against it.

    Returns:
        The scores, and the counts by sentence pair that they and their intervals are computed from.

    Raises:
        TypeError: If links are not pairs of whole numbers.
        ValueError: If the lists differ in length or are empty, a link leads outside its sentence, or a sure link is not
            possible; the sentence pair and the link are named.

    References:
        Och & Ney (2003), A Systematic Comparison of Various Statistical Alignment Models (AER, precision, recall).
        Arase, Bao & Yokoi (2023), Unbalanced Optimal Transport for Unbalanced Word Alignment, arXiv:2306.04116
            (total F1 with null alignments).
    """
    named = {"predicted": predicted, "sure": sure, "possible": possible}
    words = _checked_shapes(shapes, len(predicted))
    checked = {name: _checked_links(name, links, len(predicted), words) for name, links in named.items()}
    _require_sure_is_possible(checked["sure"], checked["possible"])
    sentences = list(zip(checked["predicted"], checked["sure"], checked["possible"], strict=True))
    counts = np.array([(len(a), len(s), len(a & s), len(a & p)) for a, s, p in sentences])
    totals = np.full((len(sentences), 2), np.nan)
    if words is not None:
        totals = np.array([_with_nulls(*links, *shape) for links, shape in zip(sentences, words.tolist(), strict=True)])
    scores = _scores(np.ones((1, len(sentences)), dtype=np.int64), counts, totals)
    return AlignmentErrors(len(sentences), counts, totals, *(float(scores[name][0]) for name in SCORES))


def _scores(
    draws: Int[np.ndarray, "m n"], counts: Int[np.ndarray, "n 4"], totals: Float[np.ndarray, "n 2"]
) -> dict[str, Float[np.ndarray, " m"]]:
    """Return every score of each draw of sentence pairs."""
    predicted, sure, in_sure, in_possible = (draws @ counts).T
    precision, recall = _share(in_possible, predicted), _share(in_sure, sure)
    defined = ~np.isnan(totals)
    total_precision, total_recall = _share(draws @ np.where(defined, totals, 0.0), draws @ defined.astype(float)).T
    return {
        "aer": 1 - _share(in_sure + in_possible, predicted + sure),
        "precision": precision,
        "recall": recall,
        "f1": np.where((predicted == 0) & (sure > 0), 0.0, _harmonic_mean(precision, recall)),
        "total_f1": _harmonic_mean(total_precision, total_recall),
    }


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide; NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def _harmonic_mean(a: Float[np.ndarray, " m"], b: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """Return 2ab / (a + b); 0 where both are 0."""
    return np.where(a + b == 0, 0.0, _share(2 * a * b, np.where(a + b == 0, 1.0, a + b)))


def _with_nulls(
    predicted: set[tuple[int, int]],
    sure: set[tuple[int, int]],
    possible: set[tuple[int, int]],
    n_source: int,
    n_target: int,
) -> tuple[float, float]:
    """Return precision and recall of one sentence pair, words without a link counted as links to null."""
    a, s, p = (_unlinked(links, n_source, n_target) for links in (predicted, sure, possible))
    n_predicted, n_sure = len(predicted) + len(a), len(sure) + len(p)
    precision = (len(predicted & possible) + len(a & s)) / n_predicted if n_predicted else float("nan")
    return precision, (len(predicted & sure) + len(a & p)) / n_sure if n_sure else float("nan")


def _unlinked(links: set[tuple[int, int]], n_source: int, n_target: int) -> set[tuple[int, int]]:
    """Return the words without a link, as (side, word)."""
    words = {(0, i) for i in range(n_source)} | {(1, j) for j in range(n_target)}
    return words - {(side, link[side]) for link in links for side in (0, 1)}


def _checked_shapes(shapes: Shapes | None, n: int) -> Int[np.ndarray, "n 2"] | None:
    if not n:
        raise ValueError("predicted must hold the links of at least one sentence pair, got none")
    if shapes is None:
        return None
    words = np.asarray(shapes)
    if words.shape != (n, 2) or words.dtype.kind not in "iu" or (words < 0).any():
        raise ValueError(
            f"shapes must give the numbers of source and target words of the {n} sentence pairs, got {words.dtype} of "
            f"shape {words.shape}"
        )
    return words.astype(np.int64)


def _checked_links(
    name: str, sentences: Sequence[WordLinks], n: int, words: Int[np.ndarray, "n 2"] | None
) -> list[set[tuple[int, int]]]:
    if len(sentences) != n:
        raise ValueError(
            f"{name} must have the {n} sentence pairs of predicted, got {len(sentences)}; they are matched by position"
        )
    checked = [_link_set(name, sentence, links) for sentence, links in enumerate(sentences)]
    for sentence, links in enumerate(checked):
        n_source, n_target = (np.inf, np.inf) if words is None else words[sentence].tolist()
        for i, j in sorted(links):
            if not (0 <= i < n_source and 0 <= j < n_target):
                size = "" if words is None else f" its {n_source} source and {n_target} target words"
                raise ValueError(
                    f"{name}[{sentence}] must link{size or ' words'} counted from 0, got the link ({i}, {j}); gold "
                    "files often count from 1, and words are what one space separates"
                )
    return checked


def _link_set(name: str, sentence: int, links: WordLinks) -> set[tuple[int, int]]:
    array = np.asarray(links if isinstance(links, np.ndarray) else list(links))
    if not array.size:
        return set()
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise TypeError(
            f"{name}[{sentence}] must be pairs of whole numbers, (source word, target word), got {array.dtype} of "
            f"shape {array.shape}"
        )
    return {(i, j) for i, j in array.tolist()}


def _require_sure_is_possible(sure: list[set[tuple[int, int]]], possible: list[set[tuple[int, int]]]) -> None:
    for sentence, (s, p) in enumerate(zip(sure, possible, strict=True)):
        if missing := s - p:
            raise ValueError(
                f"possible[{sentence}] must include the sure links, got it without {min(missing)}; give their union"
            )
