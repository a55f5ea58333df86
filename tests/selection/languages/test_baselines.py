"""Baselines: draws are uniform over every set that keeps the limits."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from selection.languages import choose_languages, least_diverse, most_resourced, one_per_group, random_choices
from selection.languages.limits import read_limits

FAMILIES = ["a", "a", "a", "b", "b", "c", None]
SCRIPTS = ["x", "y", "x", "x", "y", "y", "y"]


def kept(chosen, limits):
    return all(
        max(Counter(labels[i] for i in chosen if labels[i] is not None).values(), default=0) <= most
        for labels, most in limits
    )


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ({}, []),
        ({"groups": FAMILIES, "max_per_group": 1}, [(FAMILIES, 1)]),
        (
            {"groups": {"f": FAMILIES, "s": SCRIPTS}, "max_per_group": {"f": 1, "s": 2}},
            [(FAMILIES, 1), (SCRIPTS, 2)],
        ),
    ],
)
def test_every_set_within_limits_is_drawn_equally_often(options, limits):
    include, exclude = ([3], [1]) if limits else ([], [])
    sets = [
        s for s in combinations(range(7), 3) if set(include) <= set(s) and not set(exclude) & set(s) and kept(s, limits)
    ]
    n = 300 * len(sets)
    drawn = Counter(
        tuple(sorted(row))
        for row in random_choices(7, 3, n_draws=n, include=include, exclude=exclude, **options).tolist()
    )
    assert set(drawn) == set(sets)
    statistic = sum((drawn[s] - 300) ** 2 / 300 for s in sets)
    degrees = len(sets) - 1
    assert statistic < degrees + 4 * np.sqrt(2 * degrees)


def test_limits_that_leave_next_to_nothing_are_still_met():
    """One set in 184,756 keeps both limits: nothing that is drawn by the first alone will."""
    first = [i % 10 for i in range(20)]
    second = ["only" if (i < 10 and i % 2) or (i >= 10 and not i % 2) else i for i in range(20)]
    draws = random_choices(20, 10, n_draws=3, groups={"f": first, "s": second}, max_per_group=1)
    assert all(kept(row, [(first, 1), (second, 1)]) for row in draws.tolist())


def test_seeds_tell_draws_apart():
    np.testing.assert_array_equal(random_choices(30, 5, seed=1), random_choices(30, 5, seed=1))
    assert (random_choices(30, 5, seed=1) != random_choices(30, 5, seed=2)).any()


def test_one_per_group_takes_everybody_s_first_before_anybody_s_second():
    groups = ["a"] * 5 + ["b"] * 2 + ["c", None, None]
    for seed in range(20):
        order = one_per_group(groups, 10, seed)
        assert sorted(order) == list(range(10))
        first = [groups[i] for i in order[:5]]
        assert Counter(first) == {"a": 1, "b": 1, "c": 1, None: 2}
        assert Counter(groups[i] for i in order[5:7]) == {"a": 1, "b": 1}
    firsts = Counter(groups[one_per_group(groups, 1, seed)[0]] for seed in range(500))
    assert firsts["c"] == pytest.approx(100, abs=40)
    assert firsts["a"] == pytest.approx(100, abs=40)


def test_most_resourced_takes_unknown_amounts_last():
    assert most_resourced([3.0, np.nan, 7.0, 7.0, 1.0], 4).tolist() == [2, 3, 0, 4]
    with pytest.raises(ValueError, match="k must be at most the 2 languages, got 3"):
        most_resourced([1.0, 2.0], 3)


def test_among_those_with_as_much_data_a_seed_draws_and_no_seed_takes_the_earlier_ones():
    amounts = [1.0, 2.0, 1.0, 1.0, 1.0, 1.0]
    drawn = Counter(most_resourced(amounts, 2, seed=seed)[1] for seed in range(500))
    assert set(drawn) == {0, 2, 3, 4, 5}
    assert all(count == pytest.approx(100, abs=40) for count in drawn.values())
    assert all(most_resourced(amounts, 2, seed=seed)[0] == 1 for seed in range(5))
    assert most_resourced(amounts, 2).tolist() == [1, 0]


def limits_of(k, include=(), groups=None, max_per_group=None):
    return read_limits(k, [str(i) for i in range(7)], include, (), groups, max_per_group)


def test_under_limits_the_most_resourced_are_those_of_most_data_that_keep_them():
    amounts = [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0]
    assert most_resourced(amounts, 3, limits=limits_of(3, [6])).tolist() == [6, 0, 1]
    assert most_resourced(amounts, 3, limits=limits_of(3, [6], FAMILIES, 1)).tolist() == [6, 0, 3]
    sets = [s for s in combinations(range(7), 4) if kept(s, [(FAMILIES, 1), (SCRIPTS, 2)])]
    both = limits_of(4, (), {"f": FAMILIES, "s": SCRIPTS}, {"f": 1, "s": 2})
    found = most_resourced(amounts, 4, limits=both)
    assert tuple(sorted(found)) == max(sets, key=lambda s: sum(amounts[i] for i in s))
    with pytest.raises(ValueError, match="limits must be of 4 of 7 languages, got those of 3 of 7"):
        most_resourced(amounts, 4, limits=limits_of(3))


def test_who_is_required_comes_first_and_counts_for_its_group():
    for seed in range(20):
        drawn = one_per_group(FAMILIES, 4, seed, limits=limits_of(4, [1]))
        assert drawn[0] == 1
        assert Counter(FAMILIES[i] for i in drawn) == {"a": 1, "b": 1, "c": 1, None: 1}
        within = one_per_group(FAMILIES, 3, seed, limits=limits_of(3, [1], SCRIPTS, 2))
        assert 1 in within
        assert kept(within, [(SCRIPTS, 2)])


def test_limits_that_taking_one_after_the_other_cannot_meet_are_met_all_the_same():
    first, second = ["a", "a", "b", "c", "c", "d", "e"], ["x", "y", "x", "x", "z", "x", "x"]
    limits = limits_of(3, (), {"f": first, "s": second}, 1)
    found = most_resourced([9.0, 1.0, 8.0, 7.0, 2.0, 6.0, 5.0], 3, limits=limits)
    assert kept(found, [(first, 1), (second, 1)])
    assert set(found) == {1, 2, 4}


def test_least_diverse_is_the_smallest_sum():
    distances = np.abs(np.subtract.outer(np.array([0.0, 1, 1.5, 9, 20]), np.array([0.0, 1, 1.5, 9, 20])))
    names = list("abcde")
    choice = least_diverse(distances, 3, languages=names)
    assert set(choice.languages) == {"a", "b", "c"}
    assert choice.value == choose_languages(distances, 3, languages=names, objective="min_sum").value == 3
