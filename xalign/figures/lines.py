"""Score by layer: a line per probe, or a line per language."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from xalign.figures.canvas import (
    FAINT,
    FONT_SIZE,
    INK,
    MARKERS,
    PALETTE,
    QUIET,
    ensure_axes,
    label_line_ends,
    tidy,
)
from xalign.figures.names import model_title, name_languages, probe_title
from xalign.figures.reductions import (
    check_table,
    has_pivot,
    is_alone,
    language_intervals,
    language_scores,
    layer_means,
    select_probe,
)
from xalign.summary import best_layers

N_EXTREMES = 3


def plot_layers(
    table: pd.DataFrame,
    *,
    probe: str | None = None,
    by: str = "probe",
    ax: Axes | None = None,
) -> Axes:
    """Draw score by layer with interval, chance (dashed) and permutation null (mean and 2 sd, shaded).

    Args:
        table: A report's table.
        probe: The one probe to draw; every probe of the table if None.
        by: "probe": a line per probe, the mean over pairs of languages. "target": a line per language of one probe;
            more than 8 are thin grey lines, their mean in bold, the three highest and the three lowest named.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes.

    Raises:
        ValueError: If `by` is neither, or "target" with several probes and none chosen.
        UnknownNameError: If the table has no such probe.
    """
    if by not in ("probe", "target"):
        raise ValueError(f"by must be 'probe' or 'target', got {by!r}")
    table = check_table(table if probe is None and by == "probe" else select_probe(table, probe))
    ax = ensure_axes(ax, width=7.2, height=4.2)
    layers = table["layer"].unique()
    if len(layers) == 1:
        ax.set_xlim(layers[0] - 0.5, layers[0] + 0.5)
        ax.set_xticks(layers)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("Layer (0 is the embedding output)")
    if by == "probe":
        _draw_probes(ax, table)
    else:
        _draw_languages(ax, table)
    return ax


def widened(layer: np.ndarray, *values: np.ndarray) -> tuple[np.ndarray, ...]:
    """A single layer drawn as a short stretch around it, so that its bands and lines can be seen."""
    if len(layer) != 1:
        return layer, *values
    return np.array([layer[0] - 0.2, layer[0] + 0.2]), *(np.repeat(value, 2) for value in values)


def draw_line(ax: Axes, rows: pd.DataFrame, *, order: int, name: str) -> tuple[float, float, str, str]:
    """Draw one line with its interval; returns what `label_line_ends` needs to name it.

    Args:
        ax: Where to draw.
        rows: Columns layer, score, ci_low, ci_high; any order.
        order: Which colour, marker and dash: the first eight are solid, the next eight dashed.
        name: The line's name in words.
    """
    rows = rows.sort_values("layer")
    colour, dash = PALETTE[order % len(PALETTE)], ("-", (0, (5, 2)))[order // len(PALETTE) % 2]
    marker = MARKERS[order % len(MARKERS)]
    layer, score = rows["layer"].to_numpy(), rows["score"].to_numpy(float)
    wide, low, high = widened(layer, rows["ci_low"].to_numpy(float), rows["ci_high"].to_numpy(float))
    ax.fill_between(wide, low, high, color=colour, alpha=0.16, lw=0)
    ax.plot(layer, score, color=colour, linestyle=dash, marker=marker, markersize=4.5, linewidth=1.8, label=name)
    known = np.flatnonzero(np.isfinite(score))
    last = known[-1] if len(known) else 0
    return float(layer[last]), float(np.nan_to_num(score[last])), name, colour


def draw_floor(ax: Axes, means: pd.DataFrame, *, colour: str, named: bool) -> None:
    """Draw what a score must beat: chance as a dashed line, the permutation null as a band of 2 sd around its mean."""
    means = means.sort_values("layer")
    columns = (means[column].to_numpy(float) for column in ("layer", "null_mean", "null_sd", "chance"))
    layer, null, sd, chance = widened(*columns)
    label = "permutation null, mean ± 2 sd of a pair" if named else "_null"
    ax.fill_between(layer, null - 2 * sd, null + 2 * sd, color=colour, alpha=0.28 if named else 0.14, lw=0, label=label)
    if np.isfinite(chance).any():
        ax.plot(layer, chance, color=colour, linestyle=(0, (4, 3)), linewidth=1, label="chance" if named else "_chance")


def finish(ax: Axes, ends: list[tuple[float, float, str, str]], *, interval: str) -> None:
    """Name the lines at their ends and say what band, dashes and shade mean."""
    low, high = ax.get_ylim()
    ax.set_ylim(low, high)
    label_line_ends(ax, ends)
    handles, labels = ax.get_legend_handles_labels()
    floor = [(h, text) for h, text in zip(handles, labels, strict=True) if text == "chance" or "null" in text]
    ax.set_ylabel(f"Score\n{interval}", linespacing=1.4)
    if floor:
        ax.legend(*zip(*floor, strict=True), fontsize=FONT_SIZE - 1, frameon=False, loc="best", labelcolor=INK)


def describe_partner(table: pd.DataFrame, names: Mapping[str, str]) -> str:
    """Say in words what each language of one probe's rows is measured against."""
    if is_alone(table):
        return "each by itself"
    return f"against {names[str(table['source'].iloc[0])]}" if has_pivot(table) else "mean over partners"


