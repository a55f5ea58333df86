"""What makes a set of languages good: sums of distances, the smallest distance, or closeness to every language.

All objectives are maximised here; `told` turns a total into the unit a user reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

OBJECTIVES = ("max_sum", "max_min", "facility_location", "k_medoids", "min_sum", "random")
MINIMISED = ("k_medoids", "min_sum")


@runtime_checkable
class Objective(Protocol):
    """A number for every set of languages, and how it changes."""

    @property
    def utility(self) -> Float[np.ndarray, " m"]:
        """What each language adds whatever else is chosen."""
        ...

    def total(self, chosen: Int[np.ndarray, " c"]) -> float:
        """Return the number of a set; up is better, the empty set has 0."""
        ...

    def gains(self, chosen: Int[np.ndarray, " c"]) -> Float[np.ndarray, " m"]:
        """Return what adding each language would change."""
        ...

    def swaps(self, chosen: Int[np.ndarray, " c"]) -> Float[np.ndarray, "c m"]:
        """Return what replacing each chosen language by each other one would change."""
        ...

    def told(self, total: float) -> float:
        """Return a total in the unit a user reads."""
        ...


@dataclass(frozen=True, eq=False)
class PairSum:
    """The sum over chosen pairs.

    Attributes:
        pairs: What each pair is worth, symmetric, 0 on the diagonal; negative where distances are to be small.
        utility: What each language adds.
        sign: -1 where the user reads the negative.
    """

    pairs: Float[np.ndarray, "m m"]
    utility: Float[np.ndarray, " m"]
    sign: int = 1

    def total(self, chosen: Int[np.ndarray, " c"]) -> float:
        """Return half the sum of the chosen block, plus utility."""
        return float(self.pairs[np.ix_(chosen, chosen)].sum() / 2 + self.utility[chosen].sum())

    def gains(self, chosen: Int[np.ndarray, " c"]) -> Float[np.ndarray, " m"]:
        """Return each language's sum with the chosen ones, plus its utility."""
        return self.pairs[:, chosen].sum(1) + self.utility

    def swaps(self, chosen: Int[np.ndarray, " c"]) -> Float[np.ndarray, "c m"]:
        """Return gains less what the leaving language gave, and less its pair with the one that comes."""
        gains = self.gains(chosen)
        return gains - self.pairs[chosen] - gains[chosen][:, None]

    def told(self, total: float) -> float:
        """Return the sum of distances."""
        return self.sign * total


@dataclass(frozen=True, eq=False)
class SmallestPair:
    """The smallest number over chosen pairs; 0 for a set without a pair.

    Attributes:
        pairs: What each pair is worth, symmetric.
        utility: What each language adds.
    """

    pairs: Float[np.ndarray, "m m"]
    utility: Float[np.ndarray, " m"]

    def total(self, chosen: Int[np.ndarray, " c"]) -> float:
        """Return the smallest pair, plus utility."""
        return _or_zero(self._block(chosen).min(initial=np.inf)) + float(self.utility[chosen].sum())

    def gains(self, chosen: Int[np.ndarray, " c"]) -> Float[np.ndarray, " m"]:
        """Return how far each language would lower the smallest pair, plus its utility."""
        if len(chosen) < 2:
            return self.pairs[:, chosen].sum(1) + self.utility
        smallest = self._block(chosen).min()
        return np.minimum(self.pairs[:, chosen].min(1), smallest) - smallest + self.utility

    def swaps(self, chosen: Int[np.ndarray, " c"]) -> Float[np.ndarray, "c m"]:
        """Return the smallest pair without each chosen language and with each other one, less the smallest now."""
        utility = self.utility - self.utility[chosen][:, None]
        if len(chosen) < 2:
            return utility
        block = self._block(chosen)
        left = _smallest_without_each(block).copy()
        np.fill_diagonal(left, np.inf)  # a language that leaves has no smallest pair of its own
        near = _smallest_without_each(self.pairs[:, chosen])
        return np.minimum(left.min(0)[:, None], near.T) - block.min() + utility

    def told(self, total: float) -> float:
        """Return the smallest distance."""
        return total

    def _block(self, chosen: Int[np.ndarray, " c"]) -> Float[np.ndarray, "c c"]:
        block = self.pairs[np.ix_(chosen, chosen)]
        np.fill_diagonal(block, np.inf)
        return block


