"""Pictures of the tables: gains over random, kinds of responses beside coverage, and where transport goes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.data_selection.selectors import (
    DRAWN,
    NOT_CENTRED,
    RANDOM,
    RELIABLE,
    TRANSPORT,
    UNCENTRED_RELIABLE,
)
from xalign.figures.canvas import FAINT, FONT_SIZE, INK, PALETTE, QUIET, tidy

PANELS = (TRANSPORT, RELIABLE, NOT_CENTRED, UNCENTRED_RELIABLE)
COLOURS = {
    **{TRANSPORT: PALETTE[0], RELIABLE: PALETTE[2], NOT_CENTRED: PALETTE[1], UNCENTRED_RELIABLE: PALETTE[3]},
    **{RANDOM: QUIET},
}
NAME_STYLE: dict[str, Any] = {"fontsize": FONT_SIZE - 1.5, "ha": "right", "va": "bottom"}
LABEL_GAP = 0.022
"""Between names, as a part of the axis."""


def colour_of(selector: str) -> str:
    """Blue for this project's, grey for random draws, black for all others."""
    return PALETTE[0] if selector.startswith(TRANSPORT) else QUIET if selector in DRAWN else INK


def plot_gains(table: pd.DataFrame, question: str) -> Figure:
    """Draw each selector's gain of accuracy over random, a column per budget.

    Args:
        table: What `tabulate` returned.
        question: `topics` or `sentiment`.

    Returns:
        The figure: bars are 95 % intervals over test sentences and random draws; selectors stand in the order of their
        mean gain.
    """
    rows = table[(table["question"] == question) & (table["selector"] != RANDOM)]
    order = rows.groupby("selector")["gain"].mean().sort_values().index.tolist()
    budgets = sorted(rows["budget"].unique())
    figure = Figure(figsize=(9.6, 1 + 0.2 * len(order)), layout="constrained")
    for ax, budget in zip(figure.subplots(1, len(budgets), sharey=True, sharex=True), budgets, strict=True):
        own = rows[rows["budget"] == budget].set_index("selector").loc[order]
        for place, (name, row) in enumerate(own.iterrows()):
            error = [[row["gain"] - row["gain_low"]], [row["gain_high"] - row["gain"]]]
            ax.errorbar(row["gain"], place, xerr=error, fmt="o", color=colour_of(str(name)), markersize=4, elinewidth=1)
        ax.axvline(0, color=QUIET, linewidth=1)
        ax.set_yticks(range(len(order)), order)
        ax.set_xlabel("accuracy, over random")
        tidy(ax, title=f"{budget:,} of {int(own['n'].iloc[0]):,}", grid="x")
    return figure


def plot_kinds(table: pd.DataFrame, question: str = "instructions") -> Figure:
    """Draw the share of revised responses against the coverage of the target, a point per selector.

    Args:
        table: What `tabulate` returned.
        question: Whose rows.

    Returns:
        The figure, a panel per budget; lines cross at random.
    """
    rows = table[table["question"] == question]
    budgets = sorted(rows["budget"].unique())
    figure = Figure(figsize=(9.6, 6.4), layout="constrained")
    for ax, budget in zip(figure.subplots(1, len(budgets), sharey=True), budgets, strict=True):
        own = rows[rows["budget"] == budget]
        usual = own[own["selector"] == RANDOM].iloc[0]
        ax.axhline(usual["revised"], color=FAINT, linewidth=1)
        ax.axvline(usual["unseen"], color=FAINT, linewidth=1)
        ax.scatter(own["unseen"], own["revised"], color=[colour_of(name) for name in own["selector"]], s=16, zorder=3)
        points = own[["unseen", "revised"]].to_numpy(float)
        _label(ax, points, own["selector"].tolist(), gap=LABEL_GAP * float(np.ptp(rows["revised"])))
        ax.set_xlabel("coverage of instructions that no selector saw")
        tidy(ax, title=f"{budget:,} of {int(usual['n']):,}")
    figure.axes[0].set_ylabel("share of revised responses", fontsize=FONT_SIZE, color=INK)
    return figure


def _label(ax: Axes, points: np.ndarray, names: Sequence[str], *, gap: float) -> None:
    """Name points at the right, one below the other and none below the lowest point."""
    x, y = points.T
    order, steps = np.argsort(-y, kind="stable"), gap * np.arange(len(y))
    downwards = np.minimum.accumulate(y[order] + steps) - steps
    heights = np.maximum(downwards, float(y.min()) + steps[::-1])  # the last ones move the others up, not off the axes
    for i, height in zip(order.tolist(), heights.tolist(), strict=True):
        ax.annotate(
            names[i],
            (float(x[i]), float(y[i])),
            xytext=(float(x.max()) + 0.08 * float(np.ptp(x)), height),
            fontsize=FONT_SIZE - 2.5,
            color=colour_of(names[i]),
            va="center",
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.5},
        )
    ax.set_xlim(right=float(x.max()) + 0.75 * float(np.ptp(x)))


def plot_languages(languages: pd.DataFrame, *, budget: int | None = None) -> Figure:
    """Draw how often each language is chosen against how reliable it is.

    Args:
        languages: What `languages_of` returned.
        budget: Of the choice; None for the middle one.

    Returns:
        The figure: a panel per way of choosing; filled points are wanted languages, 1 is the language's share of the
        pool.
    """
    budgets = sorted(languages["budget"].unique())
    rows = languages[languages["budget"] == (budget or budgets[len(budgets) // 2])]
    figure = Figure(figsize=(9.6, 5.6), layout="constrained")
    for ax, name in zip(figure.subplots(2, 2, sharex=True, sharey=True).ravel(), PANELS, strict=True):
        own = rows[rows["selector"] == name]
        wanted = own["accuracy"].notna()
        times = own["share"] / own["pool"]
        style = {"edgecolors": COLOURS[name], "s": 18, "linewidths": 0.9}
        ax.scatter(own["reliability"][~wanted], times[~wanted], facecolors="none", **style)
        ax.scatter(own["reliability"][wanted], times[wanted], facecolors=COLOURS[name], **style)
        named = zip(own["language"][wanted], own["reliability"][wanted], times[wanted], strict=True)
        for language, x, y in sorted(named, key=lambda point: point[1:]):
            ax.annotate(str(language), (x, y), xytext=(-3, 5), textcoords="offset points", **NAME_STYLE)
        ax.axhline(1, color=FAINT, linewidth=1)
        ax.margins(y=0.14)
        tidy(ax, title=name)
    figure.supxlabel("reliability: retrieval P@1 with English", fontsize=FONT_SIZE, color=INK)
    figure.supylabel("chosen, times its share of the pool", fontsize=FONT_SIZE, color=INK)
    return figure
