"""Rows as unit vectors, and the cost of moving one to a target: `(1 - cos) / (2 r)` with r its reliability."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from selection.data.transport.sweeps import Supply

NOWHERE = 1e-6
"""A centred row this short beside the row itself has no direction: it is at cosine 0 from everything."""


def directions(
    rows: Float[np.ndarray, "n d"], centred: Float[np.ndarray, "n d"] | None = None
) -> Float[np.ndarray, "n d"]:
    """Return rows of length 1, after centring if that is given; a row that centring leaves nothing of is all zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if centred is None:
        return rows / lengths
    left = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(left > NOWHERE * lengths, centred / np.maximum(left, np.finfo(rows.dtype).tiny), 0)


def half_scale(reliability: Float[np.ndarray, " n"] | None, n: int) -> Float[np.ndarray, " n"]:
    """Return `1 / (2 r)`."""
    return np.full(n, 0.5) if reliability is None else 0.5 / reliability


def supply_of(
    units: Float[np.ndarray, "n d"],
    half: Float[np.ndarray, " n"],
    mass: Float[np.ndarray, " n"],
    target: Float[np.ndarray, "m d"],
    target_mass: Float[np.ndarray, " m"],
    share: float = 1.0,
) -> Supply:
    """Return rows and targets as a fit sees them.

    Args:
        units: Pool rows of length 1.
        half: `1 / (2 r)` of each.
        mass: Of each, summing to 1.
        target: Targets of length 1.
        target_mass: Of each, summing to 1.
        share: Of the pool's mass that is moved. Below 1, a last target at cost 0 takes what stays, and the others
            share the rest; this turns partial transport into a balanced problem.

    Returns:
        The supply.
    """
    scaled = units * half[:, None].astype(units.dtype)
    if share == 1:
        return Supply(scaled, half, mass, target, target_mass)
    m, d = target.shape
    staying = np.zeros((m + 1, d + 1), dtype=target.dtype)
    staying[:m, :d], staying[:m, d] = target, -1  # products are minus the costs, and that of staying exactly 0
    scaled = np.concatenate([scaled, half[:, None].astype(units.dtype)], axis=1)
    return Supply(scaled, np.zeros_like(half), mass, staying, np.append(share * target_mass, 1 - share), share)


def mean_cost(
    units: Float[np.ndarray, "n d"],
    mass: Float[np.ndarray, " n"],
    target: Float[np.ndarray, "m d"],
    target_mass: Float[np.ndarray, " m"],
) -> float:
    """Return the mean of `(1 - cos) / 2` over pairs drawn from both masses, every row fully reliable."""
    return float(1 - (mass @ units.astype(np.float64)) @ (target_mass @ target.astype(np.float64))) / 2
