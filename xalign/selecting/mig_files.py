"""Pools as MIG's authors publish them: JSON lines with dialogs, InsTag tags and DEITA scores.

{"dialogs": [{"role": "user", "content": "..."}, ...], "_id": "...",
 "annotation": {"instag": {"content": ["number theory", ...]},
                "deita": {"quality_scores": [4.5], "complexity_scores": [3.4]}}}
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from selection.data.information import TagTable, tags_from_names
from xalign.corpora.lines import read_lines
from xalign.errors import CorpusError
from xalign.selecting.faults import Fault, require_none


@dataclass(frozen=True, eq=False)
class MigPool:
    """What `information_gain_select` asks for, and the dialogs.

    Attributes:
        dialogs: Of each row, a list of turns with `role` and `content`.
        tags: Which labels each row carries.
        quality: Of each row, the mean over its rounds of quality times complexity.
        lines: The line of the file that each row stands in, from 1.
        faults: Lines that were left out, and why.
    """

    dialogs: tuple[list[dict[str, Any]], ...]
    tags: TagTable
    quality: Float[np.ndarray, " n"]
    lines: Int[np.ndarray, " n"]
    faults: tuple[Fault, ...]


def read_mig_pool(
    path: str | Path, *, labels: Sequence[str] | str | Path | None = None, skip_bad: bool = False
) -> MigPool:
    """Read a pool as MIG's authors publish it.

    Args:
        path: A file of JSON lines.
        labels: Tags that count, in the order of their columns, or a JSON file that lists them (the authors'
            `valid_tag_path`); other tags are dropped, as theirs are, and counted. None for every tag that occurs,
            sorted.
        skip_bad: Leave out lines that are broken or lack tags or scores (as the authors do with the latter), and list
            them, instead of refusing the file.

    Returns:
        The rows in the order of the file.

    Raises:
        CorpusError: If the file or the labels cannot be read, a line cannot be used, or none can.

    References:
        Chen et al. (2025), MIG, arXiv:2504.13835; the format is that of its released pools.
    """
    file = Path(path)
    rows, faults = [], []
    for number, line in enumerate(read_lines(file), start=1):
        if not line.strip():
            continue
        try:
            rows.append((number, *_read_row(line)))
        except ValueError as error:
            faults.append(Fault(str(file), "line", number, str(error)))
    if not skip_bad:
        require_none(faults, "pool")
    if not rows:
        raise CorpusError(f"{file}: rows with dialogs, tags and scores were expected, got none")
    numbers, dialogs, tags, quality = zip(*rows, strict=True)
    table = tags_from_names(tags, labels=_read_labels(labels), unknown="drop")
    return MigPool(dialogs, table, np.array(quality, dtype=np.float64), np.array(numbers), tuple(faults))


def _read_row(line: str) -> tuple[list[dict[str, Any]], list[str], float]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"JSON was expected, got {error.msg} at column {error.colno}") from error
    dialogs = _at(row, "dialogs", list)
    tags = _at(row, "annotation.instag.content", list)
    if not all(isinstance(tag, str) for tag in tags):
        raise ValueError(f"annotation.instag.content must be a list of texts, got {tags!r}")
    quality = _scores(row, "annotation.deita.quality_scores")
    complexity = _scores(row, "annotation.deita.complexity_scores")
    if len(quality) != len(complexity):
        raise ValueError(
            f"annotation.deita must have as many quality_scores as complexity_scores, got {len(quality)} and "
            f"{len(complexity)}"
        )
    return dialogs, tags, sum(q * c for q, c in zip(quality, complexity, strict=True)) / len(quality)


def _scores(row: Any, field: str) -> list[float]:
    scores = _at(row, field, list)
    if not scores:
        raise ValueError(f"{field} must have a number for each round, got none")
    for score in scores:
        if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
            raise ValueError(f"{field} must hold finite numbers, got {score!r}")
    return scores


def _at(row: Any, field: str, kind: type) -> Any:
    """What stands at a dotted path."""
    value = row
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, kind):
        raise ValueError(f"{field} must be a {kind.__name__}, got {value!r:.80}")
    return value


def _read_labels(labels: Sequence[str] | str | Path | None) -> Sequence[str] | None:
    if labels is None or not isinstance(labels, (str, Path)):
        return labels
    names = _parsed(Path(labels))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CorpusError(f"{labels}: a JSON list of tags was expected, got something else")
    return list(dict.fromkeys(names))


def _parsed(path: Path) -> Any:
    try:
        return json.loads("\n".join(read_lines(path)))
    except json.JSONDecodeError as error:
        raise CorpusError(f"{path}, line {error.lineno}: a JSON list of tags was expected, got {error.msg}") from error
