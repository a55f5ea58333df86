"""What a transport selector chose, and what judges it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from selection.data.transport.models import TransportModel


@dataclass(frozen=True, eq=False)
class TransportChoice:
    """Rows chosen for a target.

    Attributes:
        indices: The chosen rows of the pool, in the order of choice.
        scores: Of every row of the pool; lower is better, ties go to the smaller index; infinite where a row's group
            has no quota.
        potentials: `f` of every row of the pool: what one more unit of its mass changes the cost of moving the whole
            pool to the target by, up to a constant (balanced), or as the price for leaving masses has it (unbalanced).
        cost: Of moving the chosen rows to the target: the mean of `(1 - cos) / 2` over the plan, without entropy. No
            row serves the target that it is.
        model: The fitted target that the scores are of; its `cost` judges any other set of rows on the same axis.
        converged: Whether every fit met its masses within the tolerance.
        marginal_error: The largest of their errors: sum over targets of |wanted - received|, of a total mass of 1.
        moved: What the scores are of: budget | all (also where the budget is all that the pool is worth) | unbalanced.
        density: How near-duplicates were weighed in the fit: exact | sampled | none.
        n_pool: Rows of the pool.
        n_distinct: How many rows the pool is worth, near-duplicates sharing the mass of one; n_pool if not weighed.
        n_repeating: Chosen rows, the last ones, that repeat a better one and only fill the budget.
    """

    indices: Int[np.ndarray, " b"]
    scores: Float[np.ndarray, " n"]
    potentials: Float[np.ndarray, " n"]
    cost: float
    model: TransportModel
    converged: bool
    marginal_error: float
    moved: str
    density: str
    n_pool: int
    n_distinct: float
    n_repeating: int

    @property
    def n_target(self) -> int:
        """Rows of the target."""
        return len(self.model.target)

    @property
    def n_fitted(self) -> int:
        """Rows that the scores' prices were fitted on."""
        return self.model.n_fitted

    @property
    def method(self) -> str:
        """Which solver: exact | streaming."""
        return self.model.method

    @property
    def epsilon(self) -> float:
        """Weight of the entropy, in the unit of the cost."""
        return self.model.epsilon

    @property
    def target_potentials(self) -> Float[np.ndarray, " m"]:
        """`g`, the price of each target that the scores are of, in the unit of the cost."""
        return self.model.target_potentials

    @property
    def mean_cost(self) -> float:
        """`(1 - cos) / 2` on average over fitted rows and the target."""
        return self.model.mean_cost
