"""Linear programmes over sets of languages, solved by HiGHS through scipy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from selection.languages.limits import Limits


@dataclass(frozen=True, eq=False)
class Solution:
    """What HiGHS found.

    Attributes:
        values: Of every variable; None where no solution was found.
        bound: Nothing better than this exists; minus infinity where nothing exists at all.
    """

    values: Float[np.ndarray, " v"] | None
    bound: float

    @property
    def infeasible(self) -> bool:
        """Whether it is proven that nothing exists."""
        return self.bound == -np.inf


@dataclass(frozen=True)
class Effort:
    """How long HiGHS may search.

    Attributes:
        nodes: Of its search tree; None for no limit. The same number always gives the same answer.
        seconds: Of the clock.
    """

    nodes: int | None = None
    seconds: float = np.inf

    def options(self) -> dict[str, Any]:
        """Return the options of `scipy.optimize.milp`."""
        found: dict[str, Any] = {"mip_rel_gap": 0.0}
        if self.nodes is not None:
            found["node_limit"] = self.nodes
        if np.isfinite(self.seconds):
            found["time_limit"] = max(self.seconds, 0.01)
        return found


def maximise(
    gains: Float[np.ndarray, " v"], rows: Any, low: Any, high: Any, bounds: tuple[Any, Any], effort: Effort
) -> Solution:
    """Maximise a linear gain over variables of which the first are whole.

    Args:
        gains: Of every variable.
        rows: The matrix of constraints, dense or sparse.
        low: Lower bounds of the rows.
        high: Upper bounds of the rows.
        bounds: Lower and upper bounds of all variables; those beyond `len(bounds[0])` lie between 0 and 1, not whole.
        effort: How long to search.

    Returns:
        The best values found and a bound.

    Raises:
        RuntimeError: If HiGHS fails.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    rest = len(gains) - len(bounds[0])
    lower, upper = (np.concatenate([part, np.full(rest, fill)]) for part, fill in zip(bounds, (0.0, 1.0), strict=True))
    whole = np.concatenate([np.ones(len(bounds[0])), np.zeros(rest)])
    found = milp(
        -gains,
        constraints=LinearConstraint(rows, low, high),
        bounds=Bounds(lower, upper),
        integrality=whole,
        options=effort.options(),
    )
    if found.status == 2:
        return Solution(None, -np.inf)
    stopped = (0, 1) if effort.nodes is None else (0, 1, 4)  # scipy has no status of its own for a limit on nodes
    if found.status not in stopped:
        raise RuntimeError(f"HiGHS could not solve the programme: {found.message}; use method='greedy'")
    bound = found.mip_dual_bound if found.mip_dual_bound is not None else -np.inf
    return Solution(found.x, -float(bound))


def best_set(gains: Float[np.ndarray, " m"], limits: Limits) -> Bool[np.ndarray, " m"] | None:
    """Return the set with the largest sum of gains that keeps the limits; None where no set does."""
    rows, low, high = limits.rows()
    bounds = limits.required.astype(np.float64), limits.allowed.astype(np.float64)
    found = maximise(gains, rows, low, high, bounds, Effort())
    return None if found.values is None else found.values > 0.5
