"""Baselines: draws are uniform over every set that keeps the quotas; the longest come first."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from selection.data.baselines import longest_select, random_select

GROUPS = ["a", "a", "a", "b", "b", "c"]


@pytest.mark.parametrize("quotas", [None, {"a": 2, "b": 1}, "equal"])
def test_every_set_that_keeps_the_quotas_is_drawn_equally_often(quotas):
    wanted = {"a": 2, "b": 1} if isinstance(quotas, dict) else {"a": 1, "b": 1, "c": 1}
    sets = [s for s in combinations(range(6), 3) if quotas is None or Counter(GROUPS[i] for i in s) == wanted]
    options = {} if quotas is None else {"groups": GROUPS, "quotas": quotas}
    n = 100 * len(sets)
    drawn = Counter(tuple(sorted(random_select(6, 3, seed=seed, **options).indices.tolist())) for seed in range(n))
    assert set(drawn) == set(sets)
    statistic, degrees = sum((drawn[s] - 100) ** 2 / 100 for s in sets), len(sets) - 1
    assert statistic < degrees + 4 * np.sqrt(2 * degrees)


def test_a_smaller_draw_is_the_beginning_of_a_larger_one():
    np.testing.assert_array_equal(random_select(50, 5, seed=3).indices, random_select(50, 20, seed=3).indices[:5])
    assert (random_select(50, 20, seed=3).indices != random_select(50, 20, seed=4).indices).any()


def test_the_longest_come_first_and_ties_to_the_smaller_row():
    assert longest_select(np.array([3, 9, 3, 1, 9]), 4).indices.tolist() == [1, 4, 0, 2]
    found = longest_select(np.array([9.0, 8, 7, 1, 2, 3]), 3, groups=GROUPS, quotas={"a": 1, "b": 2})
    assert found.indices.tolist() == [0, 4, 3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random_select(3, 4), "budget must be at most the 3 rows of the pool, got 4"),
        (lambda: random_select(0, 1), "n must be at least 1, got 0"),
        (lambda: random_select(6, 3, groups=GROUPS), "groups must come with quotas"),
        (lambda: random_select(6, 3, quotas="equal"), "quotas must come with groups"),
        (lambda: random_select(6, 3, groups=GROUPS, quotas={"c": 1.0}), "'c' is to give 3 rows and has 1"),
        (lambda: longest_select(np.array([1.0, np.nan]), 1), "lengths must be finite, got nan in row 1"),
        (lambda: longest_select(np.array([1.0]), 2), "budget must be at most the 1 rows"),
    ],
)
def test_errors_say_what_is_wrong_and_where(unchecked, call, message):
    with pytest.raises(ValueError, match=message):
        call()
