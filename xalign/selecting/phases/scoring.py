"""A map phase: a score for every usable row, or for those of some categories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from xalign.encoders.fingerprints import digest_texts
from xalign.selecting.phases.routing import RouteTask
from xalign.selecting.phases.tagging import Categories, TagTask
from xalign.selecting.pools.reading import ReadTask
from xalign.selecting.pools.sidecars import ROWS, SCORES
from xalign.selecting.pools.unchanged import rows_again
from xalign.selecting.scores.category_scorers import CategoryScorers
from xalign.selecting.scores.scorers import ScorerSpec
from xalign.selecting.settings import FORM, ModelSettings


@dataclass(frozen=True)
class ScoreTask:
    """Score the usable rows of one shard.

    Attributes:
        reading: How its rows were read.
        scorer: Which score.
        model: For scorers that encode.
        model_key: Of its embedder.
        among: The rows that it scores; None for all.
    """

    reading: ReadTask
    scorer: ScorerSpec
    model: ModelSettings
    model_key: str = ""
    among: Categories | None = None

    @property
    def key(self) -> str:
        """Of the sidecar."""
        vectors = self.model_key if self.scorer.needs_vectors else ""
        among = () if self.among is None else self.among.key
        return digest_texts([FORM, self.reading.key, self.scorer.key, vectors, *among])

    @property
    def is_done(self) -> bool:
        """Whether the sidecar is there."""
        return self.reading.sidecars.has(SCORES, self.key)


def score_shard(task: ScoreTask) -> int:
    """Write the scores of one shard.

    Rows that are not among those it scores are NaN. The facts have `faults`, [row, reason] of scores that are not
    finite, and `cut`, how many rows are longer than the scorer reads.

    Raises:
        CorpusError: If the shard's file changed since it was read.
    """
    n = int(task.reading.sidecars.facts(ROWS, task.reading.key)["n"])
    facts: dict[str, Any] = {"n": n, "model": task.scorer.text, "faults": [], "cut": 0}
    task.reading.sidecars.write_array(SCORES, task.key, (n,), _scores(task, facts), facts)
    return n


def _scores(task: ScoreTask, facts: dict[str, Any]) -> Iterator[Float[np.ndarray, " n"]]:
    start, wanted = 0, None if task.among is None else task.among.rows()
    for block in rows_again(task.reading, task.scorer.columns):
        places = range(len(block)) if wanted is None else np.flatnonzero(wanted[start : start + len(block)]).tolist()
        some = [block[place] for place in places]
        found = np.full(len(block), np.nan)
        if some:
            found[places] = task.scorer.score(some, task.model)
            facts["cut"] += task.scorer.count_cut(some, task.model)
        wrong = [place for place in places if not np.isfinite(found[place])]
        facts["faults"] += [[place + start, task.scorer.why_none(block[place])] for place in wrong]
        start += len(block)
        yield found


def score_tasks(
    scorers: CategoryScorers,
    reading: ReadTask,
    model: ModelSettings,
    model_key: str,
    category: TagTask | RouteTask | None,
) -> tuple[ScoreTask, ...]:
    """A task for each scorer, which together score every usable row of a shard once."""
    if scorers.is_one or category is None:
        return tuple(ScoreTask(reading, spec, model, model_key) for spec in scorers.specs)
    return tuple(
        ScoreTask(reading, spec, model, model_key, Categories(category, *scorers.categories_of(spec)))
        for spec in scorers.specs
    )
