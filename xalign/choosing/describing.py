"""A choice in words: who the candidates are, what the probes say of the chosen, what a reader must know."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from selection.languages import LanguageChoice, LanguageReason
from selection.languages.reasons import sentence
from xalign.choosing.evidence import Evidence
from xalign.choosing.material import Material
from xalign.choosing.results import POOL_COLUMNS
from xalign.choosing.settings import UNWEIGHED, ChoosingSettings
from xalign.choosing.weighing import Weighed
from xalign.figures.names import name_languages
from xalign.report import ProbeReport
from xalign.typology.tables import listed

LITTLE = 0.02
"""Who lacks less than this share of the way from chance to the best lacks next to nothing."""


def describe_pool(choice: LanguageChoice, material: Material, weighed: Weighed) -> pd.DataFrame:
    """A row per candidate."""
    order = {language: place + 1 for place, language in enumerate(choice.languages)}
    covering = {covered: reason.language for reason in choice.reasons for covered in (*reason.covers, reason.language)}
    names = name_languages(material.languages)
    m = len(material.languages)
    frame = pd.DataFrame(
        {
            "language": material.languages,
            "name": [names[language] for language in material.languages],
            "family": material.families or [None] * m,
            "script": material.scripts,
            "need": np.full(m, np.nan) if material.evidence is None else material.evidence.need,
            "coverage": material.known,
            "stands_in": weighed.stands_in,
            "weight": np.ones(m) if weighed.weights is None else weighed.weights,
            "order": [order.get(language, 0) for language in material.languages],
            "covered_by": [covering.get(language) for language in material.languages],
        }
    )
    return frame[POOL_COLUMNS]


def explain(
    reason: LanguageReason, pool: pd.DataFrame, material: Material, weighed: Weighed, objective: str
) -> LanguageReason:
    """Tell weighed distances from plain ones in a reason, and add what the probes say of the language."""
    row = pool.set_index("language").loc[reason.language]
    moved = not np.allclose(weighed.distances, material.distances)
    summed = "weighed distance" if moved or weighed.weights is not None else "distance"
    apart = "weighed distance" if moved else "distance"
    text = sentence(reason, objective, first=bool(row["order"] == 1), summed=summed, apart=apart).rstrip(".")
    told = []
    if moved and reason.nearest is not None:
        here, there = (material.languages.index(language) for language in (reason.language, reason.nearest))
        told.append(f"lies {material.distances[here, there]:.4g} from {reason.nearest} by {material.distance_words}")
    if not np.isnan(row["need"]):
        told.append(f"needs {row['need']:.2f} of the way from chance to the best")
    if not np.isnan(row["stands_in"]):
        told.append(f"is {row['stands_in']:.2f} like the others to the model")
    return replace(reason, text=f"{'; '.join([text, *told])}.")


def collect_cautions(material: Material, weighed: Weighed, settings: ChoosingSettings) -> list[str]:
    """What a reader of the choice must know."""
    asked = (settings.need, settings.coverage) != (0, 0)
    if material.evidence is None:
        said = ["no report was given: need and coverage do not count, the distances alone decide"] if asked else []
    elif settings.objective in UNWEIGHED:
        said = [f"{settings.objective} leaves need and coverage out: it is a control, and the distances alone decide"]
    else:
        said = _of_evidence(material, material.evidence, settings)
    return [*said, *_of_weights(weighed, settings), *_of_coverage(material)]


def _of_evidence(material: Material, evidence: Evidence, settings: ChoosingSettings) -> list[str]:
    """Which probes are behind need and likeness, and whom they do not tell apart."""
    alike = f", likeness to the model over {', '.join(evidence.matrix_probes)}" if evidence.matrix_probes else ""
    said = [f"need is the mean over {', '.join(evidence.probes)} at layer {evidence.layer}{alike}"]
    if evidence.left_out:
        said.append(
            f"not read for need: {', '.join(evidence.left_out)}, which do not run from chance to a best value that is "
            "known"
        )
    lacking = float((evidence.need > LITTLE).mean())
    if settings.need and lacking < 0.5:
        said.append(
            f"only {lacking:.0%} of the candidates lack more than {LITTLE} by these probes: need decides little"
        )
    out_of_reach = [name for name, n in zip(material.languages, evidence.need, strict=True) if n > 1 - LITTLE]
    if settings.need and settings.grasp and out_of_reach:
        said.append(
            "next to chance, where the model has nothing to hold on to, so that they weigh next to nothing "
            f"(grasp=0 counts them in full): {listed(out_of_reach)}"
        )
    return said


def _of_weights(weighed: Weighed, settings: ChoosingSettings) -> list[str]:
    """The smallest pair is 0 as soon as one language of it weighs nothing."""
    n = len(weighed.distances) if weighed.weights is None else int((weighed.weights > 0).sum())
    if settings.objective != "max_min" or n >= settings.k:
        return []
    return [
        f"only {n} of the candidates weigh anything, so the smallest weighed distance of any {settings.k} is 0 and "
        "nothing decides between sets; lower k, or take max_sum, grasp=0 or need=0"
    ]


def _of_coverage(material: Material) -> list[str]:
    """Whose distances rest on a part of the features."""
    order = np.argsort(material.known, kind="stable")
    partly = [f"{material.languages[i]} {material.known[i]:.0%}" for i in order if material.known[i] < 1]
    if not partly:
        return []
    return [
        f"{len(partly)} of {len(material.languages)} candidates have only a part of the features of "
        f"{material.distance_words}; distances are over those that both languages have: {listed(partly)}"
    ]


def describe_run(
    material: Material, weighed: Weighed, settings: ChoosingSettings, report: ProbeReport | None
) -> dict[str, Any]:
    """What decided the choice, for the record."""
    evidence = material.evidence
    said: dict[str, Any] = {
        "arguments": {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(settings).items()},
        "distances": material.distance_words,
        "distances_source": material.distance_source,
        "weighing": weighed.words,
        "candidates": len(material.languages),
        "features_of_measures": None if material.features is None else material.features.kind,
        "versions": {"xalign": version("xalign-toolkit"), "numpy": version("numpy"), "scipy": version("scipy")},
    }
    if evidence is not None:
        said |= {"layer": evidence.layer, "probes": list(evidence.probes), "matrices": list(evidence.matrix_probes)}
    return said if report is None else said | {"model": report.run.get("model"), "corpus": report.run.get("corpus")}