@dataclass(frozen=True, eq=False)
class Covering:
    """The sum over all languages of what the best chosen one is worth to them.

    Attributes:
        worth: Of each column to each row, at least 0.
        utility: What each language adds when chosen.
        told_of: Turns a total into the unit a user reads.
    """

    worth: Float[np.ndarray, "m m"]
    utility: Float[np.ndarray, " m"]
    told_of: Callable[[float], float]

    def total(self, chosen: Int[np.ndarray, " c"]) -> float:
        """Return the sum of each row's best chosen column, plus utility."""
        return float(self.worth[:, chosen].max(1, initial=0.0).sum() + self.utility[chosen].sum())

    def gains(self, chosen: Int[np.ndarray, " c"]) -> Float[np.ndarray, " m"]:
        """Return by how much each column beats the best chosen one, summed over rows, plus utility."""
        covered = self.worth[:, chosen].max(1, initial=0.0)
        return np.maximum(self.worth - covered[:, None], 0.0).sum(0) + self.utility

    def swaps(self, chosen: Int[np.ndarray, " c"]) -> Float[np.ndarray, "c m"]:
        """Return gains, less what rows lose whose best leaves and whose second best or the newcomer steps in."""
        ranked = np.sort(np.concatenate([np.zeros((len(self.worth), 1)), self.worth[:, chosen]], axis=1), axis=1)
        best, second = ranked[:, -1:], ranked[:, -2:-1]
        lost = np.clip(self.worth, second, best) - best
        of = self.worth[:, chosen].argmax(1)[None] == np.arange(len(chosen))[:, None]
        return self.gains(chosen) + of.astype(np.float64) @ lost - self.utility[chosen][:, None]

    def told(self, total: float) -> float:
        """Return the total in the user's unit."""
        return self.told_of(total)


def build_objective(
    name: str, distances: Float[np.ndarray, "m m"], weights: Float[np.ndarray, " m"], utility: Float[np.ndarray, " m"]
) -> PairSum | SmallestPair | Covering:
    """Return an objective by name; `random` is told in the unit of max_sum.

    Args:
        name: One of `OBJECTIVES`.
        distances: Symmetric, 0 on the diagonal.
        weights: Of each language, at least 0; min_sum leaves them out, as it would take the light for the near.
        utility: What each language adds when chosen.

    Returns:
        The objective, to be maximised.
    """
    if name == "max_min":
        return SmallestPair(distances * np.minimum.outer(weights, weights), utility)
    if name in ("facility_location", "k_medoids"):
        return _covering(name, distances, weights, utility)
    if name == "min_sum":
        return PairSum(-distances, utility, -1)
    return PairSum(distances * np.add.outer(weights, weights) / 2, utility)


def _covering(
    name: str, distances: Float[np.ndarray, "m m"], weights: Float[np.ndarray, " m"], utility: Float[np.ndarray, " m"]
) -> Covering:
    farthest = float(distances.max())
    if name == "k_medoids":
        uncovered = farthest * float(weights.sum())
        return Covering(weights[:, None] * (farthest - distances), utility, lambda total: uncovered - total)
    similarity = 1 - distances / farthest if farthest > 0 else np.ones_like(distances)
    return Covering(weights[:, None] * similarity, utility, lambda total: total)


def _smallest_without_each(values: Float[np.ndarray, "m c"]) -> Float[np.ndarray, "m c"]:
    """Return each row's minimum with each column left out in turn."""
    ranked = np.sort(values, axis=1)
    others = np.tile(ranked[:, :1], (1, values.shape[1]))
    first = values.argmin(1)
    others[np.arange(len(values)), first] = ranked[:, 1]
    return others


def _or_zero(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0
