"""From one row per pair of languages to averages: both ways, to and from the pivot, of all languages and of subsets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from xalign.benchmarking.columns import POOL, SUMMARY_COLUMNS
from xalign.summary import summarise

EVERY = "all"


def summarise_retrieval(
    table: pd.DataFrame, *, pivot: str | None, subsets: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """Average a benchmark's table over languages.

    Args:
        table: A row per layer, metric and direction of a pair of languages.
        pivot: The language that all others are compared with, or None.
        subsets: Languages that are averaged beside all, where the table has every one of them.

    Returns:
        A row per layer, metric, direction and set of languages; the first of each layer is the headline. `n_rows`
        languages (or pairs) are averaged, and `ci_low` to `ci_high` says how far the mean would move with others (NaN
        for fewer than 3).
    """
    rows = []
    for layer, at_layer in table.groupby("layer", sort=True):
        for metric, direction, frame in _views(at_layer, pivot):
            for name, languages in ({EVERY: None} | dict(subsets or {})).items():
                chosen = _among(frame, languages, pivot)
                if chosen is not None:
                    keys = {"layer": layer, "metric": metric, "direction": direction, "languages": name}
                    rows.append(keys | _average(chosen))
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _views(table: pd.DataFrame, pivot: str | None) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Each metric's rows by direction; the first is the headline."""
    for metric, rows in table.groupby("metric", sort=False):
        if metric == "top_language":
            yield str(metric), "own language", rows[rows["source"] == rows["target"]]
        elif (rows["target"] == POOL).all():
            yield str(metric), "pool of all languages", rows
        elif pivot is not None:
            yield from ((str(metric), direction, frame) for direction, frame in _with_pivot(rows, pivot))
        else:
            yield from ((str(metric), direction, frame) for direction, frame in _without_pivot(rows))


def _with_pivot(rows: pd.DataFrame, pivot: str) -> Iterator[tuple[str, pd.DataFrame]]:
    across = rows[rows["source"] != rows["target"]]
    to, back = across[across["target"] == pivot], across[across["source"] == pivot]
    if len(to) and len(back):
        turned = to.rename(columns={"source": "target", "target": "source"})
        yield "both ways", _mean_of(pd.concat([back, turned]))
    if len(to):
        yield f"to {pivot}", to.rename(columns={"source": "target", "target": "source"})
    if len(back):
        yield f"from {pivot}", back


def _without_pivot(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Across languages, and within where a language was asked of itself."""
    same = rows["source"] == rows["target"]
    if (~same).any():
        yield "across languages", rows[~same]
    if same.any():
        yield "within a language", rows[same]


def _mean_of(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.groupby(["source", "target"], sort=False)[["score", "chance", "null_mean"]].mean().reset_index()


def _among(frame: pd.DataFrame, languages: Sequence[str] | None, pivot: str | None) -> pd.DataFrame | None:
    """The rows of a subset of languages; None where the table lacks one of them."""
    if languages is None:
        return frame
    if pivot is None or not set(languages) <= set(frame["target"]):
        return None
    return frame[frame["target"].isin(languages)]


def _average(frame: pd.DataFrame) -> dict[str, object]:
    own = (frame["source"] == frame["target"]).all() or (frame["target"] == POOL).all()
    frame = frame.assign(target=frame["source"], source=POOL) if own else frame
    found = summarise(frame.assign(model="", probe="", layer=0)).iloc[0]
    return {
        "score": found["score"],
        "ci_low": found["ci_low"],
        "ci_high": found["ci_high"],
        "chance": found["chance"],
        "n_rows": int(found["n_pairs"]),
    }
