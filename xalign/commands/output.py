"""What the command line says of a result: for people, or as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from xalign.summary import best_layers

if TYPE_CHECKING:
    from xalign.comparison import ReportComparison
    from xalign.encoders import ActivationCache, CacheEntry
    from xalign.report import ProbeReport
    from xalign.selecting.pools.keeping import KeptGroup

FEW = 3
"""Fewer languages have no interval of their own; the table shows the one over sentences."""


def report_as_text(report: ProbeReport, folder: Path) -> str:
    """The best layer of every probe, by language, what to beware of, and where the report stands."""
    from xalign.figures.reductions import layer_means

    means = layer_means(report.table)
    over = "sentences" if means["n_pairs"].max() < FEW else "languages"
    width = max(13, *(len(probe) + 1 for probe in means["probe"]))
    lines = [
        _headline(report.run),
        "",
        f"{'probe':<{width}}{'layer':>5}{'score':>8}  {f'95 % over {over}':<21}{'chance':>7}  highest and lowest",
    ]
    best = best_layers(means)
    lines += [_best_line(row, width, marked=over == "languages") for row in best.to_dict("records")]
    if over == "languages" and best["n_pairs"].min() < FEW:
        lines.append("* over sentences: too few languages")
    lines += ["", "mean score by layer", _by_layer(report.summary), ""]
    lines += [f"skipped: {probe}: {reason}" for probe, reason in report.run.get("skipped", {}).items()]
    lines += [f"note: {warning}" for warning in report.warnings]
    return "\n".join([*lines, f"report: {folder / 'report.html'}"])


def _headline(run: Mapping[str, Any]) -> str:
    from xalign.figures.names import model_title

    corpus = run["corpus"]
    if "pairs" in corpus:
        size = f"{corpus['pairs']} pairs of languages, {corpus['sentences']} sentence pairs"
    else:
        size = f"{corpus['languages']} languages, {corpus['sentences']} sentences"
    return f"{model_title(run['model']['name'])} on {corpus['name']}: {size}"


def _best_line(row: Mapping[Hashable, Any], width: int, *, marked: bool) -> str:
    from xalign.corpora import language_name

    interval = (
        ""
        if isnan(row["ci_low"])
        else f"[{row['ci_low']:.3f}, {row['ci_high']:.3f}]{'*' * (marked and row['n_pairs'] < FEW)}"
    )
    ends = " / ".join(dict.fromkeys(language_name(code) for code in (row["best"], row["worst"])))
    return f"{row['probe']:<{width}}{row['layer']:>5}{row['score']:>8.3f}  {interval:<21}{row['chance']:>7.3f}  {ends}"


def report_as_json(report: ProbeReport, folder: Path) -> str:
    """The summary, the warnings and where the report stands."""
    summary = json.loads(report.summary.to_json(orient="records"))
    return json.dumps(
        {"folder": str(folder), "summary": summary, "warnings": list(report.warnings)}
        | {"skipped": report.run.get("skipped", {})},
        ensure_ascii=False,
    )


def comparison_as_text(comparison: ReportComparison, before: ProbeReport, after: ProbeReport) -> str:
    """What is compared, a caution where the texts differ, and the change by probe and layer."""
    lines = [f"{name}: {report!r}" for name, report in (("before", before), ("after ", after))]
    lines.append(f"rows in common: {len(comparison.table)} of {len(before.table)} and {len(after.table)}")
    lines.append("intervals and p-values are over languages, - where these are too few")
    if before.run["corpus"]["hash"] != after.run["corpus"]["hash"]:
        lines.append("caution: the two ran on different text: chance and difficulty differ")
    table = comparison.summary.round(3).to_string(index=False, na_rep="-")
    return "\n".join([*lines, "", table])


def cache_as_text(cache: ActivationCache, entries: Iterable[CacheEntry]) -> str:
    """A row per model and language, and the sum."""
    frame = pd.DataFrame(
        [(e.model, e.label, e.n_sentences, e.n_bytes / 1e6, e.created.strftime("%Y-%m-%d %H:%M")) for e in entries],
        columns=["model", "language", "sentences", "MB", "created (UTC)"],
    )
    if frame.empty:
        return f"{cache.folder} is empty"
    return (
        f"{frame.round(1).to_string(index=False)}\n{len(frame)} entries, {frame['MB'].sum():.1f} MB in {cache.folder}"
    )


def sidecars_as_text(folder: Path, groups: Iterable[KeptGroup]) -> str:
    """A row per kind and model of what `xalign select` keeps, and the sum."""
    frame = pd.DataFrame(
        [
            (g.kind, g.model or "-", g.n_sidecars, g.n_rows, g.n_bytes / 1e6, g.created.strftime("%Y-%m-%d %H:%M"))
            for g in groups
        ],
        columns=["sidecars", "by", "shards", "rows", "MB", "created (UTC)"],
    )
    if frame.empty:
        return f"{folder} is empty"
    total = f"{frame['shards'].sum()} sidecars of xalign select, {frame['MB'].sum():.1f} MB in {folder}"
    return f"{frame.round(1).to_string(index=False)}\n{total}"


def cache_as_json(entries: Iterable[CacheEntry], sidecars: Iterable[KeptGroup] = ()) -> str:
    """A list of entries, and after them one of each kind and model of sidecars, whose key is that of no one of them."""
    listed = [(e.key, e.model, e.label, e.n_sentences, e.n_bytes, e.created) for e in entries]
    listed += [(f"selecting/{g.kind}", g.model, g.kind, g.n_rows, g.n_bytes, g.created) for g in sidecars]
    return json.dumps(
        [
            {"key": key, "model": model, "label": label, "n_sentences": n, "n_bytes": size}
            | {"created": created.isoformat()}
            for key, model, label, n, size, created in listed
        ],
        ensure_ascii=False,
    )


def _by_layer(summary: pd.DataFrame) -> str:
    wide = summary.pivot(index="probe", columns="layer", values="score").reindex(summary["probe"].unique())
    return wide.round(3).rename_axis(index=None, columns=None).to_string(na_rep="-")
