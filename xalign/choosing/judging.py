"""A choice beside what anyone could have chosen: random draws, one per family, most resourced, least diverse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from selection.diversity import DiversityPool
from selection.languages import choose_languages
from selection.languages.baselines import most_resourced, one_per_group, random_choices
from selection.languages.limits import read_limits
from xalign.choosing.material import Material, included_in, limits_of
from xalign.choosing.settings import UNWEIGHED, ChoosingSettings

JUDGED = ("mean_pairwise_distance", "coverage", "entropy", "feature_value_inclusion", "feature_value_overlap")
NEED = "mean_need"
CHOICE, RANDOM = "choice", "random"
N_EQUAL = 20
"""Draws of an arm that leaves something to chance: who comes for a family, who among those with as much data."""
LOW_PERCENTILE = 10
"""Below this percentile of the draws' mean need a choice is said to lack little."""
TABLE_COLUMNS = ["arm", "n_sets", *(f"{name}{end}" for name in (*JUDGED, NEED) for end in ("", "_sd", "_percentile"))]
DRAW_COLUMNS = ["draw", "languages", *JUDGED, NEED]


@dataclass(frozen=True, eq=False)
class Judgement:
    """Arms compared.

    Attributes:
        table: A row per arm: each measure, its sd over sets where there are several, and the share of random draws (in
            percent) that lie below it, ties counted half.
        draws: A row per random draw; its languages in one text with spaces between.
        arms: The languages of every arm but random; of one that is a mean over draws, the first draw.
        notes: Which arms or measures are left out, and why, and whether the chosen lack less than random draws do.
    """

    table: pd.DataFrame
    draws: pd.DataFrame
    arms: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]


def judge_choice(chosen: Sequence[int], material: Material, settings: ChoosingSettings) -> Judgement:
    """Judge a choice against baselines of the same pool and size, which keep its includes and limits.

    Args:
        chosen: Indices of the chosen candidates.
        material: What is known of the candidates.
        settings: Of the choice.

    Returns:
        The arms in one table.
    """
    judge = _Judge(material, settings.pivot)
    drawn = random_choices(
        len(material.languages),
        len(chosen),
        n_draws=settings.n_draws,
        seed=settings.seed,
        include=included_in(material, settings),
        **limits_of(material, settings),
    )
    draws = judge.measure_all(drawn)
    rivals, notes = _rivals(len(chosen), material, settings)
    arms = {CHOICE: np.asarray(chosen, dtype=np.int64)[None], RANDOM: drawn, **rivals}
    rows = [_row(name, judge.measure_all(sets), draws) for name, sets in arms.items()]
    notes += _caution(rows[0], draws, settings)
    draws.insert(0, "draw", range(len(draws)))
    draws.insert(1, "languages", [" ".join(material.languages[row] for row in each) for each in drawn])
    named = {name: tuple(material.languages[i] for i in sets[0]) for name, sets in arms.items() if name != RANDOM}
    return Judgement(pd.DataFrame(rows)[TABLE_COLUMNS], draws[DRAW_COLUMNS], named, tuple(notes))


def _caution(choice: Mapping[str, Any], draws: pd.DataFrame, settings: ChoosingSettings) -> list[str]:
    """Say that the chosen lack little, where need was to count."""
    if not settings.need or settings.objective in UNWEIGHED or not choice[f"{NEED}_percentile"] < LOW_PERCENTILE:
        return []
    return [
        f"the chosen lack less than random draws do: their mean need, {choice[NEED]:.2f}, is at percentile "
        f"{choice[f'{NEED}_percentile']:.0f} of the draws', {draws[NEED].mean():.2f} on average; what the model has "
        "hold of and which languages are alike outweigh need here: grasp=0, or less coverage, gives need more of a say"
    ]


