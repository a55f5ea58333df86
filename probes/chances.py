"""What retrieval scores when nothing is matched and every order of the candidates is equally likely."""

import numpy as np
from jaxtyping import Float, Int


def group_sizes(labels: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return how many rows share each row's label."""
    return np.bincount(labels)[labels].astype(float)


def hit_chance(labels: Int[np.ndarray, " n"], k: int = 1) -> float:
    """Return the chance that one of g right among n candidates is in the first k: 1 - C(n - g, k) / C(n, k)."""
    n, sizes = labels.size, group_sizes(labels)
    steps = np.arange(k)[None, :]
    distinct, counts = np.unique(sizes, return_counts=True)
    missed = np.prod(np.clip((n - distinct[:, None] - steps) / (n - steps), 0, 1), axis=1)
    return float(1 - missed @ counts / n)


def reciprocal_chance(labels: Int[np.ndarray, " n"]) -> float:
    """Return the mean of 1 / (rank of the first of g right among n): the harmonic number H_n / n for g = 1."""
    n = labels.size
    distinct, counts = np.unique(group_sizes(labels), return_counts=True)
    ranks = np.arange(1, n + 1)
    expected = [float(np.sum(_first_at(ranks, n, g) / ranks)) for g in distinct]
    return float(np.dot(expected, counts) / n)


def _first_at(ranks: Int[np.ndarray, " n"], n: int, g: float) -> Float[np.ndarray, " n"]:
    """Return the probability of each rank being that of the first right answer."""
    still_missing = np.cumprod(np.concatenate([[1.0], np.clip((n - g - ranks[:-1] + 1) / (n - ranks[:-1] + 1), 0, 1)]))
    return still_missing * g / np.maximum(n - ranks + 1, g)


def mutual_chance(labels: Int[np.ndarray, " n"]) -> float:
    """Return the chance that row i and column i both answer right; 1 / (2n - 1) when every label is its own.

    With g rows of a label and c = (n - g) / (n - 1), the gold pair at height u leaves a row right with probability
    1 - c (1 - u^(n - 1)); its square is integrated over u.
    """
    n = labels.size
    c = (n - group_sizes(labels)) / (n - 1)
    return float(np.mean((1 - c) ** 2 + 2 * c * (1 - c) / n + c**2 / (2 * n - 1)))


def strong_chance(labels: Int[np.ndarray, " n"]) -> float:
    """Return the chance of a right answer among n candidates of the other language and n - g of the own."""
    sizes = group_sizes(labels)
    return float(np.mean(sizes / (2 * labels.size - sizes)))
