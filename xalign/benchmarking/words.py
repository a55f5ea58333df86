"""What the command line says of a benchmark: for people, or as JSON for machines."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from xalign.benchmarking.columns import POOL
from xalign.benchmarking.pictures import interval_words, language_bars
from xalign.corpora import language_name

if TYPE_CHECKING:
    from xalign.benchmarking.results import Retrieval

LISTED = 30
"""Up to how many languages are listed each; of more the ends."""
ENDS = 8


def result_as_text(result: Retrieval, folder: Path) -> str:
    """The averages, every language, how the layer was chosen, what to beware of, and where the result stands."""
    run, protocol = result.run, result.run["protocol"]
    asked = f"{protocol['score']}, {protocol['pooling']} pooling, transform {protocol['transform']}"
    lines = [
        f"{run['model']['name']} on {run['task']['title']}: {len(run['text']['languages'])} languages",
        f"{_layer_words(result)}; {asked}; {_prompt_words(protocol['prompts'])}",
        "",
        f"{'':<40}{'score':>7}  {'95 % over languages':<21}{'chance':>7}",
        *_averages(result),
        "",
        *_languages(result),
        "",
    ]
    lines += [f"note: {warning}" for warning in result.warnings]
    return "\n".join([*lines, f"result: {folder / 'retrieval.html'}"])


def result_as_json(result: Retrieval, folder: Path) -> str:
    """The headline, the averages, the protocol, the warnings and where the result stands."""
    summary = json.loads(result.summary.to_json(orient="records"))
    document = {"folder": str(folder), "score": result.score, "layer": result.layer, "summary": summary}
    told = {"protocol": result.run["protocol"], "warnings": list(result.warnings)}
    return json.dumps(document | told, ensure_ascii=False)


def _layer_words(result: Retrieval) -> str:
    protocol, last = result.run["protocol"], result.run["model"]["layers"]
    if len(result.selection):
        return (
            f"layer {result.layer} of {last}, chosen on {protocol['chosen_on']}, reported on {protocol['reported_on']}"
        )
    which = f"layer {result.layer} of {last}" if len(result.layers) == 1 else f"layers 0 to {last}"
    return f"{which}, reported on {protocol['reported_on']}"


def _prompt_words(prompts: dict[str, str]) -> str:
    given = {role: prompts[role] for role in ("sentence", "query", "passage") if prompts[role]}
    told = ", ".join(f"{text!r}" for text in dict.fromkeys(given.values()))
    return f"prompts of the {prompts['origin']}: {told}" if told else "no prompts"


def _averages(result: Retrieval) -> list[str]:
    several = len(result.layers) > 1
    return [_average_line(row, several=several) for _, row in result.summary.iterrows()]


def _average_line(row: Any, *, several: bool) -> str:
    way, _, code = str(row["direction"]).partition(" ")
    direction = f"{way} {language_name(code)}" if way in ("to", "from") else str(row["direction"])
    subset = "" if row["languages"] == "all" else f" ({row['languages']} {row['n_rows']})"
    layer = f"layer {row['layer']} " if several else ""
    name = f"{layer}{str(row['metric']).replace('_', ' ')}, {direction}{subset}"
    return f"{name:<40}{row['score']:>7.3f}  {_interval(row):<21}{row['chance']:>7.4f}"


def _interval(row: Any) -> str:
    return "" if isnan(row["ci_low"]) else f"[{row['ci_low']:.3f}, {row['ci_high']:.3f}]"


def _languages(result: Retrieval) -> list[str]:
    """A line per language with its interval over sentences: all of few, the ends of many."""
    bars = language_bars(result)
    order = bars.groupby("language")["score"].mean().sort_values(ascending=False, kind="stable").index
    wide = {name: rows.set_index("language") for name, rows in bars.groupby("series", sort=False)}
    head = f"{'95 % over ' + interval_words(result):<34}" + "".join(f"{name!s:>12}  {'95 %':<16}" for name in wide)
    lines = [
        f"{_name(str(language)):<34}" + "".join(_cell(rows, str(language)) for rows in wide.values())
        for language in order
    ]
    if len(lines) > LISTED:
        lines = [*lines[:ENDS], f"... {len(lines) - 2 * ENDS} more in table.csv", *lines[-ENDS:]]
    return [head, *lines]


def _name(language: str) -> str:
    return language if language == POOL else language_name(language)


def _cell(rows: pd.DataFrame, language: str) -> str:
    found = [row for name, row in rows.iterrows() if name == language]
    return f"{found[0]['score']:>12.3f}  {_interval(found[0]):<16}" if found else f"{'-':>12}  {'':<16}"
