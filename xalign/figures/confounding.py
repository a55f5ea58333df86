"""A score against what could explain it away, language by language."""

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox
from scipy import stats

from xalign.errors import UnknownNameError
from xalign.figures.canvas import FONT_SIZE, INK, PALETTE, POINTS_PER_INCH, ensure_axes, tidy
from xalign.figures.names import name_languages, probe_title
from xalign.figures.reductions import best_layer, language_intervals, select_layer, select_probe
from xalign.names import nearest

N_LABELLED = 3
OFFSETS = ((6, 0, "left"), (-6, 0, "right"), (6, 8, "left"), (6, -8, "left"), (-6, 8, "right"), (-6, -8, "right"))


def plot_confound(
    table: pd.DataFrame,
    confounds: pd.DataFrame,
    probe: str,
    *,
    against: str = "tokens_per_sentence",
    layer: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw each language's score against a confound, with the rank correlation over languages.

    Args:
        table: A report's table.
        confounds: A row per language: `language` and the columns that may be asked for.
        probe: A probe's name.
        against: A column of numbers in `confounds`.
        layer: Which layer; the probe's best if None.
        ax: Where to draw; a new figure if None.

    Returns:
        The Axes; the highest, lowest, leftmost and rightmost languages are named (all of them if 12 or fewer).

    Raises:
        UnknownNameError: If there is no such probe, layer or confound.
        ValueError: If no language has both a score and the confound.
    """
    rows = select_probe(table, probe)
    chosen = best_layer(rows) if layer is None else layer
    points = match_points(select_layer(rows, chosen), confounds, against)
    ax = ensure_axes(ax, width=5.6, height=4.2)
    ax.vlines(points[against], points["ci_low"], points["ci_high"], color=PALETTE[0], linewidth=1, alpha=0.45)
    ax.plot(points[against], points["score"], "o", color=PALETTE[0], markersize=5)
    ax.margins(x=0.12)
    ax.set_xlabel(against.replace("_", " ").capitalize())
    ax.set_ylabel("Score, with 95 % interval")
    tidy(ax, title=f"{probe_title(probe)}, layer {chosen}: {describe_correlation(points[against], points['score'])}")
    name_points(ax, points.rename(columns={against: "confound"}))
    return ax


def match_points(rows: pd.DataFrame, confounds: pd.DataFrame, against: str) -> pd.DataFrame:
    """Put each language's score and interval beside its confound.

    Raises:
        UnknownNameError: If there is no such column of numbers.
        ValueError: If no language has both a score and the confound.
    """
    known = [str(column) for column in confounds.select_dtypes("number").columns]
    if against not in known:
        raise UnknownNameError(f"against must be one of {known}, got {against!r}{nearest(against, known)}")
    points = language_intervals(rows).merge(confounds[["language", against]], on="language")
    points = points.dropna(subset=["score", against]).reset_index(drop=True)
    if points.empty:
        raise ValueError(f"confounds must have a row for a language of the table with {against!r} known, got none")
    return points


def describe_correlation(x: pd.Series, y: pd.Series) -> str:
    """Say the rank correlation in words; nothing can be said of fewer than 4 points or of a constant."""
    if len(x) < 4 or x.nunique() == 1 or y.nunique() == 1:
        return f"{len(x)} languages"
    rho = float(stats.spearmanr(x, y).statistic)
    return f"Spearman ρ = {rho:.2f}, {len(x)} languages".replace("-", "−")


def extremes(points: pd.DataFrame) -> list[int]:
    """Rows to name: all of 12 or fewer, else the highest and lowest scores and confounds."""
    if len(points) <= 12:
        return list(range(len(points)))
    by_score, by_confound = (points[column].argsort(kind="stable").tolist() for column in ("score", "confound"))
    ends = [*by_score[:N_LABELLED], *by_score[-N_LABELLED:], *by_confound[:2], *by_confound[-2:]]
    return list(dict.fromkeys(int(row) for row in ends))


def name_points(ax: Axes, points: pd.DataFrame) -> None:
    """Name the extremes, each at the first place where it covers neither a point nor another name."""
    names = name_languages([str(language) for language in points["language"]])
    ax.autoscale_view()
    pixel = ax.figure.dpi / POINTS_PER_INCH
    dots = ax.transData.transform(points[["confound", "score"]].to_numpy(float)) / pixel
    left, right = ax.bbox.x0 / pixel, ax.bbox.x1 / pixel
    taken = [Bbox.from_extents(x - 3, y - 3, x + 3, y + 3) for x, y in dots]
    for row in extremes(points):
        name = names[str(points.loc[row, "language"])]
        boxes = [_name_box(dots[row], name, offset) for offset in OFFSETS]
        clashes = [box.count_overlaps(taken) + len(points) * int(box.x0 < left or box.x1 > right) for box in boxes]
        chosen = int(np.argmin(clashes))
        taken.append(boxes[chosen])
        dx, dy, side = OFFSETS[chosen]
        place = (float(points.loc[row, "confound"]), float(points.loc[row, "score"]))  # type: ignore[arg-type]
        text = ax.annotate(name, place, xytext=(dx, dy), textcoords="offset points", fontsize=FONT_SIZE - 1, color=INK)
        text.set(ha=side, va="center")


def _name_box(dot: Float[np.ndarray, " 2"], name: str, offset: tuple[int, int, str]) -> Bbox:
    """Where a name would stand, in points."""
    dx, dy, side = offset
    width, x, y = 0.55 * FONT_SIZE * len(name), float(dot[0]) + dx, float(dot[1]) + dy
    left = x if side == "left" else x - width
    return Bbox.from_extents(left, y - FONT_SIZE / 2, left + width, y + FONT_SIZE / 2)
