"""What a choice may hold: how many, whom always, whom never, and at most how many of each group."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import require_whole

UNGROUPED = -1
"""The code of a language whose label is None: no limit holds for it."""


@dataclass(frozen=True, eq=False)
class Grouping:
    """One way to sort languages into groups, with a limit.

    Attributes:
        name: What it is called in messages, such as family.
        labels: The distinct labels, in order of appearance.
        codes: Which label each language has; -1 for none.
        limit: At most so many of each group.
    """

    name: str
    labels: tuple[Hashable, ...]
    codes: Int[np.ndarray, " m"]
    limit: int

    @cached_property
    def members(self) -> Float[np.ndarray, "m g"]:
        """1 where a language belongs to a group."""
        return (self.codes[:, None] == np.arange(len(self.labels))).astype(np.float64)

    def room(self, taken: Float[np.ndarray, "... m"]) -> Float[np.ndarray, "... g"]:
        """How many more of each group fit beside those taken (1) already."""
        return self.limit - taken @ self.members

    def by_language(self, per_group: Float[np.ndarray, "... g"], otherwise: float) -> Float[np.ndarray, "... m"]:
        """Spread a number per group over its languages; `otherwise` goes to those without a group."""
        rest = np.full((*per_group.shape[:-1], 1), otherwise)
        return np.concatenate([per_group, rest], axis=-1)[..., self.codes]


@dataclass(frozen=True, eq=False)
class Limits:
    """What a choice of k of m languages must keep.

    Attributes:
        k: How many are chosen.
        required: Who is always chosen.
        allowed: Who may be chosen; holds for `required` too.
        groupings: Limits by group.
    """

    k: int
    required: Bool[np.ndarray, " m"]
    allowed: Bool[np.ndarray, " m"]
    groupings: tuple[Grouping, ...] = ()

    @property
    def m(self) -> int:
        """How many languages there are, chosen or not."""
        return len(self.allowed)

    def additions(self, chosen: Int[np.ndarray, " c"]) -> Bool[np.ndarray, " m"]:
        """Say who may join those chosen so far, includes and k aside."""
        taken = self._taken(chosen)
        free = self.allowed & (taken == 0)
        for grouping in self.groupings:
            free &= grouping.by_language(grouping.room(taken), np.inf) >= 1
        return free

    def replacements(self, chosen: Int[np.ndarray, " c"]) -> Bool[np.ndarray, "c m"]:
        """Say who may take the place of each chosen language; nobody takes that of a required one."""
        taken = self._taken(chosen)
        free = np.tile(self.allowed & (taken == 0), (len(chosen), 1))
        for grouping in self.groupings:
            room = grouping.by_language(grouping.room(taken), np.inf) >= 1
            same = (grouping.codes[chosen][:, None] == grouping.codes) & (grouping.codes != UNGROUPED)
            free &= room | same
        free[self.required[chosen]] = False
        return free

    def kept_by(self, taken: Bool[np.ndarray, "b m"]) -> Bool[np.ndarray, " b"]:
        """Say which sets hold k languages, all that are required, none that is not allowed, and keep every limit."""
        kept = (taken.sum(1) == self.k) & ~(taken & ~self.allowed).any(1) & ~(self.required & ~taken).any(1)
        for grouping in self.groupings:
            kept &= (grouping.room(taken.astype(np.float64)) >= 0).all(-1)
        return kept

    def rows(self) -> tuple[Float[np.ndarray, "r m"], Float[np.ndarray, " r"], Float[np.ndarray, " r"]]:
        """Write k and the group limits as rows of a linear programme, with lower and upper bounds."""
        matrix = np.vstack([np.ones((1, self.m)), *(grouping.members.T for grouping in self.groupings)])
        high = np.concatenate([[self.k], *(np.full(len(g.labels), g.limit) for g in self.groupings)]).astype(np.float64)
        return matrix, np.concatenate([[float(self.k)], np.zeros(len(high) - 1)]), high

    def _taken(self, chosen: Int[np.ndarray, " c"]) -> Float[np.ndarray, " m"]:
        taken = np.zeros(self.m)
        taken[chosen] = 1
        return taken


Labels = Sequence[Hashable] | Mapping[str, Sequence[Hashable]] | None
"""One label per language, or several such lists by name."""


def read_limits(
    k: int,
    languages: Sequence[str],
    include: Sequence[int],
    exclude: Sequence[int],
    groups: Labels,
    max_per_group: int | Mapping[str, int] | None,
) -> Limits:
    """Check limits against each other.

    Args:
        k: How many to choose.
        languages: Their names, for messages.
        include: Indices that are always chosen.
        exclude: Indices that are never chosen.
        groups: As `choose_languages` takes them.
        max_per_group: As `choose_languages` takes it.

    Returns:
        Limits that at least one choice keeps.

    Raises:
        TypeError: If k or a limit is no whole number.
        ValueError: If they contradict; the message says which do.
    """
    require_whole("k", k, minimum=1)
    required, allowed = np.zeros(len(languages), dtype=bool), np.ones(len(languages), dtype=bool)
    required[list(include)], allowed[list(exclude)] = True, False
    limits = Limits(int(k), required, allowed, read_groupings(groups, max_per_group, len(languages)))
    _require_sizes_agree(limits, languages)
    for grouping in limits.groupings:
        _require_room(grouping, limits, languages)
    if len(limits.groupings) > 1:
        _require_joint_room(limits)
    return limits


def read_groupings(groups: Labels, max_per_group: int | Mapping[str, int] | None, m: int) -> tuple[Grouping, ...]:
    """Return each grouping that has a limit.

    Raises:
        ValueError: If labels do not match the languages, or a limit has no groups or is below 1, or groups no limit.
    """
    if max_per_group is None and groups is None:
        return ()
    if max_per_group is None:
        raise ValueError(
            "max_per_group must be given with groups, got None; say at most how many of each group, or leave groups out"
        )
    if groups is None:
        raise ValueError(
            f"groups must be given with max_per_group={max_per_group}, got None; give a label per language"
        )
    if not isinstance(groups, Mapping):
        groups = {"groups": groups}
        max_per_group = {"groups": max_per_group} if not isinstance(max_per_group, Mapping) else max_per_group
    if not isinstance(max_per_group, Mapping):
        max_per_group = dict.fromkeys(groups, max_per_group)
    unknown = [name for name in max_per_group if name not in groups]
    if unknown:
        raise ValueError(f"max_per_group must name groupings of groups ({', '.join(groups)}), got {unknown[0]!r}")
    return tuple(_grouping(name, groups[name], limit, m) for name, limit in max_per_group.items())


def _grouping(name: str, labels: Sequence[Hashable], limit: Any, m: int) -> Grouping:
    title = name if name == "groups" else f"groups[{name!r}]"
    if len(labels) != m:
        raise ValueError(f"{title} must hold a label for each of the {m} languages, got {len(labels)}")
    require_whole("max_per_group" if name == "groups" else f"max_per_group[{name!r}]", limit, minimum=1)
    known = tuple(dict.fromkeys(label for label in labels if label is not None))
    place = {label: code for code, label in enumerate(known)}
    codes = np.array([UNGROUPED if label is None else place[label] for label in labels], dtype=np.int64)
    return Grouping(name, known, codes, int(limit))


def _require_sizes_agree(limits: Limits, languages: Sequence[str]) -> None:
    both = np.flatnonzero(limits.required & ~limits.allowed)
    if both.size:
        raise ValueError(f"include and exclude contradict: both name {_named(both, languages)}; take it out of one")
    n_required, n_allowed = int(limits.required.sum()), int(limits.allowed.sum())
    if n_required > limits.k:
        names = _named(np.flatnonzero(limits.required), languages)
        raise ValueError(
            f"include and k contradict: include names {n_required} languages ({names}), k is {limits.k}; "
            "raise k or include fewer"
        )
    if n_allowed < limits.k:
        left = f"{n_allowed} languages" + (" left after exclude" if n_allowed < limits.m else "")
        raise ValueError(f"k must be at most the {left}, got {limits.k}; lower k or give more languages")


def _require_room(grouping: Grouping, limits: Limits, languages: Sequence[str]) -> None:
    room = grouping.room(limits.required.astype(np.float64))
    if (room < 0).any():
        code = int(np.argmin(room))
        crowd = np.flatnonzero(limits.required & (grouping.codes == code))
        raise ValueError(
            f"include and max_per_group contradict: include names {crowd.size} languages of {grouping.labels[code]!r} "
            f"({_named(crowd, languages)}), max_per_group is {grouping.limit}; raise it or include fewer"
        )
    sizes = limits.allowed.astype(np.float64) @ grouping.members
    most = int(np.minimum(sizes, grouping.limit).sum() + (limits.allowed & (grouping.codes == UNGROUPED)).sum())
    if most < limits.k:
        named = "" if grouping.name == "groups" else f" of {grouping.name!r}"
        raise ValueError(
            f"k and max_per_group contradict: {int((sizes > 0).sum())} groups{named} with at most {grouping.limit} of "
            f"each allow {most} languages, k is {limits.k}; raise max_per_group or lower k"
        )


def _require_joint_room(limits: Limits) -> None:
    from selection.languages.programmes import best_set

    if best_set(np.zeros(limits.m), limits) is None:
        told = ", ".join(f"{grouping.name}: {grouping.limit}" for grouping in limits.groupings)
        raise ValueError(
            f"max_per_group ({told}) and k contradict: each limit alone lets {limits.k} languages be chosen with what "
            "include asks for, all together do not; raise one of them or lower k"
        )


def _named(indices: Int[np.ndarray, " n"], languages: Sequence[str], *, most: int = 5) -> str:
    rest = f" and {indices.size - most} more" if indices.size > most else ""
    return ", ".join(str(languages[i]) for i in indices[:most]) + rest
