"""`xalign probe`: a model and a corpus in, a folder with a report out."""

from pathlib import Path
from typing import Annotated

import typer

from xalign.commands.common import (
    Json,
    Languages,
    languages_of,
    names_of,
    numbers_of,
    require_model,
    require_result_folder,
    told_plainly,
)
from xalign.commands.report import show


def probe(  # noqa: PLR0913 - options of a command
    model: Annotated[
        str | None, typer.Argument(help="Folder or hub name of a model. Default: the embedded xalign-mini.")
    ] = None,
    corpus: Annotated[
        str | None, typer.Argument(help="File, folder or dataset name. Default: the embedded xalign-100.")
    ] = None,
    languages: Languages = None,
    probes: Annotated[
        str, typer.Option(help="Comma-separated, or 'all'; the README lists them.")
    ] = "cka,anc,retrieval,neurons",
    pivot: Annotated[
        str, typer.Option(help="Compare every language with this one; 'none' for all pairs.")
    ] = "eng_Latn",
    layers: Annotated[str | None, typer.Option(help="Comma-separated; 0 is the embedding layer. Default: all.")] = None,
    pooling: Annotated[str, typer.Option(help="mean, cls, last or weighted.")] = "mean",
    transform: Annotated[
        str,
        typer.Option(help="none, centre, abtt, cluster, zca, orthogonal or linear; fitted on half the sentences."),
    ] = "none",
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
    with told_plainly():
        require_result_folder(out)
        require_model(model, revision=revision, code=trust_remote_code)
        from xalign import load_encoder
        from xalign.probing import load_text
        from xalign.probing import probe as run

        chosen, against = languages_of(languages), None if pivot.lower() == "none" else pivot
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
            probes=names_of(probes) or (),
            languages=chosen,
            layers=numbers_of(layers, "--layers"),
            pivot=against,
            pooling=pooling,
            transform=transform,
            n_permutations=n_permutations,
            n_resamples=n_resamples,
            seed=seed,
            cache=cache,
            progress=not quiet,
        )
        report.save(out)
    show(report, out, as_json)
