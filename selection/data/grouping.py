"""Labels of rows as whole numbers, so that millions of rows are grouped without a loop over them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int


def code_groups(groups: Sequence[Hashable] | np.ndarray, *, n: int | None = None) -> tuple[Int[np.ndarray, " n"], list]:
    """Number the groups in the order in which they first appear.

    Args:
        groups: A label for each row: strings, whole numbers, tuples.
        n: How many rows there must be; None for any number.

    Returns:
        The number of each row's group, and the labels by number.

    Raises:
        ValueError: If there are not `n` labels, or one is missing (None or NaN).
    """
    import pandas as pd

    labels = _one_axis(groups)
    if n is not None and len(labels) != n:
        raise ValueError(f"groups must have a label for each of the {n} rows, got {len(labels)}")
    codes, names = pd.factorize(labels)
    if len(codes) and codes.min() < 0:
        rows = np.flatnonzero(codes < 0)
        raise ValueError(
            f"groups must have a label for each row, got none in {rows.size} of {len(codes)}, first in row {rows[0]}; "
            "name their group or leave these rows out"
        )
    return codes.astype(np.int64, copy=False), list(names.tolist())


def count_groups(groups: Sequence[Hashable] | np.ndarray) -> dict[Any, int]:
    """Count the rows of each group, the first to appear first.

    Raises:
        ValueError: If a label is missing.
    """
    codes, names = code_groups(groups)
    counts = np.bincount(codes, minlength=len(names))
    return dict(zip(names, counts.tolist(), strict=True))


def rank_within_groups(codes: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Say how many rows of the same group stand before each row.

    Args:
        codes: The number of each row's group, at least 0.

    Returns:
        0 for the first row of its group, 1 for the second, and so on.
    """
    few = codes.max(initial=0) < 1 << 16
    order = np.argsort(codes.astype(np.uint16) if few else codes, kind="stable")  # numpy sorts 16 bits by radix
    sizes = np.bincount(codes)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    ranks = np.empty(len(codes), dtype=np.int64)
    ranks[order] = np.arange(len(codes)) - starts
    return ranks


def _one_axis(groups: Sequence[Hashable] | np.ndarray) -> np.ndarray:
    """Labels as an array; of objects where numpy would make a table of tuples or turn numbers into text."""
    if isinstance(groups, np.ndarray) and groups.ndim == 1:
        return groups
    if isinstance(groups, np.ndarray):
        raise ValueError(f"groups must have one axis, a label for each row, got shape {groups.shape}")
    labels = np.empty(len(groups), dtype=object)
    labels[:] = list(groups)
    return labels
