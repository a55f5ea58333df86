"""What a run of probes found: the table, the matrices, the confounds, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from xalign.comparison import ReportComparison, compare_tables
from xalign.errors import UnknownNameError
from xalign.measures import is_symmetric
from xalign.names import nearest
from xalign.summary import best_layers, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class ProbeReport:
    """Scores of a model's layers on parallel text, each with what judges it.

    Attributes:
        table: A row per layer, pair of languages and probe: `score`; `chance`, its value for a model that knows nothing
            (exact over all shuffles); mean, sd and p-value of the permutation null (rows of
            the target shuffled, unless the measure says otherwise); a 95 % bootstrap interval over sentences; `n`
            sentences (words or prompts where a probe reads these). Source and target are the same where a probe sees
            each language by itself.
        pairs: Scores of every two languages, the diagonal included, for the probes that get all pairs from one product
            (`layer probe source target score`, each pair once).
        confounds: A row per language with what could explain a score away: tokens per sentence, fertility, truncated
            sentences, unknown tokens, share of tokens identical to the pivot's, duplicate sentences.
        run: How it was made: arguments, versions, model and corpus with their hashes, seconds.
        warnings: What a reader must know before trusting a number.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    confounds: pd.DataFrame
    run: dict[str, Any]
    warnings: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        """One line; `.summary`, `.best_layers` and `.table` hold the numbers."""
        model, corpus = self.run["model"]["name"], self.run["corpus"]["name"]
        probes = ", ".join(self.table["probe"].unique())
        return f"ProbeReport({model} on {corpus}: {len(self.confounds)} languages, {probes}, {len(self.table)} rows)"

    @property
    def summary(self) -> pd.DataFrame:
        """A row per probe and layer, averaged over languages; see `xalign.summary.summarise`."""
        return summarise(self.table)

    @property
    def best_layers(self) -> pd.DataFrame:
        """The summary's row at each probe's best layer."""
        return best_layers(self.summary)

    def matrix(self, probe: str, layer: int) -> pd.DataFrame:
        """The scores of all languages against all others.

        Args:
            probe: A probe's name, as in the table.
            layer: 0 for the embeddings, l for the output of block l.

        Returns:
            A frame of sources (rows) by targets, languages in the report's order; symmetric where the probe is. A score
            that was not computed is NaN.

        Raises:
            UnknownNameError: If the report has no such probe or layer, or that probe was run against a pivot only.
        """
        _require(probe, self.table["probe"].unique(), "probe")
        _require(layer, self.table["layer"].unique(), "layer")
        chosen = self.pairs[(self.pairs["probe"] == probe) & (self.pairs["layer"] == layer)]
        if chosen.empty:
            raise UnknownNameError(
                f"probe {probe!r} was computed against the pivot only; for scores between all languages run "
                "xalign.probe(..., pivot=None) on text whose languages share their rows. This report has matrices for "
                f"{', '.join(sorted(self.pairs['probe'].unique())) or 'no probe'}"
            )
        mirrored = chosen.rename(columns={"source": "target", "target": "source"})
        both = pd.concat([chosen, mirrored] if is_symmetric(probe) else [chosen]).drop_duplicates(["source", "target"])
        languages = list(self.confounds["language"])
        return both.pivot(index="source", columns="target", values="score").reindex(index=languages, columns=languages)

    def plot_layers(self, *, probe: str | None = None, by: str = "probe", ax: Axes | None = None) -> Axes:
        """Draw score by layer with interval and chance: a line per probe, or per target language of one probe."""
        from xalign.figures import plot_layers

        return plot_layers(self.table, probe=probe, by=by, ax=ax)

    def plot_matrix(self, probe: str, layer: int, *, ax: Axes | None = None) -> Axes:
        """Draw the language by language heat map of a probe at a layer, ordered by clustering."""
        from xalign.figures import plot_matrix

        return plot_matrix(self.matrix(probe, layer), title=f"{probe}, layer {layer}", ax=ax)

    def plot_language_layers(self, probe: str, *, ax: Axes | None = None) -> Axes:
        """Draw the layer by language heat map of a probe."""
        from xalign.figures import plot_language_layers

        return plot_language_layers(self.table, probe, ax=ax)

    def compare(self, other: ProbeReport) -> ReportComparison:
        """What moved from this report to `other`: rows are matched by layer, languages and probe."""
        return compare_tables(self.table, other.table)

    def save(self, folder: str | Path) -> Path:
        """Write table (Parquet, CSV), pictures (PNG), `report.html` and `run.json`; returns the folder."""
        from xalign.report_files import save_report

        return save_report(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> ProbeReport:
        """Read what `save` wrote.

        Raises:
            XalignError: If a file is missing or not a report's.
        """
        from xalign.report_files import load_report

        return load_report(Path(folder))


def _require(value: object, known: Any, what: str) -> None:
    if value not in known:
        names = [str(name) for name in known]
        raise UnknownNameError(
            f"the report has no {what} {value!r}{nearest(str(value), names)}; it has {', '.join(names)}"
        )
