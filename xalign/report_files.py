"""A report as a folder: table, matrices, confounds, facts, pictures and one page."""

from pathlib import Path
from typing import TYPE_CHECKING

from xalign.columns import TABLE_COLUMNS
from xalign.errors import XalignError
from xalign.figures import Picture, draw_pictures
from xalign.language_lists import CHOSEN
from xalign.measures import guide
from xalign.realigning.folders import SIDES
from xalign.report_page import ReportData, write_report
from xalign.result_folders import FACTS, filling, read_folder, write_facts, write_frames, write_pictures

if TYPE_CHECKING:
    from xalign.report import ProbeReport

FRAMES = {"table": TABLE_COLUMNS, "pairs": None, "confounds": None}
PICTURES = ("layers.png", "language_layers_*.png", "languages_*.png", "matrix_*.png", "confound_*.png")


def save_report(report: "ProbeReport", folder: Path) -> Path:
    """Write every part of a report; each file is whole or absent, and `run.json`, which marks it whole, comes last.

    Raises:
        XalignError: If the folder cannot be written or the disk is full.
    """
    with filling(folder, what="report", pictures=PICTURES):
        write_frames(folder, {name: getattr(report, name) for name in (*FRAMES, "summary")})
        pictures = _pictures(report)
        write_pictures(folder, pictures)
        write_report(folder / "report.html", _page(report, pictures))
        write_facts(folder, report.run, report.warnings)
    return folder


def load_report(folder: Path) -> "ProbeReport":
    """Read what `save_report` wrote; no pickle is involved."""
    from xalign.report import ProbeReport

    if kind := _other_kind(folder):
        raise XalignError(f"{folder} is not a report of probes: it is {kind}")
    frames, run, warnings = read_folder(folder, FRAMES, what="report")
    return ProbeReport(**frames, warnings=warnings, run=run)


def _other_kind(folder: Path) -> str | None:
    """What a folder of another result is, and where a report may be instead."""
    reports = [str(folder / side) for side in SIDES if (folder / side / FACTS).is_file()]
    if reports:
        return f"a realignment; its reports are {' and '.join(reports)}"
    if (folder / CHOSEN).is_file():
        return f"a choice of languages, which other commands take as --languages @{folder / CHOSEN}"
    return None


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
