"""Choices that anyone could make: at random, one of each group, those with most data, the least diverse."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import require_whole
from selection.languages.choosing import choose_languages
from selection.languages.drawing import draw_sets
from selection.languages.limits import read_limits

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


def one_per_group(groups: Sequence[Hashable], k: int, seed: int = 0) -> Int[np.ndarray, " k"]:
    """Draw k groups and one language of each; where there are fewer groups, take another round.

    Args:
        groups: A label for each language; None is a group of its own.
        k: How many languages.
        seed: Of the draw.

    Returns:
        Indices, in the order drawn: nobody comes second of its group before every group has had its first.

    Raises:
        TypeError: If k is no whole number.
        ValueError: If k is below 1 or above the number of languages.
    """
    _require_fitting(k, len(groups))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(groups))
    rounds, seen = np.zeros(len(groups), dtype=np.int64), dict[Hashable, int]()
    for i in order:
        label = (int(i),) if groups[i] is None else groups[i]
        rounds[i] = seen.get(label, 0)
        seen[label] = int(rounds[i]) + 1
    place = dict(zip(seen, rng.permutation(len(seen)), strict=True))
    turn = np.array([place[(i,) if label is None else label] for i, label in enumerate(groups)])
    return np.lexsort((turn, rounds))[:k]


def most_resourced(resources: Sequence[float] | Float[Any, " m"], k: int) -> Int[np.ndarray, " k"]:
    """Take the k languages with most data, the earlier ones at ties.

    Args:
        resources: How much data each language has; NaN, which is unknown, comes last.
        k: How many languages.

    Returns:
        Indices, most first.

    Raises:
        TypeError: If k is no whole number.
        ValueError: If k is below 1 or above the number of languages.
    """
    amounts = np.asarray(resources, dtype=np.float64)
    _require_fitting(k, len(amounts))
    return np.argsort(np.where(np.isnan(amounts), np.inf, -amounts), kind="stable")[:k]


def _require_fitting(k: int, m: int) -> None:
    require_whole("k", k, minimum=1)
    if k > m:
        raise ValueError(f"k must be at most the {m} languages, got {k}; lower k or give more languages")
