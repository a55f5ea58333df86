"""What a report of probes says of each language: how far its vectors can be trusted, and how much it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xalign.errors import UnknownNameError
from xalign.selecting.reading import UNKNOWN

if TYPE_CHECKING:
    from xalign.report import ProbeReport

LEAST = 0.05
"""No language counts for less: its cost would have no bound."""


@dataclass(frozen=True)
class Reliability:
    """Of every language of a pool, from one layer of a report.

    Attributes:
        by_language: 1 - need, in [0.05, 1]: the share of the way from chance to the best that probes see.
        need: What lacks, in [0, 1].
        layer: Where scores were read.
        probes: Which were averaged.
    """

    by_language: Mapping[str, float]
    need: Mapping[str, float]
    layer: int
    probes: tuple[str, ...]


def read_reliability(
    report: ProbeReport | str | Path, languages: Sequence[str], *, pivot: str = "eng_Latn", layer: int | None = None
) -> Reliability:
    """Read how far each language is aligned.

    Args:
        report: A `ProbeReport` or its folder.
        languages: Of the pool, by code.
        pivot: The language that scores are taken against; its own reliability is 1.
        layer: Where; None for the layer at which these languages need least.

    Returns:
        Reliability and need by language.

    Raises:
        UnknownNameError: If the report lacks a language of the pool, or the pool's languages are not known.
        XalignError: If there is no such report.
    """
    from xalign.choosing.evidence import read_evidence
    from xalign.report import ProbeReport

    if UNKNOWN in languages:
        raise UnknownNameError(
            "report tells of languages, but rows of the pool have none; name the field that says it with "
            "--language-field (language_field), or detect it with @detect"
        )
    loaded = report if isinstance(report, ProbeReport) else ProbeReport.load(report)
    evidence = read_evidence(loaded, languages, pivot=pivot, layer=layer)
    need = {language: float(value) for language, value in zip(languages, evidence.need, strict=True)}
    return Reliability(
        {language: max(LEAST, 1 - value) for language, value in need.items()}, need, evidence.layer, evidence.probes
    )
