"""What every transform of vectors shares: it is fitted on one set of sentences, then applied to others."""

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Float

from probes.arrays import Array, checked, namespace, require_whole, to_host


class Transform(ABC):
    """A fitted transform; its parameters are numpy float64 and do not change."""

    @property
    @abstractmethod
    def width(self) -> int:
        """How many columns it takes."""

    @abstractmethod
    def moved(self, z: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Return rows of float64 transformed, in their own library and on their own device."""

    def apply(self, z: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Transform vectors: computed in float64 where they live, returned in their type (float64 for whole numbers).

        Args:
            z: Vectors of the layer, language and width that the transform was fitted for; any number of rows.

        Raises:
            ValueError: If the width is another, or a value is not finite.
        """
        z = checked(z, name="z", minimum=1)
        if z.shape[1] != self.width:
            raise ValueError(
                f"z must have the {self.width} columns that the transform was fitted on, got {z.shape[1]}; "
                "fit and apply it at the same layer of one model"
            )
        xp = namespace(z)
        moved = self.moved(xp.astype(z, xp.float64))
        return xp.astype(moved, z.dtype) if xp.isdtype(z.dtype, "real floating") else moved


def rows_to_fit(x: Float[Array, "n d"], *, name: str = "x", minimum: int = 2) -> Float[np.ndarray, "n d"]:
    """Return the rows that a transform is fitted on, on the host in float64.

    Raises:
        ValueError: If there are fewer than `minimum` rows, or a value is not finite.
    """
    return to_host(checked(x, name=name, minimum=minimum)).astype(np.float64)


def require_varying(centred: Float[np.ndarray, "n d"], *, name: str = "x") -> None:
    """Refuse centred rows that are all alike.

    Raises:
        ValueError: If no column varies.
    """
    if not centred.any():
        raise ValueError(f"{name} must vary, got the same vector in all {centred.shape[0]} rows; give more sentences")


def usual_components(d: int) -> int:
    """Return how many principal components are dropped unless asked otherwise: one in a hundred dimensions."""
    return max(1, round(d / 100))


def require_components(n_components: int, shape: tuple[int, ...]) -> None:
    """Refuse a number of components that would leave nothing, or that rows cannot give.

    Raises:
        TypeError: If it is no whole number.
        ValueError: Unless it is at least 1 and below both the number of rows and of columns.
    """
    require_whole("n_components", n_components, minimum=1)
    if n_components >= min(shape):
        raise ValueError(
            f"n_components must be below the {shape[0]} rows and {shape[1]} columns of x, got {n_components}; "
            "lower it or give more sentences"
        )


def principal_directions(centred: Float[np.ndarray, "n d"], k: int) -> Float[np.ndarray, "k d"]:
    """Return the k orthonormal directions of largest variance, largest first."""
    n, d = centred.shape
    if d <= n:
        return np.linalg.eigh(centred.T @ centred)[1][:, : -k - 1 : -1].T.copy()
    return np.linalg.svd(centred, full_matrices=False)[2][:k]
