"""What every selector is compared with: rows drawn at random, and the longest rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, Real

from probes.arrays import require_whole, to_host
from selection.data.allowances import Allowances, read_allowances
from selection.data.grouping import rank_within_groups


@dataclass(frozen=True, eq=False)
class RowChoice:
    """Rows that were chosen.

    Attributes:
        indices: In order of choice.
    """

    indices: Int[np.ndarray, " b"]


def random_select(
    n: int,
    budget: int,
    *,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    quotas: Mapping[Any, float | int] | str | None = None,
    seed: int = 0,
) -> RowChoice:
    """Draw rows without replacement, every set of rows that keeps the quotas equally likely.

    With one seed, a smaller budget is the beginning of a larger one where there are no quotas.

    Args:
        n: Rows of the pool.
        budget: How many to draw, 1 to n.
        groups: The group of each row, with `quotas`.
        quotas: Group to share or to count, "proportional" or "equal"; None for none.
        seed: Of the draw.

    Returns:
        The rows, in random order.

    Raises:
        TypeError: If n or the budget is no whole number.
        ValueError: If the budget is out of range or quotas cannot be met.
    """
    require_whole("n", n, minimum=1)
    allowances = read_allowances(n, budget, groups=groups, quotas=quotas)
    order = np.random.default_rng(seed).permutation(n)
    return RowChoice(_walk(order, allowances))


def longest_select(
    lengths: Real[Any, " n"],
    budget: int,
    *,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    quotas: Mapping[Any, float | int] | str | None = None,
) -> RowChoice:
    """Take the longest rows.

    Args:
        lengths: Of each row, in any unit; ties go to the smaller row.
        budget: How many to take, 1 to n.
        groups: The group of each row, with `quotas`.
        quotas: Group to share or to count, "proportional" or "equal"; None for none.

    Returns:
        The rows, longest first.

    Raises:
        ValueError: If a length is not finite, the budget is out of range or quotas cannot be met.

    References:
        Zhao et al. (2024), Long Is More for Alignment: A Simple but Tough-to-Beat Baseline for Instruction
            Fine-Tuning, arXiv:2402.04833.
    """
    values = to_host(lengths)
    allowances = read_allowances(len(values), budget, groups=groups, quotas=quotas)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(f"lengths must be finite, got {values[bad[0]]} in row {bad[0]} and {bad.size - 1} more rows")
    return RowChoice(_walk(np.argsort(-values.astype(np.float64), kind="stable"), allowances))


def _walk(order: Int[np.ndarray, " n"], allowances: Allowances) -> Int[np.ndarray, " b"]:
    """Rows in order while their group's count lasts."""
    if not allowances.codes.size:
        return order[: allowances.counts[0]]
    codes = allowances.codes[order].astype(np.int64)
    return order[rank_within_groups(codes) < allowances.counts[codes]]
