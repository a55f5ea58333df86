"""Two reports side by side: what moved, for which languages, and is it more than chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from xalign.errors import XalignError
from xalign.summary import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KEYS = ["layer", "source", "target", "probe"]


@dataclass(frozen=True)
class ReportComparison:
    """What moved between two reports.

    Attributes:
        table: A row per layer, pair of languages and probe that both reports have: `before`, `after`, `change`, and
            whether the two sentence-level intervals are `apart`.
        summary: A row per probe and layer: mean before, after and change, a bootstrap interval of the change over
            languages and the p-value of a Wilcoxon signed-rank test over languages (NaN for fewer than 6 pairs).
        only_before: Rows of the first report that the second lacks.
        only_after: Rows of the second that the first lacks.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    only_before: int
    only_after: int

    def plot_layers(self, *, probe: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw score by layer before and after, for one probe."""
        from xalign.figures import plot_comparison

        return plot_comparison(self.table, probe or self.table["probe"].iloc[0], ax=ax)


def compare_tables(before: pd.DataFrame, after: pd.DataFrame) -> ReportComparison:
    """Match two report tables by layer, languages and probe.

    Args:
        before: A report's table.
        after: Another's.

    Raises:
        XalignError: If they share no row.
    """
    both = before.merge(after, on=KEYS, suffixes=("_before", "_after"))
    if both.empty:
        raise XalignError(
            "the two reports share no row: they must have a probe, a layer and a pair of languages in common; got "
            f"probes {sorted(before['probe'].unique())} and {sorted(after['probe'].unique())}"
        )
    both["change"] = both["score_after"] - both["score_before"]
    both["apart"] = (both["ci_low_after"] > both["ci_high_before"]) | (both["ci_high_after"] < both["ci_low_before"])
    return ReportComparison(
        table=both.rename(columns={"score_before": "before", "score_after": "after"}),
        summary=_summarise_change(both),
        only_before=len(before) - len(both),
        only_after=len(after) - len(both),
    )


def _summarise_change(both: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (probe, layer), group in both.groupby(["probe", "layer"], sort=False):
        change = group["change"].to_numpy(float)
        low, high = mean_interval(change)
        rows.append(
            {
                "probe": probe,
                "layer": layer,
                "n_pairs": len(group),
                "before": group["score_before"].mean(),
                "after": group["score_after"].mean(),
                "change": change.mean(),
                "ci_low": low,
                "ci_high": high,
                "p_value": _signed_rank(change),
            }
        )
    return pd.DataFrame(rows)


def _signed_rank(change: np.ndarray) -> float:
    """Two-sided Wilcoxon p-value; 1 if nothing moved, NaN where fewer than 6 pairs could never reach .05."""
    if len(change) < 6 or np.isnan(change).any():
        return float("nan")
    return float(stats.wilcoxon(change).pvalue) if np.any(change) else 1.0
