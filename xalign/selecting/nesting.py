"""Nested subsets of growing size, for a curve of what a model learns from how much: the superficial-alignment study."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from xalign.errors import CorpusError, SettingError
from xalign.files import write_text
from xalign.selecting.phases.mapping import Asked, first_records, require_fields
from xalign.selecting.pools.faults import Fault, require_none
from xalign.selecting.pools.fields import guess_language_field, look_up
from xalign.selecting.pools.formats import Piece, Record, Span
from xalign.selecting.pools.places import PoolFiles, Source, find_pool, save_folder
from xalign.selecting.pools.reading import language_in, language_of_name
from xalign.selecting.pools.sidecars import default_folder
from xalign.selecting.results.writing import Subset, require_empty
from xalign.selecting.settings import DETECT, FILE, NONE, SHARD_ROWS

RECORD = "subsets.json"
"""Comes last and marks the folder whole."""
SMALLEST = 1000
FULL, ALL = "full", "all"
"""The name of a language's whole, and the folder of rows of no language."""


@dataclass(frozen=True)
class NestedSubsets:
    """Subsets of which each has all rows of the smaller ones.

    Attributes:
        folder: Has `<language>/<size>` and `<language>/full`, in the pool's own format and order.
        sizes: Rows of each subset, by language and ascending; the last is all of it.
        order_by: The field that rows were ordered by, the largest first; None for at random.
        seed: Of the order, or of ties.
        skipped: Rows that were left out, with file, place and reason.
    """

    folder: Path
    sizes: Mapping[str, tuple[int, ...]]
    order_by: str | None
    seed: int
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Place:
    """Where a row stands, and what it is ordered by.

    Attributes:
        path: Its file.
        span: A part of that.
        place: Its number in this part.
        value: The largest come first.
    """

    path: Path
    span: Span
    place: int
    value: float


def write_nested_subsets(  # noqa: PLR0913 - the arguments are the public interface
    pool: Source,
    out: str | Path,
    *,
    sizes: Sequence[int] | None = None,
    order_by: str | None = None,
    language_field: str | None = None,
    seed: int = 0,
    skip_bad: bool = False,
) -> NestedSubsets:
    """Write subsets of 1000, 2000, 4000, ... rows and all rows, for each language, each within the next.

    Training the same recipe on each, once, gives a curve per language; as subsets are nested and one seed draws them
    all, two points differ only by the rows that were added. Rows stand in the pool's order: shuffle them in training.

    Args:
        pool: As `select_data` takes it: files of any of its formats, folders, patterns, a dataset.
        out: A new or empty folder.
        sizes: Rows of the subsets, in any order; a language that has fewer has its full set only. None doubles from
            1000.
        order_by: A field with numbers, such as the score of a selection: the largest come first. None orders at random.
        language_field: Where rows name their language, "@file" or "none"; None for a field called so, else the names
            of the files.
        seed: Of the order at random, which is also that of ties.
        skip_bad: Leave rows out that cannot be used, instead of refusing them.

    Returns:
        What was written.

    Raises:
        CorpusError: If a file cannot be read, or rows cannot be used.
        SettingError: If no row has a field named, a size is below 1, or `out` is not empty.
    """
    out = Path(out)
    if any(size < 1 for size in sizes or ()):
        raise SettingError(f"sizes must be at least 1, got {min(sizes or ())}")
    require_empty(out)
    files = find_pool(pool, spool=default_folder() / "datasets")
    rows, faults = _read_rows(files, _language_source(files, language_field, order_by), order_by)
    n = len(faults) + sum(map(len, rows.values()))
    if not skip_bad or not rows:
        require_none(faults, "pool", n=n)
    if not rows:
        raise CorpusError(f"{files.name}: rows were expected, got none")
    written = {name: nested_sizes(len(rows[name]), sizes) for name in sorted(rows)}
    result = NestedSubsets(out, written, order_by, seed, tuple(map(str, faults)))
    save_folder(out, partial(_fill, result, files, rows))
    return result


