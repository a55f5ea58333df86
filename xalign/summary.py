"""From one row per pair of languages to one row per probe and layer."""

import numpy as np
import pandas as pd

from xalign.measures import lower_is_closer

COLUMNS = [
    "model",
    "probe",
    "layer",
    "n_pairs",
    "n_undefined",
    "score",
    "ci_low",
    "ci_high",
    "chance",
    "null_mean",
    "best",
    "worst",
]


def summarise(table: pd.DataFrame, *, n_resamples: int = 1000, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """Average a report's table over pairs of languages.

    Args:
        table: A report's table: a row per model, layer, pair of languages and probe.
        n_resamples: Resamples of the languages behind the interval.
        level: Coverage of the interval.
        seed: Of the resampling.

    Returns:
        A row per model, probe and layer: mean of the defined scores (`n_pairs` of them, beside `n_undefined` NaN),
        percentile bootstrap interval over languages (how much the mean would move with other languages, not with other
        sentences; NaN for fewer than 3 pairs), mean chance and null, and the languages (targets) with the highest and
        the lowest score.
    """
    rows = [
        dict(zip(("model", "probe", "layer"), key, strict=True)) | _average(group, n_resamples, level, seed)
        for key, group in table.groupby(["model", "probe", "layer"], sort=False)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _average(group: pd.DataFrame, n_resamples: int, level: float, seed: int) -> dict[str, object]:
    known = group.dropna(subset=["score"])
    low, high = _interval_over_languages(known, n_resamples=n_resamples, level=level, seed=seed)
    ranked = known.sort_values("score", kind="stable")["target"] if len(known) else pd.Series([None])
    return {
        "n_pairs": len(known),
        "n_undefined": len(group) - len(known),
        "score": known["score"].mean(),
        "ci_low": low,
        "ci_high": high,
        "chance": group["chance"].mean(),
        "null_mean": group["null_mean"].mean(),
        "best": ranked.iloc[-1],
        "worst": ranked.iloc[0],
    }


def _interval_over_languages(pairs: pd.DataFrame, *, n_resamples: int, level: float, seed: int) -> tuple[float, float]:
    """Resample languages: the targets where one pivot is the source of all; else pairs that share one move together."""
    scores = pairs["score"].to_numpy(float)
    if pairs["source"].nunique() <= 1 or (pairs["source"] == pairs["target"]).all():
        return mean_interval(scores, n_resamples=n_resamples, level=level, seed=seed)
    if len(scores) < 3:
        return float("nan"), float("nan")
    names, codes = np.unique(pairs[["source", "target"]].to_numpy().ravel(), return_inverse=True)
    sources, targets = codes.reshape(-1, 2).T
    counts = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_resamples)
    weights = counts[:, sources] * counts[:, targets]
    drawn = weights.sum(axis=1)
    means = (weights @ scores)[drawn > 0] / drawn[drawn > 0]
    return _percentiles(means, level)


def mean_interval(
    values: np.ndarray, *, n_resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean; NaN for fewer than 3 values or where one is missing."""
    n = len(values)
    if n < 3 or np.isnan(values).any():
        return float("nan"), float("nan")
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_resamples)
    return _percentiles(counts @ values / n, level)


def _percentiles(means: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def best_layers(summary: pd.DataFrame) -> pd.DataFrame:
    """The row of each probe's best mean score, the highest unless lower is closer; on a tie the lowest layer."""
    known = summary.dropna(subset=["score"]).sort_values("layer", kind="stable")
    goodness = known["score"].where(~known["probe"].map(lower_is_closer), -known["score"])
    chosen = known.loc[goodness.groupby([known["model"], known["probe"]], sort=False).idxmax()]
    order = {probe: i for i, probe in enumerate(summary["probe"].unique())}
    return chosen.sort_values("probe", key=lambda column: column.map(order), kind="stable").reset_index(drop=True)
