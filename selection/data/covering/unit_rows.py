"""Embeddings as vectors of length 1, so that products are cosines; a block at a time where they may be on disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import checked, row_chunks, to_host


def unit_rows(
    embeddings: Float[Any, "n d"], *, name: str, rows: Int[np.ndarray, " n"] | None = None
) -> Float[np.ndarray, "n d"]:
    """Divide each row by its length; float64 stays so, everything else becomes float32.

    Args:
        embeddings: A vector for each row.
        name: Of the argument, for errors.
        rows: The number that each row has in the pool, for errors; None if these are all.

    Raises:
        ValueError: If a vector is zero or not finite.
    """
    if rows is not None and not np.isfinite(embeddings).all():
        first = int(rows[np.flatnonzero(~np.isfinite(embeddings).all(axis=1))[0]])
        raise ValueError(f"{name} must be finite, got NaN or infinity in row {first}; leave such rows out")
    x = checked(to_host(embeddings), name=name, minimum=1)
    x = x if x.dtype == np.float64 else x.astype(np.float32, copy=False)
    norms = np.linalg.norm(x, axis=1)
    zero = np.flatnonzero(norms == 0)
    if zero.size:
        row = int(zero[0]) if rows is None else int(rows[zero[0]])
        raise ValueError(
            f"{name} must not be zero, got a zero vector in row {row}; a direction is needed to compare it"
        )
    return x / norms[:, None]


def unit_blocks(embeddings: Float[Any, "n d"], *, name: str) -> Iterator[tuple[slice, Float[np.ndarray, "b d"]]]:
    """Yield consecutive blocks of rows of length 1, with their place."""
    for part in row_chunks(len(embeddings), embeddings.shape[1]):
        yield part, unit_rows(to_host(embeddings[part]), name=name, rows=np.arange(part.start, part.stop))


def unit_rows_at(embeddings: Float[Any, "n d"], rows: Int[np.ndarray, " b"], *, name: str) -> Float[np.ndarray, "b d"]:
    """Return some rows of the pool, of length 1, in the order given."""
    return unit_rows(to_host(embeddings[rows]), name=name, rows=rows)


def require_embeddings(embeddings: Float[Any, "n d"], *, name: str) -> None:
    """Refuse an array that holds no vectors.

    Raises:
        ValueError: If it has not two axes, or is empty.
    """
    if embeddings.ndim != 2 or 0 in tuple(embeddings.shape):
        raise ValueError(f"{name} must have two axes, rows and dimensions, got shape {tuple(embeddings.shape)}")
