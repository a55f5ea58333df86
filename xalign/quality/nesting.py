"""Nested subsets of growing size, for a curve of what a model learns from how much: the superficial-alignment study."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from xalign.corpora import resolve_language
from xalign.errors import UnknownNameError
from xalign.files import write_text
from xalign.quality.errors import QualityError
from xalign.quality.reading import language_of, list_files, read_objects
from xalign.selecting.places import save_folder

RECORD = "subsets.json"
"""Comes last and marks the folder whole."""
SMALLEST = 1000
FULL = "full"


@dataclass(frozen=True)
class NestedSubsets:
    """Subsets of which each begins with all rows of the smaller ones.

    Attributes:
        folder: Has `<language>/<size>.jsonl` and `<language>/full.jsonl`.
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


def write_nested_subsets(  # noqa: PLR0913 - the arguments are the public interface
    paths: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    sizes: Sequence[int] | None = None,
    order_by: str | None = None,
    language_field: str | None = None,
    seed: int = 0,
    skip_bad: bool = False,
) -> NestedSubsets:
    """Write subsets of 1000, 2000, 4000, ... rows and all rows, for each language, each a beginning of the next.

    Training the same recipe on each, once, gives a curve per language; as subsets are nested and one seed draws them
    all, two points differ only by the rows that were added.

    Args:
        paths: Files of JSON lines, or JSON lists of objects, or folders of these.
        out: A new or empty folder.
        sizes: Rows of the subsets, in any order; a language that has fewer has its full set only. None doubles from
            1000.
        order_by: A field with numbers, such as the score of a selection: the largest come first. None orders at random.
        language_field: Where rows name their language; None for "language" where a row has it, else the file's name
            does.
        seed: Of the order at random, which is also that of ties.
        skip_bad: Leave rows out that cannot be used, instead of refusing them.

    Returns:
        What was written.

    Raises:
        QualityError: If rows cannot be used, no row has the field named, a size is below 1, or `out` is not empty.
    """
    out = Path(out)
    if any(size < 1 for size in sizes or ()):
        raise QualityError(f"sizes must be at least 1, got {min(sizes or ())}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise QualityError(f"out must be a new or empty folder, got {out}; give another")
    rows, faults = _read_rows(paths, language_field, order_by)
    if faults and not skip_bad:
        raise QualityError(
            f"{len(faults)} rows cannot be used: {'; '.join(faults[:3])}; correct them, or pass skip_bad=True "
            "(--skip-bad)"
        )
    written = {name: nested_sizes(len(rows[name]), sizes) for name in sorted(rows)}
    result = NestedSubsets(out, written, order_by, seed, tuple(faults))
    save_folder(out, partial(_fill, result, rows))
    return result


def _fill(result: NestedSubsets, rows: Mapping[str, Sequence[tuple[float, str]]], folder: Path) -> None:
    """Write the subsets of every language, and the record last."""
    for name, sizes in result.sizes.items():
        _write_language(folder / name, rows[name], sizes, result.seed)
    facts = {name: value for name, value in asdict(result).items() if name != "folder"}
    write_text(folder / RECORD, json.dumps(facts, indent=2) + "\n")


def nested_sizes(n: int, sizes: Sequence[int] | None = None) -> tuple[int, ...]:
    """Return the sizes of a language with n rows: those asked for that are smaller, ascending, and n."""
    doubled = [SMALLEST << power for power in range(max(0, n // SMALLEST).bit_length())]
    return (*sorted({size for size in (doubled if sizes is None else sizes) if size < n}), n)


def _read_rows(
    paths: str | Path | Sequence[str | Path], language_field: str | None, order_by: str | None
) -> tuple[dict[str, list[tuple[float, str]]], list[str]]:
    """Rows by language, each with what it is ordered by; and those that cannot be used."""
    rows: dict[str, list[tuple[float, str]]] = defaultdict(list)
    faults: list[str] = []
    field, fields = language_field or "language", set[str]()
    for path in list_files([paths] if isinstance(paths, (str, Path)) else paths):
        own = language_of(path)
        for place, row in read_objects(path, faults):
            fields.update(row)
            try:
                language = resolve_language(row[field]).code if row.get(field) else own
                value = 0.0 if order_by is None else _number(row, order_by)
            except (KeyError, AttributeError, UnknownNameError) as error:
                faults.append(f"{path.name}, {place}: {error.args[0]}")
                continue
            rows[language or "all"].append((value, json.dumps(row, ensure_ascii=False)))
    if not rows and not faults:
        raise QualityError(f"no rows found in {paths}")
    if language_field is not None and field not in fields:
        raise QualityError(f"language_field must be a field of the rows, got {field!r}; they have {_shown(fields)}")
    if order_by is not None and order_by not in fields:
        raise QualityError(f"order_by must be a field of the rows, got {order_by!r}; they have {_shown(fields)}")
    return rows, faults


def _shown(fields: set[str]) -> str:
    return ", ".join(sorted(fields)[:10])


def _number(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise KeyError(f"{name!r} must be a finite number, got {value!r}")
    return float(value)


def _write_language(folder: Path, rows: Sequence[tuple[float, str]], sizes: Sequence[int], seed: int) -> None:
    drawn = np.random.default_rng(seed).permutation(len(rows))
    order = drawn[np.argsort([-rows[i][0] for i in drawn], kind="stable")]
    for size in sizes:
        name = FULL if size == len(rows) else str(size)
        write_text(folder / f"{name}.jsonl", "".join(rows[i][1] + "\n" for i in order[:size]))
