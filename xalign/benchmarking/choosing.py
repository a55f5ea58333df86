"""Which layers are reported: the one that other sentences chose, every one, or the one asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from tqdm import tqdm

from xalign.benchmarking.columns import SELECTION_COLUMNS
from xalign.benchmarking.material import Trial
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.errors import ProbeError


def choose_layers(
    trial: Trial, layers: Sequence[int], settings: BenchmarkSettings, *, progress: bool
) -> tuple[tuple[int, ...], pd.DataFrame]:
    """Return the layers to report, and each layer's score on the rows that chose (empty where none was chosen).

    On a tie the lowest layer is chosen.

    Raises:
        ProbeError: If no layer has a score.
    """
    if not settings.chooses:
        return tuple(layers), pd.DataFrame(columns=SELECTION_COLUMNS)
    bar = tqdm(layers, desc="choosing the layer", unit="layer", disable=not progress)
    scores = np.array([trial.selection_score(layer) for layer in bar])
    if np.isnan(scores).all():
        raise ProbeError("no layer has a score on the rows that choose it; name a layer instead of 'best'")
    best = int(np.nanargmax(scores))
    frame = pd.DataFrame({"layer": list(layers), "score": scores, "chosen": np.arange(len(layers)) == best})
    return (layers[best],), frame[SELECTION_COLUMNS]
