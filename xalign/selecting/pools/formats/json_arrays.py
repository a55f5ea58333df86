"""A JSON file that is one list of objects; it is read whole, so that large pools should be JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from xalign.corpora.lines import read_text
from xalign.errors import CorpusError
from xalign.selecting.pools.formats.parts import Format, Piece, Record, Span, cut_rows


@lru_cache(maxsize=2)
def _load(path: Path, stamp: tuple[int, int]) -> list[Any]:
    try:
        rows = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise CorpusError(f"{path}, line {error.lineno}: JSON was expected, got {error.msg}") from error
    except RecursionError as error:
        raise CorpusError(f"{path}: a list of objects was expected, got lists in lists too deep to read") from error
    if not isinstance(rows, list):
        raise CorpusError(
            f"{path}: a list of objects was expected, got {type(rows).__name__}; name a file of JSON lines .jsonl"
        )
    return rows


def _rows(path: Path) -> list[Any]:
    status = path.stat()
    return _load(path, (status.st_size, status.st_mtime_ns))


def cut(path: Path, rows: int) -> Iterator[Span]:
    """Cut the list into spans."""
    return cut_rows(len(_rows(path)), rows)


def read(path: Path, span: Span, columns: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield the objects of a span."""
    for number, fields in enumerate(_rows(path)[span.start : span.stop], start=span.line):
        if isinstance(fields, dict):
            yield Record(number, fields)
        else:
            yield Record(number, {}, f"a JSON object was expected, got {type(fields).__name__}")


def write(path: Path, pieces: Sequence[Piece]) -> None:
    """Write the chosen objects as one list, an object a line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        between = "\n"
        for piece in pieces:
            rows = _rows(piece.path)[piece.span.start : piece.span.stop]
            for index, place in enumerate(piece.places):
                file.write(between + json.dumps({**rows[place], **piece.row(index)}, ensure_ascii=False))
                between = ",\n"
        file.write("\n]\n")


JSON_ARRAYS = Format("JSON lists", (".json",), "row", cut, read, write)
