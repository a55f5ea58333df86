"""The concepts of a layer: clusters of the vectors that words have in their sentences."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import Array, centred, checked, require_choice, require_whole, to_host

METHODS = ("auto", "ward", "k_means")
LARGEST_WARD = 4000
"""Ward needs the distances of all pairs: above this number of words `auto` takes k-means."""

TYPES_PER_CLUSTER = 2


@dataclass(frozen=True, eq=False)
class Concepts:
    """The clusters of word vectors of one language.

    Attributes:
        clusters: The cluster of each word, from 0.
        types: The type of each word: a label for the word as it stands in the dictionary.
        n_clusters: How many clusters.
        method: How they were found: `ward` or `k_means`.
    """

    clusters: Int[np.ndarray, " n"]
    types: Int[np.ndarray, " n"]
    n_clusters: int
    method: str

    @cached_property
    def type_labels(self) -> Int[np.ndarray, " types"]:
        """The different types, ascending."""
        return np.unique(self.types)

    @cached_property
    def holds(self) -> Bool[np.ndarray, "clusters types"]:
        """Whether a cluster holds a type at least once."""
        holds = np.zeros((self.n_clusters, self.type_labels.size), dtype=bool)
        holds[self.clusters, np.searchsorted(self.type_labels, self.types)] = True
        return holds

    @cached_property
    def n_types(self) -> Int[np.ndarray, " clusters"]:
        """How many types each cluster holds."""
        return self.holds.sum(axis=1)


def find_concepts(
    x: Float[Array, "n d"],
    types: Int[np.ndarray, " n"],
    *,
    n_clusters: int | None = None,
    method: str = "auto",
    seed: int = 0,
) -> Concepts:
    """Cluster the word vectors of one language: the concepts that a layer knows there.

    Computed on the CPU by scikit-learn.

    Args:
        x: Vectors of words in their sentences; a word of several sentences has several rows.
        types: The type of each word, as a label.
        n_clusters: How many clusters; by default one for every 2 types, at least 2: larger clusters
            hardly ever translate into one, at the usual theta.
        method: `ward` (agglomerative), `k_means` (as in the authors' program), or `auto`: `ward` for up to 4000 words,
            for which it needs 128 MB, else `k_means`.
        seed: Seed of k-means.

    Returns:
        The clusters; made once per language and layer, for any number of pairs.

    Raises:
        ValueError: If `types` has not one label per row, there are more clusters than different rows, or a value is
            not finite.

    References:
        Mousi et al. (2024), Exploring Alignment in Shared Cross-lingual Spaces, arXiv:2405.14535.
        Dalvi et al. (2022), Discovering Latent Concepts Learned in BERT, arXiv:2205.07237, for the method.
    """
    x = checked(x, minimum=2)
    types = np.asarray(types)
    if types.shape != (x.shape[0],):
        raise ValueError(f"types must hold a label for each of the {x.shape[0]} rows of x, got shape {types.shape}")
    wanted = max(2, np.unique(types).size // TYPES_PER_CLUSTER) if n_clusters is None else n_clusters
    clusters, used = cluster(x, wanted, method, seed)
    return Concepts(clusters, types, wanted, used)


def cluster(x: Float[Array, "n d"], n_clusters: int, method: str, seed: int) -> tuple[Int[np.ndarray, " n"], str]:
    """Cluster rows by their distances as they are; returns the cluster of each, and the method that `auto` chose.

    Raises:
        TypeError: If `n_clusters` is no whole number.
        ValueError: If the method is unknown, or there are fewer than 2 clusters or more than different rows.
    """
    require_choice("method", method, METHODS)
    require_whole("n_clusters", n_clusters, minimum=2)
    points = to_host(centred(x)[0])
    n_points = np.unique(points, axis=0).shape[0]
    if n_clusters > n_points:
        raise ValueError(f"n_clusters must be at most the {n_points} different rows, got {n_clusters}; ask for fewer")
    used = method if method != "auto" else "ward" if points.shape[0] <= LARGEST_WARD else "k_means"
    return _clustering(used, n_clusters, seed).fit_predict(points).astype(np.int64), used


def _clustering(method: str, n_clusters: int, seed: int) -> Any:
    from sklearn.cluster import AgglomerativeClustering, KMeans

    if method == "ward":
        return AgglomerativeClustering(n_clusters=n_clusters, linkage="ward")
    return KMeans(n_clusters=n_clusters, n_init=4, random_state=seed)
