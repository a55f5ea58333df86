"""A realignment as one HTML page that opens anywhere: no network, no second file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xalign.figures import Picture
from xalign.figures.names import name_languages, probe_title
from xalign.measures import guide, lower_is_closer
from xalign.realigning.languages import GROUPS
from xalign.realigning.topics import PIVOT
from xalign.realigning.wording import (
    DECIMALS,
    describe_training,
    headline_of,
    interval_of,
    learnt_nothing,
    signed,
    title_of,
    without_tests,
)
from xalign.report_cells import CODE, MISSING, CellTable, Column, fact_sections, number
from xalign.report_page import environment, part, source_hash

if TYPE_CHECKING:
    from xalign.realigning.results import Realignment

BESIDE = ("headline", "languages", "candidates", "other", "unseen", "before", "after", "choice")
"""What the page says elsewhere."""


@dataclass(frozen=True)
class Card:
    """One number of the headline.

    Attributes:
        title: Whose it is.
        figure: The change.
        scores: Before and after.
        note: Interval and p-value.
        colour: Of the group in the pictures.
    """

    title: str
    figure: str
    scores: str
    note: str
    colour: str


def render_page(result: Realignment, pictures: Sequence[Picture] = ()) -> str:
    """Make the page.

    Args:
        result: What `xalign.realign` returned, or `Realignment.load`.
        pictures: As `draw_realignment` makes them.

    Returns:
        HTML that loads nothing; every text in it is escaped.
    """
    templates, script = environment(), part("report.js")
    # The report's macros stand before its document.
    macros = templates.from_string(part("report.html.j2").partition("<!doctype html>")[0]).module
    probes = [str(probe) for probe in result.moved["probe"].unique()]
    moved, topics = (without_tests(result, rows) for rows in (result.moved, result.topics))
    return templates.get_template("realign.html.j2").render(
        macros=macros,
        style=part("report.css"),
        script=script,
        script_hash=source_hash(script),
        title=title_of(result),
        lede=headline_of(result),
        training=describe_training(result),
        cards=_cards(result),
        at=f"{probe_title(result.probe)} at layer {result.layer}",
        layer=result.layer,
        warnings=result.warnings,
        groups=_by_heading(pictures),
        movement=movement_table(moved, layer=result.layer),
        layers=movement_table(moved),
        languages=language_table(result),
        topics=topic_table(topics) if len(topics) else None,
        reasons=_reasons(result.run),
        guide=guide(probes),
        words={name: result.run[name] for name in ("division", "groups", "tests", "task")},
        facts=fact_sections({name: value for name, value in _facts(result.run).items() if name not in BESIDE}),
    )  # fmt: skip


def movement_table(moved: pd.DataFrame, *, layer: int | None = None) -> CellTable:
    """Lay out what moved: a row per probe and group, at one layer or at all of them."""
    rows = moved if layer is None else moved[moved["layer"] == layer]
    at = (Column("layer", numeric=True),) if layer is None else ()
    heads = ("before", "after", "change", "p", "p corrected", "languages")
    columns = (*at, Column("probe", choice=layer is None), Column("group", choice=layer is None))
    cells = [
        (*((str(row["layer"]),) if layer is None else ()), *_movement_cells(row)) for row in rows.to_dict("records")
    ]
    return CellTable((*columns, *(Column(head, numeric=True) for head in heads)), tuple(cells))


def _movement_cells(row: Mapping[Any, Any]) -> tuple[str, ...]:
    closer = f"{CODE}lower is closer" if lower_is_closer(str(row["probe"])) else ""
    return (
        probe_title(str(row["probe"])) + closer,
        str(row["group"]),
        number(row["before"], DECIMALS),
        number(row["after"], DECIMALS),
        _change_cell(row),
        _p(row["p_value"]),
        _p(row["p_corrected"]),
        str(int(row["n"])),
    )


def language_table(result: Realignment) -> CellTable:
    """Lay out every language at the headline's layer: its group, and what each probe and the task changed."""
    rows = result.changes[result.changes["layer"] == result.layer]
    parts = {probe_title(probe): rows[rows["probe"] == probe] for probe in rows["probe"].unique()}
    if len(result.topics):
        parts["Topics"] = _topic_changes(result)
    found = [part.set_index("language") for part in parts.values()]
    of = dict(zip(rows["language"], rows["group"], strict=True))
    names = name_languages(sorted(of, key=lambda language: GROUPS.index(of[language])))
    cells = tuple(
        (f"{name}{CODE}{language}", of[language], *(_scores(part, language) for part in found))
        for language, name in names.items()
    )
    columns = (Column("language"), Column("group", choice=True), *(Column(f"{title}, change", True) for title in parts))
    return CellTable(columns, cells)


