"""Neuron experts: how well does each neuron by itself tell sentences of a language from all others?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import Array, checked, require_whole, row_chunks, to_host
from probes.average_precision import (
    average_precision,
    expected_average_precision,
    expected_within_sentences,
    places,
    sentence_influence,
)
from probes.judging import judged_by
from probes.language_judging import LanguagePreparation
from probes.language_shuffles import neuron_blocks, null_by_shuffles, shuffled
from probes.language_vectors import checked_languages

AT_ONCE = 1 << 17
"""How many responses are listed together."""


@dataclass(frozen=True)
class NeuronExpertise:
    """How well each neuron detects the positive sentences.

    Attributes:
        average_precision: Of each neuron, in (0, 1].
        median: Median response of the positive sentences, by neuron: what Suau's intervention sets experts to.
        chance: Mean over neurons of what shuffled labels would give, exactly, whatever the ties.
        n: How many sentences.
        n_positive: How many are positive.
    """

    average_precision: Float[np.ndarray, " neurons"]
    median: Float[np.ndarray, " neurons"]
    chance: float
    n: int
    n_positive: int

    @property
    def score(self) -> float:
        """The mean over neurons."""
        return float(self.average_precision.mean())

    def experts(self, k: int) -> Int[np.ndarray, " k"]:
        """Return the k neurons of highest average precision, ascending; all that are tied with the last of them too.

        Raises:
            TypeError: If k is no whole number.
            ValueError: Unless 1 <= k <= neurons.
        """
        return top_neurons(self.average_precision, k)


@dataclass(frozen=True)
class ExpertOverlap:
    """How far languages have the same experts.

    Attributes:
        experts: Of each language, ascending.
        intersection: How many experts two languages share.
        jaccard: The same over how many are experts of one or both.
        chance: Expected intersection of two languages whose experts are k neurons drawn at random: k^2 / neurons.
    """

    experts: Mapping[str, Int[np.ndarray, " _"]]
    intersection: Int[np.ndarray, "m m"]
    jaccard: Float[np.ndarray, "m m"]
    chance: float


@dataclass(frozen=True, eq=False)
class PreparedExpertise:
    """The responses of one layer's neurons by language, ready to be judged; row i is the same sentence in all.

    The score of a language is the mean over neurons of the average precision with which a neuron's response finds its
    sentences among those of all languages. In the null, languages are shuffled within each sentence, together for all
    neurons; its mean is known exactly. After a shuffle all languages are alike, so each shuffle gives as many draws as
    there are languages, and all languages have the same null.

    Resampled scores are linear in the weights of the sentences (`sentence_influence`): score + sum of (count - 1) x
    influence. Counting again with copies would be dearer (every neuron's list for every resample) and wrong: a sentence
    drawn twice is tied with itself, and would raise its own precision.
    """

    stack: tuple[Float[np.ndarray, "n neurons"], ...]

    @property
    def scores(self) -> Float[np.ndarray, " languages"]:
        """The mean average precision of each language."""
        return self._summary[0]

    @property
    def chances(self) -> Float[np.ndarray, " languages"]:
        """The exact mean of the null, the same for every language."""
        return np.full(len(self.stack), self._summary[1])

    def null(self, n_draws: int, *, seed: int = 0) -> Float[np.ndarray, "languages draws"]:
        """Return scores of languages that are shuffled within each sentence."""
        return null_by_shuffles(self._under, self._shape, n_draws, seed=seed)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, "languages m"]:
        """Return the scores, to first order, when sentence i is drawn counts[., i] times."""
        scores, _, influence = self._summary
        return scores[:, None] + influence @ (counts - 1.0).T

    def _under(self, orders: Int[np.ndarray, "m languages n"]) -> Float[np.ndarray, "m languages"]:
        total = np.zeros(orders.shape[:2])
        for block in self._blocks():
            for sums, order in zip(total, orders, strict=True):
                sums += average_precision(shuffled(block, order)).sum(axis=0)
        return total / self._n_neurons

    @cached_property
    def _summary(self) -> tuple[Float[np.ndarray, " languages"], float, Float[np.ndarray, "languages n"]]:
        """Scores, chance, and what each sentence moves, from one pass over the neurons."""
        scores, chance, influence = np.zeros(len(self.stack)), 0.0, np.zeros(self._shape)
        for block in self._blocks():
            scores += average_precision(block).sum(axis=0)
            chance += float(expected_within_sentences(block).sum())
            influence += sentence_influence(block)
        return scores / self._n_neurons, chance / self._n_neurons, influence / self._n_neurons

    def _blocks(self) -> Iterator[Int[np.ndarray, "block languages n"]]:
        """Yield the places of every response in its neuron's list, few neurons at a time: these stay in the caches."""
        n_languages, n = self._shape
        for values in neuron_blocks(self.stack):
            for some in row_chunks(values.shape[0], n_languages * n, elements=AT_ONCE):
                yield np.stack([places(neuron.ravel()).reshape(n_languages, n) for neuron in values[some]])

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self.stack), self.stack[0].shape[0]

    @property
    def _n_neurons(self) -> int:
        return self.stack[0].shape[1]


