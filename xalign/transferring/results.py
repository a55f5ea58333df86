"""What a transfer study found: accuracy by language, correlations by probe, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from xalign.errors import UnknownNameError
from xalign.names import nearest
from xalign.result_folders import filling, read_folder, write_facts, write_frames, write_pictures
from xalign.transferring.correlating import CORRELATION_COLUMNS, explained_by_confounds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACCURACY_COLUMNS = ["model", "layer", "language", "accuracy", "ci_low", "ci_high", "chance", "n"]
SCORE_COLUMNS = ["probe", "layer", "language", "score"]
CONFOUND_COLUMNS = ["language", "script", "tokens_per_sentence"]


@dataclass(frozen=True, repr=False)
class Transfer:
    """A topic probe trained in one language and tested in all, beside every probe's score.

    Attributes:
        accuracy: A row per layer and language: share of tested sentences given their topic, a 95 % bootstrap interval
            over sentences, and what always naming the most frequent topic scores.
        scores: A row per probe, layer and language.
        correlations: A row per layer and probe: Pearson, Spearman and partial correlation with intervals, p-values; see
            `xalign.transferring.correlating.correlate_all`.
        confounds: What the partial correlations hold fixed, by language.
        layer: The layer of the headline: the pivot's best on sentences that are not tested, or the one asked for.
        run: How it was made.
        warnings: What a reader must know before trusting a number.
    """

    accuracy: pd.DataFrame
    scores: pd.DataFrame
    correlations: pd.DataFrame
    confounds: pd.DataFrame
    layer: int
    run: dict[str, Any]
    warnings: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        """One line; the frames hold the numbers."""
        model, corpus = self.run["model"]["name"], self.run["corpus"]["name"]
        return f"Transfer({model} on {corpus}: mean accuracy {self.score:.3f} at layer {self.layer})"

    @property
    def pivot(self) -> str:
        """The language of training."""
        return str(self.run["arguments"]["pivot"])

    @property
    def score(self) -> float:
        """Mean zero-shot accuracy over languages at the headline's layer, the pivot left out."""
        rows = self.accuracy[(self.accuracy["layer"] == self.layer) & (self.accuracy["language"] != self.pivot)]
        return float(rows["accuracy"].mean())

    @property
    def best(self) -> pd.DataFrame:
        """The correlations at the headline's layer, largest Pearson correlation first, whatever its sign."""
        rows = self.correlations[self.correlations["layer"] == self.layer]
        return rows.sort_values("pearson", key=lambda column: -column.abs(), kind="stable").reset_index(drop=True)

    @property
    def explained_by_confounds(self) -> float:
        """Share of the accuracy's variance over languages that script and tokens per sentence explain by themselves.

        Adjusted R squared at the headline's layer, over languages that share their script with another.
        """
        rows = self.accuracy[(self.accuracy["layer"] == self.layer) & (self.accuracy["language"] != self.pivot)]
        known = rows.merge(self.confounds, on="language")
        tokens = known["tokens_per_sentence"].to_numpy(float)
        return explained_by_confounds(known["accuracy"].to_numpy(float), known["script"].tolist(), tokens)

    def points(self, probe: str, layer: int | None = None) -> pd.DataFrame:
        """Each language's probe score beside its accuracy.

        Raises:
            UnknownNameError: If the probe was not scored, or not at this layer.
        """
        names = [str(name) for name in self.scores["probe"].unique()]
        if probe not in names:
            raise UnknownNameError(f"no probe {probe!r}{nearest(probe, names)}; scored were {', '.join(names)}")
        chosen = self.layer if layer is None else layer
        rows = self.scores[(self.scores["probe"] == probe) & (self.scores["layer"] == chosen)]
        if rows.empty:
            known = sorted(int(number) for number in self.scores.loc[self.scores["probe"] == probe, "layer"].unique())
            raise UnknownNameError(f"{probe} was not scored at layer {chosen}; it was at {known}")
        return rows.merge(self.accuracy, on=["layer", "language"]).merge(self.confounds, on="language")

    def plot(self, probe: str, *, layer: int | None = None, ax: Axes | None = None) -> Axes:
        """Draw accuracy against a probe's score, a point per language."""
        from xalign.figures.transfers import plot_transfer

        points = self.points(probe, layer)
        rows = self.correlations[self.correlations["probe"] == probe]
        (correlation,) = rows[rows["layer"] == points["layer"].iloc[0]].to_dict("records")
        return plot_transfer(points, correlation, ax=ax)

    def plot_correlations(self, *, ax: Axes | None = None) -> Axes:
        """Draw every probe's correlation with transfer at the headline's layer, with its interval."""
        from xalign.figures.transfers import plot_correlations

        return plot_correlations(self.best, ax=ax)

    def save(self, folder: str | Path) -> Path:
        """Write tables (Parquet, CSV), a scatter plot per probe (PNG) and `run.json`; returns the folder.

        Raises:
            XalignError: If the folder cannot be written or the disk is full.
        """
        from xalign.figures.transfers import draw_transfer

        folder = Path(folder)
        with filling(folder, what="result", pictures=("transfer_*.png", "correlations.png")):
            write_frames(folder, {name: getattr(self, name) for name in _FRAMES})
            write_pictures(folder, draw_transfer(self))
            write_facts(folder, {"layer": self.layer} | self.run, self.warnings)
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Transfer:
        """Read what `save` wrote.

        Raises:
            XalignError: If a file is missing, damaged or not such a result's.
        """
        frames, run, warnings = read_folder(Path(folder), _FRAMES, what="result of transfer")
        return cls(**frames, layer=run.pop("layer"), run=run, warnings=warnings)


_FRAMES = {
    "accuracy": ACCURACY_COLUMNS,
    "scores": SCORE_COLUMNS,
    "correlations": CORRELATION_COLUMNS,
    "confounds": CONFOUND_COLUMNS,
}
