"""The transport selector: what it chooses, and what must not change that."""

import numpy as np
import ot
import pytest

from selection.data.baselines import random_select
from selection.data.transport import TransportSettings, fit_transport, transport_select
from selection.data.transport.centring import GroupMeans


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def problem(n=600, m=20, d=96, seed=0, *, dtype=np.float64):
    """A pool of ten subjects, a target of three."""
    rng = np.random.default_rng(seed)
    centres = 0.9 * rng.standard_normal((10, d))
    subjects, wanted = rng.integers(10, size=n), rng.integers(3, size=m)
    x, y = centres[subjects] + rng.standard_normal((n, d)), centres[wanted] + rng.standard_normal((m, d))
    return x.astype(dtype), y.astype(dtype), subjects, wanted


def exact_cost(x, y):
    return ot.emd2([], [], (1 - unit(x) @ unit(y).T) / 2)


@pytest.mark.parametrize("seed", range(3))
def test_chosen_rows_cover_the_target_nearly_as_well_as_any_can(seed):
    x, y, _, _ = problem(n=200, m=10, seed=seed)
    cost, budget = (1 - unit(x) @ unit(y).T) / 2, 30
    best = ot.partial.partial_wasserstein(np.full(200, 1 / budget), np.full(10, 0.1), cost, m=1)
    bound = (best * cost).sum()  # no rows of one part in 30 each, whole or in pieces, are nearer
    rng = np.random.default_rng(seed)
    random = min(exact_cost(x[rng.permutation(200)[:budget]], y) for _ in range(20))
    for epsilon in (0.0, 0.01):
        chosen = transport_select(x, y, budget, epsilon=epsilon, density_discount=False)
        reached = exact_cost(x[chosen.indices], y)
        assert bound - 1e-9 <= reached <= bound + 0.15 * (random - bound)


def test_each_subject_gets_its_part_of_the_budget():
    x, y, subjects, wanted = problem(n=2000, m=60)
    chosen = transport_select(x, y, 100)
    got = np.bincount(subjects[chosen.indices], minlength=10)
    assert got[3:].sum() == 0
    np.testing.assert_allclose(got[:3] / 100, np.bincount(wanted, minlength=3) / 60, atol=0.06)


@pytest.mark.parametrize(("n_each", "budget"), [(10, 80), (10, 24), (100, 80)])
def test_a_subject_whose_rows_are_slightly_better_does_not_take_the_part_of_another(n_each, budget):
    """A quarter of the target is of one subject; where targets are more than the budget, too."""
    a, b = np.eye(64)[:2] * 6
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x = np.concatenate([a + rng.standard_normal((400, 64)), b + 1.1 * rng.standard_normal((400, 64))])
        y = np.concatenate([a + rng.standard_normal((n_each, 64)), b + rng.standard_normal((3 * n_each, 64))])
        for epsilon in (0.003, 0.01, 0.1):
            chosen = transport_select(x, y, budget, epsilon=epsilon)
            assert abs(int((chosen.indices < 400).sum()) - budget / 4) <= 2


def test_a_target_that_is_part_of_the_pool_is_served_by_other_rows():
    """Else each row serves itself at no cost, and nothing tells which rows stand for others."""
    x, _, _, _ = problem(n=400)
    costs = {}
    for name, rows in (("others", np.arange(400)), ("itself", None)):
        costs[name] = exact_cost(x[transport_select(x, x, 40, target_rows=rows).indices], x)
    drawn = [exact_cost(x[random_select(400, 40, seed=seed).indices], x) for seed in range(20)]
    assert costs["others"] < min(drawn)
    assert costs["others"] < costs["itself"]
    own = np.where(np.arange(400) < 30, np.arange(400), -1)
    model = fit_transport(x, x[:30])
    apart = model.score(x, own=own)
    np.testing.assert_allclose(apart[30:], model.score(x)[30:], atol=1e-12)
    among = (1 - unit(x[:30]) @ unit(x[:30]).T) / 2 + np.diag(np.full(30, np.inf))
    logs = (model.target_potentials - among) / model.epsilon
    np.testing.assert_allclose(apart[:30], -model.epsilon * np.log(np.exp(logs).mean(axis=1)), atol=1e-6)


