"""M-DaQ: the best rows of each language, and then the best of clusters that these leave out."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from probes.arrays import require_whole, to_host
from selection.data.grouping import code_groups, rank_within_groups

RATIO = 6
"""Rows taken for their quality to one taken for its cluster, as published."""
DENSE_KEYS = 1 << 26
"""Up to so many pairs of a group and a cluster, the first row of each is found without sorting."""


@dataclass(frozen=True, eq=False)
class QualityDiverseChoice:
    """What was chosen, and why.

    Attributes:
        indices: Rows in order of choice: the first of every group, by the groups' names, the second of every group,
            and so on.
        diverse: Whether each was taken for its cluster, rather than for its quality alone.
        shortfall: Rows that a group lacks of what was asked for, because it has too few rows or clusters; groups that
            lack none are left out.
    """

    indices: Int[np.ndarray, " b"]
    diverse: Bool[np.ndarray, " b"]
    shortfall: Mapping[Any, int]


def split_budget(budget: int, *, ratio: int = RATIO) -> tuple[int, int]:
    """Divide a language's budget into rows for their quality and rows for their cluster.

    Args:
        budget: Rows of the language.
        ratio: Rows for quality to one for its cluster; 6 as published.

    Returns:
        `n_quality` and `n_diverse`, which sum to `budget`.
    """
    require_whole("budget", budget, minimum=0)
    require_whole("ratio", ratio, minimum=0)
    n_diverse = round(budget / (ratio + 1))
    return budget - n_diverse, n_diverse


def quality_diverse_select(
    quality: Float[Any, " n"],
    clusters: Shaped[Any, " n"],
    *,
    n_quality: int | Mapping[Any, int],
    n_diverse: int | Mapping[Any, int],
    groups: Sequence[Hashable] | np.ndarray | None = None,
    fill: bool = False,
) -> QualityDiverseChoice:
    """Take the best rows, then the best row of each cluster that has none yet.

    In every group: sort by quality; take the first `n_quality`; walk on, and take a row where its cluster has none,
    until `n_diverse` more are taken. Clusters count within a group, so that they may be of all groups together.

    Args:
        quality: Of each row, up is better; ties go to the smaller row.
        clusters: The cluster of each row, whole numbers.
        n_quality: Rows of each group taken for their quality: one number, or a number by group.
        n_diverse: Rows of each group taken for their cluster; likewise.
        groups: The language of each row; None for one group.
        fill: Where clusters run out, take the best of the rest instead, so that counts are met while rows last; not in
            the published method.

    Returns:
        The rows in order of choice, and what is lacking.

    Raises:
        ValueError: If lengths differ, a quality is not finite, a group is unknown or a number negative.

    References:
        Zhao et al. (2025), M-DaQ: Retrieving Samples with Multilingual Diversity and Quality for Instruction
            Fine-Tuning Datasets, arXiv:2509.15549, section on diversity-aware selection.
    """
    values, labels = to_host(quality), to_host(clusters)
    _check(values, labels)
    codes, names = _codes(groups, len(values))
    quality_limits = _limits("n_quality", n_quality, names)
    diverse_limits = _limits("n_diverse", n_diverse, names)
    order = _best_first(values, codes)
    walk = _Walk(order, codes[order], labels[order], len(names))
    by_quality = walk.ranks < quality_limits[walk.codes]
    by_cluster = _first_of_clusters(walk, by_quality, diverse_limits)
    if fill:
        rest = np.flatnonzero(~by_quality & ~by_cluster)
        lacking = diverse_limits - np.bincount(walk.codes[by_cluster], minlength=len(names))
        by_quality[rest[rank_within_groups(walk.codes[rest]) < lacking[walk.codes[rest]]]] = True
    asked = dict(zip(names, (quality_limits + diverse_limits).tolist(), strict=True))
    return _choice(walk, by_quality | by_cluster, by_cluster, asked)


@dataclass(frozen=True, eq=False)
class _Walk:
    """Rows in the order in which they are met: group after group, best first."""

    rows: Int[np.ndarray, " n"]
    codes: Int[np.ndarray, " n"]
    clusters: Int[np.ndarray, " n"]
    n_groups: int

    @property
    def ranks(self) -> Int[np.ndarray, " n"]:
        return rank_within_groups(self.codes)


def _best_first(values: np.ndarray, codes: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Sort by group and then by falling quality; both sorts are stable, so that ties go to the smaller row."""
    order = np.argsort(-values, kind="stable")
    few = codes.max(initial=0) < 1 << 16
    sorted_codes = codes[order].astype(np.uint16) if few else codes[order]  # numpy sorts 16 bits by radix
    return order[np.argsort(sorted_codes, kind="stable")]


