"""`xalign words`: a model and sentence pairs in, word links out; or, with gold links, how good they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xalign.commands.common import (
    Json,
    names_of,
    numbers_of,
    require_folder,
    require_model,
    require_result_folder,
    told_plainly,
)
from xalign.embedded import MODEL_NAME

if TYPE_CHECKING:
    from xalign.encoders import Encoder
    from xalign.word_alignment import GoldSet

METHODS_HELP = "argmax, itermax, mwmf, softmax, entmax, ot, partial_ot or unbalanced_ot; several for an evaluation."


def words(  # noqa: PLR0913 - options of a command
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL] [PAIRS]",
            help="Folder or hub name of a model (default: the embedded xalign-mini), then the file of sentence pairs: "
            "lines `source ||| target`, two columns with a tab, or JSONL with source and target; words between spaces.",
        ),
    ] = None,
    method: Annotated[str, typer.Option(help=METHODS_HELP)] = "itermax",
    layer: Annotated[
        str | None, typer.Option(help="A number; for an evaluation several, or 'all'. Default: 8 of 12, scaled.")
    ] = None,
    unit: Annotated[str, typer.Option(help="Compare sub-words (subword), or words as their means (word).")] = "subword",
    symmetrise: Annotated[
        str | None,
        typer.Option(
            help="With --method argmax: intersection, union, grow_diag, grow_diag_final, grow_diag_final_and."
        ),
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="A setting of the method, such as epsilon=0.05; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File for the links, words counted from 0 (default: print them); for an evaluation a folder."
        ),
    ] = None,
    confidence: Annotated[bool, typer.Option(help="Write i-j:confidence instead of i-j.")] = False,
    picture: Annotated[
        list[int] | None,
        typer.Option(help="Draw this pair, counted from 0, as a PNG beside --out (else here); repeatable."),
    ] = None,
    gold: Annotated[Path | None, typer.Option(help="Gold links of PAIRS: i-j sure, ipj possible; evaluates.")] = None,
    gold_base: Annotated[int, typer.Option(help="What gold files call the first word: 1 or 0.")] = 1,
    hypothesis: Annotated[
        list[Path] | None, typer.Option(help="With --gold: another system's links, to be scored too; repeatable.")
    ] = None,
    hypothesis_base: Annotated[int, typer.Option(help="What hypothesis files call the first word: 0 or 1.")] = 0,
    evaluate: Annotated[
        Path | None,
        typer.Option(help="A folder with NAME.src-tgt and NAME.gold, or a prefix such as FOLDER/enfr; evaluates."),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Sentence pairs at a time.")] = 64,
    windows: Annotated[bool, typer.Option(help="Read overlong sentences in windows; else cut them off.")] = True,
    backend: Annotated[str, typer.Option(help="xalign, or simalign to run that package.")] = "xalign",
    n_resamples: Annotated[int, typer.Option("--resamples", help="Resamples behind each interval.")] = 1000,
    seed: int = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16, float16.")] = "auto",
    max_length: Annotated[int | None, typer.Option(help="Tokens read at once. Default: the model's own limit.")] = None,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bars.")] = False,
) -> None:
    """Find which words of sentence pairs translate each other, or how well that is found. Words count from 0."""
    with told_plainly():
        model, pairs = _places(places or [], pairs_needed=evaluate is None)
        from xalign.errors import SettingError

        settings: dict[str, Any] = {"unit": unit, "symmetrisation": symmetrise, "windows": windows}
        settings |= {"batch_size": batch_size, "options": _options(option or []), "backend": backend}
        settings["progress"] = not quiet
        if backend == "simalign" and (confidence or not windows):
            raise SettingError(
                "backend simalign tells no confidence and always cuts overlong sentences; leave --confidence and "
                "--no-windows out"
            )
        sets = _gold_sets(pairs, gold, hypothesis or [], evaluate, bases=(gold_base, hypothesis_base))
        _check_places(out, evaluating=bool(sets), confidence=confidence)
        if not sets:
            _require_one(method)
        require_model(model)
        from xalign.commands import word_outputs
        from xalign.encoders import load_encoder

        encoder = load_encoder(model, device=device, dtype=dtype, max_length=max_length)
        drawn = picture or []
        if sets:
            judging: dict[str, Any] = {"methods": names_of(method) or [], "layers": _layers(layer, encoder)}
            judging |= {"n_resamples": n_resamples, "seed": seed}
            said = word_outputs.evaluation(
                encoder, sets, judging, settings, out=out or Path("xalign-words"), pictures=drawn,
                as_json=as_json,
            )  # fmt: skip
        else:
            settings |= {"method": method, "layer": _one_layer(layer)}
            said = word_outputs.alignment(
                encoder, str(pairs), settings, out=out, confidence=confidence, pictures=drawn, as_json=as_json
            )
    typer.echo(said, nl=not said.endswith("\n"))


def _places(places: list[str], *, pairs_needed: bool) -> tuple[str | None, str | None]:
    """Tell model and pairs apart: the pairs come last, and are needed unless gold sets bring them."""
    most = 2 if pairs_needed else 1
    if len(places) > most or len(places) < most - 1:
        wanted = "a file of sentence pairs, after a model or alone" if pairs_needed else "a model or nothing"
        raise typer.BadParameter(f"{wanted} was expected, got {' '.join(places) or 'nothing'}", param_hint="PAIRS")
    if not pairs_needed:
        return (places[0] if places else None), None
    if len(places) == 1 and (places[0] == MODEL_NAME or Path(places[0]).is_dir()):
        raise typer.BadParameter(
            f"PAIRS is missing: got only the model {places[0]}; name the file of sentence pairs after it",
            param_hint="PAIRS",
        )
    return (places[0] if len(places) == 2 else None), places[-1]


def _require_one(method: str) -> None:
    """Refuse several methods where links are written, which can be only one's."""
    from xalign.errors import SettingError

    if len(names_of(method) or []) > 1:
        raise SettingError(
            f"--method must be one, got {method}; several only with --gold or --evaluate, which compare them"
        )


