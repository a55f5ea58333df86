"""`xalign transfer`: a model and text with topics in; out, how far each probe predicts zero-shot accuracy."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xalign.commands.common import (
    Json,
    Languages,
    languages_of,
    names_of,
    require_model,
    require_result_folder,
    told_plainly,
)

if TYPE_CHECKING:
    import pandas as pd

    from xalign.transferring import Transfer


def transfer(  # noqa: PLR0913 - options of a command
    model: Annotated[
        str | None, typer.Argument(help="Folder or hub name of a model. Default: the embedded xalign-mini.")
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Argument(help="File, folder or dataset name of text with topics. Default: the embedded xalign-100."),
    ] = None,
    probes: Annotated[str, typer.Option(help="Comma-separated, or 'all'; the README lists them.")] = "all",
    languages: Languages = None,
    layer: Annotated[
        str, typer.Option(help="The headline's: 'best' for the pivot's best on held-out sentences, or a number.")
    ] = "best",
    pivot: Annotated[str, typer.Option(help="The language to train on and to compare every other with.")] = "eng_Latn",
    pooling: Annotated[str, typer.Option(help="mean, cls, last or weighted.")] = "mean",
    n_resamples: Annotated[int, typer.Option("--resamples", help="Resamples behind each interval.")] = 1000,
    seed: int = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16, float16.")] = "auto",
    max_length: Annotated[
        int | None, typer.Option(help="Truncate after N tokens. Default: the model's own limit.")
    ] = None,
    cache: Annotated[bool, typer.Option(help="Keep activations on disk and use those that are there.")] = True,
    out: Annotated[Path, typer.Option(help="Folder for the tables and pictures.")] = Path("xalign-transfer"),
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bars.")] = False,
) -> None:
    """Ask whether alignment predicts transfer: train a topic probe in one language, test it in all, correlate."""
    with told_plainly():
        require_result_folder(out)
        require_model(model)
        from xalign import load_encoder
        from xalign.transferring import transfer as run

        result = run(
            load_encoder(model, device=device, dtype=dtype, max_length=max_length),
            corpus,
            probes=names_of(probes) or (),
            languages=languages_of(languages),
            layer=_layer(layer),
            pivot=pivot,
            pooling=pooling,
            n_resamples=n_resamples,
            seed=seed,
            cache=cache,
            progress=not quiet,
        )
        result.save(out)
    typer.echo(_as_json(result, out) if as_json else _as_text(result, out))


def _layer(text: str) -> int | str:
    """A layer's number, or the word as it is."""
    return int(text) if text.strip().lstrip("-").isdigit() else text


def _as_text(result: Transfer, folder: Path) -> str:
    """The accuracy, a row per probe, how it was made, what to beware of, and where it stands."""
    from xalign.corpora import language_name
    from xalign.figures.names import model_title

    run, best = result.run, result.best.dropna(subset=["pearson"])
    here = result.accuracy[result.accuracy["layer"] == result.layer].set_index("language")
    own, n_others = here.loc[result.pivot], len(here) - 1
    width = max([8, *(len(probe) + 2 for probe in best["probe"])])
    lines = [
        f"{model_title(run['model']['name'])} on {run['corpus']['name']}: {run['topics']} topics, {n_others} languages "
        f"beside {language_name(result.pivot)}",
        f"accuracy at layer {result.layer}: {language_name(result.pivot)} {own['accuracy']:.3f}, mean of the others "
        f"{result.score:.3f}, most frequent topic {own['chance']:.3f}",
        "",
        f"{'probe':<{width}}{'Pearson':>8}  {'95 %':<16}{'Spearman':>8}  {'95 %':<16}{'p corrected':>11}  partial",
    ]
    lines += [_line(row, width) for row in best.to_dict("records")]
    lines += ["", run["protocol"], *_meanings(best), *_baseline(result)]
    lines += [f"skipped: {probe}: {reason}" for probe, reason in run.get("skipped", {}).items()]
    lines += [f"note: {warning}" for warning in result.warnings]
    return "\n".join([*lines, f"result: {folder}"])


def _line(row: dict[Any, Any], width: int) -> str:
    pearson, spearman = (f"{_number(row[name]):>8}  {_interval(row, name):<16}" for name in ("pearson", "spearman"))
    partial = f"{_number(row['partial'])} {_interval(row, 'partial')}".rstrip()
    p_corrected = "-" if isnan(row["p_corrected"]) else f"{row['p_corrected']:.3f}"
    return f"{row['probe']:<{width}}{pearson}{spearman}{p_corrected:>11}  {partial}"


def _meanings(best: pd.DataFrame) -> list[str]:
    """What the columns are, in words."""
    from xalign.measures import lower_is_closer

    if best.empty:
        return ["no probe has a correlation; the notes say why"]
    n, n_partial = int(best["n"].max()), int(best["n_partial"].max())
    lines = [
        f"correlations are over {n} languages, intervals by resampling these; p by permuting them, corrected for "
        f"{len(best)} probes (Holm); partial: given script and tokens per sentence, over {n_partial} languages, those "
        "that share their script with another"
    ]
    best_of_all = best["probe"].iloc[0]
    behind = best.loc[best["behind_low"] > 0, "probe"]
    lines.append(f"behind {best_of_all} in over 97 % of paired resamples: {', '.join(behind) or 'none'}")
    lower = [probe for probe in best["probe"] if lower_is_closer(probe)]
    return [*lines, f"lower is closer in {', '.join(lower)}: there a negative correlation predicts"] if lower else lines


def _baseline(result: Transfer) -> list[str]:
    """What the accuracy owes to script and length, which a probe must be seen against."""
    share = result.explained_by_confounds
    said = f"script and tokens per sentence alone explain {100 * share:.0f} % of the variance of accuracy"
    return [] if isnan(share) else [said]


def _number(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"


def _interval(row: dict[Any, Any], name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "" if isnan(low) else f"[{low:.3f}, {high:.3f}]"


def _as_json(result: Transfer, folder: Path) -> str:
    """The correlations at the headline's layer, the accuracy, the protocol, the warnings and where it stands."""
    document = {
        "folder": str(folder),
        "layer": result.layer,
        "mean_accuracy": result.score,
        "explained_by_confounds": None if isnan(share := result.explained_by_confounds) else share,
        "accuracy": _records(result.accuracy[result.accuracy["layer"] == result.layer]),
        "correlations": _records(result.best),
        "protocol": result.run["protocol"],
        "skipped": result.run.get("skipped", {}),
        "warnings": list(result.warnings),
    }
    return json.dumps(document, ensure_ascii=False)


def _records(frame: Any) -> list[dict[str, Any]]:
    return json.loads(frame.to_json(orient="records"))
