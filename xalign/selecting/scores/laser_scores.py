"""What LASER scores some categories by: the weakest step, the rules that are kept, what a revision leaves as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from selection.data.stratified.scoring import least_step_reward, line_similarity
from xalign.selecting.pools.fields import look_up
from xalign.selecting.pools.reading import Row, has_words
from xalign.selecting.settings import ModelSettings


def score_least(rows: Sequence[Row], field: str, _: ModelSettings) -> Float[np.ndarray, " n"]:
    """The least of a list of numbers, as of the rewards of a solution's steps."""
    steps = [_numbers(look_up(row.fields, field)) for row in rows]
    return np.array([least_step_reward([some])[0] if some else np.nan for some in steps], dtype=np.float64)


def no_steps(row: Row, field: str) -> str:
    """Say what stands where a list of numbers was expected."""
    return f"a list of numbers was expected in {field!r}, got {look_up(row.fields, field)!r}"


def score_constraints(rows: Sequence[Row], field: str, _: ModelSettings) -> Float[np.ndarray, " n"]:
    """The share of rules that a response keeps, from a list of true and false."""
    answers = [_answers(look_up(row.fields, field)) for row in rows]
    return np.array([np.mean(some) if some else np.nan for some in answers], dtype=np.float64)


def no_answers(row: Row, field: str) -> str:
    """Say what stands where answers were expected."""
    return f"a list of true and false, one for each rule, was expected in {field!r}, got {look_up(row.fields, field)!r}"


def score_revision(rows: Sequence[Row], field: str, _: ModelSettings) -> Float[np.ndarray, " n"]:
    """How much of a response a revision in another field leaves as it was, line by line; of plain text, of the text."""
    revised = [look_up(row.fields, field) for row in rows]
    scores = np.full(len(rows), np.nan)
    for place, (row, text) in enumerate(zip(rows, revised, strict=True)):
        if isinstance(text, str) and has_words(text):
            scores[place] = line_similarity(row.turns.response or row.text, text)
    return scores


def no_revision(row: Row, field: str) -> str:
    """Say what stands where a revision was expected."""
    return f"a revision was expected in {field!r}, got {look_up(row.fields, field)!r}"


def _numbers(value: Any) -> list[float]:
    """A list of finite numbers; empty for whatever else."""
    if not isinstance(value, list) or not all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in value
    ):
        return []
    return [float(one) for one in value]


def _answers(value: Any) -> list[bool]:
    """A list of true and false; empty for whatever else."""
    return value if isinstance(value, list) and all(isinstance(one, bool) for one in value) else []
