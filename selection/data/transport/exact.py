"""Exact prices by POT's network simplex, for what it reaches."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from selection.data.transport.semi_dual import Fit
from selection.data.transport.sweeps import Supply, forbid_own

REACH = 100_000_000
"""Rows times targets: 100,000 x 1,000 takes about a minute, and the costs 0.8 GB."""
MOST_STEPS = 100_000_000


def exact_prices(supply: Supply) -> Fit:
    """Return the target's dual variables of exact transport.

    Args:
        supply: Rows and targets.

    Returns:
        The prices, the transport cost as the value, and whether the simplex ended.

    Raises:
        ValueError: If rows times targets are too many.
    """
    if supply.n * supply.n_target > REACH:
        raise ValueError(
            f"epsilon=0 is solved exactly for up to {REACH:,} pairs of rows and targets, got {supply.n} x "
            f"{supply.n_target}; lower n_fit or give epsilon above 0"
        )
    from ot.lp import emd

    cost = costs(supply)
    _, log = emd(supply.mass, supply.target_mass, cost, numItermax=MOST_STEPS, log=True, check_marginals=False)
    ended = log["warning"] is None
    return Fit(np.asarray(log["v"]), float(log["cost"]), 0.0 if ended else float("nan"), ended, 1)


def costs(supply: Supply) -> Float[np.ndarray, "n m"]:
    """Return the cost of each row and target in float64."""
    products = supply.halves.astype(np.float64) @ supply.target.T.astype(np.float64)
    return supply.constant[:, None] - (products if supply.own is None else forbid_own(products, supply.own))
