"""The pictures of a report, as PNG files that a page or a folder keeps."""

import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xalign.figures.confounding import plot_confound
from xalign.figures.heatmaps import plot_language_layers, plot_matrix, row_height
from xalign.figures.lines import plot_layers
from xalign.figures.names import model_title, probe_title
from xalign.figures.reductions import all_languages, best_layer, select_probe
from xalign.measures import lower_is_closer

DPI = 150
WIDE = (7.2, 4.4)
MIN_FOR_CONFOUND = 4
MAX_LINES = 8


@dataclass(frozen=True)
class Picture:
    """One picture and what a reader needs beside it.

    Attributes:
        name: File name without ending, e.g. `layers_cka`.
        group: The heading it stands under: "All probes" or a probe's title.
        caption: What it shows and how to read it.
        png: The file's bytes; the same for the same table.
        width: Pixels.
        height: Pixels.
    """

    name: str
    group: str
    caption: str
    png: bytes
    width: int
    height: int


def draw_pictures(
    table: pd.DataFrame,
    *,
    matrices: Mapping[str, pd.DataFrame] | None = None,
    confounds: pd.DataFrame | None = None,
) -> tuple[Picture, ...]:
    """Draw what a report shows: all probes by layer; then for each probe its languages, and its matrix if there is one.

    Args:
        table: A report's table.
        matrices: For some probes, similarities of all languages at the probe's best layer.
        confounds: A row per language; its `tokens_per_sentence` is drawn against the score of the first eight probes.

    Returns:
        The pictures in the order a page shows them. pyplot knows of none of them.
    """
    overview = paint(
        "layers",
        "All probes",
        "Mean score over language pairs at each layer, with its 95 % interval. Dashed: chance. Shaded: the permutation "
        "null (sentences of one language shuffled), mean ± 2 sd of a pair. A score inside its shade is no evidence. "
        "Of many probes the first eight that grow as languages come closer; every probe stands below.",
        lambda ax: plot_layers(_comparable(table), ax=ax),
        size=(8.0, 4.6),
    )
    drawn = [overview]
    for order, probe in enumerate(table["probe"].unique()):
        rows = select_probe(table, str(probe))
        if rows["score"].notna().any():
            beside = confounds if order < MAX_LINES else None
            drawn += _probe_pictures(rows, str(probe), (matrices or {}).get(str(probe)), beside)
    return tuple(drawn)


def _comparable(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the first eight probes that compare languages and grow as these come closer; all if there is none."""
    pairs = table[(table["source"] != table["target"]) & ~table["probe"].map(lower_is_closer)]
    return pairs[pairs["probe"].isin(pairs["probe"].unique()[:MAX_LINES])] if len(pairs) else table


def _probe_pictures(
    rows: pd.DataFrame, probe: str, matrix: pd.DataFrame | None, confounds: pd.DataFrame | None
) -> list[Picture]:
    group, layer, n_languages = probe_title(probe), best_layer(rows), len(all_languages(rows))
    by_layer = f"{group} of {model_title(str(rows['model'].iloc[0]))} by layer, a line per language."
    drawn = [paint(f"languages_{probe}", group, by_layer, partial(_draw_languages, rows), size=WIDE)]
    if confounds is not None and _shows_confound(confounds, rows):
        caption = f"{group} at its best layer, {layer}, against the length of a language's sentences in tokens."
        draw = partial(_draw_confound, rows, confounds, probe, layer)
        drawn.append(paint(f"confound_{probe}", group, caption, draw, size=WIDE))
    caption = f"{group} of every language at every layer, highest mean first."
    size = (2.9 + 0.5 * rows["layer"].nunique(), 1.4 + row_height(n_languages) * n_languages)
    drawn.append(paint(f"language_layers_{probe}", group, caption, partial(_draw_cells, rows, probe), size=size))
    return drawn if matrix is None else [*drawn, _matrix_picture(matrix, probe, layer)]


def _draw_languages(rows: pd.DataFrame, ax: Axes) -> Axes:
    return plot_layers(rows, by="target", ax=ax)


def _draw_confound(rows: pd.DataFrame, confounds: pd.DataFrame, probe: str, layer: int, ax: Axes) -> Axes:
    return plot_confound(rows, confounds, probe, layer=layer, ax=ax)


def _draw_cells(rows: pd.DataFrame, probe: str, ax: Axes) -> Axes:
    return plot_language_layers(rows, probe, ax=ax)


def _matrix_picture(matrix: pd.DataFrame, probe: str, layer: int) -> Picture:
    title = f"{probe_title(probe)} between all languages, layer {layer}"
    side = 2.4 + row_height(len(matrix)) * len(matrix)
    caption = "Languages in the order of a clustering (average linkage): neighbours are similar. Hatched: no score."
    return paint(
        f"matrix_{probe}",
        probe_title(probe),
        f"{title}. {caption}",
        lambda ax: plot_matrix(matrix, title=title, ax=ax),
        size=(side + 0.8, side),
    )


def _shows_confound(confounds: pd.DataFrame, rows: pd.DataFrame) -> bool:
    if "tokens_per_sentence" not in confounds.columns:
        return False
    known = confounds.dropna(subset=["tokens_per_sentence"])["language"]
    return len(set(known) & set(rows.dropna(subset=["score"])["target"])) >= MIN_FOR_CONFOUND


def paint(name: str, group: str, caption: str, draw: Callable[[Axes], Axes], *, size: tuple[float, float]) -> Picture:
    """Draw on a figure of `size` inches that pyplot does not know, and keep its bytes."""
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    draw(figure.subplots())
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    png = file.getvalue()
    width, height = struct.unpack(">II", png[16:24])  # the header's first two numbers
    return Picture(name=name, group=group, caption=caption, png=png, width=width, height=height)
