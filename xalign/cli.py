"""The command line: each command is a public function with the same words."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xalign.errors import XalignError

if TYPE_CHECKING:
    from xalign.report import ProbeReport

app = typer.Typer(
    name="xalign",
    help="How well does a model bring languages together, at which layer, for which languages?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cache_app = typer.Typer(help="List or clear the cached activations.", no_args_is_help=True)
app.add_typer(cache_app, name="cache")

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for machines.")]
Names = Annotated[
    str | None, typer.Option(help="Comma-separated; every spelling langcodes knows (sw, swa, Swahili, swh_Latn).")
]


@app.command()
def probe(  # noqa: PLR0913 - options of a command
    model: Annotated[
        str | None, typer.Argument(help="Folder or hub name of a model. Default: the embedded xalign-mini.")
    ] = None,
    corpus: Annotated[
        str | None, typer.Argument(help="File, folder or dataset name. Default: the embedded xalign-100.")
    ] = None,
    languages: Names = None,
    probes: Annotated[
        str, typer.Option(help="Comma-separated, or 'all'; the README lists them.")
    ] = "cka,anc,retrieval,neurons",
    pivot: Annotated[
        str, typer.Option(help="Compare every language with this one; 'none' for all pairs.")
    ] = "eng_Latn",
    layers: Annotated[str | None, typer.Option(help="Comma-separated; 0 is the embedding layer. Default: all.")] = None,
    pooling: Annotated[str, typer.Option(help="mean, cls, last or weighted.")] = "mean",
    split: Annotated[str | None, typer.Option(help="A split of the corpus, where it has splits.")] = None,
    limit: Annotated[int | None, typer.Option(help="Take the first N sentences.")] = None,
    n_permutations: Annotated[int, typer.Option("--permutations", help="Shuffles behind each null.")] = 200,
    n_resamples: Annotated[int, typer.Option("--resamples", help="Resamples behind each interval.")] = 200,
    seed: int = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16, float16.")] = "auto",
    max_length: Annotated[
        int | None, typer.Option(help="Truncate after N tokens. Default: the model's own limit.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Revision of a hub model.")] = None,
    trust_remote_code: Annotated[bool, typer.Option(help="Run code that comes with the model.")] = False,
    neuron_modules: Annotated[
        str | None,
        typer.Option(help="Path of the FFN activation, e.g. 'layers.{}.mlp.act_fn', for an unknown architecture."),
    ] = None,
    normalise: Annotated[str | None, typer.Option(help="NFC or NFKC; by default text is left as it is.")] = None,
    cache: Annotated[bool, typer.Option(help="Keep activations on disk and use those that are there.")] = True,
    out: Annotated[Path, typer.Option(help="Folder for the table, the pictures and the page.")] = Path("xalign-report"),
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bars.")] = False,
) -> None:
    """Measure, layer by layer, how well MODEL aligns the languages of CORPUS."""
    with _told_plainly():
        from xalign import load_encoder
        from xalign.probing import load_text
        from xalign.probing import probe as run

        _require_folder(out)
        chosen, against = _names(languages), None if pivot.lower() == "none" else pivot
        report = run(
            load_encoder(
                model,
                device=device,
                dtype=dtype,
                max_length=max_length,
                revision=revision,
                trust_remote_code=trust_remote_code,
                neuron_modules=neuron_modules,
            ),
            load_text(corpus, chosen, against, limit=limit, split=split, normalise=normalise, progress=not quiet),
            probes=_names(probes) or (),
            languages=chosen,
            layers=_numbers(layers, "--layers"),
            pivot=against,
            pooling=pooling,
            n_permutations=n_permutations,
            n_resamples=n_resamples,
            seed=seed,
            cache=cache,
            progress=not quiet,
        )
        report.save(out)
    _show(report, out, as_json)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="A folder that `xalign probe` wrote.")],
    other: Annotated[Path | None, typer.Argument(help="A second one: show what moved from the first to it.")] = None,
    as_json: Json = False,
) -> None:
    """Print a saved report, or what moved between two."""
    with _told_plainly():
        from xalign.report import ProbeReport

        first = ProbeReport.load(folder)
        second = ProbeReport.load(other) if other else None
        comparison = first.compare(second) if second else None
    if comparison is None or second is None:
        _show(first, folder, as_json)
    elif as_json:
        typer.echo(comparison.summary.to_json(orient="records"))
    else:
        from xalign.cli_output import comparison_as_text

        typer.echo(comparison_as_text(comparison, first, second))


@cache_app.command("list")
def list_cache(as_json: Json = False) -> None:
    """List what the cache holds, by model."""
    with _told_plainly():
        from xalign.cli_output import cache_as_json, cache_as_text
        from xalign.encoders import ActivationCache

        cache = ActivationCache()
        entries = cache.entries()
    typer.echo(cache_as_json(entries) if as_json else cache_as_text(cache, entries))


@cache_app.command("clear")
def clear_cache(
    model: Annotated[str | None, typer.Option(help="Only this model's entries.")] = None,
    older_than_days: Annotated[float | None, typer.Option(help="Only entries older than this.")] = None,
) -> None:
    """Delete cached activations; the next run computes them again."""
    with _told_plainly():
        from xalign.encoders import ActivationCache

        cleared = ActivationCache().clear(model=model, older_than_days=older_than_days)
    typer.echo(f"deleted {cleared.n_entries} entries, {cleared.n_bytes / 1e6:.1f} MB")


def _show(report: "ProbeReport", folder: Path, as_json: bool) -> None:
    from xalign.cli_output import report_as_json, report_as_text

    typer.echo(report_as_json(report, folder) if as_json else report_as_text(report, folder))


def _require_folder(out: Path) -> None:
    """Refuse, before hours of work, a place where no report can be written."""
    standing = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not standing.is_dir() or not os.access(standing, os.W_OK):
        raise XalignError(f"--out must be a folder that can be written, got {out}; {standing} is not")


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _numbers(text: str | None, option: str) -> list[int] | None:
    try:
        return None if text is None else [int(part) for part in _names(text) or []]
    except ValueError:
        raise typer.BadParameter(
            f"must be whole numbers with commas between, like 0,3,6; got {text!r}", param_hint=option
        ) from None


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Show an error of ours, or of the machine's, as one line and exit with 1; a bug keeps its traceback."""
    try:
        yield
    except (XalignError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
