"""JSON lines: a row a line, read by ranges of bytes; chosen lines are copied byte for byte with fields added."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from xalign.errors import CorpusError
from xalign.selecting.pools.formats.parts import Format, Piece, Record, Span

BOM = b"\xef\xbb\xbf"


def cut_lines(path: Path, rows: int) -> Iterator[Span]:
    """Cut a file of lines into spans of at most `rows` lines; a compressed file, which has no middle, into one."""
    if path.suffix == ".gz":
        yield Span(0, path.stat().st_size, 1)
        return
    start, here, line, first = 0, 0, 0, 1
    with path.open("rb") as file:
        for raw in file:
            here, line = here + len(raw), line + 1
            if line - first + 1 == rows:
                yield Span(start, here, first)
                start, first = here, line + 1
    if here > start:
        yield Span(start, here, first)


def raw_lines(path: Path, span: Span) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a span that are not blank, with their numbers."""
    with _open(path) as file, readable(path):
        left = None if path.suffix == ".gz" else span.stop - span.start
        if left is not None:
            file.seek(span.start)
        for number, raw in enumerate(file, start=span.line):
            if left is not None and left <= 0:
                return
            left = None if left is None else left - len(raw)
            text = raw.removeprefix(BOM) if number == 1 else raw
            if text.strip():
                yield number, text


def read(path: Path, span: Span, columns: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield the records of a span; a line that is no JSON object has a fault instead of fields."""
    for number, raw in raw_lines(path, span):
        yield _record(number, raw)


def _record(number: int, raw: bytes) -> Record:
    try:
        fields = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Record(number, {}, f"text must be UTF-8, got byte 0x{raw[error.start]:02x}")
    except json.JSONDecodeError as error:
        return Record(number, {}, f"a JSON object was expected, got broken JSON: {error.msg} (column {error.colno})")
    except (ValueError, RecursionError) as error:
        return Record(number, {}, f"a JSON object was expected, got broken JSON: {error}")
    if not isinstance(fields, dict):
        return Record(number, {}, f"a JSON object was expected, got {type(fields).__name__}")
    return Record(number, fields)


def write(path: Path, pieces: Sequence[Piece]) -> None:
    """Copy the chosen lines; what each gains stands before its closing brace."""
    write_lines(path, pieces, _with_fields)


def write_lines(path: Path, pieces: Sequence[Piece], change: Callable[[bytes, dict[str, Any]], bytes]) -> None:
    """Copy the chosen lines of each span, each changed by what it gains."""
    with path.open("wb") as file:
        for piece in pieces:
            wanted = {place: index for index, place in enumerate(piece.places)}
            for place, (_, raw) in enumerate(raw_lines(piece.path, piece.span)):
                if place in wanted:
                    file.write(change(raw, piece.row(wanted[place])))


def _with_fields(raw: bytes, added: dict[str, Any]) -> bytes:
    """Add fields, if any, without touching a byte of the others, unless one of that name is there."""
    if not added:
        return raw.rstrip() + b"\n"
    fields = json.loads(raw)
    if any(name in fields for name in added):
        return json.dumps({**fields, **added}, ensure_ascii=False).encode() + b"\n"
    body = raw.rstrip().removesuffix(b"}").rstrip()
    comma = b", " if fields else b""
    return body + comma + json.dumps(added, ensure_ascii=False).encode()[1:] + b"\n"


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Tell which file it is whose compressed bytes are damaged or end too early."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CorpusError(f"{path}: a whole gzip file was expected, got {error}; fetch or compress it again") from error


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


JSON_LINES = Format("JSON lines", (".jsonl", ".ndjson", ".jsonl.gz"), "line", cut_lines, read, write)
