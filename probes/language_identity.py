"""Language identity: can a linear probe tell from a sentence's vector which language it is in?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, require_whole, row_chunks, working_dtype
from probes.judging import judged_by
from probes.language_judging import LanguagePreparation
from probes.language_vectors import checked_languages

FOLDS = 5
"""Into how many parts sentences are cut; each is scored by a probe trained on the others."""

TIES = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 4e-6}
"""How near the best two discriminants may lie, as a share of the largest, and count as level."""

NEGLIGIBLE = 1e-12
"""A variance within languages below this share of the total is rounding: vectors are told apart by distance alone."""


@dataclass(frozen=True)
class LanguageIdentity:
    """How well languages are told apart.

    Attributes:
        score: Share of sentences whose language is named right, each by a probe that saw no translation of it.
        per_language: The same for every language (its recall); `score` is their mean.
        chance: 1 / number of languages: exactly what is expected when labels say nothing.
        n: How many sentences each language has.
        n_folds: Into how many parts they were cut.
    """

    score: float
    per_language: dict[str, float]
    chance: float
    n: int
    n_folds: int


@dataclass(frozen=True, eq=False)
class PreparedIdentity:
    """All languages, ready to be judged.

    The null shuffles the labels within every sentence, so that content stays balanced: a draw needs new class means,
    which also give the covariance within classes, since the total does not change. In a bootstrap the probes stay as
    they were trained, and the sentences they were not trained on are drawn again.

    Attributes:
        stack: Vectors centred on the mean of all languages, in the working type.
        folds: Which part each sentence belongs to.
    """

    stack: Float[np.ndarray, "k n d"]
    folds: Int[np.ndarray, " n"]

    @property
    def n_folds(self) -> int:
        """Into how many parts sentences are cut."""
        return int(self.folds.max()) + 1

    @cached_property
    def hits(self) -> Float[np.ndarray, "k n"]:
        """Whether each sentence's language is named right; shared where several are level."""
        k, n, _ = self.stack.shape
        return self._hits(np.broadcast_to(np.arange(k)[:, None], (k, n)), np.dtype(np.float64))

    @cached_property
    def scores(self) -> Float[np.ndarray, " languages"]:
        """The recall of each language."""
        return self.hits.mean(axis=1)

    @property
    def chances(self) -> Float[np.ndarray, " languages"]:
        """One in as many as there are languages."""
        return np.full(self.stack.shape[0], 1 / self.stack.shape[0])

    def null(self, n_draws: int, *, seed: int = 0) -> Float[np.ndarray, "languages draws"]:
        """Return the recalls when labels are shuffled within each sentence; discriminants in the working type."""
        require_whole("n_draws", n_draws, minimum=1)
        k, n, _ = self.stack.shape
        rng, labels = np.random.default_rng(seed), np.tile(np.arange(k)[:, None], (1, n))
        draws = [self._hits(rng.permuted(labels, axis=0), self.stack.dtype).mean(axis=1) for _ in range(n_draws)]
        return np.stack(draws, axis=1)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, "languages m"]:
        """Return the recalls when sentence i is drawn counts[., i] times, all translations of it together."""
        return self.hits @ counts.T / counts.sum(axis=1)

    @cached_property
    def _scatters(self) -> Float[np.ndarray, "folds d d"]:
        """The sum of outer products of all vectors of each part, whatever their labels."""
        d = self.stack.shape[2]
        scatters = np.zeros((self.n_folds, d, d))
        for vectors in self.stack:
            for fold, scatter in enumerate(scatters):
                rows = vectors[self.folds == fold].astype(np.float64)
                scatter += rows.T @ rows
        return scatters

    def _hits(self, order: Int[np.ndarray, "k n"], dtype: np.dtype) -> Float[np.ndarray, "k n"]:
        """Return the hits of every label in every sentence, label j of sentence i being worn by vector order[j, i]."""
        sums, hits = self._class_sums(order), np.empty(order.shape)
        wearing = np.argsort(order, axis=0)
        for fold in range(self.n_folds):
            inside = np.flatnonzero(self.folds == fold)
            n_trained = self.folds.size - inside.size
            means = (sums.sum(axis=0) - sums[fold]) / n_trained
            scatter = self._scatters.sum(axis=0) - self._scatters[fold]
            discriminant = fit_discriminant(means, scatter, n_trained).astype(dtype)
            found = self._named(inside, wearing[:, inside], discriminant)
            hits[:, inside] = np.take_along_axis(found, order[:, inside], axis=0)
        return hits

    def _class_sums(self, order: Int[np.ndarray, "k n"]) -> Float[np.ndarray, "folds k d"]:
        k, n, d = self.stack.shape
        sums = np.zeros((self.n_folds, k, d))
        for sentence in range(n):
            sums[self.folds[sentence]] += self.stack[order[:, sentence], sentence]
        return sums

    def _named(
        self, sentences: Int[np.ndarray, " r"], labels: Int[np.ndarray, "k r"], discriminant: "Discriminant"
    ) -> Float[np.ndarray, "k r"]:
        """Return whether each vector is given its label, cut into blocks of languages."""
        k, r = labels.shape
        found = np.empty((k, r))
        for part in row_chunks(k, r * k, elements=1 << 20):
            rows = self.stack[part, sentences].astype(discriminant.weights.dtype, copy=False)
            values = rows.reshape(-1, rows.shape[2]) @ discriminant.weights
            values += discriminant.offsets
            found[part] = _shared_hits(values, labels[part].ravel()).reshape(-1, r)
        return found


