"""Parquet, read by ranges of rows; of a row group only the columns that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xalign.errors import CorpusError
from xalign.selecting.pools.formats.parts import Format, Piece, Record, Span, cut_rows, unreadable

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BATCH = 4096


def cut(path: Path, rows: int) -> Iterator[Span]:
    """Cut a file into spans of at most `rows` rows."""
    return cut_rows(_open(path).metadata.num_rows, rows)


def read(path: Path, span: Span, columns: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield the rows of a span."""
    number = span.line
    for batch in _batches(path, span, columns):
        for fields in batch.to_pylist():
            yield Record(number, fields)
            number += 1


def write(path: Path, pieces: Sequence[Piece]) -> None:
    """Write the chosen rows with the first file's columns and types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = _open(pieces[0].path).schema_arrow
    kept = pa.schema([field for field in first if field.name not in pieces[0].added])
    writer: Any = None
    try:
        for piece in pieces:
            check_schema(piece.path, first, pieces[0].path)
            table = pa.Table.from_batches(_batches(piece.path, piece.span, kept.names), schema=kept)
            taken = table.take(list(piece.places))
            for name, values in piece.added.items():
                taken = taken.append_column(name, pa.array(values))
            writer = writer or pq.ParquetWriter(path, taken.schema)
            writer.write_table(taken)
    finally:
        if writer is not None:
            writer.close()


def check_schema(path: Path, expected: pa.Schema, first: Path) -> None:
    """Refuse a file whose columns or types are not those of the first."""
    found = _open(path).schema_arrow
    if found.names != expected.names or found.types != expected.types:
        differing = sorted(
            {str(f) for f in found}.symmetric_difference(str(f) for f in expected),
            key=lambda text: text.removeprefix("pyarrow.Field<"),
        )
        raise CorpusError(
            f"{path}: the columns of {first.name} were expected, but these differ: {', '.join(differing)}; files of "
            "one pool must have the same columns"
        )


def _batches(path: Path, span: Span, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    """The rows of a span from the row groups that hold them."""
    file = _open(path)
    known = file.schema_arrow.names
    names = None if columns is None else [name for name in known if name in columns]
    start = 0
    for group in range(file.num_row_groups):
        n = file.metadata.row_group(group).num_rows
        low, high = max(span.start, start), min(span.stop, start + n)
        if low < high:
            yield from _of_group(path, file, group, names, (low - start, high - start))
        start += n


def _of_group(
    path: Path, file: pq.ParquetFile, group: int, names: list[str] | None, rows: tuple[int, int]
) -> Iterator[pa.RecordBatch]:
    here = 0
    for batch in _readable(path, file.iter_batches(BATCH, row_groups=[group], columns=names)):
        low, high = max(rows[0] - here, 0), min(rows[1] - here, batch.num_rows)
        if low < high:
            yield batch.slice(low, high - low)
        here += batch.num_rows
        if here >= rows[1]:
            return


def _readable(path: Path, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Tell which file it is whose pages are damaged."""
    import pyarrow as pa

    try:
        yield from batches
    except (OSError, pa.ArrowInvalid) as error:
        raise unreadable(path, "Parquet", error) from error


def _open(path: Path) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise unreadable(path, "Parquet", error) from error


PARQUET = Format("Parquet", (".parquet",), "row", cut, read, write)
