"""How crowded it is around a row: the Epanechnikov kernel density that lets near-duplicates share one row's mass."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from probes.arrays import row_chunks
from selection.data.transport.sweeps import BLOCK
from selection.data.transport.workers import workers

EXACT_ROWS = 50_000
"""Rows up to which every pair of the pool is looked at."""
REFERENCES = 10_000
"""Rows that stand for a larger pool."""


def kernel_block(
    rows: Float[np.ndarray, "b d"], references: Float[np.ndarray, "r d"], sigma: float
) -> Float[np.ndarray, "b r"]:
    """Return `max(0, 1 - |x - x'|^2 / sigma^2)`."""
    scale = 1 / sigma**2
    kernel = rows @ references.T
    kernel *= kernel.dtype.type(2 * scale)
    kernel += (1 - scale * np.einsum("ij,ij->i", references, references)).astype(kernel.dtype)
    kernel -= (scale * np.einsum("ij,ij->i", rows, rows)).astype(kernel.dtype)[:, None]
    return np.maximum(kernel, 0, out=kernel)


def kernel_density(
    rows: Float[np.ndarray, "n d"],
    references: Float[np.ndarray, "r d"],
    *,
    sigma: float,
    k: int | None = None,
    n_threads: int | None = None,
) -> Float[np.ndarray, " n"]:
    """Sum the kernel `max(0, 1 - |x - x'|^2 / sigma^2)` over references; a reference itself counts 1.

    Args:
        rows: Where the density is asked for.
        references: What crowds them.
        sigma: The distance at which a reference no longer counts, above 0.
        k: How many references count at most, the nearest; None for all.
        n_threads: None takes as many as matrix products may use.

    Returns:
        The density of each row.

    References:
        Liu, Karbasi & Rekatsinas (2024), TSDS: Data Selection for Task-Specific Model Finetuning, arXiv:2410.11303,
            section 4.2.
    """
    limit = len(references) if k is None else min(k, len(references))

    def one(block: slice) -> np.ndarray:
        total = np.zeros(block.stop - block.start)
        if limit == len(references):
            for part in row_chunks(len(references), block.stop - block.start, elements=BLOCK):
                total += kernel_block(rows[block], references[part], sigma).sum(axis=1, dtype=np.float64)
            return total
        kernel = kernel_block(rows[block], references, sigma)
        crowded = np.count_nonzero(kernel, axis=1) > limit
        nearest = -np.partition(-kernel[crowded], limit - 1, axis=1)[:, :limit]
        total[~crowded] = kernel[~crowded].sum(axis=1, dtype=np.float64)
        total[crowded] = nearest.sum(axis=1, dtype=np.float64)
        return total

    wide = len(references) if limit < len(references) else 1024
    with workers(n_threads) as run:
        found = list(run(one, row_chunks(len(rows), wide, elements=max(BLOCK, 8 * wide))))
    return np.concatenate(found)


def spread(rows: Float[np.ndarray, "n d"]) -> float:
    """Return the root of the mean squared distance between rows drawn at random: sqrt(2) for centred unit vectors."""
    centre = rows.mean(axis=0, dtype=np.float64)
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    return float(np.sqrt(max(2 * (squares.mean() - centre @ centre), 0.0)))


def pool_density(
    rows: Float[np.ndarray, "n d"], n_pool: int, *, sigma: float, n_threads: int | None = None
) -> tuple[Float[np.ndarray, " n"], str]:
    """Return the density of rows in the pool they are a sample of, and how it was found: exact | sampled.

    Args:
        rows: A sample, in an order that means nothing; the whole pool where it has that many.
        n_pool: Rows of the pool.
        sigma: The distance at which a row no longer counts.
        n_threads: None takes as many as matrix products may use.

    Returns:
        Densities, at least 1: from all pairs where the rows are the whole pool and up to 50,000; else each of the
        first 10,000, other than the row itself, stands for its part of the pool.
    """
    n = len(rows)
    if n == n_pool <= EXACT_ROWS:
        return np.maximum(kernel_density(rows, rows, sigma=sigma, n_threads=n_threads), 1), "exact"
    references = rows[:REFERENCES]
    others = kernel_density(rows, references, sigma=sigma, n_threads=n_threads)
    others[: len(references)] -= 1
    stand_for = np.where(np.arange(n) < len(references), n_pool - 1, n_pool) / np.where(
        np.arange(n) < len(references), max(len(references) - 1, 1), len(references)
    )
    return 1 + np.maximum(others, 0) * stand_for, "sampled"
