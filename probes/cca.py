"""Canonical correlations: which linear combinations of one language's dimensions follow which of the other's?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from probes.arrays import Array
from probes.judging import judged_by
from probes.prepared_cca import PreparedCorrelations, PreparedProjection
from probes.prepared_spectral import require_share
from probes.spectral_statistics import SpectralPreparation


@dataclass(frozen=True)
class CanonicalCorrelation:
    """Canonical correlations of two languages, and their mean.

    Attributes:
        score: The mean, 0 to 1; NaN has a `reason`.
        correlations: Each of them, largest first.
        chance: The expected mean for unrelated sentences: far above 0 unless n is far above the dimensions.
        n: How many sentences were compared.
        dimensions: How many directions of `x` and of `y` were compared: those that vary, or the leading ones of SVCCA.
        reason: Why the score is NaN; empty where it is not.
    """

    score: float
    correlations: Float[np.ndarray, " r"]
    chance: float
    n: int
    dimensions: tuple[int, int]
    reason: str = ""


@dataclass(frozen=True)
class ProjectionWeightedCorrelation:
    """Canonical correlations of two languages, averaged by how much of the first lies along their directions.

    Attributes:
        score: The weighted mean, 0 to 1; NaN has a `reason`.
        correlations: Each of them, largest first.
        weights: The weight of each, summing to 1.
        chance: The expected score of unrelated sentences.
        n: How many sentences were compared.
        dimensions: How many directions of `x` and of `y` vary.
        reason: Why the score is NaN; empty where it is not.
    """

    score: float
    correlations: Float[np.ndarray, " r"]
    weights: Float[np.ndarray, " r"]
    chance: float
    n: int
    dimensions: tuple[int, int]
    reason: str = ""


def _mean() -> SpectralPreparation[PreparedCorrelations]:
    return SpectralPreparation(PreparedCorrelations)


def _leading(variance: float = 0.99) -> SpectralPreparation[PreparedCorrelations]:
    require_share(variance)
    return SpectralPreparation(lambda statistics: PreparedCorrelations(statistics, variance))


def _projected() -> SpectralPreparation[PreparedProjection]:
    return SpectralPreparation(PreparedProjection, directions=True)


@judged_by(_mean)
def mean_cca(x: Float[Array, "n d"], y: Float[Array, "n e"]) -> CanonicalCorrelation:
    """Average all canonical correlations.

    It sees no invertible linear map of either language. Columns that are constant, or combinations of others, add no
    direction. Computed in numpy. A permutation shuffles the sentences of `y`; intervals come from influences, as
    `probes.prepared_spectral.PreparedSpectral` tells, and keep the upward bias of the score.

    Args:
        x: Sentence vectors of one language, at least 4; row i is matched with row i of `y`.
        y: Sentence vectors of the other; its dimensions may differ in number.

    Returns:
        The mean of the min(d, e) correlations. Its chance is Wachter's law: 1004 unrelated sentences in 256 dimensions
        give .44.

    Raises:
        ValueError: If the rows differ in number, there are fewer than 4 or no more than directions vary, or a value is
            not finite.

    References:
        Hotelling (1936), Relations between two sets of variates, Biometrika 28.
        Raghu et al. (2017), SVCCA, arXiv:1706.05806 (the mean as a similarity).
    """
    return _result(_mean().of(x, y))


@judged_by(_leading)
def svcca(x: Float[Array, "n d"], y: Float[Array, "n e"], *, variance: float = 0.99) -> CanonicalCorrelation:
    """Average the canonical correlations of the leading principal directions of each language.

    Variance is measured on squared singular values of the centred vectors, and every correlation counts the same;
    libraries that sum singular values themselves, or average fewer, print another number.

    Args:
        x: Sentence vectors of one language, at least 4; row i is matched with row i of `y`.
        y: Sentence vectors of the other; its dimensions may differ in number.
        variance: Share of variance that the kept directions hold, above 0 and at most 1 (all directions: `mean_cca`).

    Returns:
        The mean of the min(k, l) correlations of k and l kept directions; chance as in `mean_cca`, with k and l.

    Raises:
        ValueError: If the rows differ in number, there are fewer than 4 or no more than kept directions, a value is not
            finite, or `variance` is no share.

    References:
        Raghu et al. (2017), SVCCA: Singular Vector Canonical Correlation Analysis for Deep Learning Dynamics and
            Interpretability, arXiv:1706.05806.
    """
    return _result(_leading(variance).of(x, y))


@judged_by(_projected)
def pwcca(x: Float[Array, "n d"], y: Float[Array, "n e"]) -> ProjectionWeightedCorrelation:
    """Average the canonical correlations by how much of `x` lies along their directions.

    The weight of a canonical variate h_i of `x` is `sum_j |<h_i, x_j>|` over the centred columns x_j. So the score is
    not symmetric: `pwcca(y, x)` weighs by `y`. Both sides are centred; four public implementations leave `x` as it is
    in the weights, or add the means to the variates, and print another number.

    Args:
        x: Sentence vectors of the language that weighs, at least 4; row i is matched with row i of `y`.
        y: Sentence vectors of the other; its dimensions may differ in number.

    Returns:
        The weighted mean with correlations and weights; chance as in `mean_cca`.

    Raises:
        ValueError: As `mean_cca`.

    References:
        Morcos et al. (2018), Insights on representational similarity in neural networks with canonical correlation,
            arXiv:1806.05759 (projection weighting).
    """
    prepared = _projected().of(x, y)
    plain, reason = prepared.statistics, prepared.statistics.undefined_reason
    found, weights = (np.empty(0), np.empty(0)) if reason else (plain.canonical.correlations, prepared.weights)
    return ProjectionWeightedCorrelation(
        prepared.score, found, weights, prepared.chance, plain.a.n, prepared.dimensions, reason
    )


def _result(prepared: PreparedCorrelations) -> CanonicalCorrelation:
    reason = prepared.statistics.undefined_reason
    found = np.empty(0) if reason else prepared.canonical.correlations
    n = prepared.statistics.a.n
    return CanonicalCorrelation(prepared.score, found, prepared.chance, n, prepared.dimensions, reason)
