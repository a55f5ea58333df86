"""A report as a folder: table, matrices, confounds, facts, pictures and one page."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from xalign.columns import TABLE_COLUMNS
from xalign.errors import XalignError
from xalign.figures import Picture, draw_pictures
from xalign.files import write_text, write_whole
from xalign.measures import guide
from xalign.report_page import ReportData, write_report

if TYPE_CHECKING:
    from xalign.report import ProbeReport

FRAMES = ("table", "pairs", "confounds")
PICTURES = ("layers.png", "language_layers_*.png", "languages_*.png", "matrix_*.png", "confound_*.png")


def save_report(report: "ProbeReport", folder: Path) -> Path:
    """Write every part of a report; each file is whole or absent, and `run.json`, which marks it whole, comes last.

    Raises:
        XalignError: If the folder cannot be written or the disk is full.
    """
    try:
        return _save(report, folder)
    except OSError as error:
        raise XalignError(
            f"cannot write the report to {folder}: {error.strerror or error}; free space there or name another folder. "
            "Activations that were cached are kept, so a second run is short"
        ) from error


def _save(report: "ProbeReport", folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stale in (folder / "run.json", *(path for pattern in PICTURES for path in folder.glob(pattern))):
        stale.unlink(missing_ok=True)
    for name in FRAMES:
        _write_frame(folder / name, getattr(report, name))
    _write_frame(folder / "summary", report.summary)
    pictures = _pictures(report)
    for picture in pictures:
        write_whole(folder / f"{picture.name}.png", lambda file, png=picture.png: file.write(png))  # type: ignore[misc]
    write_report(folder / "report.html", _page(report, pictures))
    facts = {"warnings": list(report.warnings)} | report.run
    write_text(folder / "run.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    return folder


def load_report(folder: Path) -> "ProbeReport":
    """Read what `save_report` wrote; no pickle is involved."""
    from xalign.report import ProbeReport

    missing = [
        name for name in ("run.json", *(f"{frame}.parquet" for frame in FRAMES)) if not (folder / name).is_file()
    ]
    if missing:
        raise XalignError(
            f"{folder} is not a saved report: it lacks {', '.join(missing)}; name a folder that save() wrote whole"
        )
    try:
        frames = {name: pd.read_parquet(folder / f"{name}.parquet") for name in FRAMES}
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        warnings = tuple(run.pop("warnings"))
    except (ValueError, KeyError, AttributeError) as error:
        raise XalignError(f"{folder} is damaged: {type(error).__name__}: {error}; make the report again") from error
    if list(frames["table"].columns) != TABLE_COLUMNS:
        raise XalignError(
            f"{folder / 'table.parquet'} must have the columns {TABLE_COLUMNS}, got {list(frames['table'].columns)}"
        )
    return ProbeReport(**frames, warnings=warnings, run=run)


def _write_frame(path: Path, frame: pd.DataFrame) -> None:
    write_whole(path.with_suffix(".parquet"), lambda file: frame.to_parquet(file, index=False))
    write_text(path.with_suffix(".csv"), frame.to_csv(index=False, lineterminator="\n"))


def _pictures(report: "ProbeReport") -> tuple[Picture, ...]:
    best = report.best_layers.set_index("probe")["layer"]
    matrices = {
        probe: report.matrix(probe, int(best[probe])) for probe in report.pairs["probe"].unique() if probe in best
    }
    return draw_pictures(report.table, matrices=matrices, confounds=report.confounds)


def _page(report: "ProbeReport", pictures: tuple[Picture, ...]) -> ReportData:
    return ReportData(
        report.table,
        pictures=pictures,
        guide=guide(report.table["probe"].unique()),
        confounds=report.confounds,
        warnings=report.warnings,
        run=report.run,
    )
