"""Distances between languages over the features that both have, as products of matrices and masks."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float, Int

Matrix = Float[np.ndarray, "m m"]


def shared_counts(values: Float[np.ndarray, "m f"]) -> Int[np.ndarray, "m m"]:
    """Count the features that every two languages both have."""
    known = (~np.isnan(values)).astype(float)
    return np.rint(known @ known.T).astype(int)


def cosine(values: Float[np.ndarray, "m f"]) -> Matrix:
    """1 - cosine over shared features. A language without a 1 among them is at 1 from others, at 0 from its like."""
    return 1 - _cosines(values)


def angular(values: Float[np.ndarray, "m f"]) -> Matrix:
    """The angle over shared features, as a share of a right one: 2 / pi arccos(cosine), URIEL+'s distance."""
    return 2 / np.pi * np.arccos(_cosines(values))


def hamming(values: Float[np.ndarray, "m f"]) -> Matrix:
    """The share of shared features that differ; values are names."""
    known = ~np.isnan(values)
    agree = np.zeros((len(values), len(values)))
    for value in np.unique(values[known]):
        has = (values == value).astype(float)
        agree += has @ has.T
    return 1 - _over(agree, shared_counts(values))


def jaccard(values: Float[np.ndarray, "m f"]) -> Matrix:
    """1 - what both have, over what one of them has, of the shared features that are 0 or 1."""
    known, has = (~np.isnan(values)).astype(float), (values > 0).astype(float)
    both, own = has @ has.T, has @ known.T
    either = own + own.T - both
    return 1 - np.where(either > 0, _over(both, either), 1.0)


def great_circle(values: Float[np.ndarray, "m f"]) -> Matrix:
    """The way over a globe, as a share of the longest (half its circumference); columns are degrees north and east."""
    north, east = np.radians(values[:, 0]), np.radians(values[:, 1])
    points = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)
    # The chord keeps its digits for neighbours, where arccos of a cosine near 1 does not.
    chords = np.linalg.norm(points[:, None] - points[None], axis=2)
    return 2 / np.pi * np.arcsin(np.clip(chords / 2, 0, 1))


METRICS: Mapping[str, Callable[[Float[np.ndarray, "m f"]], Matrix]] = {
    "angular": angular,
    "cosine": cosine,
    "hamming": hamming,
    "jaccard": jaccard,
    "great_circle": great_circle,
}

#: The metric of each kind of table; see `typology_distances`.
DEFAULT_METRICS = {
    "uriel.syntax": "angular",
    "uriel.phonology": "angular",
    "uriel.inventory": "angular",
    "uriel.genetic": "cosine",
    "uriel.geographic": "great_circle",
    "grambank": "hamming",
    "wals": "hamming",
    "script": "cosine",
}


def _cosines(values: Float[np.ndarray, "m f"]) -> Matrix:
    known = (~np.isnan(values)).astype(float)
    filled = np.where(np.isnan(values), 0.0, values)
    squares = filled**2 @ known.T
    norms = np.sqrt(squares * squares.T)
    cosines = np.clip(_over(filled @ filled.T, norms), -1, 1)
    both_empty = (squares == 0) & (squares.T == 0)
    return np.where(both_empty, 1.0, cosines)


def _over(part: np.ndarray, whole: np.ndarray) -> Matrix:
    """Divide where there is something to divide by; elsewhere 0."""
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
