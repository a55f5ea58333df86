"""What one language contributes to every spectral measure: the singular value decomposition of its centred rows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, centred, checked, namespace, to_host, working_dtype

SHARE_ROUNDING = 1e-12
"""How far a share of variance may fall short of the one asked for by rounding alone."""


@dataclass(frozen=True, eq=False)
class SpectralSide:
    """Centred rows as `rows @ diag(values) @ directions.T`, largest values first.

    Only directions that vary are kept: columns that are constant, copies or combinations of others add none. All arrays
    are numpy, whatever library the vectors came from: the decompositions are LAPACK's.

    Attributes:
        rows: Orthonormal columns; row i is sentence i in principal directions of equal variance 1 / n. In float32
            where the vectors were float32 or shorter.
        values: Singular values, in float64.
        directions: Orthonormal columns: the principal directions among the vectors' dimensions, in float64.
        name: What errors and reasons call the vectors.
    """

    rows: Float[np.ndarray, "n k"]
    values: Float[np.ndarray, " k"]
    directions: Float[np.ndarray, "d k"]
    name: str

    @property
    def n(self) -> int:
        """How many sentences."""
        return self.rows.shape[0]

    @property
    def width(self) -> int:
        """How many dimensions the vectors have."""
        return self.directions.shape[0]

    @property
    def rank(self) -> int:
        """How many directions vary."""
        return self.values.size

    @cached_property
    def variances(self) -> Float[np.ndarray, " k"]:
        """Variance along each direction."""
        return self.values**2 / self.n

    @cached_property
    def variance(self) -> float:
        """Their sum."""
        return float(self.variances.sum())

    @property
    def coordinates(self) -> Float[np.ndarray, "n k"]:
        """The rows along each direction, with its variance; made anew, so that many sides fit into memory."""
        return self.rows * self.values.astype(self.rows.dtype)

    def kept(self, variance: float) -> int:
        """Return how many leading directions hold that share of the variance."""
        return int(self.kept_of(self.variances[None, :], variance)[0])

    def kept_of(self, variances: Float[np.ndarray, "m k"], variance: float) -> Int[np.ndarray, " m"]:
        """Return the same for other variances along the same directions; all directions for a share of 1."""
        if variance == 1 or self.rank == 0:
            return np.full(variances.shape[0], self.rank)
        cumulated = np.cumsum(variances, axis=1)
        short = cumulated < (variance - SHARE_ROUNDING) * cumulated[:, -1:]
        return np.minimum(short.sum(axis=1) + 1, self.rank)

    def resampled_variances(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, "m k"]:
        """Return the variance along each direction when sentence i is drawn counts[., i] times."""
        weights = counts.astype(self.rows.dtype)
        return (weights @ (self.rows**2)).astype(np.float64) * self.values**2 / self.n


def spectral_side(x: Float[Array, "n d"], *, name: str = "x") -> SpectralSide:
    """Return the singular value decomposition of the centred rows of `x`, taken in float64.

    A direction counts as varying if its singular value exceeds what rounding of `x` in its own type can make:
    eps * root mean square of `x` * (sqrt n + sqrt d), and the rounding of the decomposition.

    Raises:
        ValueError: If `x` has fewer than 4 rows or a value that is not finite.
    """
    x = checked(x, name=name)
    xp = namespace(x)
    wide, _ = centred(x)
    rows, values, directions = np.linalg.svd(to_host(wide), full_matrices=False)
    varying = values > _rounding(x, values)
    dtype = np.float32 if working_dtype(x) == xp.float32 else np.float64
    kept = np.ascontiguousarray(rows[:, varying], dtype=dtype)
    return SpectralSide(kept, values[varying], np.ascontiguousarray(directions[varying].T), name)


def _rounding(x: Float[Array, "n d"], values: Float[np.ndarray, " k"]) -> float:
    xp, (n, d) = namespace(x), x.shape
    eps = float(xp.finfo(x.dtype if xp.isdtype(x.dtype, "real floating") else xp.float64).eps)
    mean_square = float(xp.mean(xp.astype(x, xp.float64) ** 2))
    own = eps * mean_square**0.5 * (n**0.5 + d**0.5)
    return max(own, float(np.finfo(np.float64).eps) * max(n, d) * float(values[0]))


def rotation_influence(side: SpectralSide, kept: int, gradient: Float[np.ndarray, "i j"]) -> Float[np.ndarray, " n"]:
    """Return each sentence's influence on a score by turning the leading directions towards the others.

    To first order direction i takes up t_i t_j / (v_i - v_j) of direction j for a row with coordinates t (v the
    variances). Where two variances are closer than sampling can tell, that line overshoots: as in a 2 x 2 matrix
    of entry o = sqrt(v_i v_j / n) off the diagonal, the gap is taken as (gap^2 + 4 o^2) / gap.

    Args:
        side: One language.
        kept: How many leading directions the score is made of; the others follow.
        gradient: Derivative of the score to how much of direction `kept` + j enters direction i.

    References:
        Critchley (1985), Influence in principal components analysis, Biometrika 72.
    """
    leading, rest = side.variances[:kept, None], side.variances[None, kept:]
    slopes = damped_inverse(leading - rest, leading * rest / side.n)
    turned = side.coordinates[:, :kept] @ (gradient * slopes).astype(side.rows.dtype)
    return row_sums(turned, side.coordinates[:, kept:])


def damped_inverse(gaps: Float[np.ndarray, "i j"], noise: Float[np.ndarray, "i j"]) -> Float[np.ndarray, "i j"]:
    """Return gap / (gap^2 + 4 noise): 1 / gap where it stands out from noise (a variance), 0 where there is none."""
    divisors = gaps**2 + 4 * noise
    return np.where(divisors > 0, gaps / np.where(divisors > 0, divisors, 1.0), 0.0)


def row_sums(a: Float[np.ndarray, "n k"], b: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
    """Return the inner product of matched rows, in float64."""
    return np.einsum("ij,ij->i", a, b).astype(np.float64)
