"""What spectral measures give when one language is turned at random: nothing matches, and every spectrum stays.

Random subspaces of n dimensions have the squared cosines of the real Jacobi ensemble (Wachter's law for large n);
singular values of a product with a random rotation between follow from free probability. Shuffled rows behave alike.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

NODES = 64
"""Points of the quadratures over a share; twice as many change no digit before the eighth."""
ANGLES = 2048
"""Points of the quadrature over a density, for functions with a square root at its end."""
HALVINGS = 40
"""Steps of a bisection over the logarithm of a scale; the last is finer than 1e-10."""
Law = Callable[[np.ndarray], np.ndarray]


def mean_over_cosines(function: Law, k: int, m: int, n: int) -> float:
    """Return the expected mean of a function over the squared cosines between two random subspaces.

    Exact for k or m = 1 (a Beta law); else Wachter's density, beside the k + m - n cosines that are 1 by force, with
    its first-order term for real matrices, `f(low) / 4 + f(high) / 4 - arcsine mean of f / 2`, divided by k + 2 instead
    of k, which is nearer at small k. Within .005 of the simulated mean cosine from n = 6 on, .002 from n = 20 on.

    Args:
        function: Of squared cosines in [0, 1], elementwise.
        k: Dimensions of one subspace, 1 to n.
        m: Dimensions of the other.
        n: Dimensions of the space around; for n centred sentences, n - 1.

    Returns:
        The mean over the min(k, m) cosines.

    References:
        Wachter (1980), The limiting empirical measure of multiple discriminant ratios, Annals of Statistics 8.
        Dumitriu & Paquette (2012), Global fluctuations for linear statistics of beta-Jacobi ensembles, arXiv:1203.6103.
    """
    k, m = min(k, m), max(k, m)
    common = max(0, k + m - n)
    if common:
        ones = float(function(np.ones(1))[0]) * common
        rest = (k - common) * mean_over_cosines(function, n - m, n - k, n) if k > common else 0.0
        return (ones + rest) / k
    return _beta_mean(function, m, n) if k == 1 else _wachter_mean(function, k, m, n)


def _beta_mean(function: Law, m: int, n: int) -> float:
    """Average over the squared cosine of a line and a subspace, Beta(m / 2, (n - m) / 2), by the angle between them."""
    angles = (np.arange(ANGLES) + 0.5) * np.pi / (2 * ANGLES)
    logs = (m - 1) * np.log(np.cos(angles)) + (n - m - 1) * np.log(np.sin(angles))
    weights = np.exp(logs - logs.max())
    return float(weights @ function(np.cos(angles) ** 2) / weights.sum())


def _wachter_mean(function: Law, k: int, m: int, n: int) -> float:
    a, b = k / n, m / n
    low, high = (np.sqrt(b * (1 - a)) - np.sqrt(a * (1 - b))) ** 2, (np.sqrt(b * (1 - a)) + np.sqrt(a * (1 - b))) ** 2
    middle, radius = (high + low) / 2, (high - low) / 2
    angles = (np.arange(ANGLES) + 0.5) * np.pi / ANGLES
    points = middle + radius * np.cos(angles)
    values = function(points)
    density = (radius * np.sin(angles)) ** 2 / (points * (1 - points))
    first = float(values @ density / density.sum())
    edges = function(np.array([max(low, 0.0), min(high, 1.0)]))
    return first + float(edges.mean() / 2 - values.mean() / 2) / (k + 2)


def expected_nuclear_norm(a: Float[np.ndarray, " k"], b: Float[np.ndarray, " m"], n: int) -> float:
    """Return the expected sum of singular values of `A Q B`: A, B diagonal n x n, Q a random rotation.

    With h(s) the mean of v / (v + s) over the n squared entries v (0 beyond those given), and s(h) its inverse, the
    squared singular values have s(h) = s_a(h) s_b(h) h / (1 - h) (the S-transform is multiplicative), and the mean of
    their square roots is 2 / pi times the integral of sqrt(s(h)) over h from 0 to min(k, m) / n. Exact for large n;
    at n = 5 and above within a quarter of the spread of a single draw.

    Args:
        a: Singular values of one language that are above 0; at most n.
        b: Those of the other.
        n: Dimensions of the rotation; for n centred sentences, n - 1.

    References:
        Voiculescu (1987), Multiplication of certain non-commuting random variables, Journal of Operator Theory 18.
    """
    most = min(a.size, b.size) / n
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    angles = (nodes + 1) * np.pi / 4
    shares = most * np.sin(angles) ** 2
    lengths = weights * np.pi / 4 * most * np.sin(2 * angles)
    scales = _scale_at(a**2, shares * n / a.size) * _scale_at(b**2, shares * n / b.size)
    return float(2 * n / np.pi * (lengths @ np.sqrt(scales * shares / (1 - shares))))


def _scale_at(values: Float[np.ndarray, " k"], means: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """Return the s at which the mean of v / (v + s) is each of `means`, by bisection of log s."""
    odds = np.log1p(-means) - np.log(means)
    low, high = odds + np.log(values.min()), odds + np.log(values.max())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = np.mean(values / (values + np.exp(middle)[:, None]), axis=1) > means
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.exp((low + high) / 2)


def mean_square_of_gram(a: Float[np.ndarray, " k"], b: Float[np.ndarray, " m"], n: int) -> float:
    """Return the expected sum of squared entries of `W W'` for W = A Q B, A and B diagonal n x n, Q a random rotation.

    Args:
        a: Entries of A that are not 0; at most n.
        b: Those of B.
        n: Dimensions of the rotation.

    References:
        Collins & Śniady (2006), Integration with respect to the Haar measure, arXiv:math-ph/0402073, orthogonal group.
    """
    (a1, a2), (b1, b2) = [(np.sum(s**2), np.sum(s**4)) for s in (a, b)]
    left, right = np.array([a2, a2, a1**2]), np.array([b1**2, b2, b2])
    matched, mixed = left @ right, left.sum() * right.sum() - left @ right
    return float(((n + 1) * matched - mixed) / (n * (n - 1) * (n + 2)))


def draw_squared_cosines(k: int, m: int, n: int, rng: np.random.Generator) -> Float[np.ndarray, " r"]:
    """Draw the min(k, m) squared cosines between two random subspaces of n dimensions.

    From the eigenvalues of a bidiagonal matrix's Gram, whose entries are independent: no subspace is drawn.

    References:
        Edelman & Sutton (2008), The beta-Jacobi matrix model, the CS decomposition, and generalized singular value
            problems, Foundations of Computational Mathematics 8.
    """
    from scipy.linalg import eigvalsh_tridiagonal

    k, m = min(k, m), max(k, m)
    common = max(0, k + m - n)
    if common:
        rest = draw_squared_cosines(n - m, n - k, n, rng) if k > common else np.empty(0)
        return np.concatenate([np.ones(common), rest])
    i = np.arange(k, 0, -1)
    cosines = rng.beta((m - k + i) / 2, (n - m - k + i) / 2)
    inner = rng.beta(i[1:] / 2, (n - 2 * k + 1 + i[1:]) / 2)
    diagonal = cosines * np.concatenate([[1.0], 1 - inner])
    above = (1 - cosines[:-1]) * inner
    gram = diagonal + np.concatenate([[0.0], above])
    return np.clip(eigvalsh_tridiagonal(gram, -np.sqrt(diagonal[:-1] * above)), 0.0, 1.0)
