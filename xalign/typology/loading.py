"""Load features of languages, from whichever source has them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xalign.typology.rows import Rows
from xalign.typology.sources import read_rows, source_order, way_out
from xalign.typology.stand_ins import read_as
from xalign.typology.tables import (
    LEAVE_OUT,
    FeatureTable,
    MissingFeaturesError,
    checked_kind,
    checked_languages,
    listed,
)


def load_typology(
    kind: str, languages: Sequence[str], *, folder: str | Path | None = None, source: str = "auto"
) -> FeatureTable:
    """Load features of languages.

    Args:
        kind: "uriel.syntax", "uriel.phonology", "uriel.inventory" (0 or 1); "uriel.genetic" (a column of each ancestor:
            what Glottolog groups it under); "uriel.geographic" (degrees); "grambank", "wals" (categories); "script"
            (from the code itself, a column of each).
        languages: Codes such as "swh_Latn"; other spellings are looked up.
        folder: Holds `feature_predictions.npz`, `family_features.npz`, `grambank_features.csv`, `wals_features.csv`, or
            those that are needed (URIEL's as lang2vec distributes them). Features as attested, `features.npz`, are read
            where there are no predicted ones. Coordinates in a folder are those of WALS.
        source: "folder"; "embedded", the table that ships with xalign (the languages of FLORES-200: URIEL's predicted
            features, families, places; Grambank and WALS for those of xalign-100); "urielplus", the data files of that
            package (features as attested, with gaps; neither imported nor changed). "auto" is the first of folder,
            embedded and urielplus that has all these languages; the table says which.

    Returns:
        Features, NaN where missing, with their source, their licence and every language read under another code.

    Raises:
        MissingFeaturesError: If languages have none there; names them.
        UnknownNameError: If the kind or a language is unknown, or a language is given twice.
        SettingError: If `source` and `folder` do not go together.
        CorpusError: If a file is missing or malformed.
    """
    codes = checked_languages(languages)
    if checked_kind(kind) == "script":
        return _scripts(codes)
    place = None if folder is None else Path(folder)
    wanted = {code: read_as(kind, code) for code in codes}
    sources = source_order(kind, place, source)
    lacking: list[tuple[str, list[str]]] = []
    for name in sources:
        rows = read_rows(name, kind, list(dict.fromkeys(wanted.values())), place)
        known = rows.known()
        without = [code for code in codes if wanted[code] not in known]
        if not without:
            return _table(kind, wanted, rows)
        lacking.append((rows.source, without))
    raise _missing(kind, lacking, sources)


def _table(kind: str, wanted: dict[str, str], rows: Rows) -> FeatureTable:
    values = np.stack([rows.values[read] for read in wanted.values()])
    stand_ins = {code: read for code, read in wanted.items() if read != code.split("_")[0]}
    return FeatureTable(tuple(wanted), rows.features, values, kind, rows.source, rows.licence, stand_ins)


def _scripts(codes: Sequence[str]) -> FeatureTable:
    own = [code.split("_")[1] for code in codes]
    names = tuple(sorted(set(own)))
    values = np.array([[float(script == name) for name in names] for script in own])
    return FeatureTable(tuple(codes), names, values, "script", "the languages' codes (ISO 15924)", "none needed")


def _missing(kind: str, lacking: list[tuple[str, list[str]]], sources: Sequence[str]) -> MissingFeaturesError:
    """Name the languages that the best of the sources lacks."""
    source, without = min(lacking, key=lambda pair: len(pair[1]))
    return MissingFeaturesError(
        f"languages must have {kind} features, got none for {listed(without)} in {source}; "
        f"{way_out(kind, sources, leave=LEAVE_OUT)}",
        without,
        lack=f"no {kind} features",
    )
