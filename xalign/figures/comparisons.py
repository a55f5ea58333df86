"""Two reports in one picture: score by layer of both, and the change of each language."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from xalign.figures.canvas import FAINT, FONT_SIZE, INK, PALETTE, QUIET, ensure_axes, readable, tidy
from xalign.figures.heatmaps import row_height
from xalign.figures.lines import describe_interval, draw_floor, draw_line, finish
from xalign.figures.names import name_languages, probe_title
from xalign.figures.reductions import best_layer, has_pivot, layer_means, select_layer, select_probe

SIDES = ("before", "after")


def plot_comparison(
    comparison: pd.DataFrame, probe: str, *, names: tuple[str, str] = SIDES, ax: Axes | None = None
) -> Axes:
    """Draw score by layer of two reports, over the pairs of languages that both have.

    Args:
        comparison: `ReportComparison.table`: a row per row that two reports share, with `before`, `after` and both
            sides' chance, null and interval (`chance_before`, `ci_low_after`, ...).
        probe: A probe's name.
        names: What to call the two sides.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes.

    Raises:
        UnknownNameError: If the comparison has no such probe.
    """
    rows = select_probe(comparison, probe)
    ax = ensure_axes(ax, width=7.2, height=4.2)
    means = [layer_means(one_side(rows, side)) for side in SIDES]
    draw_floor(ax, means[1], colour=QUIET, named=True)
    ends = [draw_line(ax, mean, order=order, name=names[order]) for order, mean in enumerate(means)]
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("Layer (0 is the embedding output)")
    tidy(ax, title=f"{probe_title(probe)}: {names[0]} and {names[1]}")
    finish(ax, ends, interval=describe_interval(int(means[0]["n_pairs"].max()), pivot=has_pivot(rows)))
    return ax


def plot_changes(
    comparison: pd.DataFrame,
    probe: str,
    *,
    layer: int | None = None,
    names: tuple[str, str] = SIDES,
    ax: Axes | None = None,
) -> Axes:
    """Draw each pair of languages as a dumbbell from its score before to its score after, greatest gain first.

    Args:
        comparison: `ReportComparison.table`, as for `plot_comparison`.
        probe: A probe's name.
        layer: Which layer; the one of the highest mean score after if None.
        names: What to call the two sides.
        ax: Where to draw; a new figure, as tall as its languages need, if None.

    Returns:
        The Axes; thin lines are the intervals over sentences, the number at the right is the change.

    Raises:
        UnknownNameError: If the comparison has no such probe or layer.
    """
    rows = select_probe(comparison, probe)
    chosen = best_layer(one_side(rows, "after")) if layer is None else layer
    rows = select_layer(rows, chosen).sort_values("change", ascending=False, kind="stable", na_position="last")
    ax = ensure_axes(ax, width=6.8, height=1.5 + row_height(len(rows)) * len(rows))
    places = np.arange(len(rows))
    ax.hlines(places, rows["before"], rows["after"], color=FAINT, linewidth=3.5, zorder=2)
    for order, side in enumerate(SIDES):
        _draw_side(ax, rows, side, places + (0.18, -0.18)[order], order=order, name=names[order])
    _label_rows(ax, rows)
    ax.set_xlabel("Score, with 95 % interval over sentences; change at the right")
    tidy(ax, title=f"{probe_title(probe)}, layer {chosen}: change by language", grid="x")
    _name_sides(ax, rows.iloc[0], names)
    return ax


def one_side(rows: pd.DataFrame, side: str) -> pd.DataFrame:
    """Turn a comparison's rows back into a report's table, of the report `before` or `after`.

    Raises:
        ValueError: If the rows lack a column of that side.
    """
    judged = ("model", "chance", "null_mean", "null_sd", "p_value", "ci_low", "ci_high", "n")
    wanted = {side: "score"} | {f"{column}_{side}": column for column in judged}
    missing = [column for column in wanted if column not in rows.columns]
    if missing:
        raise ValueError(
            f"comparison must have both reports' columns, lacks {missing}; pass report.compare(other).table"
        )
    return rows[["layer", "source", "target", "probe", *wanted]].rename(columns=wanted)


def _draw_side(ax: Axes, rows: pd.DataFrame, side: str, places: np.ndarray, *, order: int, name: str) -> None:
    colour = PALETTE[order]
    ax.hlines(places, rows[f"ci_low_{side}"], rows[f"ci_high_{side}"], color=colour, linewidth=1.0, zorder=2.5)
    ax.plot(rows[side], np.arange(len(rows)), "o", color=colour, markersize=5.5, zorder=3, label=name)


def _name_sides(ax: Axes, first: pd.Series, names: tuple[str, str]) -> None:
    """Write what the colours mean above the first row's two dots, each towards its own side."""
    rising = first["before"] <= first["after"]
    for order, side in enumerate(SIDES):
        align = "right" if (order == 0) == rising else "left"
        colour = readable(PALETTE[order])
        ax.text(first[side], -0.55, names[order], ha=align, va="bottom", color=colour, fontsize=FONT_SIZE)


def _label_rows(ax: Axes, rows: pd.DataFrame) -> None:
    """Languages at the left, the change at the right."""
    names = name_languages([*rows["source"], *rows["target"]])
    one_source = has_pivot(rows)
    words = [
        names[target] if one_source else f"{names[source]} – {names[target]}"
        for source, target in zip(rows["source"], rows["target"], strict=True)
    ]
    font_size = FONT_SIZE if len(rows) <= 40 else FONT_SIZE - 3
    ax.set_yticks(range(len(rows)), words)
    ax.set_ylim(len(rows) - 0.4, -1.5)
    for place, change in enumerate(rows["change"]):
        text = f"{change:+.3f}".replace("-", "−")
        ax.text(1.01, place, text, transform=ax.get_yaxis_transform(), va="center", fontsize=font_size - 1, color=INK)
