"""Heat maps: layer by language, and language by language in the order of a clustering."""

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_hex
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from xalign.figures.canvas import FAINT, FONT_SIZE, INK, POINTS_PER_INCH, ensure_axes, relative_luminance, tidy
from xalign.figures.lines import describe_partner
from xalign.figures.names import model_title, name_languages, probe_title, two_decimals
from xalign.figures.reductions import language_scores, select_probe

MAX_ANNOTATED = 12
MAX_ANNOTATED_CELLS = 400
LEAST_FONT_SIZE = 4.0
BAR_LENGTH = 3.0


def plot_language_layers(table: pd.DataFrame, probe: str, *, ax: Axes | None = None) -> Axes:
    """Draw a probe's score as a heat map of languages (rows, highest mean first) by layers (columns).

    Args:
        table: A report's table.
        probe: A probe's name.
        ax: Where to draw; a new figure, as tall as its languages need, if None.

    Returns:
        The Axes.

    Raises:
        UnknownNameError: If the table has no such probe.
    """
    table = select_probe(table, probe)
    scores = language_scores(table)
    scores = scores.loc[scores.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    names = name_languages([*scores.index, *table["source"]])
    ax = ensure_axes(ax, width=2.6 + 0.5 * scores.shape[1], height=1.2 + row_height(len(scores)) * len(scores))
    _frame(ax, title=f"{probe_title(probe)}, {describe_partner(table, names)}")
    values = scores.to_numpy(float)
    image = draw_cells(ax, values, limits=values)
    write_ticks(ax, [names[str(language)] for language in scores.index], axis="y")
    ax.set_xticks(range(scores.shape[1]), [str(layer) for layer in scores.columns])
    ax.set_xlabel("Layer (0 is the embedding output)")
    if scores.size <= MAX_ANNOTATED_CELLS and len(scores) <= 40:
        annotate_cells(ax, image)
    add_colour_bar(ax, image, label=f"Score: {model_title(str(table['model'].iloc[0]))}")
    return ax


def plot_matrix(matrix: pd.DataFrame, *, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw a language by language heat map, languages in the order of `cluster_order`.

    The diagonal is left blank (a language with itself says nothing) and sets no colour limit; a missing score is
    hatched; colours diverge from 0 where scores lie clearly on both sides; 12 languages or fewer have values printed.

    Args:
        matrix: Similarities, higher is closer; index and columns are the same languages in the same order.
        title: What the picture shows.
        ax: Where to draw; a new figure, as large as its names need, if None.

    Returns:
        The Axes.

    Raises:
        ValueError: If index and columns differ or there are fewer than two languages.
    """
    order = cluster_order(matrix)
    ordered = matrix.loc[order, order]
    names = name_languages(order)
    side = 2.2 + row_height(len(order)) * len(order)
    ax = ensure_axes(ax, width=side + 0.8, height=side)
    _frame(ax, title=title)
    values = ordered.to_numpy(float)
    diagonal = np.eye(len(order), dtype=bool)
    image = draw_cells(ax, np.where(diagonal, 0.0, values), limits=values[~diagonal], blank=diagonal)
    words = [names[language] for language in order]
    write_ticks(ax, words, axis="y")
    write_ticks(ax, words, axis="x")
    if len(order) <= MAX_ANNOTATED:
        annotate_cells(ax, image)
    add_colour_bar(ax, image, label="Score")
    ax.set_aspect("equal")
    return ax


def cluster_order(matrix: pd.DataFrame) -> list[str]:
    """Order languages so that similar ones stand together: average linkage, optimal leaf order.

    Args:
        matrix: Similarities, higher is closer; both directions of a pair are averaged; a missing score takes the mean.

    Returns:
        The languages; of the two directions the one that stands nearer to the order of `matrix`.

    Raises:
        ValueError: If index and columns differ or there are fewer than two languages.

    References:
        Bar-Joseph et al. (2001), Fast optimal leaf ordering for hierarchical clustering.
    """
    if list(matrix.index) != list(matrix.columns) or len(matrix) < 2:
        raise ValueError(
            "matrix must have two or more languages, the same in index and columns and in the same order, got "
            f"{len(matrix.index)} rows and {len(matrix.columns)} columns; matrix.loc[languages, languages] orders it"
        )
    order = leaves_list(linkage(squareform(_distances(matrix)), method="average", optimal_ordering=True))
    if order[: len(order) // 2].sum() > order[-(len(order) // 2) :].sum():
        order = order[::-1]
    return [str(matrix.index[i]) for i in order]


def _distances(matrix: pd.DataFrame) -> Float[np.ndarray, "n n"]:
    """Highest similarity of two languages minus each similarity, symmetric, diagonal 0."""
    values = matrix.to_numpy(float)
    filled = np.where(np.isfinite(values), values, values.T)
    symmetric = (filled + np.where(np.isfinite(filled), filled, 0.0).T) / 2
    between = ~np.eye(len(values), dtype=bool)
    known = symmetric[between & np.isfinite(symmetric)]
    mean, top = (known.mean(), known.max()) if len(known) else (0.0, 0.0)
    distances = top - np.where(np.isfinite(symmetric), symmetric, mean)
    np.fill_diagonal(distances, 0.0)
    return (distances + distances.T) / 2


def row_height(n: int) -> float:
    """Inches for one of n languages: enough for a readable name, less where there are many."""
    return 0.24 if n <= 40 else 0.115


def draw_cells(
    ax: Axes,
    values: Float[np.ndarray, "rows columns"],
    *,
    limits: Float[np.ndarray, "..."],
    blank: np.ndarray | None = None,
) -> AxesImage:
    """Draw values as coloured cells; NaN is hatched grey, `blank` cells are white.

    Colours run from the least to the highest of `limits`, or diverge from 0 where scores lie clearly on both sides.
    """
    masked = np.ma.masked_array(values, mask=~np.isfinite(values) | (False if blank is None else blank))
    known = limits[np.isfinite(limits)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    reach = max(abs(low), abs(high))
    diverging = low < -0.05 * reach
    norm = Normalize(-reach, reach) if diverging else Normalize(low, high)
    image = ax.imshow(
        masked, cmap="RdBu" if diverging else "cividis", norm=norm, aspect="auto", interpolation="nearest"
    )
    for row, column in zip(*np.nonzero(~np.isfinite(values)), strict=True):
        corner = (float(column) - 0.5, float(row) - 0.5)
        ax.add_patch(Rectangle(corner, 1, 1, facecolor="#EEEEEE", edgecolor="#AAAAAA", hatch="////", linewidth=0))
    return image


def annotate_cells(ax: Axes, image: AxesImage) -> None:
    """Print each drawn value in its cell, dark on light and light on dark."""
    shown = image.get_array()
    values = np.ma.filled(np.ma.masked_array(shown, dtype=float), np.nan)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            dark = relative_luminance(to_hex(image.to_rgba(value))) < 0.18  # type: ignore[arg-type]
            text = two_decimals(float(value))
            ax.text(
                column, row, text, ha="center", va="center", fontsize=FONT_SIZE - 2, color="#FFFFFF" if dark else INK
            )


def write_ticks(ax: Axes, words: list[str], *, axis: str) -> None:
    """Name rows or columns at a size that fits; where even 4 points would not fit, every k-th is named."""
    box = ax.get_position()
    size = box.height * ax.figure.get_figheight() if axis == "y" else box.width * ax.figure.get_figwidth()  # type: ignore[union-attr]
    room = size * POINTS_PER_INCH / len(words)
    step = max(1, int(np.ceil(LEAST_FONT_SIZE / room)))
    places = range(0, len(words), step)
    font_size = float(np.clip(0.85 * room * step, LEAST_FONT_SIZE, FONT_SIZE))
    if axis == "y":
        ax.set_yticks(places, words[::step])
    else:
        ax.set_xticks(places, words[::step], rotation=90)
    for label in ax.get_yticklabels() if axis == "y" else ax.get_xticklabels():
        label.set_fontsize(font_size)


def add_colour_bar(ax: Axes, image: AxesImage, *, label: str) -> None:
    """Put the scale of the colours at the upper right, 3 inches long or less however tall the picture is."""
    height = ax.get_position().height * ax.figure.get_figheight()  # type: ignore[union-attr]
    shrink = min(0.6, BAR_LENGTH / height)
    bar = ax.figure.colorbar(image, ax=ax, shrink=shrink, pad=0.02, aspect=25, anchor=(0.0, 1.0))
    bar.set_label(label, fontsize=FONT_SIZE, color=INK)
    bar.ax.tick_params(labelsize=FONT_SIZE - 1, colors=INK, length=2, color=FAINT)
    for side in bar.ax.spines.values():
        side.set_visible(False)


def _frame(ax: Axes, *, title: str) -> None:
    tidy(ax, title=title, grid="")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
