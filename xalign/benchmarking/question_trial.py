"""A question looks for its paragraph among those of one language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from probes.neighbours import Answers
from probes.retrieval_sides import RetrievalSide, retrieval_side
from probes.retrieval_statistics import RetrievalStatistics
from probes.transforms import TRANSFORMS, Transform
from xalign.benchmarking.directions import answers_of
from xalign.benchmarking.judged import Draws, score_columns
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.benchmarking.splitting import Round
from xalign.benchmarking.vectors import PASSAGE, QUERY, Vectors
from xalign.errors import ProbeError
from xalign.judging.rows import Judged

if TYPE_CHECKING:
    from xalign.benchmarking.questions import QuestionMaterial


@dataclass(frozen=True, eq=False)
class PreparedQuestions:
    """Who answers each question, ready to be judged.

    The null shuffles which paragraph is which; a resample draws paragraphs with all their questions, because questions
    on one paragraph are answered or missed together.

    Attributes:
        answers: The nearest paragraphs of each question.
        right: The paragraph of each question.
        n_paragraphs: How many could answer.
    """

    answers: Answers
    right: Int[np.ndarray, " q"]
    n_paragraphs: int

    def hits(self, right: Int[np.ndarray, "m q"]) -> Float[np.ndarray, "m q"]:
        """Return the share of each question that these paragraphs answer; ties are shared."""
        return self.answers.shares(right[:, self.answers.queries] == self.answers.candidates)

    @property
    def score(self) -> float:
        """The share of questions whose nearest paragraph is theirs."""
        return float(self.hits(self.right[None, :]).mean())

    def judged(self, draws: Draws) -> Judged:
        """Judge by shuffled paragraphs and resampled paragraphs; chance is 1 / n_paragraphs."""
        permuted = self.hits(draws.permutations(self.n_paragraphs)[:, self.right]).mean(axis=1)
        weights = draws.counts(self.n_paragraphs)[:, self.right]
        resampled = weights @ self.hits(self.right[None, :])[0] / np.maximum(weights.sum(axis=1), 1)
        return Judged(self.score, 1 / self.n_paragraphs, permuted, resampled)


class QuestionSpace:
    """The questions and paragraphs of one round at one layer, after a transform fitted on other ones.

    A transform is fitted on a language's questions and paragraphs together, a map on those of two languages.
    """

    def __init__(self, material: QuestionMaterial, vectors: Vectors, each: Round, layer: int, transform: str) -> None:
        self.material, self.vectors, self.round, self.layer = material, vectors, each, layer
        self.kind = TRANSFORMS.get(transform)
        self.right = material.asked(each.score)[1]
        self._fitted: dict[tuple[str, ...], Transform] = {}

    def moved(self, role: str, language: str, target: str | None) -> Float[np.ndarray, "n d"]:
        """Return the rows of a language: through its own transform, or carried to the target's by a map."""
        rows = self._rows(role, language, self.round)
        if self.kind is None or (self.kind.needs_pivot and target in (None, language)):
            return rows
        fitted_on = (language, str(target)) if self.kind.needs_pivot else (language,)
        if fitted_on not in self._fitted:
            self._fitted[fitted_on] = self.kind.fit(*(self._fit_rows(each) for each in fitted_on))
        return self._fitted[fitted_on].apply(rows)

    def _rows(self, role: str, language: str, each: Round, *, fit: bool = False) -> Float[np.ndarray, "n d"]:
        part = each.fit if fit and each.fit is not None else each.score
        part = self.material.asked(part)[0] if role == QUERY else part
        return self.vectors.read(role, language, part=part, layer=self.layer)

    def _fit_rows(self, language: str) -> Float[np.ndarray, "n d"]:
        if self.round.fit is None:
            raise ValueError("a transform must be fitted on other rows than those scored, got none")
        return np.concatenate([self._rows(role, language, self.round, fit=True) for role in (QUERY, PASSAGE)])


@dataclass(frozen=True, eq=False)
class QuestionTrial:
    """Encoded questions and paragraphs, scored layer by layer."""

    material: QuestionMaterial
    vectors: Vectors
    settings: BenchmarkSettings
    warnings: list[str] = field(default_factory=list)

    def selection_score(self, layer: int) -> float:
        """Return the mean accuracy over pairs of different languages on the paragraphs that choose."""
        if self.material.plan.choosing is None:
            return float("nan")
        found = list(self._prepared(self.material.plan.choosing, layer))
        across = [prepared.score for source, target, prepared in found if source != target]
        return float(np.mean(across or [prepared.score for _, _, prepared in found]))

    def rows(self, layer: int, draws: Draws) -> Iterator[dict[str, Any]]:
        """Yield the accuracy of every pair of languages; `n` questions among `n_candidates` paragraphs."""
        for source, target, prepared in self._prepared(self.material.plan.reporting, layer):
            yield {
                "metric": "accuracy",
                "source": source,
                "target": target,
                "n": prepared.right.size,
                "n_candidates": prepared.n_paragraphs,
            } | score_columns(prepared.judged(draws))

    def _prepared(self, each: Round, layer: int) -> Iterator[tuple[str, str, PreparedQuestions]]:
        space = QuestionSpace(self.material, self.vectors, each, layer, self.settings.transform)
        sides: dict[tuple[str, str, str], RetrievalSide] = {}
        for source, target in self.material.pairs:
            try:
                asking = self._side(space, sides, (QUERY, source, target))
                asked = self._side(space, sides, (PASSAGE, target, target))
                statistics = RetrievalStatistics(asking, asked, neighbours=self.settings.neighbours)
                answers = answers_of(statistics, self.settings.comparison)[0]
            except ValueError as error:
                raise ProbeError(f"questions in {source}, paragraphs in {target}, layer {layer}: {error}") from error
            yield source, target, PreparedQuestions(answers, space.right, asked.n)

    def _side(
        self, space: QuestionSpace, sides: dict[tuple[str, str, str], RetrievalSide], key: tuple[str, str, str]
    ) -> RetrievalSide:
        """One side, made once; what it is carried to matters to maps alone."""
        role, language, target = key
        if space.kind is None or not space.kind.needs_pivot:
            key = (role, language, "")
        if key not in sides:
            sides[key] = retrieval_side(space.moved(role, language, target), name=language)
        return sides[key]
