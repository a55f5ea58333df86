"""TSDS: how many near rows each target shares its mass among, and what probability each row ends with."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def share_among_neighbours(
    distances: Float[np.ndarray, "m k"],
    rows: Int[np.ndarray, "m k"],
    density: Float[np.ndarray, "m k"],
    n_pool: int,
    *,
    alpha: float,
    c: float,
) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " m"]]:
    """Spread each target's mass over its nearest rows, as far as diversity is worth the distance.

    Near rows enter one by one, over all targets in rising order of the mass `count_j = sum_{l <= k} 1 / rho_jl` that
    target j then has, until `(alpha / c) sum_j cost_j >= (1 - alpha) m` with
    `cost_j = d_{j,k+1} s - sum_{l <= k} d_jl / rho_jl` and s the count reached last. This is the order of a heap of
    (count, k, j); sorting all of them once gives the same.

    Args:
        distances: Of each target's near rows, rising.
        rows: Which rows of the pool they are.
        density: Of each, above 0.
        n_pool: Rows of the pool.
        alpha: Weight of nearness to the target against diversity, in [0, 1].
        c: Scale of the distances, above 0.

    Returns:
        The probability of each row of the pool, and how many near rows each target fills.
    """
    m, k = distances.shape
    parts = 1 / density
    count = np.cumsum(parts, axis=1)
    cost = distances[:, 1:] * count[:, :-1] - np.cumsum(distances * parts, axis=1)[:, :-1]
    target, place = np.divmod(np.arange(m * (k - 1)), k - 1)
    order = np.lexsort((target, place, count[:, :-1].ravel()))
    grown = np.diff(cost, axis=1, prepend=0).ravel()[order]
    reached = np.flatnonzero((alpha / c) * np.cumsum(grown) >= (1 - alpha) * m)
    end = int(reached[0]) if reached.size else len(order) - 1
    s = float(count[target[order[end]], place[order[end]]])
    passed = order[:end] if reached.size else order
    last = np.zeros(m, dtype=np.int64)
    np.maximum.at(last, target[passed], place[passed])
    return _spread(rows, parts / (m * s), last, n_pool), last + 1


def _spread(
    rows: Int[np.ndarray, "m k"], shares: Float[np.ndarray, "m k"], last: Int[np.ndarray, " m"], n_pool: int
) -> Float[np.ndarray, " n"]:
    """Give each target's rows their shares up to its last one, and the next row what remains of the target's mass."""
    m, k = rows.shape
    given = np.where(np.arange(k) <= last[:, None], shares, 0.0)
    np.minimum(given, 1 / m, out=given)  # a target whose first row already stands for more than was reached
    given[np.arange(m), last + 1] += np.maximum(1 / m - given.sum(axis=1), 0.0)
    return np.bincount(rows.ravel(), weights=given.ravel(), minlength=n_pool)