def test_the_cost_of_rows_that_are_targets_is_that_of_serving_others():
    x, _, _, _ = problem(n=60)
    wanted = np.arange(40)
    for budget in (1, 20, 45):
        chosen = transport_select(x, x[wanted], budget, target_rows=wanted, epsilon=0.0)
        costs = (1 - unit(x[chosen.indices]) @ unit(x[wanted]).T) / 2
        costs[chosen.indices[:, None] == wanted] = 100 if budget > 1 else 0
        assert chosen.cost == pytest.approx(ot.emd2([], [], costs), abs=1e-9)
        assert chosen.converged


@pytest.mark.parametrize("rows", [[0, 0, 1], [0, 1], [0, 1, 40], [0.0, 1.0, 2.0]])
def test_target_rows_that_are_not_of_the_pool_are_refused(rows):
    x, y, _, _ = problem(n=40, m=3)
    with pytest.raises(ValueError, match="target_rows must be"):
        transport_select(x, y, 5, target_rows=rows)


def test_the_order_of_the_target_changes_nothing():
    x, y, _, _ = problem(n=800, m=80)
    order = np.random.default_rng(1).permutation(80)
    for budget in (60, 100):
        one, other = transport_select(x, y, budget), transport_select(x, y[order], budget)
        assert set(one.indices) == set(other.indices)


def test_a_budget_of_all_that_the_pool_is_worth_moves_all_of_it_and_says_so():
    x, y, _, _ = problem(n=40)
    copies = np.repeat(x, 10, axis=0)
    groups = np.tile(["a", "b"], 200)
    chosen = transport_select(copies, y, 60, sigma=0.1)
    assert chosen.moved == "all"
    np.testing.assert_array_equal(chosen.scores, chosen.potentials)
    for options in ({}, {"moved": "all"}, {"unbalanced": 1.0}):
        limited = transport_select(copies, y, 60, groups=groups, quotas={"a": 60}, sigma=0.1, **options)
        assert np.isinf(limited.scores[groups == "b"]).all()
        assert np.isfinite(limited.scores[groups == "a"]).all()
        assert (groups[limited.indices] == "a").all()


def test_quality_brings_rows_nearer_and_nothing_else():
    x, y, _, _ = problem(n=800)
    quality = np.random.default_rng(4).random(800)
    plain, worth = transport_select(x, y, 60), transport_select(x, y, 60, quality=quality)
    more = transport_select(x, y, 60, quality=quality, quality_weight=0.8)
    means = [quality[one.indices].mean() for one in (plain, worth, more)]
    assert means[0] + 0.1 < means[1] < means[2] - 0.05
    assert plain.cost < worth.cost < more.cost
    same = transport_select(x, y, 60, reliability=0.7 + 0.3 * quality)
    np.testing.assert_array_equal(worth.indices, same.indices)
    np.testing.assert_array_equal(transport_select(x, y, 60, quality=quality, quality_weight=0).indices, plain.indices)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quality": np.full(40, 1.5)}, r"quality must be in \[0, 1\], got 1.5 in row 0"),
        ({"quality": np.full(40, np.nan)}, r"quality must be in \[0, 1\], got nan in row 0"),
        ({"quality": np.ones(3)}, r"a number for each of 40 rows, got shape \(3,\)"),
        ({"quality": np.ones(40), "quality_weight": 1}, "quality_weight must be at least 0 and below 1, got 1"),
    ],
)
def test_qualities_that_mean_nothing_are_refused(options, message):
    x, y, _, _ = problem(n=40)
    with pytest.raises(ValueError, match=message):
        transport_select(x, y, 5, **options)


