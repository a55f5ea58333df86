"""The best set without a close pair: a clique search over who is far from whom, bounded by colours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from selection.languages.limits import Limits

NODES_A_LOOK = 1000
"""How many nodes are opened between looks at the clock."""


@dataclass
class Budget:
    """How many nodes may be opened, and until when.

    Attributes:
        nodes: At most so many.
        until: On the monotonic clock; looked at once in a while.
        opened: How many were.
    """

    nodes: float
    until: float = np.inf
    opened: int = 0

    def spend(self) -> bool:
        """Open one node; False where the budget is spent."""
        if self.opened >= self.nodes:
            return False
        self.opened += 1
        if self.opened % NODES_A_LOOK == 0 and time.monotonic() > self.until:
            self.nodes = 0.0
        return True


class FarSets:
    """Sets of k languages, each far from each other one, that keep the limits; the one with most utility is sought.

    Languages are bits of whole numbers. Those still possible are coloured so that a colour holds languages that are
    all close to each other: a set takes one of each colour at most, so too few colours, or too little utility in the
    best of them, closes a branch.

    References:
        Tomita & Seki (2003), An efficient branch-and-bound algorithm for finding a maximum clique (colours as bounds).
    """

    def __init__(self, far: Bool[np.ndarray, "m m"], utility: Float[np.ndarray, " m"], limits: Limits) -> None:
        """Turn rows into bits, those with most far languages first.

        Args:
            far: Who may be chosen beside whom.
            utility: What each language adds.
            limits: What every set keeps.
        """
        self._order = np.argsort(-far.sum(1), kind="stable")
        far = far[np.ix_(self._order, self._order)]
        self._far = [_bits(row) for row in far]
        self._close = [~bits for bits in self._far]
        self._utility = utility[self._order].tolist()
        self._required = np.flatnonzero(limits.required[self._order]).tolist()
        self._possible = _bits((limits.allowed & ~limits.required)[self._order])
        self._k = limits.k
        codes = [
            np.where(g.codes[self._order] == code, 1, 0) for g in limits.groupings for code in range(len(g.labels))
        ]
        self._groups = [_bits(members == 1) for members in codes]
        self._rooms = [g.limit for g in limits.groupings for _ in g.labels]

    def best(self, above: float, budget: Budget) -> tuple[Int[np.ndarray, " k"] | None, float]:
        """Search for the set with most utility.

        Args:
            above: Only sets with more utility are sought.
            budget: Nodes are taken from it.

        Returns:
            The best set, None where there is none above, and a bound on the utility of all sets: that of the best one,
            or `above`, unless the budget ran out.
        """
        self._found: list[int] | None = None
        self._above, self._budget, self._given_up = above, budget, -np.inf
        possible = self._possible
        for i, v in enumerate(self._required):
            if any(not self._far[v] >> w & 1 for w in self._required[:i]):
                return None, -np.inf
            possible &= self._far[v]
        self._open(list(self._required), possible, sum((self._utility[v] for v in self._required), 0.0))
        chosen = None if self._found is None else np.sort(self._order[self._found])
        return chosen, max(self._given_up, self._above)

    def _open(self, taken: list[int], possible: int, worth: float) -> None:
        missing = self._k - len(taken)
        if missing == 0:
            if worth > self._above:
                self._found, self._above = list(taken), worth
            return
        possible = self._with_room(taken, possible)
        branches = list(self._branches(possible, missing))
        for place in range(len(branches) - 1, -1, -1):
            v, most = branches[place]
            if worth + most <= self._above:
                return
            if not self._budget.spend():
                self._given_up = max(self._given_up, worth + most)
                return
            self._open([*taken, v], possible & self._far[v], worth + self._utility[v])
            possible &= ~(1 << v)

    def _with_room(self, taken: list[int], possible: int) -> int:
        """Take out the members of full groups."""
        if not self._groups:
            return possible
        bits = sum(1 << v for v in taken)
        for members, room in zip(self._groups, self._rooms, strict=True):
            left = room - (bits & members).bit_count()
            if left < 0:
                return 0
            if left == 0:
                possible &= ~members
        return possible

    def _branches(self, possible: int, missing: int) -> Iterator[tuple[int, float]]:
        """Yield languages colour by colour, with the most utility that `missing` of the colours so far can add."""
        best: list[float] = []
        while possible:
            colour, left = [], possible
            while left:
                v = (left & -left).bit_length() - 1
                colour.append(v)
                left &= self._close[v] & ~(1 << v)
                possible &= ~(1 << v)
            best.append(max(self._utility[v] for v in colour))
            best.sort(reverse=True)
            most = sum(best[:missing]) if len(best) >= missing else -np.inf
            yield from ((v, most) for v in colour)


def _bits(row: Bool[np.ndarray, " m"]) -> int:
    return int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little")
