"""The leaderboard as one HTML page that opens anywhere: no network, no second file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from xalign.benchmarking.contests import Contest, Run, contests_of
from xalign.benchmarking.pictures import METRICS, interval_words, language_bars
from xalign.figures import Picture
from xalign.figures.names import model_title, name_languages
from xalign.report_cells import CellTable, Column, fact_sections, number
from xalign.report_page import environment, part, source_hash

if TYPE_CHECKING:
    from xalign.benchmarking.results import Retrieval

DECIMALS = 3
ByLanguage = dict[str, tuple[float, float, float]]
"""Score and interval by language."""


def render_leaderboard(results: Sequence[Retrieval], *, pictures: tuple[Picture, ...] = ()) -> str:
    """Make the page.

    Args:
        results: At least one; of one alone the page says more: pictures, warnings and how it was made.
        pictures: Of a single result.

    Returns:
        HTML that loads nothing; every text in it is escaped.
    """
    templates, script = environment(), part("report.js")
    # The report's macros stand before its document.
    macros = templates.from_string(part("report.html.j2").partition("<!doctype html>")[0]).module
    template = (resources.files("xalign.benchmarking") / "templates" / "leaderboard.html.j2").read_text("utf-8")
    contests, alone = contests_of(results), results[0] if len(results) == 1 else None
    return templates.from_string(template).render(
        macros=macros,
        style=part("report.css"),
        script=script,
        script_hash=source_hash(script),
        title=_page_title(results),
        ledes=[_winner(contest) for contest in contests],
        contests=[_section(contest) for contest in contests],
        pictures=pictures,
        warnings=alone.warnings if alone else (),
        facts=fact_sections(alone.run) if alone else {},
    )


def _page_title(results: Sequence[Retrieval]) -> str:
    if len(results) == 1:
        run = results[0].run
        return f"{model_title(str(run['model']['name']))} on {run['task']['title']}"
    tasks = list(dict.fromkeys(str(result.run["task"]["title"]) for result in results))
    return f"Retrieval leaderboard: {len(results)} runs" + (f" on {tasks[0]}" if len(tasks) == 1 else "")


def _winner(contest: Contest) -> str:
    """Who is best at a task, and what it leads by."""
    first = contest.runs[0]
    head = f"{contest.title}: {first.name} {number(first.mean, DECIMALS)}"
    if len(contest.runs) == 1:
        low, high = first.interval
        interval = f" (95 % over languages {number(low, DECIMALS)} to {number(high, DECIMALS)})" if low == low else ""
        chance = number(float(first.result.headline["chance"]), DECIMALS)
        return f"{head} at layer {first.result.layer}{interval}, chance {chance}."
    second = contest.runs[1]
    lead, low, high = contest.behind(second)
    within = "" if high < 0 else ", which other languages could turn round"
    return f"{head}, ahead of {second.name} by {number(-lead, DECIMALS)}{within}."


def _section(contest: Contest) -> dict[str, object]:
    return {
        "title": contest.title,
        "note": _note(contest),
        "cautions": contest.cautions if len(contest.runs) > 1 else (),
        "runs": runs_table(contest),
        "languages": language_table(contest),
    }


def _note(contest: Contest) -> str:
    run = contest.runs[0].result
    metric = str(run.headline["metric"])
    what = METRICS.get(metric, metric.replace("_", " "))
    over = f"{len(contest.common)} languages" if contest.common else "each run's own languages"
    return (
        f"{what} ({run.headline['direction']}), mean over {over}; the interval says how far the mean would move with "
        f"other languages, the difference is taken language by language. Intervals of a language are over "
        f"{interval_words(run)}; of two directions both ends are averaged."
    )


def runs_table(contest: Contest) -> CellTable:
    """Lay out a row per run: its mean, how far behind the first, other metrics, and how it was asked."""
    extras = _extras(contest)
    columns = (
        Column("run"),
        Column("mean", True),
        *([Column("behind the first", True)] if len(contest.runs) > 1 else []),
        *(Column(title, True) for title, _ in extras),
        Column("chance", True),
        Column("layer", True),
        *(Column(title) for title in ("chosen on", "reported on", "pooling", "compared by", "transform", "prompts")),
        Column("seen in training"),
    )
    rows = tuple(_run_row(contest, run, tuple(values[i] for _, values in extras)) for i, run in enumerate(contest.runs))
    return CellTable(columns, rows)


def _extras(contest: Contest) -> list[tuple[str, list[float]]]:
    """Subsets, directions and further metrics that any run has."""
    summary, head = contest.runs[0].result.summary, contest.runs[0].result.headline
    metric = str(head["metric"])
    own = summary[summary["metric"] == metric]
    found = [
        (f"{name} languages only", [run.mean_of(metric, str(head["direction"]), str(name)) for run in contest.runs])
        for name in own["languages"].unique()
        if name != head["languages"]
    ]
    found += [
        (_in_words(str(way)), [run.mean_of(metric, str(way)) for run in contest.runs])
        for way in own["direction"].unique()
        if way != head["direction"]
    ]
    found += [
        (_metric_words(str(other)), [run.mean_of(str(other)) for run in contest.runs])
        for other in summary["metric"].unique()
        if other != metric
    ]
    return [(title, values) for title, values in found if np.isfinite(values).any()]


def _in_words(direction: str) -> str:
    way, _, code = direction.partition(" ")
    return f"{way} {name_languages([code])[code]}" if way in ("to", "from") else direction


def _metric_words(metric: str) -> str:
    return "first answer in own language" if metric == "top_language" else metric.replace("_", " ")


def _run_row(contest: Contest, run: Run, extras: tuple[float, ...]) -> tuple[str, ...]:
    low, high = run.interval
    protocol, facts = run.result.run["protocol"], run.result.run
    behind = _cell(*contest.behind(run)) if run is not contest.runs[0] else number(0.0, DECIMALS)
    return (
        run.name,
        _cell(run.mean, low, high),
        *([behind] if len(contest.runs) > 1 else []),
        *(number(value, DECIMALS) for value in extras),
        number(float(run.result.headline["chance"]), 4),
        str(run.result.layer),
        protocol["chosen_on"] or "given",
        protocol["reported_on"],
        protocol["pooling"],
        protocol["score"],
        protocol["transform"],
        protocol["prompts"]["origin"],
        "yes" if facts["task"]["seen_in_training"] else "not known to be",
    )


def _cell(score: float, low: float, high: float, *, star: bool = False) -> str:
    interval = f"\t{number(low, DECIMALS)} to {number(high, DECIMALS)}" if low == low else ""
    return f"{number(score, DECIMALS)}{' ★' if star else ''}{interval}"


def language_table(contest: Contest) -> CellTable:
    """Lay out languages (rows) by runs, the highest of a row starred; of one run by directions.

    Small print is the interval over sentences.
    """
    names = name_languages(contest.languages)
    columns = _directions(contest.runs[0]) if len(contest.runs) == 1 else _runs(contest)
    rows = []
    for language in contest.languages:
        found = [scores.get(language, (float("nan"),) * 3) for scores in columns.values()]
        best = max((score for score, _, _ in found if score == score), default=float("nan"))
        starred = len(contest.runs) > 1
        cells = (_cell(*each, star=starred and each[0] == best) for each in found)
        rows.append((f"{names[language]}\t{language}", *cells))
    return CellTable((Column("language"), *(Column(name, True) for name in columns)), tuple(rows))


def _runs(contest: Contest) -> dict[str, ByLanguage]:
    return {run.name: _scores(run.by_own_language.reset_index()) for run in contest.runs}


def _directions(run: Run) -> dict[str, ByLanguage]:
    bars = language_bars(run.whole)
    return {str(name): _scores(rows) for name, rows in bars.groupby("series", sort=False)}


def _scores(rows: pd.DataFrame) -> ByLanguage:
    values = rows[["score", "ci_low", "ci_high"]].to_numpy(float)
    return {
        str(language): (float(score), float(low), float(high))
        for language, (score, low, high) in zip(rows["language"], values, strict=True)
    }
