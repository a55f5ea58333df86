"""Topic probes at every layer: how well topics are recognised in each language, and which layer is the headline's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool
from tqdm import tqdm

from probes.judging import draw_resamples, interval_of
from xalign.corpora import ParallelCorpus
from xalign.encoders import Activations
from xalign.transferring.dividing import Division
from xalign.transferring.settings import BEST, TransferSettings
from xalign.transferring.topics import train_topics


@dataclass(frozen=True, eq=False)
class LayerTopics:
    """How well topics are recognised at one layer.

    Attributes:
        hits: By language, whether each tested sentence was given its topic.
        choosing: The pivot's accuracy on the rows that choose the layer.
        penalties: The inverse penalty of each fold.
    """

    hits: Mapping[str, Bool[np.ndarray, " tested"]]
    choosing: float
    penalties: tuple[float, ...]


def score_topics(
    activations: Mapping[str, Activations],
    text: ParallelCorpus,
    division: Division,
    settings: TransferSettings,
    progress: bool,
) -> dict[int, LayerTopics]:
    """Train on the pivot and test on every language, layer by layer, one language in memory at a time."""
    pivot, found = activations[settings.pivot], {}
    for number in tqdm(pivot.layer_numbers, desc="training topics", unit="layer", disable=not progress):
        own = pivot.layer(number)
        topics = train_topics(own, text.labels or (), division, seed=settings.seed)
        hits = {language: topics.hits(encoded.layer(number)) for language, encoded in activations.items()}
        found[number] = LayerTopics(hits, topics.choosing_accuracy(own), topics.penalties)
    return found


def choose_layer(layer: int | str, topics: Mapping[int, LayerTopics]) -> int:
    """Return the layer asked for, or the pivot's best; on a tie the lowest."""
    return max(topics, key=lambda number: topics[number].choosing) if layer == BEST else int(layer)


def tabulate_accuracy(topics: Mapping[int, LayerTopics], chance: float, *, n_resamples: int, seed: int) -> pd.DataFrame:
    """Return accuracy, its interval over sentences (the same resamples for all), and chance, by layer and language."""
    rows: list[dict[str, Any]] = []
    for layer, found in topics.items():
        n = len(next(iter(found.hits.values())))
        counts = draw_resamples(n, n_resamples, seed=seed)
        for language, hits in found.hits.items():
            interval = interval_of(float(hits.mean()), counts @ hits / n)
            rows.append(
                {"layer": layer, "language": language, "accuracy": interval.score}
                | {"ci_low": interval.low, "ci_high": interval.high, "chance": chance, "n": n}
            )
    return pd.DataFrame(rows)
