"""`xalign nested-subsets`: a pool in; out, for each language, subsets of growing size, each within the next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xalign.commands.common import Json, SkipBad, left_out, numbers_of, require_result_folder, told_plainly

if TYPE_CHECKING:
    from xalign.selecting import NestedSubsets


def nested_subsets(  # noqa: PLR0913 - options of a command
    pool: Annotated[
        list[str],
        typer.Argument(
            help="As for xalign select: JSON lines, Parquet, CSV, TSV, JSON lists or lines of text; files, folders, "
            "patterns; a folder of the datasets library; or xalign-100."
        ),
    ],
    out: Annotated[Path, typer.Option(help="A new or empty folder.")] = Path("xalign-subsets"),
    sizes: Annotated[str | None, typer.Option(help="Rows, with commas between. Default: doubling from 1000.")] = None,
    order_by: Annotated[
        str | None, typer.Option(help="A field with numbers, the largest first. Default: at random.")
    ] = None,
    language_field: Annotated[
        str | None,
        typer.Option(help="A field, @file (names of files) or none. Default: a field called so, else @file."),
    ] = None,
    seed: int = 0,
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Write nested subsets of growing size for each language, to see how much data a recipe needs."""
    with told_plainly():
        require_result_folder(out, marks=())
        asked = numbers_of(sizes, "--sizes")
        from xalign.selecting import write_nested_subsets

        result = write_nested_subsets(
            pool[0] if len(pool) == 1 else pool,
            out,
            sizes=asked,
            order_by=order_by,
            language_field=language_field,
            seed=seed,
            skip_bad=skip_bad,
        )
    typer.echo(_as_json(result) if as_json else _as_text(result, asked or ()))


def _as_text(result: NestedSubsets, asked: Sequence[int]) -> str:
    lines = [f"{name:<10} {', '.join(map(str, sizes))}" for name, sizes in result.sizes.items()]
    short = [name for name, sizes in result.sizes.items() if asked and max(asked) > sizes[-1]]
    if short:
        lines.append(
            f"note: {', '.join(short[:8])} {'have' if short[1:] else 'has'} fewer rows than the sizes asked for"
        )
    return "\n".join([*lines, *left_out(result.skipped), f"subsets: {result.folder}"])


def _as_json(result: NestedSubsets) -> str:
    return json.dumps(asdict(result) | {"folder": str(result.folder)}, ensure_ascii=False)
