"""The mean of each language, gathered block by block, and rows less the mean of theirs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import row_chunks
from selection.data.grouping import code_groups


@dataclass(frozen=True, eq=False)
class GroupMeans:
    """Sums and counts by group; `add` and `merge` in any order give the same means, up to float64 rounding.

    Attributes:
        names: Of the groups, sorted as text.
        sums: Of the rows of each.
        counts: Of the rows of each.
    """

    names: tuple[Any, ...] = ()
    sums: Float[np.ndarray, "k d"] = field(default_factory=lambda: np.zeros((0, 0)))
    counts: Int[np.ndarray, " k"] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def add(self, rows: Float[np.ndarray, "n d"], groups: Sequence[Hashable] | np.ndarray) -> GroupMeans:
        """Return means that take in more rows.

        Args:
            rows: Vectors as the encoder gave them.
            groups: The group of each.

        Returns:
            New means; these stay as they are.

        Raises:
            ValueError: If there is not one group per row, or the rows have another width.
        """
        codes, names = code_groups(groups, n=len(rows))
        sums = np.zeros((len(names), rows.shape[1]))
        for block in row_chunks(len(rows), rows.shape[1]):
            _add_by_group(sums, rows[block], codes[block])
        counts = np.bincount(codes, minlength=len(names))
        order = sorted(range(len(names)), key=lambda i: str(names[i]))
        return self.merge(GroupMeans(tuple(names[i] for i in order), sums[order], counts[order]))

    def merge(self, other: GroupMeans) -> GroupMeans:
        """Return the means of the rows of both.

        Raises:
            ValueError: If their widths differ.
        """
        if not self.names:
            return other
        if not other.names:
            return self
        if self.sums.shape[1] != other.sums.shape[1]:
            raise ValueError(
                f"other must have the {self.sums.shape[1]} columns of these means, got {other.sums.shape[1]}"
            )
        names = tuple(sorted({*self.names, *other.names}, key=str))
        place = {name: i for i, name in enumerate(names)}
        sums, counts = np.zeros((len(names), self.sums.shape[1])), np.zeros(len(names), dtype=np.int64)
        for part in (self, other):
            at = [place[name] for name in part.names]
            sums[at] += part.sums
            counts[at] += part.counts
        return GroupMeans(names, sums, counts)

    @cached_property
    def means(self) -> Float[np.ndarray, "k d"]:
        """The mean of each group, in the order of the names."""
        if not self.names:
            raise ValueError("group_means must have taken in rows, got none; call add first")
        return self.sums / self.counts[:, None]

    @cached_property
    def overall(self) -> Float[np.ndarray, " d"]:
        """The mean of the groups' means: what rows of no known group are centred by."""
        return self.means.mean(axis=0)

    def of(self, names: Sequence[Hashable], *, argument: str = "groups") -> Float[np.ndarray, "g d"]:
        """Return the means of some groups.

        Raises:
            ValueError: If one has no mean.
        """
        place = {group: i for i, group in enumerate(self.names)}
        lacking = [name for name in names if name not in place]
        if lacking:
            known = ", ".join(map(str, self.names[:10]))
            raise ValueError(
                f"{argument} must be groups of the pool, whose mean is known, got {lacking[0]!r}; the pool has {known}"
                "; give group_means that hold it, or leave its rows out"
            )
        return self.means[[place[name] for name in names]]

    def centre(
        self,
        rows: Float[np.ndarray, "n d"],
        groups: Sequence[Hashable] | np.ndarray | None,
        *,
        argument: str = "groups",
    ) -> Float[np.ndarray, "n d"]:
        """Return rows less the mean of their group; where no groups are given, less the mean of all groups' means.

        Raises:
            ValueError: If a group has no mean.
        """
        if groups is None:
            return rows - self.overall.astype(rows.dtype)
        codes, present = code_groups(groups, n=len(rows))
        return rows - self.of(present, argument=argument).astype(rows.dtype)[codes]


def _add_by_group(sums: Float[np.ndarray, "k d"], rows: Float[np.ndarray, "b d"], codes: Int[np.ndarray, " b"]) -> None:
    """Add rows to the sums of their groups in float64, group by group."""
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    sums[present] += np.add.reduceat(rows[order].astype(np.float64), starts, axis=0)
