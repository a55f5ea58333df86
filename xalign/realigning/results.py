"""What a realignment did: the model, the reports before and after, what moved, and how it was made."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from xalign.errors import XalignError
from xalign.files import write_text
from xalign.realigning.folders import PAGE, RECORD, SIDES
from xalign.realigning.movement import CHANGE_COLUMNS, MOVED_COLUMNS, select_movement
from xalign.realigning.topics import ACCURACY_COLUMNS, TOPIC_COLUMNS
from xalign.report import ProbeReport
from xalign.result_folders import filling, require_own, write_frames, write_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FRAMES = {
    "moved": MOVED_COLUMNS,
    "changes": CHANGE_COLUMNS,
    "topics": TOPIC_COLUMNS,
    "accuracy": ACCURACY_COLUMNS,
}
PICTURES = ("movement_*.png", "gains_*.png", "topics.png", "training.png")


@dataclass(frozen=True, repr=False)
class Realignment:
    """A model realigned on some languages, and what that moved.

    Attributes:
        folder: The realigned model, an ordinary model folder, and with it all that stands here.
        before: The report of the starting model on the measured sentences.
        after: That of the realigned one.
        moved: A row per layer, probe and group of languages (chosen, other, unseen): mean before, after and change, the
            change's interval over languages, p-value, the same corrected, number of languages; see
            `xalign.realigning.movement.measure_movement`.
        changes: A row per layer, probe and language.
        topics: A row for the pivot and for each group: accuracy of a topic probe trained in the pivot, before and
            after, with an interval over sentences; none where the text has no topics (`run["task"]` says why).
        accuracy: A row per side, layer and language of the same.
        run: How it was made: languages, candidates, text, settings, seeds, training, models, versions.
        warnings: What a reader must know before trusting a number.
    """

    folder: Path
    before: ProbeReport
    after: ProbeReport
    moved: pd.DataFrame
    changes: pd.DataFrame
    topics: pd.DataFrame
    accuracy: pd.DataFrame
    run: dict[str, Any]
    warnings: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        """One line; the frames hold the numbers."""
        told = ", ".join(f"{row['group']} {row['change']:+.3f}" for row in self.headline.to_dict("records"))
        return f"Realignment({self.folder}: {self.probe} at layer {self.layer}: {told})"

    @property
    def probe(self) -> str:
        """The headline's probe."""
        return str(self.run["headline"]["probe"])

    @property
    def layer(self) -> int:
        """The headline's layer: the highest that was aligned."""
        return int(self.run["headline"]["layer"])

    @property
    def pivot(self) -> str:
        """The language that all others were realigned with."""
        return str(self.run["pivot"])

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that the model was realigned on."""
        return tuple(self.run["languages"])

    @property
    def headline(self) -> pd.DataFrame:
        """What moved by the headline's probe at the headline's layer: a row per group."""
        return select_movement(self.moved, self.probe, self.layer)

    def plot(self, probe: str | None = None, *, ax: Axes | None = None) -> list[Axes]:
        """Draw a probe's score by layer before and after, a panel for each group of languages."""
        from xalign.figures.realignments import draw_panels

        return draw_panels(self.changes, probe or self.probe, layer=self.layer, ax=ax)

    def plot_languages(self, probe: str | None = None, *, layer: int | None = None, ax: Axes | None = None) -> Axes:
        """Draw each language's score before and after at one layer, group by group."""
        from xalign.figures.realignments import plot_gains

        return plot_gains(self.changes, probe or self.probe, layer=self.layer if layer is None else layer, ax=ax)

    def save(self, folder: str | Path | None = None) -> Path:
        """Write both reports, tables (Parquet, CSV), pictures (PNG), the page and last `realign.json`.

        Args:
            folder: Where; beside the model if None. The model itself is not copied.

        Returns:
            The folder.

        Raises:
            SettingError: If another folder holds something that is no realignment.
            XalignError: If the folder cannot be written or the disk is full.
        """
        folder = self.folder if folder is None else Path(folder)
        if folder != self.folder:
            require_own(folder, marks=(RECORD,))
            for side in SIDES:
                getattr(self, side).save(folder / side)
        with filling(folder, what="realignment", pictures=PICTURES, is_own=True):
            (folder / RECORD).unlink(missing_ok=True)
            write_frames(folder, {name: getattr(self, name) for name in FRAMES})
            self._draw(folder)
            record = dict(self.run) | {"warnings": list(self.warnings)}
            write_text(folder / RECORD, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
        return folder

    def save_page(self) -> Path:
        """Draw pictures and page anew from what is saved; returns the page.

        Raises:
            XalignError: If the folder cannot be written or the disk is full.
        """
        with filling(self.folder, what="page", is_own=True):
            return self._draw(self.folder)

    def _draw(self, folder: Path) -> Path:
        from xalign.figures.realignments import draw_realignment
        from xalign.realigning.page import render_page

        pictures = draw_realignment(self)
        write_pictures(folder, pictures)
        return write_text(folder / PAGE, render_page(self, pictures))

    @classmethod
    def load(cls, folder: str | Path) -> Realignment:
        """Read what `save` wrote; no pickle is involved.

        Raises:
            XalignError: If a file is missing, damaged or not a realignment's.
        """
        return _load(Path(folder))


def _load(folder: Path) -> Realignment:
    lacking = [name for name in (RECORD, *(f"{frame}.parquet" for frame in FRAMES)) if not (folder / name).is_file()]
    if lacking:
        raise XalignError(
            f"{folder} is not a realigned model's folder: it lacks {', '.join(lacking)}; name what xalign realign "
            "wrote whole, or run that again: it goes on where it was"
        )
    try:
        run = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        warnings = tuple(run.pop("warnings"))
        frames = {name: pd.read_parquet(folder / f"{name}.parquet")[columns] for name, columns in FRAMES.items()}
    except (ValueError, KeyError, AttributeError) as error:
        raise XalignError(f"{folder} is damaged: {type(error).__name__}: {error}; realign again") from error
    before, after = (ProbeReport.load(folder / side) for side in SIDES)
    return Realignment(folder, before, after, **frames, run=run, warnings=warnings)
