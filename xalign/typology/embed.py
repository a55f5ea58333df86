"""Make the table that ships with the project: `python -m xalign.typology.embed --data FOLDER`.

FOLDER holds `typology/` (URIEL's and Grambank's and WALS' files) and `flores200/`, whose file names say which
languages; the urielplus package must be installed for coordinates, Glottocodes and levels of resources.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from xalign.embedded import corpus_folder
from xalign.files import write_text
from xalign.typology.array_files import read_lineages
from xalign.typology.embedded_table import (
    BETWEEN_ANCESTORS,
    BY_FEATURES,
    FACTS,
    FEATURES_FILE,
    LANGUAGES_FILE,
    embedded_folder,
    encoded,
    values_file,
)
from xalign.typology.grouping import urielplus_levels
from xalign.typology.rows import PREFIXES, Rows
from xalign.typology.sources import read_rows, urielplus_folder
from xalign.typology.stand_ins import all_stand_ins, read_as
from xalign.typology.text_files import read_glottocodes, read_grambank, read_wals_facts


def embed(data: Path, out: Path) -> Path:
    """Write the table to a folder; the same files give the same bytes.

    Args:
        data: Holds `typology` and `flores200`.
        out: Gets `languages.tsv`, `features.tsv` and a file of values per kind.
    """
    codes = sorted({path.stem.split("_")[0] for path in (data / "flores200").glob("*.tsv")} | all_stand_ins())
    tables = {kind: _values(kind, codes, data / "typology") for kind in BY_FEATURES}
    _write(out / LANGUAGES_FILE, FACTS, _facts(codes, data / "typology"))
    names = [(kind, name) for kind, rows in tables.items() for name in rows.features]
    _write(out / FEATURES_FILE, ("kind", "feature"), names)
    for kind, rows in tables.items():
        lines = [(code, encoded(rows.values[code])) for code in sorted(rows.values)]
        _write(out / values_file(kind), ("language", "values"), lines)
    return out


def _values(kind: str, codes: Sequence[str], folder: Path) -> Rows:
    """Read the predicted features of all; Grambank and WALS, which are wide, of the embedded corpus' languages."""
    if kind in PREFIXES:
        return read_rows("folder", kind, codes, folder)
    own = sorted({read_as(kind, path.stem) for path in corpus_folder().glob("*.tsv")})
    if kind == "wals":
        return read_rows("folder", kind, own, folder)
    # Not through read_rows, which looks Glottocodes up in the very table that is being made.
    glottocodes = read_glottocodes(urielplus_folder() / "urielplus_csvs" / "uriel_glottocode_map.csv", own)
    return read_grambank(folder / "grambank_features.csv", "Lang_ID", glottocodes)


def _facts(codes: Sequence[str], folder: Path) -> Iterable[tuple[str, ...]]:
    tables = urielplus_folder() / "urielplus_csvs"
    glottocodes, levels = read_glottocodes(tables / "uriel_glottocode_map.csv", codes), urielplus_levels(codes)
    places = read_rows("urielplus", "uriel.geographic", codes, None).values
    genera = read_wals_facts(folder / "wals_features.csv", codes, ("Genus",))
    lineages = read_lineages(folder / "family_features.npz", codes)
    for code in codes:
        place = [f"{degrees:g}" for degrees in places[code]] if code in places else ["", ""]
        genus = genera[code][0] if code in genera else ""
        lineage = BETWEEN_ANCESTORS.join(lineages.get(code, ()))
        yield (code, glottocodes.get(code, ""), *place, genus, levels.get(code, ""), lineage)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    write_text(path, "".join("\t".join(cells) + "\n" for cells in [header, *rows]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the typology table that ships with xalign.")
    parser.add_argument("--data", type=Path, required=True, help="A folder with typology/ and flores200/.")
    embed(parser.parse_args().data, embedded_folder())
