"""A choice beside what anyone could have chosen: random draws, one per family, most resourced, least diverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from selection.diversity import DiversityPool
from selection.languages import choose_languages
from selection.languages.baselines import most_resourced, one_per_group, random_choices
from xalign.choosing.material import Material, limits_of
from xalign.choosing.settings import ChoosingSettings

JUDGED = ("mean_pairwise_distance", "coverage", "entropy", "feature_value_inclusion", "feature_value_overlap")
NEED = "mean_need"
CHOICE, RANDOM = "choice", "random"
TABLE_COLUMNS = ["arm", "n_sets", *(f"{name}{end}" for name in (*JUDGED, NEED) for end in ("", "_sd", "_percentile"))]
DRAW_COLUMNS = ["draw", "languages", *JUDGED, NEED]


@dataclass(frozen=True, eq=False)
class Judgement:
    """Arms compared.

    Attributes:
        table: A row per arm: each measure, its sd over sets where there are several, and the share of random draws (in
            percent) that lie below it, ties counted half.
        draws: A row per random draw; its languages in one text with spaces between.
        arms: The languages of the arms that are one set.
        notes: Which arms or measures are left out, and why.
    """

    table: pd.DataFrame
    draws: pd.DataFrame
    arms: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]


def judge_choice(chosen: Sequence[int], material: Material, settings: ChoosingSettings) -> Judgement:
    """Judge a choice against baselines of the same pool and size; draws and the least diverse keep its limits too.

    Args:
        chosen: Indices of the chosen candidates.
        material: What is known of the candidates.
        settings: Of the choice.

    Returns:
        The arms in one table.
    """
    judge = _Judge(material)
    include = [material.languages.index(language) for language in settings.include]
    drawn = random_choices(
        len(material.languages),
        len(chosen),
        n_draws=settings.n_draws,
        seed=settings.seed,
        include=include,
        **limits_of(material, settings),
    )
    draws = pd.DataFrame([judge.measure(rows) for rows in drawn])
    rivals, notes = _rivals(len(chosen), material, settings)
    rows = [_row(CHOICE, judge.measure(chosen), draws), _random_row(draws)]
    rows += [_row(name, judge.measure(indices), draws) for name, indices in rivals.items()]
    draws.insert(0, "draw", range(len(draws)))
    draws.insert(1, "languages", [" ".join(material.languages[row] for row in each) for each in drawn])
    arms = {CHOICE: chosen, **rivals}
    named = {name: tuple(material.languages[i] for i in indices) for name, indices in arms.items()}
    return Judgement(pd.DataFrame(rows)[TABLE_COLUMNS], draws[DRAW_COLUMNS], named, tuple(notes))


class _Judge:
    """The pool's distances and features, read once."""

    def __init__(self, material: Material) -> None:
        self._distances = DiversityPool(material.distances, kind="distances")
        self._features = None if material.features is None else DiversityPool(material.features.values, kind="features")
        self._need = None if material.evidence is None else material.evidence.need

    def measure(self, rows: Sequence[int] | Int[np.ndarray, " k"]) -> dict[str, float]:
        """Every figure of one set; NaN where there are no features or scores."""
        rows = np.asarray(rows, dtype=np.int64)
        by_distance = self._distances.judge(rows)
        by_feature = by_distance if self._features is None else self._features.judge(rows)
        figures = {name: getattr(by_distance, name) for name in JUDGED[:2]}
        figures |= {name: getattr(by_feature, name) for name in JUDGED[2:]}
        return figures | {NEED: float("nan") if self._need is None else float(self._need[rows].mean())}


def _rivals(
    k: int, material: Material, settings: ChoosingSettings
) -> tuple[dict[str, Int[np.ndarray, " k"]], list[str]]:
    """The arms that are one set, and why others are missing."""
    rivals, notes = {}, []
    if material.families is None:
        notes.append("the arm one per family is left out: families are not known")
    else:
        rivals["one per family"] = one_per_group(material.families, k, settings.seed)
    if material.resources is None:
        notes.append("the arm most resourced is left out: resources are not known; give them")
    else:
        rivals["most resourced"] = most_resourced(material.resources, k)
    least = choose_languages(
        material.distances,
        k,
        languages=list(material.languages),
        objective="min_sum",
        method="greedy",
        include=settings.include,
        seed=settings.seed,
        **limits_of(material, settings),
    )
    return rivals | {"least diverse": least.indices}, notes


def _row(arm: str, figures: Mapping[str, float], draws: pd.DataFrame) -> dict[str, object]:
    row: dict[str, object] = {"arm": arm, "n_sets": 1}
    for name, value in figures.items():
        row |= {
            name: value,
            f"{name}_sd": np.nan,
            f"{name}_percentile": _percentile(value, draws[name].to_numpy(float)),
        }
    return row


def _random_row(draws: pd.DataFrame) -> dict[str, object]:
    row: dict[str, object] = {"arm": RANDOM, "n_sets": len(draws)}
    for name in draws:
        spread = float(draws[name].std(ddof=1)) if len(draws) > 1 else np.nan
        row |= {str(name): float(draws[name].mean()), f"{name}_sd": spread, f"{name}_percentile": np.nan}
    return row


def _percentile(value: float, draws: Float[np.ndarray, " n"]) -> float:
    """Percent of draws below a value, ties counted half."""
    if np.isnan(value) or np.isnan(draws).any():
        return float("nan")
    equal = np.isclose(draws, value, rtol=1e-12, atol=1e-12)
    return float(100 * ((draws < value) & ~equal).mean() + 50 * equal.mean())
