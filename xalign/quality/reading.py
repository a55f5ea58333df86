"""Pairs from files: MIDB's, by their own field names, and lines of instruction, better and worse."""

from __future__ import annotations

import json
import re
from collections import Counter
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
DPO_FIELDS = {"instruction": "prompt", "input": "input", "better": "chosen", "worse": "rejected"}
N_LISTED = 3
NAMED = re.compile(r'"language"\s*:\s*"([^"\\]+)"')
"""Where a line names its language, even if it is no JSON."""


@dataclass
class _Reading:
    """What has been read so far.

    Attributes:
        rows: Each pair's texts, language and place.
        faults: What cannot be used, in words.
        n_equal: Pairs whose responses are equal.
        n_unplaced: Lines whose language cannot be known, so that they may be missing from any language's places.
        places: Places used up in each language by files that are not named after one.
    """

    rows: list[tuple[str, str, str, str, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    n_equal: int = 0
    n_unplaced: int = 0
    places: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Entry:
    """A line of JSON lines, or an element of a list.

    Attributes:
        place: In words.
        row: The object that it is, if it is one.
        text: The line, where it is no JSON.
        fault: Why it is no object; empty for an object and for a blank line.
    """

    place: str
    row: Mapping[str, Any] | None = None
    text: str = ""
    fault: str = ""


def read_pairs(
    paths: str | Path | Sequence[str | Path], *, languages: Sequence[str] | None = None, skip_bad: bool = False
) -> PreferencePairs:
    """Read pairs of a better and a worse response.

    A `.jsonl` file has an object a line, with `instruction`, `better`, `worse` (or `prompt`, `chosen`, `rejected`, as
    for preference optimisation) and perhaps `input` and `language`; a
    `.json` file has a list of such objects or of MIDB's, whose revised response is the better and whose raw one is the
    worse. Where rows name no language, the file's name does (`German.json`, `swh_Latn.jsonl`), if it is one.

    A pair's position is its place among all rows of its language, used or not: in a file that is named after a
    language, counted from that file's beginning; in files that are not, counted through them one after the other, as
    if they were one. So parallel data has its translations at equal positions as a file for each language, and as one
    file with a language field, whether languages follow one another or alternate. A broken or blank line
    is a row that was lost: it takes a place of the language that its text still names, else of the only language of its
    file. In a file of several, it and a row without language may be missing from any of them: they are counted in
    `n_unplaced`, by which `hold_out` stays further from the test's places.

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
    rows = [row for row in reading.rows if wanted is None or row[3] in wanted]
    if not rows:
        raise QualityError(f"no pairs found in {paths}{'' if wanted is None else ' for these languages'}")
    instructions, better, worse, spoken, positions = zip(*rows, strict=True)
    return PreferencePairs(
        instructions,
        better,
        worse,
        spoken,
        positions,
        skipped=tuple(reading.faults),
        n_equal=reading.n_equal,
        n_unplaced=reading.n_unplaced,
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
    entries = list(_entries(path))
    places = Counter[str]() if own else reading.places
    languages = _languages(entries, own)
    is_mixed = len(set(languages)) > 1
    for entry, language in zip(entries, languages, strict=True):
        _read_entry(path, entry, language, places, reading)
        reading.n_unplaced += language is None or (is_mixed and language == "")
        if language is not None:
            places[language] += 1


def _read_entry(path: Path, entry: _Entry, language: str | None, places: Counter[str], reading: _Reading) -> None:
    """Keep the pair that an entry is, or say why it is none."""
    if entry.row is None:
        reading.faults += [f"{path.name}, {entry.place}: {entry.fault}"] * bool(entry.fault)
        return
    try:
        if language is None:
            resolve_language(entry.row["language"])  # raises: it is known to name no language
        pair = _pair(entry.row)
    except (KeyError, TypeError, UnknownNameError) as error:
        reading.faults.append(f"{path.name}, {entry.place}: {error.args[0]}")
        return
    if pair[1] == pair[2]:
        reading.n_equal += 1
    elif language is not None:
        reading.rows.append((*pair, language, places[language]))


def _languages(entries: Sequence[_Entry], own: str) -> list[str | None]:
    """The language of each entry, empty where its file and it name none; None where it cannot be known."""
    said = [_said(entry) for entry in entries]
    spoken = {own if name == "" else name for entry, name in zip(entries, said, strict=True) if entry.row is not None}
    spoken |= {name for name in said if name}
    only = next(iter(spoken)) if len(spoken) == 1 else None
    return [
        name if name != "" else (own if entry.row is not None else only)
        for entry, name in zip(entries, said, strict=True)
    ]


def _said(entry: _Entry) -> str | None:
    """The language that an entry names, empty if none, None if there is no such language or a line names several."""
    names = NAMED.findall(entry.text) if entry.row is None else [entry.row.get("language")]
    try:
        found = {resolve_language(name).code for name in names if isinstance(name, str)}
    except UnknownNameError:
        return None
    return None if len(found) > 1 else "".join(found)


def _entries(path: Path) -> Iterator[_Entry]:
    """Read every line or element of a file, also those that are no objects; blank lines at its end are none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        listed = None if path.suffix == ".jsonl" else json.loads(text)
    except ValueError as error:
        raise QualityError(f"{path} cannot be read: {error}; give UTF-8 JSON or JSON lines") from error
    if listed is None and path.suffix == ".jsonl":
        yield from (_line(f"line {i}", line) for i, line in enumerate(text.rstrip().split("\n"), start=1))
        return
    if not isinstance(listed, list):
        raise QualityError(f"{path} must hold a list of objects, got {type(listed).__name__}")
    yield from (_element(f"row {i}", element) for i, element in enumerate(listed, start=1))


def _line(place: str, text: str) -> _Entry:
    if not text.strip():
        return _Entry(place)
    try:
        return _element(place, json.loads(text))
    except ValueError as error:
        return _Entry(place, text=text, fault=f"broken JSON ({error})")


def _element(place: str, value: Any) -> _Entry:
    if isinstance(value, dict):
        return _Entry(place, value)
    return _Entry(place, fault=f"must be an object, got {type(value).__name__}")


def _pair(row: Mapping[str, Any]) -> tuple[str, str, str]:
    fields = next((known for known in (MIDB_FIELDS, DPO_FIELDS) if known["better"] in row), LINE_FIELDS)
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
