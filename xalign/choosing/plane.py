"""Languages laid out in the plane, so that the eye sees their distances, and how far it is misled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class Plane:
    """Languages as points.

    Attributes:
        positions: One row per language, centred, the longest direction across.
        stress: Kruskal's stress-1: how far distances in the plane are from the true ones, 0 if not at all.
    """

    positions: Float[np.ndarray, "m 2"]
    stress: float


def lay_out(distances: Float[np.ndarray, "m m"]) -> Plane:
    """Lay languages out by metric multidimensional scaling, started from the classical one; the same every time.

    Args:
        distances: Symmetric, zero on the diagonal.

    Returns:
        Positions and stress.

    References:
        Torgerson (1952), Multidimensional Scaling: I; Kruskal (1964), Multidimensional Scaling by Optimizing Goodness
            of Fit to a Nonmetric Hypothesis; de Leeuw (1977), Applications of Convex Analysis to Multidimensional
            Scaling.
    """
    from sklearn.manifold import smacof

    start = _classical(distances)
    if len(distances) < 3 or not distances.any():
        return Plane(start, stress_of(start, distances))
    found, _ = smacof(distances, n_components=2, init=start, n_init=1, max_iter=300, normalized_stress=False)
    positions = _upright(np.asarray(found, dtype=np.float64))
    return Plane(positions, stress_of(positions, distances))


def stress_of(positions: Float[np.ndarray, "m 2"], distances: Float[np.ndarray, "m m"]) -> float:
    """Measure Kruskal's stress-1: root of the squared misfit of all pairs over the plane's squared distances."""
    drawn = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    size = float((drawn**2).sum())
    return float(np.sqrt(((drawn - distances) ** 2).sum() / size)) if size > 0 else 0.0


def _classical(distances: Float[np.ndarray, "m m"]) -> Float[np.ndarray, "m 2"]:
    """The first two principal coordinates of the doubly centred squared distances."""
    squares = distances**2
    centred = -0.5 * (squares - squares.mean(axis=0) - squares.mean(axis=1, keepdims=True) + squares.mean())
    values, vectors = np.linalg.eigh(centred)
    positions = np.zeros((len(distances), 2))
    n = min(2, len(values))
    positions[:, :n] = vectors[:, ::-1][:, :n] * np.sqrt(np.clip(values[::-1][:n], 0.0, None))
    return _upright(positions)


def _upright(positions: Float[np.ndarray, "m 2"]) -> Float[np.ndarray, "m 2"]:
    """Centre, turn the longest direction across, and settle signs by the point farthest out."""
    centred = positions - positions.mean(axis=0)
    turned = (
        centred @ np.linalg.svd(centred, full_matrices=False)[2].T if centred.any() and len(centred) > 1 else centred
    )
    farthest = turned[np.abs(turned).argmax(axis=0), [0, 1]]
    return turned * np.where(farthest < 0, -1.0, 1.0)
