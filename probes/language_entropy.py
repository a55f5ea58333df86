"""Language activation probability entropy (LAPE): which units fire for few languages only, and for which."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

DECIMALS = 12
"""Entropies that agree to this many decimals count as equal: they are sums of the same terms, rounded otherwise."""


@dataclass(frozen=True)
class LanguageSelection:
    """Which units are kept, and whose they are.

    Attributes:
        kept: Indices of the units, ascending.
        owners: Which languages each of them belongs to; at least one.
        threshold: The share of tokens that made them so.
    """

    kept: Int[np.ndarray, " kept"]
    owners: Bool[np.ndarray, "kept languages"]
    threshold: float


@dataclass(frozen=True)
class SelectionRule:
    """LAPE's two numbers.

    Attributes:
        rate: Share of all units that is kept, in [0, 1].
        percentile: Share of all firing shares that lie at or below the threshold, in [0, 1].
    """

    rate: float = 0.01
    percentile: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        for name, value in (("rate", self.rate), ("percentile", self.percentile)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must lie between 0 and 1, got {value}")

    def select(self, shares: Float[np.ndarray, "units languages"]) -> LanguageSelection:
        """Keep the units of lowest entropy among those that fire often for some language."""
        place = max(1, round(self.percentile * shares.size))
        threshold = float(np.partition(shares, place - 1, axis=None)[place - 1])
        passing = np.flatnonzero(shares.max(axis=1) > threshold)
        kept = passing[_lowest(shares[passing], round(self.rate * shares.shape[0]))]
        return LanguageSelection(kept, shares[kept] > threshold, threshold)


def _lowest(shares: Float[np.ndarray, "units languages"], n_kept: int) -> Bool[np.ndarray, " units"]:
    """Mark the n_kept units of lowest entropy; of equal ones first those whose largest share is larger.

    All that are tied with the last of these are marked too: neither the order of units nor that of languages decides.
    """
    if n_kept >= shares.shape[0] or n_kept == 0:
        return np.full(shares.shape[0], n_kept > 0)
    entropy, smallness = np.round(language_entropy(shares), DECIMALS), -shares.max(axis=1)
    last = np.lexsort((smallness, entropy))[n_kept - 1]
    tied = (entropy == entropy[last]) & (smallness <= smallness[last])
    return (entropy < entropy[last]) | tied


def language_entropy(shares: Float[np.ndarray, "units languages"]) -> Float[np.ndarray, " units"]:
    """Return the entropy of each unit's firing over languages in nats; NaN where it never fires."""
    ordered = np.sort(shares, axis=1)  # the same sum whatever the order of languages
    totals = ordered.sum(axis=1, keepdims=True)
    q = np.divide(ordered, totals, out=np.full_like(ordered, np.nan), where=totals > 0)
    logs = np.log(q, out=np.zeros_like(q), where=q > 0)
    return np.abs(np.sum(q * logs, axis=1))  # no -0.0