def _topic_changes(result: Realignment) -> pd.DataFrame:
    """Each language's topic accuracy, of either model at its own layer."""
    layers = result.topics[["layer_before", "layer_after"]].iloc[0]
    accuracy = result.accuracy
    sides = [
        accuracy[(accuracy["side"] == side) & (accuracy["layer"] == layers[f"layer_{side}"])].rename(
            columns={"accuracy": side}
        )[["language", side]]
        for side in ("before", "after")
    ]
    both = sides[0].merge(sides[1], on="language")
    return both.assign(change=both["after"] - both["before"])


def topic_table(topics: pd.DataFrame) -> CellTable:
    """Lay out the task: a row for the pivot and for each group."""
    heads = ("before", "after", "change", "most frequent topic", "languages", "sentences")
    cells = tuple(
        (
            str(row["group"]),
            f"{number(row['before'], DECIMALS)}{CODE}layer {row['layer_before']}",
            f"{number(row['after'], DECIMALS)}{CODE}layer {row['layer_after']}",
            _change_cell(row),
            number(row["chance"], DECIMALS),
            str(row["n_languages"]),
            str(row["n_sentences"]),
        )
        for row in topics.to_dict("records")
    )
    return CellTable((Column("group"), *(Column(head, True) for head in heads)), cells)


def _scores(part: pd.DataFrame, language: str) -> str:
    """A language's change, and in small print from what to what."""
    if language not in part.index:
        return MISSING
    (row,) = part.loc[[language]].to_dict("records")
    return f"{signed(row['change'])}{CODE}{_from_to(row)}"


def _change_cell(row: Mapping[Any, Any]) -> str:
    return signed(row["change"]) + (f"{CODE}{interval_of(row)}" if interval_of(row) else "")


def _p(value: float) -> str:
    if not np.isfinite(value):
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _cards(result: Realignment) -> list[Card]:
    """A card for each group, and one for the pivot's own task."""
    from xalign.figures.realignments import GROUP_COLOURS

    kept = "the starting model" if learnt_nothing(result) else None
    cards = [
        Card(
            _card_title(row), signed(row["change"]), _from_to(row), kept or _note(row), GROUP_COLOURS[str(row["group"])]
        )
        for row in result.headline.to_dict("records")
    ]
    for row in result.topics[result.topics["group"] == PIVOT].to_dict("records"):
        name = name_languages([result.pivot])[result.pivot]
        note = kept or f"95 % {interval_of(row)}, over {row['n_sentences']} sentences"
        cards.append(Card(f"{name}'s own topics", signed(row["change"]), _from_to(row), note, "var(--quiet)"))
    return cards


def _card_title(row: Mapping[Any, Any]) -> str:
    n = int(row["n"])
    return f"{str(row['group']).capitalize()}: {n} language{'s' * (n > 1)}"


def _from_to(row: Mapping[Any, Any]) -> str:
    return f"{number(row['before'], DECIMALS)} → {number(row['after'], DECIMALS)}"


def _note(row: Mapping[Any, Any]) -> str:
    told = [f"95 % {interval_of(row)}"] if interval_of(row) else ["too few languages for an interval"]
    if np.isfinite(row["p_value"]):
        told.append(f"p {_p(row['p_value'])} ({_p(row['p_corrected'])} corrected)")
    return "; ".join(told)


def _by_heading(pictures: Sequence[Picture]) -> dict[str, list[Picture]]:
    groups: dict[str, list[Picture]] = {}
    for picture in pictures:
        groups.setdefault(picture.group, []).append(picture)
    return groups


def _reasons(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Why each language was chosen, where that is known."""
    reasons = (run.get("choice") or {}).get("reasons", {})
    names = name_languages(list(reasons))
    return [(names[language], text) for language, text in reasons.items()]


def _facts(run: Mapping[str, Any]) -> dict[str, Any]:
    """The facts without what is long: the log of the training."""
    training = {name: value for name, value in run["training"].items() if name != "log"}
    return {"languages by group": _named(run)} | dict(run) | {"training": training}


def _named(run: Mapping[str, Any]) -> dict[str, str]:
    groups = {"chosen": run["languages"], "other": run["other"], "unseen": run["unseen"]}
    return {group: ", ".join(languages) for group, languages in groups.items() if languages}
