"""What a report of probes says of languages: how far each still has to go, and which stand in for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from jaxtyping import Float

from xalign.errors import ProbeError, UnknownNameError
from xalign.measures import MEASURES, lower_is_closer
from xalign.names import nearest

if TYPE_CHECKING:
    from xalign.report import ProbeReport


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the probes say of every candidate.

    Attributes:
        layer: Where the scores were taken.
        probes: The probes whose scores against the pivot were averaged.
        need: 1 minus the score against the pivot, rescaled so that chance is 0 and the best possible 1, cut to [0, 1],
            averaged over the probes; 0 for the pivot itself.
        similarity: The scores between candidates, rescaled and averaged likewise, 1 on the diagonal; None where the
            report has none.
        matrix_probes: The probes behind `similarity`.
        left_out: Probes that compare languages, but whose chance is no floor under a scale to a best value.
    """

    layer: int
    probes: tuple[str, ...]
    need: Float[np.ndarray, " m"]
    similarity: Float[np.ndarray, "m m"] | None
    matrix_probes: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def read_evidence(
    report: ProbeReport,
    languages: Sequence[str],
    *,
    pivot: str,
    probes: Sequence[str] | None = None,
    layer: int | None = None,
) -> Evidence:
    """Read needs and similarities of languages from a report.

    Args:
        report: With scores of every language against the pivot.
        languages: Candidates, by code.
        pivot: The language that scores are taken against.
        probes: The probes to average; None for all of the report that compare two languages on a scale from chance to
            a best value (not colap, whose chance is a ceiling, nor transliteration, which has no best).
        layer: Where; None for the layer at which these languages need least on average.

    Returns:
        Needs and similarities, in the order of `languages`.

    Raises:
        UnknownNameError: If the report lacks a language, a probe or the layer.
        ProbeError: If a score that is needed is not a number.
    """
    _require_languages(report, [*languages, pivot])
    between = _between(report.table, pivot)
    needs = _needs(between, pivot, probes)
    others = [language for language in languages if language != pivot]
    at = _choose_layer(needs[needs["language"].isin(others)], layer)
    wide = needs[needs["layer"] == at].pivot_table(index="language", columns="probe", values="need", dropna=False)
    wide = wide.reindex(index=others)
    names = tuple(str(name) for name in wide.columns)
    _require_numbers(wide, at)
    need = wide.mean(axis=1).reindex(list(languages)).fillna(0.0).to_numpy(float)
    with_matrix = tuple(name for name in names if _has_matrix(report, name, at))
    similarity = _similarity(report, languages, with_matrix, at)
    left_out = () if probes is not None else tuple(name for name in _names(between) if not _is_scale(name))
    return Evidence(at, names, need, similarity, with_matrix, left_out)


def _between(table: pd.DataFrame, pivot: str) -> pd.DataFrame:
    """The rows that compare another language with the pivot."""
    return table[(table["source"] != table["target"]) & ((table["source"] == pivot) | (table["target"] == pivot))]


def _names(rows: pd.DataFrame) -> list[str]:
    """The probes of these rows."""
    return [str(name) for name in rows["probe"].unique()]


def _needs(between: pd.DataFrame, pivot: str, probes: Sequence[str] | None) -> pd.DataFrame:
    """A row per layer, probe and language: how far its score against the pivot is from the best possible."""
    able = [name for name in _names(between) if _is_scale(name)]
    for name in probes or ():
        if name not in able:
            raise UnknownNameError(
                f"probes must be among those that score languages against {pivot} on a scale from chance to a best "
                f"value, got {name!r}{nearest(name, able)}; the report has {', '.join(able) or 'none'}"
            )
    if not able:
        raise UnknownNameError(
            f"the report must have scores against {pivot} that run from chance to a best value, got none; run "
            f"xalign.probe(..., pivot={pivot!r}) with such a probe, as cka or retrieval are"
        )
    rows = between[between["probe"].isin(able if probes is None else list(probes))]
    best = np.where(rows["probe"].map(lower_is_closer), 0.0, 1.0)
    score, chance = rows["score"].to_numpy(float), rows["chance"].to_numpy(float)
    return pd.DataFrame(
        {
            "layer": rows["layer"],
            "probe": rows["probe"],
            "language": rows["target"].where(rows["source"] == pivot, rows["source"]),
            "need": 1 - _rescale(score, chance, best),
        }
    )