def describe_interval(n_pairs: int, *, pivot: bool) -> str:
    """Say in words what the band around a mean is."""
    if n_pairs < 3:
        return "band: 95 % over sentences"
    return f"mean and 95 % interval over {n_pairs} {'languages' if pivot else 'language pairs'}"


def _draw_probes(ax: Axes, table: pd.DataFrame) -> None:
    means = layer_means(table)
    ends, probes = [], list(means["probe"].unique())
    alone = len(probes) == 1
    for order, probe in enumerate(probes):
        rows = means[means["probe"] == probe]
        draw_floor(ax, rows, colour=QUIET if alone else PALETTE[order % len(PALETTE)], named=alone)
        ends.append(draw_line(ax, rows, order=order, name=probe_title(probe)))
    if not alone:
        ax.plot([], [], color=QUIET, linestyle=(0, (4, 3)), linewidth=1, label="chance")
        ax.fill_between([], [], color=QUIET, alpha=0.28, lw=0, label="permutation null, mean ± 2 sd of a pair")
    title = f"{probe_title(probes[0])} by layer" if alone else "Alignment by layer"
    tidy(ax, title=f"{title}: {model_title(str(table['model'].iloc[0]))}")
    pivot = has_pivot(table)
    finish(ax, ends, interval=describe_interval(int(means["n_pairs"].max()), pivot=pivot))


def _draw_languages(ax: Axes, table: pd.DataFrame) -> None:
    means, scores = layer_means(table), language_scores(table)
    draw_floor(ax, means, colour=QUIET, named=True)
    names = name_languages([*scores.index, *table["source"]])
    title = probe_title(str(table["probe"].iloc[0]))
    tidy(ax, title=f"{title} by language, {describe_partner(table, names)}")
    if len(scores) > len(PALETTE):
        finish(ax, _draw_many(ax, scores, means, names), interval=f"each of {len(scores)} languages, and their mean")
        return
    intervals = language_intervals(table)
    ranked = scores.iloc[:, -1].sort_values(ascending=False).index
    ends = [
        draw_line(ax, intervals[intervals["language"] == language], order=order, name=names[language])
        for order, language in enumerate(ranked)
    ]
    finish(ax, ends, interval="95 % interval over " + ("sentences" if has_pivot(table) else "partner languages"))


def _draw_many(
    ax: Axes, scores: pd.DataFrame, means: pd.DataFrame, names: dict[str, str]
) -> list[tuple[float, float, str, str]]:
    """Thin grey lines, the extremes of the best layer in colour, the mean in bold."""
    layers = scores.columns.to_numpy()
    peak = int(best_layers(means)["layer"].iloc[0])
    ranked = list(scores[peak].dropna().sort_values(ascending=False).index)
    extremes = ranked[:N_EXTREMES] + ranked[max(N_EXTREMES, len(ranked) - N_EXTREMES) :]
    ends = []
    for language, row in scores.iterrows():
        bold = language in extremes
        colour = PALETTE[extremes.index(language)] if bold else FAINT
        name = names[str(language)]
        ax.plot(layers, row, color=colour, linewidth=1.4 if bold else 0.8, zorder=2.5 if bold else 2, label=name)
        if bold:
            ends.append((float(layers[-1]), float(row.iloc[-1]), name, colour))
    mean = means.sort_values("layer")
    ax.plot(mean["layer"], mean["score"], color="#000000", linewidth=2.6, zorder=3, label="mean")
    ends.append((float(layers[-1]), float(mean["score"].iloc[-1]), f"mean of {len(scores)}", "#000000"))
    return ends
