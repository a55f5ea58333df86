"""Parallel text as a benchmark: each sentence looks for its translation, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Int

from probes.retrieval_sides import RetrievalSide
from xalign.benchmarking.directions import NearestF1, both_directions, judge_answers, xsim
from xalign.benchmarking.judged import Draws, complement, score_columns, undefined
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.benchmarking.spaces import Space
from xalign.benchmarking.splitting import Part, Plan, Round, SplitWishes, make_plan
from xalign.benchmarking.vectors import SENTENCE, Text, Vectors
from xalign.corpora import Corpus, ParallelCorpus, count_duplicates, duplicate_labels
from xalign.encoding import EncodedGroup, groups_of
from xalign.errors import CorpusError, ProbeError
from xalign.judging.pairs import AnswerGroups


@dataclass(frozen=True, eq=False)
class MatchedGroup:
    """Languages that share their rows.

    Attributes:
        number: Which group of the corpus.
        corpus: The text.
        pairs: Which languages are compared; the pivot is the target.
        plan: Which rows choose, fit and are scored.
    """

    number: int
    corpus: ParallelCorpus
    pairs: tuple[tuple[str, str], ...]
    plan: Plan

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that are compared."""
        return tuple(dict.fromkeys(language for pair in self.pairs for language in pair))

    def sentences(self, language: str, part: Part) -> tuple[str, ...]:
        """The sentences of a part."""
        unit = self.unit(part.unit).sentences[language]
        return unit if part.rows is None else tuple(unit[row] for row in part.rows)

    def unit(self, unit: str | None) -> ParallelCorpus:
        """The rows that are encoded together."""
        return self.corpus if unit is None else self.corpus.in_split(unit)


@dataclass(frozen=True, eq=False)
class MatchedMaterial:
    """Parallel text, divided.

    Attributes:
        corpus: The text.
        groups: Its sets of mutually parallel languages: one, or one per bitext.
        f1: Whether the mteb package's F1 is reported too.
    """

    corpus: Corpus
    groups: tuple[MatchedGroup, ...]
    f1: bool

    @property
    def name(self) -> str:
        """What the corpus is called."""
        return self.corpus.name

    @property
    def languages(self) -> tuple[str, ...]:
        """The language codes."""
        return self.corpus.languages

    @property
    def n(self) -> int:
        """Sentences of each language; of bitexts, pairs in all."""
        return self.corpus.n

    @property
    def fingerprint(self) -> str:
        """The corpus' hash."""
        return self.corpus.fingerprint

    @property
    def resolution(self) -> Mapping[str, str]:
        """How names in the source became codes."""
        return self.corpus.resolution

    @property
    def pivot(self) -> str | None:
        """The one language that every pair has as its target."""
        targets = {target for group in self.groups for _, target in group.pairs}
        return targets.pop() if len(targets) == 1 else None

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Every group's."""
        return tuple(group.plan for group in self.groups)

    def notes(self) -> tuple[str, ...]:
        """What the corpus' reader noticed."""
        return self.corpus.notes()

    def smallest(self) -> tuple[str, int]:
        """The smallest set of rows that is scored."""
        rounds = [(group, each) for group in self.groups for each in (group.plan.choosing, group.plan.reporting)]
        sizes = [(f"{' and '.join(g.pairs[0])} ({r.score.name})", r.score.n) for g, r in rounds if r is not None]
        return min(sizes, key=lambda pair: pair[1])

    def texts(self) -> list[Text]:
        """Each language's sentences, by unit."""
        return [
            Text((group.number, language, unit), language, SENTENCE, group.unit(unit).sentences[language])
            for group in self.groups
            for unit in group.plan.units
            for language in group.languages
        ]

    def trial(self, vectors: Vectors, settings: BenchmarkSettings) -> MatchedTrial:
        """Return the trial of these vectors."""
        return MatchedTrial(self, vectors, settings)


