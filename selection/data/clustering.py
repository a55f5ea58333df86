"""k-means that scales: many clusters are clusters of clusters, fitted on a sample and assigned in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Integer

from probes.arrays import checked, require_whole, row_chunks, to_host
from selection.data.quotas import fill_shares

FLAT = 256
"""Up to so many clusters are found at once; more are found as clusters of clusters."""
SAMPLE_PER_CLUSTER = 64
"""Centres are fitted on so many rows for each cluster, drawn at random, or on all rows if there are fewer."""
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2^64 by the golden ratio, whose multiples are far apart."""
EXACT_WORK = 1 << 22
"""Up to so many pairs of a row and a cluster, every step of k-means sees all rows; beyond it, mini-batches."""


@dataclass(frozen=True, eq=False)
class ClusterTree:
    """Centres, and below each of them more centres or none.

    Attributes:
        centres: Of this level.
        first: The label of the first cluster below each centre.
        children: The tree below each centre; None where the centre is a cluster itself.
    """

    centres: Float[np.ndarray, "k d"]
    first: Int[np.ndarray, " k"]
    children: tuple[ClusterTree | None, ...]

    @property
    def n_clusters(self) -> int:
        """How many clusters the tree ends in."""
        return sum(1 if child is None else child.n_clusters for child in self.children)

    def assign(self, rows: Float[Any, "n d"]) -> Int[np.ndarray, " n"]:
        """Find each row's cluster: the nearest centre, and below it the nearest again.

        Args:
            rows: At most as many as fit in memory beside their distances to `centres`.

        Returns:
            Labels from 0 to `n_clusters - 1`.
        """
        from sklearn.metrics import pairwise_distances_argmin

        nearest = pairwise_distances_argmin(rows, self.centres)
        labels = self.first[nearest]
        for number, child in enumerate(self.children):
            inside = np.flatnonzero(nearest == number) if child is not None else np.empty(0, dtype=np.int64)
            if child is not None and inside.size:
                labels[inside] += child.assign(rows[inside])
        return labels


@dataclass(frozen=True, eq=False)
class Clustering:
    """The cluster of each row.

    Attributes:
        labels: From 0 to `k - 1`; a cluster may have no row where rows are alike or centres saw a sample.
        tree: The centres; `tree.assign` finds the cluster of other rows.
        n_fitted: Rows that the centres were fitted on.
    """

    labels: Int[np.ndarray, " n"]
    tree: ClusterTree
    n_fitted: int

    @property
    def k(self) -> int:
        """How many clusters were asked for."""
        return self.tree.n_clusters

    @property
    def sizes(self) -> Int[np.ndarray, " k"]:
        """How many rows each cluster has."""
        return np.bincount(self.labels, minlength=self.k)


def cluster_rows(
    embeddings: Float[Any, "n d"], k: int, *, rows: Int[np.ndarray, " m"] | None = None, seed: int = 0
) -> Clustering:
    """Group rows into k clusters by k-means.

    Up to 256 clusters are found at once; more by splitting `sqrt(k)` clusters, each into a number in proportion to its
    rows, so that a row is compared with about `2 sqrt(k)` centres instead of k. The embeddings are read a block at a
    time and may be memory-mapped.

    Args:
        embeddings: A vector for each row; float16 is computed in float32.
        k: How many clusters, 1 to the number of rows.
        rows: Which rows to cluster, in the order in which they are drawn and fitted, which decides between centres that
            are as good; with an order by what rows hold, such as `content_order`, the order of the pool decides
            nothing. None for all as they stand.
        seed: Of the sample and the first centres.

    Returns:
        A label for each of `rows`, and the centres.

    Raises:
        TypeError: If k is no whole number.
        ValueError: If k is out of range or a value is not finite.

    References:
        Sculley (2010), Web-scale k-means clustering, WWW (mini-batches).
        Nistér & Stewénius (2006), Scalable recognition with a vocabulary tree, CVPR (clusters of clusters).
    """
    wanted = np.arange(len(embeddings)) if rows is None else rows
    require_whole("k", k, minimum=1)
    if k > len(wanted):
        raise ValueError(f"k must be at most the {len(wanted)} rows, got {k}; lower k or give more rows")
    rng = np.random.default_rng(seed)
    n_fitted = min(len(wanted), SAMPLE_PER_CLUSTER * k)
    drawn = wanted if n_fitted == len(wanted) else wanted[np.sort(rng.choice(len(wanted), n_fitted, replace=False))]
    tree = fit_clusters(_gathered(embeddings, drawn), k, seed=seed)
    labels = np.empty(len(wanted), dtype=np.int64)
    for places, block in _blocks(embeddings, wanted):
        labels[places] = tree.assign(block)
    return Clustering(labels, tree, n_fitted)


