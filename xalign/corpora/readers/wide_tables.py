"""A TSV, CSV, JSON lines or Parquet table (or one for each split) with all languages in it, in any of the layouts."""

from xalign.corpora.layouts import found_in
from xalign.corpora.naming import split_of, split_order
from xalign.corpora.places import Place
from xalign.corpora.sources import Found
from xalign.corpora.tables import TABLE_ENDINGS, Table, read_table
from xalign.errors import CorpusError


def detects(place: Place) -> bool:
    """Whether all files are tables."""
    return place.all_end_in(*TABLE_ENDINGS)


def reads(place: Place) -> Found:
    """Find the languages in the tables, which must have the same columns."""
    tables = [
        read_table(path, split_of(path)) for path in sorted(place.files, key=lambda path: split_order(split_of(path)))
    ]
    for table in tables:
        check_columns(table, tables[0])
    return found_in(tables)


def check_columns(table: Table, first: Table) -> None:
    """Refuse a table that lacks a column of the first."""
    missing = [name for name in first.columns if name not in table.columns]
    if missing:
        raise CorpusError(
            f"{table.file}: columns {', '.join(missing)} of {first.file} were expected, got none of that name"
        )
