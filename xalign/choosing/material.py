"""Everything a choice is made from and judged by: the pool, its distances, what the probes say, families, features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from xalign.choosing.candidates import Candidates, find_candidates
from xalign.choosing.evidence import Evidence, read_evidence
from xalign.choosing.settings import ChoosingSettings
from xalign.corpora import resolve_language
from xalign.errors import SettingError, UnknownNameError, XalignError
from xalign.typology import (
    FeatureTable,
    LanguageDistances,
    MissingFeaturesError,
    families,
    feature_distances,
    load_typology,
    parse_features,
    resource_levels,
    scripts,
)
from xalign.typology.tables import listed

if TYPE_CHECKING:
    from xalign.report import ProbeReport

USUAL_FEATURES = "uriel.syntax"
CATEGORICAL = ("uriel.syntax", "uriel.phonology", "uriel.inventory", "grambank", "wals")
Source = LanguageDistances | pd.DataFrame | np.ndarray


@dataclass(frozen=True, eq=False)
class Material:
    """What is known of the candidates.

    Attributes:
        languages: The pool, by code.
        distances: Between them.
        distance_words: What the distances are.
        evidence: What a report says of them; None without one.
        families: Of each; None where they are not known.
        scripts: Of each.
        features: What entropy, inclusion and overlap are taken of; None where there are none.
        resources: How much data each has; None where it is not known.
        known: The share of features that the distances of each rest on.
        distance_source: Where the distances are from.
        notes: What is left out or taken as something else, and why.
    """

    languages: tuple[str, ...]
    distances: Float[np.ndarray, "m m"]
    distance_words: str
    evidence: Evidence | None
    families: tuple[str, ...] | None
    scripts: tuple[str, ...]
    features: FeatureTable | None
    resources: Float[np.ndarray, " m"] | None
    known: Float[np.ndarray, " m"]
    distance_source: str
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, eq=False)
class Given:
    """What the caller gave beside the settings: the source, the pool, resources, where features are, what if not."""

    report: ProbeReport | None = None
    matrix: Source | None = None
    candidates: Candidates | None = None
    resources: Mapping[str, float] | None = None
    folder: str | Path | None = None
    drop_missing: bool = False


def gather(given: Given, settings: ChoosingSettings) -> Material:
    """Find the pool and everything that is known of it.

    Raises:
        SettingError: If a matrix is no matrix of distances, or the pool is too small.
        UnknownNameError: If features or scores of a candidate are missing where they are needed.
    """
    notes: list[str] = []
    distances = _distances_of_known(given, _pool(given, settings), settings, notes)
    languages = distances.languages
    _require_enough(languages, settings.k)
    kinds = _known(notes, "families", lambda: families(languages, folder=given.folder))
    if kinds is None and settings.max_per_family is not None:
        raise SettingError(f"max_per_family needs the family of every candidate: {notes[-1]}")
    return Material(
        languages=languages,
        distances=np.asarray(distances.values, dtype=np.float64),
        distance_words=distances.name,
        evidence=_evidence(given, languages, settings),
        families=kinds,
        scripts=scripts(languages),
        features=_known(notes, "feature values", lambda: _features(languages, settings, given.folder)),
        resources=_resources(languages, given.resources, notes),
        known=distances.coverage,
        distance_source=distances.source,
        notes=tuple(notes),
    )


def limits_of(material: Material, settings: ChoosingSettings) -> dict[str, Any]:
    """The limits by family and script, as `selection.languages` takes them."""
    asked = {"family": settings.max_per_family, "script": settings.max_per_script}
    labels = {"family": material.families, "script": material.scripts}
    limits = {name: limit for name, limit in asked.items() if limit is not None}
    return {"groups": {name: labels[name] for name in limits}, "max_per_group": limits} if limits else {}


def included_in(material: Material, settings: ChoosingSettings) -> list[int]:
    """The places of those who are chosen in any case."""
    return [material.languages.index(language) for language in settings.include]


def _pool(given: Given, settings: ChoosingSettings) -> tuple[str, ...]:
    """The candidates without the pivot and the excluded, with the included."""
    asked = given.candidates
    if asked is None and given.report is not None:
        asked = [str(language) for language in given.report.confounds["language"]]
    if asked is None and given.matrix is not None:
        asked = _names(given.matrix)
    found = find_candidates("embedded" if asked is None else asked)
    left_out = {settings.pivot, *settings.exclude} - set(settings.include)
    clash = sorted(set(settings.include) & set(settings.exclude))
    if clash:
        raise SettingError(f"include and exclude must not name the same language, got {', '.join(clash)} in both")
    pool = tuple(dict.fromkeys([*(language for language in found if language not in left_out), *settings.include]))
    _require_enough(pool, settings.k)
    return pool


def _require_enough(pool: Sequence[str], k: int) -> None:
    if k > len(pool):
        raise SettingError(
            f"k must be at most the {len(pool)} candidates, got {k}; the pivot is none unless it is included"
        )


def _distances_of_known(
    given: Given, languages: tuple[str, ...], settings: ChoosingSettings, notes: list[str]
) -> LanguageDistances:
    """Distances of the pool; where that is wished, of those that have features."""
    try:
        return _distances(given, languages, settings)
    except MissingFeaturesError as error:
        kept = tuple(language for language in languages if language not in error.languages)
        if not given.drop_missing or set(error.languages) & set(settings.include) or len(kept) < 2:
            raise
        notes.append(f"left out, having {error.lack}: {listed(sorted(set(languages) - set(kept)))}")
        return _distances_of_known(given, kept, settings, notes)


def _names(matrix: Source) -> Sequence[str]:
    if isinstance(matrix, np.ndarray):
        raise SettingError("candidates must name the rows of a distance matrix, got None; give them, or a DataFrame")
    return [str(name) for name in (matrix.index if isinstance(matrix, pd.DataFrame) else matrix.languages)]


def _distances(given: Given, languages: tuple[str, ...], settings: ChoosingSettings) -> LanguageDistances:
    """The features that are asked for, or the rows and columns of the pool in the caller's matrix."""
    if given.matrix is None:
        return feature_distances(
            settings.features or USUAL_FEATURES, languages, report=given.report, folder=given.folder
        )
    if settings.features is not None:
        raise SettingError("features must be None where the source is a matrix of distances: it is them")
    matrix = given.matrix
    known = (
        find_candidates(given.candidates or ()) if isinstance(matrix, np.ndarray) else find_candidates(_names(matrix))
    )
    values = np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.values, dtype=np.float64)
    if values.shape != (len(known), len(known)):
        raise SettingError(
            f"distances must have a row and a column for each of {len(known)} languages, got shape {values.shape}"
        )
    at = {name: row for row, name in enumerate(known)}
    missing = [language for language in languages if language not in at]
    if missing:
        raise UnknownNameError(f"the matrix must have every candidate, got none for {listed(missing)}")
    rows = [at[language] for language in languages]
    block = np.ix_(rows, rows)
    if isinstance(matrix, LanguageDistances):
        shared, coverage = matrix.shared[block], matrix.coverage[rows]
        return LanguageDistances(languages, values[block], shared, coverage, matrix.name, matrix.source)
    shared = np.ones((len(rows), len(rows)), dtype=np.int64)
    return LanguageDistances(languages, values[block], shared, np.ones(len(rows)), "a matrix", "the caller")


