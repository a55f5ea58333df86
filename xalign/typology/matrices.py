"""Distances that are matrices already: a probe's scores turned round, and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from xalign.corpora.languages import resolve_language
from xalign.corpora.tables import read_table
from xalign.errors import CorpusError, SettingError, UnknownNameError
from xalign.typology.array_files import read_npz
from xalign.typology.distances import LanguageDistances
from xalign.typology.tables import LEAVE_OUT, MissingFeaturesError, is_code, listed

if TYPE_CHECKING:
    from xalign.report import ProbeReport


def probe_distances(report: ProbeReport, probe: str, layer: int | None, languages: Sequence[str]) -> LanguageDistances:
    """Turn a probe's scores between all languages into distances.

    A similarity s becomes 1 - s, at least 0; the score of a probe whose lower values mean closer is the distance
    itself. Where the two directions differ, their mean is taken.

    Args:
        report: Of a run with `pivot=None`.
        probe: Its name.
        layer: None is the layer where it is best on average.
        languages: Codes.

    Raises:
        UnknownNameError: If the report has no such scores.
        MissingFeaturesError: If languages are not in the report, or have no score with another.
        SettingError: If scores lie outside what can be turned into a distance.
    """
    from xalign.measures import lower_is_closer

    at = _best_layer(report, probe) if layer is None else layer
    frame = report.matrix(probe, at)
    name = f"probe:{probe}@{at}"
    lack = f"no scores of {name} in the report"
    at_rows = _indices(languages, {code: row for row, code in enumerate(frame.index)}, f"{name} of the report", lack)
    scores = frame.to_numpy(float)[np.ix_(at_rows, at_rows)]
    off = ~np.eye(len(languages), dtype=bool)
    without = [language for language, row in zip(languages, np.isnan(scores) & off, strict=True) if row.any()]
    if without:
        raise MissingFeaturesError(
            f"{name} must have a score for every two languages, got none for {listed(without)}; {LEAVE_OUT}, or probe "
            "with pivot=None",
            without,
            lack=lack,
        )
    if not lower_is_closer(probe) and scores[off].size and scores[off].max() > 1 + 1e-6:
        raise SettingError(f"{name} must be at most 1 to become a distance 1 - score, got {scores[off].max():.3g}")
    distances = np.maximum(scores if lower_is_closer(probe) else 1 - scores, 0.0)
    how = "scores" if lower_is_closer(probe) else "1 - scores"
    return _plain(languages, (distances + distances.T) / 2, name, f"{how} of {probe} at layer {at} of the report")


def file_distances(path: Path, languages: Sequence[str]) -> LanguageDistances:
    """Read distances from a file.

    Args:
        path: A `.csv` or `.tsv` with languages in the first row and column; or an `.npz` with `languages` and
            `distances` (read without pickle).
        languages: Codes that are wanted. The file may spell them otherwise (`deu`, `German`).

    Raises:
        CorpusError: If the file is missing, malformed, or the matrix is not symmetric, has a diagonal other than 0, or
            a negative or missing distance, or two of its names are the same language; names the languages.
        MissingFeaturesError: If a language is not in it.
    """
    names, values = _read_npz(path) if path.suffix == ".npz" else _read_text(path)
    _require_distances(names, values, path)
    rows = _indices(languages, _places(names, languages, path), str(path), f"no distances in {path.name}")
    return _plain(languages, values[np.ix_(rows, rows)], f"file:{path.name}", f"the file {path.name}")


def _best_layer(report: ProbeReport, probe: str) -> int:
    best = report.best_layers
    layers = best.loc[best["probe"] == probe, "layer"]
    if layers.empty:
        raise UnknownNameError(f"the report has no score of {probe!r}; it has {', '.join(best['probe'])}")
    return int(layers.iloc[0])


def _plain(languages: Sequence[str], values: np.ndarray, name: str, source: str) -> LanguageDistances:
    values = np.array(values, dtype=float)
    np.fill_diagonal(values, 0.0)
    m = len(languages)
    return LanguageDistances(tuple(languages), values, np.ones((m, m), dtype=int), np.ones(m), name, source)


def _indices(languages: Sequence[str], places: Mapping[str, int], where: str, lack: str) -> list[int]:
    without = [language for language in languages if language not in places]
    if without:
        raise MissingFeaturesError(
            f"{where} must have all languages, got none of {listed(without)}; it has {listed(list(places))}; "
            f"{LEAVE_OUT}",
            without,
            lack=lack,
        )
    return [places[language] for language in languages]


def _places(names: Sequence[str], languages: Sequence[str], path: Path) -> dict[str, int]:
    """The row of each name; where wanted languages are missing, other spellings are looked up too."""
    places = {name: row for row, name in enumerate(names)}
    missing = set(languages) - set(places)
    spelt: dict[str, str] = {}
    for name in names if missing else ():
        code = _code(name)
        if code not in missing:
            continue
        if code in spelt:
            raise CorpusError(f"{path} must name each language once, got {spelt[code]} and {name}, both {code}")
        spelt[code] = name
    return places | {code: places[name] for code, name in spelt.items()}


def _code(name: str) -> str:
    """The code that a name means; the name itself if it is one, or no language is called that."""
    try:
        return name if is_code(name) else resolve_language(name).code
    except UnknownNameError:
        return name


def _read_npz(path: Path) -> tuple[list[str], Float[np.ndarray, "m m"]]:
    form = "an .npz file with the arrays languages (names) and distances (square)"
    languages, distances = read_npz(path, ("languages", "distances"), form)
    names, values = [str(name) for name in languages], np.array(distances, dtype=float)
    if values.shape != (len(names), len(names)):
        raise CorpusError(f"{path} must be {form}, got shape {values.shape} for {len(names)} languages")
    return names, values


def _read_text(path: Path) -> tuple[list[str], Float[np.ndarray, "m m"]]:
    if path.suffix not in (".csv", ".tsv") or not path.is_file():
        raise CorpusError(f"{path} must be a file of distances, .csv, .tsv or .npz")
    table = read_table(path)
    first, *names = table.columns
    if table.texts(first) != names:
        raise CorpusError(f"{path} must name the same languages in its first row and column, in one order")
    try:
        columns = [[float(str(cell)) for cell in table.columns[name]] for name in names]
    except ValueError as error:
        raise CorpusError(f"{path} must hold numbers below its first row, got {error}") from error
    return names, np.array(columns, dtype=float).reshape(len(names), len(names)).T


def _require_distances(names: Sequence[str], values: Float[np.ndarray, "m m"], path: Path) -> None:
    """Name the first two languages whose distance cannot be one."""
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise CorpusError(f"{path} must name each language once, got {listed(repeated)} again")
    flaws = {
        "a distance that is a number": ~np.isfinite(values),
        "no negative distance": values < 0,
        "0 from each language to itself": np.diag(np.diag(values) != 0),
        "the same distance both ways": np.abs(values - values.T) > 1e-6 * np.maximum(values, values.T),
    }
    for expected, wrong in flaws.items():
        if wrong.any():
            i, j = (int(index[0]) for index in np.nonzero(wrong))
            raise CorpusError(f"{path} must have {expected}, got {values[i, j]:g} from {names[i]} to {names[j]}")
