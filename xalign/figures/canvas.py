"""One look for every picture: the palette, a clean frame, and labels beside what they name."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb

# Okabe & Ito (2008), Color Universal Design; yellow stands last because it is weak on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
INK = "#222222"
QUIET = "#767676"
FAINT = "#C9C9C9"
FONT_SIZE = 9.0
POINTS_PER_INCH = 72.0


def ensure_axes(ax: Axes | None, *, width: float, height: float) -> Axes:
    """Return `ax`, or the Axes of a new pyplot figure of that size in inches, so that a notebook shows it."""
    if ax is not None:
        return ax
    _, axes = plt.subplots(figsize=(width, height), layout="constrained")
    return axes


def tidy(ax: Axes, *, title: str, grid: str = "y") -> None:
    """Take away what carries no data, and set the title at the left.

    Args:
        ax: The Axes to tidy.
        title: What the picture shows.
        grid: Lines behind the data: "x", "y", or "" for none.
    """
    ax.set_title(title, loc="left", fontsize=FONT_SIZE + 2, color=INK, fontweight="bold")
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(FAINT)
    ax.tick_params(labelsize=FONT_SIZE, colors=INK, length=3, color=FAINT)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(fontsize=FONT_SIZE, color=INK)
    ax.set_axisbelow(True)
    if grid in ("x", "y"):
        ax.grid(axis=grid, color="#E8E8E8", linewidth=0.8)  # type: ignore[arg-type]


def relative_luminance(colour: str) -> float:
    """Luminance in [0, 1] of an sRGB colour.

    References:
        W3C (2018), Web Content Accessibility Guidelines 2.1, "relative luminance".
    """
    rgb = np.asarray(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def readable(colour: str) -> str:
    """Darken a colour until text in it stands on white with a contrast of 4.5 to 1 or more."""
    red, green, blue = to_rgb(colour)
    while 1.05 / (relative_luminance(to_hex((red, green, blue))) + 0.05) < 4.5:
        red, green, blue = 0.97 * red, 0.97 * green, 0.97 * blue
    return to_hex((red, green, blue))


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Move positions as little as needed so that sorted neighbours stand at least `gap` apart.

    Args:
        positions: Wanted places on one axis.
        gap: The least distance between two of them.

    Returns:
        New places, in the order of `positions`; the sum of squared moves is the least possible.

    References:
        Barlow et al. (1972), Statistical Inference under Order Restrictions (pool adjacent violators).
    """
    order = np.argsort(positions, kind="stable")
    blocks: list[list[float]] = []
    for rank, index in enumerate(order):
        blocks.append([positions[index] - rank * gap])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    levels = np.repeat([np.mean(block) for block in blocks], [len(block) for block in blocks])
    placed = np.empty(len(order))
    placed[order] = levels + np.arange(len(order)) * gap
    return [float(value) for value in placed]


def label_line_ends(ax: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Write names to the right of the lines they name, in the line's colour, without overlap.

    Args:
        ax: The Axes; its y limits must already be final.
        ends: For each line x, y of its last point, the name, the colour.
    """
    low, high = ax.get_ylim()
    height = ax.get_position().height * ax.figure.get_figheight() * POINTS_PER_INCH  # type: ignore[union-attr]
    places = spread([y for _, y, _, _ in ends], 1.3 * FONT_SIZE * (high - low) / height)
    right = max((x for x, _, _, _ in ends), default=0.0)
    reach = 0.03 * (ax.get_xlim()[1] - ax.get_xlim()[0])
    for (x, y, name, colour), place in zip(ends, places, strict=True):
        ax.plot([x, right + reach], [y, place], color=colour, linewidth=0.7, clip_on=False, label="_leader")
        ax.text(right + 1.3 * reach, place, name, color=readable(colour), va="center", fontsize=FONT_SIZE)
