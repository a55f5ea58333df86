"""Each category has its own scorer: rules that are met, the weakest step, nearness to a revision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

Scorer = Callable[[Sequence[Any]], Any]
"""A number for each of a list of rows, up is better."""
GENERAL = "general"
"""The scorer of categories that have none of their own."""


def score_by_category(
    rows: Sequence[Any], categories: Sequence[str], scorers: Mapping[str, Scorer]
) -> Float[np.ndarray, " n"]:
    """Score each row by the scorer of its category.

    A scorer sees all rows of its categories in one call.

    Args:
        rows: Whatever the scorers read.
        categories: The category of each row.
        scorers: By category; `"general"` scores every category that is not named.

    Returns:
        A score for each row. Scales differ between scorers: `robust_scale` with the scorer as source aligns them.

    Raises:
        ValueError: If lengths differ, a category has no scorer, or a scorer gives another number of scores.
    """
    if len(rows) != len(categories):
        raise ValueError(f"categories must have the {len(rows)} rows, got {len(categories)}")
    unscored = sorted({name for name in categories if name not in scorers and GENERAL not in scorers})
    if unscored:
        raise ValueError(f"scorers must name every category or {GENERAL!r}, got none for {', '.join(unscored)}")
    names = np.array([name if name in scorers else GENERAL for name in categories], dtype=object)
    scores = np.empty(len(rows), dtype=np.float64)
    for name in dict.fromkeys(names):
        places = np.flatnonzero(names == name).tolist()
        given = np.asarray(scorers[name]([rows[i] for i in places]), dtype=np.float64)
        if given.shape != (len(places),):
            raise ValueError(f"the scorer of {name!r} must give {len(places)} scores, got shape {given.shape}")
        scores[places] = given
    return scores


def constraints_met(responses: Sequence[str], checks: Sequence[Sequence[Callable[[str], bool]]]) -> np.ndarray:
    """Return the share of its rules that each response keeps.

    Args:
        responses: Texts.
        checks: For each response the rules, each a function of the text; a response without rules scores 1.

    Raises:
        ValueError: If lengths differ.
    """
    if len(responses) != len(checks):
        raise ValueError(f"checks must have the {len(responses)} rows of responses, got {len(checks)}")
    kept = [[bool(check(text)) for check in rules] for text, rules in zip(responses, checks, strict=True)]
    return np.array([np.mean(answers) if answers else 1.0 for answers in kept], dtype=np.float64)


def least_step_reward(rewards: Sequence[Sequence[float]]) -> np.ndarray:
    """Return the reward of each solution's weakest step: a chain of reasoning is as good as that.

    Raises:
        ValueError: If a solution has no step.
    """
    empty = [row for row, steps in enumerate(rewards) if len(steps) == 0]
    if empty:
        raise ValueError(f"rewards must hold at least one step for each row, got none in row {empty[0]}")
    return np.array([np.min(steps) for steps in rewards], dtype=np.float64)


def line_similarity(text: str, revision: str) -> float:
    """Say how little a revision changes a text, line by line.

    Returns:
        1 minus the Levenshtein distance over lines divided by the larger number of lines; 1 for equal texts.
    """
    before, after = text.splitlines(), revision.splitlines()
    longest = max(len(before), len(after))
    return 1.0 if longest == 0 else 1.0 - _edits(before, after) / longest


def _edits(before: Sequence[str], after: Sequence[str]) -> int:
    """Levenshtein distance: insertions, deletions and replacements, a row of the table at a time."""
    costs = list(range(len(after) + 1))
    for i, line in enumerate(before, start=1):
        row = [i]
        for j, other in enumerate(after, start=1):
            row.append(min(costs[j] + 1, row[-1] + 1, costs[j - 1] + (line != other)))
        costs = row
    return costs[-1]
