"""`xalign select`: a pool of training examples, a target and a budget in; out, a subset, its reasons and its rivals."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xalign.commands.common import Json, names_of, require_folder, require_model, require_result_folder, told_plainly

if TYPE_CHECKING:
    from xalign.selecting import DataSelection

PIPELINE = "modules.json"
"""Stands in a sentence-transformers folder, whose modules sentence-transformers checks itself."""


def select(  # noqa: PLR0913 - options of a command
    pool: Annotated[
        list[str],
        typer.Argument(
            help="JSON lines, Parquet, CSV, TSV, JSON lists or lines of text: files, folders, patterns; a folder of "
            "the datasets library; or xalign-100."
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(help="Examples of what is wanted; lang:swh_Latn,tam_Taml or @chosen.json. Default: the pool."),
    ] = None,
    budget: Annotated[
        float, typer.Option("--budget", "-b", help="Rows to choose; below 1, a share of the pool.")
    ] = 0.1,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            "-m",
            help="transport, tsds, lava, gotd, uot, mig, mdaq, laser, round_robin, facility_location, k_centre, "
            "deita, semdedup, longest or random.",
        ),
    ] = "transport",
    compare: Annotated[str, typer.Option(help="Further methods on the same sidecars, with commas.")] = "",
    model: Annotated[
        str | None, typer.Option(help="transformers or sentence-transformers model. Default: xalign-mini.")
    ] = None,
    layer: Annotated[int | None, typer.Option(help="Whose states are pooled. Default: the last.")] = None,
    pooling: Annotated[str, typer.Option(help="mean, cls, last or weighted.")] = "mean",
    precision: Annotated[str, typer.Option(help="float32, or float16 for half the disk.")] = "float32",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    align: Annotated[bool, typer.Option(help="Take language means away before rows are compared.")] = True,
    text_field: Annotated[
        str | None, typer.Option(help="A field, 'instruction+input>output', or a conversation's field.")
    ] = None,
    language_field: Annotated[
        str | None, typer.Option(help="A field, @file (names of files), @detect, or none.")
    ] = None,
    id_field: Annotated[str | None, typer.Option(help="A field, or none.")] = None,
    part: Annotated[str, typer.Option(help="Of a conversation: all, prompt (the user's turns) or response.")] = "all",
    detect: Annotated[
        str, typer.Option(help="Languages the detector may choose from, with commas; implies --language-field @detect.")
    ] = "",
    target_text_field: Annotated[str | None, typer.Option(help="As --text-field, for the target.")] = None,
    target_language_field: Annotated[str | None, typer.Option(help="As --language-field, for the target.")] = None,
    quality: Annotated[
        list[str] | None,
        typer.Option(
            help="column:FIELD, length, response_length, product:FIELD,FIELD, -perplexity:MODEL, translation:FIELD, "
            "classifier:MODEL#LABEL, quality:FOLDER, least:FIELD, constraints:FIELD, revision:FIELD or "
            "function:MODULE.NAME; a minus turns it round. Again with a category: --quality Math=least:FIELD."
        ),
    ] = None,
    difficulty: Annotated[
        str | None, typer.Option(help="As --quality: how hard a row is, for laser, which multiplies the two.")
    ] = None,
    tags: Annotated[str | None, typer.Option(help="The field of labels, like annotation.instag.content.")] = None,
    tag_list: Annotated[
        Path | None,
        typer.Option(
            help="A file of the labels there may be, one a line; with --skip-bad others are left out, not their rows."
        ),
    ] = None,
    category: Annotated[
        str | None,
        typer.Option(
            help="For laser and scorers by category: a field, @route, @route:FILE (category and text), "
            "@classifier:MODEL or @function:MODULE.NAME (a list of texts in, as many names out; its folder in "
            "PYTHONPATH)."
        ),
    ] = None,
    quota: Annotated[
        str | None,
        typer.Option(help="sw=0.6,ta=0.4, or counts; target, proportional, equal, @chosen.json, reliability, need."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder of a report of probes: languages count as far as they are aligned.")
    ] = None,
    translation: Annotated[
        str | None,
        typer.Option(
            help="The field of each row's translation: for transport, mig, mdaq, laser and deita rows count as far as "
            "they are nearest to it."
        ),
    ] = None,
    pivot: Annotated[str, typer.Option(help="The language that the report's scores are taken against.")] = "eng_Latn",
    options: Annotated[
        str | None, typer.Option(help='Arguments of selectors as JSON, like {"transport": {"epsilon": 0.05}}.')
    ] = None,
    across_languages: Annotated[
        bool, typer.Option("--across-languages", help="Allow target languages that the pool lacks.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out rows that cannot be used, and list them.")
    ] = False,
    engine: Annotated[str, typer.Option(help="process, or ray.")] = "process",
    workers: Annotated[int, typer.Option(help="Processes at a time.")] = 1,
    sidecars: Annotated[
        Path | None, typer.Option(help="Folder for what is found of each shard. Default: in the cache.")
    ] = None,
    shard_rows: Annotated[int, typer.Option(help="Rows of a shard at most.")] = 8192,
    draws: Annotated[int, typer.Option(help="Random draws to judge the choice by.")] = 30,
    seed: int = 0,
    out: Annotated[Path, typer.Option(help="A new or empty folder for the rows, tables, pictures and page.")] = Path(
        "xalign-selection"
    ),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")] = False,
    as_json: Json = False,
) -> None:
    """Choose training examples for a target and a budget, say why, and compare with random and with other selectors."""
    with told_plainly():
        require_result_folder(out, marks=())
        if sidecars is not None:
            require_folder(sidecars, option="--sidecars")
        if model is not None and (layer is not None or not (Path(model) / PIPELINE).is_file()):
            require_model(model)
        arguments = _options(options)
        from xalign.selecting import select_data

        selection = select_data(
            pool[0] if len(pool) == 1 else pool,
            target,
            budget,
            method=method,
            compare=compare,
            model=model,
            layer=layer,
            pooling=pooling,
            precision=precision,
            device=device,
            align=align,
            text_field=text_field,
            language_field=language_field,
            id_field=id_field,
            part=part,
            detect=names_of(detect) or (),
            target_text_field=target_text_field,
            target_language_field=target_language_field,
            quality=quality or None,
            difficulty=difficulty,
            tags=tags,
            tag_list=tag_list,
            category=category,
            quotas=quota,
            report=report,
            translation=translation,
            pivot=pivot,
            options=arguments,
            across_languages=across_languages,
            skip_bad=skip_bad,
            engine=engine,
            workers=workers,
            sidecars=sidecars,
            shard_rows=shard_rows,
            n_draws=draws,
            seed=seed,
            out=out,
            progress=not quiet,
        )
    typer.echo(_as_json(selection) if as_json else as_text(selection))


def _options(text: str | None) -> dict[str, Any] | None:
    """Arguments of selectors: an object of objects."""
    from xalign.errors import SettingError

    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise SettingError(
            f'--options must be JSON like {{"mig": {{"gain": "exact"}}}}, got {text!r}: {error}'
        ) from error
    if not isinstance(found, dict) or not all(isinstance(value, dict) for value in found.values()):
        raise SettingError(f'--options must map methods to objects, like {{"mig": {{"gain": "exact"}}}}, got {text!r}')
    return found


HEADINGS = {
    "cost": "cost",
    "coverage": "coverage",
    "label_entropy": "labels",
    "language_entropy": "languages",
    "duplicates": "repeats",
    "near_duplicates": "near",
    "mean_quality": "quality",
    "mean_length": "length",
}
N_LANGUAGES = 6


def as_text(selection: DataSelection) -> str:
    """What was chosen, the arms in one table, languages, what to beware of, and where the result stands."""
    from xalign.selecting.results.page import lede_of, title_of

    lines = [title_of(selection), lede_of(selection), "", *_arms(selection), "", _languages(selection)]
    lines += _categories(selection)
    if len(selection.skipped):
        lines.append(f"left out: {len(selection.skipped)} rows, listed in skipped.csv")
    lines += [f"note: {warning}" for warning in selection.warnings]
    if selection.folder is not None:
        lines += [f"rows: {selection.path}", f"report: {selection.folder / 'report.html'}"]
    return "\n".join(lines)


def _arms(selection: DataSelection) -> list[str]:
    """A row per arm, a column per measure that is known; below the choice, how many draws lie below it."""
    table, seconds = selection.table, selection.run["seconds"]
    shown = [name for name in HEADINGS if table[name].notna().any()]
    width = 2 + max(18, *(len(str(name)) for name in table["arm"]))
    lines = [f"{'':<{width}}" + "".join(f"{HEADINGS[name]:>11}" for name in shown) + f"{'seconds':>10}"]
    for row in table.to_dict("records"):
        took = seconds.get(f"choosing: {row['arm']}")
        cells = "".join(f"{_figure(row[name]):>11}" for name in shown)
        lines.append(f"{row['arm']:<{width}}{cells}{'' if took is None else format(took, '.1f'):>10}")
        if row["arm"] == selection.method:
            below = "".join(f"{_percent(row, name, selection.headline[1]):>11}" for name in shown)
            lines.append(f"{'  draws below it':<{width}}{below}")
        if row["n_sets"] > 1:
            spread = "".join(f"{_figure(row[f'{name}_sd']):>11}" for name in shown)
            lines.append(f"{'  sd of ' + str(row['n_sets']):<{width}}{spread}")
    return lines


def _figure(value: float) -> str:
    return "-" if isnan(value) else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"


def _percent(row: dict[Any, Any], name: str, random: dict[str, Any]) -> str:
    from xalign.selecting.results.page import ties_with_all

    below = row[f"{name}_percentile"]
    return "" if isnan(below) else "ties" if ties_with_all(name, row, random) else f"{below:.0f} %"


def _languages(selection: DataSelection) -> str:
    from xalign.figures.names import name_languages

    counts = selection.languages
    names = name_languages(counts)
    first = [f"{names[code]} {count}" for code, count in list(counts.items())[:N_LANGUAGES]]
    more = f" and {len(counts) - N_LANGUAGES} more" if len(counts) > N_LANGUAGES else ""
    return f"languages: {', '.join(first)}{more}"


def _categories(selection: DataSelection) -> list[str]:
    """How many rows each category has, where rows have any."""
    counts = selection.rows["category"].value_counts()
    told = ", ".join(f"{name} {n}" for name, n in counts.head(12).items())
    return (
        [f"categories: {told}" + (f" and {len(counts) - 12} more" if len(counts) > 12 else "")]
        if counts.index.any()
        else []
    )


def _as_json(selection: DataSelection) -> str:
    """What `selection.json` holds, and where it stands."""
    return json.dumps({"folder": str(selection.folder)} | selection.as_document(), ensure_ascii=False)
