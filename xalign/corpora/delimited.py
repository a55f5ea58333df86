"""TSV and CSV become rows of cells, with the quotes read the way the file was written."""

import csv
import io
import logging
from collections.abc import Iterator
from pathlib import Path

from xalign.corpora.lines import first_line, read_text
from xalign.errors import CorpusError

logger = logging.getLogger(__name__)

DELIMITERS = {".tsv": "\t", ".csv": ","}

#: A row: the line it begins on, from 1, and its cells.
Row = tuple[int, list[str]]


def read_rows(path: Path) -> list[Row]:
    """Read a TSV or CSV file; every row has as many cells as the first.

    Quotes in a CSV are CSV quotes. Quotes in a TSV are CSV quotes if a CSV writer would have written this very file
    (pandas does: FLORES-200 as distributed with SIB-200), and otherwise characters like any other.

    Raises:
        CorpusError: If a row is blank or has too many or too few cells, quotes do not close, or it is not UTF-8.
    """
    delimiter = DELIMITERS[path.suffix.lower()]
    text = read_text(path)
    quoted = '"' in text and (delimiter == "," or _written_by_csv(text, delimiter))
    rows = list(_quoted_rows(path, text, delimiter) if quoted else _literal_rows(text, delimiter))
    for line, cells in rows:
        if len(cells) != len(rows[0][1]):
            raise CorpusError(_ragged(path, line, cells, rows[0][1]))
    return rows


def header_of(path: Path) -> tuple[str, ...]:
    """The cells of the first row, to recognise a file by."""
    line = first_line(path)
    return tuple(next(csv.reader([line], delimiter=DELIMITERS[path.suffix.lower()]), []))


def _literal_rows(text: str, delimiter: str) -> Iterator[Row]:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return ((number, line.split(delimiter) if line else []) for number, line in enumerate(lines, start=1))


def _quoted_rows(path: Path, text: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True)
    begin = 1
    try:
        for cells in reader:
            yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        raise CorpusError(
            f'{path}, line {begin}: cells with quotes must be written as in CSV ("a ""b"" c"), got {error}'
        ) from error


def _written_by_csv(text: str, delimiter: str) -> bool:
    """Whether a CSV writer that quotes only where it must, or everything, gives back this text."""
    if text.startswith('"'):
        return True
    out = io.StringIO(newline="\n")
    try:
        rows = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True)
        csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    except csv.Error:
        return False
    return out.getvalue().rstrip("\n") == text.rstrip("\n")


def _ragged(path: Path, line: int, cells: list[str], header: list[str]) -> str:
    if not cells:
        return f"{path}, line {line}: a row with {len(header)} cells was expected, got a blank line; remove it"
    shown = ", ".join(header[:6])
    return f"{path}, line {line}: a row must have the {len(header)} cells of the header ({shown}), got {len(cells)}"
