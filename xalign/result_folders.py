"""A result as a folder: tables as Parquet and CSV, pictures, and `run.json`, which comes last and marks it whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from xalign.errors import SettingError, XalignError
from xalign.files import write_text, write_whole

if TYPE_CHECKING:
    from xalign.figures import Picture

FACTS = "run.json"
UNFINISHED = ".unfinished"
"""Stands in a folder while a result is written, and after that broke off."""
HARMLESS = (".", "lost+found")
"""How names begin that a fresh volume, or a file that was being written, may leave in a folder."""


def require_own(folder: Path, *, marks: Sequence[str] = (FACTS, UNFINISHED)) -> None:
    """Refuse a folder with files of somebody else's, among which a result would be lost, or overwrite them.

    Args:
        folder: May be missing.
        marks: Files by which an earlier result is known, whole or broken off; it may be overwritten.

    Raises:
        SettingError: If the folder holds something, and no earlier result.
    """
    if not folder.is_dir() or any((folder / mark).is_file() for mark in marks):
        return
    if strange := sorted(path.name for path in folder.iterdir() if not path.name.startswith(HARMLESS)):
        earlier = ", or one with an earlier result" if marks else ""
        raise SettingError(
            f"out must be a new or empty folder{earlier}, got {folder}, which holds "
            f"{', '.join(strange[:3])}{', ...' if len(strange) > 3 else ''}; give another"
        )


@contextmanager
def filling(folder: Path, *, what: str, pictures: Sequence[str] = (), is_own: bool = False) -> Iterator[None]:
    """Take away what a former result left in a folder that is about to be filled; the caller writes the facts last.

    Args:
        folder: Made if it is not there.
        what: What is written, for the error: "report", "result".
        pictures: Patterns of pictures that a former result may have left.
        is_own: Whether the caller knows that the folder holds nobody else's files.

    Raises:
        SettingError: If the folder holds something, and no earlier result.
        XalignError: If the folder cannot be written or the disk is full.
    """
    try:
        if not is_own:
            require_own(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / UNFINISHED).touch()
        for stale in (folder / FACTS, *(path for pattern in pictures for path in folder.glob(pattern))):
            stale.unlink(missing_ok=True)
        yield
        (folder / UNFINISHED).unlink(missing_ok=True)
    except OSError as error:
        raise XalignError(
            f"cannot write the {what} to {folder}: {error.strerror or error}; free space there or name another folder. "
            "Activations that were cached are kept, so a second run is short"
        ) from error


def write_frames(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """Write each table twice: Parquet for programs, CSV for people."""
    for name, frame in frames.items():
        write_whole(folder / f"{name}.parquet", lambda file, frame=frame: frame.to_parquet(file, index=False))  # type: ignore[misc]
        write_text(folder / f"{name}.csv", frame.to_csv(index=False, lineterminator="\n"))


def write_pictures(folder: Path, pictures: Iterable[Picture]) -> None:
    """Write each picture as a PNG under its name."""
    for picture in pictures:
        write_whole(folder / f"{picture.name}.png", lambda file, png=picture.png: file.write(png))  # type: ignore[misc]


def write_facts(folder: Path, run: Mapping[str, Any], warnings: Sequence[str]) -> None:
    """Write how the result was made, which marks the folder whole."""
    facts = {"warnings": list(warnings)} | dict(run)
    write_text(folder / FACTS, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def read_folder(
    folder: Path, frames: Mapping[str, Sequence[str] | None], *, what: str
) -> tuple[dict[str, pd.DataFrame], dict[str, Any], tuple[str, ...]]:
    """Read tables, facts and warnings; no pickle is involved.

    Args:
        folder: What `filling` filled.
        frames: The tables by name, with the columns they must have; None for any.
        what: What is read, for errors.

    Raises:
        XalignError: If a file is missing, damaged or not such a result's.
    """
    missing = [name for name in (FACTS, *(f"{frame}.parquet" for frame in frames)) if not (folder / name).is_file()]
    if missing:
        raise XalignError(
            f"{folder} is not a saved {what}: it lacks {', '.join(missing)}; name a folder that save() wrote whole"
        )
    try:
        found = {name: pd.read_parquet(folder / f"{name}.parquet") for name in frames}
        run = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        warnings = tuple(run.pop("warnings"))
    except (ValueError, KeyError, AttributeError) as error:
        raise XalignError(f"{folder} is damaged: {type(error).__name__}: {error}; make the {what} again") from error
    for name, columns in frames.items():
        if columns is not None and list(found[name].columns) != list(columns):
            raise XalignError(
                f"{folder / name}.parquet must have the columns {list(columns)}, got {list(found[name].columns)}"
            )
    return found, run, warnings
