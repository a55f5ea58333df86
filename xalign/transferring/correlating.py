"""How far each probe's score goes with transfer, over languages: plain, by rank, with script and length held fixed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Shaped

from probes.judging import draw_resamples
from xalign.transferring.estimating import (
    correlations,
    holm,
    interval,
    joint_level,
    partial_correlations,
    ranks,
    shuffled_p_value,
)

MINIMUM = 5
"""Languages below which no correlation is taken."""
STATISTICS = ("pearson", "spearman", "partial")
ENDS = ("", "_low", "_high", "_joint_low", "_joint_high")
CORRELATION_COLUMNS = [
    *("layer", "probe", "n", "n_partial"),
    *(statistic + end for statistic in STATISTICS for end in ENDS),
    *("p_value", "p_corrected", "behind", "behind_low", "behind_high"),
]


def correlate_all(
    scores: pd.DataFrame, accuracy: pd.DataFrame, confounds: pd.DataFrame, *, n_resamples: int, seed: int
) -> pd.DataFrame:
    """Correlate every probe at every layer with the accuracy at that layer, over the languages that have both.

    Every probe sees the same resamples of languages.

    Args:
        scores: Columns probe, layer, language, score.
        accuracy: Columns layer, language, accuracy.
        confounds: Columns language, script, tokens_per_sentence.
        n_resamples: Resamples of the languages behind the intervals.
        seed: Of resamples and permutations.

    Returns:
        A row per layer and probe. Of `pearson`, `spearman` and `partial` (Pearson of what script and log tokens per
        sentence leave unexplained of both; over `n_partial` languages, those whose script another one shares): the
        value, its 95 % percentile interval (`_low`, `_high`), and the interval that holds for all probes of the layer
        at once (`_joint_low`, `_joint_high`). `p_value`: of `pearson`, two-sided, by permuting languages; `p_corrected`
        by Holm's method for the number of the layer's probes. `behind`: how far the size of `pearson` stays behind the
        layer's largest, with its interval over the same resamples; where that holds 0, the two predict about as well.
        What cannot be taken (fewer than 5 languages, a column that does not vary) is NaN.
    """
    rows: list[dict[str, Any]] = []
    judged = confounds[confounds["language"].isin(scores["language"])].set_index("language")
    drawn = draw_resamples(max(1, len(judged)), n_resamples, seed=seed)[:, : len(judged)]
    weights = np.vstack([np.ones((1, len(judged))), drawn])
    for layer, of_layer in accuracy.groupby("layer"):
        target = of_layer.set_index("language")["accuracy"].reindex(judged.index).to_numpy(float)
        found = {
            str(probe): correlate(
                group.set_index("language")["score"].reindex(judged.index).to_numpy(float),
                target,
                scripts=judged["script"].tolist(),
                tokens=judged["tokens_per_sentence"].to_numpy(float),
                weights=weights,
                seed=seed,
            )
            for probe, group in scores[scores["layer"] == layer].groupby("probe", sort=False)
        }
        rows += [{"layer": layer} | row for row in _rows(found)]
    return pd.DataFrame(rows, columns=CORRELATION_COLUMNS)


@dataclass(frozen=True, eq=False)
class Correlated:
    """One probe at one layer.

    Attributes:
        n: Languages that have score and accuracy.
        n_partial: Those of them whose script another one shares.
        drawn: By statistic its value (first) and its resamples; NaN where it cannot be taken.
        p_value: Of the Pearson correlation.
    """

    n: int
    n_partial: int
    drawn: dict[str, Float[np.ndarray, " m"]]
    p_value: float


def correlate(
    score: Float[np.ndarray, " n"],
    accuracy: Float[np.ndarray, " n"],
    *,
    scripts: Sequence[str],
    tokens: Float[np.ndarray, " n"],
    weights: Shaped[np.ndarray, "m n"],
    seed: int,
) -> Correlated:
    """Correlate a probe's score with accuracy, a value per language.

    Args:
        score: NaN where it is not defined; such a language is left out.
        accuracy: Likewise.
        scripts: Each language's script.
        tokens: Each language's tokens per sentence.
        weights: How often each language is drawn; the first row has each once.
        seed: Of the permutations.
    """
    known = ~np.isnan(score) & ~np.isnan(accuracy)
    alike = known & _shares_script(scripts, known)
    drawn = dict.fromkeys(STATISTICS, np.full(len(weights), np.nan))
    p_value = float("nan")
    if known.sum() >= MINIMUM:
        x, y, chosen = score[known], accuracy[known], weights[:, known]
        drawn["pearson"] = correlations(x[None], y[None], chosen)
        drawn["spearman"] = correlations(ranks(x, chosen), ranks(y, chosen), chosen)
        p_value = float("nan") if np.isnan(drawn["pearson"][0]) else shuffled_p_value(x, y, seed=seed)
    held = design(np.array(scripts)[alike], tokens[alike])
    if alike.sum() >= max(MINIMUM, held.shape[1] + 3):
        drawn["partial"] = partial_correlations(score[alike], accuracy[alike], held, weights[:, alike])
    return Correlated(int(known.sum()), int(alike.sum()), drawn, p_value)


def explained_by_confounds(
    accuracy: Float[np.ndarray, " n"], scripts: Sequence[str], tokens: Float[np.ndarray, " n"]
) -> float:
    """Return the share of accuracy's variance over languages that script and log tokens explain (adjusted R squared).

    What a probe must be seen against; over the languages that share their script with another. NaN for too few.
    """
    alike = _shares_script(scripts, np.ones(accuracy.size, dtype=bool))
    y, held = accuracy[alike], design(np.array(scripts)[alike], tokens[alike])
    n, k = held.shape
    if n < k + 3 or np.ptp(y) == 0:
        return float("nan")
    left = y - held @ np.linalg.lstsq(held, y, rcond=None)[0]
    return float(1 - (left @ left / (n - k)) / np.var(y, ddof=1))


def design(scripts: Shaped[np.ndarray, " n"], tokens: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n k"]:
    """Return what is held fixed: a column for each script (they add up to one), and log tokens per sentence."""
    return np.column_stack([scripts[:, None] == np.unique(scripts)[None, :], np.log(tokens)]).astype(float)


def _shares_script(scripts: Sequence[str], known: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Say which languages have a script that a second known one has: alone with it, it explains any score."""
    names, counts = np.unique(np.array(scripts)[known], return_counts=True)
    return np.isin(np.array(scripts), names[counts > 1])


