"""Unbalanced transport with the pool's masses all but free: one softmax of the pool for each target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array
from selection.data.quotas import require_budget
from selection.data.transport.costs import directions, half_scale, supply_of
from selection.data.transport.marginals import PoolMarginal, TargetMarginal
from selection.data.transport.reading import read_masses, read_rows, require_at_least
from selection.data.transport.semi_dual import fit_prices
from selection.data.transport.sweeps import sweep
from selection.data.transport.workers import workers


@dataclass(frozen=True, eq=False)
class MassChoice:
    """Rows that a target hands most of its mass to.

    Attributes:
        indices: The rows of most mass, most first; ties go to the smaller index.
        masses: Of every row of the pool, summing to 1.
        converged: Whether each target's mass is handed out within 1e-6.
    """

    indices: Int[np.ndarray, " b"]
    masses: Float[np.ndarray, " n"]
    converged: bool


def unbalanced_transport_select(
    pool: Array,
    target: Array,
    budget: int,
    *,
    epsilon: float = 0.01,
    penalty: float = 1e-4,
    n_threads: int | None = None,
) -> MassChoice:
    """Choose the rows that receive most when each target hands its mass to the pool as it likes.

    With penalty 0 the mass of row i is `sum_j b_j softmax_i(-c_ij / epsilon)`: one pass. A penalty holds the masses of
    the pool nearer to equal ones.

    Args:
        pool: Candidates, a vector per row.
        target: What is wanted.
        budget: How many rows to choose.
        epsilon: Weight of the entropy, in the unit of the cost `(1 - cos) / 2`, above 0.
        penalty: Price of leaving the pool's equal masses, in the unit of the cost, at least 0.
        n_threads: None takes as many as matrix products may use.

    Returns:
        The rows of most mass.

    Raises:
        ValueError: If vectors are unfit, the budget exceeds the pool, or a number is out of range.

    References:
        Chizat et al. (2018), Scaling Algorithms for Unbalanced Optimal Transport Problems, arXiv:1607.05816; in POT
            `sinkhorn_unbalanced(b, a, cost, 0.01, (inf, 1e-4), reg_type="kl")`.
    """
    rows = read_rows(pool, "pool")
    wanted = read_rows(target, "target", width=rows.shape[1])
    require_budget(budget, len(rows))
    require_at_least("epsilon", epsilon, strict=True)
    require_at_least("penalty", penalty)
    supply = supply_of(
        directions(rows),
        half_scale(None, len(rows)),
        read_masses(None, len(rows), "pool"),
        directions(wanted).astype(rows.dtype),
        read_masses(None, len(wanted), "target"),
    )
    marginal = PoolMarginal(epsilon, penalty)
    with workers(n_threads) as run:
        fit = fit_prices(supply, marginal, TargetMarginal(), run, tolerance=1e-6, max_iterations=500)
        scores = sweep(supply, fit.potentials, marginal, run).scores
    masses = supply.mass * marginal.moved(scores)
    return MassChoice(np.argsort(-masses, kind="stable")[:budget], masses / masses.sum(), fit.converged)