def _first_of_clusters(
    walk: _Walk, taken: Bool[np.ndarray, " n"], limits: Int[np.ndarray, " g"]
) -> Bool[np.ndarray, " n"]:
    """Mark the first row of each cluster that no taken row is in, up to each group's limit."""
    keys, n_keys = _keys(walk)
    seen = np.zeros(n_keys, dtype=bool)
    seen[keys[taken]] = True
    open_places = np.flatnonzero(~seen[keys])
    first = np.empty(n_keys, dtype=np.int64)
    first[keys[open_places[::-1]]] = open_places[::-1]  # of repeated keys the last assignment, the earliest row, stays
    firsts = open_places[first[keys[open_places]] == open_places]
    marked = np.zeros(len(keys), dtype=bool)
    marked[firsts[rank_within_groups(walk.codes[firsts]) < limits[walk.codes[firsts]]]] = True
    return marked


def _keys(walk: _Walk) -> tuple[Int[np.ndarray, " n"], int]:
    """Number the pairs of a group and a cluster."""
    low = int(walk.clusters.min(initial=0))
    width = int(walk.clusters.max(initial=0)) - low + 1
    if width * walk.n_groups <= DENSE_KEYS:
        return walk.codes * width + (walk.clusters - low), width * walk.n_groups
    numbers = np.unique(walk.clusters, return_inverse=True)[1]
    found, keys = np.unique(walk.codes * (int(numbers.max()) + 1) + numbers, return_inverse=True)
    return keys, len(found)


def _choice(
    walk: _Walk, taken: Bool[np.ndarray, " n"], diverse: Bool[np.ndarray, " n"], asked: Mapping[Any, int]
) -> QualityDiverseChoice:
    places = np.flatnonzero(taken)
    codes = walk.codes[places]
    by_kind = np.lexsort((places, diverse[places], codes))  # a group's rows for quality come before those for clusters
    turns = np.empty(len(places), dtype=np.int64)
    turns[by_kind] = rank_within_groups(codes[by_kind])
    places = places[np.lexsort((codes, turns))]
    counts = np.bincount(codes, minlength=walk.n_groups).tolist()
    lacking = {name: wanted - n for (name, wanted), n in zip(asked.items(), counts, strict=True)}
    return QualityDiverseChoice(
        indices=walk.rows[places],
        diverse=diverse[places],
        shortfall={name: n for name, n in lacking.items() if n > 0},
    )


def _codes(groups: Sequence[Hashable] | np.ndarray | None, n: int) -> tuple[Int[np.ndarray, " n"], list]:
    """The number of each row's group, and the groups in order of their names, so that no order of rows decides it."""
    if groups is None:
        return np.zeros(n, dtype=np.int64), ["all"]
    codes, names = code_groups(groups, n=n)
    order = sorted(range(len(names)), key=lambda place: str(names[place]))
    return np.argsort(order)[codes], [names[place] for place in order]


def _limits(name: str, limits: int | Mapping[Any, int], groups: list) -> Int[np.ndarray, " g"]:
    if not isinstance(limits, Mapping):
        require_whole(name, limits, minimum=0)
        return np.full(len(groups), limits, dtype=np.int64)
    unknown = [group for group in limits if group not in set(groups)]
    if unknown:
        raise ValueError(f"{name} must name groups of the rows, got {unknown[0]!r}; they have {groups[:10]}")
    for group in limits:
        require_whole(f"{name}[{group!r}]", limits[group], minimum=0)
    return np.array([limits.get(group, 0) for group in groups], dtype=np.int64)


def _check(values: np.ndarray, labels: np.ndarray) -> None:
    if labels.shape != values.shape:
        raise ValueError(f"clusters must have the {len(values)} rows of quality, got {len(labels)}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"clusters must be whole numbers, got {labels.dtype}; give labels as of cluster_rows")
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise ValueError(
            f"quality must be finite, got NaN or infinity in {wrong.size} rows, first in row {wrong[0]}; "
            "score these rows or leave them out"
        )
