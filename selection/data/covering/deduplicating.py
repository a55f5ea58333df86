"""SemDeDup: rows that say the same as another of their cluster are left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Real

from probes.arrays import require_choice, to_host
from selection.data.covering.results import Deduplication
from selection.data.covering.threshold_diversity import best_first
from selection.data.covering.unit_rows import require_embeddings, unit_rows_at

BLOCK = 1024
"""Rows of a cluster that are compared with all before them at once."""
KEEP = ("hard", "easy")


def semantic_deduplicate(
    embeddings: Float[Any, "n d"],
    *,
    clusters: Int[Any, " n"] | None = None,
    threshold: float = 0.95,
    keep: str = "hard",
    scores: Real[Any, " n"] | None = None,
) -> Deduplication:
    """Order each cluster, and leave out every row whose cosine to one before it exceeds the threshold.

    As published, a row is compared with all before it, those that were left out too; so that of a chain of near
    duplicates only the first stays.

    Args:
        embeddings: A vector for each row, none zero; may be memory-mapped, a cluster is read at a time.
        clusters: The cluster of each row, such as k-means gives; None compares all rows with all.
        threshold: The cosine above which a row is a duplicate, `1 - epsilon` in the paper; in (-1, 1].
        keep: Which comes first in a cluster: the row least like its cluster's mean (hard, as published) or most
            like it (easy).
        scores: Let the row with the best score come first instead, smaller rows among equals.

    Returns:
        The rows that are kept, and for every row what it duplicates.

    Raises:
        ValueError: If a vector is zero or not finite, lengths differ, a score is not finite, or an option is unknown.

    References:
        Abbas et al. (2023), SemDeDup: Data-efficient learning at web-scale through semantic deduplication,
            arXiv:2303.09540, Section 3 and Algorithm 1.
    """
    require_embeddings(embeddings, name="embeddings")
    require_choice("keep", keep, KEEP)
    if not -1 < threshold <= 1:
        raise ValueError(f"threshold must be above -1 and at most 1, got {threshold}")
    n = len(embeddings)
    ranks = None if scores is None else np.argsort(best_first(scores, n))
    similarities, duplicate_of = np.full(n, -np.inf), np.full(n, -1, dtype=np.int64)
    for rows in _members(clusters, n):
        units = unit_rows_at(embeddings, rows, name="embeddings")
        order = _order(units, keep) if ranks is None else np.argsort(ranks[rows])
        nearest, places = largest_before(units[order])
        rows = rows[order]
        similarities[rows], duplicate_of[rows] = nearest, np.where(places < 0, -1, rows[places])
    return Deduplication(np.flatnonzero(similarities <= threshold), similarities, duplicate_of)


def largest_before(units: Float[np.ndarray, "n d"]) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Find each row's largest cosine to a row before it, and that row; minus infinity and -1 for the first."""
    largest, places = np.full(len(units), -np.inf), np.full(len(units), -1, dtype=np.int64)
    for start in range(0, len(units), BLOCK):
        block = units[start : start + BLOCK]
        for before in range(0, start + 1, BLOCK):
            cosines = block @ units[before : before + BLOCK].T
            if before == start:
                cosines[np.triu_indices(len(block))] = -np.inf
            found = cosines.argmax(axis=1)
            values = cosines[np.arange(len(block)), found]
            better = np.flatnonzero(values > largest[start : start + len(block)])
            largest[start + better], places[start + better] = values[better], before + found[better]
    return largest, places


def _members(clusters: Any, n: int) -> Iterator[Int[np.ndarray, " m"]]:
    """The rows of each cluster, in increasing order."""
    if clusters is None:
        yield np.arange(n)
        return
    labels = to_host(clusters)
    if labels.shape != (n,):
        raise ValueError(f"clusters must be a label for each of the {n} rows of embeddings, got shape {labels.shape}")
    order = np.argsort(labels, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)


def _order(units: Float[np.ndarray, "m d"], keep: str) -> Int[np.ndarray, " m"]:
    """Rows by their cosine to the mean of the cluster; two alone are equal, which rounding must not decide."""
    mean = units.mean(axis=0)
    centrality = np.round(units @ mean / max(float(np.linalg.norm(mean)), 1e-12), 6)
    return np.argsort(centrality if keep == "hard" else -centrality, kind="stable")
