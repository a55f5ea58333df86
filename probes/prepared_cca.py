"""Canonical correlations that are ready to be judged: their mean, of all directions or of leading ones, and PWCCA."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.prepared_spectral import PreparedSpectral, scores_by_size
from probes.spectral_chances import mean_over_cosines
from probes.spectral_sides import damped_inverse, rotation_influence, row_sums
from probes.spectral_statistics import CanonicalPair, PermutedCross, SpectralStatistics, nuclear_norms


@dataclass(frozen=True, eq=False)
class PreparedCorrelations(PreparedSpectral):
    """The mean canonical correlation of the leading directions of both sides (SVCCA), or of all (mean CCA).

    A resample moves the correlations, turns the leading directions towards those left out, and holds the share of
    variance in another number of them: the first two by influence, the last by taking the score of that number. On
    Gaussian data with a shared part resampled scores spread .8 to 1.5 times as wide as the score over fresh samples, on
    unrelated data about 1.5 times: the interval errs on the wide side.

    Attributes:
        variance: The share of variance that the leading directions hold; None for all directions.
    """

    variance: float | None = None

    def __post_init__(self) -> None:
        """Refuse too few sentences."""
        require_sentences(self.statistics, self.dimensions, "mean_cca" if self.variance is None else "svcca")

    @cached_property
    def dimensions(self) -> tuple[int, int]:
        """How many leading directions of each side are compared."""
        share = 1.0 if self.variance is None else self.variance
        return self.statistics.a.kept(share), self.statistics.b.kept(share)

    @cached_property
    def canonical(self) -> CanonicalPair:
        """Their canonical correlations."""
        sides = self.statistics.a, self.statistics.b
        if self.dimensions == (sides[0].rank, sides[1].rank):
            return self.statistics.canonical
        return self.statistics.canonical_of(*self.dimensions)

    def _score(self) -> float:
        return float(self.canonical.correlations.mean())

    def _chance(self) -> float:
        return mean_over_cosines(np.sqrt, *self.dimensions, self.statistics.a.n - 1)

    def _permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        crossed = self.statistics.permuted(permutations)
        k_a, k_b = self.dimensions
        if self.statistics.directions and (k_a, k_b) == (self.statistics.a.rank, self.statistics.b.rank):
            return permuted_directions(crossed)[:, 0]
        return crossed.read(f"canonical {k_a} {k_b}", lambda stack: nuclear_norms(stack[:, :k_a, :k_b])) / min(k_a, k_b)

    @cached_property
    def influence(self) -> Float[np.ndarray, " n"]:
        """The mean influence on the correlations, and that of the leading directions as they turn."""
        cross, (k_a, k_b) = self.statistics.cross, self.dimensions
        found, n_correlations = self.canonical, min(self.dimensions)
        polar = found.left @ found.right.T / n_correlations
        total = found.influence(np.full(n_correlations, 1 / n_correlations))
        for side, kept, gradient in (
            (self.statistics.a, k_a, polar @ cross[k_a:, :k_b].T),
            (self.statistics.b, k_b, polar.T @ cross[:k_a, k_b:]),
        ):
            total += rotation_influence(side, kept, gradient * side.values[kept:] / side.values[:kept, None])
        return total

    def _resampled_from(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"] | float:
        if self.variance is None:
            return self.score
        return scores_by_size(self.statistics.kept_in_resamples(counts, self.variance), self._score_of)

    def _score_of(self, k_a: int, k_b: int) -> float:
        return float(nuclear_norms(self.statistics.cross[None, :k_a, :k_b])[0]) / min(k_a, k_b)


@dataclass(frozen=True, eq=False)
class PreparedProjection(PreparedSpectral):
    """Canonical correlations weighted by how much of `x` lies along their directions (PWCCA).

    Turned at random, weights and correlations are independent and each direction weighs the same on average, so chance
    is that of the mean correlation. Influences are those on the correlations, on the weights along fixed directions,
    and on the weights as canonical directions of close correlations turn into each other; resampled scores spread as
    in `PreparedCorrelations`.
    """

    def __post_init__(self) -> None:
        """Refuse too few sentences."""
        require_sentences(self.statistics, self.dimensions, "pwcca")

    @property
    def dimensions(self) -> tuple[int, int]:
        """How many directions of each side vary."""
        return self.statistics.a.rank, self.statistics.b.rank

    @cached_property
    def weights(self) -> Float[np.ndarray, " r"]:
        """The weight of each correlation; they sum to 1."""
        return self._sizes / self._sizes.sum()

    @cached_property
    def _projections(self) -> Float[np.ndarray, "d r"]:
        """The covariance of each dimension of x with each canonical variate."""
        side = self.statistics.a
        return (side.directions * side.values) @ self.statistics.canonical.left / side.n**0.5

    @cached_property
    def _sizes(self) -> Float[np.ndarray, " r"]:
        return np.abs(self._projections).sum(axis=0)

    def _score(self) -> float:
        return float(self.weights @ self.statistics.canonical.correlations)

    def _chance(self) -> float:
        return mean_over_cosines(np.sqrt, *self.dimensions, self.statistics.a.n - 1)

    def _permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        return permuted_directions(self.statistics.permuted(permutations))[:, 1]

    @cached_property
    def influence(self) -> Float[np.ndarray, " n"]:
        """The influence on the weighted mean, with that on the weights."""
        found = self.statistics.canonical
        excess = (found.correlations - self.score) / self._sizes.sum()
        return found.influence(self.weights) + self._by_weights(excess) + self._by_turning(excess)

    def _by_weights(self, excess: Float[np.ndarray, " r"]) -> Float[np.ndarray, " n"]:
        """The influence of sum_j |cov(x_j, u)| with u fixed: sum_j of sign x_j u, less its half times u^2.

        Constants are left out: they cancel over all directions.
        """
        side, u = self.statistics.a, self.statistics.canonical.u
        signed = (side.directions * side.values).T @ np.sign(self._projections) * excess
        scale = (self._sizes * excess / 2).astype(u.dtype)
        return row_sums(side.rows @ signed.astype(u.dtype), u) - (u**2 @ scale).astype(np.float64)

    def _by_turning(self, excess: Float[np.ndarray, " r"]) -> Float[np.ndarray, " n"]:
        """The influence of canonical directions as they turn into each other.

        Direction j enters direction i with (r_i M_ji + r_j M_ij) / (r_i^2 - r_j^2) - u_i u_j / 2, where for one
        sentence M_ij = u_i v_j - (r_j u_i u_j + r_i v_i v_j) / 2 is what it adds to the correlations of the variates.
        """
        found = self.statistics.canonical
        r_i, r_j = found.correlations[:, None], found.correlations[None, :]
        taken = (np.sign(self._projections).T @ self._projections) * excess[:, None]
        np.fill_diagonal(taken, 0.0)
        noise = (1 - r_i**2) * (1 - r_j**2) * (r_i**2 + r_j**2) / self.statistics.a.n
        turn = taken * damped_inverse(r_i**2 - r_j**2, noise)
        dtype, u, v = found.u.dtype, found.u, found.v
        of_u = u @ (-turn * (r_i**2 + r_j**2) / 2 - taken / 2).astype(dtype) + v @ (turn * r_i).astype(dtype)
        of_v = v @ (-turn * r_i * r_j).astype(dtype) + u @ (turn * r_j).astype(dtype)
        return row_sums(of_u, u) + row_sums(of_v, v)


def permuted_directions(crossed: PermutedCross) -> Float[np.ndarray, "m 2"]:
    """Return mean CCA and PWCCA under each permutation, both from the eigenvectors of `cross @ cross.T`."""
    loadings = crossed.a.directions * crossed.a.values
    n_correlations = min(crossed.a.rank, crossed.b.rank)

    def scores(stack: Float[np.ndarray, "p k l"]) -> Float[np.ndarray, "p 2"]:
        squares, left = np.linalg.eigh(stack @ stack.transpose(0, 2, 1))
        correlations = np.sqrt(np.clip(squares[:, -n_correlations:], 0.0, 1.0))
        sizes = np.abs(loadings @ left[:, :, -n_correlations:]).sum(axis=1)
        weighted = (sizes * correlations).sum(axis=1) / sizes.sum(axis=1)
        return np.stack([correlations.mean(axis=1), weighted], axis=1)

    return crossed.read("canonical directions", scores)


def require_sentences(statistics: SpectralStatistics, dimensions: tuple[int, int], measure: str) -> None:
    """Refuse as many dimensions as sentences: they could be fitted to anything.

    Raises:
        ValueError: If a side has n - 1 directions to compare or more.
    """
    by_share = measure in ("svcca", "orthogonality_deviation")
    way_out = "lower variance" if by_share else "use svcca or linear_cka, or reduce the dimensions"
    for side, kept in zip((statistics.a, statistics.b), dimensions, strict=True):
        if kept >= side.n - 1:
            raise ValueError(
                f"{measure} must have more sentences than dimensions, got {side.n} sentences and {kept} directions "
                f"that vary in {side.name} (of {side.width} columns): any {side.n - 1} directions can be fitted to "
                f"anything, and the score would say nothing; give more sentences, or {way_out}"
            )
