"""Random sets of languages within limits, every such set equally likely."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import comb

import numpy as np
from jaxtyping import Bool, Int

from selection.languages.limits import UNGROUPED, Limits
from selection.languages.programmes import best_set

N_TRIALS = 50
"""How many sets are tried for each that is wanted, where a second limit throws some away; then the solver is asked."""


Pool = tuple[Int[np.ndarray, "_"], int]
"""Languages that are drawn from together, and at most how many of them."""


def draw_sets(limits: Limits, n: int, seed: int) -> Int[np.ndarray, "n k"]:
    """Draw sets of k languages.

    One grouping: how many come from each group is drawn by the number of ways there are, then who, so every set is
    equally likely. Several: sets drawn by the first are thrown away where they break another. Where fewer than 1 in
    50 is left, HiGHS adds sets with the largest sums of random numbers: any set can come, but not equally often.

    Args:
        limits: What every set keeps.
        n: How many sets.
        seed: The same seed draws the same sets.

    Returns:
        Indices, the required ones first, else in random order.
    """
    rng = np.random.default_rng(seed)
    sets = islice(_drawn(limits, n, rng), n)
    required = limits.required
    ordered = [np.concatenate([np.flatnonzero(required), rng.permutation(np.flatnonzero(s & ~required))]) for s in sets]
    return np.array(ordered, dtype=np.int64).reshape(n, limits.k)


def _drawn(limits: Limits, n: int, rng: np.random.Generator) -> Iterator[Bool[np.ndarray, " m"]]:
    pools = _pools(limits)
    ways = _ways_from(pools, limits.k - int(limits.required.sum()))
    for _ in range(n * N_TRIALS):
        taken = limits.required.copy()
        taken[list(_members(pools, ways, rng))] = True
        if limits.kept_by(taken[None])[0]:
            yield taken
    while (found := best_set(rng.random(limits.m), limits)) is not None:
        yield found
    raise ValueError("limits must let some set of k languages be chosen; read them with read_limits")


def _pools(limits: Limits) -> list[Pool]:
    """Sort who is not required by the first grouping; those without a group share a pool without a limit."""
    free = limits.allowed & ~limits.required
    if not limits.groupings:
        return [(np.flatnonzero(free), limits.k)]
    grouping = limits.groupings[0]
    room = grouping.room(limits.required.astype(np.float64)).astype(int)
    pools = [(np.flatnonzero(free & (grouping.codes == code)), int(left)) for code, left in enumerate(room)]
    return [*pools, (np.flatnonzero(free & (grouping.codes == UNGROUPED)), limits.k)]


def _ways_from(pools: list[Pool], wanted: int) -> list[list[int]]:
    """Return, from each pool on, in how many ways 0, 1, ... `wanted` languages can be drawn; whole numbers, exact."""
    ways = [[1] + [0] * wanted]
    for members, most in reversed(pools):
        ways.append(
            [
                sum(comb(len(members), c) * ways[-1][total - c] for c in range(min(most, total, len(members)) + 1))
                for total in range(wanted + 1)
            ]
        )
    return ways[::-1]


def _members(pools: list[Pool], ways: list[list[int]], rng: np.random.Generator) -> Iterator[int]:
    wanted = len(ways[0]) - 1
    for (members, most), after in zip(pools, ways[1:], strict=True):
        most = min(most, wanted, len(members))
        counts = [comb(len(members), c) * after[wanted - c] for c in range(most + 1)]
        whole = sum(counts)
        n = int(rng.choice(most + 1, p=[count / whole for count in counts]))
        yield from rng.choice(members, n, replace=False).tolist()
        wanted -= n
