"""Measures of two languages: sides made once a language, and one pass a pair for all that can share it."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from typing import Any, cast

import numpy as np

from probes.judging import Preparation, Prepared, draw_permutations, draw_resamples
from probes.retrieval import RetrievalPreparation, retrieval_statistics
from probes.retrieval_sides import RetrievalSide
from probes.spectral_statistics import SpectralPreparation, spectral_statistics
from probes.symmetric_products import blas_threads
from xalign.corpora import count_duplicates, duplicate_labels
from xalign.encoding import EncodedGroup
from xalign.judging.rows import Judged, Judging, row_of, states_of
from xalign.measure import Measure

SIDE_ELEMENTS = 1 << 28
"""How many numbers the sides of one layer may hold together; where they are more, sides are made again."""


def judge_pairs(
    family: Sequence[Measure], group: EncodedGroup, layer: int, pivot: str | None, judging: Judging
) -> Iterator[dict[str, Any]]:
    """Score the pairs of a group at one layer with measures of one family.

    Args:
        family: Measures that read the same and share their sides.
        group: Languages with their activations.
        layer: 0 for the embeddings.
        pivot: The language all others are compared with; None for all pairs.
        judging: Numbers of permutations and resamples.

    Yields:
        A report's row without model and layer.
    """
    first = states_of(group, group.languages[0], family[0].reads, layer)
    n, width = len(first), first[0].size
    at_once = max(2, SIDE_ELEMENTS // (n * max(n, 2 * width)))
    prepare = cast(Preparation, family[0].preparation)

    @lru_cache(maxsize=at_once)
    def side(language: str) -> Any:
        return prepare.side(states_of(group, language, family[0].reads, layer), name=language)

    draws = Draws(
        draw_permutations(n, judging.n_permutations, seed=judging.seed),
        draw_resamples(n, judging.n_resamples, seed=judging.seed),
    )
    score = SHARED[family_of(family[0])][1] if family_of(family[0]) in SHARED else _score_alone
    for source, targets in against(group.languages, pivot):
        for start in range(0, len(targets), at_once - 1):
            sides = {target: side(target) for target in targets[start : start + at_once - 1]}
            answers = AnswerGroups(group, source)
            for target, measure, judged in score(family, side(source), sides, draws, answers):
                yield row_of(measure, judged, n) | {"source": source, "target": target}


def against(languages: list[str], pivot: str | None) -> Iterable[tuple[str, list[str]]]:
    """Each source with the targets it is compared with: the pivot with all, or every pair once."""
    if pivot is not None:
        return [(pivot, [language for language in languages if language != pivot])]
    return [(source, languages[i + 1 :]) for i, source in enumerate(languages[:-1])]


@dataclass(frozen=True)
class Draws:
    """The permutations and resamples that every pair of languages is judged by."""

    permutations: np.ndarray
    counts: np.ndarray
    _parts: dict[int, np.ndarray] = field(default_factory=dict)

    def first(self, measure: Measure) -> np.ndarray:
        """The permutations of one measure's null: the same array for all that take as many."""
        n = measure.n_draws(len(self.permutations))
        return self._parts.setdefault(n, self.permutations[:n])


@dataclass(frozen=True)
class AnswerGroups:
    """Which rows are right answers to each other because a sentence of the pair stands in both."""

    group: EncodedGroup
    source: str

    def labelled(self, a: RetrievalSide, b: RetrievalSide, target: str) -> tuple[RetrievalSide, RetrievalSide]:
        """The two sides with a label per row; as they are where no sentence stands twice."""
        texts = [self.group.sentences[language] for language in (self.source, target)]
        if not any(count_duplicates(text) for text in texts):
            return a, b
        labels = duplicate_labels(*texts)
        return replace(a, labels=labels), replace(b, labels=labels)


Scored = Iterator[tuple[str, Measure, Judged]]


def _score_alone(
    family: Sequence[Measure], source: Any, targets: dict[str, Any], draws: Draws, answers: AnswerGroups
) -> Scored:
    """One measure, which knows no answers: the source is permuted once for all its targets."""
    (measure,) = family
    preparation = cast(Preparation, measure.preparation)
    permuted = preparation.permuted_many(source, list(targets.values()), draws.first(measure))
    resampled = preparation.resampled_many(source, list(targets.values()), draws.counts)
    for i, (target, side) in enumerate(targets.items()):
        prepared = preparation.pair(source, side)
        yield target, measure, Judged(float(prepared.score), float(prepared.chance), permuted[i], resampled[i])


def _score_retrieval(
    family: Sequence[Measure], source: Any, targets: dict[str, Any], draws: Draws, answers: AnswerGroups
) -> Scored:
    """Retrieval: one pass over the similarities of a pair serves every measure."""
    preparations = [cast(RetrievalPreparation, measure.preparation) for measure in family]
    neighbours = max(preparation.neighbours for preparation in preparations)
    ranks = any(preparation.ranks for preparation in preparations)
    for target, side in targets.items():
        pair = answers.labelled(source, side, target)
        statistics = retrieval_statistics(*pair, neighbours=neighbours, ranks=ranks)
        yield from _read(family, target, [preparation.read(statistics) for preparation in preparations], draws)


def _score_spectral(
    family: Sequence[Measure], source: Any, targets: dict[str, Any], draws: Draws, answers: AnswerGroups
) -> Scored:
    """CCA and its kin: one product of principal coordinates of a pair, permuted once for every measure.

    Pairs are shared between the threads that BLAS may use: its own gain nothing on many small decompositions.
    """
    from threadpoolctl import threadpool_limits

    preparations = [cast(SpectralPreparation, measure.preparation) for measure in family]
    directions = any(preparation.directions for preparation in preparations)

    def score(target: str) -> list[tuple[str, Measure, Judged]]:
        statistics = spectral_statistics(source, targets[target], directions=directions)
        return list(_read(family, target, [preparation.read(statistics) for preparation in preparations], draws))

    n_threads = blas_threads()
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(n_threads) as pool:
        found = list(pool.map(score, targets))
    yield from chain.from_iterable(found)


def _read(family: Sequence[Measure], target: str, prepared: Sequence[Prepared], draws: Draws) -> Scored:
    for measure, ready in zip(family, prepared, strict=True):
        permuted, resampled = ready.permuted(draws.first(measure)), ready.resampled(draws.counts)
        yield target, measure, Judged(float(ready.score), float(ready.chance), permuted, resampled)


SHARED = {"retrieval": (RetrievalPreparation, _score_retrieval), "spectral": (SpectralPreparation, _score_spectral)}
"""Families of measures that are read from one pass over a pair."""


def family_of(measure: Measure) -> str:
    """Name the family whose passes a measure shares; a measure that shares none is its own."""
    if measure.reads in ("words", "lens"):
        return measure.name
    return next((name for name, (kind, _) in SHARED.items() if isinstance(measure.preparation, kind)), measure.name)
