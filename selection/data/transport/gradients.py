"""What a row is worth by the gradient of a transport cost: LAVA's values and GOT-D's choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array
from selection.data.quotas import require_budget
from selection.data.transport.fitting import fit_transport
from selection.data.transport.models import TransportModel
from selection.data.transport.reading import read_rows
from selection.data.transport.row_samples import PoolRows
from selection.data.transport.settings import TransportSettings


@dataclass(frozen=True, eq=False)
class GradientChoice:
    """Rows whose mass, if raised, lowers a transport cost most.

    Attributes:
        indices: The rows with the lowest gradients, lowest first; ties go to the smaller index.
        gradients: Of every row of the pool: the calibrated gradient, lower is better.
        potentials: `f` of every row of the pool.
        model: The fitted target.
    """

    indices: Int[np.ndarray, " b"]
    gradients: Float[np.ndarray, " n"]
    potentials: Float[np.ndarray, " n"]
    model: TransportModel


def calibrated_gradient(potentials: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return how the transport cost changes as mass is added to one row and taken from the others alike.

    It is `f_i - mean_{j != i} f_j`, which no constant added to f changes. Adding mass where it is high raises the cost:
    lower is better.

    Args:
        potentials: `f` of rows of equal mass, from balanced transport.

    Returns:
        A gradient for each.

    Raises:
        ValueError: If there are fewer than two, or one is not finite.

    References:
        Just et al. (2023), LAVA: Data Valuation without Pre-Specified Learning Algorithms, arXiv:2305.00054, eq. 1.
    """
    f = np.asarray(potentials, dtype=np.float64)
    if f.ndim != 1 or len(f) < 2 or not np.isfinite(f).all():
        raise ValueError(f"potentials must be two or more finite numbers, got shape {f.shape}")
    return (f - f.mean()) * (len(f) / (len(f) - 1))


def gradient_select(
    pool: Array,
    target: Array,
    budget: int,
    *,
    base: Array | None = None,
    mixing: float = 0.5,
    settings: TransportSettings = TransportSettings(),  # noqa: B008
) -> GradientChoice:
    """Choose the rows of lowest calibrated gradient: LAVA's values, or GOT-D's where there is a base.

    Args:
        pool: Candidates, a vector per row.
        target: What the mixture should come near to.
        budget: How many rows to choose.
        base: What the model has been trained on, by a sample; the gradient is then that of the cost of moving the
            mixture of base and pool (GOT-D). None moves the pool alone (LAVA).
        mixing: Share of the pool in that mixture, in (0, 1); the smaller, the more the base alone sets the prices.
        settings: Entropy, solver, sample. Cost is `(1 - cos) / 2`, where the papers take distances of embeddings.

    Returns:
        The rows of lowest gradient, and the gradients of all.

    Raises:
        ValueError: If vectors are unfit, the budget exceeds the pool, mixing is out of range, or settings ask for
            anything but balanced transport.

    References:
        Just et al. (2023), LAVA, arXiv:2305.00054; Kang et al. (2024), Get More for Less, arXiv:2405.02774, eq. 3.
    """
    if settings.unbalanced is not None or settings.partial:
        raise ValueError("settings must leave transport balanced for gradients; leave unbalanced and share out")
    rows = read_rows(pool, "pool")
    require_budget(budget, len(rows))
    if not 0 < mixing < 1:
        raise ValueError(f"mixing must be above 0 and below 1, got {mixing}")
    model = fit_transport(_mixture(rows, base, mixing), target, settings=settings)
    potentials = model.score(rows, n_threads=settings.n_threads)
    gradients = calibrated_gradient(potentials)
    return GradientChoice(np.argsort(gradients, kind="stable")[:budget], gradients, potentials, model)


def _mixture(rows: Float[np.ndarray, "n d"], base: Any, mixing: float) -> PoolRows:
    if base is None:
        return PoolRows(rows)
    trained = read_rows(base, "base", width=rows.shape[1]).astype(rows.dtype)
    weights = np.repeat([mixing / len(rows), (1 - mixing) / len(trained)], [len(rows), len(trained)])
    return PoolRows(np.concatenate([rows, trained]), weights=weights)
