"""Probe after a transform: fitted on one half of the sentences, applied to the other, which alone is scored."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from probes.transforms import TRANSFORMS, Transform
from xalign.corpora import duplicate_labels
from xalign.encoding import EncodedGroup, LayerStates
from xalign.errors import ProbeError, UnknownNameError
from xalign.names import nearest

NONE = "none"
"""The transform that changes nothing; all sentences are scored."""
MINIMUM = 8
"""Sentences that two halves need at least, four each."""


@dataclass(frozen=True, eq=False)
class TransformedActivations:
    """Activations of the scored sentences, layers transformed and neurons as they are.

    Attributes:
        found: The activations of all sentences.
        rows: Which are scored.
        fit: Fits the transform of one layer on the other sentences; None leaves layers as they are.
    """

    found: LayerStates
    rows: Int[np.ndarray, " k"]
    fit: Callable[[int], Transform] | None

    @property
    def layer_numbers(self) -> tuple[int, ...]:
        """The layers that were encoded."""
        return self.found.layer_numbers

    @property
    def n_read(self) -> Int[np.ndarray, " k"]:
        """Tokens the model read of each scored sentence."""
        return self.found.n_read[self.rows]

    def layer(self, number: int) -> Float[np.ndarray, "k d"]:
        """Return a layer of the scored sentences, transformed."""
        vectors = self.found.layer(number)[self.rows]
        return vectors if self.fit is None else self.fit(number).apply(vectors)

    def neuron_layer(self, statistic: str, number: int) -> Float[np.ndarray, "k neurons"]:
        """Return the neuron states of the scored sentences."""
        return self.found.neuron_layer(statistic, number)[self.rows]


def require_transform(name: str) -> None:
    """Refuse a transform that does not exist.

    Raises:
        UnknownNameError: Names the nearest.
    """
    known = (NONE, *TRANSFORMS)
    if name not in known:
        raise UnknownNameError(f"unknown transform {name!r}{nearest(name, known)}; known are {', '.join(known)}")


def require_fit(name: str, n: int, pivot: str | None) -> None:
    """Refuse, before anything is encoded, a transform that could not be fitted.

    Raises:
        ProbeError: If there are too few sentences for two halves, or a map has no pivot to lead to.
    """
    if name != NONE and n < MINIMUM:
        raise ProbeError(f"transform {name} needs {MINIMUM} sentences, half of them to be fitted on, got {n}")
    if name != NONE and TRANSFORMS[name].needs_pivot and pivot is None:
        raise ProbeError(f"transform {name} maps every language onto a pivot; name one instead of all pairs")


def transform_group(group: EncodedGroup, name: str, *, pivot: str | None, seed: int) -> EncodedGroup:
    """Transform every language of a group, fitted on a random half of its sentences and scored on the other.

    Args:
        group: Languages with their activations.
        name: A word of `probes.transforms.TRANSFORMS`.
        pivot: The language that maps lead to; it is left as it is by them.
        seed: Of the halves; all languages and layers are cut alike.

    Returns:
        A group of the scored sentences, whose layers are transformed when they are read.

    Raises:
        ProbeError: If there are too few sentences for two halves, or a map has no pivot to lead to.
    """
    kind, n = TRANSFORMS[name], len(next(iter(group.sentences.values())))
    require_fit(name, n, pivot)
    fitted, scored = halves(duplicate_labels(*group.sentences.values()), seed=seed)

    def prepared(language: str) -> TransformedActivations:
        found = group.activations[language]
        if kind.needs_pivot and language == pivot:
            return TransformedActivations(found, scored, None)
        beside = [group.activations[pivot]] if kind.needs_pivot and pivot else []

        @lru_cache(maxsize=1)
        def fit(layer: int) -> Transform:
            return kind.fit(*(side.layer(layer)[fitted] for side in (found, *beside)))

        return TransformedActivations(found, scored, fit)

    kept = {language: [texts[i] for i in scored] for language, texts in group.sentences.items()}
    return EncodedGroup(kept, {language: prepared(language) for language in group.languages})


def halves(
    labels: Int[np.ndarray, " n"], *, seed: int
) -> tuple[Int[np.ndarray, " fitted"], Int[np.ndarray, " scored"]]:
    """Cut sentences at random into those a transform is fitted on and those that are scored, in the text's order.

    Rows of one label hold the same text somewhere, and stay together: no scored sentence was fitted on.
    """
    distinct = np.unique(labels)
    order = np.random.default_rng(seed).permutation(distinct)
    fitted = np.isin(labels, order[: distinct.size // 2])
    return np.flatnonzero(fitted), np.flatnonzero(~fitted)