def fit_clusters(sample: Float[Any, "n d"], k: int, *, seed: int) -> ClusterTree:
    """Find k centres by k-means, as clusters of clusters where there are many.

    Args:
        sample: Rows to fit on, at least k.
        k: How many.
        seed: Of the first centres.

    Returns:
        The centres; exactly k clusters.
    """
    n_centres = k if k <= FLAT else int(np.ceil(np.sqrt(k)))
    labels, centres = _k_means(sample, n_centres, seed)
    if n_centres == k:
        return ClusterTree(centres, np.arange(k), (None,) * k)
    used, labels = np.unique(labels, return_inverse=True)
    if len(used) == 1:  # all rows are alike, and nothing tells clusters of clusters apart
        return ClusterTree(np.repeat(centres[used], k, axis=0), np.arange(k), (None,) * k)
    sizes = dict(enumerate(np.bincount(labels).tolist()))
    parts = np.array(list(fill_shares(sizes, sizes, k, given=dict.fromkeys(sizes, 1)).values()))
    children = tuple(
        None if part == 1 else fit_clusters(sample[labels == number], part, seed=seed)
        for number, part in enumerate(parts.tolist())
    )
    return ClusterTree(centres[used], np.cumsum(parts) - parts, children)


def content_order(
    embeddings: Float[Any, "n d"],
    rows: Int[np.ndarray, " m"],
    values: Float[np.ndarray, " m"],
    *,
    keys: Integer[np.ndarray, " m"] | None = None,
) -> Int[np.ndarray, " m"]:
    """Find an order of rows that is the same however the pool is ordered: by a key of what they hold, then by value.

    Args:
        embeddings: A vector for each row; read a block at a time, and may be memory-mapped.
        rows: Which rows to order.
        values: One for each of `rows`.
        keys: Likewise; None takes a hash of the vector.

    Returns:
        Places in `rows`; only rows that are alike in key and value keep the order that they came in.

    Raises:
        ValueError: If a value of the vectors is not finite.
    """
    if keys is not None:
        return np.lexsort((values, keys))
    keys = np.empty(len(rows), dtype=np.uint64)
    for places, block in _blocks(embeddings, rows):
        keys[places] = _content_keys(block)
    return np.lexsort((values, keys))


def _content_keys(block: Float[np.ndarray, "n d"]) -> np.ndarray:
    """A 64-bit key of each row: equal for equal rows; each word is mixed with its place, and the sum once more."""
    words = np.ascontiguousarray(block + 0.0).view(np.uint32 if block.dtype == np.float32 else np.uint64)
    places = np.arange(1, words.shape[1] + 1, dtype=np.uint64) * GOLDEN
    return _mixed(_mixed(words.astype(np.uint64) + places).sum(axis=1, dtype=np.uint64))


def _mixed(words: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser, which spreads every bit over the whole word."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _k_means(sample: Float[Any, "n d"], k: int, seed: int) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, "k d"]]:
    """Labels and centres; rows that are alike leave some centres without rows."""
    import warnings

    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    if len(sample) * k <= EXACT_WORK:
        model = KMeans(k, n_init=1, max_iter=50, random_state=seed)
    else:
        model = MiniBatchKMeans(k, n_init=1, max_iter=20, batch_size=max(4096, 4 * k), random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters: said by `sizes`
        model.fit(sample)
    return model.labels_.astype(np.int64), model.cluster_centers_


def _blocks(
    embeddings: Float[Any, "n d"], rows: Int[np.ndarray, " m"]
) -> Iterator[tuple[Int[np.ndarray, " b"], Float[np.ndarray, "b d"]]]:
    """Rows in blocks, finite and in float32 or float64, with their places in `rows`; read in the order of the pool."""
    order = np.argsort(rows, kind="stable")
    for part in row_chunks(len(rows), embeddings.shape[1]):
        places = order[part]
        block = checked(to_host(embeddings[rows[places]]), name="embeddings", minimum=1)
        yield places, block if block.dtype == np.float64 else block.astype(np.float32, copy=False)


def _gathered(embeddings: Float[Any, "n d"], rows: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m d"]:
    """Rows in the order that is asked for, in memory."""
    is_wide = to_host(embeddings[:1]).dtype == np.float64
    found = np.empty((len(rows), embeddings.shape[1]), dtype=np.float64 if is_wide else np.float32)
    for places, block in _blocks(embeddings, rows):
        found[places] = block
    return found
