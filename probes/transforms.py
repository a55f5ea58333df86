"""Transforms of vectors: fitted on one set of sentences and applied to others, so that no score is of its own fit."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from probes.arrays import Array, centred, to_device_of
from probes.cluster_isotropy import ClusterIsotropy, fit_cluster_isotropy
from probes.language_maps import AffineMap, fit_linear_map, fit_orthogonal_map
from probes.transforming import (
    Transform,
    principal_directions,
    require_components,
    require_varying,
    rows_to_fit,
    usual_components,
)

__all__ = [
    "TRANSFORMS",
    "AffineMap",
    "Centring",
    "ClusterIsotropy",
    "ComponentRemoval",
    "Transform",
    "TransformKind",
    "Whitening",
    "fit_abtt",
    "fit_centring",
    "fit_cluster_isotropy",
    "fit_linear_map",
    "fit_orthogonal_map",
    "fit_zca",
]

NULL_SPACE = 1e-10
"""An unshrunken variance below this share of the largest is taken for 0: whitening would blow up its rounding."""


@dataclass(frozen=True, eq=False)
class Centring(Transform):
    """Subtract a mean.

    Attributes:
        mean: The mean vector of the language.
    """

    mean: Float[np.ndarray, " d"]

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return self.mean.shape[0]

    def moved(self, z: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Return rows less the mean."""
        return z - to_device_of(self.mean, z)


