"""Subspace distance: do two languages spread their sentences along the same directions of the space?"""

from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, require_choice
from probes.judging import judged_by
from probes.prepared_spectral import PreparedSpectral, require_share, scores_by_size
from probes.spectral_chances import draw_squared_cosines, mean_over_cosines
from probes.spectral_sides import rotation_influence, spectral_side
from probes.spectral_statistics import SpectralPreparation, SpectralStatistics

METRICS = ("principal_angle", "geodesic", "chordal")
FLAT = 1e-5
"""The sine below which an angle is one that both subspaces share and no small turn opens."""


@dataclass(frozen=True)
class SubspaceDistance:
    """How far two languages' leading subspaces lie apart; lower is closer.

    Attributes:
        score: The distance: radians (principal_angle, geodesic) or a length (chordal). NaN has a `reason`.
        angles: All principal angles, smallest first, radians in [0, pi / 2].
        chance: The expected distance of random subspaces with as many directions.
        dimensions: How many directions of `x` and of `y` hold the share of variance.
        metric: principal_angle | geodesic | chordal.
        reason: Why the score is NaN; empty where it is not.
    """

    score: float
    angles: Float[np.ndarray, " r"]
    chance: float
    dimensions: tuple[int, int]
    metric: str
    reason: str = ""


@dataclass(frozen=True, eq=False)
class PreparedSubspaces(PreparedSpectral):
    """Two leading subspaces. The order of sentences does not matter, so a null by shuffling them would say nothing.

    Permuted scores are distances of random subspaces with the same numbers of directions, drawn with a seed that is the
    first entry of every permutation. Resampled scores hold the share of variance in as many directions as the resample
    asks for, plus the influence of each sentence as leading directions turn towards the others: on Gaussian data they
    spread .7 to 1.6 times as wide as the distance over fresh samples.

    Attributes:
        variance: The share of variance that the subspaces hold.
        metric: principal_angle | geodesic | chordal.
    """

    variance: float = 0.9
    metric: str = "principal_angle"

    def __post_init__(self) -> None:
        """Refuse spaces of different dimensions."""
        widths = self.statistics.a.width, self.statistics.b.width
        if widths[0] != widths[1]:
            raise ValueError(
                f"y must have the {widths[0]} columns of x, got {widths[1]}; subspaces are compared in one space, so "
                "give both languages from one layer of one model"
            )

    @cached_property
    def dimensions(self) -> tuple[int, int]:
        """How many directions each subspace has."""
        return self.statistics.a.kept(self.variance), self.statistics.b.kept(self.variance)

    @cached_property
    def _decomposed(self) -> tuple[Float[np.ndarray, "k r"], Float[np.ndarray, " r"], Float[np.ndarray, "r l"]]:
        k_a, k_b = self.dimensions
        left, cosines, right = np.linalg.svd(self.statistics.directions_cross[:k_a, :k_b], full_matrices=False)
        return left, np.clip(cosines, 0.0, 1.0), right

    @property
    def angles(self) -> Float[np.ndarray, " r"]:
        """The principal angles, smallest first."""
        return np.arccos(self._decomposed[1])

    def _score(self) -> float:
        return float(distance_of(self._decomposed[1][None], *self.dimensions, self.metric)[0])

    def _chance(self) -> float:
        return chance_distance(*self.dimensions, self.statistics.a.width, self.metric)

    def _permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        seeds = tuple(permutations[:, 0].tolist())
        return random_distances(*self.dimensions, self.statistics.a.width, self.metric, seeds)

    def _highest(self) -> float:
        return np.pi / 2 if self.metric == "principal_angle" else np.inf

    @cached_property
    def influence(self) -> Float[np.ndarray, " n"]:
        """The influence of each sentence as both subspaces turn."""
        cross, (k_a, k_b) = self.statistics.directions_cross, self.dimensions
        left, cosines, right = self._decomposed
        gradient = (left * self._slopes(cosines)) @ right
        return rotation_influence(self.statistics.a, k_a, gradient @ cross[k_a:, :k_b].T) + rotation_influence(
            self.statistics.b, k_b, gradient.T @ cross[:k_a, k_b:]
        )

    def _slopes(self, cosines: Float[np.ndarray, " r"]) -> Float[np.ndarray, " r"]:
        """Return the derivative of the distance to each cosine; 0 for directions that both subspaces share."""
        sines = np.sqrt(1 - cosines**2)
        apart = sines > FLAT
        if self.metric == "chordal":
            return -cosines / self.score * apart if self.score > 0 else np.zeros_like(cosines)
        of_angle = -1 / np.where(apart, sines, 1.0) * apart
        if self.metric == "principal_angle":
            return of_angle / cosines.size
        return of_angle * np.arccos(cosines) / self.score if self.score > 0 else np.zeros_like(cosines)

    def _resampled_from(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"] | float:
        return scores_by_size(self.statistics.kept_in_resamples(counts, self.variance), self._score_of)

    def _score_of(self, k_a: int, k_b: int) -> float:
        cosines = np.linalg.svd(self.statistics.directions_cross[:k_a, :k_b], compute_uv=False)
        return float(distance_of(np.clip(cosines, 0.0, 1.0)[None], k_a, k_b, self.metric)[0])


def distance_of(cosines: Float[np.ndarray, "m r"], k_a: int, k_b: int, metric: str) -> Float[np.ndarray, " m"]:
    """Return the distance of subspaces of k_a and k_b directions from the cosines of their principal angles."""
    if metric == "chordal":
        return np.sqrt(np.maximum(max(k_a, k_b) - (cosines**2).sum(axis=1), 0.0))
    angles = np.arccos(cosines)
    return angles.mean(axis=1) if metric == "principal_angle" else np.sqrt((angles**2).sum(axis=1))


def chance_distance(k_a: int, k_b: int, width: int, metric: str) -> float:
    """Return the expected distance of random subspaces; of geodesic and chordal the root of the expected square."""
    if metric == "chordal":
        return float(np.sqrt(max(k_a, k_b) - k_a * k_b / width))
    power = 1 if metric == "principal_angle" else 2
    mean = mean_over_cosines(partial(_angle_to, power=power), k_a, k_b, width)
    return mean if power == 1 else float(np.sqrt(min(k_a, k_b) * mean))


def _angle_to(squared_cosines: Float[np.ndarray, " m"], *, power: int) -> Float[np.ndarray, " m"]:
    return np.arccos(np.sqrt(squared_cosines)) ** power


@lru_cache(maxsize=256)
def random_distances(k_a: int, k_b: int, width: int, metric: str, seeds: tuple[int, ...]) -> Float[np.ndarray, " m"]:
    """Draw the distance of random subspaces once for each of `seeds`; the same seeds give the same ones."""
    rng = np.random.default_rng(seeds)
    drawn = np.stack([draw_squared_cosines(k_a, k_b, width, rng) for _ in seeds])
    distances = distance_of(np.sqrt(drawn), k_a, k_b, metric)
    distances.flags.writeable = False
    return distances


def _preparation(variance: float = 0.9, metric: str = "principal_angle") -> SpectralPreparation[PreparedSubspaces]:
    require_share(variance)
    require_choice("metric", metric, METRICS)
    return SpectralPreparation(lambda statistics: PreparedSubspaces(statistics, variance, metric))


@judged_by(_preparation)
def subspace_distance(
    x: Float[Array, "n d"], y: Float[Array, "m d"], *, variance: float = 0.9, metric: str = "principal_angle"
) -> SubspaceDistance:
    """Measure how far apart the directions lie along which two languages vary.

    Each language is its mean plus the principal directions that hold `variance` of its variance; means are removed, so
    an offset between languages goes unseen. No sentence is matched with another, and the two may differ in number.
    Computed in numpy.

    Args:
        x: Sentence vectors of one language, at least 4.
        y: Sentence vectors of the other, from the same layer of the same model.
        variance: Share of variance that each subspace holds, above 0 and at most 1.
        metric: principal_angle: the mean of the min(k, l) principal angles, radians. geodesic: the root of the sum of
            their squares. chordal: `sqrt(max(k, l) - sum of squared cosines)`, which alone counts the directions that
            one subspace has more.

    Returns:
        The distance, lower is closer. Chance and null are random subspaces of as many directions, not shuffled rows.

    Raises:
        ValueError: If columns differ in number, there are fewer than 4 rows, a value is not finite, `variance` is no
            share or `metric` unknown.

    References:
        Zhang et al. (2025), ShifCon, arXiv:2410.19453 (the choice of layers by subspace distance).
        Chang, Tu & Bergen (2022), The Geometry of Multilingual Language Model Representations, arXiv:2205.10964
            (affine language subspaces, 90 % of variance).
    """
    require_share(variance)
    require_choice("metric", metric, METRICS)
    statistics = SpectralStatistics(spectral_side(x), spectral_side(y, name="y"))
    prepared = PreparedSubspaces(statistics, variance, metric)
    reason = statistics.undefined_reason
    angles = np.empty(0) if reason else prepared.angles
    return SubspaceDistance(prepared.score, angles, prepared.chance, prepared.dimensions, metric, reason)
