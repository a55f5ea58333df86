"""What every command shares: common options, lists in one string, errors told in one line."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from xalign.errors import XalignError

MODEL_ARGUMENT = "name_or_path"
N_LISTED = 5
"""Rows left out that are listed; all of them are in the JSON."""

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for machines.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out rows that cannot be used, and list them.")]
Names = Annotated[
    str | None, typer.Option(help="Comma-separated; every spelling langcodes knows (sw, swa, Swahili, swh_Latn).")
]
Languages = Annotated[
    str | None,
    typer.Option(
        help="Comma-separated, in every spelling langcodes knows (sw, swa, Swahili, swh_Latn); or @chosen.json, which "
        "`xalign languages` writes."
    ),
]


def require_folder(out: Path, *, option: str = "--out") -> None:
    """Refuse, before hours of work, a place where nothing can be written; `option` is what names it."""
    standing = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not standing.is_dir() or not os.access(standing, os.W_OK):
        raise XalignError(f"{option} must be a folder that can be written, got {out}; {standing} is not")


def require_result_folder(out: Path, *, marks: Sequence[str] | None = None) -> None:
    """Refuse, before any work, a place where no result can be written, or that holds files of somebody else's.

    Args:
        out: The folder.
        marks: Files by which an earlier result is known, where it is no ordinary one's; empty where none may be there.
    """
    from xalign.result_folders import require_own

    require_folder(out)
    if marks is None:
        require_own(out)
    else:
        require_own(out, marks=marks)


def require_model(model: str | None, *, revision: str | None = None, code: bool = False) -> None:
    """Refuse a model that is not there before torch is loaded, which takes longer than to look."""
    from xalign.encoders.sources import find_source

    find_source(model, revision=revision, code=code)


def languages_of(text: str | None) -> list[str] | None:
    """Read names of languages, with commas between or out of the file behind @; None stays None."""
    from xalign.language_lists import read_languages

    return None if text is None else read_languages(text)


def names_of(text: str | None) -> list[str] | None:
    """Split names at commas; None stays None."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def numbers_of(text: str | None, option: str) -> list[int] | None:
    """Split whole numbers at commas; `option` is what errors call them."""
    try:
        return None if text is None else [int(part) for part in names_of(text) or []]
    except ValueError:
        raise typer.BadParameter(
            f"must be whole numbers with commas between, like 0,3,6; got {text!r}", param_hint=option
        ) from None


def left_out(faults: Sequence[str]) -> list[str]:
    """The first rows that were left out, and how many more."""
    lines = [f"note: left out {fault}" for fault in faults[:N_LISTED]]
    return lines + [f"note: left out {len(faults) - N_LISTED} more, all named with --json"] * (len(faults) > N_LISTED)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Show an error of ours, or of the machine's, as one line and exit with 1; a bug keeps its traceback.

    What functions call `name_or_path` commands call MODEL.
    """
    try:
        yield
    except (XalignError, OSError) as error:
        text = str(error)
        told = text.replace(MODEL_ARGUMENT, "MODEL", 1) if text.startswith(MODEL_ARGUMENT) else text
        typer.echo(f"error: {told}", err=True)
        sys.exit(1)
