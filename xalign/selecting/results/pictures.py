"""A selection of data in pictures: the plane, languages, cost against budget, every arm beside random draws."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from xalign.figures.canvas import FAINT, FONT_SIZE, INK, MARKERS, PALETTE, QUIET, ensure_axes, tidy
from xalign.figures.names import name_languages
from xalign.figures.pictures import Picture, paint
from xalign.selecting.results.judging import MEASURES, RANDOM

if TYPE_CHECKING:
    from xalign.selecting.results.selection import DataSelection

PLANE_SIZE, CURVE_SIZE, ARMS_SIZE = (7.2, 5.4), (6.4, 4.0), (7.6, 4.0)
MOST_LANGUAGES = 40
KINDS = ("pool", "target", "chosen")
POINTS: dict[str, dict[str, Any]] = {
    "pool": {"c": FAINT, "s": 7.0, "alpha": 0.6, "linewidths": 0},
    "target": {"marker": "^", "s": 34.0, "facecolors": "none", "edgecolors": PALETTE[0], "linewidths": 0.9},
    "chosen": {"c": PALETTE[1], "s": 11.0, "alpha": 0.85, "linewidths": 0},
}
TITLES = {
    "cost": "Cost to the target (lower is closer)",
    "coverage": "Coverage of the target",
    "label_entropy": "Entropy of labels",
    "language_entropy": "Entropy of languages",
    "duplicates": "Duplicate texts",
    "near_duplicates": "Near-duplicates",
    "mean_quality": "Mean quality",
    "mean_length": "Mean length",
}


def plot_plane(selection: DataSelection, *, ax: Axes | None = None) -> Axes:
    """Draw samples of pool, target and chosen in the plane.

    Args:
        selection: With its points.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes; only distances mean anything, and most of them are lost in two dimensions.
    """
    ax = ensure_axes(ax, width=PLANE_SIZE[0], height=PLANE_SIZE[1])
    for order, kind in enumerate(KINDS):
        part = selection.points[selection.points["kind"] == kind]
        ax.scatter(part["x"], part["y"], label=kind, zorder=order + 1, **POINTS[kind])
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_color(FAINT)
    ax.legend(fontsize=FONT_SIZE, frameon=False, labelcolor=INK, loc="best", markerscale=1.4)
    ax.set_title(
        f"{len(selection.rows):,} of {selection.run['pool']['rows']:,} rows by {selection.method}", loc="left",
        fontsize=FONT_SIZE + 2, color=INK, fontweight="bold",
    )  # fmt: skip
    return ax


def plot_shares(selection: DataSelection, *, ax: Axes | None = None) -> Axes:
    """Draw each language's share: of the chosen as bars, of the pool and the target as marks.

    Args:
        selection: With its shares.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes; of more than 40 languages, those whose share of the chosen is largest.
    """
    shares = selection.shares.sort_values([selection.method, "language"], ascending=[False, True]).head(MOST_LANGUAGES)
    ax = ensure_axes(ax, width=6.8, height=_height(len(shares)))
    places = np.arange(len(shares))
    ax.barh(places, shares[selection.method], color=PALETTE[1], alpha=0.75, height=0.7, label="chosen")
    ax.plot(shares["pool"], places, "|", color=INK, markersize=9, markeredgewidth=2, label="pool")
    ax.plot(shares["target"], places, "^", color=PALETTE[0], markersize=5, label="target", clip_on=False, zorder=3)
    names = name_languages(shares["language"])
    ax.set_yticks(places, [names[code] for code in shares["language"]])
    ax.set_ylim(len(shares) - 0.4, -0.6)
    ax.set_xlabel("Share of rows")
    tidy(ax, title="Languages", grid="x")
    ax.legend(
        fontsize=FONT_SIZE, frameon=False, labelcolor=INK, loc="lower right", bbox_to_anchor=(1, 1), ncols=3,
        borderaxespad=0.2,
    )  # fmt: skip
    return ax


def plot_curve(selection: DataSelection, *, ax: Axes | None = None) -> Axes:
    """Draw the cost to the target against budget: beginnings of the choice, and random sets of the same sizes.

    Args:
        selection: With its curve.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes; the band holds one standard deviation of the random sets either side.
    """
    curve = selection.curve
    ax = ensure_axes(ax, width=CURVE_SIZE[0], height=CURVE_SIZE[1])
    low, high = curve["random_cost"] - curve["random_sd"], curve["random_cost"] + curve["random_sd"]
    ax.fill_between(curve["budget"], low, high, color=QUIET, alpha=0.25, linewidth=0)
    ax.plot(curve["budget"], curve["random_cost"], color=QUIET, linewidth=1.5, label="random")
    ax.plot(curve["budget"], curve["cost"], "o-", color=PALETTE[1], linewidth=2, markersize=4, label=selection.method)
    ax.set_xscale("log")
    ax.set_xticks(curve["budget"], [f"{budget:,}" for budget in curve["budget"]])
    ax.minorticks_off()
    ax.set_xlabel("Rows chosen")
    ax.set_ylabel("Transport cost to the target")
    tidy(ax, title="Cost against budget")
    ax.legend(fontsize=FONT_SIZE, frameon=False, labelcolor=INK, loc="best")
    return ax


def plot_arms(selection: DataSelection, *, ax: Axes | None = None) -> Axes:
    """Draw how far every arm lies from random draws, a row per measure.

    Args:
        selection: With its table.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes; the unit is the standard deviation of the draws, squeezed beyond ten, and the band holds two of them.

    Raises:
        ValueError: If no measure varies over the draws.
    """
    rows = {str(row["arm"]): row for row in selection.table.to_dict("records")}
    random = rows.pop(RANDOM)
    shown = [name for name in MEASURES if random[f"{name}_sd"] > 1e-12]
    if not shown:
        raise ValueError("table must hold a measure that varies over random draws, got none; choose fewer rows")
    ax = ensure_axes(ax, width=ARMS_SIZE[0], height=ARMS_SIZE[1])
    ax.axvspan(-2, 2, color=FAINT, alpha=0.35, linewidth=0)
    ax.axvline(0, color=QUIET, linewidth=1)
    for order, (name, row) in enumerate(rows.items()):
        away = [(row[what] - random[what]) / random[f"{what}_sd"] for what in shown]
        ax.plot(
            away, range(len(shown)), linestyle="", marker=MARKERS[(order + 3 * (order // len(PALETTE))) % len(MARKERS)],
            color=PALETTE[(order + 1) % len(PALETTE)], markersize=9 if order == 0 else 6, alpha=0.9, label=name,
            zorder=len(rows) + 2 - order,
        )  # fmt: skip
    ax.set_xscale("symlog", linthresh=10)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_yticks(range(len(shown)), [TITLES[name] for name in shown])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.set_xlabel(f"Standard deviations from the mean of {random['n_sets']} random draws; shaded: within two")
    tidy(ax, title="The choice beside random draws", grid="x")
    ax.legend(
        fontsize=FONT_SIZE - 1, frameon=False, labelcolor=INK, loc="upper center", bbox_to_anchor=(0.4, -0.16), ncols=5
    )
    return ax


def draw_all(selection: DataSelection) -> tuple[Picture, ...]:
    """Draw a selection for its folder and page; pyplot knows of none of them."""
    found = [
        paint(
            "plane", "Where the chosen rows lie",
            "Samples of pool, chosen rows and target on the two directions in which pool and target vary most, "
            "language means taken away.",
            partial(_draw, plot_plane, selection), size=PLANE_SIZE,
        ),
        paint(
            "shares", "Languages",
            "Share of each language: bars are the chosen rows, lines the pool, triangles the target.",
            partial(_draw, plot_shares, selection), size=(6.8, _height(min(MOST_LANGUAGES, len(selection.shares)))),
        ),
        paint(
            "curve", "Cost against budget",
            "Cost of moving the first rows of the choice to the target, and of random sets of the same sizes.",
            partial(_draw, plot_curve, selection), size=CURVE_SIZE,
        ),
    ]  # fmt: skip
    random = selection.table.set_index("arm").loc[RANDOM]
    if any(random[f"{name}_sd"] > 1e-12 for name in MEASURES):
        words = "How far each arm lies from random draws of its size, in their standard deviations."
        found.append(paint("arms", "Beside random draws", words, partial(_draw, plot_arms, selection), size=ARMS_SIZE))
    return tuple(found)


def _draw(plot: Callable[..., Axes], selection: DataSelection, ax: Axes) -> Axes:
    return plot(selection, ax=ax)


def _height(n_languages: int) -> float:
    return 1.4 + 0.22 * n_languages
