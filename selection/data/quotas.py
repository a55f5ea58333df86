"""How many rows of each group: shares or counts become exact counts, and an order of rows is walked within them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import fsum
from typing import Any

import numpy as np
from jaxtyping import Int

from probes.arrays import require_whole
from selection.data.grouping import code_groups, count_groups, rank_within_groups

RULES = ("proportional", "equal")
TOLERANCE = 1e-6
"""How far from 1 shares may sum."""
ROUNDING = 1e-9
"""Parts of a row that differ by less are equal, whatever the order of floating-point operations."""


def require_budget(budget: int, n: int, *, rows: str = "rows of the pool") -> None:
    """Refuse a budget that there are not enough rows for.

    Args:
        budget: How many are wanted.
        n: How many there are.
        rows: What they are, for the message.

    Raises:
        TypeError: If the budget is no whole number.
        ValueError: If it is below 1 or above n.
    """
    require_whole("budget", budget, minimum=1)
    if budget > n:
        raise ValueError(f"budget must be at most the {n} {rows}, got {budget}; lower it or widen the pool")


def resolve_quotas(
    groups: Sequence[Hashable] | np.ndarray,
    budget: int,
    quotas: Mapping[Any, int | float] | str,
    *,
    available: Mapping[Any, int] | None = None,
) -> dict[Any, int]:
    """Turn quotas into counts that sum to the budget.

    Shares are rounded by largest remainder: every group gets the whole part of `share * budget`, and the rows left go
    to those with the largest fraction, ties to the name that sorts first.

    Args:
        groups: The group of each row of the pool.
        budget: How many rows are chosen in all.
        quotas: Group to share of the budget (float, in [0, 1]) or to count (int), either for all groups; a group that
            is not named gets none. Or "proportional" to what is available, or "equal".
        available: Rows that may be chosen, by group, where it is known or is not all of the pool; None counts `groups`.

    Returns:
        The count of each group, in the order of `quotas` (of `groups` for a rule), summing to `budget`.

    Raises:
        TypeError: If the budget is no whole number.
        ValueError: If shares do not sum to 1, counts do not sum to the budget, shares and counts are mixed, a group is
            not in the pool, or its quota exceeds what it has; the message names the group.
    """
    have = count_groups(groups) if available is None else {name: int(n) for name, n in available.items()}
    require_budget(budget, sum(have.values()), rows="rows available")
    shares = _read_rule(quotas, have) if isinstance(quotas, str) else _read_mapping(quotas, budget, have)
    counts = divide_budget(shares, budget)
    for name, wanted in counts.items():
        if wanted > have[name]:
            raise ValueError(
                f"quotas must not exceed what a group has: {name!r} is to give {wanted} rows and has {have[name]}; "
                "lower its quota or the budget"
            )
    return counts


def divide_budget(shares: Mapping[Any, int | float], budget: int) -> dict[Any, int]:
    """Divide a budget by largest remainder.

    Args:
        shares: Of each group, at least 0 and not all 0; they are divided by their sum.
        budget: Rows to divide.

    Returns:
        Counts that sum to `budget`, each within 1 of its exact part.
    """
    total = fsum(shares.values())  # the same in any order
    exact = {name: share / total * budget for name, share in shares.items()}
    counts = {name: int(part + ROUNDING) for name, part in exact.items()}
    rest = {name: round(exact[name] - counts[name], 9) for name in shares}
    by_rest = sorted(shares, key=lambda name: (-rest[name], str(name)))
    for name in by_rest[: budget - sum(counts.values())]:
        counts[name] += 1
    return counts


def fill_shares(
    shares: Mapping[Any, int | float],
    capacity: Mapping[Any, int],
    budget: int,
    *,
    given: Mapping[Any, int] | None = None,
) -> dict[Any, int]:
    """Divide a budget by shares as far as there is room; what one cannot take goes to the others by their shares.

    Args:
        shares: Of each name, at least 0; one of 0 gets nothing.
        capacity: The most that each may have.
        budget: To be had in all.
        given: What each has already; None for nothing.

    Returns:
        What each has then, in the order of `given` or of `shares`: the budget in all, or less where all that have a
        share are full.
    """
    found = dict.fromkeys(shares, 0) if given is None else dict(given)
    while (left := budget - sum(found.values())) > 0:
        room = {name: share for name, share in shares.items() if share > 0 and found[name] < capacity[name]}
        if not room:
            break
        for name, more in divide_budget(room, left).items():
            found[name] = min(found[name] + more, capacity[name])
    return found


def choose_within_quotas(
    order: Int[np.ndarray, " m"], groups: Sequence[Hashable] | np.ndarray, counts: Mapping[Any, int]
) -> Int[np.ndarray, " b"]:
    """Walk an order of rows, best first, and take each row while its group's count lasts.

    Args:
        order: Rows of the pool, best first, each once; it need not hold them all.
        groups: The group of each row of the pool.
        counts: How many of each group; a group that is not named gives none.

    Returns:
        The rows taken, in the order they were met.

    Raises:
        ValueError: If the order ends before a count is reached.
    """
    codes, names = code_groups(groups)
    limits = np.array([counts.get(name, 0) for name in names], dtype=np.int64)
    walked = codes[order]
    met = dict(zip(names, np.bincount(walked, minlength=len(names)).tolist(), strict=True))
    for name, wanted in counts.items():
        if wanted > met.get(name, 0):
            raise ValueError(
                f"order must hold the rows that counts ask for: {name!r} is to give {wanted} rows and has "
                f"{met.get(name, 0)}; lower its count or give a longer order"
            )
    return order[rank_within_groups(walked) < limits[walked]]


def _read_rule(rule: str, have: Mapping[Any, int]) -> dict[Any, int | float]:
    if rule not in RULES:
        raise ValueError(f"quotas must be a mapping of groups or one of {', '.join(RULES)}, got {rule!r}")
    return {name: float(n if rule == "proportional" else n > 0) for name, n in have.items()}


def _read_mapping(quotas: Mapping[Any, int | float], budget: int, have: Mapping[Any, int]) -> dict[Any, int | float]:
    if not isinstance(quotas, Mapping):
        raise ValueError(f"quotas must map groups to shares or counts, got {quotas!r}; leave them out for none")
    unknown = [name for name in quotas if name not in have]
    if unknown:
        known = ", ".join(sorted(map(str, have))[:10])
        raise ValueError(f"quotas must name groups of the pool, got {unknown[0]!r}; the pool has {known}")
    are_counts = [isinstance(value, (int, np.integer)) for value in quotas.values()]
    if len(set(are_counts)) > 1:
        raise ValueError(f"quotas must be all shares (floats) or all counts (ints), got both: {dict(quotas)!r}")
    for name, value in quotas.items():
        if not (value >= 0 and (are_counts[0] or value <= 1)):
            raise ValueError(f"quotas must be shares in [0, 1] or counts of at least 0, got {value!r} for {name!r}")
    total = sum(quotas.values())
    if quotas and are_counts[0] and total == budget:
        return dict(quotas)
    if quotas and not are_counts[0] and abs(total - 1) <= TOLERANCE:
        return dict(quotas)
    wanted = f"counts that sum to the budget {budget}" if all(are_counts) else "shares that sum to 1"
    raise ValueError(f"quotas must be {wanted}, got a sum of {total:g}; change them or name the groups left out")