def nested_sizes(n: int, sizes: Sequence[int] | None = None) -> tuple[int, ...]:
    """Return the sizes of a language with n rows: those asked for that are smaller, ascending, and n."""
    doubled = [SMALLEST << power for power in range(max(0, n // SMALLEST).bit_length())]
    return (*sorted({size for size in (doubled if sizes is None else sizes) if size < n}), n)


def _language_source(files: PoolFiles, field: str | None, order_by: str | None) -> str:
    """Where rows name their language; refuses, before all are read, fields that none of the first has."""
    if field == DETECT:
        raise SettingError(
            f"language_field must be a field, {FILE} or {NONE}, got {DETECT!r}; what xalign select chooses with it, be "
            "it all rows, has the field xalign_language"
        )
    require_fields(files, Asked(language_field=field, others={"order_by": order_by} if order_by else {}))
    _, record = next(first_records(files))
    return field or guess_language_field(record.fields) or FILE


def _read_rows(
    files: PoolFiles, language_field: str, order_by: str | None
) -> tuple[dict[str, list[_Place]], list[Fault]]:
    """The places of rows by language; and the rows that cannot be used."""
    rows: dict[str, list[_Place]] = {}
    faults: list[Fault] = []
    for path, span, place, record in _records(files, [name for name in (language_field, order_by) if name]):
        try:
            language = _language(path, record, language_field)
            value = 0.0 if order_by is None else _number(record.fields, order_by)
        except SettingError as error:
            faults.append(Fault(str(path), files.format.unit, record.line, str(error)))
            continue
        rows.setdefault(language, []).append(_Place(path, span, place, value))
    return rows, faults


def _records(files: PoolFiles, fields: Sequence[str]) -> Iterator[tuple[Path, Span, int, Record]]:
    """Every record with its place; of tables only the columns of some fields are read."""
    columns = [name.split(".")[0] for name in fields]
    for path in files.paths:
        for span in files.format.cut(path, SHARD_ROWS):
            for place, record in enumerate(files.format.read(path, span, columns)):
                yield path, span, place, record


def _language(path: Path, record: Record, field: str) -> str:
    """The language of a row, which names a folder."""
    if record.fault:
        raise SettingError(record.fault)
    if field in (FILE, NONE):
        return (language_of_name(path.name) if field == FILE else None) or ALL
    name = language_in(record.fields, field)
    if name.startswith(".") or Path(name).name != name:
        raise SettingError(f"a language that can name a folder was expected in {field!r}, got {name!r}")
    return name


def _number(fields: Mapping[str, Any], name: str) -> float:
    value = look_up(fields, name)
    try:
        found = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = float("nan")
    if not isfinite(found):
        raise SettingError(f"a number was expected in {name!r}, got {value!r}")
    return found


def _fill(result: NestedSubsets, files: PoolFiles, rows: Mapping[str, Sequence[_Place]], folder: Path) -> None:
    """Write the subsets of every language, and the record last."""
    suffix = files.format.suffix_of(files.paths[0])
    for name, sizes in result.sizes.items():
        (folder / name).mkdir()
        places, order = rows[name], _ordered(rows[name], result.seed)
        for size in sizes:
            taken = [places[row] for row in sorted(order[:size])]
            stem = FULL if size == len(places) else str(size)
            Subset(files.format_name, suffix, _pieces(taken), stem).write(folder / name)
    facts = {name: value for name, value in asdict(result).items() if name != "folder"}
    write_text(folder / RECORD, json.dumps(facts, indent=2) + "\n")


def _ordered(places: Sequence[_Place], seed: int) -> list[int]:
    """Rows by value, the largest first, ties and all others in the order that the seed draws."""
    drawn = np.random.default_rng(seed).permutation(len(places))
    values = np.array([place.value for place in places])
    return drawn[np.argsort(-values[drawn], kind="stable")].tolist()


def _pieces(places: Sequence[_Place]) -> tuple[Piece, ...]:
    """What is copied of each span, as it stands."""
    return tuple(
        Piece(path, span, tuple(one.place for one in same))
        for (path, span), same in groupby(places, key=lambda one: (one.path, one.span))
    )
