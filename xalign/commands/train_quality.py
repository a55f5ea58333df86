"""`xalign train-quality`: pairs of a better and a worse response in; out, a model that scores responses."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xalign.commands.common import (
    Json,
    Names,
    SkipBad,
    left_out,
    names_of,
    require_folder,
    require_model,
    require_result_folder,
    told_plainly,
)

if TYPE_CHECKING:
    from xalign.quality.pairs import PreferencePairs
    from xalign.quality.training import QualityTraining


def train_quality(  # noqa: PLR0913 - options of a command
    pairs: Annotated[
        list[Path], typer.Argument(help="JSON lines with instruction, better and worse; MIDB's files; or folders.")
    ],
    model: Annotated[str | None, typer.Option(help="Folder or hub name of an encoder. Default: xalign-mini.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the quality model.")] = Path("xalign-quality"),
    languages: Names = None,
    hold_out: Annotated[
        str | None, typer.Option(help="Languages that are not trained on, with commas between, to rank afterwards.")
    ] = None,
    hold_out_share: Annotated[
        float | None,
        typer.Option(
            help="Share of the instructions kept for ranking. Default: 0.3 with --hold-out, else 0.1 of pairs in all "
            "languages; 0 trains on all."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Train on at most so many pairs, drawn at random.")] = None,
    hold_out_limit: Annotated[int | None, typer.Option(help="Rank at most so many of the pairs held out.")] = None,
    margin: Annotated[float, typer.Option(help="Of the triplet loss, in the distance of the model's vectors.")] = 1.0,
    steps: Annotated[int, typer.Option(help="Updates of the weights.")] = 1000,
    batch_size: Annotated[int, typer.Option(help="Pairs of an update.")] = 16,
    learning_rate: Annotated[float, typer.Option(help="Its highest.")] = 5e-5,
    max_length: Annotated[
        int | None, typer.Option(help="Tokens read of a text. Default: what the model reads.")
    ] = None,
    save_every: Annotated[int, typer.Option(help="Steps between two checkpoints.")] = 200,
    seed: int = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    resume: Annotated[bool, typer.Option(help="Go on where a former run stopped.")] = True,
    skip_bad: SkipBad = False,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")] = False,
) -> None:
    """Train a model that puts good responses nearer to their instructions than bad ones, in any language."""
    with told_plainly():
        _require_place(out)
        require_model(model)
        from xalign.quality.reading import read_pairs
        from xalign.quality.settings import QualitySettings
        from xalign.quality.training import train_quality as run

        settings = QualitySettings(
            margin=margin,
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            max_length=max_length,
            save_every=save_every,
            seed=seed,
        )
        found = read_pairs(pairs, languages=names_of(languages), skip_bad=skip_bad)
        trained_on, ranked = _divide(found, names_of(hold_out), hold_out_share, seed)
        if limit is not None:
            trained_on = trained_on.sample(limit, seed=seed)
        if hold_out_limit is not None and ranked is not None:
            ranked = ranked.sample(hold_out_limit, seed=seed)
        result = run(
            trained_on,
            model,
            out=out,
            settings=settings,
            held_out=ranked,
            resume=resume,
            device=device,
            progress=not quiet,
        )
    typer.echo(_as_json(result, found) if as_json else _as_text(result, found))


def _require_place(out: Path) -> None:
    """Refuse a place that cannot be written, or that holds something else than a model, whole or under way."""
    from xalign.realigning.places import RECORD, work_folder

    if work_folder(out).is_dir():
        require_folder(out)
    else:
        require_result_folder(out, marks=(RECORD,))


def _divide(
    pairs: PreferencePairs, languages: list[str] | None, share: float | None, seed: int
) -> tuple[PreferencePairs, PreferencePairs | None]:
    """Keep languages from the training where some are named, else pairs of every language."""
    from xalign.corpora import resolve_language
    from xalign.quality.pairs import hold_out, hold_out_pairs

    if languages:
        codes = [resolve_language(name).code for name in languages]
        return hold_out(pairs, codes, share=0.3 if share is None else share)
    if share == 0:
        return pairs, None
    return hold_out_pairs(pairs, share=0.1 if share is None else share, seed=seed)


def _as_text(result: QualityTraining, pairs: PreferencePairs) -> str:
    n = sum(result.n_pairs.values())
    lines = [f"trained on {n} pairs in {len(result.n_pairs)} languages"]
    if result.losses:
        lines.append(f"loss: {result.losses[0]:.3f} at first, {result.losses[-1]:.3f} at last")
    lines += _rankings(result)
    lines += left_out(pairs.skipped)
    if pairs.n_equal:
        lines.append(f"note: {pairs.n_equal} pairs with two equal responses were left out")
    took = f"time: {result.seconds:.0f} s of training, {result.ranking_seconds:.0f} s of ranking"
    return "\n".join([*lines, took, f"model: {result.folder}"])


def _rankings(result: QualityTraining) -> list[str]:
    """How often held-out pairs are ranked rightly, by the model before and after, and by length."""
    before, after, change = result.before, result.after, result.change
    if before is None or after is None or change is None:
        return ["note: no pairs were held out, so that nothing says how well it ranks others"]
    n = len(after.by_language)
    where = {
        "languages": f"{after.n} pairs in {n} language{'s' * (n > 1)} not trained on",
        "pairs": f"{after.n} held-out pairs in {n} language{'s' * (n > 1)} trained on; give --hold-out for others",
    }
    lines = [
        "",
        f"ranks the better response above the worse in {where[result.held_out or 'pairs']}, 95 % over instructions:",
        _share("trained", after.accuracy, after.low, after.high),
        _share("starting model", before.accuracy, before.low, before.high),
        _share("length alone", after.length_accuracy, after.length_low, after.length_high),
        _difference("trained - starting", *change),
        _difference("trained - length", after.gain, after.gain_low, after.gain_high),
    ]
    if after.shorter_accuracy is not None:
        lines.append(f"{'where length errs':<20}{after.shorter_accuracy:>7.3f}  ({after.n_shorter} pairs)")
    return [*lines, ""]


def _share(name: str, value: float, low: float, high: float) -> str:
    return f"{name:<20}{value:>7.3f}  [{low:.3f}, {high:.3f}]"


def _difference(name: str, value: float, low: float, high: float) -> str:
    return f"{name:<20}{value:>+7.3f}  [{low:+.3f}, {high:+.3f}]"


def _as_json(result: QualityTraining, pairs: PreferencePairs) -> str:
    document: dict[str, Any] = asdict(result) | {
        "folder": str(result.folder),
        "held_out": result.held_out,
        "skipped": list(pairs.skipped),
        "n_equal": pairs.n_equal,
    }
    return json.dumps(document, ensure_ascii=False)
