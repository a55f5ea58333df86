"""The threshold filter of DEITA: best rows first, each only if nothing like it was taken."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Real

from probes.arrays import to_host
from selection.data.allowances import read_allowances
from selection.data.covering.results import ThresholdChoice
from selection.data.covering.unit_rows import require_embeddings, unit_rows_at

BLOCK = 512
"""Rows that are compared with everything taken at once."""


def threshold_diversity_select(
    embeddings: Float[Any, "n d"],
    scores: Real[Any, " n"],
    budget: int,
    *,
    threshold: float = 0.9,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    quotas: Mapping[Any, float | int] | str | None = None,
) -> ThresholdChoice:
    """Walk rows from the best score down, and take each whose cosine to all taken before is below the threshold.

    Args:
        embeddings: A vector for each row, none zero where it is met; may be memory-mapped.
        scores: Of each row, up is better; ties go to the smaller row. DEITA's is complexity times quality.
        budget: How many rows at most, 1 to n.
        threshold: The cosine from which a row is too alike, above -1; 0.9 as published.
        groups: The group of each row, with `quotas`.
        quotas: Group to share or to count, "proportional" or "equal"; None for none.

    Returns:
        The rows in order of choice; fewer than the budget where the rest of the pool is too alike.

    Raises:
        ValueError: If a score is not finite, lengths differ, a vector that is met is zero or not finite, or the budget
            or quotas cannot be met.

    References:
        Liu et al. (2024), What Makes Good Data for Alignment? A Comprehensive Study of Automatic Data Selection in
            Instruction Tuning, arXiv:2312.15685, Algorithm 1.
    """
    require_embeddings(embeddings, name="embeddings")
    n = len(embeddings)
    allowances = read_allowances(n, budget, groups=groups, quotas=quotas)
    if not threshold > -1:
        raise ValueError(f"threshold must be above -1, the least cosine, got {threshold}")
    order = best_first(scores, n)
    left, open_rows = allowances.counts.copy(), allowances.open_rows(n)
    taken = _Taken(budget, embeddings.shape[1])
    for start in range(0, n, BLOCK):
        rows = order[start : start + BLOCK]
        block = unit_rows_at(embeddings, rows, name="embeddings")
        near = taken.nearest(block)
        for place, row in enumerate(rows.tolist()):
            if open_rows[row] and near[place] < threshold and taken.n < budget:
                taken.add(row, block[place], float(near[place]))
                allowances.take(row, left, open_rows)
                np.maximum(near, block @ block[place], out=near)
        if taken.n == budget:
            break
    return ThresholdChoice(taken.rows[: taken.n], taken.similarities[: taken.n], budget - taken.n)


def best_first(scores: Real[Any, " n"], n: int) -> Int[np.ndarray, " n"]:
    """Sort rows by score, best first, smaller rows first among equals.

    Raises:
        ValueError: If there are not n scores, or one is not finite.
    """
    values = to_host(scores)
    if values.shape != (n,):
        raise ValueError(f"scores must be a number for each of the {n} rows of embeddings, got shape {values.shape}")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(f"scores must be finite, got {values[bad[0]]} in row {bad[0]} and {bad.size - 1} more rows")
    return np.argsort(-values.astype(np.float64), kind="stable")


class _Taken:
    """Rows taken so far, with room for the budget."""

    def __init__(self, budget: int, width: int) -> None:
        self.n = 0
        self.rows = np.empty(budget, dtype=np.int64)
        self.similarities = np.empty(budget)
        self._vectors = np.empty((budget, width), dtype=np.float32)

    def nearest(self, block: Float[np.ndarray, "b d"]) -> Float[np.ndarray, " b"]:
        """Return each row's largest cosine to a taken row."""
        if not self.n:
            return np.full(len(block), -np.inf, dtype=block.dtype)
        return (block @ self._vectors[: self.n].T).max(axis=1)

    def add(self, row: int, vector: Float[np.ndarray, " d"], similarity: float) -> None:
        """Take a row whose largest cosine is known."""
        self.rows[self.n], self.similarities[self.n], self._vectors[self.n] = row, similarity, vector
        self.n += 1
