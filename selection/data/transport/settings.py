"""How a transport model is fitted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from probes.arrays import require_choice, require_whole
from selection.data.transport.centring import GroupMeans
from selection.data.transport.reading import require_at_least

Method = Literal["auto", "exact", "streaming"]
METHODS = ("auto", "exact", "streaming")


@dataclass(frozen=True)
class TransportSettings:
    """How a transport model is fitted.

    Attributes:
        epsilon: Weight of the entropy, in units of the mean cost; 0 is exact transport.
        unbalanced: Price of leaving the pool's masses, or of the pool's and the target's, in units of the mean cost;
            None and infinity move all mass.
        share: Of the pool's mass that is moved, in (0, 1], or of the mass of each group, below 1; the rest stays where
            it is at no cost, and prices are such that the rows worth moving meet the target evenly.
        method: `exact` is POT's network simplex and needs epsilon 0, `streaming` this project's solver and needs one
            above 0; `auto` takes the one that fits.
        tolerance: Sum over targets of |wanted - received|, of a total mass of 1, at which the streaming fit stops.
        max_iterations: Passes of the streaming fit at most.
        n_fit: Rows that a fit uses at most, a sample by content of the pool's; None takes 20 for each target, at least
            20,000.
        group_means: What rows are centred by; None takes the means of the pool, where it has groups.
        reliability: Of each group, in (0, 1]: the cost of its rows is divided by it.
        seed: Of the sample.
        n_threads: None takes as many as matrix products may use.

    Raises:
        ValueError: If a value is out of its range, or two contradict each other.
    """

    epsilon: int | float = 0.01
    unbalanced: int | float | tuple[int | float, int | float] | None = None
    share: int | float | Mapping[Any, int | float] = 1.0
    method: Method = "auto"
    tolerance: float = 1e-4
    max_iterations: int = 500
    n_fit: int | None = None
    group_means: GroupMeans | None = None
    reliability: Mapping[Any, int | float] | None = None
    seed: int = 0
    n_threads: int | None = None

    def __post_init__(self) -> None:
        require_at_least("epsilon", self.epsilon)
        require_at_least("tolerance", self.tolerance, strict=True)
        require_whole("max_iterations", self.max_iterations, minimum=1)
        require_choice("method", self.method, METHODS)
        for rho in self.penalties:
            require_at_least("unbalanced", rho)
        self._check_share()
        relaxed = not all(math.isinf(rho) for rho in self.penalties)
        if relaxed and (self.partial or self.epsilon == 0):
            raise ValueError("unbalanced needs epsilon above 0 and a share of 1; leave one of them out")
        if (self.method == "exact") != (self.epsilon == 0) and self.method != "auto":
            wanted = "0" if self.method == "exact" else "above 0"
            raise ValueError(f"epsilon must be {wanted} for method={self.method!r}, got {self.epsilon}; or take 'auto'")

    def _check_share(self) -> None:
        if not isinstance(self.share, Mapping):
            if not 0 < self.share <= 1:
                raise ValueError(f"share must be above 0 and at most 1, got {self.share}")
            return
        if not self.share:
            raise ValueError("share must name at least one group, got none")
        for group, share in self.share.items():
            if not 0 < share < 1:
                raise ValueError(f"share of each group must be above 0 and below 1, got {share} for {group!r}")

    @property
    def partial(self) -> bool:
        """Whether some mass stays."""
        return isinstance(self.share, Mapping) or self.share < 1

    @property
    def penalties(self) -> tuple[float, float]:
        """The prices of leaving the pool's and the target's masses; infinite where all is moved."""
        if self.unbalanced is None:
            return math.inf, math.inf
        if isinstance(self.unbalanced, tuple):
            return float(self.unbalanced[0]), float(self.unbalanced[1])
        return float(self.unbalanced), math.inf

    def rows_for(self, n_target: int) -> int:
        """Return how many rows a fit uses at most."""
        return max(20_000, 20 * n_target) if self.n_fit is None else self.n_fit
