"""How diverse a set of languages is: how far apart they lie, and how many of the pool's feature values they show."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, SupportsIndex

import numpy as np
from jaxtyping import Float, Int, Shaped

from probes.arrays import Array, to_host

Kind = Literal["auto", "features", "distances"]


@dataclass(frozen=True)
class SetDiversity:
    """The diversity of a chosen set, judged within its pool. What a matrix of distances cannot tell is NaN.

    Attributes:
        mean_pairwise_distance: Mean over pairs of chosen languages. From features: Euclidean over the features that
            both have, scaled up to all features, over the largest such distance of the pool, so in [0, 1]. From
            distances: in their own unit. NaN for fewer than two languages.
        entropy: Shannon entropy of the chosen languages' values, in nats, missing ones left out; the mean over
            features (a feature that no chosen language has counts 0).
        entropy_with_missing: The same with "missing" as one more value: it grows with ignorance.
        feature_value_inclusion: Share of a feature's values that the chosen show; the mean over features. A feature
            has the values that the pool shows, and two at least (so one that never varies gives 1/2 at most).
        feature_value_overlap: Share of the pairs of chosen languages that agree, of the pairs that both have the
            feature; the mean over features that some pair has. Lower is more diverse.
        coverage: How near the pool lies to the chosen: the mean over all languages of the pool of `1 - d / max d` with
            d the distance to the nearest chosen one (facility location's value over the size of the pool).
        known: Share of the chosen languages' feature values that are known.
        n: How many languages were chosen.
        n_pairs: How many pairs of them have a distance: two languages without a shared feature have none.
    """

    mean_pairwise_distance: float
    entropy: float
    entropy_with_missing: float
    feature_value_inclusion: float
    feature_value_overlap: float
    coverage: float
    known: float
    n: int
    n_pairs: int


def set_diversity(
    features_or_distances: Shaped[Array, "m columns"],
    chosen: Sequence[SupportsIndex] | Int[Array, " k"],
    *,
    kind: Kind = "auto",
) -> SetDiversity:
    """Judge how diverse a set of languages is.

    Args:
        features_or_distances: The whole pool, chosen or not: distances (m, m), or features (m, f) with NaN where a
            value is missing. Features are categories, binary ones best: two values differ or they do not for
            entropy, inclusion and overlap, but distances take them as numbers.
        chosen: Indices of the chosen rows.
        kind: What the array is; "auto" takes a square, symmetric one with a zero diagonal and nothing missing as
            distances.

    Returns:
        Distance, entropy, inclusion, overlap and coverage. To judge many sets of one pool, build a `DiversityPool`.

    Raises:
        ValueError: If the array is not as said, or an index is repeated or out of range.

    References:
        Ploeger et al. (2024), What is "Typological Diversity" in NLP?, arXiv:2402.04222; Ploeger et al. (2024), A
            Principled Framework for Evaluating on Typologically Diverse Languages, arXiv:2407.05022 (in whose code
            entropy is in bits, and the overlap averages running prefixes of the features; here whole features).
    """
    return DiversityPool(features_or_distances, kind=kind).judge(chosen)


@dataclass(frozen=True, eq=False)
class DiversityPool:
    """A pool of languages, read once, whose subsets can be judged many times."""

    features_or_distances: Shaped[Array, "m columns"]
    kind: Kind = "auto"
    _distances: Float[np.ndarray, "m m"] = field(init=False, repr=False)
    _codes: Int[np.ndarray, "m f"] | None = field(init=False, repr=False)
    _largest: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        values = _as_numbers(self.features_or_distances)
        distances = _is_distances(values, self.kind)
        object.__setattr__(self, "_distances", values if distances else shared_euclidean(values))
        object.__setattr__(self, "_codes", None if distances else _codes(values))
        largest = np.nanmax(self._distances) if np.isfinite(self._distances).any() else 0.0
        object.__setattr__(self, "_largest", float(largest) or 1.0)

    def judge(self, chosen: Sequence[SupportsIndex] | Int[Array, " k"]) -> SetDiversity:
        """Judge one set of the pool; see `set_diversity`."""
        rows = _checked_indices(chosen, len(self._distances))
        between = self._distances[np.ix_(rows, rows)][np.triu_indices(len(rows), 1)]
        between = between[~np.isnan(between)] / (1.0 if self._codes is None else self._largest)
        return SetDiversity(
            mean_pairwise_distance=float(between.mean()) if between.size else float("nan"),
            coverage=self._coverage(rows),
            n=len(rows),
            n_pairs=between.size,
            **self._values_shown(rows),
        )

    def _coverage(self, rows: Int[np.ndarray, " k"]) -> float:
        """Average the nearness to the chosen; a language without a distance to any of them is not covered at all."""
        to_nearest = np.where(np.isnan(self._distances[:, rows]), np.inf, self._distances[:, rows]).min(axis=1)
        return float(np.maximum(1 - to_nearest / self._largest, 0).mean())

    def _values_shown(self, rows: Int[np.ndarray, " k"]) -> dict[str, float]:
        names = ("entropy", "entropy_with_missing", "feature_value_inclusion", "feature_value_overlap", "known")
        if self._codes is None:
            return dict.fromkeys(names, float("nan"))
        n_codes = max(int(self._codes.max()) + 1, 1)
        counts, in_pool = _counts(self._codes[rows], n_codes), _counts(self._codes, n_codes)
        missing = len(rows) - counts.sum(axis=1, keepdims=True)
        figures = (
            _entropy(counts),
            _entropy(np.hstack([counts, missing])),
            _mean_ratio((counts > 0).sum(axis=1), np.maximum((in_pool > 0).sum(axis=1), 2)),
            _mean_ratio(_pairs(counts).sum(axis=1), _pairs(counts.sum(axis=1))),
            float(counts.sum() / (len(rows) * len(counts))),
        )
        return dict(zip(names, figures, strict=True))


def shared_euclidean(features: Float[np.ndarray, "m f"]) -> Float[np.ndarray, "m m"]:
    """Euclidean distances over the features that both have, scaled up to all f; NaN where two share none."""
    known = ~np.isnan(features)
    filled, mask = np.where(known, features, 0.0), known.astype(float)
    squares = (filled**2) @ mask.T
    total, shared = np.maximum(squares + squares.T - 2 * filled @ filled.T, 0.0), mask @ mask.T
    with np.errstate(invalid="ignore"):
        distances = np.sqrt(total / np.where(shared, shared, np.nan) * features.shape[1])
    np.fill_diagonal(distances, 0.0)
    return distances


def _codes(features: Float[np.ndarray, "m f"]) -> Int[np.ndarray, "m f"]:
    """Number the distinct values of each column from 0; missing is -1."""
    order = np.argsort(features, axis=0, kind="stable")
    ranked = np.take_along_axis(features, order, axis=0)
    steps = np.vstack([np.zeros((1, features.shape[1]), dtype=int), np.cumsum(np.diff(ranked, axis=0) > 0, axis=0)])
    codes = np.empty(features.shape, dtype=int)
    np.put_along_axis(codes, order, steps, axis=0)
    return np.where(np.isnan(features), -1, codes)


def _counts(codes: Int[np.ndarray, "k f"], n_codes: int) -> Int[np.ndarray, "f codes"]:
    """Count each value in each feature."""
    n_features = codes.shape[1]
    at = np.where(codes < 0, n_features * n_codes, codes + np.arange(n_features) * n_codes)
    return np.bincount(at.ravel(), minlength=n_features * n_codes + 1)[:-1].reshape(n_features, n_codes)


def _entropy(counts: Int[np.ndarray, "f codes"]) -> float:
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = counts / total
    return float(np.abs(-(shares * np.log(np.where(counts > 0, shares, 1.0))).sum(axis=1)).mean())


def _pairs(counts: np.ndarray) -> np.ndarray:
    return counts * (counts - 1) // 2


def _mean_ratio(part: Int[np.ndarray, " f"], whole: Int[np.ndarray, " f"]) -> float:
    """Average part over whole, over the features that have a whole; NaN if none has."""
    there = whole > 0
    return float((part[there] / whole[there]).mean()) if there.any() else float("nan")


def _as_numbers(array: Array) -> Float[np.ndarray, "m columns"]:
    values = np.array(to_host(array), dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            f"features_or_distances must have a row per language and at least one column, got shape {values.shape}"
        )
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values).any(axis=1))[0])
        raise ValueError(f"features_or_distances must be finite, or NaN where missing, got infinity in row {row}")
    return values


def _is_distances(values: Float[np.ndarray, "m columns"], kind: str) -> bool:
    if kind not in ("auto", "features", "distances"):
        raise ValueError(f"kind must be auto, features or distances, got {kind!r}")
    square = values.shape[0] == values.shape[1] and not np.isnan(values).any()
    looks = square and not np.diag(values).any() and np.allclose(values, values.T, rtol=1e-9, atol=1e-12)
    if kind == "distances" and not looks:
        raise ValueError(
            "distances must be a square, symmetric matrix with a zero diagonal and nothing missing, got "
            f"shape {values.shape}; pass kind='features' if a row holds a language's features"
        )
    distances = kind != "features" and looks
    if distances and (values < 0).any():
        raise ValueError(f"distances must not be negative, got {values.min():.3g}")
    return bool(distances)


def _checked_indices(chosen: Sequence[SupportsIndex] | Array, m: int) -> Int[np.ndarray, " k"]:
    rows = np.asarray(to_host(chosen))
    if rows.ndim != 1 or not rows.size or rows.dtype.kind not in "iu":
        raise ValueError(f"chosen must list the indices of at least one language, got {chosen!r}")
    if rows.min() < 0 or rows.max() >= m:
        raise ValueError(f"chosen must be indices from 0 to {m - 1}, got {int(rows.min())} to {int(rows.max())}")
    if len(np.unique(rows)) != len(rows):
        repeated = int(next(row for row in rows if (rows == row).sum() > 1))
        raise ValueError(f"chosen must name each language once, got index {repeated} again")
    return rows.astype(int)
