"""Cluster-based isotropy enhancement: take the dominant directions out of every cluster of vectors by itself."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, centred, namespace, require_whole, to_device_of
from probes.transforming import (
    Transform,
    principal_directions,
    require_components,
    require_varying,
    rows_to_fit,
    usual_components,
)

MOST_CLUSTERS = 27
"""As many as the authors use."""

ROWS_PER_CLUSTER = 50
"""How many rows a cluster is given on average, unless the number of clusters is asked for."""


@dataclass(frozen=True, eq=False)
class ClusterIsotropy(Transform):
    """Clusters of vectors, and what each of them loses.

    Attributes:
        centres: Mean of each cluster.
        directions: Orthonormal directions that are taken from it, as many as its rows allow; rows of zeros fill up.
    """

    centres: Float[np.ndarray, "clusters d"]
    directions: Float[np.ndarray, "clusters k d"]

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return self.centres.shape[1]

    def moved(self, z: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Return rows less the mean of the nearest cluster, and without its dominant directions."""
        xp, centres = namespace(z), to_device_of(self.centres, z)
        nearest = xp.argmin(xp.sum(centres**2, axis=1)[None, :] - 2 * (z @ centres.T), axis=1)
        rows = z - centres[nearest, :]
        for i, directions in enumerate(self.directions):
            inside, basis = nearest == i, to_device_of(directions, z)
            rows[inside, :] = rows[inside, :] - (rows[inside, :] @ basis.T) @ basis
        return rows


def fit_cluster_isotropy(
    x: Float[Array, "n d"], *, n_clusters: int | None = None, n_components: int | None = None, seed: int = 0
) -> ClusterIsotropy:
    """Fit cluster-based isotropy enhancement: k-means, then all-but-the-top within each cluster.

    A vector goes to its nearest cluster, loses that cluster's mean and its leading principal components. What told
    clusters apart (topic, sentence length, punctuation) goes too, so it may help similarity and cost retrieval.

    Args:
        x: Vectors of one language to fit on. They are brought to the host for k-means.
        n_clusters: How many clusters; unless given, one for every 50 rows, at least 1 and at most 27.
        n_components: How many components each cluster loses, max(1, round(d / 100)) unless given. A small cluster loses
            fewer: half as many as it has rows at most, so that its own vectors do not vanish.
        seed: Seed of k-means.

    Raises:
        TypeError: If an option is no whole number.
        ValueError: If there are fewer different rows than clusters, as many components as rows or columns, nothing
            varies, or a value is not finite.

    References:
        Rajaee & Pilehvar (2021), A Cluster-based Approach for Improving Isotropy in Contextual Embedding Space,
            arXiv:2106.01183, section 4.
    """
    rows = rows_to_fit(x, minimum=3)
    wide, _ = centred(rows)
    require_varying(wide)
    n_components = usual_components(rows.shape[1]) if n_components is None else n_components
    require_components(n_components, rows.shape)
    n_clusters = min(MOST_CLUSTERS, max(1, rows.shape[0] // ROWS_PER_CLUSTER)) if n_clusters is None else n_clusters
    labels = _cluster(wide, n_clusters, seed)
    centres = np.stack([rows[labels == i].mean(axis=0) for i in range(n_clusters)])
    directions = [_lost(rows[labels == i] - centre, n_components) for i, centre in enumerate(centres)]
    return ClusterIsotropy(centres, np.stack(directions))


def _cluster(rows: Float[np.ndarray, "n d"], n_clusters: int, seed: int) -> Int[np.ndarray, " n"]:
    from sklearn.cluster import KMeans

    require_whole("n_clusters", n_clusters, minimum=1)
    require_whole("seed", seed, minimum=0)
    n_different = np.unique(rows, axis=0).shape[0]
    if n_different < n_clusters:
        raise ValueError(
            f"n_clusters must be at most the {n_different} different rows of x, got {n_clusters}; "
            "lower it or give more sentences"
        )
    return KMeans(n_clusters, random_state=seed).fit_predict(rows).astype(np.int64)


def _lost(rows: Float[np.ndarray, "n d"], k: int) -> Float[np.ndarray, "k d"]:
    found = principal_directions(rows, min(k, rows.shape[0] // 2))
    return np.pad(found, ((0, k - found.shape[0]), (0, 0)))
