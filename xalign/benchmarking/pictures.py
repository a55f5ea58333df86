"""Pictures of a benchmark: a bar per language with its interval, the score by layer, and who finds what where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from xalign.benchmarking.columns import POOL
from xalign.figures import Picture
from xalign.figures.canvas import FONT_SIZE, INK, PALETTE, QUIET, ensure_axes, tidy
from xalign.figures.heatmaps import add_colour_bar, annotate_cells, draw_cells, row_height, write_ticks
from xalign.figures.lines import draw_line
from xalign.figures.names import model_title, name_languages
from xalign.figures.pictures import paint
from xalign.summary import mean_interval

if TYPE_CHECKING:
    from xalign.benchmarking.results import Retrieval

PICTURES = ("bars.png", "layers.png", "matrix.png")
METRICS = {
    "accuracy": "Accuracy",
    "f1": "F1",
    "map": "Mean average precision",
    "top_language": "Share of first answers",
}
MAX_ANNOTATED = 12


def draw_result(result: Retrieval) -> tuple[Picture, ...]:
    """Draw what a page shows: bars; layers, where there are several; a matrix, where all languages meet."""
    bars = language_bars(result)
    size = (7.2, 1.6 + _height(bars) * bars["language"].nunique())
    drawn = [paint("bars", "Languages", _bars_caption(result), lambda ax: plot_bars(result, ax=ax), size=size)]
    if len(result.selection) > 1 or len(result.layers) > 1:
        caption = f"{_metric(result)} by layer, {_layers_words(result)}."
        drawn.append(paint("layers", "Layers", caption, lambda ax: plot_layer_scores(result, ax=ax), size=(7.2, 4.2)))
    matrix = pair_matrix(result)
    if matrix is not None:
        side = pair_side(len(matrix))
        caption = _matrix_caption(result)
        draw = lambda ax: plot_pairs(result, ax=ax)  # noqa: E731
        drawn.append(paint("matrix", "Pairs of languages", caption, draw, size=(side + 0.9, side)))
    return tuple(drawn)


def plot_bars(result: Retrieval, *, ax: Axes | None = None) -> Axes:
    """Draw the headline metric of each language, highest first, with 95 % intervals: as it asks, as it answers.

    Args:
        result: Whose layer `layer` is drawn.
        ax: Where to draw; a new figure, as tall as its languages need, if None.

    Returns:
        The Axes.
    """
    bars = language_bars(result)
    order = bars.groupby("language")["score"].mean().sort_values(ascending=False, kind="stable").index
    names = name_languages([str(language) for language in order])
    ax = ensure_axes(ax, width=7.2, height=1.6 + _height(bars) * len(order))
    series = list(bars["series"].unique())
    thickness = 0.8 / len(series)
    for number, name in enumerate(series):
        rows = bars[bars["series"] == name].set_index("language").reindex(order)
        places = np.arange(len(order)) + (number - (len(series) - 1) / 2) * thickness
        ax.barh(places, rows["score"], height=0.92 * thickness, color=PALETTE[number], alpha=0.75, label=name)
        ax.hlines(places, rows["ci_low"], rows["ci_high"], color=INK, linewidth=0.9)
    chance = float(bars["chance"].mean())
    if np.isfinite(chance):
        ax.axvline(chance, color=QUIET, linestyle=(0, (4, 3)), linewidth=1, label=f"chance {chance:.3f}")
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xlim(0, max(1.0, float(np.nan_to_num(bars["ci_high"].max()))))
    write_ticks(ax, [names[str(language)] for language in order], axis="y")
    ax.set_xlabel(f"{_metric(result)}, with 95 % interval over {interval_words(result)}")
    tidy(ax, title=_title(result), grid="x")
    ax.legend(
        fontsize=FONT_SIZE - 1, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, labelcolor=INK
    )
    ax.set_title(ax.get_title(loc="left"), loc="left", pad=22, fontsize=FONT_SIZE + 2, color=INK, fontweight="bold")
    return ax


def language_bars(result: Retrieval) -> pd.DataFrame:
    """Return `language series score ci_low ci_high chance`: what each language scores as it asks, and as it answers.

    With one partner the interval is the table's, over queries; with several it is a bootstrap over partners.
    """
    rows = _headline_rows(result)
    pivot = result.run["task"]["pivot"]
    found = []
    for series, side, other in (_series(pivot, "source"), _series(pivot, "target")):
        own = (
            rows[(rows[other] == pivot) & (rows[side] != pivot)] if pivot and POOL not in set(rows["target"]) else rows
        )
        across = own[own["source"] != own["target"]]
        for language, group in (across if len(across) else own).groupby(side, sort=False):
            if language != POOL:
                found.append({"language": language, "series": series} | _mean(group))
    return pd.DataFrame(found)


def interval_words(result: Retrieval) -> str:
    """What a language's interval is over: the table's own where it has one partner, else a bootstrap over partners."""
    alone = result.run["task"]["pivot"] is not None or _in_pool(result)
    return "sentences" if alone else "partner languages"


def plot_layer_scores(result: Retrieval, *, ax: Axes | None = None) -> Axes:
    """Draw the headline score by layer: on the rows that chose the layer, or on those reported if every layer is."""
    ax = ensure_axes(ax, width=7.2, height=4.2)
    if len(result.selection):
        rows = result.selection.assign(ci_low=np.nan, ci_high=np.nan)
        chosen = rows[rows["chosen"]].iloc[0]
        ax.plot(chosen["layer"], chosen["score"], "*", color=PALETTE[1], markersize=14, zorder=4)
        place = (chosen["layer"], chosen["score"])
        note = ax.annotate("chosen", place, xytext=(0, -16), textcoords="offset points", fontsize=FONT_SIZE, color=INK)
        note.set(ha="center")
    else:
        head = result.headline
        same = (result.summary[["metric", "direction", "languages"]] == head[["metric", "direction", "languages"]]).all(
            axis=1
        )
        rows = result.summary[same]
        ax.plot(rows["layer"], rows["chance"], color=QUIET, linestyle=(0, (4, 3)), linewidth=1, label="chance")
        ax.legend(fontsize=FONT_SIZE - 1, frameon=False, loc="best", labelcolor=INK)
    draw_line(ax, rows, order=0, name=_metric(result))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("Layer (0 is the embedding output)")
    ax.set_ylabel(f"{_metric(result)}\n{_layers_words(result)}", linespacing=1.4)
    tidy(ax, title=f"{_title(result, layer=False)}: score by layer")
    return ax


def plot_pairs(result: Retrieval, *, ax: Axes | None = None) -> Axes:
    """Draw who asks (rows) against who answers (columns)."""
    matrix = pair_matrix(result)
    if matrix is None:
        raise ValueError("a matrix needs a benchmark in which languages meet in pairs, or in one pool")
    side = pair_side(len(matrix))
    ax = ensure_axes(ax, width=side + 0.9, height=side)
    names = name_languages([str(language) for language in matrix.index])
    tidy(ax, title=_title(result), grid="")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    values = matrix.to_numpy(float)
    image = draw_cells(ax, values, limits=values)
    for axis, languages in (("y", matrix.index), ("x", matrix.columns)):
        write_ticks(ax, [names[str(language)] for language in languages], axis=axis)
    asks, answers = ("question in", "first answer in") if _in_pool(result) else ("asks", "answers")
    ax.set_ylabel(asks)
    ax.set_xlabel(answers)
    if len(matrix) <= MAX_ANNOTATED:
        annotate_cells(ax, image)
    add_colour_bar(ax, image, label=METRICS["top_language"] if _in_pool(result) else _metric(result))
    ax.set_aspect("equal")
    return ax


def pair_side(n: int) -> float:
    """How many inches a matrix of n languages takes, names included; never too few for its title."""
    return max(4.6, 2.2 + row_height(n) * n)


def pair_matrix(result: Retrieval) -> pd.DataFrame | None:
    """Return the score of every source (rows) and target (columns); None where one pivot stands against all."""
    rows = result.table[result.table["layer"] == result.layer]
    metric = "top_language" if _in_pool(result) else str(result.headline["metric"])
    rows = rows[rows["metric"] == metric]
    languages = list(dict.fromkeys([*rows["source"], *rows["target"]]))
    if len(languages) < 3 or (result.run["task"]["pivot"] and not _in_pool(result)):
        return None
    wide = rows.pivot(index="source", columns="target", values="score")
    return wide.reindex(index=languages, columns=languages)


def _headline_rows(result: Retrieval) -> pd.DataFrame:
    rows = result.table[result.table["layer"] == result.layer]
    return rows[rows["metric"] == result.headline["metric"]]


def _series(pivot: str | None, side: str) -> tuple[str, str, str]:
    other = "target" if side == "source" else "source"
    if pivot:
        name = name_languages([pivot])[pivot]
        return (f"to {name}" if side == "source" else f"from {name}"), side, other
    return ("asks" if side == "source" else "answers"), side, other


def _mean(group: pd.DataFrame) -> dict[str, float]:
    low, high = float(group["ci_low"].iloc[0]), float(group["ci_high"].iloc[0])
    if len(group) > 1:
        low, high = mean_interval(group["score"].to_numpy(float))
    return {"score": group["score"].mean(), "ci_low": low, "ci_high": high, "chance": group["chance"].mean()}


def _in_pool(result: Retrieval) -> bool:
    return bool((result.table["target"] == POOL).any())


def _height(bars: pd.DataFrame) -> float:
    return row_height(bars["language"].nunique()) * (1.3 if bars["series"].nunique() > 1 else 1.0)


def _metric(result: Retrieval) -> str:
    metric = str(result.headline["metric"])
    return METRICS.get(metric, metric.replace("_", " "))


def _title(result: Retrieval, *, layer: bool = True) -> str:
    title = f"{result.run['task']['title']}: {model_title(result.run['model']['name'])}"
    return f"{title}, layer {result.layer}" if layer else title


def _layers_words(result: Retrieval) -> str:
    protocol = result.run["protocol"]
    return f"on {protocol['chosen_on']}, which chose" if len(result.selection) else f"on {protocol['reported_on']}"


def _bars_caption(result: Retrieval) -> str:
    return (
        f"{_metric(result)} of each language at layer {result.layer} on {result.run['protocol']['reported_on']}, "
        f"highest mean first; lines are 95 % intervals over {interval_words(result)}, the dashed line is chance."
    )


def _matrix_caption(result: Retrieval) -> str:
    if _in_pool(result):
        return "Where the first answers stand (columns) to questions in a language (rows). Without bias all are alike."
    return f"{_metric(result)} when one language asks (rows) and another answers (columns)."
