"""A selection of data as one HTML page that opens anywhere: no network, no second file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from xalign.figures.names import name_languages
from xalign.figures.pictures import Picture
from xalign.report_cells import CODE, MISSING, CellTable, Column, fact_sections, number
from xalign.report_page import environment, part, source_hash
from xalign.selecting.results.judging import LOWER_IS_BETTER, MEASURES
from xalign.selecting.results.pictures import TITLES

if TYPE_CHECKING:
    from xalign.selecting.results.selection import DataSelection

SHOWN_ROWS = 1000
EQUAL = 1e-12
CARDS = ("cost", "coverage", "label_entropy", "duplicates", "mean_quality")
BESIDE = ("method", "file", "arms_facts")
"""What the page says elsewhere."""


@dataclass(frozen=True)
class Card:
    """One number of the headline.

    Attributes:
        title: What it measures.
        figure: Of the choice.
        random: Of random draws.
        note: How many of these it beats.
    """

    title: str
    figure: str
    random: str
    note: str


def render_page(selection: DataSelection, pictures: Sequence[Picture] = ()) -> str:
    """Make the page.

    Args:
        selection: What `xalign.select_data` returned, or `DataSelection.load`.
        pictures: As `draw_all` makes them.

    Returns:
        HTML that loads nothing; every text in it is escaped.
    """
    templates, script = environment(), part("report.js")
    # The report's macros stand before its document.
    macros = templates.from_string(part("report.html.j2").partition("<!doctype html>")[0]).module
    return templates.get_template("select.html.j2").render(
        macros=macros,
        style=part("report.css"),
        script=script,
        script_hash=source_hash(script),
        title=title_of(selection),
        lede=lede_of(selection),
        cards=_cards(selection),
        warnings=selection.warnings,
        pictures=pictures,
        arms=arm_table(selection),
        languages=language_table(selection),
        rows=row_table(selection),
        skipped=skipped_table(selection) if len(selection.skipped) else None,
        n_skipped=len(selection.skipped),
        file=selection.run["file"],
        facts=fact_sections({name: value for name, value in selection.run.items() if name not in BESIDE}),
    )  # fmt: skip


def title_of(selection: DataSelection) -> str:
    """How many rows of how many, by which method."""
    return f"{len(selection.rows):,} of {selection.run['pool']['rows']:,} rows, chosen by {selection.method}"


def lede_of(selection: DataSelection) -> str:
    """The finding in a sentence or two."""
    chosen, random = selection.headline
    n = int(random["n_sets"])
    dearer = 100 - chosen["cost_percentile"]
    drawn = "" if isnan(dearer) else f"; {dearer:.0f} % of {n} random draws cost more"
    verdict = "less than" if chosen["cost"] < random["cost"] else "no less than"
    return (
        f"Moving the chosen rows to the target ({_short(selection.run['target']['name'])}) costs "
        f"{number(chosen['cost'], 4)}, {verdict} random rows do on average ({number(random['cost'], 4)})"
        f"{drawn}. They are in {len(selection.languages)} of the pool's "
        f"{selection.run['pool']['languages']} languages."
    )


def _short(name: str) -> str:
    """Paths by their last parts; other words as they are."""
    return ", ".join(part.rsplit("/", 1)[-1] for part in name.split(", "))


def arm_table(selection: DataSelection) -> CellTable:
    """Lay out every arm: each measure, and in small print the percent of random draws below it."""
    known = [name for name in MEASURES if selection.table[name].notna().any()]
    columns = (
        Column("arm"), Column("rows", True), *(Column(TITLES[name].partition(" (")[0], True) for name in known),
        Column("seconds", True),
    )  # fmt: skip
    seconds = selection.run["seconds"]
    cells = tuple(
        (
            f"{row['arm']}{CODE}mean of {row['n_sets']}" if row["n_sets"] > 1 else str(row["arm"]),
            str(row["rows"]),
            *(_measure_cell(row, name, selection.headline[1]) for name in known),
            number(float(seconds.get(f"choosing: {row['arm']}", np.nan)), 2),
        )
        for row in selection.table.to_dict("records")
    )
    return CellTable(columns, cells)


def _measure_cell(row: Mapping[Any, Any], name: str, random: Mapping[Any, Any]) -> str:
    value = number(row[name], decimals_of(name))
    if row["n_sets"] == 1 and ties_with_all(name, row, random):
        return f"{value}{CODE}ties"
    if np.isfinite(row[f"{name}_percentile"]):
        return f"{value}{CODE}above {row[f'{name}_percentile']:.0f} %"
    return f"{value}{CODE}± {number(row[f'{name}_sd'], decimals_of(name))}" if np.isfinite(row[f"{name}_sd"]) else value


def decimals_of(measure: str) -> int:
    """Digits that tell arms apart."""
    return 1 if measure == "mean_length" else 4


def language_table(selection: DataSelection) -> CellTable:
    """Lay out every language's shares."""
    names = name_languages(selection.shares["language"])
    arms = [str(name) for name in selection.shares.columns[1:]]
    cells = tuple(
        (
            f"{names[row['language']]}{CODE}{row['language']}",
            str(selection.languages.get(row["language"], 0)),
            *(f"{100 * row[name]:.2f}" for name in arms),
        )
        for row in selection.shares.to_dict("records")
    )
    return CellTable((Column("language"), Column("chosen rows", True), *(Column(f"{a}, %", True) for a in arms)), cells)


