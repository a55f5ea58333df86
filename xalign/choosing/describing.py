"""A choice in words: who the candidates are, what the probes say of the chosen, what a reader must know."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from selection.languages import LanguageChoice, LanguageReason
from xalign.choosing.material import Material
from xalign.choosing.results import POOL_COLUMNS
from xalign.choosing.settings import ChoosingSettings
from xalign.choosing.weighing import Weighed
from xalign.figures.names import name_languages
from xalign.report import ProbeReport

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
            "stands_in": weighed.stands_in,
            "weight": np.ones(m) if weighed.weights is None else weighed.weights,
            "order": [order.get(language, 0) for language in material.languages],
            "covered_by": [covering.get(language) for language in material.languages],
        }
    )
    return frame[POOL_COLUMNS]


def with_probes(reason: LanguageReason, pool: pd.DataFrame) -> LanguageReason:
    """Add to a reason what the probes say of the language."""
    row = pool.set_index("language").loc[reason.language]
    told = []
    if not np.isnan(row["need"]):
        told.append(f"needs {row['need']:.2f} of the way from chance to the best")
    if not np.isnan(row["stands_in"]):
        told.append(f"is {row['stands_in']:.2f} like the others to the model")
    return reason if not told else replace(reason, text=f"{reason.text.rstrip('.')}; {' and '.join(told)}.")


def collect_cautions(material: Material, settings: ChoosingSettings, report: ProbeReport | None) -> list[str]:
    """What a reader of the choice must know."""
    said = []
    evidence = material.evidence
    if evidence is not None:
        said.append(
            f"need is the mean over {', '.join(evidence.probes)} at layer {evidence.layer}"
            + (f", likeness to the model over {', '.join(evidence.matrix_probes)}" if evidence.matrix_probes else "")
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
                f"(grasp=0 counts them in full): {', '.join(out_of_reach)}"
            )
    if report is None and (settings.need, settings.coverage) != (0, 0):
        said.append("no report was given: need and coverage do not count, the distances alone decide")
    return said


def describe_run(
    material: Material, weighed: Weighed, settings: ChoosingSettings, report: ProbeReport | None
) -> dict[str, Any]:
    """What decided the choice, for the record."""
    evidence = material.evidence
    said: dict[str, Any] = {
        "arguments": {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(settings).items()},
        "distances": material.distance_words,
        "weighing": weighed.words,
        "candidates": len(material.languages),
        "features_of_measures": None if material.features is None else material.features.kind,
        "versions": {"xalign": version("xalign-toolkit"), "numpy": version("numpy"), "scipy": version("scipy")},
    }
    if evidence is not None:
        said |= {"layer": evidence.layer, "probes": list(evidence.probes), "matrices": list(evidence.matrix_probes)}
    return said if report is None else said | {"model": report.run.get("model"), "corpus": report.run.get("corpus")}
