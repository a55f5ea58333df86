"""The graph of labels: which are alike, and how a tag's information spreads to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from probes.arrays import checked, row_chunks, to_host

ASYMMETRY = 1e-5
"""How far apart two halves of a similarity may lie: float32 does."""


def similar_labels(vectors: Float[Any, "k d"], *, threshold: float = 0.9) -> Any:
    """Compare labels by their vectors, and keep the pairs that are alike.

    Args:
        vectors: A vector for each label: the embedding of its name, or the centre of its cluster.
        threshold: The least cosine that is kept, in (0, 1].

    Returns:
        Cosines as a symmetric CSR matrix (k, k), with ones on the diagonal.

    Raises:
        ValueError: If a vector is zero or not finite, or the threshold is out of range.
    """
    from scipy import sparse

    _require_threshold(threshold)
    x = checked(to_host(vectors), name="vectors", minimum=1).astype(np.float64)
    norms = np.linalg.norm(x, axis=1)
    zero = np.flatnonzero(norms == 0)
    if zero.size:
        raise ValueError(f"vectors must not be zero, got zero for label {zero[0]} and {zero.size - 1} more labels")
    x = x / norms[:, None]
    blocks = []
    for part in row_chunks(len(x), len(x)):
        cosines = x[part] @ x.T
        cosines[cosines < threshold] = 0
        blocks.append(sparse.csr_matrix(cosines))
    return _with_ones(sparse.vstack(blocks))


def propagation_matrix(k: int, similarity: Any, *, threshold: float, propagation: float) -> Any:
    """Build `P`: row p says how much of tag p's information each label receives.

    Args:
        k: How many labels there are.
        similarity: Between labels (k, k), dense or sparse, symmetric; None for labels that are all unlike.
        threshold: Pairs below it are unlike, in (0, 1].
        propagation: The weight of other labels beside a label itself, at least 0.

    Returns:
        `diag(W) + propagation * offdiag(W)` with columns that sum to 1, as CSR.

    Raises:
        ValueError: If the similarity has another shape, is not finite or not symmetric, or an option is out of range.
    """
    from scipy import sparse

    _require_threshold(threshold)
    if not (np.isfinite(propagation) and propagation >= 0):
        raise ValueError(f"propagation must be finite and at least 0, got {propagation}")
    if similarity is None:
        return sparse.eye_array(k, format="csr")
    graph = _with_ones(_thresholded(similarity, k, threshold))
    weights = _with_ones(graph * propagation)
    received = np.asarray(weights.sum(axis=0)).ravel()
    columns = sparse.csr_array(weights @ sparse.diags_array(1 / received))
    columns.sort_indices()
    return columns


def _thresholded(similarity: Any, k: int, threshold: float) -> Any:
    """Keep what is at least the threshold, in a copy that is exactly symmetric."""
    from scipy import sparse

    if tuple(similarity.shape) != (k, k):
        raise ValueError(
            f"similarity must be {k} x {k} for the {k} labels of tags, got shape {tuple(similarity.shape)}"
        )
    values = sparse.csr_array(similarity if sparse.issparse(similarity) else to_host(similarity), dtype=np.float64)
    if not np.isfinite(values.data).all():
        raise ValueError("similarity must be finite, got NaN or infinity; leave such labels out")
    skew = abs(values - values.T)
    if skew.nnz and skew.max() > ASYMMETRY:
        i, j = (int(place) for place in np.unravel_index(skew.argmax(), (k, k)))
        raise ValueError(
            f"similarity must be symmetric, got {values[i, j]:.6g} from label {i} to {j} and {values[j, i]:.6g} back; "
            "average both ways, (s + s.T) / 2"
        )
    both = sparse.csr_array((values + values.T) / 2)
    both.data[both.data < threshold] = 0
    return both


def _with_ones(graph: Any) -> Any:
    """The graph with every label fully like itself."""
    from scipy import sparse

    others = graph - sparse.diags_array(graph.diagonal())
    filled = sparse.csr_array(others + sparse.eye_array(graph.shape[0]))
    filled.eliminate_zeros()
    return filled


def _require_threshold(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, got {threshold}")
