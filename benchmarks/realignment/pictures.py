"""Two pictures: what each arm gained, and whether languages gain more the nearer a chosen language is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from benchmarks.realignment.planning import ALL, AWARE, LEAST, MOST, NEEDY, RANDOM
from benchmarks.realignment.rows import CHOSEN, OTHER, OUTCOMES, OUTSIDE, PIVOT_ROLE
from benchmarks.realignment.summarising import WHOLE_POOL, changes_of, in_group, tabulate
from xalign.figures.canvas import FAINT, FONT_SIZE, INK, PALETTE, QUIET, tidy

COLOURS = {MOST: PALETTE[1], LEAST: PALETTE[0], RANDOM: QUIET, AWARE: PALETTE[2], NEEDY: PALETTE[4], ALL: PALETTE[6]}
NAMES = {
    **{
        MOST: "most diverse",
        LEAST: "least diverse",
        RANDOM: "random",
        AWARE: "alignment-aware",
        NEEDY: "by need alone",
    },
    **{ALL: "all 30", WHOLE_POOL: "Pool", CHOSEN: "Chosen", OTHER: "Pool, not chosen", OUTSIDE: "Outside the pool"},
    **{PIVOT_ROLE: "English", "retrieval": "Retrieval P@1", "topics": "Topic accuracy"},
}
DRAWN = (WHOLE_POOL, OTHER, OUTSIDE)
BESIDE = {LEAST: -0.3, RANDOM: -0.15, AWARE: 0.0, NEEDY: 0.15, MOST: 0.3}
"""Where arms stand beside each other at one size."""
NEARNESS = {"nearest": "Typological distance to the nearest chosen", "likest": "CKA with the likest chosen"}
TITLES = {"nearest": "Near by typology", "likest": "Like to the model"}
N_BINS = 8


def plot_gains(rows: pd.DataFrame, model: str) -> Figure:
    """Draw every arm's mean change by size of set, a column per group of languages, a row per outcome.

    Args:
        rows: What `collect_rows` or `read_rows` returned.
        model: `copy` or `mini`.

    Returns:
        The figure: bars are 95 % intervals, small dots the single random sets, the dashed line all 30 languages.
    """
    table = tabulate(rows).query("model == @model")
    changes = changes_of(rows).query("model == @model")
    figure = Figure(figsize=(9.6, 5.6), layout="constrained")
    axes = figure.subplots(len(OUTCOMES), len(DRAWN), sharex=True, sharey="row")
    for line, outcome in zip(axes, OUTCOMES, strict=True):
        for ax, group in zip(line, DRAWN, strict=True):
            part = table.query("outcome == @outcome and group == @group")
            _draw_arms(ax, part, in_group(changes.query("outcome == @outcome"), group))
            tidy(ax, title=NAMES[group] if outcome == OUTCOMES[0] else "")
        line[0].set_ylabel(f"{NAMES[outcome]}, change", fontsize=FONT_SIZE, color=INK)
    for ax in axes[-1]:
        ax.set_xlabel("Languages realigned on", fontsize=FONT_SIZE, color=INK)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=6, frameon=False, fontsize=FONT_SIZE)
    return figure


def plot_nearness(rows: pd.DataFrame, model: str) -> Figure:
    """Draw the gain of languages that were not chosen against how near a chosen one was.

    Languages and sizes of sets differ in what is gained anyway, so both axes are taken relative to the same language's
    mean over the sets of that size: does it gain more than it usually does from sets that come nearer than usual?

    Args:
        rows: What `collect_rows` or `read_rows` returned.
        model: `copy` or `mini`.

    Returns:
        The figure: a point per language and set, means of eight equal parts, and the correlation.
    """
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    for ax, by in zip(figure.subplots(1, 2, sharey=True), NEARNESS, strict=True):
        _draw_nearness(ax, nearness_points(rows, model, by), by)
    return figure


def nearness_points(rows: pd.DataFrame, model: str, by: str, *, outcome: str = "retrieval") -> pd.DataFrame:
    """Return a row per set and language not in it, averaged over seeds: `x` and `y`, without language and size.

    Args:
        rows: What `collect_rows` or `read_rows` returned.
        model: `copy` or `mini`.
        by: `nearest` or `likest`.
        outcome: `retrieval` or `topics`.
    """
    changes = changes_of(rows).query("model == @model and outcome == @outcome and arm != @ALL")
    left = changes[changes["role"].isin([OTHER, OUTSIDE])].rename(columns={by: "x", "change": "y"})
    points = left.groupby(["arm", "k", "draw", "language", "role"])[["x", "y"]].mean().reset_index()
    usual = points.groupby(["k", "language"])[["x", "y"]].transform("mean")
    return points.assign(x=points["x"] - usual["x"], y=points["y"] - usual["y"])


def _draw_arms(ax: Axes, table: pd.DataFrame, changes: pd.DataFrame) -> None:
    sizes = sorted(set(table["k"][table["arm"] != ALL]))
    ax.axhline(0, color=FAINT, linewidth=1)
    for arm, shift in BESIDE.items():
        own = table[table["arm"] == arm]
        if own.empty:
            continue
        places = np.array([sizes.index(k) for k in own["k"]]) + shift
        if arm == RANDOM:
            _draw_draws(ax, changes[changes["arm"] == RANDOM], sizes, shift)
        error = [own["change"] - own["low"], own["high"] - own["change"]]
        style: dict[str, Any] = {"fmt": "o", "color": COLOURS[arm], "markersize": 5, "elinewidth": 1.4}
        ax.errorbar(places, own["change"], yerr=error, label=NAMES[arm], **style)
    everything = table.loc[table["arm"] == ALL, "change"]
    if not everything.empty:
        style = {"color": COLOURS[ALL], "linestyle": (0, (4, 3)), "linewidth": 1}
        ax.axhline(float(everything.iloc[0]), label=NAMES[ALL], **style)
    ax.set_xticks(range(len(sizes)), [str(k) for k in sizes])
    ax.set_xlim(-0.6, len(sizes) - 0.4)


def _draw_draws(ax: Axes, changes: pd.DataFrame, sizes: Sequence[int], shift: float) -> None:
    means = changes.groupby(["k", "draw"])["change"].mean().reset_index()
    places = [sizes.index(k) + shift - 0.07 for k in means["k"]]
    ax.plot(places, means["change"], ".", color=COLOURS[RANDOM], markersize=4, alpha=0.7)


def _draw_nearness(ax: Axes, points: pd.DataFrame, by: str) -> None:
    ax.axhline(0, color=FAINT, linewidth=1)
    ax.axvline(0, color=FAINT, linewidth=1)
    for role, colour in ((OTHER, PALETTE[0]), (OUTSIDE, PALETTE[2])):
        own = points[points["role"] == role]
        ax.plot(own["x"], own["y"], ".", color=colour, markersize=4, alpha=0.45, label=NAMES[role])
    binned = points.groupby(pd.qcut(points["x"], N_BINS, duplicates="drop"), observed=True)[["x", "y"]].mean()
    ax.plot(binned["x"], binned["y"], "o-", color=INK, markersize=5, linewidth=1.4, label="mean of an eighth")
    r = float(stats.pearsonr(points["x"], points["y"]).statistic)
    ax.set_xlabel(f"{NEARNESS[by]}, relative to usual")
    if by == next(iter(NEARNESS)):
        ax.set_ylabel("Change of P@1, relative to usual")
        ax.legend(fontsize=FONT_SIZE - 1, frameon=False, labelcolor=INK)
    tidy(ax, title=f"{TITLES[by]}: r = {r:.2f}")
