"""M-DaQ's choice equals its definition, walked row by row."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selection.data.quality_diverse import quality_diverse_select, split_budget


def chosen_slowly(quality, clusters, rows, n_quality, n_diverse, fill=False):
    """The published walk over one language."""
    order = sorted(rows, key=lambda row: (-quality[row], row))
    best, rest = order[:n_quality], order[n_quality:]
    seen, diverse = {clusters[row] for row in best}, []
    for row in rest:
        if len(diverse) < n_diverse and clusters[row] not in seen:
            seen.add(clusters[row])
            diverse.append(row)
    if fill:
        best = best + [row for row in rest if row not in diverse][: n_diverse - len(diverse)]
    return best, diverse


@settings(max_examples=80)
@given(st.integers(1, 40), st.integers(1, 3), st.integers(0, 6), st.integers(0, 6), st.booleans(), st.integers(0, 999))
def test_it_chooses_what_the_published_walk_chooses(n, n_groups, n_quality, n_diverse, fill, seed):
    rng = np.random.default_rng(seed)
    quality, clusters = rng.integers(0, 6, n) / 4, rng.integers(-3, 5, n)
    groups = rng.integers(0, n_groups, n)
    choice = quality_diverse_select(
        quality, clusters, n_quality=n_quality, n_diverse=n_diverse, groups=groups, fill=fill
    )
    for group in set(groups.tolist()):
        rows = np.flatnonzero(groups == group).tolist()
        best, diverse = chosen_slowly(quality, clusters, rows, n_quality, n_diverse, fill)
        own = groups[choice.indices] == group
        assert choice.indices[own].tolist() == best + diverse
        assert choice.diverse[own].tolist() == [False] * len(best) + [True] * len(diverse)
        assert choice.shortfall.get(group, 0) == n_quality + n_diverse - len(best + diverse)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_choice_is_not_that_in_which_groups_appear(seed):
    rng = np.random.default_rng(seed)
    quality, clusters, groups = rng.permutation(60) / 60, rng.integers(0, 9, 60), rng.choice(["a", "b", "c"], 60)
    shuffled = rng.permutation(60)
    one = quality_diverse_select(quality, clusters, n_quality=5, n_diverse=2, groups=groups)
    other = quality_diverse_select(
        quality[shuffled], clusters[shuffled], n_quality=5, n_diverse=2, groups=groups[shuffled]
    )
    assert one.indices.tolist() == shuffled[other.indices].tolist()
    assert groups[one.indices][:3].tolist() == ["a", "b", "c"]


def test_groups_take_turns_so_that_any_beginning_is_balanced():
    quality, groups = np.linspace(1, 0, 12), np.array(["deu"] * 6 + ["swh"] * 6)
    choice = quality_diverse_select(quality, np.zeros(12, dtype=int), n_quality=3, n_diverse=0, groups=groups)
    assert groups[choice.indices].tolist() == ["deu", "swh"] * 3
    assert choice.indices.tolist() == [0, 6, 1, 7, 2, 8]


def test_numbers_may_differ_by_group_and_wide_labels_count_like_narrow_ones():
    rng = np.random.default_rng(0)
    quality, clusters, groups = rng.normal(size=60), rng.integers(0, 9, 60), rng.choice(["deu", "swh"], 60)
    counts = {"n_quality": {"deu": 4}, "n_diverse": {"deu": 2, "swh": 3}}
    narrow = quality_diverse_select(quality, clusters, groups=groups, **counts)
    wide = quality_diverse_select(quality, clusters * 10**12, groups=groups, **counts)
    assert narrow.indices.tolist() == wide.indices.tolist()
    taken = dict(zip(*np.unique(groups[narrow.indices], return_counts=True), strict=True))
    assert taken == {"deu": 6, "swh": 3}


@given(st.integers(0, 10_000))
def test_a_budget_is_split_six_to_one(budget):
    n_quality, n_diverse = split_budget(budget)
    assert n_quality + n_diverse == budget
    assert abs(n_quality - 6 * n_diverse) <= 3.5
    assert split_budget(700) == (600, 100)


def test_bad_input_is_named():
    quality, clusters = np.array([0.5, np.nan, 1.0]), np.array([0, 1, 2])
    with pytest.raises(ValueError, match="NaN or infinity in 1 rows, first in row 1"):
        quality_diverse_select(quality, clusters, n_quality=1, n_diverse=1)
    with pytest.raises(ValueError, match="must be whole numbers, got float64"):
        quality_diverse_select(np.ones(3), clusters / 2, n_quality=1, n_diverse=1)
    with pytest.raises(ValueError, match="n_quality must be at least 0, got -1"):
        quality_diverse_select(np.ones(3), clusters, n_quality=-1, n_diverse=1)
    with pytest.raises(ValueError, match="n_diverse must name groups of the rows, got 'fin'"):
        quality_diverse_select(np.ones(3), clusters, n_quality=1, n_diverse={"fin": 1}, groups=["a", "b", "a"])


def test_clusters_of_another_length_are_refused(unchecked):
    with pytest.raises(ValueError, match="clusters must have the 3 rows of quality, got 2"):
        quality_diverse_select(np.ones(3), np.zeros(2, dtype=int), n_quality=1, n_diverse=1)


def test_time_grows_about_linearly():
    rng, taken = np.random.default_rng(0), []
    for n in (50_000, 500_000):
        quality, clusters, groups = rng.normal(size=n), rng.integers(0, 500, n), rng.integers(0, 20, n)
        seconds = []
        for _ in range(3):
            start = time.process_time()
            quality_diverse_select(quality, clusters, n_quality=60, n_diverse=10, groups=groups)
            seconds.append(time.process_time() - start)
        taken.append(min(seconds))
    assert np.log10(taken[1] / taken[0]) < 1.5