class _Judge:
    """The pool's distances and features, read once."""

    def __init__(self, material: Material, pivot: str) -> None:
        self._distances = DiversityPool(material.distances, kind="distances")
        self._features = None if material.features is None else DiversityPool(material.features.values, kind="features")
        self._need = None if material.evidence is None else material.evidence.need
        self._lacks = np.array([language != pivot for language in material.languages])

    def measure_all(self, sets: Int[np.ndarray, "n k"]) -> pd.DataFrame:
        """Every figure of several sets, a row each."""
        return pd.DataFrame([self.measure(rows) for rows in sets])

    def measure(self, rows: Sequence[int] | Int[np.ndarray, " k"]) -> dict[str, float]:
        """Every figure of one set; NaN where there are no features or scores."""
        rows = np.asarray(rows, dtype=np.int64)
        by_distance = self._distances.judge(rows)
        by_feature = by_distance if self._features is None else self._features.judge(rows)
        figures = {name: getattr(by_distance, name) for name in JUDGED[:2]}
        figures |= {name: getattr(by_feature, name) for name in JUDGED[2:]}
        return figures | {NEED: self._mean_need(rows)}

    def _mean_need(self, rows: Int[np.ndarray, " k"]) -> float:
        """The mean of those beside the pivot, which lacks nothing by definition."""
        rows = rows[self._lacks[rows]]
        return float("nan") if self._need is None or not len(rows) else float(self._need[rows].mean())


def _rivals(
    k: int, material: Material, settings: ChoosingSettings
) -> tuple[dict[str, Int[np.ndarray, "_ k"]], list[str]]:
    """The other arms, one set or several draws each, and why some are missing."""
    rivals, notes, within = {}, [], limits_of(material, settings)
    include = included_in(material, settings)
    limits = read_limits(k, material.languages, include, (), within.get("groups"), within.get("max_per_group"))
    seeds = range(settings.seed, settings.seed + N_EQUAL)
    if material.families is None:
        notes.append("the arm one per family is left out: families are not known")
    else:
        families = material.families
        rivals["one per family"] = _different(one_per_group(families, k, seed, limits=limits) for seed in seeds)
    if material.resources is None:
        notes.append("the arm most resourced is left out: resources are not known; give them")
    else:
        amounts = material.resources
        rivals["most resourced"] = _different(most_resourced(amounts, k, seed=seed, limits=limits) for seed in seeds)
    least = choose_languages(
        material.distances,
        k,
        languages=list(material.languages),
        objective="min_sum",
        method="greedy",
        include=settings.include,
        seed=settings.seed,
        **within,
    )
    return rivals | {"least diverse": least.indices[None]}, notes


def _different(draws: Iterable[Int[np.ndarray, " k"]]) -> Int[np.ndarray, "_ k"]:
    """All draws; the first alone where all are the same set."""
    sets = np.stack(list(draws))
    same = (np.sort(sets, axis=1) == np.sort(sets[0])).all()
    return sets[:1] if same else sets


def _row(arm: str, figures: pd.DataFrame, draws: pd.DataFrame) -> dict[str, Any]:
    """The mean of an arm's sets, their spread where there are several, and where the mean lies among the draws."""
    row: dict[str, Any] = {"arm": arm, "n_sets": len(figures)}
    for name in figures:
        values, drawn = figures[name].to_numpy(float), draws[name].to_numpy(float)
        mean = float(values.mean())
        row |= {
            str(name): mean,
            f"{name}_sd": float(values.std(ddof=1)) if len(values) > 1 else np.nan,
            f"{name}_percentile": np.nan if arm == RANDOM else _percentile(mean, drawn),
        }
    return row


def _percentile(value: float, draws: Float[np.ndarray, " n"]) -> float:
    """Percent of draws below a value, ties counted half."""
    if np.isnan(value) or np.isnan(draws).any():
        return float("nan")
    equal = np.isclose(draws, value, rtol=1e-12, atol=1e-12)
    return float(100 * ((draws < value) & ~equal).mean() + 50 * equal.mean())
