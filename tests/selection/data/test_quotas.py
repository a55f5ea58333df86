"""Quotas become exact counts, and an order of rows is walked within them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selection.data.grouping import code_groups, count_groups, rank_within_groups
from selection.data.quotas import choose_within_quotas, divide_budget, fill_shares, require_budget, resolve_quotas

POOL = ["deu"] * 6 + ["swh"] * 3 + ["tam"] * 1
labels = st.lists(st.sampled_from(["deu", "swh", "tam", "yor"]), min_size=1, max_size=40)


def test_shares_and_counts_that_say_the_same_give_the_same():
    assert resolve_quotas(POOL, 4, {"deu": 0.5, "swh": 0.5}) == {"deu": 2, "swh": 2}
    assert resolve_quotas(POOL, 4, {"deu": 2, "swh": 2}) == {"deu": 2, "swh": 2}


def test_remainders_go_to_the_largest_and_ties_to_the_name_that_sorts_first():
    assert divide_budget({"b": 0.4, "a": 0.3, "c": 0.3}, 5) == {"b": 2, "a": 2, "c": 1}
    assert divide_budget({"c": 1, "b": 1, "a": 1}, 4) == {"c": 1, "b": 1, "a": 2}
    assert divide_budget(dict.fromkeys("abcdefghij", 0.1), 30) == dict.fromkeys("abcdefghij", 3)


@given(labels, st.data())
def test_proportional_quotas_are_within_one_row_of_the_pool_and_never_above_it(pool, data):
    budget = data.draw(st.integers(1, len(pool)))
    counts, have = resolve_quotas(pool, budget, "proportional"), count_groups(pool)
    assert sum(counts.values()) == budget
    for name, count in counts.items():
        assert abs(count - budget * have[name] / len(pool)) < 1
        assert count <= have[name]


@given(st.dictionaries(st.text(max_size=3), st.floats(1e-3, 1e3), min_size=1), st.integers(0, 10**7))
def test_a_budget_is_divided_without_loss_and_in_proportion(shares, budget):
    counts = divide_budget(shares, budget)
    assert sum(counts.values()) == budget
    for name, share in shares.items():
        assert abs(counts[name] - budget * share / sum(shares.values())) <= 1 + 1e-6


filling = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.integers(0, 9) | st.floats(0.01, 9), st.integers(0, 12)), min_size=1
)


@given(filling, st.integers(0, 60), st.randoms(use_true_random=False))
def test_shares_are_filled_up_to_the_budget_or_to_what_there_is_room_for_in_any_order(wanted, budget, random):
    shares = {name: share for name, (share, _) in wanted.items()}
    capacity = {name: n for name, (_, n) in wanted.items()}
    found = fill_shares(shares, capacity, budget)
    assert sum(found.values()) == min(budget, sum(n for name, n in capacity.items() if shares[name] > 0))
    assert all(n <= capacity[name] for name, n in found.items())
    shuffled = random.sample(sorted(shares), len(shares))
    assert fill_shares({name: shares[name] for name in shuffled}, capacity, budget) == found
    open_shares = {name: shares[name] for name, n in found.items() if n < capacity[name] and shares[name] > 0}
    part = divide_budget(open_shares, sum(found[name] for name in open_shares)) if open_shares else {}
    assert all(abs(found[name] - n) <= len(shares) for name, n in part.items())


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 9), min_size=1), st.integers(0, 60))
def test_where_nothing_is_full_a_budget_is_filled_as_it_is_divided(shares, budget):
    assert fill_shares(shares, dict.fromkeys(shares, 60), budget) == divide_budget(shares, budget)


def test_what_one_cannot_take_goes_to_the_others_by_their_shares_beside_what_they_have():
    assert fill_shares({"a": 2, "b": 1, "c": 1}, {"a": 20, "b": 20, "c": 1}, 13) == {"a": 8, "b": 4, "c": 1}
    given = {"a": 1, "b": 1, "z": 4}
    assert fill_shares({"a": 3, "b": 1}, {"a": 3, "b": 9}, 12, given=given) == {"a": 3, "b": 5, "z": 4}


def test_a_budget_is_a_whole_number_of_rows_that_are_there(unchecked):
    require_budget(3, 3)
    with pytest.raises(TypeError, match=r"budget must be a whole number, got 2\.5"):
        require_budget(2.5, 3)
    with pytest.raises(ValueError, match="budget must be at least 1, got 0"):
        require_budget(0, 3)
    with pytest.raises(ValueError, match="at most the 3 rows of the pool, got 4; lower it or widen the pool"):
        require_budget(4, 3)


def test_equal_quotas_are_equal_and_available_rows_replace_the_pool():
    available = {"deu": 5, "swh": 5, "yor": 0}
    assert resolve_quotas(POOL, 6, "equal", available=available) == {"deu": 3, "swh": 3, "yor": 0}


@pytest.mark.parametrize(
    ("budget", "quotas", "message"),
    [
        (4, {"deu": 0.5, "swh": 0.4}, "shares that sum to 1, got a sum of 0.9"),
        (4, {"deu": 2, "swh": 1}, "counts that sum to the budget 4, got a sum of 3"),
        (4, {"fin": 1.0}, "must name groups of the pool, got 'fin'; the pool has deu, swh, tam"),
        (6, "equal", "'tam' is to give 2 rows and has 1"),
        (5, {"swh": 5}, "'swh' is to give 5 rows and has 3"),
        (4, {"deu": 3, "swh": 0.5}, "all shares .* or all counts"),
        (4, {"deu": 1.5, "swh": -0.5}, "got 1.5 for 'deu'"),
        (11, "proportional", "budget must be at most the 10 rows available, got 11"),
        (4, "even", "one of proportional, equal, got 'even'"),
    ],
)
def test_quotas_that_cannot_be_met_are_refused_by_name(budget, quotas, message):
    with pytest.raises(ValueError, match=message):
        resolve_quotas(POOL, budget, quotas)


def walked_slowly(order, groups, counts):
    left, taken = dict(counts), []
    for row in order:
        if left.get(groups[row], 0) > 0:
            left[groups[row]] -= 1
            taken.append(row)
    return taken


@given(labels, st.integers(0, 2**32 - 1), st.data())
def test_walking_an_order_takes_what_a_loop_over_it_takes(pool, seed, data):
    order = np.random.default_rng(seed).permutation(len(pool))
    counts = {name: data.draw(st.integers(0, n)) for name, n in count_groups(pool).items()}
    assert choose_within_quotas(order, pool, counts).tolist() == walked_slowly(order, pool, counts)


def test_an_order_that_ends_too_early_is_refused():
    with pytest.raises(ValueError, match="'swh' is to give 2 rows and has 1"):
        choose_within_quotas(np.array([0, 6]), POOL, {"deu": 1, "swh": 2})
    with pytest.raises(ValueError, match="'yor' is to give 1 rows and has 0"):
        choose_within_quotas(np.arange(10), POOL, {"yor": 1})


@pytest.mark.parametrize("kind", [list, np.array, lambda x: np.array(x, dtype=object)])
def test_labels_may_be_lists_or_arrays_and_keep_their_names(kind):
    assert count_groups(kind(["b", "a", "b"])) == {"b": 2, "a": 1}
    assert count_groups(kind([7, 3, 7])) == {7: 2, 3: 1}


def test_labels_may_be_pairs_and_a_missing_one_is_refused():
    assert count_groups([("Math", "deu"), ("Math", "swh"), ("Math", "deu")])[("Math", "deu")] == 2
    with pytest.raises(ValueError, match="got none in 1 of 2, first in row 1"):
        code_groups(["deu", None])
    with pytest.raises(ValueError, match="a label for each of the 3 rows, got 2"):
        code_groups(["deu", "swh"], n=3)


@given(st.lists(st.integers(0, 5), max_size=30))
def test_ranks_count_the_rows_of_the_group_before(codes):
    ranks = rank_within_groups(np.array(codes, dtype=np.int64))
    assert ranks.tolist() == [codes[:i].count(code) for i, code in enumerate(codes)]
