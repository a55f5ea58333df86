"""Files with columns (TSV, CSV, JSON lines, Parquet) become one kind of table."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xalign.corpora.delimited import header_of, read_rows
from xalign.corpora.lines import first_line, read_lines
from xalign.errors import CorpusError


@dataclass(frozen=True)
class Table:
    """Named columns of equal length.

    Attributes:
        file: Where the table is from, for messages.
        columns: The cells by column name.
        lines: The line of each row, from 1.
        split: The split that the whole table is, if its name says so.
    """

    file: str
    columns: Mapping[str, Sequence[object]]
    lines: Sequence[int]
    split: str | None = None

    def texts(self, column: str) -> list[str]:
        """The cells of a column, all of which must be text.

        Raises:
            CorpusError: If the column is missing or a cell is something else.
        """
        if column not in self.columns:
            raise CorpusError(f"{self.file}: column {column!r} was expected, got {', '.join(self.columns)}")
        cells = self.columns[column]
        for line, cell in zip(self.lines, cells, strict=True):
            if not isinstance(cell, str):
                raise CorpusError(f"{self.file}, line {line}: {column} must be text, got {cell!r}")
        return list(cells)  # type: ignore[arg-type]

    def words(self, names: Sequence[str]) -> list[str] | None:
        """The first of these columns that the table has, as strings; None if it has none of them."""
        name = next((name for name in names if name in self.columns), None)
        return None if name is None else [str(cell) for cell in self.columns[name]]


def read_table(path: Path, split: str | None = None) -> Table:
    """Read a table from a file with one of the endings in `TABLE_ENDINGS`.

    Raises:
        CorpusError: If it is malformed; the message names the line.
    """
    return _READERS[path.suffix.lower()](path, split)


def column_names(path: Path) -> tuple[str, ...]:
    """The names of the columns, from the first line alone; empty if it cannot be made out."""
    if path.suffix.lower() in (".tsv", ".csv"):
        return header_of(path)
    if path.suffix.lower() == ".parquet":
        return tuple(_read_parquet(path, None).columns)
    try:
        first = json.loads(first_line(path))
    except ValueError:
        return ()
    return tuple(first) if isinstance(first, dict) else ()


def _read_delimited(path: Path, split: str | None) -> Table:
    rows = read_rows(path)
    if not rows:
        raise CorpusError(f"{path}, line 1: a header was expected, got an empty file")
    header, body = rows[0][1], rows[1:]
    if len(set(header)) != len(header):
        raise CorpusError(f"{path}, line 1: column names must differ, got {', '.join(header)}")
    columns = {name: [cells[i] for _, cells in body] for i, name in enumerate(header)}
    return Table(str(path), columns, [line for line, _ in body], split)


def _read_json_lines(path: Path, split: str | None) -> Table:
    rows = [_json_object(path, line, text) for line, text in enumerate(read_lines(path), start=1)]
    if not rows:
        raise CorpusError(f"{path}, line 1: a JSON object was expected, got an empty file")
    names = list(rows[0])
    for line, row in enumerate(rows, start=1):
        if set(row) != set(names):
            raise CorpusError(_other_keys(path, line, row, names))
    columns = {name: [row[name] for row in rows] for name in names}
    return Table(str(path), columns, range(1, len(rows) + 1), split)


def _read_parquet(path: Path, split: str | None) -> Table:
    import pyarrow
    from pyarrow import parquet

    try:
        read = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise CorpusError(f"{path}: a Parquet file was expected, got {error}") from error
    return Table(str(path), read.to_pydict(), range(1, read.num_rows + 1), split)


def _json_object(path: Path, line: int, text: str) -> dict[str, object]:
    expected = f"{path}, line {line}: a JSON object was expected"
    try:
        row = json.loads(text)
    except ValueError as error:
        raise CorpusError(f"{expected}, got {error}" if text.strip() else f"{expected}, got a blank line") from error
    if not isinstance(row, dict):
        raise CorpusError(f"{expected}, got {type(row).__name__}")
    return row


def _other_keys(path: Path, line: int, row: dict[str, object], names: list[str]) -> str:
    missing = [name for name in names if name not in row]
    extra = [name for name in row if name not in names]
    came = [f"without {', '.join(missing)}"] if missing else []
    came += [f"with {', '.join(extra)} as well"] if extra else []
    return f"{path}, line {line}: the keys of line 1 were expected ({', '.join(names)}), got a row {' and '.join(came)}"


_READERS: dict[str, Callable[[Path, str | None], Table]] = {
    ".tsv": _read_delimited,
    ".csv": _read_delimited,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".parquet": _read_parquet,
}
TABLE_ENDINGS = tuple(_READERS)
