"""What a choice of languages is: the chosen with their reasons, what it was made from, and how it is judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from selection.languages import LanguageChoice, LanguageReason
from xalign.choosing.judging import DRAW_COLUMNS, TABLE_COLUMNS
from xalign.errors import XalignError
from xalign.files import write_text
from xalign.language_lists import CHOSEN
from xalign.result_folders import filling, read_folder, write_facts, write_frames, write_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POOL_COLUMNS = [
    "language", "name", "family", "script", "need", "coverage", "stands_in", "weight", "order", "covered_by",
]  # fmt: skip
WHAT = "choice of languages"


@dataclass(frozen=True, repr=False, eq=False)
class LanguageSelection:
    """A chosen set of languages.

    Attributes:
        choice: The chosen languages, most valuable first, with value, gap, reasons and what would come next; distances
            in it are those of `weighed`.
        pool: A row per candidate: name, family and script (None where unknown), need in [0, 1] (NaN without a report),
            the share of features that its distances rest on, how well it stands in for others (NaN without a report),
            its weight (mean 1), its place in the order of the choice (0 if it was not chosen), and the chosen language
            that covers it, nearest by `weighed`.
        distances: Between candidates, as they came from features or probes; the measures of `table` are of these.
        weighed: The distances that the objective was given: those above with need and coverage in them.
        table: A row per arm: the choice, random draws, one per family, most resourced, least diverse; how many sets it
            is the mean of, each measure, its sd over these sets, and the percent of random draws that lie below it. The
            mean need is of those beside the pivot.
        draws: A row per random draw; its languages in one text with spaces between.
        arms: The languages of every arm but random; of one that is a mean over draws, the first draw.
        run: How it was made.
        warnings: What a reader must know.
    """

    choice: LanguageChoice
    pool: pd.DataFrame
    distances: pd.DataFrame
    weighed: pd.DataFrame
    table: pd.DataFrame
    draws: pd.DataFrame
    arms: Mapping[str, tuple[str, ...]]
    run: dict[str, Any]
    warnings: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        """One line; `.table` and `.reasons` hold the numbers."""
        return (
            f"LanguageSelection({len(self.languages)} of {len(self.candidates)} by {self.choice.objective}: "
            f"{', '.join(self.languages)})"
        )

    @property
    def languages(self) -> tuple[str, ...]:
        """The chosen ones, most valuable first."""
        return tuple(self.choice.languages)

    @property
    def candidates(self) -> tuple[str, ...]:
        """What they were chosen from."""
        return tuple(self.pool["language"])

    @property
    def reasons(self) -> tuple[LanguageReason, ...]:
        """Why each was chosen: what it added, whom it covers, what could stand in its place; `.text` says it."""
        return tuple(self.choice.reasons)

    @property
    def weights(self) -> np.ndarray:
        """The weight of every candidate, with mean 1."""
        return self.pool["weight"].to_numpy(float)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the candidates in the plane, the chosen marked, with lines to those they cover."""
        from xalign.figures.language_choices import plot_selection

        return plot_selection(self, ax=ax)

    def plot_arms(self, *, ax: Axes | None = None) -> Axes:
        """Draw every arm on every measure, beside the random draws."""
        from xalign.figures.language_choices import plot_arms

        return plot_arms(self.table, ax=ax)

    def as_document(self) -> dict[str, Any]:
        """What `chosen.json` holds: `languages` and `candidates` for other commands, and why."""
        choice = _without_nan(asdict(self.choice) | {"indices": [int(index) for index in self.choice.indices]})
        facts = {"k": len(self.languages), "objective": self.choice.objective, **_asked(self.run)}
        return (
            {"languages": list(self.languages), "candidates": list(self.candidates)}
            | facts
            | {"choice": choice}
            | {
                "reasons": [reason.text for reason in self.reasons],
                "arms": {name: list(languages) for name, languages in self.arms.items()},
            }
        )

    def save(self, folder: str | Path) -> Path:
        """Write `chosen.json`, tables (Parquet, CSV), pictures (PNG) and `run.json`; returns the folder."""
        from xalign.figures.language_choices import draw_selection

        folder = Path(folder)
        with filling(folder, what=WHAT, pictures=("languages.png", "arms.png", CHOSEN)):
            write_frames(folder, {name: _flat(getattr(self, name)) for name in _FRAMES})
            write_pictures(folder, draw_selection(self))
            write_text(folder / CHOSEN, json.dumps(self.as_document(), indent=2, ensure_ascii=False) + "\n")
            write_facts(folder, self.run, self.warnings)
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> LanguageSelection:
        """Read what `save` wrote.

        Raises:
            XalignError: If a file is missing, damaged or not a choice's.
        """
        folder = Path(folder)
        frames, run, warnings = read_folder(folder, _FRAMES, what=WHAT)
        try:
            document = json.loads((folder / CHOSEN).read_text(encoding="utf-8"))
            choice = _choice(document["choice"])
            arms = {name: tuple(languages) for name, languages in document["arms"].items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise XalignError(f"{folder / CHOSEN} is damaged: {type(error).__name__}: {error}; choose again") from error
        frames |= {name: frames[name].set_index("language") for name in _MATRICES}
        return cls(choice=choice, **frames, arms=arms, run=run, warnings=warnings)


_MATRICES = ("distances", "weighed")
_FRAMES = {"pool": POOL_COLUMNS, "table": TABLE_COLUMNS, "draws": DRAW_COLUMNS} | dict.fromkeys(_MATRICES)


def _asked(run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: run["arguments"][name] for name in ("features", "pivot", "need", "grasp", "coverage", "diversity", "seed")
    }


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """A matrix with its languages as the first column; other frames as they are."""
    return frame.rename_axis("language").reset_index() if frame.index.name == "language" else frame


_NUMBERS = ("bound", "gap", "distance")
"""What may be NaN, which JSON does not know."""


def _choice(stored: dict[str, Any]) -> LanguageChoice:
    """The choice as JSON kept it."""
    reasons = tuple(LanguageReason(**_restored(reason)) for reason in stored["reasons"])
    indices = np.array(stored["indices"], dtype=np.int64)
    return LanguageChoice(**_restored(stored) | {"indices": indices, "reasons": reasons})


def _restored(stored: dict[str, Any]) -> dict[str, Any]:
    """Lists as tuples, and NaN where there was no number."""
    values = {name: _frozen(value) for name, value in stored.items()}
    return values | {name: float("nan") for name in _NUMBERS if name in values and values[name] is None}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def _without_nan(value: Any) -> Any:
    """Numbers that are none as None, in mappings and lists too."""
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and np.isnan(value) else value