@dataclass(frozen=True)
class ExpertisePreparation(LanguagePreparation):
    """Neuron expertise of every language against all others, at one layer."""

    def of(self, x_by_language: Mapping[str, Float[Array, "_ _"]]) -> PreparedExpertise:
        """Return all languages, ready to be judged.

        Args:
            x_by_language: Responses of one layer's neurons, (sentences, neurons), such as the largest activation over a
                sentence's tokens; row i is the same sentence in all.

        Raises:
            ValueError: If there are fewer than 2 languages or 4 sentences, shapes differ, or a value is not finite.
        """
        return PreparedExpertise(tuple(checked_languages(x_by_language, least=2).values()))


@judged_by(ExpertisePreparation)
def neuron_expertise(responses: Float[Array, "n neurons"], labels: Bool[Array, " n"]) -> NeuronExpertise:
    """Measure each neuron as a detector: the average precision with which its response finds the positive sentences.

    Sentences are listed from the largest response down; the average precision is the mean, over positive sentences, of
    the share of positives among the sentences at least as large. Tied sentences are taken together, so a neuron that
    always answers the same has the base rate. All is computed on the CPU.

    Args:
        responses: Such as the largest activation over a sentence's tokens.
        labels: Which sentences are positive, for one those of a language; some must be, and some not.

    Returns:
        The average precision of each neuron, and what shuffled labels would give.

    Raises:
        ValueError: If the numbers of sentences differ, a response is not finite, or all labels are alike.

    References:
        Suau et al. (2022), Self-conditioning Pre-Trained Language Models, https://arxiv.org/abs/2110.02802.
        Kojima et al. (2024), On the Multilingual Ability of Decoder-based Pre-trained Language Models: Finding and
            Controlling Language-Specific Neurons, https://arxiv.org/abs/2404.02431.
    """
    values = to_host(checked(responses, name="responses", minimum=2))
    positive = _checked_labels(to_host(labels), values.shape[0])
    n, n_positive = positive.size, int(positive.sum())
    found, chances = [], []
    for some in row_chunks(values.shape[1], n):
        lists = np.stack([places(neuron) for neuron in np.ascontiguousarray(values[:, some].T)])
        found.append(average_precision(lists[:, positive]))
        chances.append(expected_average_precision(lists, n_positive))
    medians = np.median(values[positive].astype(np.float64), axis=0)
    return NeuronExpertise(np.concatenate(found), medians, float(np.concatenate(chances).mean()), n, n_positive)


def _checked_labels(labels: np.ndarray, n: int) -> Bool[np.ndarray, " n"]:
    if labels.shape != (n,):
        raise ValueError(
            f"labels must have one entry for each of the {n} rows of responses, got shape {labels.shape}; they are "
            "matched by position"
        )
    if labels.dtype != bool and not np.isin(labels, (0, 1)).all():
        raise ValueError(f"labels must be True or False, got {labels.dtype}; for several languages compare with each")
    positive = labels.astype(bool)
    if positive.all() or not positive.any():
        raise ValueError(
            f"labels must hold positive and other sentences, got {int(positive.sum())} positive of {n}; a detector "
            "needs both"
        )
    return positive


def expert_overlap(average_precision: Mapping[str, Float[np.ndarray, " neurons"]], *, k: int = 100) -> ExpertOverlap:
    """Compare the k best neurons of each language, by average precision.

    Args:
        average_precision: Of the same neurons for each language; of several layers, one after the other.
        k: How many neurons are experts; those tied with the last are experts too.

    Returns:
        The experts and, in the languages' order, how many every two of them share.

    Raises:
        TypeError: If k is no whole number.
        ValueError: If there is no language, they differ in neurons, or k is not between 1 and the neurons.

    References:
        Kojima et al. (2024), https://arxiv.org/abs/2404.02431.
    """
    values = {language: to_host(neurons) for language, neurons in average_precision.items()}
    if len({neurons.shape for neurons in values.values()}) != 1:
        shapes = {language: neurons.shape for language, neurons in values.items()}
        raise ValueError(f"average_precision must hold the same neurons for each language, got shapes {shapes}")
    experts = {language: top_neurons(neurons, k) for language, neurons in values.items()}
    n_neurons = next(iter(values.values())).size
    members = np.stack([np.isin(np.arange(n_neurons), neurons) for neurons in experts.values()]).astype(np.int64)
    shared, sizes = members @ members.T, members.sum(axis=1)
    jaccard = shared / (sizes[:, None] + sizes - shared)
    return ExpertOverlap(experts, shared, jaccard, k * k / n_neurons)


def top_neurons(values: Float[np.ndarray, " neurons"], k: int) -> Int[np.ndarray, " _"]:
    """Return the indices of the k largest values and of all tied with the last of these, ascending."""
    require_whole("k", k)
    if not 1 <= k <= values.size:
        raise ValueError(f"k must be between 1 and the {values.size} neurons, got {k}")
    return np.flatnonzero(values >= np.partition(values, values.size - k)[values.size - k])
