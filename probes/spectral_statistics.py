"""Two languages paired for every spectral measure: one product of their principal coordinates serves them all.

    statistics = spectral_statistics(spectral_side(x), spectral_side(y), directions=True)
    prepared = [preparation.read(statistics) for preparation in preparations]

Canonical correlations are the singular values of `cross`, SVCCA's those of its leading block, Procrustes' those of
`cross` between the singular values of both sides. A permutation changes `cross` alone, and is taken once for all
measures that are read from the same statistics; so is a decomposition that two of them need.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, require_matching, row_chunks
from probes.judging import P, Preparation
from probes.spectral_sides import SpectralSide, row_sums, spectral_side


@dataclass(frozen=True)
class SpectralPreparation(Preparation[P]):
    """A measure that is read from the spectral statistics of a pair; sides are the same for all of them.

    Attributes:
        read: Takes the prepared measure from the statistics.
        directions: Whether it needs the canonical directions under permutations, not their correlations alone.
    """

    read: Callable[["SpectralStatistics"], P]
    directions: bool = False

    def side(self, x: Float[Array, "n d"], *, name: str = "x") -> SpectralSide:
        """Return the singular value decomposition of one language."""
        return spectral_side(x, name=name)

    def pair(self, a: SpectralSide, b: SpectralSide) -> P:
        """Return two languages paired."""
        return self.read(spectral_statistics(a, b, directions=self.directions))


def spectral_statistics(a: SpectralSide, b: SpectralSide, *, directions: bool = False) -> "SpectralStatistics":
    """Pair two sides for every spectral measure.

    Args:
        a: One language.
        b: The other; row i translates row i of `a`.
        directions: Whether any measure will ask for canonical directions under permutations (PWCCA): the correlations
            then come from the same decompositions.

    Raises:
        ValueError: If the rows differ in number.
    """
    require_matching(a.rows, b.rows)
    return SpectralStatistics(a, b, directions)


@dataclass(frozen=True, eq=False)
class CanonicalPair:
    """Canonical correlations with their variates.

    Attributes:
        left: Canonical directions of the first language among its principal ones, in columns.
        correlations: The canonical correlations, largest first.
        right: The directions of the second, in columns.
        u: Each sentence on the directions of the first language, variance 1.
        v: The same on those of the second.
    """

    left: Float[np.ndarray, "k r"]
    correlations: Float[np.ndarray, " r"]
    right: Float[np.ndarray, "l r"]
    u: Float[np.ndarray, "n r"]
    v: Float[np.ndarray, "n r"]

    def influence(self, weights: Float[np.ndarray, " r"]) -> Float[np.ndarray, " n"]:
        """Return each sentence's influence on a weighted sum: of u v - rho (u^2 + v^2) / 2 in every direction.

        References:
            Romanazzi (1992), Influence in canonical correlation analysis, Psychometrika 57.
        """
        dtype = self.u.dtype
        single, shared = weights.astype(dtype), (weights * self.correlations / 2).astype(dtype)
        return row_sums(self.u * single, self.v) - (self.u**2 @ shared + self.v**2 @ shared).astype(np.float64)


@dataclass(frozen=True, eq=False)
class SpectralStatistics:
    """Two sides with the products that measures are read from; computed when the first asks.

    Attributes:
        a: One language.
        b: The other.
        directions: Whether canonical directions will be asked for under permutations.
    """

    a: SpectralSide
    b: SpectralSide
    directions: bool = False
    _last: dict[str, tuple[np.ndarray, Any]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def cross(self) -> Float[np.ndarray, "k l"]:
        """Correlations of the principal coordinates of both languages."""
        return (self.a.rows.T @ self.b.rows).astype(np.float64)

    @cached_property
    def directions_cross(self) -> Float[np.ndarray, "k l"]:
        """Cosines of the principal directions of both languages."""
        return self.a.directions.T @ self.b.directions

    @cached_property
    def canonical(self) -> CanonicalPair:
        """The canonical correlations of all that varies."""
        return self.canonical_of(self.a.rank, self.b.rank)

    def canonical_of(self, k_a: int, k_b: int) -> CanonicalPair:
        """Return the canonical correlations of the leading directions, k_a of one side and k_b of the other."""
        left, correlations, right = np.linalg.svd(self.cross[:k_a, :k_b], full_matrices=False)
        scale = self.a.n**0.5
        u = self.a.rows[:, :k_a] @ (scale * left).astype(self.a.rows.dtype)
        v = self.b.rows[:, :k_b] @ (scale * right.T).astype(self.b.rows.dtype)
        return CanonicalPair(left, np.clip(correlations, 0.0, 1.0), right.T, u, v)

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> "PermutedCross":
        """Return `cross` under each permutation of the rows of `b`, kept while the same permutations are asked for."""
        return self._keep("permuted", permutations, lambda: PermutedCross(self.a, self.b, permutations))

    def resampled_variances(
        self, counts: Int[np.ndarray, "m n"]
    ) -> tuple[Float[np.ndarray, "m k"], Float[np.ndarray, "m l"]]:
        """Return the variances along the directions of both sides in each resample, kept likewise."""
        return self._keep(
            "variances", counts, lambda: (self.a.resampled_variances(counts), self.b.resampled_variances(counts))
        )

    def kept_in_resamples(self, counts: Int[np.ndarray, "m n"], variance: float) -> Int[np.ndarray, "m 2"]:
        """Return how many directions of each side hold a share of the variance in each resample."""
        variances = zip((self.a, self.b), self.resampled_variances(counts), strict=True)
        return np.stack([side.kept_of(of_side, variance) for side, of_side in variances], axis=1)

    def _keep(self, name: str, draws: np.ndarray, make: Callable[[], Any]) -> Any:
        if name not in self._last or self._last[name][0] is not draws:
            self._last[name] = (draws, make())
        return self._last[name][1]

    @property
    def undefined_reason(self) -> str:
        """Say which side has no direction that varies; empty where both have."""
        for side in (self.a, self.b):
            if side.rank == 0:
                return f"{side.name} has the same vector in every row, so nothing varies that could be compared"
        return ""


class PermutedCross:
    """The products of principal coordinates under many permutations, and what measures have read from them."""

    def __init__(self, a: SpectralSide, b: SpectralSide, permutations: Int[np.ndarray, "m n"]) -> None:
        self.a, self.b, self.permutations = a, b, permutations
        self._only: Float[np.ndarray, "m k l"] | None = None
        self._read: dict[str, np.ndarray] = {}

    def read(
        self, name: str, score: Callable[[Float[np.ndarray, "p k l"]], Float[np.ndarray, "p *s"]]
    ) -> Float[np.ndarray, "m *s"]:
        """Return a function of each product; taken once for each `name`."""
        if name not in self._read:
            self._read[name] = np.concatenate([score(stack) for stack in self._stacks()])
        return self._read[name]

    def _stacks(self) -> Iterator[Float[np.ndarray, "p k l"]]:
        parts = row_chunks(self.permutations.shape[0], self.a.rank * self.b.rank)
        if len(parts) > 1:
            yield from map(self._stack, parts)
            return
        if self._only is None:
            self._only = self._stack(parts[0])
        yield self._only

    def _stack(self, part: slice) -> Float[np.ndarray, "p k l"]:
        return np.stack([self.a.rows.T @ self.b.rows[p] for p in self.permutations[part]]).astype(np.float64)


def nuclear_norms(stack: Float[np.ndarray, "m k l"]) -> Float[np.ndarray, " m"]:
    """Return the sum of singular values of each matrix, from the eigenvalues of its smaller Gram.

    Cheaper than singular values; each is exact to the square root of rounding times the largest.
    """
    wide = stack.shape[1] <= stack.shape[2]
    turned = stack.transpose(0, 2, 1)
    grams = stack @ turned if wide else turned @ stack
    return np.sqrt(np.clip(np.linalg.eigvalsh(grams), 0.0, None)).sum(axis=1)