def test_quotas_are_part_of_the_prices():
    """Groups that are nowhere near the target still bring the rows of theirs that serve it best."""
    rng = np.random.default_rng(0)
    centres = 3 * np.eye(48)[:6]
    groups = np.repeat(["near", "far", "farther"], 400)
    bias = np.repeat(np.array([0.0, 4.0, 6.0]), 400)[:, None] * np.eye(48)[20]
    subject = rng.integers(6, size=1200)
    x = centres[subject] + bias + rng.standard_normal((1200, 48)) * 0.7
    y = centres[rng.integers(3, size=60)] + rng.standard_normal((60, 48)) * 0.7
    budget = 60
    for quotas in ("equal", {"near": 10, "far": 40, "farther": 10}):
        chosen = transport_select(x, y, budget, groups=groups, quotas=quotas, group_means=none_of(groups, 48))
        drawn = []
        for seed in range(10):
            rows = random_select(1200, budget, groups=groups, quotas=quotas, seed=seed).indices
            drawn.append(chosen.model.cost(x[rows], groups[rows]))
        assert chosen.cost < min(drawn) - 3 * np.std(drawn)
        wanted = np.mean(subject[chosen.indices] < 3)
        assert wanted > 0.9
    without = transport_select(x, y, 20, groups=groups, quotas={"near": 20}, group_means=none_of(groups, 48))
    assert (groups[without.indices] == "near").all()
    assert np.isinf(without.scores[400:]).all()


def none_of(groups, width):
    """Means that take nothing away."""
    names = tuple(sorted(set(groups)))
    return GroupMeans(names, np.zeros((len(names), width)), np.ones(len(names), dtype=np.int64))


def test_a_weighted_target_gets_more_of_the_budget():
    x, y, subjects, wanted = problem(n=2000, m=60)
    weights = np.where(wanted == 0, 6.0, 1.0)
    chosen = transport_select(x, y, 100, target_weights=weights)
    share = weights[wanted == 0].sum() / weights.sum()
    assert abs(np.mean(subjects[chosen.indices] == 0) - share) < 0.08


def test_shuffling_the_pool_chooses_the_same_rows():
    x, y, _, _ = problem(n=700, dtype=np.float32)
    groups = np.random.default_rng(1).choice(["a", "b"], size=700)
    order = np.random.default_rng(2).permutation(700)
    for options in ({}, {"n_fit": 150}):
        one = transport_select(x, y, 60, groups=groups, quotas={"a": 0.5, "b": 0.5}, **options)
        other = transport_select(x[order], y, 60, groups=groups[order], quotas={"a": 0.5, "b": 0.5}, **options)
        assert set(order[other.indices]) == set(one.indices)
        np.testing.assert_allclose(other.scores, one.scores[order], atol=1e-5)
        np.testing.assert_allclose(other.potentials, one.potentials[order], atol=1e-5)