@dataclass(frozen=True, eq=False)
class Discriminant:
    """A linear probe: the label with the largest `x @ weights + offsets` is named."""

    weights: Float[np.ndarray, "d k"]
    offsets: Float[np.ndarray, " k"]

    def astype(self, dtype: np.dtype) -> "Discriminant":
        """Return the same in another type."""
        return Discriminant(self.weights.astype(dtype), self.offsets.astype(dtype))


def fit_discriminant(
    means: Float[np.ndarray, "k d"], scatter: Float[np.ndarray, "d d"], n_per_class: int
) -> Discriminant:
    """Return linear discriminant analysis with equal priors from sufficient statistics.

    Args:
        means: Mean vector of each class.
        scatter: Sum of outer products of all vectors of all classes.
        n_per_class: How many vectors each class has.
    """
    k, d = means.shape
    within = scatter - n_per_class * means.T @ means
    if np.trace(within) <= NEGLIGIBLE * np.trace(scatter):
        covariance = np.eye(d)
    else:
        covariance = shrunk(within / (k * (n_per_class - 1)), k * (n_per_class - 1))
    weights = np.linalg.solve(covariance, means.T)
    return Discriminant(weights, -np.sum(means.T * weights, axis=0) / 2)


def shrunk(covariance: Float[np.ndarray, "d d"], n: int) -> Float[np.ndarray, "d d"]:
    """Return the covariance of n vectors drawn towards a multiple of the identity (oracle approximating shrinkage).

    References:
        Chen, Wiesel, Eldar & Hero (2010), Shrinkage Algorithms for MMSE Covariance Estimation, arXiv:0907.4698, eq. 23.
    """
    d = covariance.shape[0]
    trace, square = np.trace(covariance), np.sum(covariance**2)
    spread = (n + 1 - 2 / d) * (square - trace**2 / d)
    wanted = (1 - 2 / d) * square + trace**2
    share = wanted / spread if wanted < spread else 1.0
    return (1 - share) * covariance + share * trace / d * np.eye(d)


def _shared_hits(values: Float[np.ndarray, "r k"], labels: Int[np.ndarray, " r"]) -> Float[np.ndarray, " r"]:
    best = values.max(axis=1)
    level = best - TIES[values.dtype] * np.abs(values).max()
    named = np.take_along_axis(values, labels[:, None], axis=1)[:, 0] >= level
    return named / np.count_nonzero(values >= level[:, None], axis=1)


@dataclass(frozen=True)
class IdentityPreparation(LanguagePreparation):
    """The language identity probe, its cut into parts, and the seed of that."""

    n_folds: int = FOLDS
    seed: int = 0

    def of(self, x_by_language: Mapping[str, Float[Array, "n d"]]) -> PreparedIdentity:
        """Return all languages, ready to be judged.

        Raises:
            TypeError: If `n_folds` or `seed` is no whole number.
            ValueError: As `language_identity`.
        """
        require_whole("n_folds", self.n_folds, minimum=2)
        require_whole("seed", self.seed, minimum=0)
        _require_classes(x_by_language)
        vectors = checked_languages(x_by_language)
        n, d = next(iter(vectors.values())).shape
        if n < self.n_folds:
            raise ValueError(
                f"x_by_language must have a sentence for each of the {self.n_folds} folds, got {n} sentences; "
                "give more sentences or lower n_folds"
            )
        centre = np.mean([x.mean(axis=0, dtype=np.float64) for x in vectors.values()], axis=0)
        stack = np.empty((len(vectors), n, d), dtype=np.result_type(*map(working_dtype, vectors.values())))
        for i, x in enumerate(vectors.values()):
            stack[i] = x - centre
        folds = np.random.default_rng(self.seed).permutation(np.arange(n) % self.n_folds)
        return PreparedIdentity(stack, folds)


def _require_classes(x_by_language: Mapping[str, Float[Array, "n d"]]) -> None:
    if len(x_by_language) < 2:
        raise ValueError(
            f"x_by_language must hold at least 2 languages, got {len(x_by_language)}: a probe that knows one language "
            "has nothing to tell apart; give the vectors of another"
        )


@judged_by(IdentityPreparation)
def language_identity(
    x_by_language: Mapping[str, Float[Array, "n d"]], *, n_folds: int = FOLDS, seed: int = 0
) -> LanguageIdentity:
    """Measure how well a linear probe names the language of a sentence it was not trained on.

    Linear discriminant analysis with a shrunken covariance, cross-validated over sentences: all translations of a
    sentence lie in one fold, so no content leaks from training to test. A language-neutral representation scores at
    chance. Centre the languages first to see what is left beside an offset, but on other sentences (`fit_centring`):
    centred on those that are scored, the mean of a fold is opposite to that of the others, and scores fall below
    chance.

    Args:
        x_by_language: Vectors by language, at least 2; row i is the same sentence in all, at least one per fold.
        n_folds: Into how many parts sentences are cut, at least 2.
        seed: Seed of the cut.

    Returns:
        The accuracy and each language's recall.

    Raises:
        TypeError: If `n_folds` or `seed` is no whole number.
        ValueError: If there are fewer than 2 languages, 4 sentences or `n_folds` sentences, shapes differ, or a value
            is not finite.

    References:
        Libovický, Rosa & Fraser (2020), On the Language Neutrality of Pre-trained Multilingual Representations,
            arXiv:2004.05160.
        Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, eq. 4.10 (the discriminant).
    """
    prepared = IdentityPreparation(n_folds, seed).of(x_by_language)
    recalls = dict(zip(x_by_language, prepared.scores.tolist(), strict=True))
    chance = 1 / len(recalls)
    return LanguageIdentity(float(prepared.scores.mean()), recalls, chance, prepared.folds.size, n_folds)
