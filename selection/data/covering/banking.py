"""Gains of a facility location kept up to date, compiled: only who is better covered than before is looked at.

Imported where it is used, because numba takes seconds to load.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from selection.data.compiling import compiled

PARTS = 4
"""How many times its equal part of the bank a covered row may take."""


class Bank(NamedTuple):
    """For covered rows that have few similar candidates left: those candidates, in one long list.

    Attributes:
        starts: Where a covered row's candidates begin; -1 where it has none in the bank.
        sizes: How many it has.
        candidates: Their numbers.
        similarities: To the covered row.
        used: How much of the list is in use, in its only entry.
        most: A covered row is banked once it has no more candidates than so, if there is room.
    """

    starts: Int[np.ndarray, " m"]
    sizes: Int[np.ndarray, " m"]
    candidates: Int[np.ndarray, " pairs"]
    similarities: Float[np.ndarray, " pairs"]
    used: Int[np.ndarray, " 1"]
    most: int


def empty_bank(n_covered: int, n_candidates: int, capacity: int, dtype: Any) -> Bank:
    """Return a bank with room for `capacity` pairs.

    A covered row may have several times its part: most have less, and lists grow shorter.
    """
    most = min(n_candidates, PARTS * capacity // n_covered)
    room = min(capacity, n_covered * most)
    numbers, values = np.empty(room, dtype=np.int32), np.empty(room, dtype=dtype)
    starts, sizes = np.full(n_covered, -1, dtype=np.int64), np.zeros(n_covered, dtype=np.int64)
    return Bank(starts, sizes, numbers, values, np.zeros(1, dtype=np.int64), most)


@compiled
def close_gaps(bank: Bank, order: Int[np.ndarray, " m"]) -> None:
    """Move lists together, in the order in which they stand."""
    used = 0
    for i in range(order.size):
        row = order[i]
        start = bank.starts[row]
        for at in range(bank.sizes[row]):
            bank.candidates[used + at] = bank.candidates[start + at]
            bank.similarities[used + at] = bank.similarities[start + at]
        bank.starts[row] = used
        used += bank.sizes[row]
    bank.used[0] = used


@compiled
def raise_banked(
    bank: Bank,
    covered: Int[np.ndarray, " b"],
    before: Float[np.ndarray, " b"],
    after: Float[np.ndarray, " b"],
    gains: Float[np.ndarray, " n"],
) -> None:
    """Take from the gains what is lost as banked rows are covered better; candidates that lose all leave the bank.

    Args:
        bank: Of candidates that could cover better.
        covered: Rows of the bank that are covered better.
        before: How well each was covered.
        after: How well each is.
        gains: Of every candidate, from banked rows; changed in place.
    """
    for i in range(covered.size):
        row = covered[i]
        start, kept = bank.starts[row], 0
        for at in range(start, start + bank.sizes[row]):
            similarity, candidate = bank.similarities[at], bank.candidates[at]
            if similarity > after[i]:
                gains[candidate] -= after[i] - before[i]
                bank.similarities[start + kept], bank.candidates[start + kept] = similarity, candidate
                kept += 1
            else:
                gains[candidate] -= similarity - before[i]
        bank.sizes[row] = kept


@compiled
def raise_rows(  # noqa: PLR0913 (compiled; as `raise_banked`, with what the bank knows)
    bank: Bank,
    covered: Int[np.ndarray, " b"],
    similarities: Float[np.ndarray, "b n"],
    before: Float[np.ndarray, " b"],
    after: Float[np.ndarray, " b"],
    gains: Float[np.ndarray, " n"],
    banked_gains: Float[np.ndarray, " n"],
) -> None:
    """The same for rows outside the bank, with their similarities to all candidates; who has few left is banked.

    Args:
        bank: As above.
        covered: Rows outside the bank that are covered better.
        similarities: Of each of them to every candidate.
        before: How well each was covered.
        after: How well each is.
        gains: Of every candidate, from rows outside the bank; changed in place.
        banked_gains: From rows in the bank; likewise.
    """
    for i in range(covered.size):
        row = similarities[i]
        count = 0
        for candidate in range(row.size):
            count += row[candidate] > after[i]
        if count <= min(bank.most, bank.candidates.size - bank.used[0]):
            deposit(bank, covered[i], row, after[i], banked_gains)
            for candidate in range(row.size):
                gains[candidate] -= max(row[candidate] - before[i], 0.0)
        else:
            for candidate in range(row.size):
                gains[candidate] -= max(min(row[candidate], after[i]) - before[i], 0.0)


@compiled
def deposit(
    bank: Bank, covered: int, row: Float[np.ndarray, " n"], after: float, banked_gains: Float[np.ndarray, " n"]
) -> None:
    """Write a row's similar candidates into the bank."""
    start = bank.used[0]
    at = start
    for candidate in range(row.size):
        if row[candidate] > after:
            bank.candidates[at], bank.similarities[at] = candidate, row[candidate]
            banked_gains[candidate] += row[candidate] - after
            at += 1
    bank.starts[covered], bank.sizes[covered], bank.used[0] = start, at - start, at
