"""One table per language with a `text` column and ids: `eng_Latn.tsv`, SIB-200's `eng_Latn/train.tsv`, `deu.jsonl`."""

from xalign.corpora.layouts import LANGUAGE_COLUMNS, TEXT_COLUMNS, part_of
from xalign.corpora.naming import NamedFile, name_files
from xalign.corpora.places import Place
from xalign.corpora.readers.line_files import columns_by_language
from xalign.corpora.sources import Found, Part
from xalign.corpora.tables import TABLE_ENDINGS, column_names, read_table


def detects(place: Place) -> bool:
    """Whether files are tables of one language each: with a column of text, but none that says the language."""
    names = set(column_names(place.files[0])) if place.all_end_in(*TABLE_ENDINGS) else set()
    return bool(names.intersection(TEXT_COLUMNS)) and not names.intersection(LANGUAGE_COLUMNS)


def reads(place: Place) -> Found:
    """Find a column in the tables of every language; rows are matched by id."""
    return Found(columns=columns_by_language(name_files(place.files, place.root), _part), by_id=True)


def _part(named: NamedFile) -> Part:
    table = read_table(named.path, named.split)
    text = next((name for name in TEXT_COLUMNS if name in table.columns), TEXT_COLUMNS[0])
    return part_of(table, text)
