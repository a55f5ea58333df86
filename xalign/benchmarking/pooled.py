"""A question looks for its paragraph, in whatever language, in one pool of all languages (LAReQA on paragraphs)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from probes.pool import PoolPreparation, PreparedPool
from xalign.benchmarking.columns import POOL
from xalign.benchmarking.judged import Draws, score_columns, undefined
from xalign.benchmarking.question_trial import QuestionSpace
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.benchmarking.splitting import Round
from xalign.benchmarking.vectors import PASSAGE, QUERY, Vectors
from xalign.errors import ProbeError
from xalign.judging.rows import Judged

if TYPE_CHECKING:
    from xalign.benchmarking.questions import QuestionMaterial

MOST_SHUFFLES = 39
"""Every shuffle ranks the whole pool for every question; so many give a p-value of .025."""


@dataclass(frozen=True, eq=False)
class PoolTrial:
    """Encoded questions and paragraphs of all languages, scored layer by layer.

    A map carries every language to the pivot.
    """

    material: QuestionMaterial
    vectors: Vectors
    settings: BenchmarkSettings
    warnings: list[str] = field(default_factory=list)

    def selection_score(self, layer: int) -> float:
        """Return the mean average precision on the paragraphs that choose."""
        choosing = self.material.plan.choosing
        return float("nan") if choosing is None else float(self._pool(choosing, layer).scores.mean())

    def rows(self, layer: int, draws: Draws) -> Iterator[dict[str, Any]]:
        """Yield each language's mean average precision, and in which languages its first answers are.

        Resamples draw paragraphs with their questions. Shares of first answers describe, and have no null or interval.
        """
        each = self.material.plan.reporting
        pool, right = self._pool(each, layer), self.material.asked(each.score)[1]
        null = pool.null(min(draws.n_permutations, MOST_SHUFFLES), seed=draws.seed)
        resampled = pool.resampled(draws.counts(each.score.n)[:, right])
        sizes = {"n": right.size, "n_candidates": each.score.n * len(pool.languages)}
        for i, language in enumerate(pool.languages):
            judged = Judged(float(pool.scores[i]), float(pool.chances[i]), null[i], resampled[i])
            yield {"metric": "map", "source": language, "target": POOL} | sizes | score_columns(judged)
        yield from self._first_answers(pool, sizes)

    def _first_answers(self, pool: PreparedPool, sizes: dict[str, int]) -> Iterator[dict[str, Any]]:
        other = (1 - pool.own_language_chance) / (len(pool.languages) - 1)
        for i, source in enumerate(pool.languages):
            for j, target in enumerate(pool.languages):
                chance = pool.own_language_chance if i == j else other
                known = {"score": float(pool.top_language[i, j]), "chance": chance}
                yield {"metric": "top_language", "source": source, "target": target} | sizes | undefined() | known

    def _pool(self, each: Round, layer: int) -> PreparedPool:
        space = QuestionSpace(self.material, self.vectors, each, layer, self.settings.transform)
        pivot = self.settings.pivot
        try:
            queries, paragraphs = (
                {language: space.moved(role, language, pivot) for language in self.material.languages}
                for role in (QUERY, PASSAGE)
            )
            return PoolPreparation(paragraphs, np.asarray(space.right)).of(queries)
        except ValueError as error:
            raise ProbeError(f"{self.material.name}, layer {layer}: {error}") from error
