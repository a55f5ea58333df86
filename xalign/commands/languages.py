"""`xalign languages`: a report, or nothing but features, in; out, a small set of languages and why."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xalign.commands.common import Json, names_of, require_result_folder, told_plainly

if TYPE_CHECKING:
    import pandas as pd

    from selection.languages import LanguageReason
    from xalign.choosing import LanguageSelection


def languages(  # noqa: PLR0913 - options of a command
    report: Annotated[
        Path | None, typer.Argument(help="Folder of a saved report of probes. Default: choose by features alone.")
    ] = None,
    candidates: Annotated[
        str | None,
        typer.Option(
            help="flores, embedded, names with commas, a list in a .json or .txt, or a corpus. "
            "Default: the report's languages, or the embedded ones."
        ),
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", help="How many to choose.")] = 5,
    objective: Annotated[
        str, typer.Option(help="facility_location, k_medoids, max_sum, max_min, min_sum or random.")
    ] = "facility_location",
    features: Annotated[
        str | None,
        typer.Option(help="Distances to mix, like uriel.syntax,probe:cka@6,0.5*script. Default: uriel.syntax."),
    ] = None,
    pivot: Annotated[str, typer.Option(help="The language that need is measured against; no candidate.")] = "eng_Latn",
    probes: Annotated[str | None, typer.Option(help="Which of the report's probes say what is needed.")] = None,
    layer: Annotated[int | None, typer.Option(help="Where scores are read. Default: where least is needed.")] = None,
    need: Annotated[float, typer.Option(help="Power of what a language has to gain; 0 switches it off.")] = 1.0,
    grasp: Annotated[
        float, typer.Option(help="Power of what the model has of it already, in what it has to gain; 0: by need alone.")
    ] = 1.0,
    coverage: Annotated[float, typer.Option(help="Power of how it stands in for others; 0 switches it off.")] = 1.0,
    diversity: Annotated[float, typer.Option(help="Power of the distances; 0 switches them off.")] = 1.0,
    include: Annotated[str, typer.Option(help="Languages that must be chosen, with commas.")] = "",
    exclude: Annotated[str, typer.Option(help="Languages that must not.")] = "",
    max_per_family: Annotated[int | None, typer.Option(help="At most so many of one family.")] = None,
    max_per_script: Annotated[int | None, typer.Option(help="At most so many of one script.")] = None,
    method: Annotated[str, typer.Option(help="auto, exact or greedy.")] = "auto",
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="Leave out candidates without features instead of stopping.")
    ] = False,
    resources: Annotated[
        Path | None,
        typer.Option(help="CSV of language,amount for the arm 'most resourced'. Default: published levels."),
    ] = None,
    draws: Annotated[int, typer.Option(help="Random sets to judge the choice against.")] = 200,
    seed: int = 0,
    typology: Annotated[
        Path | None, typer.Option(help="Folder of typology files. Default: the embedded table.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for chosen.json, tables and pictures.")] = Path("xalign-languages"),
    as_json: Json = False,
) -> None:
    """Choose a small, diverse set of languages that lack alignment and stand in for the others, and say why."""
    with told_plainly():
        require_result_folder(out)
        from xalign.choosing import select_languages

        selection = select_languages(
            report,
            k,
            candidates=candidates,
            features=features,
            objective=objective,
            method=method,
            pivot=pivot,
            probes=probes,
            layer=layer,
            need=need,
            grasp=grasp,
            coverage=coverage,
            diversity=diversity,
            include=names_of(include) or (),
            exclude=names_of(exclude) or (),
            max_per_family=max_per_family,
            max_per_script=max_per_script,
            drop_missing=drop_missing,
            resources=None if resources is None else _amounts(resources),
            n_draws=draws,
            seed=seed,
            folder=typology,
        )
        selection.save(out)
    typer.echo(_as_json(selection, out) if as_json else _as_text(selection, out))


def _amounts(path: Path) -> dict[str, float]:
    """Read how much data each language has: two columns, a heading or none."""
    import csv

    from xalign.errors import SettingError

    if not path.is_file():
        raise SettingError(
            f"--resources must be a CSV file with a language and an amount in each row, got no file {path}"
        )
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
        return {row[0].strip(): float(row[1]) for row in rows[0 if _is_number(rows[0][1]) else 1 :]}
    except (IndexError, ValueError) as error:
        raise SettingError(
            f"{path} must have a language and an amount in each row, like swh_Latn,98000: {error}"
        ) from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _as_text(selection: LanguageSelection, folder: Path) -> str:
    """The chosen with their reasons, what comes next, the arms, how good the choice is, and where it stands."""
    from xalign.corpora import language_name

    following = [f"{language_name(code)} {gain:.3g}" for code, gain in selection.choice.next_languages]
    lines = [
        f"{len(selection.languages)} of {len(selection.candidates)} languages by "
        f"{selection.choice.objective.replace('_', ' ')}; distances: {selection.run['distances']}; "
        f"{selection.run['weighing']}",
        f"distances are from {selection.run['distances_source']}",
        "",
        *_chosen(selection),
        "",
        f"next would come, adding: {', '.join(following) or 'nobody'}",
        "",
        *_arms(selection.table),
        "",
        _proof(selection),
    ]
    lines += [f"note: {warning}" for warning in selection.warnings]
    return "\n".join([*lines, f"result: {folder} (other commands take it: --languages @{folder / 'chosen.json'})"])


def _chosen(selection: LanguageSelection) -> list[str]:
    """A row per chosen language: what it adds, what is known of it, whom it covers, who could stand in its place."""
    pool = selection.pool.set_index("language")
    names, probed, partly = pool["name"], bool(pool["need"].notna().any()), bool((pool["coverage"] < 1).any())
    width = max(len(f"{names[code]} {code}") for code in selection.languages) + 2
    headings = ("   need  alike" if probed else "") + ("  known" if partly else "")
    lines = [f"{'':<4}{'chosen':<{width}}{'adds':>7}{headings}  covers"]
    for place, reason in enumerate(selection.reasons):
        row = pool.loc[reason.language]
        said = f"{row['need']:>7.2f}{row['stands_in']:>7.2f}" if probed else ""
        said += f"{row['coverage']:>7.0%}" if partly else ""
        covered = [str(names[code]) for code in reason.covers]
        more = f" and {len(covered) - N_NAMED} more" if len(covered) > N_NAMED else ""
        lines.append(
            f"{place + 1:>2}  {row['name'] + ' ' + reason.language:<{width}}{reason.added:>7.3g}{said}  "
            f"{'always included; ' if reason.included else ''}{', '.join(covered[:N_NAMED]) or 'no other'}{more}"
            + _instead(reason, names)
        )
    return lines


def _instead(reason: LanguageReason, names: pd.Series) -> str:
    if reason.runner_up is None:
        return ""
    language, loss = reason.runner_up
    if abs(loss) < 1e-9:
        return f"; {names[language]} is as good"
    return f"; with {names[language]} instead {'-' if loss > 0 else '+'}{abs(loss):.2g}"


N_NAMED = 3
HEADINGS = {
    "mean_pairwise_distance": "distance",
    "coverage": "coverage",
    "entropy": "entropy",
    "feature_value_inclusion": "FVI",
    "feature_value_overlap": "FVO",
    "mean_need": "need",
}


def _arms(table: pd.DataFrame) -> list[str]:
    """A row per arm, a column per measure that is known; the choice's percentile among draws below it."""
    shown = [name for name in HEADINGS if table[name].notna().any()]
    rows = {
        f"{row['arm']} (mean of {row['n_sets']})" if row["n_sets"] > 1 else str(row["arm"]): row
        for row in table.to_dict("records")
    }
    width = max(20, *(len(label) + 2 for label in rows))
    lines = [f"{'':<{width}}" + "".join(f"{HEADINGS[name]:>17}" for name in shown)]
    for label, row in rows.items():
        cells = [
            f"{row[name]:.3f}" + ("" if isnan(row[f"{name}_sd"]) else f" ± {row[f'{name}_sd']:.3f}") for name in shown
        ]
        lines.append(f"{label:<{width}}" + "".join(f"{cell:>17}" for cell in cells))
        if row["arm"] == "choice":
            beaten = "".join(f"{row[f'{name}_percentile']:>15.0f} %" for name in shown)
            lines.append(f"{'  draws below it':<{width}}{beaten}")
    return lines


def _proof(selection: LanguageSelection) -> str:
    choice = selection.choice
    if choice.objective == "random":
        return f"drawn at random, seed {selection.run['arguments']['seed']}"
    state = "proven optimal" if choice.optimal else f"within {choice.gap:.2%} of a proven bound"
    return f"value {choice.value:.4g}, {state} ({choice.method})"


def _as_json(selection: LanguageSelection, folder: Path) -> str:
    """What `chosen.json` holds, the arms, the notes and where it stands."""
    document: dict[str, Any] = selection.as_document() | {
        "folder": str(folder),
        "arms_judged": json.loads(selection.table.to_json(orient="records")),
        "warnings": list(selection.warnings),
    }
    return json.dumps(document, ensure_ascii=False)
