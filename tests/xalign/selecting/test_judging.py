"""Every measure agrees with an independent calculation or a closed form."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment, linprog
from scipy.sparse import csr_array

from xalign.selecting.material.targets import MOST_OF_POOL
from xalign.selecting.results.judging import (
    TARGET_SAMPLE,
    Judge,
    RandomDraws,
    cost_curve,
    draw_sets,
    entropy,
    judge_arms,
    language_shares,
    percentile,
)

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(40, 5)).astype(np.float32)


@pytest.fixture
def space(make_space_of):
    return make_space_of(VECTORS, VECTORS[:8], languages=np.arange(40) % 4)


def cosines(x, y):
    x, y = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x.astype(float), y.astype(float)))
    return x @ y.T


def test_cost_is_that_of_the_best_assignment_where_both_have_as_many_rows(space):
    rows = np.array([3, 9, 17, 21, 30, 31, 35, 39])
    costs = (1 - cosines(VECTORS[rows], VECTORS[:8])) / 2
    assigned = costs[linear_sum_assignment(costs)].mean()
    assert Judge(space, None).cost(rows) == pytest.approx(assigned, abs=1e-6)


def test_the_target_itself_costs_nothing_and_covers_all(space):
    found = Judge(space, None).measure(np.arange(8))
    assert found["cost"] == pytest.approx(0, abs=1e-6)
    assert found["coverage"] == pytest.approx(1, abs=1e-6)


def test_coverage_is_the_mean_cosine_of_a_target_to_its_nearest_row(space):
    rows = np.array([10, 20, 30])
    expected = cosines(VECTORS[rows], VECTORS[:8]).max(axis=0).mean()
    assert Judge(space, None).measure(rows)["coverage"] == pytest.approx(expected, abs=1e-6)


@pytest.fixture
def own_space(space):
    """A space whose targets are rows 3 to 8 of its pool, in another order."""
    places = np.array([5, 3, 8, 4, 7, 6])
    return replace(space, target_rows=VECTORS[places], target_groups=("l0",) * 6, places=places)


def cost_by_programme(rows, places):
    """The cheapest plan in which no row serves itself, as a linear programme of the pairs that there are."""
    pairs = [(i, j) for i in range(len(rows)) for j in range(len(places)) if rows[i] != places[j]]
    costs = (1 - cosines(VECTORS[rows], VECTORS[places])) / 2
    gives = np.array([[i == row for i, _ in pairs] for row in range(len(rows))], dtype=float)
    receives = np.array([[j == target for _, j in pairs] for target in range(len(places))], dtype=float)
    masses = np.repeat([1 / len(rows), 1 / len(places)], [len(rows), len(places)])
    return linprog([costs[pair] for pair in pairs], A_eq=np.concatenate([gives, receives]), b_eq=masses).fun


@pytest.mark.parametrize("rows", [[3, 4, 5, 6, 7, 8], [3, 8], [5, 20, 31], [8, 0, 4, 39], list(range(12))])
def test_a_row_that_is_a_target_serves_the_others_only(own_space, rows):
    found = Judge(own_space, None).measure(np.array(rows))
    assert found["cost"] == pytest.approx(cost_by_programme(rows, own_space.places), abs=1e-6)
    best = [max(cosines(VECTORS[[row]], VECTORS[[to]])[0, 0] for row in rows if row != to) for to in own_space.places]
    assert found["coverage"] == pytest.approx(np.mean(best), abs=1e-6)


def test_of_pairs_with_itself_alone_nothing_is_measured(own_space):
    judge, others = Judge(own_space, None), np.array([3, 8, 4, 7, 6])
    alone = judge.measure(np.array([5]))
    assert alone["cost"] == pytest.approx((1 - cosines(VECTORS[[5]], VECTORS[others]).mean()) / 2, abs=1e-6)
    assert alone["coverage"] == pytest.approx(cosines(VECTORS[[5]], VECTORS[others]).mean(), abs=1e-6)
    lone = Judge(replace(own_space, target_rows=VECTORS[[5]], target_groups=("l0",), places=np.array([5])), None)
    assert lone.cost(np.array([5, 9])) == pytest.approx(lone.cost(np.array([9])), abs=1e-6)
    assert [float(one[0]) for one in lone.nearest_targets(np.array([5]))] == [0, 1]
    assert np.isnan([lone.measure(np.array([5]))[name] for name in ("cost", "coverage")]).all()


def test_a_sample_of_rows_and_targets_leaves_the_same_pairs_out(own_space, monkeypatch):
    monkeypatch.setattr("xalign.selecting.results.judging.SAMPLE", 4)
    monkeypatch.setattr("xalign.selecting.results.judging.TARGET_SAMPLE", 3)
    judge, rows = Judge(own_space, None, seed=3), np.arange(2, 10)
    drawn = np.sort(np.random.default_rng(3).choice(rows, 4, replace=False)).tolist()
    wanted = own_space.places[np.sort(np.random.default_rng(3).choice(6, 3, replace=False))]
    assert set(drawn) & set(wanted.tolist())
    assert judge.cost(rows) == pytest.approx(cost_by_programme(drawn, wanted), abs=1e-6)


def test_a_target_of_the_pool_is_judged_whole():
    assert TARGET_SAMPLE >= MOST_OF_POOL


def test_the_nearest_target_of_a_row_is_another_row(own_space):
    nearest, similarity = Judge(own_space, None).nearest_targets(np.arange(10))
    assert not (own_space.places[nearest] == np.arange(10)).any()
    expected = [
        max(cosines(VECTORS[[row]], VECTORS[[to]])[0, 0] for to in range(3, 9) if to != row) for row in range(10)
    ]
    assert similarity == pytest.approx(expected, abs=1e-6)


def test_the_order_of_a_set_changes_no_measure(space):
    rows = RNG.permutation(40)[:20]
    judge = Judge(space, RNG.normal(size=40))
    assert judge.measure(rows) == pytest.approx(judge.measure(np.sort(rows)), nan_ok=True)


def test_a_large_set_is_sampled_the_same_in_any_order(space, monkeypatch):
    monkeypatch.setattr("xalign.selecting.results.judging.SAMPLE", 6)
    rows = RNG.permutation(40)[:20]
    judge = Judge(space, None)
    assert judge.cost(rows) == judge.cost(np.sort(rows)) != judge.cost(rows[:6])


def test_duplicates_are_the_rows_whose_text_stands_earlier(make_space_of):
    texts = np.arange(40)
    texts[[5, 6, 7]] = 4
    space = make_space_of(VECTORS, VECTORS[:2], texts=texts)
    assert Judge(space, None).measure(np.arange(4, 12))["duplicates"] == pytest.approx(3 / 8)


def test_near_duplicates_are_those_with_an_earlier_row_at_a_cosine_of_95_hundredths(make_space_of):
    angles = np.radians([0, 10, 60, 75, 150])
    space = make_space_of(np.stack([np.cos(angles), np.sin(angles)], axis=1), np.eye(2))
    judge = Judge(space, None)
    assert judge.measure(np.arange(5))["near_duplicates"] == pytest.approx(2 / 5)
    assert judge.measure(np.array([0, 2, 4]))["near_duplicates"] == 0


def test_entropies_are_of_languages_and_of_labels_that_rows_have(make_space_of):
    tags = csr_array(np.array([[1, 0, 1], [1, 0, 0], [0, 1, 0], [0, 1, 0]] * 10, dtype=np.float32))
    space = make_space_of(VECTORS, VECTORS[:2], languages=np.arange(40) // 20, tags=tags)
    found = Judge(space, None).measure(np.array([0, 1, 2, 39]))
    assert found["language_entropy"] == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))
    assert found["label_entropy"] == pytest.approx(-2 * 0.4 * np.log(0.4) - 0.2 * np.log(0.2))


@given(st.lists(st.integers(0, 9), min_size=1).filter(any))
def test_entropy_lies_between_nothing_and_that_of_equal_parts(counts):
    value = entropy(np.array(counts))
    assert -1e-12 <= value <= np.log(np.count_nonzero(counts)) + 1e-12


@given(st.integers(0, 6), st.lists(st.integers(0, 6), min_size=1, max_size=20))
def test_percentile_counts_draws_below_and_ties_half(value, draws):
    expected = 100 * (sum(draw < value for draw in draws) + 0.5 * draws.count(value)) / len(draws)
    assert percentile(float(value), np.array(draws, dtype=float)) == pytest.approx(expected)


def test_draws_keep_quotas_and_differ(make_pool):
    pool = make_pool(VECTORS, languages=np.arange(40) % 4)
    quotas = {"l0": 3, "l1": 2, "l2": 0, "l3": 1}
    draws = draw_sets(pool, 6, quotas, n_draws=5, seed=1)
    assert [np.bincount(pool.languages[rows], minlength=4).tolist() for rows in draws] == [[3, 2, 0, 1]] * 5
    assert len({tuple(sorted(rows)) for rows in draws}) == 5
    assert all(np.array_equal(a, b) for a, b in zip(draws, draw_sets(pool, 6, quotas, n_draws=5, seed=1), strict=True))


def test_the_table_has_the_arms_then_the_draws_with_mean_and_spread(space):
    judge = Judge(space, np.arange(40.0))
    draws = draw_sets(space.pool, 8, None, n_draws=7, seed=0)
    table = judge_arms({"best": np.arange(8), "few": np.array([39])}, RandomDraws(judge, n_draws=7)).set_index("arm")
    quality = [float(np.mean(rows)) for rows in draws]
    assert list(table.index) == ["best", "few", "random draws"]
    assert table["rows"].tolist() == [8, 1, 8]
    assert table.loc["random draws", "mean_quality"] == pytest.approx(np.mean(quality))
    assert table.loc["random draws", "mean_quality_sd"] == pytest.approx(np.std(quality, ddof=1))
    assert table.loc["best", "mean_quality"] == 3.5
    assert table.loc["best", "mean_quality_percentile"] == percentile(3.5, np.array(quality))
    assert table.loc["best", "cost_percentile"] == 0


def test_every_arm_is_judged_against_draws_of_its_own_size(space):
    judge = Judge(space, np.arange(40.0))
    arms = {"all": np.arange(30), "few": np.arange(3)}
    table = judge_arms(arms, RandomDraws(judge, n_draws=9, seed=2)).set_index("arm")
    for name, rows in arms.items():
        alike = [judge.measure(draw)["coverage"] for draw in draw_sets(space.pool, len(rows), None, n_draws=9, seed=2)]
        own = judge.measure(rows)["coverage"]
        assert table.loc[name, "coverage_percentile"] == percentile(own, np.array(alike))


def test_draws_like_a_set_that_falls_short_of_its_quotas_fall_short_in_the_same_languages(make_space_of):
    space = make_space_of(VECTORS, VECTORS[:8], languages=np.arange(40) % 4)
    draws = RandomDraws(Judge(space, None), within_quotas=True, n_draws=4)
    found = [np.bincount(space.pool.languages[rows], minlength=4).tolist() for rows in draws.like(np.array([0, 4, 1]))]
    assert found == [[2, 1, 0, 0]] * 4


def test_shares_of_every_arm_sum_to_one_and_a_language_the_pool_lacks_is_listed(make_pool):
    pool = make_pool(VECTORS, languages=np.arange(40) % 4)
    shares = language_shares(pool, ["l1", "l1", "xx"], {"one": np.arange(4), "two": np.array([0, 4])}).set_index(
        "language"
    )
    assert shares.sum().tolist() == pytest.approx([1, 1, 1, 1])
    assert shares.loc["xx"].tolist() == [0, pytest.approx(1 / 3), 0, 0]
    assert shares["two"].tolist() == [1, 0, 0, 0, 0]


def test_the_curve_ends_at_the_whole_choice_and_its_sizes_grow(space):
    judge, chosen = Judge(space, None), np.arange(39, 7, -1)
    draws = draw_sets(space.pool, 32, None, n_draws=3, seed=0)
    curve = cost_curve(judge, chosen, draws)
    assert all(a < b for a, b in pairwise(curve["budget"]))
    assert curve.iloc[-1]["budget"] == 32
    assert curve.iloc[-1]["cost"] == judge.cost(chosen)
    assert curve.iloc[-1]["random_cost"] == pytest.approx(np.mean([judge.cost(draw) for draw in draws]))


def test_nearest_targets_are_those_of_the_highest_cosine(space):
    rows = np.arange(40)[::-1]
    nearest, similarity = Judge(space, None).nearest_targets(rows)
    expected = cosines(VECTORS[rows], VECTORS[:8])
    assert nearest.tolist() == expected.argmax(axis=1).tolist()
    assert similarity == pytest.approx(expected.max(axis=1), abs=1e-6)


def test_rows_that_are_the_target_are_told_another_and_do_not_cover_themselves(select, pool):
    found = select(pool, "lang:swh_Latn,tam_Taml", 24, quotas="target", method="round_robin")
    assert set(found.rows["language"]) == {"swh_Latn", "tam_Taml"}
    assert (found.rows["nearest_target"] != found.rows["id"]).all()
    assert found.table["coverage"].max() < 0.99
    assert found.table["cost"].min() > 0.01
