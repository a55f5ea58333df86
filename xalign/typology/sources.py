"""Where features come from: a folder, the urielplus package's data files, or the table that ships with the project."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from xalign.errors import CorpusError, SettingError
from xalign.typology.array_files import read_lineages, read_uriel
from xalign.typology.embedded_table import embedded_facts, embedded_lineages, read_embedded
from xalign.typology.rows import PREFIXES, Rows, lineage_rows
from xalign.typology.text_files import (
    read_glottocodes,
    read_glottolog_places,
    read_grambank,
    read_wals,
    read_wals_facts,
    read_wals_places,
)

SOURCES = ("folder", "embedded", "urielplus")
Codes = Sequence[str]


def read_rows(source: str, kind: str, codes: Codes, folder: Path | None) -> Rows:
    """Read what one source has of these ISO 639-3 codes.

    Raises:
        CorpusError: If the source has no such features, is not installed, or a file of it is malformed.
    """
    if source == "embedded":
        return read_embedded(kind, codes)
    return _from_folder(kind, codes, _given(folder)) if source == "folder" else _from_urielplus(kind, codes)


def read_ancestors(source: str, codes: Codes, folder: Path | None) -> dict[str, tuple[str, ...]]:
    """Read the ancestors of these ISO 639-3 codes, the family first."""
    if source == "embedded":
        return embedded_lineages(codes)
    place = _given(folder) if source == "folder" else urielplus_folder() / "original_uriel"
    return read_lineages(_there(place, "family_features.npz"), codes)


def source_order(kind: str, folder: Path | None, source: str) -> tuple[str, ...]:
    """The sources of a kind to try, first to last.

    Raises:
        SettingError: If the source is unknown, or a folder is given with another, or none with "folder".
    """
    if source not in ("auto", *SOURCES):
        raise SettingError(f"source must be auto, {', '.join(SOURCES)}, got {source!r}")
    if (folder is not None) > (source in ("auto", "folder")) or (folder is None and source == "folder"):
        raise SettingError(
            f"source must be 'folder' or 'auto' where folder is given, and 'folder' only there, got {source!r}"
        )
    if source != "auto":
        return (source,)
    first = ("folder",) if folder is not None and _holds(_given(folder), kind) else ()
    return (*first, "embedded", *(("urielplus",) if kind != "wals" and _urielplus() is not None else ()))


def way_out(kind: str, sources: Sequence[str], *, leave: str = "leave them out") -> str:
    """What to do about languages that these sources lack; `leave` says how to do without them."""
    install = " (pip install urielplus)" if _urielplus() is None else ""
    others = {"folder": "a folder of typology files", "embedded": "source='embedded'"}
    if kind != "wals":
        others["urielplus"] = f"source='urielplus'{install}"
    untried = [words for name, words in others.items() if name not in sources]
    return f"{leave}, or try {' or '.join(untried)}" if untried else leave


def urielplus_folder() -> Path:
    """The data folder of the installed urielplus package, which is neither imported nor written to.

    Raises:
        CorpusError: If it is not installed.
    """
    folder = _urielplus()
    if folder is None:
        raise CorpusError("source='urielplus' needs that package's data files; run pip install urielplus")
    return folder


def _urielplus() -> Path | None:
    found = find_spec("urielplus")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "database"


def _from_folder(kind: str, codes: Codes, folder: Path) -> Rows:
    if kind in PREFIXES:
        predicted = folder / "feature_predictions.npz"
        return read_uriel(predicted if predicted.is_file() else _there(folder, "features.npz"), kind, codes)
    if kind == "uriel.genetic":
        path = _there(folder, "family_features.npz")
        return lineage_rows(read_lineages(path, codes), f"URIEL in {path.name}")
    wals = folder / "wals_features.csv"
    readers: Mapping[str, Callable[[], Rows]] = {
        "uriel.geographic": lambda: read_wals_places(wals, codes),
        "wals": lambda: read_wals(wals, codes),
        "grambank": lambda: read_grambank(
            folder / "grambank_features.csv", "Lang_ID", _glottocodes(codes, wals if wals.is_file() else None)
        ),
    }
    return readers[kind]()


def _from_urielplus(kind: str, codes: Codes) -> Rows:
    folder = urielplus_folder()
    tables = folder / "urielplus_csvs"
    if kind in PREFIXES:
        return read_uriel(_there(folder / "original_uriel", "features.npz"), kind, codes)
    if kind == "uriel.genetic":
        path = _there(folder / "original_uriel", "family_features.npz")
        return lineage_rows(read_lineages(path, codes), f"URIEL in urielplus' {path.name}")
    if kind == "wals":
        raise CorpusError("urielplus has no WALS table; give a folder with wals_features.csv, or source='embedded'")
    glottocodes = read_glottocodes(tables / "uriel_glottocode_map.csv", codes)
    if kind == "grambank":
        return read_grambank(tables / "grambank_data.csv", "language_id", glottocodes)
    return read_glottolog_places(tables / "lang_fam_geo.csv", glottocodes)


def _glottocodes(codes: Iterable[str], wals: Path | None) -> dict[str, str]:
    """Glottocodes by ISO 639-3 code: the project's own, then urielplus' where installed, then those of WALS."""
    left = list(codes)
    found = embedded_facts(left, "glottocode")
    if (folder := _urielplus()) is not None:
        found = read_glottocodes(folder / "urielplus_csvs" / "uriel_glottocode_map.csv", left) | found
    if wals is not None:
        facts = read_wals_facts(wals, left, ("Glottocode",))
        found = {code: cells[0] for code, cells in facts.items() if cells[0]} | found
    return found


_FILES = {
    **dict.fromkeys(PREFIXES, ("feature_predictions.npz", "features.npz")),
    "uriel.genetic": ("family_features.npz",),
    "uriel.geographic": ("wals_features.csv",),
    "grambank": ("grambank_features.csv",),
    "wals": ("wals_features.csv",),
}


def _holds(folder: Path, kind: str) -> bool:
    return any((folder / name).is_file() for name in _FILES.get(kind, ()))


def _given(folder: Path | None) -> Path:
    if folder is None or not folder.is_dir():
        raise CorpusError(f"folder must be a folder of typology files, such as feature_predictions.npz, got {folder}")
    return folder


def _there(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise CorpusError(f"{folder} must hold {name}, got none")
    return folder / name
