"""What one language contributes to retrieval: unit rows, and each sentence's nearest rival in its own language."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import (
    CHUNK_ELEMENTS,
    Array,
    checked,
    is_float64,
    namespace,
    row_chunks,
    to_device_of,
    to_host,
    working_dtype,
)
from probes.neighbours import Neighbours, NeighbourSearch, tolerance_of

UNIT_ELEMENTS = 1 << 20
"""How many values are divided by their lengths at once, in float64."""

Labels = Sequence | np.ndarray
"""One label per row; rows of one label are right answers to each other."""


@dataclass(frozen=True, eq=False)
class RetrievalSide:
    """Unit rows of one language.

    Attributes:
        rows: The vectors as they came, in float32 or shorter; unit rows where products are taken in float64 anyway.
        lengths: Their lengths, in float64; 1 for unit rows.
        unit: The rows divided by their lengths in float64, in the working type.
        labels: A whole number per row; equal for rows that are right answers to each other.
        name: What errors call the vectors.
    """

    rows: Float[Array, "n d"]
    lengths: Float[Array, " n"]
    unit: Float[Array, "n d"]
    labels: Int[np.ndarray, " n"]
    name: str

    @property
    def n(self) -> int:
        """How many rows."""
        return self.unit.shape[0]

    @property
    def tolerance(self) -> float:
        """How far apart similarities of this type must lie to be told apart."""
        return tolerance_of(self.unit)

    @cached_property
    def same(self) -> tuple[Int[np.ndarray, " e"], Int[np.ndarray, " e"]]:
        """All pairs of rows with one label, sorted: (i, i) alone without groups."""
        by_label = np.argsort(self.labels, kind="stable")
        sizes = np.bincount(self.labels)
        size_of_row, start_of_row = sizes[self.labels], (np.cumsum(sizes) - sizes)[self.labels]
        first = np.repeat(np.arange(self.n), size_of_row)
        within = np.arange(first.size) - np.repeat(np.cumsum(size_of_row) - size_of_row, size_of_row)
        return first, by_label[np.repeat(start_of_row, size_of_row) + within]

    @cached_property
    def members(self) -> Int[np.ndarray, "labels g"]:
        """The rows of each label, filled up with -1: one column without groups."""
        return members_of(self.labels)

    @cached_property
    def rivals(self) -> Neighbours:
        """The nearest rows of the same language with another label: what strong alignment adds to the candidates."""
        search = NeighbourSearch(self.n, 1, tolerance=self.tolerance)
        first, second = self.same
        slices = row_chunks(self.n, min(self.n, isqrt(CHUNK_ELEMENTS)))
        for i, rows in enumerate(slices):
            for columns in slices[i:]:
                block = self.unit[rows, :] @ self.unit[columns, :].T
                masked = _inside(first, rows) & _inside(second, columns)
                block[
                    _index(first[masked] - rows.start, block), _index(second[masked] - columns.start, block)
                ] = -np.inf
                search.add(block, rows.start, columns.start)
                if rows != columns:
                    search.add(block, columns.start, rows.start, by_column=True)
        return search.finish(lambda q, c: exact_similarities(self, self, q, c))


def _inside(values: Int[np.ndarray, " e"], part: slice) -> Bool[np.ndarray, " e"]:
    return (values >= part.start) & (values < part.stop)


def _index(values: np.ndarray, like: Array) -> Array:
    return to_device_of(values, like)


def retrieval_side(
    x: Float[Array, "n d"], *, groups: Labels | None = None, name: str = "x", minimum: int = 4
) -> RetrievalSide:
    """Return the unit rows of `x`.

    Raises:
        ValueError: If `x` has fewer than `minimum` rows, a value that is not finite or a row of zeros, or `groups`
            another length.
    """
    x = checked(x, name=name, minimum=minimum)
    xp = namespace(x)
    lengths = xp.empty(x.shape[0], dtype=xp.float64, device=x.device)
    unit = xp.empty(x.shape, dtype=working_dtype(x), device=x.device)
    for rows in row_chunks(*x.shape, elements=UNIT_ELEMENTS):
        wide = xp.astype(x[rows, :], xp.float64)
        lengths[rows] = _lengths(wide, rows.start, name)
        unit[rows, :] = xp.astype(wide / lengths[rows][:, None], unit.dtype)
    if is_float64(unit):
        x, lengths = unit, xp.ones_like(lengths)
    return RetrievalSide(x, lengths, unit, label_rows(groups, x.shape[0]), name)


def _lengths(wide: Float[Array, "r d"], first_row: int, name: str) -> Float[Array, " r"]:
    """Return the lengths of rows, divided by their largest value on the way so that no square overflows."""
    xp = namespace(wide)
    largest = xp.max(xp.abs(wide), axis=1)
    if bool(xp.any(largest == 0)):
        row = first_row + int(np.flatnonzero(to_host(largest) == 0)[0])
        raise ValueError(f"{name} must have a direction in every row, got zeros in row {row}; leave that sentence out")
    return largest * xp.sqrt(xp.sum((wide / largest[:, None]) ** 2, axis=1))


def label_rows(groups: Labels | None, n: int) -> Int[np.ndarray, " n"]:
    """Return a whole number per row, equal where the labels are.

    Raises:
        ValueError: If there is not one label per row.
    """
    if groups is None:
        return np.arange(n)
    labels = to_host(groups)
    if labels.shape != (n,):
        raise ValueError(f"groups must have one label for each of the {n} rows, got shape {labels.shape}")
    return np.unique(labels, return_inverse=True)[1]


def exact_similarities(
    a: RetrievalSide, b: RetrievalSide, rows: Int[np.ndarray, " e"], columns: Int[np.ndarray, " e"]
) -> Float[np.ndarray, " e"]:
    """Return the cosines of chosen pairs (row of a, row of b) in float64."""
    xp = namespace(a.unit, b.unit)
    found = np.empty(rows.size)
    for part in row_chunks(rows.size, a.unit.shape[1]):
        i, j = _index(rows[part], a.rows), _index(columns[part], b.rows)
        products = xp.astype(a.rows[i, :], xp.float64)
        products *= xp.astype(b.rows[j, :], xp.float64)
        found[part] = to_host(xp.sum(products, axis=1) / a.lengths[i] / b.lengths[j])
    return found


def members_of(labels: Int[np.ndarray, " n"]) -> Int[np.ndarray, "labels g"]:
    """Return the rows of each label, filled up with -1."""
    by_label, sizes = np.argsort(labels, kind="stable"), np.bincount(labels)
    place = np.arange(labels.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = np.full((sizes.size, sizes.max()), -1)
    rows[labels[by_label], place] = by_label
    return rows
