"""k-centre: take the row that is farthest from everything taken so far."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from selection.data.allowances import Allowances, read_allowances
from selection.data.covering.results import CentreChoice
from selection.data.covering.unit_rows import require_embeddings, unit_blocks


def k_centre_select(
    embeddings: Float[Any, "n d"],
    budget: int,
    *,
    first: int | None = None,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    quotas: Mapping[Any, float | int] | str | None = None,
) -> CentreChoice:
    """Choose rows so that no row of the pool is far from all of them, farthest first.

    Distances are Euclidean between vectors of length 1, `sqrt(2 - 2 cos)`.

    Args:
        embeddings: A vector for each row, none zero.
        budget: How many rows, 1 to n. Every choice reads the pool once.
        first: The row to begin with; None for the one nearest to the mean direction.
        groups: The group of each row, with `quotas`.
        quotas: Group to share or to count, "proportional" or "equal"; None for none.

    Returns:
        The rows in order of choice; the radius is at most twice the least possible.

    Raises:
        ValueError: If a vector is zero or not finite, `first` is no row or its group gives none, or the budget or
            quotas cannot be met.

    References:
        Gonzalez (1985), Clustering to minimize the maximum intercluster distance, Theoretical Computer Science 38.
        Sener & Savarese (2018), Active Learning for Convolutional Neural Networks: A Core-Set Approach,
            arXiv:1708.00489, Algorithm 1.
    """
    require_embeddings(embeddings, name="embeddings")
    n = len(embeddings)
    allowances = read_allowances(n, budget, groups=groups, quotas=quotas)
    units = np.concatenate([block for _, block in unit_blocks(embeddings, name="embeddings")])
    row = _first_row(units, first, allowances)
    left, squared = allowances.counts.copy(), np.full(n, np.inf)
    open_rows = allowances.open_rows(n)
    indices, distances = np.empty(budget, dtype=np.int64), np.empty(budget)
    for place in range(budget):
        indices[place], distances[place] = row, squared[row]
        allowances.take(row, left, open_rows)
        np.minimum(squared, np.maximum(2 - 2 * (units @ units[row]).astype(np.float64), 0), out=squared)
        squared[row] = 0.0
        row = int(np.argmax(np.where(open_rows, squared, -1.0)))
    return CentreChoice(indices, np.sqrt(distances), float(np.sqrt(squared.max())))


def _first_row(units: Float[np.ndarray, "n d"], first: int | None, allowances: Allowances) -> int:
    n = len(units)
    if first is None:
        return int(np.argmax(np.where(allowances.open_rows(n), units @ units.mean(axis=0), -np.inf)))
    if not 0 <= first < n:
        raise ValueError(f"first must be a row, 0 to {n - 1}, got {first}")
    if not allowances.counts[allowances.code_of(first)]:
        raise ValueError(f"first must be of a group that gives rows, got row {first}, whose group has a quota of 0")
    return int(first)
