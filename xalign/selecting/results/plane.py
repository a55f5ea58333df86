"""Pool, target and chosen rows laid out in the plane by the two directions in which the pool varies most."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Int

from xalign.selecting.material.spaces import Space
from xalign.selecting.results.selection import POINT_COLUMNS

N_POOL, N_CHOSEN, N_TARGET = 2000, 600, 300


def lay_out(space: Space, chosen: Int[np.ndarray, " b"], *, seed: int) -> pd.DataFrame:
    """Project samples onto the principal components of pool and target together.

    Args:
        space: Comparable vectors.
        chosen: Rows of the pool.
        seed: Of the samples.

    Returns:
        A row per point: its kind (pool, chosen, target), language and place.
    """
    rng = np.random.default_rng(seed)
    pool_rows = _sample(rng, np.arange(space.pool.n), N_POOL)
    chosen_rows = _sample(rng, np.sort(chosen), N_CHOSEN)
    target_rows = _sample(rng, np.arange(len(space.target)), N_TARGET)
    pool, target = space.rows(pool_rows), space.target[target_rows]
    both = np.concatenate([pool, target]).astype(np.float64)
    centre = both.mean(axis=0)
    axes = np.linalg.svd(both - centre, full_matrices=False)[2][:2]
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    parts = []
    for kind, vectors, languages in (
        ("pool", pool, space.pool.groups[pool_rows]),
        ("chosen", space.rows(chosen_rows), space.pool.groups[chosen_rows]),
        ("target", target, np.array(space.target_groups, dtype=object)[target_rows]),
    ):
        places = (vectors - centre) @ axes.T
        places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
        parts.append(pd.DataFrame({"kind": kind, "language": languages, "x": places[:, 0], "y": places[:, 1]}))
    return pd.concat(parts, ignore_index=True)[POINT_COLUMNS]


def _sample(rng: np.random.Generator, rows: np.ndarray, most: int) -> np.ndarray:
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))
