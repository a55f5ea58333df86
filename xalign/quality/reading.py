"""Pairs from files: MIDB's, by their own field names, and lines of instruction, better and worse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xalign.corpora import resolve_language
from xalign.errors import UnknownNameError
from xalign.quality.errors import QualityError
from xalign.quality.pairs import PreferencePairs

MIDB_FIELDS = {
    "instruction": "Revised Instruction",
    "input": "Revised Input",
    "better": "Revised Response",
    "worse": "Raw Response",
}
LINE_FIELDS = {"instruction": "instruction", "input": "input", "better": "better", "worse": "worse"}
N_LISTED = 3


@dataclass
class _Reading:
    """What has been read so far."""

    rows: list[tuple[str, str, str, str, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    n_equal: int = 0


def read_pairs(
    paths: str | Path | Sequence[str | Path], *, languages: Sequence[str] | None = None, skip_bad: bool = False
) -> PreferencePairs:
    """Read pairs of a better and a worse response.

    A `.jsonl` file has an object a line, with `instruction`, `better`, `worse` and perhaps `input` and `language`; a
    `.json` file has a list of such objects or of MIDB's, whose revised response is the better and whose raw one is the
    worse. Where rows name no language, the file's name does (`German.json`, `swh_Latn.jsonl`), if it is one.

    Args:
        paths: Files, or folders of such files.
        languages: Which languages, in any spelling; None for all.
        skip_bad: Leave rows out that cannot be used, and list them in `skipped`, instead of refusing the file.

    Returns:
        The pairs; those whose two responses are equal are counted and left out.

    Raises:
        QualityError: If a file or, without `skip_bad`, a row cannot be used; the message names file and row.
        UnknownNameError: If a language does not exist.
    """
    wanted = None if languages is None else {resolve_language(name).code for name in languages}
    reading = _Reading()
    for path in list_files([paths] if isinstance(paths, (str, Path)) else paths):
        _read_file(path, wanted, reading)
    if reading.faults and not skip_bad:
        listed = "; ".join(reading.faults[:N_LISTED])
        raise QualityError(
            f"{len(reading.faults)} rows cannot be used: {listed}; correct them, or pass skip_bad=True (--skip-bad)"
        )
    if not reading.rows:
        raise QualityError(f"no pairs found in {paths}{'' if wanted is None else ' for these languages'}")
    instructions, better, worse, spoken, positions = zip(*reading.rows, strict=True)
    return PreferencePairs(
        instructions, better, worse, spoken, positions, skipped=tuple(reading.faults), n_equal=reading.n_equal
    )


def list_files(paths: Sequence[str | Path]) -> list[Path]:
    """List files, and the .json and .jsonl files of folders by name.

    Raises:
        QualityError: If one does not exist, or a folder has none.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        inside = sorted(file for file in path.glob("*") if file.suffix in (".json", ".jsonl")) if path.is_dir() else []
        if path.is_dir() and not inside:
            raise QualityError(f"{path} must hold .json or .jsonl files of pairs, got none")
        if not path.exists():
            raise QualityError(f"pairs must be a file or a folder, got {path}, which does not exist")
        found += inside or [path]
    return found


def _read_file(path: Path, wanted: set[str] | None, reading: _Reading) -> None:
    own = language_of(path)
    if wanted is not None and own and own not in wanted:
        return
    for position, (place, row) in enumerate(read_objects(path, reading.faults)):
        try:
            language = resolve_language(row["language"]).code if isinstance(row.get("language"), str) else own
            pair = _pair(row)
        except (KeyError, TypeError, UnknownNameError) as error:
            reading.faults.append(f"{path.name}, {place}: {error.args[0]}")
            continue
        if pair[1] == pair[2]:
            reading.n_equal += 1
        elif wanted is None or language in wanted:
            reading.rows.append((*pair, language, position))


def read_objects(path: Path, faults: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Read every object of a file, with its place in words.

    Args:
        path: `.jsonl` with an object a line; any other is JSON with a list of objects.
        faults: Gets a line for each entry that is no object.

    Raises:
        QualityError: If the file is no JSON.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        listed = None if path.suffix == ".jsonl" else json.loads(text)
    except ValueError as error:
        raise QualityError(f"{path} cannot be read: {error}; give UTF-8 JSON or JSON lines") from error
    if listed is not None and not isinstance(listed, list):
        raise QualityError(f"{path} must hold a list of objects, got {type(listed).__name__}")
    entries = enumerate(text.split("\n") if listed is None else listed, start=1)
    for number, entry in entries:
        place = f"line {number}" if listed is None else f"row {number}"
        if listed is None and not entry.strip():
            continue
        try:
            row = json.loads(entry) if listed is None else entry
        except ValueError as error:
            faults.append(f"{path.name}, {place}: broken JSON ({error})")
            continue
        if isinstance(row, dict):
            yield place, row
        else:
            faults.append(f"{path.name}, {place}: must be an object, got {type(row).__name__}")


def _pair(row: Mapping[str, Any]) -> tuple[str, str, str]:
    fields = MIDB_FIELDS if MIDB_FIELDS["better"] in row else LINE_FIELDS
    instruction, better, worse = (_text(row, fields[name]) for name in ("instruction", "better", "worse"))
    added = row.get(fields["input"]) or ""
    return (f"{instruction}\n{added}" if added else instruction), better, worse


def _text(row: Mapping[str, Any], name: str) -> str:
    if not isinstance(row.get(name), str) or not row[name].strip():
        state = "is missing" if name not in row else "must be text that is not blank"
        raise KeyError(f"{name!r} {state}")
    return row[name]


def language_of(path: Path) -> str:
    """Return the language that a file is named after, or nothing."""
    try:
        return resolve_language(path.stem).code
    except UnknownNameError:
        return ""
