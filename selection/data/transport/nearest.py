"""The nearest rows of a pool to each query: exact, or by an index where the pool is too large for that."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

Nearest = tuple[Float[np.ndarray, "q k"], Int[np.ndarray, "q k"]]
"""Euclidean distances, rising, and the rows; equal distances by row."""


def exact_nearest(pool: Float[np.ndarray, "n d"], queries: Float[np.ndarray, "q d"], k: int) -> Nearest:
    """Return the k nearest rows of each query, by comparing it with every row."""
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(pool)
    return in_order(*index.kneighbors(queries))


def indexed_nearest(pool: Float[np.ndarray, "n d"], queries: Float[np.ndarray, "q d"], k: int, *, seed: int) -> Nearest:
    """Return k near rows of each query from an inverted file of cells, of which some are looked at (faiss).

    Raises:
        ImportError: If faiss is not installed.
        ValueError: If the cells looked at hold fewer than k rows for some query.
    """
    faiss = _faiss()
    n_cells = max(1, int(np.sqrt(len(pool))))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(pool.shape[1]), pool.shape[1], n_cells)
    index.cp.seed = seed
    index.cp.min_points_per_centroid = 1
    index.nprobe = min(n_cells, max(16, n_cells // 10, 8 * k * n_cells // len(pool)))
    rows = np.ascontiguousarray(pool, dtype=np.float32)
    index.train(rows)
    index.add(rows)
    squares, found = index.search(np.ascontiguousarray(queries, dtype=np.float32), k)
    if (found < 0).any():
        raise ValueError(f"k must be smaller for an index of {n_cells} cells, got {k}; lower it or take exact=True")
    return in_order(np.sqrt(np.maximum(squares, 0)), found)


def in_order(distances: Float[np.ndarray, "q k"], rows: Int[np.ndarray, "q k"]) -> Nearest:
    """Order each query's rows by distance, then by row."""
    order = np.lexsort((rows, distances), axis=1)
    return (
        np.take_along_axis(distances.astype(np.float64), order, axis=1),
        np.take_along_axis(rows.astype(np.int64), order, axis=1),
    )


def _faiss() -> Any:
    import importlib

    try:
        return importlib.import_module("faiss")
    except ImportError as error:
        raise ImportError("exact=False needs faiss: pip install faiss-cpu, or take exact=True") from error
