"""A report's frames as the page's tables: words in headings, text in cells, never too many rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xalign.figures.names import name_languages, probe_title
from xalign.figures.reductions import all_languages, check_table, layer_means
from xalign.summary import best_layers

MAX_STATIC_ROWS = 2_000
MAX_ROWS = 20_000
MISSING = "–"
CODE = "\t"
HEADINGS = {"p_value": "p", "ci_low": "interval from", "ci_high": "to", "n": "sentences"}
SHOWN = (
    "layer",
    "source",
    "target",
    "probe",
    "score",
    "ci_low",
    "ci_high",
    "chance",
    "null_mean",
    "null_sd",
    "p_value",
    "n",
)
MAY_BE_CONSTANT = ("source", "n")


@dataclass(frozen=True)
class Column:
    """One column: its heading, whether it sorts as numbers, whether the page offers a choice of its values."""

    title: str
    numeric: bool = False
    choice: bool = False

    @property
    def first(self) -> str:
        """Which order the first press of the heading gives: the highest score first, but the lowest layer."""
        return "descending" if self.numeric and self.title != "layer" else "ascending"


@dataclass(frozen=True)
class CellTable:
    """A table ready for the page.

    Attributes:
        columns: One per cell of a row.
        rows: Text; a name and its language code stand in one cell with a tab between.
        note: What the reader must know about the rows shown.
        foot: A last row that no sorting moves; empty for none.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    foot: tuple[str, ...] = ()

    @property
    def static_rows(self) -> tuple[tuple[str, ...], ...]:
        """The rows written as HTML; the rest are added by the page's script as they are asked for."""
        return self.rows[:MAX_STATIC_ROWS]

    @property
    def is_lazy(self) -> bool:
        """Whether there are more rows than are written as HTML."""
        return len(self.rows) > MAX_STATIC_ROWS


def score_table(table: pd.DataFrame, *, table_file: str) -> CellTable:
    """Lay out every row of a report's table, or as many as a page can hold.

    Args:
        table: A report's table.
        table_file: Where the whole table stands, for the note.

    Returns:
        The table; a column that says the same in every row is told in the note instead.
    """
    rows, note = _fit(check_table(table), table_file)
    constant = [column for column in MAY_BE_CONSTANT if rows[column].nunique() == 1 and len(rows) > 1]
    same = [f"{HEADINGS.get(column, column)} {_words(rows, column).iloc[0].replace(CODE, ', ')}" for column in constant]
    shown = [column for column in SHOWN if column not in constant]
    columns = tuple(
        Column(HEADINGS.get(name, name.replace("_", " ")), _is_number(rows[name]), name in ("layer", "probe"))
        for name in shown
    )
    cells = tuple(zip(*(_words(rows, name) for name in shown), strict=True))
    told = f"The same in every row: {', '.join(same)}. " if same else ""
    return CellTable(columns, cells, (told + note).strip())


def summary_table(table: pd.DataFrame) -> CellTable:
    """Lay out layers (rows) by probes (columns): the mean score and its interval; the best layer is starred."""
    means = layer_means(table)
    probes = list(means["probe"].unique())
    peaks = best_layers(means).set_index("probe")["layer"].to_dict()
    by_place = {(str(row["probe"]), int(row["layer"])): row for _, row in means.iterrows()}
    rows = [
        (str(layer), *(_summary_cell(by_place.get((probe, layer)), peaks.get(probe) == layer) for probe in probes))
        for layer in sorted({int(layer) for layer in means["layer"]})
    ]
    chance = means.groupby("probe", sort=False)["chance"].mean()
    foot = ("chance", *(number(float(chance[probe]), 3) for probe in probes))
    columns = (Column("layer", numeric=True), *(Column(probe_title(probe), numeric=True) for probe in probes))
    return CellTable(columns, tuple(rows), foot=foot)


def confound_table(confounds: pd.DataFrame) -> CellTable:
    """Lay out the confounds; `language` is said in words, so a column of names beside it is left out."""
    shown = [str(name) for name in confounds.columns if name != "name"]
    columns = tuple(Column(name.replace("_", " "), _is_number(confounds[name])) for name in shown)
    cells = tuple(zip(*(_words(confounds, name) for name in shown), strict=True))
    return CellTable(columns, cells)


def fact_sections(run: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """Sort a run's facts into sections: each mapping is one, single values stand together under "Run"."""
    sections: dict[str, dict[str, str]] = {"Run": {}}
    for name, value in run.items():
        if isinstance(value, Mapping):
            sections[_heading(name)] = {str(key): _fact(inner) for key, inner in value.items()}
        else:
            sections["Run"][name.replace("_", " ")] = _fact(value)
    return {name: facts for name, facts in sections.items() if facts}


def _heading(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _fact(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_fact(inner)}" for key, inner in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_fact(inner) for inner in value)
    return MISSING if value is None or value == "" else str(value)


def _fit(table: pd.DataFrame, table_file: str) -> tuple[pd.DataFrame, str]:
    """As many rows as a page can hold: all, or each probe's best layer, or its extremes; and a note that says so."""
    if len(table) <= MAX_ROWS:
        return table, f"All {len(table):,} rows; also in {table_file}."
    peaks = best_layers(layer_means(table)).set_index("probe")["layer"]
    best = table[table["layer"] == table["probe"].map(peaks)]
    if len(best) <= MAX_ROWS:
        return best, f"Each probe's best layer: {len(best):,} of {len(table):,} rows. All of them are in {table_file}."
    half = MAX_ROWS // (2 * best["probe"].nunique())
    ranked = best.sort_values("score", ascending=False, kind="stable").groupby("probe", sort=False)
    ends = pd.concat([ranked.head(half), ranked.tail(half)]).drop_duplicates().sort_index()
    note = f"Each probe's best layer, the {half:,} highest and the {half:,} lowest pairs"
    return ends, f"{note}: {len(ends):,} of {len(table):,} rows. All of them are in {table_file}."


def _words(rows: pd.DataFrame, column: str) -> pd.Series:
    values = rows[column]
    if column in ("source", "target", "language"):
        names = name_languages([str(value) for value in (values if column == "language" else all_languages(rows))])
        return values.map(lambda code: f"{names[str(code)]}{CODE}{code}" if names[str(code)] != code else str(code))
    if column == "probe":
        return values.map(str)
    if not _is_number(values) or pd.api.types.is_integer_dtype(values):
        return values.map(lambda value: MISSING if pd.isna(value) else str(value))
    decimals = 1 if values.abs().max() >= 10 else 4
    return values.map(lambda value: number(float(value), decimals))


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def number(value: float, decimals: int) -> str:
    """Write a number with a true minus; a dash where there is none."""
    if not np.isfinite(value):
        return MISSING
    return f"{value:.{decimals}f}".replace("-", "−") if float(f"{value:.{decimals}f}") else f"{0:.{decimals}f}"


def _summary_cell(row: pd.Series | None, peak: bool) -> str:
    if row is None or not np.isfinite(row["score"]):
        return MISSING
    star = " ★" if peak else ""
    interval = f"{CODE}{number(row['ci_low'], 3)} to {number(row['ci_high'], 3)}" if np.isfinite(row["ci_low"]) else ""
    return f"{number(row['score'], 3)}{star}{interval}"
