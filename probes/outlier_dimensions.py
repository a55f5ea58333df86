"""Outlier dimensions: do one to three dimensions hold most of the variance of a language's vectors?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, centred, checked, require_whole, to_host, working_dtype
from probes.isotropy import N_SHARES, leading_shares
from probes.judging import judged_by
from probes.language_judging import LanguagePreparation
from probes.language_vectors import checked_languages

QUADRATURE_NODES = 400
"""Nodes of the Gauss-Legendre rule behind the chance level; its error is below 1e-5 of the level."""


@dataclass(frozen=True)
class OutlierDimensions:
    """How much of the variance a few dimensions hold.

    Attributes:
        score: Share of the total variance in the 3 dimensions that vary most; NaN where nothing varies.
        share: The share in the first 1, 2 and 3.
        dimensions: Which they are, from the one that varies most on.
        chance: The expected score of Gaussian dimensions of equal variance, a little above 3 / d.
        n: How many vectors were given.
    """

    score: float
    share: Float[np.ndarray, " shares"]
    dimensions: Int[np.ndarray, " k"]
    chance: float
    n: int


@dataclass(frozen=True, eq=False)
class OutlierSide:
    """What one language contributes.

    Attributes:
        rows: Vectors centred in float64, in the working type.
        lengths: Squared length of each centred row.
        held: The part of it in the leading dimensions.
        variances: Variance of each dimension, divided by n.
        leading: The dimensions that vary most.
    """

    rows: Float[np.ndarray, "n d"]
    lengths: Float[np.ndarray, " n"]
    held: Float[np.ndarray, " n"]
    variances: Float[np.ndarray, " d"]
    leading: Int[np.ndarray, " k"]

    def resampled(self, weights: Float[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the share of the leading dimensions under weights that sum to 1."""
        squared_means = (weights.astype(self.rows.dtype) @ self.rows).astype(np.float64) ** 2
        total = weights @ self.lengths - squared_means.sum(axis=1)
        held = weights @ self.held - squared_means[:, self.leading].sum(axis=1)
        varies = total > 0
        return np.where(varies, held / np.where(varies, total, 1.0), np.nan)


@dataclass(frozen=True, eq=False)
class PreparedOutliers:
    """All languages, ready to be judged.

    The null is a Gaussian of equal variances: sample variances are chi-squared, so a draw costs d numbers. In a
    bootstrap the leading dimensions of the whole sample are held; those of each resample would be chosen by its noise.
    """

    sides: tuple[OutlierSide, ...]

    @cached_property
    def scores(self) -> Float[np.ndarray, " languages"]:
        """The score of each language."""
        return np.array([leading_shares(side.variances)[-1] for side in self.sides])

    @property
    def chances(self) -> Float[np.ndarray, " languages"]:
        """The exact mean of the null, the same for all languages."""
        return np.full(len(self.sides), outlier_chance(*self.sides[0].rows.shape))

    def null(self, n_draws: int, *, seed: int = 0) -> Float[np.ndarray, "languages draws"]:
        """Return the scores of Gaussian rows whose dimensions vary alike."""
        require_whole("n_draws", n_draws, minimum=1)
        n, d = self.sides[0].rows.shape
        variances = np.random.default_rng(seed).chisquare(n - 1, size=(len(self.sides), n_draws, d))
        leading = np.sort(variances, axis=2)[:, :, -N_SHARES:]
        return leading.sum(axis=2) / variances.sum(axis=2)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, "languages m"]:
        """Return the scores when sentence i is drawn counts[., i] times, with the dimensions of the whole sample."""
        weights = counts / counts.sum(axis=1, keepdims=True)
        return np.stack([side.resampled(weights) for side in self.sides])


@dataclass(frozen=True)
class OutlierPreparation(LanguagePreparation):
    """Outlier dimensions of every language by itself."""

    def of(self, x_by_language: Mapping[str, Float[Array, "n d"]]) -> PreparedOutliers:
        """Return all languages, ready to be judged.

        Raises:
            ValueError: If there is no language, shapes differ, or vectors are unfit (see `outlier_dimensions`).
        """
        return PreparedOutliers(tuple(_side(x) for x in checked_languages(x_by_language).values()))


@judged_by(OutlierPreparation)
def outlier_dimensions(x: Float[Array, "n d"]) -> OutlierDimensions:
    """Measure the share of variance in the one to three dimensions that vary most.

    Trained transformers have such dimensions; they carry cosine and CKA almost alone, and word frequency more than
    meaning. The share depends on the basis: a rotation hides it (see `isotropy(x).share` for principal components).

    Args:
        x: Sentence vectors of one language, at least 4.

    Returns:
        The shares, the dimensions that hold them, and what dimensions of equal variance would give.

    Raises:
        ValueError: If there are fewer than 4 rows, or a value is not finite.

    References:
        Kovaleva et al. (2021), BERT Busters: Outlier Dimensions that Disrupt Transformers, arXiv:2105.06990.
        Timkey & van Schijndel (2021), All Bark and No Bite: Rogue Dimensions in Transformer Language Models Obscure
            Representational Quality, arXiv:2109.04404.
        Puccetti et al. (2022), Outliers Dimensions that Disrupt Transformers Are Driven by Frequency, arXiv:2205.11380.
    """
    side = _side(to_host(checked(x)))
    share = leading_shares(side.variances)
    n, d = side.rows.shape
    return OutlierDimensions(float(share[-1]), share, side.leading, outlier_chance(n, d), n)


def outlier_chance(n: int, d: int) -> float:
    """Return the expected share of the 3 largest of d sample variances of n Gaussian rows.

    Sample variances are gamma variables, whose shares are independent of their sum: the expectation is that of the
    largest order statistics over that of the sum, d (n - 1) / 2. The j-th largest is the quantile of a beta variable
    (d - j + 1, j), integrated by Gauss-Legendre quadrature.
    """
    from scipy.special import betaincinv, gammaincinv

    if d <= N_SHARES:
        return 1.0
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    places = np.arange(1, N_SHARES + 1)[:, None]
    quantiles = gammaincinv((n - 1) / 2, betaincinv(d - places + 1, places, (nodes + 1) / 2))
    return float((quantiles @ (weights / 2)).sum() / (d * (n - 1) / 2))


def _side(x: Float[np.ndarray, "n d"]) -> OutlierSide:
    rows, deviations = centred(x)
    variances, squares = deviations**2, rows**2
    leading = np.argsort(-variances, kind="stable")[:N_SHARES]
    return OutlierSide(
        rows=rows.astype(working_dtype(x)),
        lengths=squares.sum(axis=1),
        held=squares[:, leading].sum(axis=1),
        variances=variances,
        leading=leading,
    )