def _options(texts: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE, numbers as numbers."""
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (name and sign and value):
            raise typer.BadParameter(f"must be NAME=VALUE, like epsilon=0.05; got {text!r}", param_hint="--option")
        try:
            found[name] = int(value) if value.lstrip("-").isdigit() else float(value)
        except ValueError:
            found[name] = value
    return found


def _layers(text: str | None, encoder: Encoder) -> list[int] | None:
    return list(range(encoder.n_layers + 1)) if text == "all" else numbers_of(text, "--layer")


def _one_layer(text: str | None) -> int | None:
    numbers = numbers_of(text, "--layer") if text != "all" else []
    if numbers is not None and len(numbers) != 1:
        raise typer.BadParameter(f"must be one number without gold links, got {text!r}", param_hint="--layer")
    return None if numbers is None else numbers[0]


def _gold_sets(
    pairs: str | None, gold: Path | None, hypotheses: list[Path], evaluate: Path | None, *, bases: tuple[int, int]
) -> list[GoldSet]:
    """Read what is to be evaluated; nothing where no gold is named. Bases are those of gold and hypotheses."""
    from xalign.errors import SettingError

    if evaluate is not None and gold is not None:
        raise SettingError("--evaluate brings its own gold links; leave --gold out, or name PAIRS and --gold alone")
    if hypotheses and gold is None:
        raise SettingError("--hypothesis needs --gold, the links to compare with; give PAIRS --gold FILE")
    if evaluate is None and gold is None:
        return []
    from xalign.word_alignment import read_gold_set, read_gold_sets

    if evaluate is not None:
        return read_gold_sets(evaluate, index_base=bases[0])
    gold_base, base = bases
    return [read_gold_set(str(pairs), gold, index_base=gold_base, hypotheses=hypotheses, hypothesis_base=base)]


def _check_places(out: Path | None, *, evaluating: bool, confidence: bool) -> None:
    """Refuse, before any work, a place where the result cannot stand."""
    from xalign.errors import SettingError

    if evaluating and confidence:
        raise SettingError("--confidence is for files of links; leave it out of an evaluation")
    if evaluating:
        require_result_folder(out or Path("xalign-words"))
    elif out is not None:
        require_folder(out.parent)
        if out.is_dir():
            raise SettingError(f"--out must be a file for the links, got the folder {out}")
