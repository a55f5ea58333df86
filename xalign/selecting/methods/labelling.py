"""MIG on a pool: labels of the data or clusters in their place, and the graph of labels that are alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from xalign.errors import SettingError
from xalign.selecting.material.materials import Chosen, Material

THRESHOLD = 0.9
"""The least cosine of labels that are neighbours, as published."""
BLOCK = 1 << 14


def choose_by_information(material: Material) -> Chosen:
    """MIG; where rows have no labels, clusters of their vectors are labels. Ties go by the drawn order of the rows.

    Of its options `graph` (true) says whether labels that are alike share what they carry: clusters by their centres,
    labels of the data by vectors of their names.
    """
    from selection.data.information import information_gain_select

    quality = material.quality
    if quality is None:
        alike = "rows count by their reliability" if material.is_weighed else "all rows count alike"
        material.tell(f"mig: no quality was given, {alike}")
        quality = material.weights
    options = dict(material.options)
    tags, vectors = _labels(material, options)
    if options.pop("graph", True) and "similarity" not in options:
        options["similarity"] = _graph(material, vectors, options.get("threshold", THRESHOLD))
    order, limits = material.drawn_order, material.limits
    if options.pop("multilingual", False):
        options["languages"] = material.pool.groups[order]
    if limits:
        limits["groups"] = limits["groups"][order]
    found = information_gain_select(tags[order], quality[order], material.budget, **limits, **options)
    return Chosen(order[found.indices], found.gains, {"information": float(found.information)})


def _labels(material: Material, options: dict[str, Any]) -> tuple[Any, Float[np.ndarray, "k d"] | None]:
    """Which labels each row carries, and a vector for each label where one can be had and is wanted."""
    from selection.data.information import tags_from_clusters

    pool, wants_graph = material.pool, bool(options.get("graph", True))
    k = take_whole(options, "n_clusters", _n_labels(material))
    if pool.tags is not None:
        return pool.tags, _name_vectors(material) if wants_graph else None
    material.tell(f"mig: rows have no labels, {k} clusters of their vectors stand for them")
    labels = material.cluster(k)
    return tags_from_clusters(labels), _centres(material, labels) if wants_graph else None


def _name_vectors(material: Material) -> Float[np.ndarray, "k d"] | None:
    """The names of labels as the model embeds them; None where labels have no names or there is no model at hand."""
    names = material.pool.labels
    if material.encode is None or not names:
        return None
    blocks = [material.encode(names[start : start + 1024]) for start in range(0, len(names), 1024)]
    return np.concatenate(blocks).astype(np.float64)


def _centres(material: Material, labels: Int[np.ndarray, " n"]) -> Float[np.ndarray, "k d"]:
    """The sum of each cluster's rows, whose direction is that of its centre."""
    from scipy.sparse import csr_array

    k = int(labels.max()) + 1
    centres = np.zeros((k, material.vectors.shape[1]))
    for start in range(0, len(labels), BLOCK):
        here = labels[start : start + BLOCK]
        of_row = csr_array((np.ones(len(here)), here, np.arange(len(here) + 1)), shape=(len(here), k))
        centres += of_row.T @ material.vectors[start : start + BLOCK]
    return centres


def _graph(material: Material, vectors: Float[np.ndarray, "k d"] | None, threshold: float) -> Any:
    """Cosines between labels that are alike; a label whose vector has no direction is like no other."""
    from scipy.sparse import csr_array

    from selection.data.information import similar_labels

    if vectors is None:
        material.tell("mig: labels have no vectors, none is like another")
        return None
    there = np.flatnonzero(np.isfinite(vectors).all(axis=1) & vectors.any(axis=1))
    k = len(vectors)
    if not there.size:
        return None
    pairs = similar_labels(vectors[there], threshold=threshold).tocoo()
    graph = csr_array((pairs.data, (there[pairs.row], there[pairs.col])), shape=(k, k))
    n = int((np.bincount(there[pairs.row], minlength=k) > 1).sum())
    material.tell(f"mig: {n} of {k} labels have neighbours of a cosine of {threshold:g} or more, with which they share")
    return graph


def take_whole(options: dict[str, Any], name: str, default: int) -> int:
    """Take a whole number out of the options.

    Raises:
        SettingError: If it is none, or below 1.
    """
    value = options.pop(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SettingError(f"{name} must be a whole number, 1 or more, got {value!r}")
    return value


def _n_labels(material: Material) -> int:
    """As many clusters as the square root of the pool, within 8 and 1024."""
    return int(min(1024, max(8, np.sqrt(material.pool.n)), material.pool.n))
