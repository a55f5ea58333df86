"""Formats of parallel text, each a module that detects and reads; the first that detects reads."""

from collections.abc import Callable

from xalign.corpora.places import Place
from xalign.corpora.readers import datasets_library, line_files, moses, row_tables, wide_tables, xquad
from xalign.corpora.sources import Found
from xalign.errors import CorpusError

__all__ = ["READERS", "read_place"]

#: In words, what recognises it, what reads it. To add a format, add a line.
READERS: tuple[tuple[str, Callable[[Place], bool], Callable[[Place], Found]], ...] = (
    ("a folder of datasets' save_to_disk", datasets_library.detects, datasets_library.reads),
    ("Moses pairs (x.deu-eng.deu, x.deu-eng.eng)", moses.detects, moses.reads),
    ("SQuAD-format JSON (xquad.de.json)", xquad.detects, xquad.reads),
    ("a table for each language (eng_Latn.tsv with index_id and text)", row_tables.detects, row_tables.reads),
    ("a TSV, CSV, JSON lines or Parquet table of all languages", wide_tables.detects, wide_tables.reads),
    ("a file of lines for each language (eng_Latn.txt)", line_files.detects, line_files.reads),
)


def read_place(place: Place) -> Found:
    """Read a place with the first format that recognises it.

    Raises:
        CorpusError: If none does; the message lists the formats.
    """
    for _, detects, reads in READERS:
        if detects(place):
            return reads(place)
    shown = ", ".join(path.name for path in place.files[:5])
    raise CorpusError(f"{place.path}: expected {'; or '.join(what for what, _, _ in READERS)}; got {shown}")
