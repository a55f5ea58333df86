"""The word alignment of a sentence pair: similarity as shade, gold links as frames, predicted links as marks."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from xalign.figures.canvas import FAINT, FONT_SIZE, INK, PALETTE, POINTS_PER_INCH, QUIET, ensure_axes, tidy
from xalign.figures.glyphs import Labels, label_words
from xalign.figures.pictures import Picture, paint
from xalign.word_alignment.alignment import Link

Links = Collection[Link]
DASHES = (0, (2, 1.5))
SHADES = LinearSegmentedColormap.from_list("similarity", ["#FFFFFF", "#DCE9F3", "#8DBBDB"])
RIGHT, WRONG = PALETTE[0], PALETTE[1]
ROMANISED = "italic: romanised, as no installed font has these letters"
LEGEND_HEIGHT = 0.5
BAR_ROOM = 0.8
LETTER = 0.075
DEFAULT_SHARE = 0.775
"""What matplotlib's default margins leave of a figure's side."""


def plot_alignment(  # noqa: PLR0913 - what is drawn
    source: Sequence[str],
    target: Sequence[str],
    links: Links,
    *,
    similarity: Float[np.ndarray, "s t"] | None = None,
    sure: Links | None = None,
    possible: Links | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the links of a sentence pair as a matrix, source words down the side and target words along the top.

    Words are counted from 0. A dot is a predicted link; with gold links, a cross is one that is not among them, a solid
    frame is a sure gold link, a dashed frame a possible one; so an empty solid frame is a link that was missed. Words
    in a script that no installed font has are romanised, and it is said so.

    Args:
        source: The source words, at least one.
        target: The target words, at least one.
        links: The predicted links (source word, target word).
        similarity: The words' cosines, as the shade of the cells; NaN is left white.
        sure: Gold links that must be found.
        possible: Gold links that are not wrong; may include the sure ones.
        title: What the picture shows.
        ax: Where to draw; a new figure, as large as its words need, if None.

    Returns:
        The Axes.

    Raises:
        ValueError: If a side has no words, a link leads outside them, or the matrix has another shape.
    """
    _check(source, target, similarity, links=links, sure=sure or (), possible=possible or ())
    ax = ensure_axes(ax, **dict(zip(("width", "height"), alignment_size(source, target), strict=True)))
    tidy(ax, title=title, grid="")
    ax.spines[:].set_visible(False)
    ax.set(xlim=(-0.5, len(target) - 0.5), ylim=(len(source) - 0.5, -0.5), aspect="equal")
    if similarity is not None:
        _shade(ax, similarity)
    _rule(ax, len(source), len(target))
    gold = None if sure is None and possible is None else {*(sure or ()), *(possible or ())}
    size = _cell_points(ax, source, target)
    _draw_gold(ax, set(sure or ()), gold or set(), size)
    _draw_links(ax, links, gold, size)
    romanised = _write_words(ax, label_words(source), label_words(target), size)
    _explain(ax, set(links), None if gold is None else set(sure or ()), gold or set())
    if romanised:
        ax.set_xlabel(ROMANISED, fontsize=FONT_SIZE - 2, color=QUIET, loc="left", fontstyle="italic", labelpad=24)
    return ax


def alignment_size(source: Sequence[str], target: Sequence[str]) -> tuple[float, float]:
    """Return width and height in inches that the words of a pair need."""
    cell = 0.28 if max(len(source), len(target)) <= 40 else 0.17
    width, height = _margins(source, target)
    return max(5.0, cell * len(target) + width), cell * len(source) + height


def alignment_picture(
    name: str, caption: str, source: Sequence[str], target: Sequence[str], **options: object
) -> Picture:
    """Draw an alignment as a PNG file.

    Args:
        name: File name without ending.
        caption: What it shows.
        source: The source words.
        target: The target words.
        **options: `links` and what else `plot_alignment` takes.
    """
    return paint(
        name, "Word alignment", caption,
        lambda ax: plot_alignment(source, target, ax=ax, **options),  # type: ignore[arg-type]
        size=alignment_size(source, target),
    )  # fmt: skip


def _margins(source: Sequence[str], target: Sequence[str]) -> tuple[float, float]:
    """Return the inches that names, title, legend and colour bar take from width and height."""
    left, top = (LETTER * max(map(_width, words), default=0) for words in (source, target))
    return left + BAR_ROOM, top + LEGEND_HEIGHT + 0.5


def _width(word: str) -> int:
    """Letters that a word is wide; those of East Asia count twice."""
    return sum(2 if letter >= "ᄀ" else 1 for letter in word)


def _check(
    source: Sequence[str], target: Sequence[str], similarity: Float[np.ndarray, "_ _"] | None, **links: Links
) -> None:
    if not source or not target:
        raise ValueError(
            f"source and target must have words, got {len(source)} and {len(target)}; there is nothing to draw"
        )
    if similarity is not None and similarity.shape != (len(source), len(target)):
        raise ValueError(
            f"similarity must have the shape ({len(source)}, {len(target)}) of the words, got {similarity.shape}"
        )
    for name, pairs in links.items():
        for i, j in pairs:
            if not (0 <= i < len(source) and 0 <= j < len(target)):
                raise ValueError(
                    f"{name} must link {len(source)} source and {len(target)} target words, counted from 0, got "
                    f"({i}, {j})"
                )


