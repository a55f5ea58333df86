"""The largest linear gain of a set within limits, for many partly decided sets at once, and what it decides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Bool, Float, Int

from selection.languages.limits import Grouping, Limits


@dataclass(frozen=True, eq=False)
class Branches:
    """Partly decided sets, one a row.

    Attributes:
        taken: Who is in.
        possible: Who is in or still may be.
    """

    taken: Bool[np.ndarray, "b m"]
    possible: Bool[np.ndarray, "b m"]

    @property
    def open(self) -> Bool[np.ndarray, "b m"]:
        """Who is undecided."""
        return self.possible & ~self.taken

    def __getitem__(self, rows: Bool[np.ndarray, " b"] | Int[np.ndarray, " c"]) -> Branches:
        return Branches(self.taken[rows], self.possible[rows])

    def missing(self, k: int) -> Int[np.ndarray, " b"]:
        """How many are still to be chosen."""
        return k - self.taken.sum(1)


@dataclass(frozen=True, eq=False)
class LinearBound:
    """A bound that is linear in who is chosen.

    Attributes:
        bound: Of each branch; minus infinity where no set is left.
        least_in: The smallest gain among the undecided that the bound takes in.
        most_out: The largest gain among the undecided that it leaves out.
        selected: Whom of the undecided it takes in.
        gains: Of each language.
    """

    bound: Float[np.ndarray, " b"]
    least_in: Float[np.ndarray, " b"]
    most_out: Float[np.ndarray, " b"]
    selected: Bool[np.ndarray, "b m"]
    gains: Float[np.ndarray, "b m"]

    def decide(self, branches: Branches, target: float) -> Branches:
        """Take in, or out, all whose other choice would push the bound down to the target.

        To bring in somebody costs at least the difference to `least_in`, to leave somebody out at least that to
        `most_out`: under limits by group greedy selection is optimal, and this is its exchange property.
        """
        room = (self.bound - target)[:, None]
        undecided = branches.open
        out = undecided & ~self.selected & (self.least_in[:, None] - self.gains > room)
        into = undecided & self.selected & (self.gains - self.most_out[:, None] > room)
        return Branches(branches.taken | into, branches.possible & ~out)

    def better_of(self, other: LinearBound) -> LinearBound:
        """Return the lower bound of each branch."""
        lower = other.bound < self.bound
        rows = lower[:, None]
        return LinearBound(
            np.where(lower, other.bound, self.bound),
            np.where(lower, other.least_in, self.least_in),
            np.where(lower, other.most_out, self.most_out),
            np.where(rows, other.selected, self.selected),
            np.where(rows, other.gains, self.gains),
        )


def bound_linearly(
    constant: Float[np.ndarray, " b"], gains: Float[np.ndarray, "b m"], branches: Branches, limits: Limits
) -> LinearBound:
    """Add to a constant the largest sum of gains of the languages that are still to be chosen.

    Args:
        constant: Of each branch, with all that is decided.
        gains: Of each language, should it come in.
        branches: What is decided.
        limits: Of several groupings each is kept alone, and the lowest bound counts.

    Returns:
        A bound on every set of each branch.
    """
    order = np.argsort(np.where(branches.open, -gains, np.inf), axis=1)
    usable = np.take_along_axis(branches.open, order, 1)
    ways = [usable & _fits(order, usable, grouping, branches) for grouping in limits.groupings] or [usable]
    missing = branches.missing(limits.k)
    found = [_selected(constant, gains, branches, _first(order, way, missing), missing) for way in ways]
    return reduce(LinearBound.better_of, found)


def close_full_groups(branches: Branches, limits: Limits) -> Branches:
    """Rule out who would break a limit by group."""
    possible = branches.possible
    for grouping in limits.groupings:
        room = grouping.room(branches.taken.astype(np.float64))
        possible = possible & (branches.taken | (grouping.by_language(room, np.inf) >= 1))
    return Branches(branches.taken, possible)


def _fits(
    order: Int[np.ndarray, "b m"], usable: Bool[np.ndarray, "b m"], grouping: Grouping, branches: Branches
) -> Bool[np.ndarray, "b m"]:
    """Say, in order, whose group has room after all before."""
    room = grouping.room(branches.taken.astype(np.float64))
    of_group = grouping.members[order] * usable[..., None]
    before = of_group.cumsum(1) - of_group
    return ((before < room[:, None]) | (of_group == 0)).all(-1)


def _first(
    order: Int[np.ndarray, "b m"], usable: Bool[np.ndarray, "b m"], missing: Int[np.ndarray, " b"]
) -> Bool[np.ndarray, "b m"]:
    """Select the first `missing` usable ones of each order; nobody where there are fewer."""
    count = usable.cumsum(1)
    first = usable & (count <= missing[:, None]) & (count[:, -1:] >= missing[:, None])
    selected = np.zeros_like(first)
    np.put_along_axis(selected, order, first, 1)
    return selected


def _selected(
    constant: Float[np.ndarray, " b"],
    gains: Float[np.ndarray, "b m"],
    branches: Branches,
    selected: Bool[np.ndarray, "b m"],
    missing: Int[np.ndarray, " b"],
) -> LinearBound:
    left = branches.open & ~selected
    bound = constant + np.where(selected, gains, 0.0).sum(1)
    return LinearBound(
        np.where(selected.sum(1) == missing, bound, -np.inf),
        np.where(selected, gains, np.inf).min(1),
        np.where(left, gains, -np.inf).max(1),
        selected,
        gains,
    )