@dataclass(frozen=True, eq=False)
class ComponentRemoval(Transform):
    """Subtract a mean and take directions out.

    Attributes:
        mean: The mean vector of the language.
        directions: Orthonormal rows.
    """

    mean: Float[np.ndarray, " d"]
    directions: Float[np.ndarray, "k d"]

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return self.mean.shape[0]

    def moved(self, z: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Return centred rows, projected on what is orthogonal to the directions."""
        basis, rows = to_device_of(self.directions, z), z - to_device_of(self.mean, z)
        return rows - (rows @ basis.T) @ basis


@dataclass(frozen=True, eq=False)
class Whitening(Transform):
    """Subtract a mean and multiply by the inverse square root of a covariance.

    Attributes:
        mean: The mean vector of the language.
        matrix: Symmetric.
        shrinkage: The share of a multiple of the identity in the covariance, between 0 and 1.
    """

    mean: Float[np.ndarray, " d"]
    matrix: Float[np.ndarray, "d d"]
    shrinkage: float

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return self.mean.shape[0]

    def moved(self, z: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Return whitened rows."""
        return (z - to_device_of(self.mean, z)) @ to_device_of(self.matrix, z)


def fit_centring(x: Float[Array, "n d"]) -> Centring:
    """Fit language centring: subtracting the mean vector of the language.

    It takes away the offset between languages that strong alignment and language identity see, and nothing else.

    Args:
        x: Vectors of one language to fit on, at least 2.

    Raises:
        ValueError: If there are fewer than 2 rows, or a value is not finite.

    References:
        Libovický, Rosa & Fraser (2020), On the Language Neutrality of Pre-trained Multilingual Representations,
            arXiv:2004.05160.
    """
    return Centring(rows_to_fit(x).mean(axis=0))


def fit_abtt(x: Float[Array, "n d"], *, n_components: int | None = None) -> ComponentRemoval:
    """Fit all-but-the-top: subtracting the mean and taking out the leading principal components.

    The authors' algorithm projects uncentred vectors, which leaves the same constant vector in every row; here it is
    gone.

    Args:
        x: Vectors of one language to fit on.
        n_components: How many components are dropped; max(1, round(d / 100)) unless given.

    Raises:
        TypeError: If `n_components` is no whole number.
        ValueError: If there are as many components as rows or columns, nothing varies, or a value is not finite.

    References:
        Mu & Viswanath (2018), All-but-the-Top: Simple and Effective Postprocessing for Word Representations,
            arXiv:1702.01417, algorithm 1.
    """
    rows = rows_to_fit(x)
    wide, _ = centred(rows)
    require_varying(wide)
    n_components = usual_components(rows.shape[1]) if n_components is None else n_components
    require_components(n_components, rows.shape)
    return ComponentRemoval(rows.mean(axis=0), principal_directions(wide, n_components))


def fit_zca(x: Float[Array, "n d"], *, shrinkage: float | None = None) -> Whitening:
    """Fit ZCA whitening: the symmetric map that makes the covariance the identity.

    Whitening gives every direction the same weight, noise too. Whitened without shrinkage, two unrelated languages have
    a biased CKA of min(1, d / (n - 1)) on average over permutations of the rows they were fitted on: read `chance`
    beside it.

    Args:
        x: Vectors of one language to fit on, at least 2.
        shrinkage: Share of a multiple of the identity in the covariance, between 0 and 1; the Ledoit-Wolf estimate
            unless given. At 0 directions without variance are dropped.

    Raises:
        ValueError: If there are fewer than 2 rows, nothing varies, a value is not finite, or `shrinkage` is not between
            0 and 1.

    References:
        Kessy, Lewin & Strimmer (2018), Optimal Whitening and Decorrelation, arXiv:1512.00809 (ZCA).
        Ledoit & Wolf (2004), A well-conditioned estimator for large-dimensional covariance matrices, JMVA 88(2).
    """
    if shrinkage is not None and not 0 <= shrinkage <= 1:
        raise ValueError(f"shrinkage must lie between 0 and 1, got {shrinkage}")
    rows = rows_to_fit(x)
    wide, _ = centred(rows)
    require_varying(wide)
    covariance = wide.T @ wide / rows.shape[0]
    share = ledoit_wolf_share(wide, covariance) if shrinkage is None else float(shrinkage)
    values, vectors = np.linalg.eigh(covariance)
    values = (1 - share) * values + share * np.trace(covariance) / values.size
    kept = values > NULL_SPACE * values[-1]
    scales = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    return Whitening(rows.mean(axis=0), (vectors * scales) @ vectors.T, share)


def ledoit_wolf_share(wide: Float[np.ndarray, "n d"], covariance: Float[np.ndarray, "d d"]) -> float:
    """Return how far a covariance should be drawn towards a multiple of the identity: noise over spread.

    Noise is the mean squared distance of one row's outer product to the covariance, over n; spread that of the
    covariance to the multiple of the identity.
    """
    n, d = wide.shape
    square = np.sum(covariance**2)
    spread = square - np.trace(covariance) ** 2 / d
    noise = (np.mean(np.sum(wide**2, axis=1) ** 2) - square) / n
    return float(np.clip(noise / spread, 0.0, 1.0)) if spread > 0 else 1.0


@dataclass(frozen=True)
class TransformKind:
    """A transform as it is asked for by a word.

    Attributes:
        fit: Fits it: `fit(x)`, or `fit(x, y)` with `y` the same sentences in the pivot.
        needs_pivot: Whether it maps a language onto the pivot; the pivot's own vectors are then left as they are.
        does: What it does, in a line.
    """

    fit: Callable[..., Transform]
    needs_pivot: bool
    does: str


TRANSFORMS = {
    "centre": TransformKind(fit_centring, False, "subtract the language's mean"),
    "abtt": TransformKind(fit_abtt, False, "subtract the mean and drop the leading principal components"),
    "cluster": TransformKind(fit_cluster_isotropy, False, "drop mean and leading components cluster by cluster"),
    "zca": TransformKind(fit_zca, False, "whiten, with a shrunken covariance"),
    "orthogonal": TransformKind(fit_orthogonal_map, True, "rotate and shift onto the pivot"),
    "linear": TransformKind(fit_linear_map, True, "map onto the pivot by ridge least squares"),
}
"""The transforms by the words of the command line."""
