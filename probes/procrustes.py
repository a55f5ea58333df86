"""Procrustes: how well does the best rotation of one language lie on the other?"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array
from probes.judging import judged_by
from probes.prepared_spectral import PreparedSpectral
from probes.spectral_chances import expected_nuclear_norm
from probes.spectral_sides import row_sums
from probes.spectral_statistics import SpectralPreparation, nuclear_norms


@dataclass(frozen=True)
class Procrustes:
    """The fit of the best rotation and scaling.

    Attributes:
        score: 0 to 1; 1 if a rotation, a scaling and an offset take one language to the other. NaN has a `reason`.
        angle: Its arc cosine, radians: the angular Procrustes distance.
        chance: The expected score of unrelated sentences.
        n: How many sentences were compared.
        reason: Why the score is NaN; empty where it is not.
    """

    score: float
    angle: float
    chance: float
    n: int
    reason: str = ""


@dataclass(frozen=True, eq=False)
class PreparedProcrustes(PreparedSpectral):
    """Two sides of Procrustes, judged from the cross-covariance of their principal coordinates.

    With A the nuclear norm of the cross-covariance, R its best rotation and p, q the total variances, the influence of
    a sentence on A / sqrt(p q) is (x' R y - A) / sqrt(p q) less half the score times its shares of both variances. On
    Gaussian data with a shared part resampled scores spread .8 to 1.3 times as wide as the score over fresh samples, on
    unrelated data about 1.6 times.
    """

    @cached_property
    def _norms(self) -> float:
        return float(np.linalg.norm(self.statistics.a.values) * np.linalg.norm(self.statistics.b.values))

    @cached_property
    def _decomposed(self) -> tuple[Float[np.ndarray, "k r"], Float[np.ndarray, " r"], Float[np.ndarray, "r l"]]:
        product = self.statistics.a.values[:, None] * self.statistics.cross * self.statistics.b.values
        return np.linalg.svd(product, full_matrices=False)

    def _score(self) -> float:
        return min(1.0, float(self._decomposed[1].sum()) / self._norms)

    def _chance(self) -> float:
        a, b = self.statistics.a, self.statistics.b
        return expected_nuclear_norm(a.values, b.values, a.n - 1) / self._norms

    def _permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        a, b = self.statistics.a.values[:, None], self.statistics.b.values
        crossed = self.statistics.permuted(permutations)
        return np.minimum(1.0, crossed.read("procrustes", lambda stack: nuclear_norms(a * stack * b)) / self._norms)

    @cached_property
    def influence(self) -> Float[np.ndarray, " n"]:
        """The influence of each sentence on the ratio."""
        a, b = self.statistics.a, self.statistics.b
        rotation = (self._decomposed[0] @ self._decomposed[2]).astype(a.rows.dtype)
        fitted = row_sums(a.coordinates @ rotation, b.coordinates) * a.n / self._norms
        shares = [row_sums(side.coordinates, side.coordinates) / side.variance for side in (a, b)]
        return fitted - self.score * (shares[0] + shares[1]) / 2


def _preparation() -> SpectralPreparation[PreparedProcrustes]:
    return SpectralPreparation(PreparedProcrustes)


@judged_by(_preparation)
def procrustes(x: Float[Array, "n d"], y: Float[Array, "n e"]) -> Procrustes:
    """Measure how well a rotation takes the centred vectors of one language to those of the other.

    The nuclear norm of `Xc' Yc` over `|Xc| |Yc|`: what `max_R <Xc R, Yc>` over all rotations R reaches. Unlike CCA it
    keeps lengths and angles, so it needs no more sentences than dimensions; where it has fewer, chance is near 1.
    Computed in numpy. Intervals come from influences, as `probes.prepared_spectral.PreparedSpectral` tells.

    Args:
        x: Sentence vectors of one language, at least 4; row i is matched with row i of `y`.
        y: Sentence vectors of the other; its dimensions may differ in number.

    Returns:
        The score, its angle, and the chance level from free probability.

    Raises:
        ValueError: If the rows differ in number, there are fewer than 4, or a value is not finite.

    References:
        Schönemann (1966), A generalized solution of the orthogonal Procrustes problem, Psychometrika 31.
        Williams et al. (2021), Generalized Shape Metrics on Neural Representations, arXiv:2110.14739 (the angle).
    """
    prepared = _preparation().of(x, y)
    statistics = prepared.statistics
    angle = float(np.arccos(prepared.score))
    return Procrustes(prepared.score, angle, prepared.chance, statistics.a.n, statistics.undefined_reason)
