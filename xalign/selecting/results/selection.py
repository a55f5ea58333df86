"""What a selection of data is: the chosen rows with their reasons, what it is judged by, and how it was made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xalign.errors import XalignError
from xalign.files import write_text
from xalign.result_folders import write_frames, write_pictures
from xalign.selecting.pools.places import save_folder
from xalign.selecting.results.judging import CURVE_COLUMNS, RANDOM, SHARE_COLUMNS, TABLE_COLUMNS
from xalign.selecting.results.writing import CHOSEN, Subset, require_empty

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RECORD, PAGE = "selection.json", "report.html"
ROW_COLUMNS = [
    "rank", "row", "id", "file", "line", "language", "category", "score", "quality", "difficulty", "margin", "length",
    "nearest_target", "similarity", "reason",
]  # fmt: skip
SKIPPED_COLUMNS = ["file", "line", "reason"]
POINT_COLUMNS = ["kind", "language", "x", "y"]
FRAMES = {
    "rows": ROW_COLUMNS,
    "table": TABLE_COLUMNS,
    "shares": None,
    "curve": CURVE_COLUMNS,
    "points": POINT_COLUMNS,
    "skipped": SKIPPED_COLUMNS,
}


@dataclass(frozen=True, repr=False, eq=False)
class DataSelection:
    """A chosen subset of a pool.

    Attributes:
        rows: A row per chosen one, in order of choice: its number among the pool's usable rows, id (file and line where
            the data have none), place, language, category (empty where none was asked for), score, quality,
            difficulty, margin with its translation, length in characters, nearest target and the cosine to it, and
            the reason in words.
        table: A row per arm (the choice, methods compared with it, random draws): each measure, its sd over draws, and
            the percent of random draws below it. Draws are as large as the arm they judge; the row of random draws is
            of those as large as the choice.
        shares: Each language's share of the pool, the target and every arm.
        curve: Cost to the target against budget: beginnings of the choice, and random sets of the same sizes.
        points: Samples of pool, target and chosen in the plane.
        skipped: Rows that could not be used, with file and line.
        run: How it was made.
        warnings: What a reader must know.
        folder: Where it is saved; None if it is not.
        subset: What is copied from the pool; None where the selection was loaded.
    """

    rows: pd.DataFrame
    table: pd.DataFrame
    shares: pd.DataFrame
    curve: pd.DataFrame
    points: pd.DataFrame
    skipped: pd.DataFrame
    run: dict[str, Any]
    warnings: tuple[str, ...] = field(default=())
    folder: Path | None = None
    subset: Subset | None = None

    def __repr__(self) -> str:
        """One line; the frames hold the numbers."""
        return f"DataSelection({len(self.rows)} of {self.run['pool']['rows']} rows by {self.method})"

    @property
    def method(self) -> str:
        """By which it was chosen."""
        return str(self.run["method"])

    @property
    def indices(self) -> np.ndarray:
        """Numbers among the pool's usable rows, in order of choice."""
        return self.rows["row"].to_numpy(np.int64)

    @property
    def ids(self) -> list[str]:
        """Ids of the chosen, in order of choice."""
        return self.rows["id"].tolist()

    @property
    def languages(self) -> Mapping[str, int]:
        """Chosen rows by language, most first."""
        return {str(name): int(count) for name, count in self.rows["language"].value_counts().items()}

    @property
    def headline(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The table's rows of the choice and of the random draws."""
        rows: dict[str, Any] = {str(row["arm"]): row for row in self.table.to_dict("records")}
        return rows[self.method], rows[RANDOM]

    @property
    def path(self) -> Path:
        """The file (or saved dataset) of the chosen rows.

        Raises:
            XalignError: If it is not saved.
        """
        if self.folder is None:
            raise XalignError("the selection is not saved; call save(folder), or give out= to select_data")
        return self.folder / str(self.run["file"])

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw pool, target and chosen in the plane."""
        from xalign.selecting.results.pictures import plot_plane

        return plot_plane(self, ax=ax)

    def plot_shares(self, *, ax: Axes | None = None) -> Axes:
        """Draw each language's share of pool, target and chosen."""
        from xalign.selecting.results.pictures import plot_shares

        return plot_shares(self, ax=ax)

    def plot_curve(self, *, ax: Axes | None = None) -> Axes:
        """Draw cost against budget, beside random sets."""
        from xalign.selecting.results.pictures import plot_curve

        return plot_curve(self, ax=ax)

    def as_document(self) -> dict[str, Any]:
        """What `selection.json` holds; JSON knows no NaN, which is null."""
        return _without_nan(
            dict(self.run)
            | {
                "chosen": len(self.rows),
                "languages": dict(self.languages),
                "arms": self.table.to_dict("records"),
                "skipped": len(self.skipped),
                "warnings": list(self.warnings),
            }
        )

    def save(self, folder: str | Path) -> DataSelection:
        """Write the chosen rows, tables (Parquet, CSV), pictures (PNG), the page and `selection.json`.

        The folder appears whole or not at all.

        Args:
            folder: New, or empty.

        Returns:
            The selection that knows its folder.

        Raises:
            SettingError: If the folder is not empty.
            XalignError: If it cannot be written or the disk is full.
        """
        folder = Path(folder)
        require_empty(folder)
        try:
            save_folder(folder, partial(_fill, self))
        except OSError as error:
            raise XalignError(
                f"cannot write the selection to {folder}: {error.strerror or error}; free space there or name another "
                "folder. Sidecars are kept, so a second run is short"
            ) from error
        return replace(self, folder=folder, subset=None)

    @classmethod
    def load(cls, folder: str | Path) -> DataSelection:
        """Read what `save` wrote; no pickle is involved.

        Raises:
            XalignError: If a file is missing, damaged or not a selection's.
        """
        return _load(Path(folder))


def _fill(selection: DataSelection, folder: Path) -> None:
    """Write everything into a folder that is empty; `selection.json` comes last."""
    from xalign.selecting.results.page import render_page
    from xalign.selecting.results.pictures import draw_all

    if selection.subset is not None:
        selection.subset.write(folder)
    else:
        _copy(selection.path, folder)
    write_frames(folder, {name: getattr(selection, name) for name in FRAMES})
    pictures = draw_all(selection)
    write_pictures(folder, pictures)
    write_text(folder / PAGE, render_page(selection, pictures))
    write_text(folder / RECORD, json.dumps(selection.as_document(), indent=2, ensure_ascii=False) + "\n")


def _copy(path: Path, folder: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, folder / path.name)
    else:
        shutil.copy2(path, folder / path.name)


def _load(folder: Path) -> DataSelection:
    lacking = [name for name in (RECORD, *(f"{frame}.parquet" for frame in FRAMES)) if not (folder / name).is_file()]
    if lacking:
        raise XalignError(
            f"{folder} is not a saved selection: it lacks {', '.join(lacking)}; name what xalign select wrote"
        )
    try:
        run = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        warnings = tuple(run.pop("warnings"))
        frames: dict[str, Any] = {name: pd.read_parquet(folder / f"{name}.parquet") for name in FRAMES}
        frames = {name: frames[name][columns or list(frames[name])] for name, columns in FRAMES.items()}
        frames["shares"][SHARE_COLUMNS]
    except (ValueError, KeyError, AttributeError) as error:
        raise XalignError(f"{folder} is damaged: {type(error).__name__}: {error}; select again") from error
    for name in ("chosen", "languages", "arms", "skipped"):
        run.pop(name, None)
    return DataSelection(**frames, run=run, warnings=warnings, folder=folder)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _without_nan(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    if isinstance(value, np.generic):
        return _without_nan(value.item())
    return None if isinstance(value, float) and not np.isfinite(value) else value


__all__ = ["CHOSEN", "DataSelection"]