def divide(corpus: Corpus, settings: BenchmarkSettings, *, f1: bool = False) -> MatchedMaterial:
    """Decide which languages are compared and which rows choose, fit and are scored.

    Args:
        corpus: The text.
        settings: Pivot, layer, transform, splits.
        f1: Whether the mteb package's F1 is reported too.

    Raises:
        CorpusError: If the pivot is not there, no pair is left, or a part would have fewer than 4 rows.
        UnknownNameError: If a split does not exist.
    """
    wishes = SplitWishes(settings.chooses, settings.fits, settings.split, settings.select, settings.seed)
    groups = []
    for number, group in enumerate(groups_of(corpus)):
        pairs = tuple((pair.source, pair.target) for pair in group.pairs(settings.pivot))
        if not pairs:
            raise CorpusError(f"{corpus.name}: at least 2 languages were expected, got {', '.join(group.languages)}")
        plan = make_plan(group.splits, _together(group), wishes, name=group.name)
        groups.append(MatchedGroup(number, group, pairs, plan))
    return MatchedMaterial(corpus, tuple(groups), f1)


def _together(group: ParallelCorpus) -> Int[np.ndarray, " n"]:
    """Label rows that must stay in one half because a sentence stands in both."""
    texts = list(group.sentences.values())
    repeated = [text for text in texts if count_duplicates(text)]
    return duplicate_labels(*repeated) if repeated else np.arange(group.n)


@dataclass(frozen=True, eq=False)
class MatchedTrial:
    """Encoded parallel text, scored layer by layer."""

    material: MatchedMaterial
    vectors: Vectors
    settings: BenchmarkSettings
    warnings: list[str] = field(default_factory=list)

    def selection_score(self, layer: int) -> float:
        """Return the mean accuracy of all pairs and both directions on the rows that choose."""
        scores = []
        for group in self.material.groups:
            if group.plan.choosing is None:
                continue
            for source, target, a, b in self._pairs(group, group.plan.choosing, layer):
                scores += [answers.score for answers in self._directions(source, target, a, b, layer)]
        return float(np.mean(scores))

    def rows(self, layer: int, draws: Draws) -> Iterator[dict[str, Any]]:
        """Yield accuracy in both directions of every pair; against a pivot, xsim's error too."""
        for group in self.material.groups:
            for source, target, a, b in self._pairs(group, group.plan.reporting, layer):
                forward, backward = self._directions(source, target, a, b, layer)
                there, back = _named(source, target, a.n), _named(target, source, a.n)
                yield {"metric": "accuracy"} | there | score_columns(judge_answers(forward, draws))
                yield {"metric": "accuracy"} | back | score_columns(judge_answers(backward, draws))
                if self.material.pivot is not None:
                    yield {"metric": "xsim_error"} | there | self._xsim(source, a, b, layer, draws)
                if self.material.f1:
                    yield {"metric": "f1"} | there | score_columns(NearestF1.of(forward).judged(draws))

    def _pairs(
        self, group: MatchedGroup, each: Round, layer: int
    ) -> Iterator[tuple[str, str, RetrievalSide, RetrievalSide]]:
        """Each pair of languages with its two sides; rows whose text stands twice share a label."""
        space = Space(self.vectors, group.number, each, layer, self.settings.transform)
        texts: EncodedGroup = EncodedGroup(
            {language: group.sentences(language, each.score) for language in group.languages}, {}
        )
        for source, target in group.pairs:
            try:
                sides = space.pair(source, target)
            except ValueError as error:
                raise ProbeError(f"{source} to {target} at layer {layer}: {error}") from error
            yield source, target, *AnswerGroups(texts, source).labelled(*sides, target)

    def _directions(self, source: str, target: str, a: RetrievalSide, b: RetrievalSide, layer: int) -> Sequence[Any]:
        try:
            return both_directions(a, b, self.settings.comparison)
        except ValueError as error:
            raise ProbeError(f"{self.settings.score} of {source} and {target} at layer {layer}: {error}") from error

    def _xsim(self, source: str, a: RetrievalSide, b: RetrievalSide, layer: int, draws: Draws) -> dict[str, Any]:
        try:
            return score_columns(complement(judge_answers(xsim(a, b), draws)), below=True)
        except ValueError as error:
            self.warnings.append(f"no xsim error for {source} at layer {layer}: {error}")
            return undefined()


def _named(source: str, target: str, n: int) -> dict[str, Any]:
    return {"source": source, "target": target, "n": n, "n_candidates": n}
