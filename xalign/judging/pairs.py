"""One layer of one group of languages: every probe's score, null and interval, each intermediate computed once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

import numpy as np

from probes.judging import draw_permutations, draw_resamples, interval_of, null_of
from probes.retrieval import RetrievalPreparation, retrieval_statistics
from probes.retrieval_sides import RetrievalSide
from xalign.corpora import count_duplicates, duplicate_labels
from xalign.encoding import EncodedGroup
from xalign.errors import ProbeError
from xalign.measures import Measure

SIDE_ELEMENTS = 1 << 28
"""How many numbers the sides of one layer may hold together; where they are more, sides are made again."""


@dataclass(frozen=True)
class Judging:
    """How scores are judged.

    Attributes:
        n_permutations: Shuffles of the target's rows behind each null.
        n_resamples: Resamples of sentences behind each interval.
        seed: Of both.
    """

    n_permutations: int
    n_resamples: int
    seed: int


def judge_layer(
    group: EncodedGroup, layer: int, measures: Sequence[Measure], pivot: str | None, judging: Judging
) -> Iterator[dict[str, Any]]:
    """Score every pair of languages at one layer with every probe that reads it.

    Args:
        group: Languages with their activations.
        layer: 0 for the embeddings; probes of neurons have nothing to read there.
        measures: The probes.
        pivot: The language all others are compared with; None for all pairs.
        judging: Numbers of permutations and resamples.

    Yields:
        A report's row without the model's name.

    Raises:
        ProbeError: If a probe cannot be taken of these vectors; names probe, layer and language.
    """
    for family in families(measures):
        if family[0].states != "layer" and layer == 0:
            continue
        try:
            yield from ({"layer": layer} | row for row in _judge(family, group, layer, pivot, judging))
        except ValueError as error:
            names = ", ".join(measure.name for measure in family)
            raise ProbeError(f"{names} at layer {layer}: {error}") from error


def families(measures: Iterable[Measure]) -> list[list[Measure]]:
    """Put measures together that share one side per language and one pass per pair; every other stands alone."""
    found: dict[tuple[str, str], list[Measure]] = {}
    for measure in measures:
        shared = isinstance(measure.preparation, RetrievalPreparation)
        found.setdefault((measure.states, "retrieval" if shared else measure.name), []).append(measure)
    return list(found.values())


def _judge(
    family: list[Measure], group: EncodedGroup, layer: int, pivot: str | None, judging: Judging
) -> Iterator[dict[str, Any]]:
    n, width = _states(group, group.languages[0], family[0].states, layer).shape
    at_once = max(2, SIDE_ELEMENTS // (n * max(n, 2 * width)))
    prepare = family[0].preparation

    @lru_cache(maxsize=at_once)
    def side(language: str) -> Any:
        return prepare.side(_states(group, language, family[0].states, layer), name=language)

    draws = Draws(
        draw_permutations(n, judging.n_permutations, seed=judging.seed),
        draw_resamples(n, judging.n_resamples, seed=judging.seed),
    )
    score = _score_together if isinstance(prepare, RetrievalPreparation) else _score_alone
    for source, targets in _against(group.languages, pivot):
        for start in range(0, len(targets), at_once - 1):
            sides = {target: side(target) for target in targets[start : start + at_once - 1]}
            answers = AnswerGroups(group, source)
            for target, measure, judged in score(family, side(source), sides, draws, answers):
                yield _row(measure, judged, n) | {"source": source, "target": target}


def _states(group: EncodedGroup, language: str, states: str, layer: int) -> np.ndarray:
    activations = group.activations[language]
    return activations.layer(layer) if states == "layer" else activations.neuron_layer(states, layer)


def _against(languages: list[str], pivot: str | None) -> Iterable[tuple[str, list[str]]]:
    """Each source with the targets it is compared with: the pivot with all, or every pair once."""
    if pivot is not None:
        return [(pivot, [language for language in languages if language != pivot])]
    return [(source, languages[i + 1 :]) for i, source in enumerate(languages[:-1])]


@dataclass(frozen=True)
class Draws:
    """The permutations and resamples that every pair of languages is judged by."""

    permutations: np.ndarray
    counts: np.ndarray


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


@dataclass(frozen=True)
class Judged:
    """A score with its chance level and its permuted and resampled scores."""

    score: float
    chance: float
    permuted: np.ndarray
    resampled: np.ndarray


Scored = Iterator[tuple[str, Measure, Judged]]


def _score_alone(
    family: list[Measure], source: Any, targets: dict[str, Any], draws: Draws, answers: AnswerGroups
) -> Scored:
    """One measure, which knows no answers: the source is permuted once for all its targets."""
    (measure,) = family
    preparation = measure.preparation
    permuted = preparation.permuted_many(source, list(targets.values()), draws.permutations)
    resampled = preparation.resampled_many(source, list(targets.values()), draws.counts)
    for i, (target, side) in enumerate(targets.items()):
        prepared = preparation.pair(source, side)
        yield target, measure, Judged(float(prepared.score), float(prepared.chance), permuted[i], resampled[i])


def _score_together(
    family: list[Measure], source: Any, targets: dict[str, Any], draws: Draws, answers: AnswerGroups
) -> Scored:
    """Retrieval: one pass over the similarities of a pair serves every measure."""
    preparations = [cast(RetrievalPreparation, measure.preparation) for measure in family]
    neighbours = max(preparation.neighbours for preparation in preparations)
    ranks = any(preparation.ranks for preparation in preparations)
    for target, side in targets.items():
        pair = answers.labelled(source, side, target)
        statistics = retrieval_statistics(*pair, neighbours=neighbours, ranks=ranks)
        for measure, preparation in zip(family, preparations, strict=True):
            prepared = preparation.read(statistics)
            permuted, resampled = prepared.permuted(draws.permutations), prepared.resampled(draws.counts)
            yield target, measure, Judged(float(prepared.score), float(prepared.chance), permuted, resampled)


def _row(measure: Measure, judged: Judged, n: int) -> dict[str, Any]:
    null, interval = null_of(judged.score, judged.permuted), interval_of(judged.score, judged.resampled)
    return {
        "probe": measure.name,
        "score": judged.score,
        "chance": judged.chance,
        "null_mean": null.mean,
        "null_sd": null.sd,
        "p_value": null.p_value,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "n": n,
    }