def test_the_same_call_gives_the_same_answer_in_any_number_of_threads():
    x, y, _, _ = problem(dtype=np.float32)
    one, other = (transport_select(x, y, 50, n_threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one.indices, other.indices)
    np.testing.assert_array_equal(one.scores, other.scores)


def test_indices_follow_the_scores_and_ties_go_to_the_smaller_row():
    x, y, _, _ = problem()
    chosen = transport_select(x, y, 50, density_discount=False, moved="all")
    np.testing.assert_array_equal(chosen.indices, np.argsort(chosen.scores, kind="stable")[:50])
    chosen = transport_select(x, y, 50)
    assert (np.diff(chosen.scores[chosen.indices]) >= 0).all()
    twice = np.repeat(x[:40], 2, axis=0)
    chosen = transport_select(twice, y, 21, density_discount=False, moved="all")
    assert (chosen.indices[::2] % 2 == 0).all()
    np.testing.assert_array_equal(chosen.indices[1::2], chosen.indices[:-1:2] + 1)


def test_potentials_are_the_duals_of_moving_the_whole_pool():
    x, y, _, _ = problem(n=120, m=9)
    a, b = np.random.default_rng(0).dirichlet(np.full(120, 9.0)), np.random.default_rng(1).dirichlet(np.full(9, 9.0))
    _, log = ot.emd2(a, b, (1 - unit(x) @ unit(y).T) / 2, log=True)
    exact = transport_select(x, y, 10, epsilon=0.0, pool_weights=a, target_weights=b, density_discount=False)
    f = log["u"] - log["u"].mean()
    np.testing.assert_allclose(exact.potentials - exact.potentials.mean(), f, atol=1e-9)
    soft = transport_select(x, y, 10, pool_weights=a, target_weights=b, density_discount=False)
    assert np.corrcoef(soft.potentials, f)[0, 1] > 0.995
    every = transport_select(x, y, 10, moved="all", density_discount=False)
    np.testing.assert_array_equal(every.potentials, every.scores)


def test_a_copied_row_stands_for_one():
    """At a sigma that reaches copies alone: it is in units of the pool's spread, which copies change a little."""
    x, y, _, _ = problem(n=300)
    favourite = int(transport_select(x, y, 1).indices[0])
    copied = np.concatenate([x, np.repeat(x[[favourite]], 50, axis=0)])
    plain, crowded = transport_select(x, y, 40, sigma=0.3), transport_select(copied, y, 40, sigma=0.3)
    assert crowded.n_distinct == pytest.approx(plain.n_distinct, abs=1e-3)
    assert set(crowded.indices) == set(plain.indices)
    np.testing.assert_allclose(crowded.scores[:300], plain.scores, atol=1e-4)


def test_copies_fill_a_budget_that_nothing_else_can():
    x, y, _, _ = problem(n=30)
    copied = np.concatenate([x, x])
    chosen = transport_select(copied, y, 45)
    assert set(chosen.indices[:30] % 30) == set(range(30))
    assert chosen.n_repeating == 15
    assert len(set(chosen.indices)) == 45


def test_near_duplicates_wait_and_strangers_do_not():
    x, y, _, _ = problem(n=200)
    near = x + 0.05 * np.random.default_rng(0).standard_normal(x.shape)
    chosen = transport_select(np.concatenate([x, near]), y, 60)
    assert len({row % 200 for row in chosen.indices}) == 60
    everything = transport_select(np.concatenate([x, near]), y, 60, sigma=1e-3)
    assert len({row % 200 for row in everything.indices}) < 60


def test_quotas_are_kept_to_the_row():
    x, y, _, _ = problem()
    groups = np.random.default_rng(0).choice(["a", "b", "c"], size=600, p=[0.6, 0.3, 0.1])
    chosen = transport_select(x, y, 50, groups=groups, quotas={"a": 10, "b": 15, "c": 25})
    assert [int((groups[chosen.indices] == name).sum()) for name in "abc"] == [10, 15, 25]
    equal = transport_select(x, y, 50, groups=groups, quotas="equal")
    assert sorted(np.unique(groups[equal.indices], return_counts=True)[1]) == [16, 17, 17]
    free = transport_select(x, y, 50, groups=groups, density_discount=False, moved="all")
    within = transport_select(x, y, 50, groups=groups, quotas="equal", density_discount=False, moved="all")
    for name in "abc":
        mine = within.indices[groups[within.indices] == name]
        of_group = np.flatnonzero(groups == name)
        best = of_group[np.argsort(free.scores[of_group], kind="stable")[: len(mine)]]
        np.testing.assert_array_equal(mine, best)


def test_an_unreliable_language_is_chosen_less():
    x, y, _, _ = problem()
    groups = np.where(np.arange(600) % 2, "near", "far")
    shares = [
        np.mean(groups[transport_select(x, y, 60, groups=groups, reliability={"near": 1.0, "far": r}).indices] == "far")
        for r in (1.0, 0.9, 0.7, 0.3)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.3
    assert shares[-1] < 0.05


def test_centring_lets_a_language_far_from_the_target_in():
    x, y, subjects, _ = problem(dtype=np.float32)
    groups = np.where(np.arange(600) % 2, "eng", "swh")
    moved = x + 6 * np.random.default_rng(5).standard_normal(96).astype(np.float32) * (groups == "swh")[:, None]
    aligned = transport_select(moved, y, 60, groups=groups, target_groups=["eng"] * 20)
    assert 0.3 < np.mean(groups[aligned.indices] == "swh") < 0.7
    assert np.mean(subjects[aligned.indices] < 3) > 0.95
    apart = transport_select(moved, y, 60)
    assert np.mean(groups[apart.indices] == "swh") < 0.2


def test_a_pool_larger_than_a_fit_is_covered_as_well_as_one_that_fits():
    x, y, _, _ = problem(n=6000, m=20, dtype=np.float32)
    judge = fit_transport(x, y, settings=TransportSettings(epsilon=0.0, n_fit=6000))
    whole, sampled = (transport_select(x, y, 60, n_fit=n) for n in (6000, 500))
    assert sampled.n_fitted < 6000
    assert sampled.density == "sampled"
    rng = np.random.default_rng(0)
    random = min(judge.cost(x[rng.permutation(6000)[:60]]) for _ in range(5))
    best, reached = judge.cost(x[whole.indices]), judge.cost(x[sampled.indices])
    assert reached < best + 0.1 * (random - best)


def test_a_price_for_leaving_masses_runs_from_all_to_free():
    x, y, _, _ = problem(n=200)
    every = transport_select(x, y, 20, moved="all", density_discount=False)
    dear = transport_select(x, y, 20, unbalanced=1e4, density_discount=False)
    np.testing.assert_allclose(dear.scores - dear.scores.mean(), every.scores - every.scores.mean(), atol=1e-3)
    free = transport_select(x, y, 20, unbalanced=0.0, density_discount=False)
    cost = (1 - unit(x) @ unit(y).T) / 2
    g = -free.epsilon * np.log(np.mean(np.exp(-cost / free.epsilon), axis=0))
    expected = -free.epsilon * np.log(np.mean(np.exp((g - cost) / free.epsilon), axis=1))
    np.testing.assert_allclose(free.scores, expected, atol=1e-3 * free.epsilon)
    np.testing.assert_array_equal(free.potentials, 0)


def test_the_cost_of_a_choice_is_that_of_its_plan():
    x, y, _, _ = problem(n=100)
    chosen = transport_select(x, y, 30, epsilon=0.0)
    assert chosen.cost == pytest.approx(exact_cost(x[chosen.indices], y), abs=1e-12)
    assert chosen.cost < min(chosen.model.cost(x[np.random.default_rng(i).permutation(100)[:30]]) for i in range(10))


def test_the_whole_pool_is_a_budget_too():
    x, y, _, _ = problem(n=50)
    assert sorted(transport_select(x, y, 50).indices) == list(range(50))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": 0}, "budget must be at least 1"),
        ({"budget": 601}, "budget must be at most the 600 rows of the pool, got 601"),
        ({"moved": "some"}, "moved must be one of budget, all"),
        ({"sigma": 0.0}, "sigma must be above 0"),
        ({"quotas": {"a": 1.0}}, "quotas need groups"),
        ({"groups": ["a"] * 3}, "groups must have a label for each of the 600 rows, got 3"),
        ({"quotas": {"b": 1.0}, "groups": ["a"] * 600}, "quotas must name groups of the pool, got 'b'"),
        ({"reliability": {"a": 0.5}}, "reliability by group needs groups"),
        ({"reliability": {"b": 0.5}, "groups": ["a"] * 600}, "got none for 'a'"),
        ({"reliability": np.zeros(600)}, "reliability must be above 0 and at most 1, got 0.0 in row 0"),
        ({"pool_weights": np.ones(3)}, "pool_weights must hold a weight for each of the 600 rows"),
        ({"target_weights": -np.ones(20)}, "target_weights must be above 0 and finite, got -1.0 in row 0"),
        ({"target": np.ones((3, 5))}, "target must have 96 columns"),
        ({"target": np.zeros((3, 96))}, "target must not hold zero vectors"),
    ],
)
def test_unfit_arguments_are_named(unchecked, change, message):
    x, y, _, _ = problem()
    arguments = {"target": y, "budget": 10, **change}
    with pytest.raises(ValueError, match=message):
        transport_select(x, **arguments)


def test_bad_rows_are_named():
    x, y, _, _ = problem()
    for value, message in ((np.nan, "NaN or infinity in 1 of 600 rows, first in row 7"), (0.0, "got one in row 7")):
        broken = x.copy()
        broken[7] = value
        with pytest.raises(ValueError, match=message):
            transport_select(broken, y, 10)
