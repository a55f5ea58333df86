"""Neurons: do the same ones fire for the same sentence in two languages?"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import Array, namespace, to_host
from probes.judging import Preparation, Prepared, judged_by
from probes.retrieval import retrieval_statistics
from probes.retrieval_sides import RetrievalSide, retrieval_side


@dataclass(frozen=True)
class NeuronAlignment:
    """NeuronXA: the share of sentences whose neuron states find their translation, by layer.

    Attributes:
        score: Mean over layers.
        per_layer: The share in each layer.
        chance: 1 / (2n - 1).
        n: How many sentences were compared.
    """

    score: float
    per_layer: Float[np.ndarray, " layers"]
    chance: float
    n: int


@dataclass(frozen=True)
class NeuronOverlap:
    """How many neurons are active in both of two languages.

    Attributes:
        jaccard: Intersection over union; NaN when no neuron is active in either.
        intersection: How many entries are active in both.
        union: How many are active in one or both.
    """

    jaccard: float
    intersection: int
    union: int

    @property
    def score(self) -> float:
        """The Jaccard index."""
        return self.jaccard


@dataclass(frozen=True, eq=False)
class PreparedLayers:
    """One prepared measure per layer, averaged."""

    layers: tuple[Prepared, ...]

    @cached_property
    def per_layer(self) -> Float[np.ndarray, " layers"]:
        """The score of each layer."""
        return np.array([layer.score for layer in self.layers])

    @property
    def score(self) -> float:
        """The mean over layers."""
        return float(self.per_layer.mean())

    @property
    def chance(self) -> float:
        """The mean chance over layers."""
        return float(np.mean([layer.chance for layer in self.layers]))

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the mean over layers under each permutation of the sentences."""
        return np.mean([layer.permuted(permutations) for layer in self.layers], axis=0)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the mean over layers when sentence i is drawn counts[., i] times."""
        return np.mean([layer.resampled(counts) for layer in self.layers], axis=0)


@dataclass(frozen=True)
class NeuronPreparation(Preparation[PreparedLayers]):
    """Neuron alignment: MEXA's rule on the states of every layer."""

    def side(self, x: Float[Array, "n layers neurons"], *, name: str = "states_x") -> tuple[RetrievalSide, ...]:
        """Return the unit states of every layer.

        Raises:
            ValueError: If `x` has not three axes, or a layer is unfit.
        """
        if x.ndim != 3:
            raise ValueError(
                f"{name} must have three axes, sentences, layers and neurons, got shape {tuple(x.shape)}; "
                "for one layer give states[:, None, :]"
            )
        return tuple(retrieval_side(x[:, i, :], name=f"{name}[:, {i}]") for i in range(x.shape[1]))

    def pair(self, a: tuple[RetrievalSide, ...], b: tuple[RetrievalSide, ...]) -> PreparedLayers:
        """Return two languages paired, layer by layer."""
        if len(a) != len(b) or not a:
            raise ValueError(
                f"states_y must have the layers of states_x, got {len(b)} and {len(a)}; at least one is needed"
            )
        return PreparedLayers(tuple(retrieval_statistics(i, j).mutual() for i, j in zip(a, b, strict=True)))


@judged_by(NeuronPreparation)
def neuron_alignment(
    states_x: Float[Array, "n layers neurons"], states_y: Float[Array, "n layers neurons"]
) -> NeuronAlignment:
    """Measure, layer by layer, whether a sentence and its translation put neurons into like states (NeuronXA).

    A sentence state is the position-weighted mean over tokens of `1[activation > 0]` (NAS) or `|activation|` (NAV).
    States are compared by cosine, and a sentence counts when its translation is strictly nearest in both directions
    (MEXA's rule).

    Args:
        states_x: States of one language, at least 4 sentences; sentence i translates sentence i of `states_y`.
        states_y: States of the other, of the same layers and neurons.

    Returns:
        The share in each layer and their mean.

    Raises:
        ValueError: If shapes differ, there are fewer than 4 sentences, a value is not finite, or a sentence's state is
            zero.

    References:
        Huang et al. (2025), From Neurons to Semantics: Evaluating Cross-Linguistic Alignment Capabilities of Large
            Language Models via Neurons Alignment, arXiv:2507.14900.
    """
    prepared = NeuronPreparation().of(states_x, states_y)
    return NeuronAlignment(prepared.score, prepared.per_layer, prepared.chance, states_x.shape[0])


def neuron_overlap(active_x: Bool[Array, "*shape"], active_y: Bool[Array, "*shape"]) -> NeuronOverlap:
    """Measure how far the neurons active in two languages are the same ones (Jaccard index over all entries).

    Args:
        active_x: Whether each neuron is active in one language; any shape, for example (layers, neurons).
        active_y: The same for the other.

    Returns:
        The Jaccard index and the counts behind it; NaN when no neuron is active in either.

    Raises:
        ValueError: If shapes differ or the arrays are not boolean.
    """
    xp = namespace(active_x, active_y)
    if active_x.shape != active_y.shape:
        raise ValueError(
            f"active_y must have the shape {tuple(active_x.shape)} of active_x, got {tuple(active_y.shape)}"
        )
    for name, active in (("active_x", active_x), ("active_y", active_y)):
        if active.dtype != xp.bool:
            raise ValueError(f"{name} must be boolean, got {active.dtype}; compare activations with a threshold first")
    x, y = to_host(active_x), to_host(active_y)
    intersection, union = int(np.sum(x & y)), int(np.sum(x | y))
    return NeuronOverlap(intersection / union if union else float("nan"), intersection, union)
