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


def save_report(report: "ProbeReport", folder: Path) -> Path:
    """Write every part of a report; each file is whole or absent, and `run.json` comes last."""
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
    frames = {name: pd.read_parquet(folder / f"{name}.parquet") for name in FRAMES}
    if list(frames["table"].columns) != TABLE_COLUMNS:
        raise XalignError(
            f"{folder / 'table.parquet'} must have the columns {TABLE_COLUMNS}, got {list(frames['table'].columns)}"
        )
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return ProbeReport(**frames, warnings=tuple(run.pop("warnings")), run=run)


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
