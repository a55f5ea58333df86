"""Correlations, observed and resampled: a row of weights says how often each language is drawn."""

import numpy as np
from jaxtyping import Float, Shaped

LEVEL = 0.95
"""Share of resamples inside an interval."""
N_PERMUTATIONS = 9999
NEGLIGIBLE = 1e-9
"""A spread below this share of the largest value is rounding."""


def correlations(
    x: Float[np.ndarray, "#m n"], y: Float[np.ndarray, "#m n"], weights: Shaped[np.ndarray, "m n"]
) -> Float[np.ndarray, " m"]:
    """Return the Pearson correlation under each row of weights; NaN where a column does not vary."""
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1)
    centred, squares = [], []
    for values in (x, y):
        left = values - (weights * values).sum(axis=1, keepdims=True) / total
        square = (weights * left**2).sum(axis=1)
        floor = (NEGLIGIBLE * np.abs(values).max(axis=1)) ** 2
        centred.append(left)
        squares.append(np.where(square > floor, square, np.nan))
    return (weights * centred[0] * centred[1]).sum(axis=1) / np.sqrt(squares[0] * squares[1])


def ranks(x: Float[np.ndarray, " n"], weights: Shaped[np.ndarray, "m n"]) -> Float[np.ndarray, "m n"]:
    """Rank a column within each resample; equal values, and copies of one, share the mean of their ranks."""
    values, group = np.unique(x, return_inverse=True)
    sizes = weights @ (group[:, None] == np.arange(values.size)).astype(float)
    return (np.cumsum(sizes, axis=1) - (sizes - 1) / 2)[:, group]


def partial_correlations(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    held: Float[np.ndarray, "n k"],
    weights: Shaped[np.ndarray, "m n"],
) -> Float[np.ndarray, " m"]:
    """Correlate what the columns held fixed leave unexplained of x and y, by least squares within each resample."""
    n, k = held.shape
    products = weights @ (held[:, :, None] * held[:, None, :]).reshape(n, k * k)
    inverses = np.linalg.pinv(products.reshape(-1, k, k), hermitian=True)

    def unexplained(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, "m n"]:
        slopes = np.einsum("mkl,ml->mk", inverses, weights @ (held * values[:, None]))
        left = values - slopes @ held.T
        return np.where(np.abs(left) > NEGLIGIBLE * np.abs(values).max(), left, 0.0)

    return correlations(unexplained(x), unexplained(y), weights)


def shuffled_p_value(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], *, seed: int) -> float:
    """Return the two-sided p-value of the Pearson correlation from 9,999 permutations of y, with the +1 rule.

    Neither mean nor spread changes with the order, so the product alone is compared.

    References:
        Phipson & Smyth (2010), Permutation P-values should never be zero.
    """
    shuffled = np.random.default_rng(seed).permuted(np.tile(y - y.mean(), (N_PERMUTATIONS, 1)), axis=1)
    centred = x - x.mean()
    observed, found = abs(float(centred @ (y - y.mean()))), np.abs(shuffled @ centred)
    return float((1 + np.sum(found >= observed * (1 - NEGLIGIBLE))) / (1 + N_PERMUTATIONS))


def interval(resampled: Float[np.ndarray, " m"], level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of resampled values; NaN where none is defined."""
    known = resampled[~np.isnan(resampled)]
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2]) if known.size else (np.nan, np.nan)
    return float(low), float(high)


def joint_level(resampled: Float[np.ndarray, "p m"]) -> float:
    """Find the level at which percentile intervals hold all of p quantities at once in 95 % of resamples.

    A column must be the same resample for every quantity, so that it counts how much they move together: of equal ones
    the level is 95 %, of p independent ones about 1 - 0.05 / p.

    References:
        Mandel & Betensky (2008), Simultaneous confidence intervals based on the percentile bootstrap approach,
            Computational Statistics & Data Analysis 52.
    """
    known = ~np.isnan(resampled)
    places = np.argsort(np.argsort(resampled, axis=1), axis=1) + 0.5  # NaN comes last
    outward = np.abs(2 * places / np.maximum(known.sum(axis=1, keepdims=True), 1) - 1)
    return float(max(LEVEL, np.quantile(np.where(known, outward, 0.0).max(axis=0), LEVEL)))


def holm(p_values: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
    """Correct p-values for their number, valid however they depend on each other; NaN stays NaN and is not counted.

    References:
        Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.
    """
    corrected = np.full(p_values.shape, np.nan)
    order = np.argsort(p_values)[: int((~np.isnan(p_values)).sum())]
    steps = p_values[order] * np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected
