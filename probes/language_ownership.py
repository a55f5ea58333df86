"""Whose are a layer's language-specific neurons? Judged against sentences that are shuffled among the languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, Real

from probes.arrays import Array, row_chunks, to_host
from probes.language_entropy import LanguageSelection, SelectionRule
from probes.language_judging import LanguagePreparation
from probes.language_shuffles import neuron_blocks, null_by_shuffles, shuffled
from probes.language_vectors import checked_languages

EXACT = 1 << 24
"""Whole numbers up to here are exact in float32, and so are their sums."""
AT_ONCE = 1 << 25
"""How many resampled counts are held together."""


@dataclass(frozen=True, eq=False)
class PreparedOwnership:
    """The firing of one layer's neurons by language and sentence, ready to be judged.

    The score of a language is its share of the neurons that LAPE keeps: a neuron of several languages counts for each
    in equal parts, so scores add up to 1 over languages, at every layer. Rate and percentile are taken within the
    layer, not over all layers as published.

    In the null, languages are shuffled within each sentence, a sentence's tokens with it; all languages are alike then,
    so the chance is exactly 1 / languages, each shuffle gives as many draws as there are languages, and all languages
    have the same null. In a bootstrap sentences are drawn for all languages alike, and neurons are chosen anew.

    Attributes:
        counts: For each language how many tokens of each sentence fire each neuron.
        n_tokens: For each language how many tokens each sentence has.
        rule: Which neurons are kept.
    """

    counts: tuple[Real[np.ndarray, "n neurons"], ...]
    n_tokens: Float[np.ndarray, "languages n"]
    rule: SelectionRule

    @cached_property
    def scores(self) -> Float[np.ndarray, " languages"]:
        """The share of each language; NaN if no neuron is kept."""
        totals = np.stack([count.sum(axis=0, dtype=np.float64) for count in self.counts])
        return self._owned(totals, self.n_tokens.sum(axis=1))

    @property
    def chances(self) -> Float[np.ndarray, " languages"]:
        """An equal share for every language."""
        return np.full(len(self.counts), 1 / len(self.counts))

    def null(self, n_draws: int, *, seed: int = 0) -> Float[np.ndarray, "languages draws"]:
        """Return scores of languages that are shuffled within each sentence."""
        return null_by_shuffles(self._under, self.n_tokens.shape, n_draws, seed=seed)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, "languages m"]:
        """Return the scores when sentence i is drawn counts[., i] times."""
        tokens = self.n_tokens @ counts.T
        dtype = np.float32 if tokens.max() < EXACT else np.float64
        drawn, n_neurons = counts.astype(dtype), self.counts[0].shape[1]
        scores = []
        for some in row_chunks(drawn.shape[0], len(self.counts) * n_neurons, elements=AT_ONCE):
            totals = np.stack([drawn[some] @ count.astype(dtype) for count in self.counts], axis=1)
            scores += [self._owned(one, tokens[:, some.start + i]) for i, one in enumerate(totals)]
        return np.stack(scores, axis=1)

    def _under(self, orders: Int[np.ndarray, "m languages n"]) -> Float[np.ndarray, "m languages"]:
        tokens = np.stack([shuffled(self.n_tokens[None], order)[0].sum(axis=1) for order in orders])
        totals: list[list[np.ndarray]] = [[] for _ in orders]
        for block in neuron_blocks(self.counts):
            for parts, order in zip(totals, orders, strict=True):
                parts.append(shuffled(block, order).sum(axis=2, dtype=np.float64))
        return np.stack([self._owned(np.concatenate(parts).T, n) for parts, n in zip(totals, tokens, strict=True)])

    def _owned(
        self, totals: Float[np.ndarray, "languages neurons"], n_tokens: Float[np.ndarray, " languages"]
    ) -> Float[np.ndarray, " languages"]:
        return owned_shares(self.rule.select((totals / n_tokens[:, None]).T.astype(np.float64)))


def owned_shares(selection: LanguageSelection) -> Float[np.ndarray, " languages"]:
    """Return the share of the kept units that is each language's, those of several in equal parts; NaN without any."""
    if not selection.kept.size:
        return np.full(selection.owners.shape[1], np.nan)
    return (selection.owners / selection.owners.sum(axis=1, keepdims=True)).mean(axis=0)


@dataclass(frozen=True)
class OwnershipPreparation(LanguagePreparation):
    """How the language-specific neurons of one layer fall to the languages.

    Attributes:
        rate: Share of the layer's neurons that is kept, in [0, 1].
        percentile: Share of the layer's firing shares at or below the threshold, in [0, 1].
    """

    rate: float = 0.01
    percentile: float = 0.95

    def of(
        self,
        x_by_language: Mapping[str, Float[Array, "_ _"]],
        *,
        n_tokens: Mapping[str, Int[Array, " _"]] | None = None,
    ) -> PreparedOwnership:
        """Return all languages, ready to be judged.

        Args:
            x_by_language: Share of each sentence's tokens that fire each neuron, (sentences, neurons), in [0, 1]; row i
                is the same sentence in all.
            n_tokens: How many tokens each sentence has in each language; without them every sentence weighs the same.

        Raises:
            ValueError: If there are fewer than 2 languages or 4 sentences, shapes differ, a share is not in [0, 1], or
                share x tokens is no whole number.
        """
        rule = SelectionRule(self.rate, self.percentile)
        shares = checked_languages(x_by_language, least=2)
        for language, x in shares.items():
            if x.min() < 0 or x.max() > 1:
                raise ValueError(
                    f"x_by_language[{language!r}] must hold shares in [0, 1], got {x.min():.4g} to {x.max():.4g}; give "
                    "the share of a sentence's tokens that fire each neuron"
                )
        if n_tokens is None:
            n = next(iter(shares.values())).shape[0]
            return PreparedOwnership(tuple(shares.values()), np.ones((len(shares), n)), rule)
        tokens = {language: _checked_tokens(n_tokens, language, x.shape[0]) for language, x in shares.items()}
        counts = tuple(_counted(language, x, tokens[language]) for language, x in shares.items())
        return PreparedOwnership(counts, np.stack(list(tokens.values())), rule)


def _checked_tokens(n_tokens: Mapping[str, Int[Array, " _"]], language: str, n: int) -> Float[np.ndarray, " n"]:
    tokens = to_host(n_tokens[language]) if language in n_tokens else None
    if tokens is None or tokens.shape != (n,) or (tokens < 1).any():
        got = "nothing" if tokens is None else f"shape {tokens.shape}, smallest {tokens.min(initial=0)}"
        raise ValueError(f"n_tokens[{language!r}] must hold at least 1 for each of {n} sentences, got {got}")
    return tokens.astype(np.float64)


def _counted(
    language: str, shares: Float[np.ndarray, "n neurons"], tokens: Float[np.ndarray, " n"]
) -> Real[np.ndarray, "n neurons"]:
    """Return shares as the whole numbers they came from, in the narrowest type that holds them."""
    products = shares * tokens[:, None].astype(shares.dtype)
    counts = np.rint(products)
    gaps = np.abs(products - counts)
    if gaps.max() > 0.01:
        row, neuron = np.unravel_index(gaps.argmax(), gaps.shape)
        raise ValueError(
            f"x_by_language[{language!r}] times n_tokens must be whole numbers, got {products[row, neuron]:.6g} in row "
            f"{row}, neuron {neuron}; give the tokens that the shares were taken of, special tokens included"
        )
    return counts.astype(np.min_scalar_type(int(counts.max())))
