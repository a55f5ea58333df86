"""A report as one HTML page that opens anywhere: no network, no second file, the same bytes for the same report."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from xalign.figures.names import model_title, probe_title
from xalign.figures.pictures import Picture
from xalign.files import write_text
from xalign.report_cells import CellTable, confound_table, fact_sections, score_table, summary_table
from xalign.report_words import describe_languages, find, lede


@dataclass(frozen=True)
class GuideRow:
    """How to read one probe.

    Attributes:
        probe: The probe's name in the table.
        asks: The question it answers.
        range: Its least and highest value, and which is better.
        chance: What a model that knows nothing scores.
        fooled_by: What raises it without alignment.
    """

    probe: str
    asks: str
    range: str
    chance: str
    fooled_by: str

    @property
    def title(self) -> str:
        """The probe's name in words."""
        return probe_title(self.probe)


@dataclass(frozen=True)
class ReportData:
    """Everything that the page shows.

    Attributes:
        table: A report's table.
        pictures: As `xalign.figures.draw_pictures` makes them.
        guide: A row per probe.
        confounds: A row per language, column `language` first; None for none.
        warnings: A sentence each.
        run: Arguments, versions, model, corpus: names to values, or sections of them.
        table_file: Where the whole table stands beside the page.
        title: The page's title; made from model and languages if None.
    """

    table: pd.DataFrame
    pictures: tuple[Picture, ...] = ()
    guide: tuple[GuideRow, ...] = ()
    confounds: pd.DataFrame | None = None
    warnings: tuple[str, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict)
    table_file: str = "table.csv"
    title: str | None = None


def write_report(path: Path, data: ReportData) -> Path:
    """Write the page, whole or not at all.

    Args:
        path: Where it shall stand.
        data: What it shows.

    Returns:
        `path`.

    Raises:
        OSError: If the folder cannot be written; whatever stood at `path` is untouched.
    """
    return write_text(Path(path), render_report(data))


def render_report(data: ReportData) -> str:
    """Make the page.

    Args:
        data: What it shows; every text in it is escaped.

    Returns:
        HTML that loads nothing: style, script and pictures are inside, and its policy forbids all else.

    Raises:
        ValueError: If the table lacks a report's columns.
    """
    script = part("report.js")
    findings = find(data.table)
    return environment().get_template("report.html.j2").render(
        title=data.title or _title(data.table),
        style=part("report.css"),
        script=script,
        script_hash=source_hash(script),
        findings=findings,
        lede=lede(data.table, findings),
        warnings=data.warnings,
        guide=data.guide,
        groups=_group(data.pictures),
        summary=summary_table(data.table),
        scores=score_table(data.table, table_file=data.table_file),
        confounds=None if data.confounds is None else confound_table(data.confounds),
        facts=fact_sections(data.run),
    )  # fmt: skip


def _title(table: pd.DataFrame) -> str:
    return f"How {model_title(str(table['model'].iloc[0]))} aligns {describe_languages(table)}"


def environment() -> jinja2.Environment:
    """Return the templates' environment: everything escaped, nothing undefined passes."""
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(part),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["data_address"] = _data_address
    made.filters["lazy_rows"] = _lazy_rows
    return made


def part(name: str) -> str:
    """Read a template, a style or a script."""
    return (resources.files("xalign") / "templates" / name).read_text(encoding="utf-8")


def source_hash(script: str) -> str:
    """The hash by which the page's policy knows its own script; any other script is refused."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _data_address(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _lazy_rows(table: CellTable) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(table.rows, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _group(pictures: tuple[Picture, ...]) -> dict[str, list[Picture]]:
    groups: dict[str, list[Picture]] = {}
    for picture in pictures:
        groups.setdefault(picture.group, []).append(picture)
    return groups
