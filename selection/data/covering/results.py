"""What each way to cover a space returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, eq=False)
class FacilityChoice:
    """Rows that stand for others.

    Attributes:
        indices: Rows in order of choice.
        gains: What each added to the coverage when it was added; never larger than the one before, where there are no
            quotas.
        n_covered: How many rows were covered: all, or those drawn.
    """

    indices: Int[np.ndarray, " b"]
    gains: Float[np.ndarray, " b"]
    n_covered: int

    @property
    def coverage(self) -> float:
        """The mean similarity of a covered row to its most similar chosen row."""
        return float(self.gains.sum()) / self.n_covered


@dataclass(frozen=True, eq=False)
class RoundRobinChoice:
    """Rows that targets took in turn.

    Attributes:
        indices: Rows in order of choice.
        targets: Which target took each.
        similarities: The cosine of each to its target.
    """

    indices: Int[np.ndarray, " b"]
    targets: Int[np.ndarray, " b"]
    similarities: Float[np.ndarray, " b"]


@dataclass(frozen=True, eq=False)
class CentreChoice:
    """Rows that lie far from each other.

    Attributes:
        indices: Rows in order of choice.
        distances: Of each to the nearest that was chosen before it, between vectors of length 1; infinite for the
            first.
        radius: From the farthest row of the pool to its nearest chosen row; any set of as many rows has at least half
            of it, where there are no quotas.
    """

    indices: Int[np.ndarray, " b"]
    distances: Float[np.ndarray, " b"]
    radius: float


@dataclass(frozen=True, eq=False)
class ThresholdChoice:
    """The best rows of which no two are too alike.

    Attributes:
        indices: Rows in order of choice, best first.
        similarities: The cosine of each to the most similar that was chosen before it; minus infinity for the first.
        shortfall: How many rows the budget asked for beyond what is unlike enough.
    """

    indices: Int[np.ndarray, " b"]
    similarities: Float[np.ndarray, " b"]
    shortfall: int


@dataclass(frozen=True, eq=False)
class Deduplication:
    """What is left of a pool without its semantic duplicates.

    Attributes:
        indices: Rows that are kept, in increasing order.
        similarities: Of each row of the pool, the largest cosine to a row before it in its cluster; minus infinity for
            the first. Rows are kept where it is at most the threshold.
        duplicate_of: The row it is largest with; -1 for the first of its cluster.
    """

    indices: Int[np.ndarray, " b"]
    similarities: Float[np.ndarray, " n"]
    duplicate_of: Int[np.ndarray, " n"]

    @property
    def share_removed(self) -> float:
        """The share of the pool that was a duplicate."""
        return 1 - len(self.indices) / len(self.similarities)
