"""Distances as a user writes them: `uriel.syntax,probe:cka@6,0.5*script`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from xalign.errors import SettingError, UnknownNameError
from xalign.names import nearest
from xalign.typology.distances import LanguageDistances, typology_distances
from xalign.typology.loading import load_typology
from xalign.typology.matrices import file_distances, probe_distances
from xalign.typology.tables import KINDS, checked_languages

if TYPE_CHECKING:
    from xalign.report import ProbeReport

_FORM = "[WEIGHT*]FEATURES, joined by commas, with FEATURES one of {kinds}, probe:NAME@LAYER, file:PATH"


@dataclass(frozen=True)
class FeatureSpec:
    """One part of a mix.

    Attributes:
        weight: At least 0.
        kind: One of `xalign.typology.KINDS`, "probe" or "file".
        probe: A probe's name.
        layer: Of the probe; None is its best.
        path: Of a file with distances.
    """

    weight: float
    kind: str
    probe: str | None = None
    layer: int | None = None
    path: str | None = None

    @property
    def name(self) -> str:
        """As written, without the weight."""
        if self.kind == "probe":
            return f"probe:{self.probe}" + ("" if self.layer is None else f"@{self.layer}")
        return f"file:{self.path}" if self.kind == "file" else self.kind


def parse_features(text: str) -> list[FeatureSpec]:
    """Read `uriel.syntax,probe:cka@6,0.5*script`; a path must hold no comma.

    Raises:
        UnknownNameError: If features of that name do not exist; the nearest is told.
        SettingError: If a weight is no number of at least 0, a layer none of at least 0, or a part is empty.
    """
    return [_parse_one(part.strip(), text) for part in text.split(",")]


def feature_distances(
    specs: str | Sequence[FeatureSpec],
    languages: Sequence[str],
    *,
    report: ProbeReport | None = None,
    folder: str | Path | None = None,
    minimum_shared: int = 10,
) -> LanguageDistances:
    """Mix distances of several kinds.

    Each is divided by its mean over pairs of languages, so that weights compare like with like, and the weighted mean
    is taken: a mix has mean 1. A single kind keeps its own unit.

    Args:
        specs: As written for `parse_features`, or read by it.
        languages: Codes.
        report: Holds the scores of `probe:` parts, between all languages (`probe(..., pivot=None)`).
        folder: Of typology files; see `load_typology`.
        minimum_shared: How many features every two languages must share; see `typology_distances`.

    Returns:
        Distances. `shared` counts the features of all parts (a probe or a file counts 1), `coverage` is the lowest
        that a language has in any part.

    Raises:
        SettingError: If all weights are 0, or `probe:` is asked for without a report.
        MissingFeaturesError: If a part lacks languages; names them.
        UnknownNameError: If there is no such probe, layer or language.
        CorpusError: If a file is missing or malformed.
    """
    parts = parse_features(specs) if isinstance(specs, str) else list(specs)
    if not sum(spec.weight for spec in parts) > 0:
        raise SettingError(f"features must have a weight above 0, got {[spec.name for spec in parts]}")
    codes = checked_languages(languages)
    found = [_distances(spec, codes, report, folder, minimum_shared) for spec in parts]
    return found[0] if len(found) == 1 else _mixed(parts, found)


def _distances(
    spec: FeatureSpec,
    codes: tuple[str, ...],
    report: ProbeReport | None,
    folder: str | Path | None,
    minimum_shared: int,
) -> LanguageDistances:
    if spec.kind == "file":
        return file_distances(Path(str(spec.path)), codes)
    if spec.kind == "probe":
        if report is None:
            raise SettingError(
                f"{spec.name} needs a report with scores between all languages; pass report=, and on the command line "
                "give the folder of a saved report first: xalign languages REPORT --features ..."
            )
        return probe_distances(report, str(spec.probe), spec.layer, codes)
    return typology_distances(load_typology(spec.kind, codes, folder=folder), minimum_shared=minimum_shared)


def _mixed(parts: Sequence[FeatureSpec], found: Sequence[LanguageDistances]) -> LanguageDistances:
    total = sum(spec.weight for spec in parts)
    values = np.zeros(found[0].values.shape)
    told = []
    for spec, distances in zip(parts, found, strict=True):
        mean = _mean(distances.values)
        if mean > 0:
            values += spec.weight / total * distances.values / mean
        scale = f"each divided by its mean, {mean:.4g}" if mean > 0 else "which is 0 between all and adds nothing"
        told.append(f"{spec.weight:g} of {spec.name} ({distances.source}; {scale})")
    return LanguageDistances(
        found[0].languages,
        values,
        np.sum([distances.shared for distances in found], axis=0),
        np.min([distances.coverage for distances in found], axis=0),
        " + ".join(spec.name if spec.weight == 1 else f"{spec.weight:g}*{spec.name}" for spec in parts),
        f"a weighted mean of {'; '.join(told)}",
    )


def _mean(values: Float[np.ndarray, "m m"]) -> float:
    """The mean over pairs of languages."""
    m = len(values)
    return float(values.sum() / (m * (m - 1))) if m > 1 else 0.0


def _parse_one(part: str, text: str) -> FeatureSpec:
    weight, star, name = part.partition("*") if not part.startswith("file:") else ("", "", part)
    value, name = (_weight(weight, text), name.strip()) if star else (1.0, part)
    prefix, colon, rest = name.partition(":")
    if prefix == "file" and colon and rest:
        return FeatureSpec(value, "file", path=rest)
    if prefix == "probe" and colon and rest:
        probe, at, layer = rest.partition("@")
        return FeatureSpec(value, "probe", probe=probe, layer=_layer(layer, text) if at else None)
    if name not in KINDS:
        form = _FORM.format(kinds=", ".join(KINDS))
        raise UnknownNameError(f"unknown features {name!r}{nearest(name, KINDS)} in {text!r}; write {form}")
    return FeatureSpec(value, name)


def _weight(text: str, whole: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise SettingError(f"a weight must be a number of at least 0, as in 0.5*script, got {text!r} in {whole!r}")
    return value


def _layer(text: str, whole: str) -> int:
    if not text.isdigit():
        raise SettingError(f"a layer must be a number from 0, as in probe:cka@6, got {text!r} in {whole!r}")
    return int(text)
