"""What a benchmark found: the table, the choice of the layer, how it was run, and what to beware of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from xalign.benchmarking.summary import summarise_retrieval

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Retrieval:
    """Scores of a retrieval benchmark, each with what judges it.

    Attributes:
        table: A row per layer, metric and direction of a pair of languages: `source` asks, `target` answers; `score`
            and its `chance`; mean, sd and p-value of the null (answers shuffled); a 95 % bootstrap interval over
            queries; `n` queries among `n_candidates`.
        selection: Where a layer was chosen, every layer's mean score on the rows that chose it; else empty.
        run: How it was run: task, protocol, model, text, arguments, versions, seconds.
        warnings: What a reader must know before trusting or comparing a number.
    """

    table: pd.DataFrame
    selection: pd.DataFrame
    run: dict[str, Any]
    warnings: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        """One line; `.summary` and `.table` hold the numbers."""
        task, model = self.run["task"]["name"], self.run["model"]["name"]
        return f"Retrieval({model} on {task}: {self.score:.3f} at layer {self.layer}, {len(self.table)} rows)"

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that are reported."""
        return tuple(int(layer) for layer in sorted(self.table["layer"].unique()))

    @property
    def layer(self) -> int:
        """The layer that `score` speaks of: the only one, or the last where all are reported."""
        return self.layers[-1]

    @property
    def headline(self) -> pd.Series:
        """The summary's first row at `layer`: the mean over languages that the task is known by."""
        return self.summary[self.summary["layer"] == self.layer].iloc[0]

    @property
    def score(self) -> float:
        """The mean over languages that the task is known by."""
        return float(self.headline["score"])

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Averages over languages; see `xalign.benchmarking.summary.summarise_retrieval`."""
        task = self.run["task"]
        return summarise_retrieval(self.table, pivot=task["pivot"], subsets=task["subsets"])

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw a bar per language with its interval."""
        from xalign.benchmarking.pictures import plot_bars

        return plot_bars(self, ax=ax)

    def plot_layers(self, *, ax: Axes | None = None) -> Axes:
        """Draw the score by layer: of the rows that chose the layer, or of those reported."""
        from xalign.benchmarking.pictures import plot_layer_scores

        return plot_layer_scores(self, ax=ax)

    def plot_pairs(self, *, ax: Axes | None = None) -> Axes:
        """Draw who asks against who answers, where languages meet in pairs or in one pool."""
        from xalign.benchmarking.pictures import plot_pairs

        return plot_pairs(self, ax=ax)

    def save(self, folder: str | Path) -> Path:
        """Write table, summary and selection (Parquet, CSV), `results.json`, pictures, `retrieval.html` and `run.json`.

        `results.json` is in the format of the mteb package (`mteb.TaskResult.from_disk`), of the layer that `score`
        speaks of.

        Raises:
            XalignError: If the folder cannot be written or the disk is full.
        """
        from xalign.benchmarking.result_files import save_result

        return save_result(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Retrieval:
        """Read what `save` wrote.

        Raises:
            XalignError: If a file is missing or not a result's.
        """
        from xalign.benchmarking.result_files import load_result

        return load_result(Path(folder))
