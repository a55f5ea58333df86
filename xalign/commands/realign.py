"""`xalign realign`: a model, parallel text and languages in; out, the realigned model and what that moved."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xalign.commands.common import Json, names_of, require_folder, require_model, told_plainly
from xalign.errors import SettingError

if TYPE_CHECKING:
    import pandas as pd

    from xalign.realigning.results import Realignment


def realign(  # noqa: PLR0913 - options of a command
    model: Annotated[
        str | None, typer.Argument(help="Folder or hub name of a model. Default: the embedded xalign-mini.")
    ] = None,
    corpus: Annotated[
        str | None, typer.Argument(help="File, folder or dataset name of parallel text. Default: xalign-100.")
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(help="To realign on: names with commas between, @chosen.json, or all; with --choose, the pool."),
    ] = None,
    choose: Annotated[int | None, typer.Option(help="Choose K languages first, by what the model lacks.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the realigned model and its report.")] = Path("xalign-realigned"),
    unseen: Annotated[
        str | None,
        typer.Option(help="Languages to tell apart as never to be chosen. Default: those that were no candidates."),
    ] = None,
    pivot: Annotated[str, typer.Option(help="The language that the others are brought closer to.")] = "eng_Latn",
    loss: Annotated[str, typer.Option(help="strong, weak, sentence or l2.")] = "strong",
    layers: Annotated[str, typer.Option(help="last, middle, or numbers with commas between.")] = "last",
    freeze: Annotated[str | None, typer.Option(help="The half that is not trained: lower or upper.")] = None,
    lora_rank: Annotated[int | None, typer.Option(help="Train low-rank updates of this rank (needs peft).")] = None,
    temperature: Annotated[float, typer.Option(help="Of the contrastive losses.")] = 0.1,
    anchor: Annotated[float, typer.Option(help="Weight of staying near the starting model; l2 needs it.")] = 0.0,
    steps: Annotated[int, typer.Option(help="Updates of the weights.")] = 24_544,
    batch_size: Annotated[int, typer.Option(help="Sentence pairs of a forward pass.")] = 16,
    accumulation: Annotated[int, typer.Option(help="Forward passes of an update.")] = 1,
    learning_rate: Annotated[float, typer.Option(help="Its highest.")] = 7.5e-6,
    language_temperature: Annotated[
        float, typer.Option(help="1 draws languages in proportion to their sentences, more evens them out.")
    ] = 1.0,
    evaluate_every: Annotated[
        int | None,
        typer.Option(help="Steps between two looks at watched sentences. Default: a tenth of them, 500 at most."),
    ] = None,
    save_every: Annotated[int, typer.Option(help="Steps between two checkpoints, from which a run goes on.")] = 1000,
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    dictionary: Annotated[
        Path | None,
        typer.Option(
            help="Word pairs: a folder with <language>.tsv, or the file of a single language. Default: aligned."
        ),
    ] = None,
    probes: Annotated[str, typer.Option(help="Comma-separated, or 'all'; the README lists them.")] = "cka,retrieval",
    n_permutations: Annotated[int, typer.Option("--permutations", help="Shuffles behind each null.")] = 200,
    n_resamples: Annotated[int, typer.Option("--resamples", help="Resamples behind each interval.")] = 1000,
    seed: int = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    cache: Annotated[bool, typer.Option(help="Keep activations on disk and use those that are there.")] = True,
    resume: Annotated[bool, typer.Option(help="Go on where a former run stopped.")] = True,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bars.")] = False,
) -> None:
    """Realign MODEL on languages of CORPUS, and measure what that moved in these, in others and in unseen ones."""
    with told_plainly():
        require_folder(out)
        require_model(model)
        from xalign.realigning.running import realign as run
        from xalign.realigning.settings import RealignmentSettings

        settings = RealignmentSettings(
            loss=loss,
            layers=layers_of(layers),
            freeze=freeze,
            lora_rank=lora_rank,
            temperature=temperature,
            anchor=anchor,
            steps=steps,
            batch_size=batch_size,
            accumulation=accumulation,
            learning_rate=learning_rate,
            language_temperature=language_temperature,
            evaluate_every=evaluate_every,
            save_every=save_every,
            precision=precision,
            seed=seed,
        )
        result = run(
            model,
            corpus,
            languages=languages,
            out=out,
            choose=choose,
            pivot=pivot,
            unseen=names_of(unseen) or (),
            probes=names_of(probes) or (),
            settings=settings,
            word_pairs=dictionary,
            n_permutations=n_permutations,
            n_resamples=n_resamples,
            seed=seed,
            cache=cache,
            resume=resume,
            device=device,
            progress=not quiet,
        )
    show_realignment(result, out, as_json=as_json)


def layers_of(text: str) -> tuple[int | str, ...]:
    """Read `last`, `middle` or numbers with commas between.

    Raises:
        SettingError: If nothing is named, or a part is neither.
    """
    parts = names_of(text) or []
    wrong = [part for part in parts if part not in ("last", "middle") and not part.isdigit()]
    if wrong or not parts:
        raise SettingError(f"--layers must be last, middle, or numbers with commas between, like 3,6; got {text!r}")
    return tuple(int(part) if part.isdigit() else part for part in parts)


def show_realignment(result: Realignment, folder: Path, *, as_json: bool) -> None:
    """Print a realignment for people, or as JSON."""
    typer.echo(_as_json(result, folder) if as_json else _as_text(result, folder))


def _as_text(result: Realignment, folder: Path) -> str:
    """The headline, the groups at its layer by every probe, all layers, what to beware of, and where it stands."""
    from xalign.realigning.wording import describe_training, headline_of, title_of, without_tests

    at = without_tests(result, result.moved[result.moved["layer"] == result.layer])
    lines = [
        title_of(result),
        headline_of(result),
        "",
        f"layer {result.layer:<10}{'':<8}{'languages':>9}{'before':>8}{'after':>8}{'change':>8}  "
        f"{'95 % over languages':<21}{'p':>7}{'corrected':>11}",
        *(_line(row) for row in at.to_dict("records")),
    ]
    if len(result.topics):
        lines += [
            "",
            f"{'topic accuracy':<24}{'languages':>9}{'before':>8}{'after':>8}{'change':>8}  95 % over sentences",
        ]
        lines += [_topic_line(row) for row in without_tests(result, result.topics).to_dict("records")]
    lines += ["", f"change of {result.probe} by layer", _by_layer(result.moved, result.probe), ""]
    lines += [
        f"trained: {describe_training(result)}",
        f"text: {result.run['division']}",
        f"languages: {result.run['groups']}",
    ]
    lines += [f"note: {warning}" for warning in result.warnings]
    return "\n".join([*lines, f"report: {folder / 'report.html'}"])


def _line(row: dict[Any, Any]) -> str:
    name = f"{row['probe']:<16} {row['group']:<7}"
    p, corrected = (_number(row[column]) for column in ("p_value", "p_corrected"))
    return f"{name:<24}{_numbers(row, int(row['n']))}  {_interval(row):<21}{p:>7}{corrected:>11}"


def _topic_line(row: dict[Any, Any]) -> str:
    return f"{row['group']:<24}{_numbers(row, int(row['n_languages']))}  {_interval(row)}"


def _numbers(row: dict[Any, Any], n: int) -> str:
    return f"{n:>9}{row['before']:>8.3f}{row['after']:>8.3f}{row['change']:>+z8.3f}"


def _interval(row: dict[Any, Any]) -> str:
    return "" if isnan(row["ci_low"]) else f"[{row['ci_low']:+z.3f}, {row['ci_high']:+z.3f}]"


def _number(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"


def _by_layer(moved: pd.DataFrame, probe: str) -> str:
    rows = moved[moved["probe"] == probe]
    wide = rows.pivot_table(index="group", columns="layer", values="change", sort=False)
    wide = wide.reindex(columns=sorted(wide.columns)).rename_axis(index=None, columns="layer")
    return wide.to_string(float_format=lambda value: f"{value:+z.3f}", na_rep="-")


def _as_json(result: Realignment, folder: Path) -> str:
    """The headline, what moved at its layer, the task, the warnings and where it stands."""
    from xalign.realigning.wording import headline_of, title_of

    at = result.moved[result.moved["layer"] == result.layer]
    run = result.run
    document = {
        "folder": str(folder),
        "headline": {**run["headline"], "title": title_of(result), "text": headline_of(result)},
        **{name: run[name] for name in ("pivot", "languages", "other", "unseen")},
        "moved": _records(at),
        "topics": _records(result.topics),
        "best_step": run["training"]["best_step"],
        "division": run["division"],
        "warnings": list(result.warnings),
    }
    return json.dumps(document, ensure_ascii=False)


def _records(frame: pd.DataFrame) -> Sequence[dict[str, Any]]:
    return json.loads(frame.to_json(orient="records"))