def _rows(found: dict[str, Correlated]) -> list[dict[str, Any]]:
    """Put the probes of one layer beside each other, where they are corrected for their number and compared."""
    if not found:
        return []
    levels = {name: joint_level(np.stack([one.drawn[name][1:] for one in found.values()])) for name in STATISTICS}
    sizes = np.abs(np.stack([one.drawn["pearson"] for one in found.values()]))
    behind = sizes[np.argmax(np.nan_to_num(sizes[:, 0], nan=-1.0))] - sizes
    rows = [
        {"probe": probe, "n": one.n, "n_partial": one.n_partial, "p_value": one.p_value}
        | {f"behind{end}": value for end, value in zip(ENDS, (left[0], *interval(left[1:])), strict=False)}
        | {name + end: value for name in STATISTICS for end, value in _ends(one.drawn[name], levels[name])}
        for (probe, one), left in zip(found.items(), behind, strict=True)
    ]
    corrected = holm(np.array([one.p_value for one in found.values()]))
    return [row | {"p_corrected": value} for row, value in zip(rows, corrected, strict=True)]


def _ends(drawn: Float[np.ndarray, " m"], level: float) -> Iterator[tuple[str, float]]:
    """Name a statistic's value and the ends of its intervals."""
    values = (float(drawn[0]), *interval(drawn[1:]), *interval(drawn[1:], level))
    return zip(ENDS, values, strict=True)
