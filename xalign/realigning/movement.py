"""What realignment moved, layer by layer: in the languages it was given, in others, and in those never seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from xalign.comparison import KEYS
from xalign.errors import UnknownNameError, XalignError
from xalign.realigning.languages import GROUPS
from xalign.summary import mean_interval
from xalign.transferring.estimating import holm

MOVED_COLUMNS = [
    "layer",
    "probe",
    "group",
    "before",
    "after",
    "change",
    "ci_low",
    "ci_high",
    "p_value",
    "p_corrected",
    "n",
]
CHANGE_COLUMNS = [
    "layer",
    "probe",
    "language",
    "group",
    "before",
    "after",
    "change",
    "chance",
    "apart",
]
FEWEST = 6
"""With fewer languages no permutation of signs can give a p-value below .05."""
N_PERMUTATIONS = 9999
TEST_WORDS = (
    "intervals resample languages (none for fewer than 3); p-values are of a paired permutation test over languages, "
    f"which flips the signs of their changes (none for fewer than {FEWEST}); corrected means for all layers, probes "
    "and groups (Holm)"
)


def tabulate_changes(before: pd.DataFrame, after: pd.DataFrame, groups: Mapping[str, str]) -> pd.DataFrame:
    """Put every language's scores before and after side by side.

    Args:
        before: The table of a report on the starting model, against a pivot.
        after: That on the realigned one, of the same text.
        groups: The group of each language; others, the pivot with them, are left out.

    Returns:
        A row per layer, probe and language, in the order of `before`; `apart` says whether the intervals over sentences
        are. Scores that are not defined on both sides are left out.

    Raises:
        XalignError: If the tables share no defined score of a language that has a group.
    """
    both = before.merge(after, on=KEYS, suffixes=("_before", "_after"))
    both = both[both["target"].isin(list(groups))]
    changes = pd.DataFrame(
        {
            "layer": both["layer"],
            "probe": both["probe"],
            "language": both["target"],
            "group": both["target"].map(groups.get),
            "before": both["score_before"],
            "after": both["score_after"],
            "change": both["score_after"] - both["score_before"],
            "chance": both["chance_before"],
            "apart": (both["ci_low_after"] > both["ci_high_before"]) | (both["ci_high_after"] < both["ci_low_before"]),
        }
    )
    changes = changes.dropna(subset=["change"]).reset_index(drop=True)
    if changes.empty:
        raise XalignError("the two reports share no score of a language; probe both models on the same text")
    return changes[CHANGE_COLUMNS]


def measure_movement(changes: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Average what moved over the languages of each group.

    Args:
        changes: As `tabulate_changes` returns them.
        seed: Of resamples and permutations.

    Returns:
        A row per layer, probe and group that has languages: mean before, after and change; the change's 95 % bootstrap
        interval over languages (percentiles; NaN for fewer than 3); the two-sided p-value of a permutation test that
        flips the signs of the languages' changes (all 2^n of them up to 13 languages, else 9,999; NaN for fewer than 6
        languages); the same corrected by Holm for the number of layers, probes and groups; and the number of languages.
        These are taken as independent; related ones are not, so that interval and p-value flatter.

    References:
        Phipson & Smyth (2010), Permutation P-values should never be zero, for the p-value of drawn permutations.
    """
    rows = [
        {"layer": layer, "probe": probe, "group": group} | _average(part, seed)
        for (layer, probe, group), part in changes.groupby(["layer", "probe", "group"], sort=False)
    ]
    moved = pd.DataFrame(rows)
    moved["p_corrected"] = holm(moved["p_value"].to_numpy(float))
    order = {probe: place for place, probe in enumerate(changes["probe"].unique())}
    places = moved.assign(probe=moved["probe"].map(order), group=moved["group"].map(GROUPS.index))
    return moved.loc[places.sort_values(["layer", "probe", "group"]).index, MOVED_COLUMNS].reset_index(drop=True)


def select_movement(moved: pd.DataFrame, probe: str, layer: int | None = None) -> pd.DataFrame:
    """Return the rows of one probe, and of one layer if it is given.

    Raises:
        UnknownNameError: If there is no such probe or layer.
    """
    for column, value in (("probe", probe), ("layer", layer)):
        known = list(moved[column].unique())
        if value is not None and value not in known:
            raise UnknownNameError(f"{column} must be one of {', '.join(map(str, known))}, got {value!r}")
    rows = moved[moved["probe"] == probe]
    return rows if layer is None else rows[rows["layer"] == layer]


def signs_p_value(change: Float[np.ndarray, " n"], *, seed: int = 0) -> float:
    """Return the two-sided p-value of a mean of paired differences, against random signs.

    Args:
        change: A difference for each language.
        seed: Of the signs that are drawn where there are too many to try all.

    Returns:
        NaN for fewer than 6 differences, 1 where all are 0.
    """
    from scipy import stats

    if change.size < FEWEST:
        return float("nan")
    if not change.any():
        return 1.0
    found = stats.permutation_test(
        (change,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=N_PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def _average(rows: pd.DataFrame, seed: int) -> dict[str, Any]:
    change = rows["change"].to_numpy(float)
    low, high = mean_interval(change, seed=seed)
    return {
        "before": rows["before"].mean(),
        "after": rows["after"].mean(),
        "change": change.mean(),
        "ci_low": low,
        "ci_high": high,
        "p_value": signs_p_value(change, seed=seed),
        "n": change.size,
    }
