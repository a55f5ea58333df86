"""Choices that anyone could make: at random, one of each group, those with most data, the least diverse."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import require_whole
from selection.languages.choosing import choose_languages
from selection.languages.drawing import draw_sets
from selection.languages.limits import Limits, read_limits
from selection.languages.programmes import best_set

least_diverse = partial(choose_languages, objective="min_sum")
"""Choose the languages with the smallest sum of distances; arguments as `choose_languages`."""


def random_choices(  # noqa: PLR0913 - the limits of `choose_languages`
    m: int,
    k: int,
    *,
    n_draws: int = 200,
    seed: int = 0,
    include: Sequence[int] = (),
    exclude: Sequence[int] = (),
    groups: Sequence[Hashable] | Mapping[str, Sequence[Hashable]] | None = None,
    max_per_group: int | Mapping[str, int] | None = None,
) -> Int[np.ndarray, "n k"]:
    """Draw sets of languages within limits, each set equally likely where there is at most one grouping.

    Args:
        m: How many languages there are.
        k: How many a set holds.
        n_draws: How many sets.
        seed: The same seed draws the same sets; keep it apart from seeds of training.
        include: Indices that are always chosen.
        exclude: Indices that are never chosen.
        groups: As in `choose_languages`.
        max_per_group: As in `choose_languages`.

    Returns:
        A set a row, the included first. Sets may repeat.

    Raises:
        TypeError: If a number is not whole.
        ValueError: If limits contradict, or an index is out of range.
    """
    require_whole("m", m, minimum=1)
    require_whole("n_draws", n_draws, minimum=1)
    for name, indices in (("include", include), ("exclude", exclude)):
        wrong = [i for i in indices if not 0 <= i < m]
        if wrong:
            raise ValueError(f"{name} must hold indices from 0 to {m - 1}, got {wrong[0]}")
    limits = read_limits(k, [str(i) for i in range(m)], include, exclude, groups, max_per_group)
    return draw_sets(limits, n_draws, seed)


def one_per_group(
    groups: Sequence[Hashable], k: int, seed: int = 0, *, limits: Limits | None = None
) -> Int[np.ndarray, " k"]:
    """Draw k groups and one language of each; where there are fewer groups, take another round.

    Args:
        groups: A label for each language; None is a group of its own.
        k: How many languages.
        seed: Of the draw.
        limits: What the set keeps, as `read_limits` read it; who is required comes first and counts for its group.

    Returns:
        Indices, in the order drawn: nobody comes second of its group before every group has had its first.

    Raises:
        TypeError: If k is no whole number.
        ValueError: If k is below 1, above the number of languages, or not that of the limits.
    """
    kept = _limits_for(k, len(groups), limits)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(groups))
    order = order[np.argsort(~kept.required[order], kind="stable")]
    rounds, seen = np.zeros(len(groups), dtype=np.int64), dict[Hashable, int]()
    for i in order:
        label = (int(i),) if groups[i] is None else groups[i]
        rounds[i] = seen.get(label, 0)
        seen[label] = int(rounds[i]) + 1
    place = dict(zip(seen, rng.permutation(len(seen)), strict=True))
    turn = np.array([place[(i,) if label is None else label] for i, label in enumerate(groups)])
    return _take(np.lexsort((turn, rounds)), kept)


def most_resourced(
    resources: Sequence[float] | Float[Any, " m"], k: int, *, seed: int | None = None, limits: Limits | None = None
) -> Int[np.ndarray, " k"]:
    """Take the k languages with most data.

    Args:
        resources: How much data each language has; NaN, which is unknown, comes last.
        k: How many languages.
        seed: Of a draw among those who have as much; None takes the earlier ones.
        limits: What the set keeps, as `read_limits` read it; who is required comes first.

    Returns:
        Indices, most first.

    Raises:
        TypeError: If k is no whole number.
        ValueError: If k is below 1, above the number of languages, or not that of the limits.
    """
    amounts = np.asarray(resources, dtype=np.float64)
    kept = _limits_for(k, len(amounts), limits)
    ties = np.arange(len(amounts)) if seed is None else np.random.default_rng(seed).permutation(len(amounts))
    return _take(np.lexsort((ties, np.where(np.isnan(amounts), np.inf, -amounts))), kept)


def _limits_for(k: int, m: int, limits: Limits | None) -> Limits:
    """The limits, which must be of k of m languages; without any, k alone."""
    if limits is None:
        return read_limits(k, [str(i) for i in range(m)], (), (), None, None)
    if (limits.k, limits.m) != (k, m):
        raise ValueError(f"limits must be of {k} of {m} languages, got those of {limits.k} of {limits.m}; read them so")
    return limits


def _take(order: Int[np.ndarray, " m"], limits: Limits) -> Int[np.ndarray, " k"]:
    """Take the required, then one after the other who still fits.

    Several groupings can leave nobody who does; then HiGHS takes the set whose places in the order have the least sum.
    """
    chosen = order[limits.required[order]]
    while len(chosen) < limits.k:
        fits = limits.additions(chosen)[order]
        if not fits.any():
            return order[_solved(order, limits)[order]]
        chosen = np.append(chosen, order[fits.argmax()])
    return chosen


def _solved(order: Int[np.ndarray, " m"], limits: Limits) -> Bool[np.ndarray, " m"]:
    found = best_set(-np.argsort(order).astype(np.float64), limits)
    if found is None:
        raise ValueError("limits must let some set of k languages be chosen; read them with read_limits")
    return found
