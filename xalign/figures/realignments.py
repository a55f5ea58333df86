"""Before and after a realignment: score by layer of each group of languages, and what each language gained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from xalign.figures.canvas import FAINT, FONT_SIZE, INK, PALETTE, QUIET, ensure_axes, label_line_ends, readable, tidy
from xalign.figures.heatmaps import row_height
from xalign.figures.lines import widened
from xalign.figures.names import name_languages, probe_title
from xalign.figures.pictures import Picture, paint
from xalign.figures.reductions import select_layer, select_probe
from xalign.measures import lower_is_closer
from xalign.summary import mean_interval

if TYPE_CHECKING:
    from xalign.realigning.results import Realignment

GROUP_COLOURS = {"chosen": PALETTE[1], "other": PALETTE[0], "unseen": PALETTE[2]}
PANEL = (3.1, 3.5)
MAX_NAMED = 8
_GAINS_WIDTH = 6.8


def plot_group(
    changes: pd.DataFrame, probe: str, group: str, *, layer: int | None = None, ax: Axes | None = None
) -> Axes:
    """Draw one group's mean score by layer, before and after, with the 95 % interval of the change over languages.

    Args:
        changes: `Realignment.changes`.
        probe: A probe's name.
        group: "chosen", "other" or "unseen".
        layer: The headline's layer, to be marked; None for none.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes; grey and hollow is before, in colour after. The band around the latter is the interval of the change,
        so that where it leaves out the former, the languages moved together.

    Raises:
        UnknownNameError: If there is no such probe.
        ValueError: If the group has no language.
    """
    rows = select_probe(changes, probe)
    rows = rows[rows["group"] == group]
    if rows.empty:
        raise ValueError(f"group must be one of {', '.join(changes['group'].unique())}, got {group!r}")
    ax = ensure_axes(ax, width=PANEL[0], height=PANEL[1])
    if layer is not None:
        ax.axvline(layer, color=FAINT, linewidth=7, alpha=0.45, zorder=0.5)
    chance = rows.groupby("layer")["chance"].mean()
    if chance.notna().any():
        wide, level = widened(chance.index.to_numpy(), chance.to_numpy(float))
        ax.plot(wide, level, color=QUIET, linestyle=(0, (4, 3)), linewidth=1, label="chance")
    _draw_sides(ax, rows, colour=GROUP_COLOURS[group])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("Layer")
    n = rows["language"].nunique()
    tidy(ax, title=f"{group.capitalize()}: {n} language{'s' * (n > 1)}")
    ax.title.set_color(readable(GROUP_COLOURS[group]))
    return ax


def plot_gains(changes: pd.DataFrame, probe: str, *, layer: int, ax: Axes | None = None) -> Axes:
    """Draw each language from its score before (hollow) to that after (filled), group by group, greatest gain first.

    Args:
        changes: `Realignment.changes`.
        probe: A probe's name.
        layer: Which layer.
        ax: Where to draw; a new figure, as tall as its languages need, if None.

    Returns:
        The Axes; the number at the right is the change.

    Raises:
        UnknownNameError: If there is no such probe or layer.
    """
    rows = _in_order(select_layer(select_probe(changes, probe), layer))
    ax = ensure_axes(ax, width=_GAINS_WIDTH, height=_gains_height(rows))
    places = rows["place"].to_numpy(float)
    colours = [GROUP_COLOURS[group] for group in rows["group"]]
    ax.hlines(places, rows["before"], rows["after"], color=colours, linewidth=2.2, alpha=0.45, zorder=2)
    ax.scatter(rows["before"], places, s=26, facecolors="white", edgecolors=colours, linewidths=1.3, zorder=3)
    ax.scatter(rows["after"], places, s=30, color=colours, zorder=3.5)
    _label_languages(ax, rows)
    for group in rows["group"].unique():
        part = rows[rows["group"] == group]
        place, words = part["place"].min() - 0.53 * _gap(rows), f"mean {_signed(part['change'].mean())}"
        ax.text(
            0.0, place, f"{group.capitalize()}, {words}",
            transform=ax.get_yaxis_transform(), color=readable(GROUP_COLOURS[str(group)]), fontsize=FONT_SIZE,
            fontweight="bold", va="center", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
    _draw_chance(ax, float(rows["chance"].mean()))
    ax.set_ylim(places.max() + 0.7, -0.95 * _gap(rows))
    closer = " (lower is closer)" if lower_is_closer(probe) else ""
    ax.set_xlabel(f"{probe_title(probe)}{closer}; hollow: before, filled: after, at the right the change")
    tidy(ax, title=f"{probe_title(probe)} at layer {layer}, language by language", grid="x")
    ax.tick_params(axis="y", labelsize=_name_size(rows))
    return ax


def draw_realignment(result: Realignment) -> tuple[Picture, ...]:
    """Draw what a realignment moved: for each probe its groups by layer, and its languages at the headline's layer.

    Args:
        result: What `xalign.realign` returned.

    Returns:
        The pictures `movement_<probe>` and `gains_<probe>`, the headline's probe first, and last `training`. pyplot
        knows of none of them.
    """
    probes = [str(probe) for probe in result.changes["probe"].unique()]
    drawn: list[Picture] = []
    for probe in sorted(probes, key=lambda name: name != result.probe):
        drawn += _probe_pictures(result.changes, probe, result.layer)
    training = result.run["training"]
    if len(training["log"]) > 1:
        caption = (
            "Share of the watched sentences that find their translation, mean over the chosen languages (bold) and "
            "each of them, at every look during training. The ring is the step that was kept."
        )
        drawn.append(paint("training", "Training", caption, partial(_draw_training, training), size=(7.2, 3.6)))
    return tuple(drawn)


def plot_training(log: Sequence[Mapping[str, Any]], *, best_step: int, ax: Axes | None = None) -> Axes:
    """Draw what was watched while a model was trained.

    Args:
        log: `Realignment.run["training"]["log"]`: step, retrieval, and the same by_language.
        best_step: The step that was kept; it gets a ring.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes; languages are thin lines, named where they are 8 or fewer.
    """
    ax = ensure_axes(ax, width=7.2, height=3.6)
    seen = [entry for entry in log if entry["retrieval"] is not None]
    steps, mean = [entry["step"] for entry in seen], [entry["retrieval"] for entry in seen]
    names = name_languages(list(seen[0]["by_language"])) if seen else {}
    ends = []
    for language, name in names.items():
        values = [entry["by_language"][language] for entry in seen]
        ax.plot(steps, values, color=FAINT, linewidth=1, zorder=2)
        ends.append((float(steps[-1]), float(values[-1]), name, QUIET))
    ax.plot(steps, mean, "-o", color=GROUP_COLOURS["chosen"], linewidth=2, markersize=3.5, zorder=3)
    for step, value in zip(steps, mean, strict=True):
        if step == best_step:
            ax.plot(step, value, "o", markersize=12, markerfacecolor="none", markeredgecolor=INK, zorder=4)
    ax.set_xlabel("Step")
    ax.set_ylabel("Retrieval P@1, watched sentences")
    tidy(ax, title=f"While training: step {best_step:,} was kept")
    if 1 < len(names) <= MAX_NAMED:
        ax.set_ylim(*ax.get_ylim())
        label_line_ends(ax, ends)
    return ax


def _probe_pictures(changes: pd.DataFrame, probe: str, layer: int) -> list[Picture]:
    title, rows = probe_title(probe), select_probe(changes, probe)
    groups = [str(group) for group in rows["group"].unique()]
    found = [
        paint(
            f"movement_{probe}",
            title,
            f"{title} with the pivot by layer, mean over the languages of each group. Grey and hollow: before. In "
            "colour: after, with the 95 % interval of the change over languages (none for fewer than 3): where it "
            "leaves out the grey line, the languages moved together. Dashed: chance. Shaded: the headline's layer.",
            partial(_draw_panels, rows, probe, layer),
            size=(0.9 + PANEL[0] * len(groups), PANEL[1]),
        )
    ]
    here = rows[rows["layer"] == layer]
    if here.empty:
        return found
    caption = f"{title} of every language at layer {layer}, greatest change first within its group."
    size = (_GAINS_WIDTH, _gains_height(here))
    return [*found, paint(f"gains_{probe}", title, caption, partial(_draw_gains, rows, probe, layer), size=size)]


def _draw_training(training: Mapping[str, Any], ax: Axes) -> Axes:
    return plot_training(training["log"], best_step=training["best_step"], ax=ax)


def _draw_gains(rows: pd.DataFrame, probe: str, layer: int, ax: Axes) -> Axes:
    return plot_gains(rows, probe, layer=layer, ax=ax)


def _draw_panels(rows: pd.DataFrame, probe: str, layer: int, ax: Axes) -> Axes:
    """Split the place of `ax` into a panel per group, all on one scale."""
    return draw_panels(rows, probe, layer=layer, ax=ax)[0]


def draw_panels(changes: pd.DataFrame, probe: str, *, layer: int | None = None, ax: Axes | None = None) -> list[Axes]:
    """Draw a probe's groups beside each other, on one scale.

    Args:
        changes: `Realignment.changes`.
        probe: A probe's name.
        layer: The headline's layer, to be marked; None for none.
        ax: Whose place the panels take; a new figure if None.

    Returns:
        The Axes of each group.

    Raises:
        UnknownNameError: If there is no such probe.
    """
    rows = select_probe(changes, probe)
    groups = [group for group in GROUP_COLOURS if group in set(rows["group"])]
    ax = ensure_axes(ax, width=0.9 + PANEL[0] * len(groups), height=PANEL[1])
    figure, place = ax.figure, ax.get_subplotspec()
    ax.remove()
    panels: list[Axes] = []
    grid = place.subgridspec(1, len(groups))  # type: ignore[union-attr]
    for column, group in enumerate(groups):
        panel = figure.add_subplot(grid[0, column], sharey=panels[0] if panels else None)
        panels.append(plot_group(rows, probe, group, layer=layer, ax=panel))
        panel.tick_params(labelleft=len(panels) == 1)
    panels[0].set_ylabel(probe_title(probe) + (" (lower is closer)" if lower_is_closer(probe) else ""))
    panels[0].legend(fontsize=FONT_SIZE - 1, frameon=False, loc="best", labelcolor=INK)
    return panels


def _draw_sides(ax: Axes, rows: pd.DataFrame, *, colour: str) -> None:
    """Draw the means before and after, and around the latter the interval of the change."""
    by_layer = rows.groupby("layer")
    means = by_layer[["before", "after"]].mean()
    ends = np.array([mean_interval(change.to_numpy(float)) for _, change in by_layer["change"]])
    low, high = means["before"].to_numpy() + ends.T
    wide, low, high = widened(means.index.to_numpy(), low, high)
    ax.fill_between(wide, low, high, color=colour, alpha=0.22, lw=0)
    look: dict[str, Any] = {"markersize": 4.8, "linewidth": 1.8, "zorder": 3}
    ax.plot(means.index, means["before"], "-o", color=QUIET, markerfacecolor="white", label="before", **look)
    ax.plot(means.index, means["after"], "-o", color=colour, label="after", **look)


def _draw_chance(ax: Axes, chance: float) -> None:
    """Draw chance where it is near the scores; far away it would only push them together."""
    low, high = ax.get_xlim()
    if low - 0.25 * (high - low) <= chance <= high:
        ax.axvline(chance, color=QUIET, linestyle=(0, (4, 3)), linewidth=1, zorder=1)


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Groups in their order, the greatest change first within each; a row's place leaves room for its group's name."""
    order = list(GROUP_COLOURS)
    rows = rows.assign(rank=rows["group"].map(order.index)).sort_values(
        ["rank", "change"], ascending=[True, False], kind="stable"
    )
    return rows.assign(place=np.arange(len(rows)) + _gap(rows) * rows["rank"].rank(method="dense").sub(1))


def _label_languages(ax: Axes, rows: pd.DataFrame) -> None:
    """Languages at the left, the change at the right."""
    names = name_languages(rows["language"])
    size = _name_size(rows)
    ax.set_yticks(rows["place"], [names[language] for language in rows["language"]])
    for place, change in zip(rows["place"], rows["change"], strict=True):
        text = _signed(change)
        ax.text(1.015, place, text, transform=ax.get_yaxis_transform(), va="center", fontsize=size - 0.5, color=INK)


def _signed(change: float) -> str:
    return f"{change:+z.3f}".replace("-", "−")


def _name_size(rows: pd.DataFrame) -> float:
    """Points of a language's name; smaller where rows are low."""
    return FONT_SIZE if row_height(len(rows)) == row_height(1) else FONT_SIZE - 2


def _gap(rows: pd.DataFrame) -> float:
    """Rows that a group's name takes; more where rows are low."""
    return 1.6 if row_height(len(rows)) == row_height(1) else 3.4


def _gains_height(rows: pd.DataFrame) -> float:
    n, n_groups = len(rows), rows["group"].nunique()
    return 1.4 + row_height(n) * (n + _gap(rows) * n_groups)
