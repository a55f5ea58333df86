"""Third map phase: a score, and labels, for every usable row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from xalign.encoders.fingerprints import digest_texts
from xalign.selecting.fields import look_up
from xalign.selecting.reading import ReadTask
from xalign.selecting.scorers import ScorerSpec
from xalign.selecting.settings import FORM, ModelSettings
from xalign.selecting.sidecars import ROWS, SCORES, TAGS
from xalign.selecting.unchanged import rows_again

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ScoreTask:
    """Score the usable rows of one shard.

    Attributes:
        reading: How its rows were read.
        scorer: Which score.
        model: For scorers that encode.
        model_key: Of its embedder.
    """

    reading: ReadTask
    scorer: ScorerSpec
    model: ModelSettings
    model_key: str = ""

    @property
    def key(self) -> str:
        """Of the sidecar."""
        vectors = self.model_key if self.scorer.needs_vectors else ""
        return digest_texts([FORM, self.reading.key, self.scorer.key, vectors])

    @property
    def is_done(self) -> bool:
        """Whether the sidecar is there."""
        return self.reading.sidecars.has(SCORES, self.key)


def score_shard(task: ScoreTask) -> int:
    """Write the scores of one shard.

    The facts have `faults`, [row, reason] of scores that are not finite, and `cut`, how many rows are longer than the
    scorer reads.

    Raises:
        CorpusError: If the shard's file changed since it was read.
    """
    n = int(task.reading.sidecars.facts(ROWS, task.reading.key)["n"])
    facts: dict[str, Any] = {"n": n, "model": task.scorer.text, "faults": [], "cut": 0}
    task.reading.sidecars.write_array(SCORES, task.key, (n,), _scores(task, facts), facts)
    return n


def _scores(task: ScoreTask, facts: dict[str, Any]) -> Iterator[Float[np.ndarray, " n"]]:
    start = 0
    for block in rows_again(task.reading, task.scorer.columns):
        scores = np.asarray(task.scorer.score(block, task.model), dtype=np.float64)
        wrong = np.flatnonzero(~np.isfinite(scores))
        facts["faults"] += [[int(row) + start, task.scorer.why_none(block[row])] for row in wrong]
        facts["cut"] += task.scorer.count_cut(block, task.model)
        start += len(block)
        yield scores


@dataclass(frozen=True)
class TagTask:
    """Read the labels of the usable rows of one shard.

    Attributes:
        reading: How its rows were read.
        field: Where labels are: a list of strings, of {name/label/tag: ...}, or one string.
        known: The labels there may be; none for any.
    """

    reading: ReadTask
    field: str
    known: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Of the sidecar."""
        return digest_texts([FORM, self.reading.key, self.field, *self.known])

    @property
    def is_done(self) -> bool:
        """Whether the sidecar is there."""
        return self.reading.sidecars.has(TAGS, self.key)


def tag_shard(task: TagTask) -> int:
    """Write the labels of one shard; the facts have `faults`, [row, reason] where they are missing or not known.

    Raises:
        CorpusError: If the shard's file changed since it was read.
    """
    import pyarrow as pa

    known, faults, tables = frozenset(task.known), [], []
    start = 0
    for block in rows_again(task.reading, [task.field.split(".")[0]]):
        found = [_labels(look_up(row.fields, task.field)) for row in block]
        for place, labels in enumerate(found):
            if reason := _fault(labels, known, task.field):
                faults.append([start + place, reason])
        start += len(block)
        tables.append(_table(found))
    table = pa.concat_tables(tables) if tables else _table([])
    task.reading.sidecars.write_table(TAGS, task.key, table, {"n": start, "faults": faults})
    return start


def _labels(value: Any) -> list[str] | None:
    """Labels in the forms that annotators leave them; None where there are none to read."""
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    if not isinstance(value, list):
        return None
    labels = [_label(item) for item in value]
    return None if None in labels else list(dict.fromkeys(label for label in labels if label))


def _label(item: Any) -> str | None:
    if isinstance(item, str):
        return item.strip()
    if isinstance(item, dict):
        named = next((item[name] for name in ("tag", "label", "name") if isinstance(item.get(name), str)), None)
        return None if named is None else named.strip()
    return None


def _fault(labels: list[str] | None, known: frozenset[str], field: str) -> str:
    if labels is None:
        return f"labels were expected in {field!r}, got none that can be read"
    outside = [label for label in labels if known and label not in known]
    return f"label {outside[0]!r} in {field!r} is not in the list of labels" if outside else ""


def _table(found: list[list[str] | None]) -> pa.Table:
    import pyarrow as pa

    return pa.table({"labels": pa.array([labels or [] for labels in found], pa.list_(pa.string()))})
