"""A choice of languages as a map: all candidates in the plane, the chosen marked, lines to those they cover."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from xalign.figures.canvas import (
    FAINT,
    FONT_SIZE,
    INK,
    MARKERS,
    PALETTE,
    POINTS_PER_INCH,
    QUIET,
    ensure_axes,
    readable,
    tidy,
)
from xalign.figures.names import name_languages
from xalign.figures.pictures import Picture, paint

if TYPE_CHECKING:
    from xalign.choosing import LanguageSelection

MANY = 45
"""More languages than this and only the chosen are named."""
COLOURS = PALETTE[:6]
DIRECTIONS = (0, 180, 90, 270, 45, 315, 135, 225, 22, 338, 158, 202)


MAP_SIZE = (8.6, 6.6)
CAPTION_WIDTH = 118
"""Characters in a line below the map."""
ARMS_SIZE = (7.6, 3.6)
TITLES = {
    "mean_pairwise_distance": "Mean pairwise distance",
    "coverage": "Coverage of the candidates",
    "entropy": "Entropy of feature values",
    "feature_value_inclusion": "Feature values included",
    "feature_value_overlap": "Feature value overlap (lower is more diverse)",
    "mean_need": "Mean need of the chosen",
}


def plot_choice(
    positions: Float[np.ndarray, "m 2"],
    languages: Sequence[str],
    chosen: Sequence[int],
    covered_by: Int[np.ndarray, " m"],
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw candidates in the plane, the chosen ones numbered in their order, and who covers whom.

    Args:
        positions: Of every candidate.
        languages: Their codes.
        chosen: Indices of the chosen, most valuable first.
        covered_by: For each candidate the index of the chosen one that covers it; of a chosen one itself, -1 for none.
        title: What the picture shows.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes. All languages are named if there are 45 or fewer, else the chosen ones.
    """
    ax = ensure_axes(ax, width=MAP_SIZE[0], height=MAP_SIZE[1])
    many = len(languages) > MANY
    colours = _colours(positions, chosen)
    shade = {index: colours[order] for order, index in enumerate(chosen)}
    others = [index for index in range(len(languages)) if index not in shade]
    covered = [index for index in others if covered_by[index] >= 0]
    lines = LineCollection(
        [(positions[index], positions[covered_by[index]]) for index in covered],
        colors=[shade[int(covered_by[index])] for index in covered], linewidths=0.8, alpha=0.4, zorder=1,
    )  # fmt: skip
    ax.add_collection(lines)
    tints = [shade.get(int(covered_by[index]), QUIET) for index in others]
    ax.scatter(
        positions[others, 0], positions[others, 1], s=11 if many else 22, c=tints, alpha=0.85, linewidths=0, zorder=2
    )
    for order, index in enumerate(chosen):
        _mark(ax, positions[index], order + 1, colours[order])
    _frame(ax, title)
    _name_all(ax, positions, languages, shade, range(len(languages)) if not many else chosen)
    return ax


def plot_selection(selection: LanguageSelection, *, ax: Axes | None = None) -> Axes:
    """Draw a choice of languages as a map; see `plot_choice`."""
    from xalign.choosing.plane import lay_out

    plane = lay_out(selection.distances.to_numpy(float))
    row = {language: index for index, language in enumerate(selection.candidates)}
    covered_by = np.array([row.get(language, -1) for language in selection.pool["covered_by"]], dtype=np.int64)
    ax = plot_choice(
        plane.positions,
        selection.candidates,
        [row[language] for language in selection.languages],
        covered_by,
        title=_title(selection),
        ax=ax,
    )
    ax.set_xlabel(_caption(selection, plane.stress), fontsize=FONT_SIZE - 1, color=QUIET, loc="left")
    return ax


