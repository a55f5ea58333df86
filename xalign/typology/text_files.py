"""Grambank, WALS and Glottolog as comma-separated files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from xalign.corpora.tables import Table, read_table
from xalign.errors import CorpusError
from xalign.typology.rows import GRAMBANK_LICENCE, URIEL_LICENCE, WALS_LICENCE, Rows, coordinate_rows

#: What Grambank's files write where nothing is known.
_UNKNOWN = frozenset({"", "?", "no_cov", "-1"})

#: The columns of the WALS file that are no features.
_WALS_FACTS = ("WALS-ID", "ISO", "Name", "Glottocode", "Family", "Latitude", "Longitude", "Genus")


def read_grambank(path: Path, id_column: str, glottocodes: Mapping[str, str]) -> Rows:
    """Read Grambank's features by Glottocode.

    Args:
        path: A row per language, a column per feature; values are numbers.
        id_column: The column of Glottocodes.
        glottocodes: Of the ISO 639-3 codes that are wanted.

    Raises:
        CorpusError: If the file is malformed or a value is no number.
    """
    table = _table(path, (id_column,))
    features = tuple(name for name in table.columns if name != id_column)
    row_of = {glottocode: row for row, glottocode in enumerate(table.texts(id_column))}
    rows = {code: row_of[glottocode] for code, glottocode in glottocodes.items() if glottocode in row_of}

    def number(name: str, row: int) -> float:
        cell = str(table.columns[name][row])
        if cell in _UNKNOWN:
            return np.nan
        if not cell.isdigit():
            raise CorpusError(f"{path}, line {table.lines[row]}: {name} must be a number or ?, got {cell!r}")
        return float(cell)

    values = {code: np.array([number(name, row) for name in features]) for code, row in rows.items()}
    return Rows(features, values, f"Grambank in {path.name}", GRAMBANK_LICENCE)


def read_wals(path: Path, codes: Iterable[str]) -> Rows:
    """Read WALS by ISO 639-3 code; a feature's values are numbered from 0 in the alphabet's order.

    Raises:
        CorpusError: If the file is malformed.
    """
    table = _table(path, _WALS_FACTS)
    rows = _rows_of(table, "ISO", codes)
    features = tuple(name for name in table.columns if name not in _WALS_FACTS)
    numbers = [_numbered(table.texts(name)) for name in features]
    values = {
        code: np.array(
            [
                numbering.get(str(table.columns[name][row]), np.nan)
                for name, numbering in zip(features, numbers, strict=True)
            ]
        )
        for code, row in rows.items()
    }
    return Rows(features, values, f"WALS in {path.name}", WALS_LICENCE)


def read_wals_facts(path: Path, codes: Iterable[str], columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read columns of the WALS file that are no features (`Family`, `Genus`, `Glottocode`), by ISO 639-3 code."""
    table = _table(path, _WALS_FACTS)
    return {
        code: tuple(str(table.columns[name][row]) for name in columns)
        for code, row in _rows_of(table, "ISO", codes).items()
    }


def read_wals_places(path: Path, codes: Iterable[str]) -> Rows:
    """Read the coordinates of WALS."""
    facts = read_wals_facts(path, codes, ("Latitude", "Longitude"))
    places = {code: _place(path, code, *cells) for code, cells in facts.items()}
    return coordinate_rows(places, f"WALS in {path.name}", WALS_LICENCE)


def read_glottocodes(path: Path, codes: Iterable[str]) -> dict[str, str]:
    """Read Glottocodes by ISO 639-3 code from urielplus' map; macrolanguages have none and are left out."""
    table = _table(path, ("iso_code", "glottocode"))
    found = dict(zip(table.texts("iso_code"), table.texts("glottocode"), strict=True))
    return {code: found[code] for code in codes if found.get(code)}


def read_glottolog_places(path: Path, glottocodes: Mapping[str, str]) -> Rows:
    """Read the coordinates of Glottolog from urielplus' `lang_fam_geo.csv`."""
    table = _table(path, ("language_id", "latitude", "longitude"))
    row_of = {glottocode: row for row, glottocode in enumerate(table.texts("language_id"))}
    places = {}
    for code, glottocode in glottocodes.items():
        row = row_of.get(glottocode)
        if row is not None and table.columns["latitude"][row]:
            cells = (str(table.columns[name][row]) for name in ("latitude", "longitude"))
            places[code] = _place(path, glottocode, *cells)
    return coordinate_rows(places, f"Glottolog in urielplus' {path.name}", URIEL_LICENCE)


def _table(path: Path, columns: Sequence[str]) -> Table:
    """Read a file that must have these columns."""
    if not path.is_file():
        raise CorpusError(f"{path} is missing; a file with the columns {', '.join(columns)} was expected")
    table = read_table(path)
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise CorpusError(f"{path}, line 1: the columns {', '.join(missing)} were expected, got none of that name")
    return table


def _rows_of(table: Table, column: str, codes: Iterable[str]) -> dict[str, int]:
    row_of = {code: row for row, code in enumerate(table.texts(column))}
    return {code: row_of[code] for code in codes if code in row_of}


def _numbered(cells: Iterable[str]) -> dict[str, float]:
    return {value: float(i) for i, value in enumerate(sorted(set(cells) - {""}))}


def _place(path: Path, code: str, latitude: str, longitude: str) -> tuple[float, float]:
    try:
        place = float(latitude), float(longitude)
    except ValueError as error:
        raise CorpusError(
            f"{path}: {code} must have coordinates in degrees, got {latitude!r}, {longitude!r}"
        ) from error
    if not (abs(place[0]) <= 90 and abs(place[1]) <= 360):
        raise CorpusError(f"{path}: {code} must have coordinates in degrees, got {latitude}, {longitude}")
    return place