def row_table(selection: DataSelection) -> CellTable:
    """Lay out the first chosen rows with their reasons."""
    has_category = bool((selection.rows["category"] != "").any())
    columns = (
        Column("rank", True), Column("id"), Column("language", choice=True),
        *([Column("category", choice=True)] if has_category else []), Column("score", True),
        Column("cosine to target", True), Column("reason"),
    )  # fmt: skip
    cells = tuple(
        (
            str(row["rank"]), str(row["id"]), str(row["language"]), *([str(row["category"])] if has_category else []),
            number(row["score"], 4), number(row["similarity"], 3), str(row["reason"]),
        )
        for row in selection.rows.head(SHOWN_ROWS).to_dict("records")
    )  # fmt: skip
    return CellTable(columns, cells)


def skipped_table(selection: DataSelection) -> CellTable:
    """Lay out the first rows that could not be used."""
    cells = tuple(
        (str(row["file"]), str(row["line"]), str(row["reason"]))
        for row in selection.skipped.head(SHOWN_ROWS).to_dict("records")
    )
    return CellTable((Column("file"), Column("line", True), Column("reason")), cells)


def _cards(selection: DataSelection) -> list[Card]:
    chosen, random = selection.headline
    return [
        Card(
            TITLES[name],
            number(chosen[name], decimals_of(name)),
            f"random {number(random[name], decimals_of(name))} ± {number(random[f'{name}_sd'], decimals_of(name))}",
            _beaten(name, chosen, random),
        )
        for name in CARDS
        if np.isfinite(chosen[name])
    ]


def _beaten(name: str, chosen: Mapping[str, Any], random: Mapping[str, Any]) -> str:
    below, n = chosen[f"{name}_percentile"], int(random["n_sets"])
    if not np.isfinite(below):
        return MISSING
    if ties_with_all(name, chosen, random):
        return f"ties with all {n} draws"
    better = 100 - below if name in LOWER_IS_BETTER else below
    return f"better than {better:.0f} % of {n} draws"


def ties_with_all(measure: str, arm: Mapping[Any, Any], random: Mapping[Any, Any]) -> bool:
    """Whether an arm measures what every random draw does, so that the percent below, 50, says nothing."""
    return bool(random[f"{measure}_sd"] < EQUAL and abs(arm[measure] - random[measure]) < EQUAL)
