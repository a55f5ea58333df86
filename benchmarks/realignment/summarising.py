"""What each arm moved: the mean change of every group of languages, with intervals over sets and trainings."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.realignment.planning import ALL, AWARE, LEAST, MOST, NEEDY, RANDOM, START
from benchmarks.realignment.rows import CHOSEN, OTHER, OUTCOMES, OUTSIDE, PIVOT_ROLE, RUN

ARMS = (MOST, LEAST, RANDOM, AWARE, NEEDY, ALL)
WHOLE_POOL = "pool"
GROUPS = (WHOLE_POOL, CHOSEN, OTHER, OUTSIDE, PIVOT_ROLE)
LEVEL = 0.95


def changes_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row per run, language and outcome with `before`, `after` and `change`."""
    long = rows.melt([*RUN, "language", "role", "nearest", "likest"], OUTCOMES, "outcome", "after")
    started = long["arm"] == START
    before = long[started].set_index(["model", "outcome", "language"])["after"].rename("before")
    joined = long[~started].dropna(subset=["after"]).join(before, on=["model", "outcome", "language"])
    return joined.assign(change=joined["after"] - joined["before"]).reset_index(drop=True)


def in_group(changes: pd.DataFrame, group: str) -> pd.DataFrame:
    """Keep the languages of a group: the pool is what is chosen and what is not."""
    return changes[changes["role"].isin([CHOSEN, OTHER] if group == WHOLE_POOL else [group])]


def tabulate(rows: pd.DataFrame) -> pd.DataFrame:
    """Average every arm's change over the languages of each group, then over draws and seeds.

    Args:
        rows: What `collect_rows` or `read_rows` returned.

    Returns:
        A row per model, outcome, arm, k and group: languages, runs, the scores before and after, the change, and its
        95 % interval (Student's t): of random sets over draws, which lie apart from each other by their languages too;
        of a single set over its trainings, whose spread is taken from all sets of that size together.
    """
    changes = changes_of(rows)
    found = [
        {"model": model, "outcome": outcome, "group": group, **row}
        for (model, outcome), part in changes.groupby(["model", "outcome"], sort=False)
        for group in GROUPS
        for row in _arm_rows(in_group(part, group))
    ]
    return pd.DataFrame(found)


def _arm_rows(changes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    runs = changes.groupby(["arm", "k", "draw", "seed"])[["before", "after", "change"]].mean().reset_index()
    for k, sized in runs.groupby("k"):
        spread = _spread_of_trainings(sized)
        for arm in [name for name in ARMS if name in set(sized["arm"])]:
            own = sized[sized["arm"] == arm]
            low, high = _interval(own, spread)
            languages = changes[(changes["arm"] == arm) & (changes["k"] == k)]
            per_set = languages.groupby("draw")["language"].nunique().mean()
            means = {name: float(own[name].mean()) for name in ("before", "after", "change")}
            yield {"arm": arm, "k": k, "n_languages": per_set, "n_runs": len(own), **means, "low": low, "high": high}


def _spread_of_trainings(runs: pd.DataFrame) -> tuple[float, int]:
    """Return the standard deviation between trainings of one set, pooled over sets, and its degrees of freedom."""
    grouped = runs.groupby(["arm", "draw"])["change"]
    freedom = int((grouped.count() - 1).sum())
    squares = float(((runs["change"] - grouped.transform("mean")) ** 2).sum())
    return (float(np.sqrt(squares / freedom)) if freedom else float("nan")), freedom


def _interval(runs: pd.DataFrame, spread: tuple[float, int]) -> tuple[float, float]:
    means = runs.groupby("draw")["change"].mean()
    if len(means) > 1:
        error, freedom = float(means.std() / np.sqrt(len(means))), len(means) - 1
    else:
        error, freedom = spread[0] / np.sqrt(len(runs)), spread[1]
    if not freedom:
        return float("nan"), float("nan")
    reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * error
    return float(runs["change"].mean()) - reach, float(runs["change"].mean()) + reach