def _is_scale(probe: str) -> bool:
    """Whether a probe's score runs from chance to a best value that is known; yes for a name that is not ours."""
    return probe not in MEASURES or MEASURES[probe].chance_is_floor


def _rescale(score: np.ndarray, chance: np.ndarray | float, best: np.ndarray | float) -> np.ndarray:
    """Take chance to 0 and the best possible to 1, and cut what lies beyond; NaN stays."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip((score - chance) / (best - chance), 0.0, 1.0)


def _choose_layer(needs: pd.DataFrame, layer: int | None) -> int:
    """The layer asked for, or that of the least mean need, among those where every probe was taken."""
    per_layer = needs.groupby("layer")["probe"].nunique()
    known = per_layer[per_layer == needs["probe"].nunique()].index.to_numpy(int).tolist()
    if layer is not None and layer not in known:
        raise UnknownNameError(
            f"layer must be one at which all chosen probes were taken, got {layer}; they are {known}"
        )
    if layer is not None:
        return layer
    if not known:
        raise UnknownNameError("probes must share a layer, got none that all have; name fewer probes")
    means = needs[needs["layer"].isin(known)].groupby("layer")["need"].mean()
    return known[int(means.to_numpy(float).argmin())] if means.notna().all() else known[-1]


def _has_matrix(report: ProbeReport, probe: str, layer: int) -> bool:
    return bool(((report.pairs["probe"] == probe) & (report.pairs["layer"] == layer)).any())


def _similarity(
    report: ProbeReport, languages: Sequence[str], probes: Sequence[str], layer: int
) -> Float[np.ndarray, "m m"] | None:
    """The mean over probes of the rescaled scores between languages, each made symmetric."""
    if not probes:
        return None
    total = np.zeros((len(languages), len(languages)))
    for probe in probes:
        rows = report.table[(report.table["probe"] == probe) & (report.table["layer"] == layer)]
        scores = report.matrix(probe, layer).loc[list(languages), list(languages)].to_numpy(float)
        scaled = _rescale(scores, float(rows["chance"].mean()), 0.0 if lower_is_closer(probe) else 1.0)
        scaled = (scaled + scaled.T) / 2
        np.fill_diagonal(scaled, 1.0)
        if np.isnan(scaled).any():
            row, column = np.argwhere(np.isnan(scaled))[0]
            raise ProbeError(
                f"{probe} must be a number between all candidates at layer {layer}, got none between "
                f"{languages[row]} and {languages[column]}; choose other probes"
            )
        total += scaled
    return total / len(probes)


def _require_languages(report: ProbeReport, languages: Sequence[str]) -> None:
    known = set(report.confounds["language"])
    missing = [language for language in dict.fromkeys(languages) if language not in known]
    if missing:
        raise UnknownNameError(
            f"candidates must be languages of the report, which lacks {', '.join(missing[:8])}"
            f"{f' and {len(missing) - 8} more' if len(missing) > 8 else ''}{nearest(missing[0], known)}; probe text "
            "that has them, or leave the report out and choose by features alone"
        )


def _require_numbers(wide: pd.DataFrame, layer: int) -> None:
    rows, columns = np.nonzero(wide.isna().to_numpy())
    if len(rows):
        language, probe = wide.index[rows[0]], wide.columns[columns[0]]
        raise ProbeError(
            f"{probe} must be a number for every candidate at layer {layer}, got none for {language}; choose other "
            "probes or exclude it"
        )