def _shade(ax: Axes, similarity: Float[np.ndarray, "s t"]) -> None:
    """Shade the cells, with a colour bar that is at most 8 cells long."""
    image = ax.imshow(np.ma.masked_invalid(similarity), cmap=SHADES, aspect="equal", interpolation="nearest")
    rows, columns = similarity.shape
    height = min(1.0, 8 / rows)
    place = ax.inset_axes((1 + 0.5 / columns, 1 - height, 0.4 / columns, height))
    bar = ax.figure.colorbar(image, cax=place)
    bar.set_label("Cosine similarity", fontsize=FONT_SIZE - 1, color=INK)
    place.tick_params(labelsize=FONT_SIZE - 2, colors=INK, length=2, color=FAINT)
    place.spines[:].set_visible(False)


def _rule(ax: Axes, n_source: int, n_target: int) -> None:
    ax.set_xticks(np.arange(-0.5, n_target), minor=True)
    ax.set_yticks(np.arange(-0.5, n_source), minor=True)
    ax.grid(which="minor", color="#E3E3E3", linewidth=0.6)
    ax.tick_params(which="both", length=0)


def _cell_points(ax: Axes, source: Sequence[str], target: Sequence[str]) -> float:
    """Points that a cell is wide, about: the layout is not done yet."""
    box, (width, height) = ax.get_position(), _margins(source, target)
    inner = (
        (box.width / DEFAULT_SHARE * ax.figure.get_figwidth() - width) / len(target),  # type: ignore[union-attr]
        (box.height / DEFAULT_SHARE * ax.figure.get_figheight() - height) / len(source),  # type: ignore[union-attr]
    )
    return max(3.0, min(inner) * POINTS_PER_INCH)


def _draw_gold(ax: Axes, sure: set[Link], gold: set[Link], size: float) -> None:
    width = float(np.clip(size / 10, 0.7, 1.6))
    for i, j in sorted(gold):
        solid = (i, j) in sure
        frame = Rectangle(
            (j - 0.42, i - 0.42), 0.84, 0.84, fill=False, edgecolor=INK if solid else QUIET, linewidth=width,
            linestyle="-" if solid else DASHES,
        )  # fmt: skip
        ax.add_patch(frame)


def _draw_links(ax: Axes, links: Links, gold: set[Link] | None, size: float) -> None:
    right = [link for link in sorted(links) if gold is None or link in gold]
    wrong = [link for link in sorted(links) if gold is not None and link not in gold]
    dot = float(np.clip(0.42 * size, 2.2, 8.0))
    for found, marker, colour in ((right, "o", RIGHT), (wrong, "X", WRONG)):
        ax.plot(
            [j for _, j in found], [i for i, _ in found], linestyle="", markersize=dot, color=colour,
            markeredgecolor="white", markeredgewidth=0.5, marker=marker,
        )  # fmt: skip


def _write_words(ax: Axes, source: Labels, target: Labels, cell: float) -> bool:
    """Name rows and columns, in letters as large as the cells allow; say whether any are romanised."""
    size = float(np.clip(0.7 * cell, 4.0, FONT_SIZE))
    ax.set_yticks(range(len(source.words)), source.words, fontsize=size, fontfamily=list(source.families))
    ax.set_xticks(range(len(target.words)), target.words, fontsize=size, fontfamily=list(target.families), rotation=90)
    ax.xaxis.tick_top()
    ax.tick_params(which="both", length=0)
    for labels, ticks in ((source, ax.get_yticklabels()), (target, ax.get_xticklabels())):
        for k in labels.romanised:
            ticks[k].set(color=QUIET, fontstyle="italic")
    return bool(source.romanised or target.romanised)


def _explain(ax: Axes, links: set[Link], sure: set[Link] | None, gold: set[Link]) -> None:
    """Say below what the marks mean, those that are there."""
    known = gold if sure is not None else links
    frame = partial(Rectangle, (0, 0), 1, 1, fill=False, linewidth=1.3)
    marks: list[tuple[str, bool, Any]] = [
        ("found" if sure is None else "found, in gold", bool(links & known), _mark("o", RIGHT)),
        ("found, not in gold", bool(links - known), _mark("X", WRONG)),
        ("sure", bool(sure), frame(edgecolor=INK)),
        ("possible", bool(gold - (sure or set())), frame(edgecolor=QUIET, linestyle=DASHES)),
    ]
    shown = [(mark, word) for word, there, mark in marks if there]
    if shown:
        ax.legend(
            *zip(*shown, strict=True), loc="upper left", bbox_to_anchor=(0.0, 0.0), borderaxespad=0.7,
            ncols=len(shown), frameon=False, fontsize=FONT_SIZE - 1, labelcolor=INK, handlelength=1.2,
            columnspacing=1.4, handletextpad=0.5, borderpad=0.0,
        )  # fmt: skip


def _mark(marker: str, colour: str) -> Line2D:
    return Line2D([], [], linestyle="", marker=marker, color=colour, markersize=6)
