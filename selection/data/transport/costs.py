"""Rows as unit vectors, and the cost of moving one to a target: `(1 - cos) / (2 r)` with r its reliability."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from selection.data.transport.sweeps import FORBIDDEN, Staying, Supply

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
    staying: Staying | None = None,
) -> Supply:
    """Return rows and targets as a fit sees them.

    Args:
        units: Pool rows of length 1.
        half: `1 / (2 r)` of each.
        mass: Of each, summing to 1.
        target: Targets of length 1.
        target_mass: Of each, summing to 1.
        staying: What is not moved. A last target for each group takes it at cost 0, from this group only, and the
            others share the rest; this turns partial transport into a balanced problem.

    Returns:
        The supply.
    """
    scaled = units * half[:, None].astype(units.dtype)
    if staying is None:
        return Supply(scaled, half, mass, target, target_mass)
    (m, d), k = target.shape, staying.n_groups
    wanted = np.zeros((m + k, d + 1 + k), dtype=target.dtype)
    wanted[:m, :d], wanted[:m, d] = target, -1  # products are minus the costs, and that of staying exactly 0
    wanted[m:, d + 1 :] = np.eye(k) * (-FORBIDDEN * half.max())
    elsewhere = (staying.codes[:, None] != np.arange(k)).astype(units.dtype)
    rows = np.concatenate([scaled, half[:, None].astype(units.dtype), elsewhere], axis=1)
    if k == 1:
        rows, wanted = rows[:, : d + 1], wanted[:, : d + 1]
    return Supply(rows, np.zeros_like(half), mass, wanted, staying.beside(target_mass, mass), staying)


def mean_cost(
    units: Float[np.ndarray, "n d"],
    mass: Float[np.ndarray, " n"],
    target: Float[np.ndarray, "m d"],
    target_mass: Float[np.ndarray, " m"],
) -> float:
    """Return the mean of `(1 - cos) / 2` over pairs drawn from both masses, every row fully reliable."""
    return float(1 - (mass @ units.astype(np.float64)) @ (target_mass @ target.astype(np.float64))) / 2
