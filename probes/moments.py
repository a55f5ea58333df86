"""Moments that add up over shards: mean and covariance of more rows than fit into memory, or of several machines.

Every accumulator of this package works alike. A state is frozen; `accumulate` returns the state with more rows, `merge`
that of two states, `finish` the result that all rows at once would give. The new state is the identity of `merge`, and
how rows were cut and merged changes nothing but rounding. Sums are kept about the mean of their own rows, so an offset
costs no digits. Fields are plain numbers and numpy arrays, which any format can carry from machine to machine.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from probes.arrays import Array, centred, checked, to_host


@dataclass(frozen=True)
class MeanCovariance:
    """Mean and covariance of rows.

    Attributes:
        mean: The mean row.
        covariance: Divided by n - 1.
        n: How many rows were given.
    """

    mean: Float[np.ndarray, " d"]
    covariance: Float[np.ndarray, "d d"]
    n: int


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean and scatter of the rows seen so far; without arguments, of none.

    Attributes:
        n: How many rows were seen.
        mean: Their mean.
        scatter: Sum of the outer products of rows less the mean.

    References:
        Chan, Golub & LeVeque (1983), Algorithms for Computing the Sample Variance, eq. 2.1 (here for vectors).
    """

    n: int = 0
    mean: Float[np.ndarray, " d"] = field(default_factory=lambda: np.zeros(0))
    scatter: Float[np.ndarray, "d d"] = field(default_factory=lambda: np.zeros((0, 0)))

    def accumulate(self, x: Float[Array, "n d"]) -> "Moments":
        """Return the moments with the rows of `x`, at least 1; computed on the host in float64.

        Raises:
            ValueError: If `x` has another width than the rows before it, or a value is not finite.
        """
        rows = shard(x, seen=self.mean.size if self.n else None)
        wide, _ = centred(rows)
        return self.merge(Moments(rows.shape[0], rows.mean(axis=0), wide.T @ wide))

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of the rows of both.

        Raises:
            ValueError: If their rows differ in width.
        """
        if not self.n or not other.n:
            return self if self.n else other
        require_shards_of_one_width(self.mean.size, other.mean.size)
        shift = other.mean - self.mean
        n, between = self.n + other.n, np.outer(shift, shift) * (self.n / (self.n + other.n) * other.n)
        return Moments(n, self.mean + shift * (other.n / n), self.scatter + other.scatter + between)

    def finish(self) -> MeanCovariance:
        """Return mean and covariance.

        Raises:
            ValueError: If fewer than 2 rows were accumulated.
        """
        require_rows(self.n, minimum=2)
        return MeanCovariance(self.mean, self.scatter / (self.n - 1), self.n)


def shard(x: Float[Array, "n d"], *, name: str = "x", seen: int | None) -> Float[np.ndarray, "n d"]:
    """Return the rows of a shard on the host in float64.

    Args:
        x: The shard, at least 1 row.
        name: What errors call it.
        seen: How many columns earlier shards had; None for the first.

    Raises:
        ValueError: If the width is another, there is no row, or a value is not finite.
    """
    rows = to_host(checked(x, name=name, minimum=1)).astype(np.float64)
    if seen not in (None, rows.shape[1]):
        raise ValueError(
            f"{name} must have the {seen} columns of the shards before it, got {rows.shape[1]}; "
            "accumulate shards of one layer of one model"
        )
    return rows


def require_shards_of_one_width(a: int, b: int) -> None:
    """Refuse to merge states whose columns cannot be matched.

    Raises:
        ValueError: If the widths differ.
    """
    if a != b:
        raise ValueError(f"other must have the {a} columns of this state, got {b}; merge states of one layer")


def require_rows(n: int, *, minimum: int) -> None:
    """Refuse to finish with too few rows.

    Raises:
        ValueError: If n is below `minimum`.
    """
    if n < minimum:
        raise ValueError(f"at least {minimum} rows must be accumulated before finish, got {n}")