def _caption(selection: LanguageSelection, stress: float) -> str:
    """By what languages lie where they do, and by what lines were drawn: the two may differ."""
    plain, weighed = (frame.to_numpy(float) for frame in (selection.distances, selection.weighed))
    by = "" if np.allclose(plain, weighed) else f", nearest by the weighed distance ({selection.run['weighing']})"
    return fill(
        f"A line leads to the chosen language that covers{by}. Distances: {selection.run['distances']}; in the plane "
        f"they are off by {stress:.0%} (stress)",
        CAPTION_WIDTH,
    )


def plot_arms(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how far every arm lies from random draws, a row per measure.

    Args:
        table: `LanguageSelection.table`.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes; the unit is the standard deviation of the random draws, the band holds two of them either side.

    Raises:
        ValueError: If no measure varies over the draws.
    """
    rows = {str(row["arm"]): row for row in table.to_dict("records")}
    random = rows.pop("random")
    shown = [name for name in TITLES if random[f"{name}_sd"] > 0]
    if not shown:
        raise ValueError(
            "table must hold a measure that varies over random draws, got none; draw more, or choose fewer"
        )
    ax = ensure_axes(ax, width=ARMS_SIZE[0], height=ARMS_SIZE[1])
    ax.axvspan(-2, 2, color=FAINT, alpha=0.35, linewidth=0)
    ax.axvline(0, color=QUIET, linewidth=1)
    for order, (name, row) in enumerate(rows.items()):
        away = [(row[what] - random[what]) / random[f"{what}_sd"] for what in shown]
        ax.plot(
            away, range(len(shown)), linestyle="", marker=MARKERS[order], color=PALETTE[order],
            markersize=9 if order == 0 else 6, alpha=0.9, label=name, zorder=len(rows) + 2 - order,
        )  # fmt: skip
    ax.set_yticks(range(len(shown)), [TITLES[name] for name in shown])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.set_xlabel(f"Standard deviations from the mean of {random['n_sets']} random draws; shaded: within two")
    tidy(ax, title="The choice among others of its size", grid="x")
    ax.legend(
        fontsize=FONT_SIZE - 1, frameon=False, labelcolor=INK, loc="upper center", bbox_to_anchor=(0.4, -0.16), ncols=5
    )
    return ax


def draw_selection(selection: LanguageSelection) -> tuple[Picture, ...]:
    """Draw a choice for its folder: the map, and the arms where draws vary.

    Returns:
        The pictures `languages` and `arms`. pyplot knows of neither.
    """
    map_of_languages = paint(
        "languages",
        "Languages",
        "All candidates in the plane (metric scaling), the chosen numbered in their order, lines to those they cover.",
        partial(_draw_map, selection),
        size=MAP_SIZE,
    )
    if not (selection.table[[f"{name}_sd" for name in TITLES]] > 0).any(axis=None):
        return (map_of_languages,)
    words = "How far each arm lies from random draws of its size, in their standard deviations."
    return (map_of_languages, paint("arms", "Arms", words, partial(_draw_arms, selection.table), size=ARMS_SIZE))


def _draw_map(selection: LanguageSelection, ax: Axes) -> Axes:
    return plot_selection(selection, ax=ax)


def _draw_arms(table: pd.DataFrame, ax: Axes) -> Axes:
    return plot_arms(table, ax=ax)


def _title(selection: LanguageSelection) -> str:
    how = {"max_sum": "farthest apart in sum", "max_min": "farthest apart", "min_sum": "least diverse"}
    how |= {"random": "drawn at random"} | dict.fromkeys(("facility_location", "k_medoids"), "that cover the others")
    return f"{len(selection.languages)} of {len(selection.candidates)} languages, {how[selection.choice.objective]}"


def _mark(ax: Axes, place: Float[np.ndarray, " 2"], number: int, colour: str) -> None:
    """A disc with its number in the order of the choice."""
    ax.plot(*place, "o", color=colour, markersize=14, markeredgecolor="white", markeredgewidth=1.4, zorder=4)
    text = ax.text(place[0], place[1], str(number), color="white", fontsize=FONT_SIZE - 1, fontweight="bold", zorder=5)
    text.set(ha="center", va="center_baseline")
    text.set_path_effects([patheffects.withStroke(linewidth=1.2, foreground=readable(colour))])


def _colours(positions: Float[np.ndarray, "m 2"], chosen: Sequence[int]) -> list[str]:
    """A colour for each chosen language; where colours run out, the one whose nearest bearer is farthest away."""
    found: list[int] = []
    for order, index in enumerate(chosen):
        if order < len(COLOURS):
            found.append(order)
            continue
        away = np.linalg.norm(positions[list(chosen[:order])] - positions[index], axis=1)
        room = [away[np.array(found) == colour].min() for colour in range(len(COLOURS))]
        found.append(int(np.argmax(room)))
    return [COLOURS[colour] for colour in found]


def _frame(ax: Axes, title: str) -> None:
    """No axes: only distances mean anything."""
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.09)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_color(FAINT)
    ax.set_title(title, loc="left", fontsize=FONT_SIZE + 2, color=INK, fontweight="bold")


def _name_all(
    ax: Axes,
    positions: Float[np.ndarray, "m 2"],
    languages: Sequence[str],
    shade: dict[int, str],
    named: Sequence[int],
) -> None:
    """Name languages, the chosen first, each where it covers the least of points and of other names."""
    names = name_languages(languages)
    ax.apply_aspect()
    ax.autoscale_view()
    pixel = ax.figure.dpi / POINTS_PER_INCH
    dots, frame = ax.transData.transform(positions) / pixel, ax.bbox.get_points().ravel() / pixel
    radii = np.where(np.isin(np.arange(len(dots)), list(shade)), 8.0, 3.0)[:, None]
    taken = np.hstack([dots - radii, dots + radii])
    for index in sorted(named, key=lambda index: index not in shade):
        is_chosen = index in shade
        size = FONT_SIZE if is_chosen else FONT_SIZE - 2
        font = FontProperties(size=size, weight="bold" if is_chosen else "normal")
        width = TextPath((0, 0), names[languages[index]], prop=font).get_extents().width
        boxes = _boxes(dots[index], (width, 1.15 * size), 10.0 if is_chosen else 5.0)
        box = boxes[_least_clash(boxes, taken, frame)]
        taken = np.vstack([taken, box])
        ax.annotate(
            names[languages[index]], positions[index], xytext=(box[:2] + box[2:]) / 2 - dots[index],
            textcoords="offset points", fontproperties=font, ha="center", va="center", zorder=6 if is_chosen else 3,
            color=readable(shade[index]) if is_chosen else QUIET,
            path_effects=[patheffects.withStroke(linewidth=2.4, foreground="white", alpha=0.85)],
        )  # fmt: skip


def _boxes(dot: Float[np.ndarray, " 2"], size: tuple[float, float], reach: float) -> Float[np.ndarray, "places 4"]:
    """Where a name could stand (left, bottom, right, top): around its dot, nearest and rightmost first; in points."""
    angles = np.radians(np.tile(DIRECTIONS, 3))
    heading = np.column_stack([np.cos(angles), np.sin(angles)])
    reaches = np.repeat([1.0, 1.7, 2.6], len(DIRECTIONS))[:, None] * reach
    half = np.array(size) / 2
    middles = dot + reaches * heading + half * np.clip(1.6 * heading, -1, 1)
    return np.hstack([middles - half, middles + half])


def _least_clash(
    boxes: Float[np.ndarray, "places 4"], taken: Float[np.ndarray, "n 4"], frame: Float[np.ndarray, " 4"]
) -> int:
    """The box that overlaps least of what stands there, and does not leave the frame; the first of equals."""
    low = np.maximum(boxes[:, None, :2], taken[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], taken[None, :, 2:])
    areas = np.clip(high - low, 0.0, None).prod(axis=2)
    outside = (boxes[:, :2] < frame[:2]).any(axis=1) | (boxes[:, 2:] > frame[2:]).any(axis=1)
    costs = areas.sum(axis=1) / 20 + 0.3 * (areas > 0).sum(axis=1) + 50 * outside + 0.02 * np.arange(len(boxes))
    return int(np.argmin(costs))
