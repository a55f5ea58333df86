"""CSV and TSV with a header, read by ranges of bytes that begin where a record does."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from xalign.corpora.delimited import DELIMITERS
from xalign.errors import CorpusError
from xalign.selecting.pools.formats.json_lines import BOM
from xalign.selecting.pools.formats.parts import Format, Piece, Record, Span

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


class _Counted:
    """Lines of a part of a file, which knows how many bytes and lines it has given."""

    def __init__(self, path: Path, start: int, stop: int | None, line: int) -> None:
        self._path, self._file = path, path.open("rb")
        self._file.seek(start)
        self.here, self.stop, self.line = start, stop, line

    def __iter__(self) -> Iterator[str]:
        with self._file as file:
            while self.stop is None or self.here < self.stop:
                raw = file.readline()
                if not raw:
                    return
                text = raw.removeprefix(BOM) if self.here == 0 else raw
                self.here, self.line = self.here + len(raw), self.line + 1
                yield self._decode(text)

    def _decode(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CorpusError(
                f"{self._path}, line {self.line - 1}: text must be UTF-8, got byte 0x{raw[error.start]:02x}"
            ) from error


def cut(path: Path, rows: int) -> Iterator[Span]:
    """Cut a file into spans of at most `rows` records below the header; a quoted cell may hold line ends."""
    lines = _Counted(path, 0, None, 1)
    records = _cells(path, lines)
    next(records, None)
    start, first, count = lines.here, lines.line, 0
    for _ in records:
        count += 1
        if count == rows:
            yield Span(start, lines.here, first)
            start, first, count = lines.here, lines.line, 0
    if count:
        yield Span(start, lines.here, first)


def read(path: Path, span: Span, columns: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield the records of a span; a row with too many or too few cells has a fault."""
    names = header(path)
    lines = _Counted(path, span.start, span.stop, span.line)
    first = span.line
    for cells in _cells(path, lines):
        if cells:
            yield _record(first, names, cells)
        first = lines.line


def header(path: Path) -> list[str]:
    """Read the names of the columns.

    Raises:
        CorpusError: If there are none, or one stands twice.
    """
    names = next(_cells(path, _Counted(path, 0, None, 1)), [])
    if not names or len(set(names)) < len(names):
        raise CorpusError(f"{path}, line 1: a header of different column names was expected, got {names}")
    return names


def write(path: Path, pieces: Sequence[Piece]) -> None:
    """Write the chosen rows under one header; files with other columns are refused."""
    names = header(pieces[0].path)
    added = list(pieces[0].added)
    kept = [name for name in names if name not in added]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=_delimiter(path), lineterminator="\n")
        writer.writerow([*kept, *added])
        for piece in pieces:
            check_header(piece.path, names, pieces[0].path)
            wanted = {place: index for index, place in enumerate(piece.places)}
            for place, record in enumerate(read(piece.path, piece.span)):
                if place in wanted:
                    row = piece.row(wanted[place])
                    writer.writerow([*(record.fields[name] for name in kept), *(row[name] for name in added)])


def check_header(path: Path, names: Sequence[str], first: Path) -> None:
    """Refuse a file whose columns are not those of the first."""
    found = header(path)
    if sorted(found) != sorted(names):
        raise CorpusError(
            f"{path}, line 1: the columns of {first.name} were expected ({', '.join(names)}), got {', '.join(found)}; "
            "files of one pool must have the same columns"
        )


def _record(line: int, names: Sequence[str], cells: Sequence[str]) -> Record:
    if len(cells) != len(names):
        return Record(line, {}, f"a row must have the {len(names)} cells of the header, got {len(cells)}")
    return Record(line, dict(zip(names, cells, strict=True)))


def _cells(path: Path, lines: _Counted) -> Iterator[list[str]]:
    """The cells of each record; what the reader takes of `lines` ends where a record does."""
    try:
        yield from csv.reader(iter(lines), delimiter=_delimiter(path), strict=True)
    except csv.Error as error:
        raise CorpusError(
            f'{path}, line {lines.line - 1}: cells with quotes must be written as in CSV ("a ""b"" c"), got {error}'
        ) from error


def _delimiter(path: Path) -> str:
    return DELIMITERS[path.suffix.lower()]


DELIMITED = Format("CSV or TSV", (".csv", ".tsv"), "line", cut, read, write)
