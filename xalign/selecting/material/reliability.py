"""What a report of probes says of each language: how far its vectors can be trusted, and how much it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from xalign.errors import UnknownNameError
from xalign.selecting.pools.reading import UNKNOWN, code_of

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


def describe_reliability(found: Reliability) -> str:
    """What a reader must know of it."""
    lowest = sorted(found.by_language, key=lambda name: (found.by_language[name], name))[:3]
    told = ", ".join(f"{name} {found.by_language[name]:.2f}" for name in lowest)
    return f"languages count as far as the report says that they are aligned (layer {found.layer}); least: {told}"


def read_reliability(
    report: ProbeReport | str | Path, languages: Sequence[str], *, pivot: str = "eng_Latn", layer: int | None = None
) -> Reliability:
    """Read how far each language is aligned.

    Args:
        report: A `ProbeReport` or its folder.
        languages: Of the pool, by code.
        pivot: The language that scores are taken against, in any spelling; its own reliability is 1.
        layer: Where; None for the layer at which these languages need least.

    Returns:
        Reliability and need by language.

    Raises:
        UnknownNameError: If the report lacks a language of the pool, or was taken against another than the pivot, or
            the pool's languages are not known.
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
    pivot = code_of(pivot)
    _require_pivot(loaded, pivot)
    _require_languages(loaded, languages)
    evidence = read_evidence(loaded, languages, pivot=pivot, layer=layer)
    need = {language: float(value) for language, value in zip(languages, evidence.need, strict=True)}
    return Reliability(
        {language: max(LEAST, 1 - value) for language, value in need.items()}, need, evidence.layer, evidence.probes
    )


def _require_pivot(report: ProbeReport, pivot: str) -> None:
    """Refuse a pivot that the report's scores are not taken against."""
    rows = report.table[report.table["source"] != report.table["target"]]
    pairs = pd.concat([rows[["source", "target"]], rows[["target", "source"]].set_axis(["source", "target"], axis=1)])
    partners = pairs.groupby("source")["target"].nunique()
    able = [str(name) for name in partners.index[partners == len(partners) - 1]]
    if pivot not in able:
        instead = f"; give --pivot {able[0]} (pivot={able[0]!r})" if able else ""
        raise UnknownNameError(
            f"pivot must be what the report compares all languages with, {' or '.join(able[:8]) or 'which it lacks'}, "
            f"got {pivot!r}{instead}"
        )


def _require_languages(report: ProbeReport, languages: Sequence[str]) -> None:
    """Refuse a pool in languages that the report does not tell of."""
    lacking = [name for name in languages if name not in set(report.confounds["language"])]
    if lacking:
        raise UnknownNameError(
            f"report must tell of every language of the pool, but lacks {', '.join(lacking[:8])}"
            f"{f' and {len(lacking) - 8} more' if lacking[8:] else ''}; probe text that has these too, take their rows "
            "out of the pool, or leave --report (report) out"
        )
