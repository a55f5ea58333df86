"""Maps between languages: bring the vectors of one into the space of another, from sentences that both have."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from probes.arrays import Array, centred, namespace, require_matching, require_same_width, to_device_of
from probes.transforming import Transform, require_varying, rows_to_fit


@dataclass(frozen=True, eq=False)
class AffineMap(Transform):
    """Take the vectors of one language into the space of another.

    Attributes:
        mean: The mean vector of the language.
        matrix: Maps centred rows from the right; orthogonal, or of least squares.
        target: The mean vector of the other language.
    """

    mean: Float[np.ndarray, " d"]
    matrix: Float[np.ndarray, "d d"]
    target: Float[np.ndarray, " d"]

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return self.mean.shape[0]

    def moved(self, z: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Return mapped rows."""
        return (z - to_device_of(self.mean, z)) @ to_device_of(self.matrix, z) + to_device_of(self.target, z)


def fit_orthogonal_map(x: Float[Array, "n d"], y: Float[Array, "n d"]) -> AffineMap:
    """Fit the rotation (or reflection) and the shift that bring `x` nearest to `y`.

    Distances within the language stay as they are. With as many dimensions as sentences any `x` can be turned close to
    any `y`: judge it on other sentences.

    Args:
        x: Vectors of one language to fit on, at least 2; row i translates row i of `y`.
        y: Vectors of the pivot, into whose space others are mapped; the pivot itself is left as it is.

    Raises:
        ValueError: If shapes differ, there are fewer than 2 rows, nothing varies, or a value is not finite.

    References:
        Schönemann (1966), A generalized solution of the orthogonal Procrustes problem.
        Conneau et al. (2018), Word Translation Without Parallel Data, arXiv:1710.04087, eq. 2.
    """
    from scipy.linalg import orthogonal_procrustes

    (x_mean, x_wide), (y_mean, y_wide) = _matched_rows(x, y)
    return AffineMap(x_mean, orthogonal_procrustes(x_wide, y_wide)[0], y_mean)


def fit_linear_map(x: Float[Array, "n d"], y: Float[Array, "n d"], *, ridge: float = 0.1) -> AffineMap:
    """Fit the linear map and the shift of (regularised) least squares from `x` to `y`.

    Args:
        x: Vectors of one language to fit on, at least 2; row i translates row i of `y`.
        y: Vectors of the pivot, into whose space others are mapped; the pivot itself is left as it is.
        ridge: Penalty on squared weights, in units of the mean variance of a column of `x` times the number of rows; at
            least 0. At 0 the smallest of the exact solutions is taken.

    Raises:
        ValueError: If shapes differ, there are fewer than 2 rows, nothing varies, a value is not finite, or `ridge` is
            negative.

    References:
        Mikolov, Le & Sutskever (2013), Exploiting Similarities among Languages for Machine Translation,
            arXiv:1309.4168, eq. 3 (without the penalty).
        Hoerl & Kennard (1970), Ridge Regression: Biased Estimation for Nonorthogonal Problems.
    """
    if not 0 <= ridge < np.inf:
        raise ValueError(f"ridge must be a finite number of at least 0, got {ridge}")
    (x_mean, x_wide), (y_mean, y_wide) = _matched_rows(x, y)
    if ridge == 0:
        return AffineMap(x_mean, np.linalg.lstsq(x_wide, y_wide, rcond=None)[0], y_mean)
    gram = x_wide.T @ x_wide
    gram[np.diag_indices_from(gram)] += ridge * np.trace(gram) / gram.shape[0]
    return AffineMap(x_mean, np.linalg.solve(gram, x_wide.T @ y_wide), y_mean)


def _matched_rows(x: Float[Array, "n d"], y: Float[Array, "n d"]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the mean and the centred rows of both."""
    namespace(x, y)
    both = [rows_to_fit(x), rows_to_fit(y, name="y")]
    require_matching(*both)
    require_same_width(*both)
    found = [(rows.mean(axis=0), centred(rows)[0]) for rows in both]
    for (_, wide), name in zip(found, "xy", strict=True):
        require_varying(wide, name=name)
    return found
