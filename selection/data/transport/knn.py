"""TSDS: rows drawn from probabilities that bring a target's nearest rows, near-duplicates sharing one's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, require_choice, require_neighbours, row_chunks
from selection.data.quotas import require_budget
from selection.data.transport.density import kernel_density
from selection.data.transport.nearest import exact_nearest, indexed_nearest
from selection.data.transport.neighbour_shares import share_among_neighbours
from selection.data.transport.reading import read_rows, require_at_least

Density = Literal["kde", "uniform"]
MOST_NEIGHBOURS, MOST_KERNEL_NEIGHBOURS = 5000, 1000


@dataclass(frozen=True, eq=False)
class NeighbourChoice:
    """Rows drawn for a target.

    Attributes:
        probabilities: Of every row of the pool, summing to 1.
        indices: The rows drawn, in the order of drawing; with `short="nearest"` those beyond the support at the end.
        n_possible: How many rows have any probability.
        n_beyond: How many of the drawn have none.
        neighbours_used: How many near rows each target's mass fills.
        k: Near rows that were looked up for each target.
    """

    probabilities: Float[np.ndarray, " n"]
    indices: Int[np.ndarray, " b"]
    n_possible: int
    n_beyond: int
    neighbours_used: Int[np.ndarray, " m"]
    k: int


def knn_transport_select(  # noqa: PLR0913
    pool: Array,
    target: Array,
    budget: int,
    *,
    density: Density = "kde",
    alpha: float = 0.5,
    c: float = 5.0,
    sigma: float = 0.75,
    k: int | None = None,
    kernel_k: int | None = None,
    exact: bool = True,
    seed: int = 0,
    short: Literal["raise", "nearest", "repeat"] = "raise",
) -> NeighbourChoice:
    """Choose rows as TSDS does: transport to the target with a price for uneven mass, solved by nearest neighbours.

    Args:
        pool: Candidates, a vector per row, taken as they are; distances are Euclidean.
        target: What is wanted.
        budget: How many rows to draw.
        density: `kde` lets near-duplicates share the mass of one row, `uniform` counts each row as one.
        alpha: Weight of nearness to the target against diversity, in [0, 1].
        c: Scale of the distances, above 0.
        sigma: The distance at which the Epanechnikov kernel ends, above 0.
        k: Near rows looked up for each target; None takes 5000 or a tenth of the pool, what is less.
        kernel_k: Near rows that the density of a row counts, itself included; None takes 1000 or a tenth of the pool.
        exact: Whether near rows are found by comparing all, or by an index (faiss), which moves the probabilities.
        seed: Of the drawing, and of the index.
        short: What to do where fewer rows than the budget have any probability: raise; take `nearest`, all of these
            and then the rows nearest to any target; or `repeat`, draw with replacement as the authors' code does.

    Returns:
        The probabilities, and rows drawn from them without replacement.

    Raises:
        ValueError: If vectors or options are unfit, or too few rows have any probability.
        ImportError: If an index is asked for and faiss is missing.

    References:
        Liu, Karbasi & Rekatsinas (2024), TSDS: Data Selection for Task-Specific Model Finetuning, arXiv:2410.11303,
            algorithms 1 (uniform) and 2 (kde), heap and stopping rule as in the released code.
    """
    rows = read_rows(pool, "pool")
    wanted = read_rows(target, "target", width=rows.shape[1]).astype(rows.dtype)
    require_budget(budget, len(rows))
    require_choice("density", density, ("kde", "uniform"))
    require_choice("short", short, ("raise", "nearest", "repeat"))
    require_at_least("c", c, strict=True)
    require_at_least("sigma", sigma, strict=True)
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be between 0 and 1, got {alpha}")
    k = _neighbours("k", k, MOST_NEIGHBOURS, len(rows), least=2)
    kernel_k = _neighbours("kernel_k", kernel_k, MOST_KERNEL_NEIGHBOURS, len(rows), least=1)
    distances, near = exact_nearest(rows, wanted, k) if exact else indexed_nearest(rows, wanted, k, seed=seed)
    crowd = np.ones_like(distances)
    if density == "kde":
        present, place = np.unique(near, return_inverse=True)
        around = _density(rows, rows[present], sigma, kernel_k, seed=None if exact else seed)
        crowd = np.maximum(around, 1)[place.reshape(near.shape)]
    probabilities, used = share_among_neighbours(distances, near, crowd, len(rows), alpha=alpha, c=c)
    indices, n_beyond = draw_rows(probabilities, budget, seed, short, lambda: _to_nearest_target(rows, wanted))
    return NeighbourChoice(probabilities, indices, int((probabilities > 0).sum()), n_beyond, used, k)


def _neighbours(name: str, k: int | None, most: int, n: int, *, least: int) -> int:
    """Return how many neighbours to look up.

    Raises:
        ValueError: If the pool is too small for any, or k is out of range.
    """
    if k is None:
        k = min(most, n // 10)
        if k < least:
            raise ValueError(f"pool must have at least {10 * least} rows for the default {name}, got {n}; give {name}")
    require_neighbours(k, n, name=name)
    if k < least:
        raise ValueError(f"{name} must be at least {least}, got {k}")
    return k


def _density(
    rows: Float[np.ndarray, "n d"], queries: Float[np.ndarray, "p d"], sigma: float, k: int, *, seed: int | None
) -> Float[np.ndarray, " p"]:
    """Sum the kernel over the k nearest rows of each query, found by comparing all, or by an index where seeded."""
    if seed is None:
        return kernel_density(queries, rows, sigma=sigma, k=k)
    distances, _ = indexed_nearest(rows, queries, k, seed=seed)
    return np.maximum(1 - (distances / sigma) ** 2, 0).sum(axis=1)


def draw_rows(
    probabilities: Float[np.ndarray, " n"],
    budget: int,
    seed: int,
    short: str,
    distances: Callable[[], Float[np.ndarray, " n"]],
) -> tuple[Int[np.ndarray, " b"], int]:
    """Draw rows one after another, each by its part of the probability not yet drawn, and say how many had none.

    Args:
        probabilities: Of every row, not all 0.
        budget: How many to draw.
        seed: Of the drawing.
        short: raise | nearest | repeat, see `knn_transport_select`.
        distances: Returns how far each row is from the target; called where rows without probability are needed.

    Returns:
        The rows, and how many of them, the last, have no probability.

    Raises:
        ValueError: If too few have any and `short` is raise.
    """
    rng = np.random.default_rng(seed)
    if short == "repeat":
        return rng.choice(len(probabilities), size=budget, p=probabilities / probabilities.sum()), 0
    possible = np.flatnonzero(probabilities > 0)
    if len(possible) < budget and short == "raise":
        raise ValueError(
            f"budget must be at most the {len(possible)} rows that have any probability, got {budget}; lower alpha, "
            "which spreads it, raise k, or give short='nearest' or 'repeat'"
        )
    turns = rng.exponential(size=len(possible)) / probabilities[possible]
    drawn = possible[np.argsort(turns, kind="stable")][:budget]
    if len(drawn) == budget:
        return drawn, 0
    others = np.setdiff1d(np.arange(len(probabilities)), drawn)
    others = others[np.argsort(distances()[others], kind="stable")][: budget - len(drawn)]
    return np.concatenate([drawn, others]), len(others)


def _to_nearest_target(rows: Float[np.ndarray, "n d"], target: Float[np.ndarray, "m d"]) -> Float[np.ndarray, " n"]:
    """Return the squared distance of each row to the target nearest to it."""
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    own = (target**2).sum(axis=1)
    nearest = [(own - 2 * rows[block] @ target.T).min(axis=1) for block in row_chunks(len(rows), len(target))]
    return squares + np.concatenate(nearest)
