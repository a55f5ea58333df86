"""A score with what judges it, as a row of a report's table."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from probes.judging import BootstrapInterval, PermutationNull, interval_of, null_of
from xalign.encoding import EncodedGroup
from xalign.measure import Measure


@dataclass(frozen=True)
class Judging:
    """How scores are judged.

    Attributes:
        n_permutations: Draws behind each null.
        n_resamples: Resamples of sentences behind each interval.
        seed: Of both.
    """

    n_permutations: int
    n_resamples: int
    seed: int


@dataclass(frozen=True)
class Judged:
    """A score with its chance level and its permuted and resampled scores."""

    score: float
    chance: float
    permuted: Float[np.ndarray, " m"]
    resampled: Float[np.ndarray, " k"]


def row_of(measure: Measure, judged: Judged, n: int) -> dict[str, Any]:
    """Return the columns of a report's table that a score fills; model, layer and languages are the caller's."""
    null = null_of(judged.score, judged.permuted, below=measure.below)
    return columns_of(measure, n, judged.chance, null, interval_of(judged.score, judged.resampled))


def columns_of(
    measure: Measure, n: int, chance: float, null: PermutationNull, interval: BootstrapInterval
) -> dict[str, Any]:
    """Return the same columns from a null and an interval that are already summarised."""
    return {
        "probe": measure.name,
        "score": null.score,
        "chance": chance,
        "null_mean": null.mean,
        "null_sd": null.sd,
        "p_value": null.p_value,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "n": n,
    }


def states_of(group: EncodedGroup, language: str, reads: str, layer: int) -> Float[np.ndarray, "n *shape"]:
    """Return what a measure reads of a language at a layer: sentence vectors, a statistic of neurons, or two versions.

    Where originals and romanised sentences are compared, both are stacked on axis 1.
    """
    activations = group.activations[language]
    if reads == "layer":
        return activations.layer(layer)
    if reads == "romanised":
        return np.stack([activations.layer(layer), group.romanised[language].layer(layer)], axis=1)
    return activations.neuron_layer(reads, layer)
