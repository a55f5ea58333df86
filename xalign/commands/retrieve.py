"""`xalign retrieve`: a model and a retrieval benchmark in, a folder out; `xalign leaderboard` compares such folders."""

from pathlib import Path
from typing import Annotated

import typer

from xalign.commands.common import (
    Json,
    Languages,
    languages_of,
    require_folder,
    require_model,
    require_result_folder,
    told_plainly,
)


def retrieve(  # noqa: PLR0913 - options of a command
    model: Annotated[
        str | None, typer.Argument(help="Folder or hub name of a model. Default: the embedded xalign-mini.")
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="tatoeba, flores, nusax, xquad, xquad-pool, bucc; a file, folder or dataset name of parallel text; a "
            "folder in BUCC's format. Default: the embedded xalign-100."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with the texts of the named tasks. Default: $XALIGN_DATA, else ../shared/data."),
    ] = None,
    languages: Languages = None,
    layer: Annotated[
        str, typer.Option(help="A number; 'best', chosen on other sentences than those reported; or 'all'.")
    ] = "best",
    pooling: Annotated[
        str | None, typer.Option(help="mean, cls, last or weighted. Default: the model's own, else mean.")
    ] = None,
    score: Annotated[str | None, typer.Option(help="cosine, csls or margin. Default: cosine; margin for bucc.")] = None,
    k: Annotated[int | None, typer.Option("-k", "--neighbours", help="Of csls (10) and margin (4).")] = None,
    margin: Annotated[str, typer.Option(help="ratio, distance or absolute.")] = "ratio",
    transform: Annotated[
        str,
        typer.Option(
            help="none, centre, abtt, cluster, zca, orthogonal or linear, fitted on other sentences than those scored."
        ),
    ] = "none",
    prompt: Annotated[
        str | None,
        typer.Option(
            help="Put before each text: 'none', a name the model declares, or a text that ends with a colon or space; "
            "for questions and paragraphs two with a comma. Default: the model's own."
        ),
    ] = None,
    pivot: Annotated[
        str,
        typer.Option(help="Compare every language with this one; 'none' for all pairs. Default: English; xquad none."),
    ] = "auto",
    split: Annotated[
        str | None, typer.Option(help="Split to report, or 'all'. Default: test, where there is one.")
    ] = None,
    select: Annotated[
        str | None, typer.Option(help="Split that chooses the layer and fits the transform. Default: dev, or a half.")
    ] = None,
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
    cache: Annotated[bool, typer.Option(help="Keep activations on disk and use those that are there.")] = True,
    out: Annotated[Path, typer.Option(help="Folder for the tables, the pictures and the page.")] = Path(
        "xalign-retrieval"
    ),
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bars.")] = False,
) -> None:
    """Measure how well MODEL finds translations, or answers, across languages: accuracy, xsim, mAP, mining F1."""
    with told_plainly():
        require_result_folder(out)
        require_model(model, revision=revision, code=trust_remote_code)
        from xalign import load_encoder
        from xalign.benchmarking import benchmark
        from xalign.benchmarking.words import result_as_json, result_as_text

        result = benchmark(
            load_encoder(
                model,
                device=device,
                dtype=dtype,
                max_length=max_length,
                revision=revision,
                trust_remote_code=trust_remote_code,
            ),
            task,
            data=data,
            languages=languages_of(languages),
            layer=int(layer) if layer.isdigit() else layer,
            pooling=pooling,
            score=score,
            k=k,
            margin=margin,
            transform=transform,
            prompt=prompt,
            pivot=None if pivot.lower() == "none" else pivot,
            split=split,
            select=select,
            n_permutations=n_permutations,
            n_resamples=n_resamples,
            seed=seed,
            cache=cache,
            progress=not quiet,
        )
        result.save(out)
        typer.echo(result_as_json(result, out) if as_json else result_as_text(result, out))


def leaderboard(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders that `xalign retrieve` wrote; tasks and models may differ.")
    ],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("leaderboard.html"),
) -> None:
    """Compare saved retrieval runs in one self-contained page with sortable tables."""
    with told_plainly():
        from xalign.benchmarking import leaderboard as write

        require_folder(out.parent)
        typer.echo(f"leaderboard: {write(*runs, out=out)}")
