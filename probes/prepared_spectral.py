"""Spectral measures that are ready to be judged: a score with the influence of each sentence on it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.spectral_statistics import SpectralStatistics


@dataclass(frozen=True, eq=False)
class PreparedSpectral(ABC):
    """A score with the influence of each sentence on it.

    In a resample copies of a sentence make perfect correlations out of nothing, and each resample would cost a
    decomposition. So resampled scores are the score plus the sum of the influences of what is drawn (the infinitesimal
    jackknife): they have the spread of the score over other samples of n sentences, and keep its bias at that n.

    References:
        Efron (1982), The Jackknife, the Bootstrap and Other Resampling Plans, ch. 6.
    """

    statistics: SpectralStatistics

    @cached_property
    def score(self) -> float:
        """The score of the rows as they are matched; NaN where a side does not vary."""
        return float("nan") if self.statistics.undefined_reason else self._score()

    @cached_property
    def chance(self) -> float:
        """The expected score when one language is turned at random; NaN where a side does not vary."""
        return float("nan") if self.statistics.undefined_reason else self._chance()

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score of x with y[p] for each permutation p."""
        if self.statistics.undefined_reason:
            return np.full(permutations.shape[0], np.nan)
        return self._permuted(permutations)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score when sentence i is drawn counts[., i] times, to first order."""
        if self.statistics.undefined_reason:
            return np.full(counts.shape[0], np.nan)
        shifts = (counts - 1) @ self.influence / self.statistics.a.n
        return np.clip(self._resampled_from(counts) + shifts, 0.0, self._highest())

    def _resampled_from(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"] | float:
        """The scores that influences are added to: of other numbers of directions, where these are chosen by share."""
        return self.score

    def _highest(self) -> float:
        return 1.0

    @property
    @abstractmethod
    def influence(self) -> Float[np.ndarray, " n"]:
        """How the score moves, times n, as a sentence is drawn once more."""

    @abstractmethod
    def _score(self) -> float: ...

    @abstractmethod
    def _chance(self) -> float: ...

    @abstractmethod
    def _permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]: ...


def scores_by_size(sizes: Int[np.ndarray, "m 2"], score: Callable[[int, int], float]) -> Float[np.ndarray, " m"]:
    """Return a score of each pair of numbers of directions; one evaluation for equal pairs."""
    distinct, place = np.unique(sizes, axis=0, return_inverse=True)
    return np.array([score(int(k_a), int(k_b)) for k_a, k_b in distinct])[place.reshape(-1)]


def require_share(variance: float) -> None:
    """Refuse a share of variance that no directions can hold.

    Raises:
        ValueError: Unless 0 < variance <= 1.
    """
    if not 0 < variance <= 1:
        raise ValueError(f"variance must be a share above 0 and at most 1, got {variance}")
