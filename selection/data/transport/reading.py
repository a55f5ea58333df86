"""Arguments of the transport selectors, checked; messages say which row."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, checked, row_chunks, to_host
from selection.data.grouping import code_groups

Groups = Sequence[Hashable] | np.ndarray
Reliability = Mapping[Any, int | float] | Sequence[float] | np.ndarray


def read_rows(rows: Array, name: str, *, width: int | None = None) -> Float[np.ndarray, "n d"]:
    """Return finite vectors in float32, or float64 where they come so.

    A memory map of either stays one; what comes in another type, float16 too, is copied whole.

    Raises:
        ValueError: If they are no matrix, have another width, or a value is missing or a row is all zeros.
    """
    values = to_host(rows)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"{name} must have a row per example and at least one column, got shape {values.shape}")
    if width is not None and values.shape[1] != width:
        raise ValueError(f"{name} must have {width} columns as the other side has, got {values.shape[1]}")
    for block in row_chunks(*values.shape):
        checked(values[block], name=f"{name}[{block.start}:]" if block.start else name, minimum=1)
        empty = np.flatnonzero(~values[block].any(axis=1))
        if empty.size:
            raise ValueError(
                f"{name} must not hold zero vectors, which point nowhere, got one in row {block.start + empty[0]}; "
                "leave these rows out"
            )
    if values.dtype == np.float16 or values.dtype.kind != "f":
        return values.astype(np.float32 if values.dtype.kind == "f" else np.float64)
    return values


def read_masses(weights: Any, n: int, name: str) -> Float[np.ndarray, " n"]:
    """Return positive weights scaled to sum to 1; equal ones where None is given.

    Raises:
        ValueError: If there is not one per row, or one is not above 0 and finite.
    """
    if weights is None:
        return np.full(n, 1 / n)
    values = np.asarray(to_host(weights), dtype=np.float64)
    if values.shape != (n,):
        raise ValueError(f"{name} must hold a weight for each of the {n} rows, got shape {values.shape}")
    bad = ~np.isfinite(values) | (values <= 0)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(f"{name} must be above 0 and finite, got {values[row]} in row {row}; leave such rows out")
    return values / values.sum()


def read_reliability(reliability: Reliability | None, groups: Groups | None, n: int) -> Float[np.ndarray, " n"] | None:
    """Return the reliability of each row, in (0, 1]; None where none is given.

    Raises:
        ValueError: If it is by group without groups, lacks one, or a value is outside (0, 1].
    """
    if reliability is None:
        return None
    if isinstance(reliability, Mapping):
        return _by_group(reliability, groups, n)
    values = np.asarray(to_host(reliability), dtype=np.float64)
    if values.shape != (n,):
        raise ValueError(f"reliability must map groups or hold a number for each of {n} rows, got {values.shape}")
    bad = ~((values > 0) & (values <= 1))
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(f"reliability must be above 0 and at most 1, got {values[row]} in row {row}")
    return values


def _by_group(reliability: Mapping[Any, int | float], groups: Groups | None, n: int) -> Float[np.ndarray, " n"]:
    if groups is None:
        raise ValueError("reliability by group needs groups, a label for each row; got none")
    codes, names = code_groups(groups, n=n)
    for name in names:
        if name not in reliability:
            raise ValueError(f"reliability must hold every group of the pool, got none for {name!r}; give it one")
        if not 0 < reliability[name] <= 1:
            raise ValueError(f"reliability must be above 0 and at most 1, got {reliability[name]} for {name!r}")
    return np.array([reliability[name] for name in names], dtype=np.float64)[codes]


def read_quality(quality: Any, weight: int | float, n: int) -> Float[np.ndarray, " n"] | None:
    """Return what quality makes of the cost of each row: it is divided by `1 - weight + weight * quality`.

    Raises:
        ValueError: If there is no number in [0, 1] for each row, or the weight is outside [0, 1).
    """
    if not 0 <= weight < 1:
        raise ValueError(f"quality_weight must be at least 0 and below 1, got {weight}")
    if quality is None:
        return None
    values = np.asarray(to_host(quality), dtype=np.float64)
    if values.shape != (n,):
        raise ValueError(f"quality must hold a number for each of {n} rows, got shape {values.shape}")
    bad = ~((values >= 0) & (values <= 1))
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(f"quality must be in [0, 1], got {values[row]} in row {row}; `robust_scale` brings it there")
    return 1 - weight + weight * values


def read_own(target_rows: Any, m: int, n: int) -> Int[np.ndarray, " n"]:
    """Return which target each row of the pool is, -1 where it is none.

    Raises:
        ValueError: If there is no row of the pool for each target, or two targets are one row.
    """
    rows = np.asarray(target_rows)
    if rows.shape != (m,) or rows.dtype.kind not in "iu" or (m and not 0 <= rows.min() <= rows.max() < n):
        raise ValueError(f"target_rows must be a row of the pool, 0 to {n - 1}, for each of {m} targets, got others")
    if len(np.unique(rows)) < m:
        raise ValueError("target_rows must be different rows of the pool, got one twice")
    own = np.full(n, -1)
    own[rows] = np.arange(m)
    return own


def require_at_least(name: str, value: int | float, least: float = 0.0, *, strict: bool = False) -> None:
    """Refuse a number below a limit, or at it where strict.

    Raises:
        ValueError: If it is, or is NaN.
    """
    if not (value > least if strict else value >= least):
        raise ValueError(f"{name} must be {'above' if strict else 'at least'} {least:g}, got {value}")
