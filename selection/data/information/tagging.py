"""Tags as a sparse table of rows and labels, from names or from clusters, checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from probes.arrays import require_whole, to_host

UNKNOWN = ("error", "drop")


@dataclass(frozen=True, eq=False)
class TagTable:
    """Which labels each row carries.

    Attributes:
        matrix: CSR (n, k) of 0 and 1.
        labels: The name of each column.
        n_dropped: Tags that were left out because no label has their name.
    """

    matrix: Any
    labels: tuple[str, ...]
    n_dropped: int


def tags_from_names(
    tags: Sequence[Iterable[str]], *, labels: Sequence[str] | None = None, unknown: str = "error"
) -> TagTable:
    """Turn lists of tags into a table; a tag that comes twice in a row counts once.

    Args:
        tags: The tags of each row.
        labels: The names that count, in the order of the columns; None for every tag that occurs, sorted.
        unknown: What a tag outside `labels` does: error | drop.

    Returns:
        The table.

    Raises:
        ValueError: If a tag is unknown, a label comes twice, or a row is one text instead of a list.
    """
    from scipy import sparse

    if unknown not in UNKNOWN:
        raise ValueError(f"unknown must be one of {', '.join(UNKNOWN)}, got {unknown!r}")
    names = _names(tags) if labels is None else tuple(labels)
    place = {name: column for column, name in enumerate(names)}
    if len(place) < len(names):
        raise ValueError(f"labels must all differ, got {len(names) - len(place)} that come again; name each once")
    indptr, columns, n_dropped = [0], [], 0
    for row, of_row in enumerate(tags):
        distinct = dict.fromkeys(of_row)
        known = [place[tag] for tag in distinct if tag in place]
        if unknown == "error" and len(known) < len(distinct):
            first = next(tag for tag in distinct if tag not in place)
            raise ValueError(
                f'tags must be among the {len(names)} labels, got {first!r} in row {row}; add it or pass unknown="drop"'
            )
        n_dropped += len(distinct) - len(known)
        columns += sorted(known)
        indptr.append(len(columns))
    entries = (np.ones(len(columns), dtype=np.int8), np.array(columns, dtype=np.int32), np.array(indptr))
    return TagTable(sparse.csr_array(entries, shape=(len(indptr) - 1, len(names))), names, n_dropped)


def tags_from_clusters(clusters: Int[Any, ...], *, k: int | None = None) -> Any:
    """Let clusters of embeddings serve as tags where rows have none.

    Args:
        clusters: The cluster of each row (n), or its several nearest (n, m), from 0.
        k: How many clusters there are; None for the largest that occurs.

    Returns:
        CSR (n, k) of 0 and 1; cluster c is column c.

    Raises:
        ValueError: If a cluster is below 0 or not below k, or comes twice in a row.
    """
    from scipy import sparse

    numbers = to_host(clusters)
    if numbers.ndim not in (1, 2) or not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(
            f"clusters must be whole numbers with one axis, or two where rows have several, got {numbers.dtype} of "
            f"shape {numbers.shape}"
        )
    numbers = numbers.reshape(len(numbers), -1)
    n, m = numbers.shape
    if k is None:
        k = int(numbers.max(initial=-1)) + 1
    require_whole("k", k, minimum=1)
    pointers = np.arange(n + 1) * m
    return read_tags(sparse.csr_array((np.ones(n * m, dtype=np.int8), numbers.ravel(), pointers), shape=(n, k)))


def read_tags(tags: Any) -> Any:
    """Return tags as CSR with sorted columns and no stored zero; the caller's matrix stays as it is.

    Raises:
        TypeError: If tags are no sparse matrix.
        ValueError: If a column is out of range or a value neither 0 nor 1.
    """
    from scipy import sparse

    if not sparse.issparse(tags):
        raise TypeError(
            f"tags must be a scipy CSR matrix, got {type(tags).__name__}; wrap it in scipy.sparse.csr_array"
        )
    matrix = sparse.csr_array(tags)
    _require_columns(matrix)
    if not (matrix.data == 1).all():
        matrix = _without_zeros(matrix)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
        _require_ones(matrix)
    return matrix


def _names(tags: Sequence[Iterable[str]]) -> tuple[str, ...]:
    for row, of_row in enumerate(tags):
        if isinstance(of_row, str):
            raise ValueError(
                f"tags must hold a list for each row, got the text {of_row!r} in row {row}; write [{of_row!r}]"
            )
    return tuple(sorted({tag for of_row in tags for tag in of_row}))


def _require_columns(matrix: Any) -> None:
    n, k = matrix.shape
    outside = np.flatnonzero((matrix.indices < 0) | (matrix.indices >= k))
    if outside.size:
        row = int(np.searchsorted(matrix.indptr, outside[0], side="right")) - 1
        raise ValueError(
            f"tags must be columns 0 to {k - 1}, got {matrix.indices[outside[0]]} in row {row} of {n}; add the label "
            "or drop the tag"
        )


def _without_zeros(matrix: Any) -> Any:
    """A copy without its stored zeros, which must all be what is not 1."""
    kept = matrix.copy()
    kept.eliminate_zeros()
    _require_ones(kept)
    return kept


def _require_ones(matrix: Any) -> None:
    other = np.flatnonzero(matrix.data != 1)
    if other.size:
        row = int(np.searchsorted(matrix.indptr, other[0], side="right")) - 1
        raise ValueError(
            f"tags must be 0 or 1, got {matrix.data[other[0]]} in row {row}, label {matrix.indices[other[0]]}; a tag "
            "counts once, and quality goes into `quality`"
        )