def _evidence(given: Given, languages: tuple[str, ...], settings: ChoosingSettings) -> Evidence | None:
    """What the report says, where something is asked of it."""
    if given.report is None or (settings.need == 0 and settings.coverage == 0):
        return None
    return read_evidence(given.report, languages, pivot=settings.pivot, probes=settings.probes, layer=settings.layer)


def _features(languages: tuple[str, ...], settings: ChoosingSettings, folder: str | Path | None) -> FeatureTable:
    """The first features with categories that are asked for, else the usual ones."""
    asked = [spec.kind for spec in parse_features(settings.features or USUAL_FEATURES) if spec.weight > 0]
    kind = next((kind for kind in asked if kind in CATEGORICAL), USUAL_FEATURES)
    return load_typology(kind, languages, folder=folder)


def _resources(
    languages: tuple[str, ...], resources: Mapping[str, float] | None, notes: list[str]
) -> Float[np.ndarray, " m"] | None:
    """The caller's figures, else how much data a list of the field says there is."""
    if resources is None:
        levels = _known(notes, "resources", lambda: resource_levels(languages))
        return None if levels is None else np.array(levels, dtype=np.float64)
    known = {resolve_language(str(name)).code: float(value) for name, value in resources.items()}
    missing = [language for language in languages if language not in known]
    if missing:
        raise UnknownNameError(f"resources must have every candidate, got none for {listed(missing)}")
    return np.array([known[language] for language in languages], dtype=np.float64)


def _known(notes: list[str], what: str, find: Callable[[], Any]) -> Any:
    """What is found, or None and a note of why not: only arms and measures hang on it."""
    try:
        return find()
    except XalignError as error:
        notes.append(f"no {what}: {error}")
        return None
