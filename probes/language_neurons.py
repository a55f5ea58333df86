"""Language-specific neurons: which ones fire for few languages only (LAPE), from counts that add up over shards."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from probes.arrays import Array, require_whole, to_host
from probes.judging import judged_by
from probes.language_entropy import SelectionRule, language_entropy
from probes.language_ownership import OwnershipPreparation


@dataclass(frozen=True)
class LanguageNeurons:
    """The neurons that fire for few languages only.

    Attributes:
        neurons: For each language, its neurons as rows of layer and neuron, in that order; a neuron may be several's.
        selected: All neurons kept, likewise.
        entropy: Of each neuron's firing over languages, in nats: 0 for one language only, ln(languages) for all alike;
            NaN where it never fires.
        threshold: The share of a language's tokens that a neuron must exceed to be that language's.
        n_silent: How many neurons never fire; they are never kept.
    """

    neurons: Mapping[Hashable, Int[np.ndarray, "_ 2"]]
    selected: Int[np.ndarray, "_ 2"]
    entropy: Float[np.ndarray, "layers neurons"]
    threshold: float
    n_silent: int


@judged_by(OwnershipPreparation)
def language_specific_neurons(
    fire_counts: Real[Array, "layers neurons languages"],
    n_tokens: Real[Array, " languages"],
    *,
    rate: float = 0.01,
    percentile: float = 0.95,
    languages: Sequence[Hashable] | None = None,
    layers: Sequence[int] | None = None,
) -> LanguageNeurons:
    """Find the neurons that fire for few languages only (LAPE, language activation probability entropy).

    With p the share of a language's tokens that fire a neuron and q = p / sum of p over languages, a neuron's entropy
    is -sum q ln q. A neuron passes if some p strictly exceeds the threshold: of all p of all neurons the k-th smallest,
    k = round(percentile x how many). Of those that pass the round(rate x all neurons) of lowest entropy are kept (fewer
    if fewer pass), and each belongs to every language whose p exceeds the same threshold. Of equal entropies the one
    whose largest p is larger goes first, and neurons tied with the last kept in both are kept too. All is computed on
    the CPU.

    Args:
        fire_counts: How many of a language's tokens fire each neuron (activation > 0); whole numbers.
        n_tokens: How many tokens each language has, at least 1.
        rate: Share of all neurons that is kept.
        percentile: Of all firing shares, in [0, 1].
        languages: Their names, in the order of the last axis; 0, 1, ... by default.
        layers: Numbers of the layers, in the order of the first axis; 0, 1, ... by default.

    Returns:
        The neurons of each language, all that are kept, every neuron's entropy, and the threshold.

    Raises:
        ValueError: If shapes do not fit, a count is no whole number, below 0 or above its language's tokens, a language
            has no token, there are fewer than two languages, or `rate` or `percentile` is not between 0 and 1.

    References:
        Tang et al. (2024), Language-Specific Neurons: The Key to Multilingual Capabilities in Large Language Models,
            https://arxiv.org/abs/2402.16438; rounding and percentile as in its authors' code.
    """
    rule = SelectionRule(rate, percentile)
    counts, tokens = _checked_counts(to_host(fire_counts), to_host(n_tokens))
    n_layers, n_neurons, n_languages = counts.shape
    names = _names("languages", languages, n_languages)
    numbers = np.asarray(_names("layers", layers, n_layers), dtype=np.int64)
    shares = (counts / tokens).reshape(-1, n_languages)
    found, entropy = rule.select(shares), language_entropy(shares)
    places = np.stack([numbers[found.kept // n_neurons], found.kept % n_neurons], axis=1)
    return LanguageNeurons(
        neurons={name: places[found.owners[:, i]] for i, name in enumerate(names)},
        selected=places,
        entropy=entropy.reshape(n_layers, n_neurons),
        threshold=found.threshold,
        n_silent=int(np.isnan(entropy).sum()),
    )


def _checked_counts(counts: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if counts.ndim != 3 or 0 in counts.shape or counts.shape[2] < 2:
        raise ValueError(
            "fire_counts must have three axes, layers, neurons and at least 2 languages, none empty, got shape "
            f"{counts.shape}; for one layer give fire_counts[None]"
        )
    if tokens.shape != counts.shape[2:]:
        raise ValueError(
            f"n_tokens must hold a number for each of the {counts.shape[2]} languages of fire_counts, got shape "
            f"{tokens.shape}"
        )
    counts, tokens = _whole("fire_counts", counts), _whole("n_tokens", tokens)
    if (tokens < 1).any():
        place = int(np.flatnonzero(tokens < 1)[0])
        raise ValueError(f"n_tokens must be at least 1, got {tokens[place]} for language {place}; leave it out")
    if (counts < 0).any() or (counts > tokens).any():
        layer, neuron, place = np.argwhere((counts < 0) | (counts > tokens))[0]
        raise ValueError(
            f"fire_counts must lie between 0 and n_tokens, got {counts[layer, neuron, place]} at layer {layer}, neuron "
            f"{neuron}, language {place} with {tokens[place]} tokens"
        )
    return counts, tokens


def _whole(name: str, values: np.ndarray) -> np.ndarray:
    whole = np.rint(values)
    if not np.array_equal(whole, values):
        raise ValueError(f"{name} must hold whole numbers, got {values[whole != values][0]}; give counts, not shares")
    return whole.astype(np.int64)


def _names(argument: str, names: Sequence[Any] | None, n: int) -> tuple:
    given = tuple(range(n)) if names is None else tuple(names)
    if len(given) != n or len(set(given)) != n:
        raise ValueError(f"{argument} must hold {n} different names, one for each along its axis, got {list(given)}")
    return given


@dataclass(frozen=True, eq=False)
class FiringCounts:
    """How many tokens of each language fire each neuron: whole numbers, so that shards add up exactly in any order.

    Attributes:
        fire_counts: Tokens with activation > 0.
        n_tokens: All tokens that were read.
        languages: The names along the last axis.
        layers: The numbers along the first axis.
    """

    fire_counts: Int[np.ndarray, "layers neurons languages"]
    n_tokens: Int[np.ndarray, " languages"]
    languages: tuple[str, ...]
    layers: tuple[int, ...]

    @classmethod
    def empty(cls, layers: Sequence[int], n_neurons: int) -> "FiringCounts":
        """Return counts of no language, to start from."""
        require_whole("n_neurons", n_neurons, minimum=1)
        counts = np.zeros((len(layers), n_neurons, 0), dtype=np.int64)
        return cls(counts, np.zeros(0, dtype=np.int64), (), tuple(layers))

    def accumulate(self, active: Bool[Array, "tokens layers neurons"], *, language: str) -> "FiringCounts":
        """Return the counts with some tokens of a language added.

        Args:
            active: Whether each token fires each neuron.
            language: Whose tokens they are.

        Raises:
            ValueError: If layers or neurons are not those counted so far.
        """
        tokens = to_host(active)
        counts = tokens.sum(axis=0, dtype=np.int64)[:, :, None]
        return self.merge(FiringCounts(counts, np.array([tokens.shape[0]]), (language,), self.layers))

    def merge(self, other: "FiringCounts") -> "FiringCounts":
        """Return the sum of both, language by language; new languages come after those already there.

        Raises:
            ValueError: If layers or neurons differ.
        """
        mine, theirs = (self.layers, self.fire_counts.shape[:2]), (other.layers, other.fire_counts.shape[:2])
        if mine != theirs:
            raise ValueError(
                f"other must count the layers {list(self.layers)} with {self.fire_counts.shape[1]} neurons each, got "
                f"{list(other.layers)} with counts of shape {other.fire_counts.shape}; count the same layers everywhere"
            )
        new = tuple(language for language in other.languages if language not in self.languages)
        counts = np.pad(self.fire_counts, ((0, 0), (0, 0), (0, len(new))))
        n_tokens = np.pad(self.n_tokens, (0, len(new)))
        places = [(self.languages + new).index(language) for language in other.languages]
        counts[:, :, places] += other.fire_counts
        n_tokens[places] += other.n_tokens
        return replace(self, fire_counts=counts, n_tokens=n_tokens, languages=self.languages + new)

    def finish(self, *, rate: float = 0.01, percentile: float = 0.95) -> LanguageNeurons:
        """Return the language-specific neurons, with the model's own layer numbers.

        Raises:
            ValueError: As `language_specific_neurons`.
        """
        return language_specific_neurons(
            self.fire_counts,
            self.n_tokens,
            rate=rate,
            percentile=percentile,
            languages=self.languages,
            layers=self.layers,
        )
