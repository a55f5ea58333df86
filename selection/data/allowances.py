"""How many rows may still be chosen of each group, while a greedy choice goes on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from selection.data.grouping import code_groups
from selection.data.quotas import require_budget, resolve_quotas


@dataclass(frozen=True, eq=False)
class Allowances:
    """What a choice may take.

    Attributes:
        codes: The number of each row's group; empty where all rows are one group.
        counts: Rows that each group gives; they sum to the budget.
    """

    codes: Int[np.ndarray, " _"]
    counts: Int[np.ndarray, " g"]

    def code_of(self, row: int) -> int:
        """Return the number of a row's group."""
        return int(self.codes[row]) if self.codes.size else 0

    def open_rows(self, n: int) -> Bool[np.ndarray, " n"]:
        """Return which of n rows may be taken at the start: those of groups that give any."""
        return self.counts[self.codes] > 0 if self.codes.size else np.ones(n, dtype=bool)

    def take(self, row: int, left: Int[np.ndarray, " g"], open_rows: Bool[np.ndarray, " n"]) -> None:
        """Count a row off `left`, and close it, and its group with it where that gives no more."""
        open_rows[row] = False
        code = self.code_of(row)
        left[code] -= 1
        if not left[code] and self.codes.size:
            open_rows[self.codes == code] = False


def read_allowances(
    n: int,
    budget: int,
    *,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    quotas: Mapping[Any, float | int] | str | None = None,
) -> Allowances:
    """Check a budget, and turn quotas into how many rows each group gives.

    Args:
        n: Rows of the pool.
        budget: How many are chosen, 1 to n.
        groups: The group of each row; needed with quotas.
        quotas: Group to share of the budget or to count, "proportional" or "equal"; None lets every row compete.

    Returns:
        The counts by group.

    Raises:
        TypeError: If the budget is no whole number.
        ValueError: If it is out of range, quotas come without groups or groups without quotas, or quotas cannot be met.
    """
    require_budget(budget, n)
    if (groups is None) != (quotas is None):
        given, lacking = ("groups", "quotas") if quotas is None else ("quotas", "groups")
        raise ValueError(f"{given} must come with {lacking}, got {given} alone; give both or neither")
    if groups is None or quotas is None:
        return Allowances(np.empty(0, dtype=np.int32), np.array([budget], dtype=np.int64))
    codes, names = code_groups(groups, n=n)
    wanted = resolve_quotas(groups, budget, quotas)
    counts = np.array([wanted.get(name, 0) for name in names], dtype=np.int64)
    return Allowances(codes.astype(np.int32), counts)
