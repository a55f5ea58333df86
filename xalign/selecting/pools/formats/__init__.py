"""The formats a pool may have, in one table: a new one is a file here and a line below."""

from xalign.selecting.pools.formats.dataset_folders import DATASETS
from xalign.selecting.pools.formats.delimited_files import DELIMITED
from xalign.selecting.pools.formats.json_arrays import JSON_ARRAYS
from xalign.selecting.pools.formats.json_lines import JSON_LINES
from xalign.selecting.pools.formats.parquet_files import PARQUET
from xalign.selecting.pools.formats.parts import ADDED, Format, Piece, Record, Span
from xalign.selecting.pools.formats.plain_lines import PLAIN_LINES

FORMATS: tuple[Format, ...] = (JSON_LINES, PARQUET, DELIMITED, JSON_ARRAYS, PLAIN_LINES, DATASETS)

__all__ = ["ADDED", "DATASETS", "FORMATS", "Format", "Piece", "Record", "Span"]
