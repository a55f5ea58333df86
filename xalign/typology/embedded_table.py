"""The table that ships with the project: URIEL, families, places, Grambank and WALS for the languages of FLORES-200."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from xalign.corpora.tables import Table, read_table
from xalign.typology.rows import (
    GRAMBANK_LICENCE,
    PREFIXES,
    URIEL_LICENCE,
    WALS_LICENCE,
    Rows,
    coordinate_rows,
    lineage_rows,
)

SOURCE = "the table that ships with xalign"
LANGUAGES_FILE, FEATURES_FILE = "languages.tsv", "features.tsv"
FACTS = ("language", "glottocode", "latitude", "longitude", "genus", "resources", "lineage")
#: Values stand one character each; a category above 9 is a letter.
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
UNKNOWN = "?"
BETWEEN_ANCESTORS = " > "
BY_FEATURES = (*PREFIXES, "grambank", "wals")


def embedded_folder() -> Path:
    """The folder of the table: `languages.tsv`, `features.tsv`, a file of values per kind, README."""
    return Path(str(files("xalign.embedded"))) / "typology"


def values_file(kind: str) -> str:
    """The name of the file with a kind's values."""
    return f"{kind.replace('.', '_')}.tsv"


def read_embedded(kind: str, codes: Iterable[str]) -> Rows:
    """Read the rows of these ISO 639-3 codes that the table has."""
    wanted = list(codes)
    if kind == "uriel.genetic":
        return lineage_rows(embedded_lineages(wanted), f"URIEL in {SOURCE}")
    if kind == "uriel.geographic":
        facts = {code: fact for code, fact in _facts(wanted).items() if fact["latitude"]}
        places = {code: (float(fact["latitude"]), float(fact["longitude"])) for code, fact in facts.items()}
        return coordinate_rows(places, f"Glottolog in {SOURCE}", URIEL_LICENCE)
    table = _table(values_file(kind))
    cells = dict(zip(table.texts("language"), table.texts("values"), strict=True))
    values = {code: _decoded(cells[code]) for code in wanted if code in cells}
    names, licence = _NAMED.get(kind, ("URIEL (k-NN predictions)", URIEL_LICENCE))
    return Rows(_features(kind), values, f"{names} in {SOURCE}", licence)


def embedded_lineages(codes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The ancestors of these ISO 639-3 codes, the family first."""
    facts = _facts(codes)
    return {code: tuple(filter(None, fact["lineage"].split(BETWEEN_ANCESTORS))) for code, fact in facts.items()}


def embedded_facts(codes: Iterable[str], column: str) -> dict[str, str]:
    """One of `FACTS` for the ISO 639-3 codes that have it."""
    return {code: fact[column] for code, fact in _facts(codes).items() if fact[column]}


def encoded(values: Iterable[float]) -> str:
    """Write numbers as a character each."""
    return "".join(UNKNOWN if np.isnan(value) else DIGITS[int(value)] for value in values)


_NAMED = {"grambank": ("Grambank", GRAMBANK_LICENCE), "wals": ("WALS", WALS_LICENCE)}


def _decoded(text: str) -> np.ndarray:
    return np.array([np.nan if char == UNKNOWN else DIGITS.index(char) for char in text], dtype=float)


def _features(kind: str) -> tuple[str, ...]:
    table = _table(FEATURES_FILE)
    pairs = zip(table.texts("kind"), table.texts("feature"), strict=True)
    return tuple(name for of_kind, name in pairs if of_kind == kind)


def _facts(codes: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    table = _table(LANGUAGES_FILE)
    row_of = {code: row for row, code in enumerate(table.texts("language"))}
    return {code: {name: str(table.columns[name][row_of[code]]) for name in FACTS} for code in codes if code in row_of}


@cache
def _table(name: str) -> Table:
    return read_table(embedded_folder() / name)
