"""Alignment and transfer in one picture: accuracy against a probe's score, and every probe's correlation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from xalign.figures.canvas import FONT_SIZE, INK, PALETTE, QUIET, ensure_axes, tidy
from xalign.figures.confounding import name_points
from xalign.figures.heatmaps import row_height
from xalign.figures.names import probe_title, two_decimals
from xalign.figures.pictures import Picture, paint
from xalign.measures import lower_is_closer

if TYPE_CHECKING:
    from xalign.transferring import Transfer

N_SCRIPTS = 5
SIZE = (6.4, 4.6)


def plot_transfer(points: pd.DataFrame, correlation: Mapping[str, Any], *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against a probe's score, a point per language.

    Args:
        points: `Transfer.points(probe)`: a row per language with probe, layer, score, accuracy, its interval, chance
            and script.
        correlation: The row of `Transfer.correlations` of the same probe and layer.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes; the most frequent scripts have colours, the extremes are named.

    Raises:
        ValueError: If no language has both a score and an accuracy.
    """
    points = points.dropna(subset=["score", "accuracy"]).reset_index(drop=True)
    if points.empty:
        raise ValueError("points must hold a language with score and accuracy, got none; choose another probe or layer")
    ax = ensure_axes(ax, width=SIZE[0], height=SIZE[1])
    for order, (script, rows) in enumerate(_by_script(points)):
        colour = QUIET if script == "other" else PALETTE[order]
        ax.vlines(rows["score"], rows["ci_low"], rows["ci_high"], color=colour, linewidth=0.8, alpha=0.5)
        ax.plot(rows["score"], rows["accuracy"], "o", color=colour, markersize=5, label=f"{script} ({len(rows)})")
    chance = float(points["chance"].iloc[0])
    ax.axhline(chance, color=QUIET, linestyle=(0, (4, 3)), linewidth=1, label="most frequent topic")
    ax.margins(x=0.12)
    probe, layer = str(points["probe"].iloc[0]), int(points["layer"].iloc[0])
    ax.set_xlabel(f"{_titled(probe)}, layer {layer}")
    ax.set_ylabel("Zero-shot accuracy, with 95 % interval over sentences")
    tidy(ax, title=f"{probe_title(probe)}: {_describe(correlation)}")
    ax.legend(fontsize=FONT_SIZE - 1, frameon=False, loc="best", labelcolor=INK)
    name_points(ax, points.rename(columns={"score": "confound", "accuracy": "score"}))
    return ax


def plot_correlations(best: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw a row per probe: its Pearson correlation with accuracy, and the partial one as a hollow marker.

    Args:
        best: `Transfer.best`, or other rows of `Transfer.correlations`, a row per probe.
        ax: Where to draw; a new figure, as tall as its probes need, if None.

    Returns:
        The Axes; thick lines are 95 % intervals over languages, thin ones hold for all probes at once.

    Raises:
        ValueError: If no probe has a correlation.
    """
    rows = best.dropna(subset=["pearson"]).reset_index(drop=True)
    if rows.empty:
        raise ValueError("best must hold a probe with a correlation, got none; give 5 languages or more")
    ax = ensure_axes(ax, width=6.8, height=_height(len(rows)))
    places = np.arange(len(rows))
    ax.axvline(0, color=QUIET, linewidth=1, zorder=1)
    ax.hlines(places, rows["pearson_joint_low"], rows["pearson_joint_high"], color=PALETTE[0], linewidth=0.9)
    ax.hlines(places, rows["pearson_low"], rows["pearson_high"], color=PALETTE[0], linewidth=3, alpha=0.55)
    ax.plot(rows["pearson"], places, "o", color=PALETTE[0], markersize=6, label="Pearson")
    ax.plot(
        rows["partial"], places, "o", markerfacecolor="white", markeredgecolor=PALETTE[1], markersize=6,
        label="given script and length", zorder=3,
    )  # fmt: skip
    ax.set_yticks(places, [_titled(str(probe)) for probe in rows["probe"]])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    drawn = rows[["pearson_joint_low", "pearson_joint_high", "partial"]].to_numpy(float)
    ax.set_xlim(max(-1.02, np.nanmin(drawn, initial=0) - 0.04), min(1.02, np.nanmax(drawn, initial=0) + 0.04))
    ax.set_xlabel("Correlation with accuracy; thick: 95 % over languages, thin: for all probes at once")
    ax.legend(fontsize=FONT_SIZE - 1, frameon=False, loc="best", labelcolor=INK)
    tidy(ax, title=f"Does alignment predict transfer? Layer {int(rows['layer'].iloc[0])}", grid="x")
    return ax


def draw_transfer(result: Transfer) -> tuple[Picture, ...]:
    """Draw what a study of transfer found: all correlations at the headline's layer, then each probe's points.

    Args:
        result: What `xalign.transfer` returned.

    Returns:
        The pictures `correlations` and `transfer_<probe>`; those of which nothing can be drawn are left out. pyplot
        knows of none of them.
    """
    best = result.best.dropna(subset=["pearson"])
    if best.empty:
        return ()
    overview = paint(
        "correlations",
        "All probes",
        "Pearson correlation of each probe's score with zero-shot accuracy, over languages. Thick: its 95 % interval. "
        "Thin: the interval for all probes at once. Hollow: what is left with script and sentence length held fixed.",
        partial(_draw_correlations, best),
        size=(6.8, _height(len(best))),
    )
    return (overview, *(_scatter(result, row) for row in best.to_dict("records")))


def _scatter(result: Transfer, row: Mapping[Any, Any]) -> Picture:
    probe, layer = str(row["probe"]), int(row["layer"])
    title = probe_title(probe)
    return paint(
        f"transfer_{probe}",
        title,
        f"Zero-shot accuracy of a topic probe against {title} at layer {layer}: a point a language, a colour a script.",
        partial(_draw_points, result.points(probe, layer), row),
        size=SIZE,
    )


def _draw_correlations(best: pd.DataFrame, ax: Axes) -> Axes:
    return plot_correlations(best, ax=ax)


def _draw_points(points: pd.DataFrame, correlation: Mapping[str, Any], ax: Axes) -> Axes:
    return plot_transfer(points, correlation, ax=ax)


def _by_script(points: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The most frequent scripts, then all others together; a script of a single language is among these."""
    counts = points["script"].value_counts()
    named = list(counts[counts > 1].index[:N_SCRIPTS])
    parts = [(str(script), points[points["script"] == script]) for script in named]
    rest = points[~points["script"].isin(named)]
    return parts if rest.empty else [*parts, ("other", rest)]


def _describe(correlation: Mapping[str, Any]) -> str:
    """Say both correlations with their intervals, over how many languages."""
    said = []
    for sign, name in (("r", "pearson"), ("ρ", "spearman")):
        value, low, high = (two_decimals(float(correlation[name + end])) for end in ("", "_low", "_high"))
        said.append(f"{sign} = {value} [{low}, {high}]")
    return f"{', '.join(said)}, {int(correlation['n'])} languages"


def _titled(probe: str) -> str:
    return probe_title(probe) + (" (lower is closer)" if lower_is_closer(probe) else "")


def _height(n_probes: int) -> float:
    return 1.6 + 1.2 * row_height(n_probes) * n_probes
