"""Prices of targets against POT's solvers, against finite differences, and in their limits."""

import math

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from selection.data.transport import TransportSettings, calibrated_gradient, fit_transport
from selection.data.transport.fitting import align_target, fit_sample
from selection.data.transport.row_samples import PoolRows


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def clusters(n, m, d=12, *, seed=0, dtype=np.float64):
    """A pool with subjects, of which the target has some."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((8, d))
    x = centres[rng.integers(8, size=n)] + rng.standard_normal((n, d))
    y = centres[rng.integers(4, size=m)] + rng.standard_normal((m, d))
    return x.astype(dtype), y.astype(dtype)


def half_cosines(x, y):
    return (1 - unit(x) @ unit(y).T) / 2


def fitted(x, y, a=None, b=None, **options):
    """A model whose masses are given."""
    target = align_target(y, b, None, None)
    options = TransportSettings(**{"tolerance": 1e-9, "n_threads": 1, **options})
    return fit_sample(PoolRows(x, weights=a), target, options, n_pool=len(x))


def soft_distance(cost, g, b, epsilon):
    """The definition, written out."""
    return np.array([-epsilon * math.log(sum(b * np.exp((g - row) / epsilon))) for row in cost])


def flat(values):
    return values - values.mean()


@pytest.mark.parametrize(("n", "m"), [(30, 7), (61, 20), (9, 13)])
def test_exact_prices_are_the_duals_of_the_simplex(n, m):
    x, y = clusters(n, m)
    rng = np.random.default_rng(1)
    a, b = rng.dirichlet(np.full(n, 9.0)), rng.dirichlet(np.full(m, 9.0))
    value, log = ot.emd2(a, b, half_cosines(x, y), log=True)
    model = fitted(x, y, a, b, epsilon=0.0)
    assert model.converged
    assert model.method == "exact"
    assert model.value == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(flat(model.target_potentials), flat(log["v"]), atol=1e-12)
    np.testing.assert_allclose(flat(model.score(x)), flat(log["u"]), atol=1e-12)
    assert a @ model.score(x) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_prices_approach_the_exact_duals_as_the_entropy_falls(seed):
    x, y = clusters(40, 9, seed=seed)
    rng = np.random.default_rng(seed)
    a, b = rng.dirichlet(np.full(40, 9.0)), rng.dirichlet(np.full(9, 9.0))  # no ties, so one solution up to a constant
    _, log = ot.emd2(a, b, half_cosines(x, y), log=True)
    far = [
        np.abs(flat(fitted(x, y, a, b, epsilon=epsilon).target_potentials) - flat(log["v"])).max()
        for epsilon in (0.1, 0.01, 0.001)
    ]
    assert far[2] < far[1] < far[0]
    assert far[2] < 0.01 * half_cosines(x, y).mean()


@pytest.mark.parametrize(
    ("epsilon", "dtype", "within"), [(0.1, np.float64, 1e-8), (0.03, np.float64, 1e-7), (0.03, np.float32, 1e-4)]
)
def test_balanced_prices_are_those_of_pots_sinkhorn(epsilon, dtype, within):
    x, y = clusters(150, 20, dtype=dtype)
    cost = half_cosines(x.astype(float), y.astype(float))
    reg = epsilon * cost.mean()
    a, b = np.full(150, 1 / 150), np.random.default_rng(0).dirichlet(np.full(20, 5.0))
    _, log = ot.sinkhorn(a, b, cost, reg, method="sinkhorn_log", numItermax=100_000, stopThr=1e-12, log=True)
    model = fitted(x, y, a, b, epsilon=epsilon, tolerance=1e-9 if dtype is np.float64 else 1e-4)
    assert model.converged
    assert model.mean_cost == pytest.approx(a @ cost @ b, rel=1e-5)
    model = fitted(x, y, a, b, epsilon=reg / (a @ cost @ b), tolerance=1e-9 if dtype is np.float64 else 1e-4)
    np.testing.assert_allclose(flat(model.target_potentials), flat(reg * (log["log_v"] - np.log(b))), atol=within)
    np.testing.assert_allclose(flat(model.score(x)), flat(reg * (log["log_u"] - np.log(a))), atol=within)


@pytest.mark.parametrize("rho", [(0.5, math.inf), (0.05, math.inf), (0.4, 0.7), (math.inf, 0.3)])
def test_unbalanced_prices_are_those_of_pots_sinkhorn(rho):
    x, y = clusters(80, 15)
    cost = half_cosines(x, y)
    unit_cost = cost.mean()
    a, b = np.full(80, 1 / 80), np.full(15, 1 / 15)
    model = fitted(x, y, epsilon=0.05, unbalanced=rho)
    plan, _ = ot.unbalanced.sinkhorn_unbalanced(
        a, b, cost, 0.05 * unit_cost, tuple(r * unit_cost for r in rho), reg_type="kl", numItermax=100_000,
        stopThr=1e-14, log=True,
    )  # fmt: skip
    f, g = model.potential(model.score(x)), model.target_potentials
    ours = np.outer(a, b) * np.exp((f[:, None] + g[None, :] - cost) / model.epsilon)
    np.testing.assert_allclose(ours, plan, atol=1e-7 / 80)
    np.testing.assert_allclose(ours.sum(axis=0), b * np.exp(-g / (rho[1] * unit_cost)), atol=1e-8)
    assert model.converged


def test_moving_a_share_is_pots_partial_transport():
    x, y = clusters(60, 12)
    cost, share = half_cosines(x, y), 0.3
    model = fitted(x, y, epsilon=0.0, share=share)
    plan = ot.partial.partial_wasserstein(np.full(60, 1 / 60), np.full(12, share / 12), cost, m=share)
    assert model.value == pytest.approx((plan * cost).sum(), abs=1e-9)
    taken = plan.sum(axis=1) > 1e-12
    assert model.score(x)[taken].max() <= 1e-9
    assert model.score(x)[~taken].min() >= -1e-9


@pytest.mark.parametrize("epsilon", [0.05, 0.01])
def test_the_fitted_share_is_moved_and_reaches_every_target(epsilon):
    x, y = clusters(200, 10)
    b, share = np.random.default_rng(0).dirichlet(np.full(10, 5.0)), 0.2
    model = fitted(x, y, None, b, epsilon=epsilon, share=share)
    cost, g, e = half_cosines(x, y), model.target_potentials, model.epsilon
    weights = share * b * np.exp((g - cost) / e)
    plan = weights / (weights.sum(axis=1, keepdims=True) + 1 - share) / 200  # a last column, at cost and price 0, stays
    np.testing.assert_allclose(plan.sum(axis=0), share * b, atol=1e-9)
    f = -e * np.log(weights.sum(axis=1) + 1 - share)
    np.testing.assert_allclose(model.potential(model.score(x)), f, atol=1e-9)


def moved_by_group(cost, groups, shares):
    """Move a share of each group to all targets evenly, as a linear program: its value, and the price of each group."""
    n, m = cost.shape
    total = sum(shares[group] for group in groups) / n
    each_target = np.tile(np.eye(m), n)
    each_group = np.repeat([[group == name for group in groups] for name in shares], m, axis=1).astype(float)
    wanted = [total / m] * m + [shares[name] * np.mean(groups == name) for name in shares]
    solved = linprog(
        cost.ravel(),
        A_ub=np.repeat(np.eye(n), m, axis=1),
        b_ub=np.full(n, 1 / n),
        A_eq=np.concatenate([each_target, each_group]),
        b_eq=wanted,
    )
    return solved.fun, dict(zip(shares, solved.eqlin.marginals[m:], strict=True))


def test_moving_a_share_of_each_group_solves_the_linear_program():
    x, y = clusters(90, 9)
    groups = np.random.default_rng(3).choice(["a", "b", "c"], size=90, p=[0.5, 0.3, 0.2])
    shares = {"a": 0.1, "b": 0.5, "c": 0.3}
    value, prices = moved_by_group(half_cosines(x, y), groups, shares)
    for epsilon, within in ((0.0, 1e-9), (0.003, 5e-3)):
        settings = TransportSettings(epsilon=epsilon, share=shares)
        model = fit_sample(PoolRows(x, groups), align_target(y, None, None, None), settings, n_pool=90)
        assert model.converged
        assert model.value == pytest.approx(value, abs=within)
        for name in "bc":
            gap = model.places[name].price - model.places["a"].price
            assert gap == pytest.approx(prices["a"] - prices[name], abs=max(within, 1e-7))
        worth_moving = model.score(x, groups) < 1e-7
        for name, share in shares.items():  # some rows are moved in part
            assert abs(worth_moving[groups == name].sum() - share * (groups == name).sum()) <= 3
        assert abs(sum(shares[g] for g in groups) / 90 - model.share) < 1e-12


def test_what_each_group_moves_and_each_target_receives_is_as_asked():
    x, y = clusters(240, 10)
    groups = np.random.default_rng(3).choice(["a", "b"], size=240, p=[0.8, 0.2])
    shares, b = {"a": 0.05, "b": 0.6}, np.random.default_rng(0).dirichlet(np.full(10, 5.0))
    settings = TransportSettings(epsilon=0.02, share=shares, tolerance=1e-9)
    model = fit_sample(PoolRows(x, groups), align_target(y, b, None, None), settings, n_pool=240)
    e, prices = model.epsilon, np.array([model.places[g].price for g in groups])
    moving = model.share * b * np.exp((model.target_potentials - prices[:, None] - half_cosines(x, y)) / e)
    stays = np.array([model.places[g].stays for g in groups])
    plan = moving / (moving.sum(axis=1) + stays)[:, None] / 240
    np.testing.assert_allclose(plan.sum(axis=0), model.share * b, atol=1e-8)
    for name, share in shares.items():
        np.testing.assert_allclose(plan[groups == name].sum(), share * np.mean(groups == name), atol=1e-8)
    f = -e * np.log(moving.sum(axis=1) + stays) - prices
    np.testing.assert_allclose(model.potential(model.score(x, groups), groups), f, atol=1e-9)


@given(seed=st.integers(0, 10_000), epsilon=st.sampled_from([0.02, 0.1, 1.0]))
@settings(max_examples=15, deadline=None)
def test_scores_are_soft_distances_to_priced_targets(seed, epsilon):
    x, y = clusters(25, 6, seed=seed)
    b = np.random.default_rng(seed).dirichlet(np.full(6, 3.0))
    model = fitted(x, y, None, b, epsilon=epsilon, tolerance=0.1)
    expected = soft_distance(half_cosines(x, y), model.target_potentials, b, model.epsilon)
    np.testing.assert_allclose(model.score(x), expected, atol=1e-12)
    trust = np.random.default_rng(seed).uniform(0.2, 1, 25)
    expected = soft_distance(half_cosines(x, y) / trust[:, None], model.target_potentials, b, model.epsilon)
    np.testing.assert_allclose(model.score(x, reliability=trust), expected, atol=1e-12)


def test_without_entropy_a_score_is_the_distance_to_the_nearest_target_less_its_price():
    x, y = clusters(50, 8)
    cost = half_cosines(x, y)
    exact = fitted(x, y, epsilon=0.0)
    np.testing.assert_allclose(exact.score(x), (cost - exact.target_potentials).min(axis=1), atol=1e-12)
    nearly = fitted(x, y, epsilon=0.001)
    hard = (cost - nearly.target_potentials).min(axis=1)
    assert np.abs(nearly.score(x) - hard).max() <= nearly.epsilon * math.log(8) + 1e-12


@pytest.mark.parametrize("options", [{}, {"unbalanced": 0.2}, {"unbalanced": (0.3, 0.2)}])
def test_nothing_near_the_fitted_prices_has_a_better_objective(options):
    x, y = clusters(50, 6)
    model = fitted(x, y, epsilon=0.1, **options)
    rho_pool, rho_target = model.rho

    def objective(g):
        s = soft_distance(half_cosines(x, y), g, np.full(6, 1 / 6), model.epsilon)
        own = g if math.isinf(rho_target) else rho_target * (1 - np.exp(-g / rho_target))
        k = rho_pool + model.epsilon
        return own.mean() + (s if math.isinf(rho_pool) else k * (1 - np.exp(-s / k))).mean()

    g = model.target_potentials
    assert objective(g) == pytest.approx(model.value, abs=1e-10)
    slopes = [(objective(g + h) - objective(g - h)) / 2e-6 for h in 1e-6 * np.eye(6)]
    np.testing.assert_allclose(slopes, 0, atol=1e-7)
    rng = np.random.default_rng(0)
    assert all(objective(g + 0.05 * rng.standard_normal(6)) < model.value for _ in range(20))


def test_a_reliable_row_and_its_double_cost_are_the_same_problem():
    x, y = clusters(30, 5)
    trust = np.where(np.arange(30) % 2, 0.5, 1.0)
    target = align_target(y, None, None, None)
    options = TransportSettings(epsilon=0.1, tolerance=1e-10)
    model = fit_sample(PoolRows(x, reliability=trust), target, options, n_pool=30)
    cost = half_cosines(x, y) / trust[:, None]
    _, log = ot.sinkhorn(
        np.full(30, 1 / 30), np.full(5, 0.2), cost, model.epsilon, method="sinkhorn_log", stopThr=1e-13,
        numItermax=10_000, log=True,
    )  # fmt: skip
    np.testing.assert_allclose(flat(model.target_potentials), flat(model.epsilon * log["log_v"]), atol=1e-8)


def perturbed(n, i, by):
    """Masses with more in one row, less in all others alike."""
    a = np.full(n, 1 / n - by / (n - 1))
    a[i] = 1 / n + by
    return a


def test_the_calibrated_gradient_is_the_slope_of_the_exact_cost():
    x, y = clusters(24, 11)
    cost, b, h = half_cosines(x, y), np.full(11, 1 / 11), 1e-6
    a = np.full(24, 1 / 24)
    gradient = calibrated_gradient(fitted(x, y, a, b, epsilon=0.0).score(x))
    up = np.array([ot.emd2(perturbed(24, i, h), b, cost) - ot.emd2(a, b, cost) for i in range(24)]) / h
    down = np.array([ot.emd2(a, b, cost) - ot.emd2(perturbed(24, i, -h), b, cost) for i in range(24)]) / h
    assert ((down - 1e-6 <= gradient) & (gradient <= up + 1e-6)).all()  # the cost is convex in the masses
    assert np.corrcoef(gradient, (up + down) / 2)[0, 1] > 0.99


def test_the_calibrated_gradient_is_the_slope_of_the_entropic_cost():
    x, y = clusters(24, 11)
    a, b, h = np.full(24, 1 / 24), np.full(11, 1 / 11), 1e-4
    base = fitted(x, y, a, b, epsilon=0.05, tolerance=1e-11)
    gradient = calibrated_gradient(base.potential(base.score(x)))

    def value(masses):
        """With the uniform measure as reference, so that only the moved masses change."""
        cost = half_cosines(x, y)
        _, log = ot.sinkhorn(
            masses, b, cost, base.epsilon, method="sinkhorn_log", stopThr=1e-13, numItermax=2000, log=True
        )
        f, g = base.epsilon * (log["log_u"] - np.log(a)), base.epsilon * (log["log_v"] - np.log(b))
        return masses @ f + b @ g

    slopes = [(value(perturbed(24, i, h)) - value(perturbed(24, i, -h))) / (2 * h) for i in range(8)]
    np.testing.assert_allclose(gradient[:8], slopes, atol=1e-6)


def test_a_smaller_entropy_brings_the_gradient_nearer_to_the_exact_slope():
    x, y = clusters(60, 31)
    exact = calibrated_gradient(fitted(x, y, epsilon=0.0).score(x))
    near = [
        np.corrcoef(calibrated_gradient(fitted(x, y, epsilon=epsilon, tolerance=1e-5).score(x)), exact)[0, 1]
        for epsilon in (0.5, 0.02)
    ]
    assert near[0] < near[1]
    assert near[1] > 0.98


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=20), st.floats(-3, 3))
@settings(max_examples=40, deadline=None)
def test_the_calibrated_gradient_leaves_each_row_out_of_its_mean(potentials, constant):
    f = np.array(potentials)
    expected = [f[i] - np.delete(f, i).mean() for i in range(len(f))]
    np.testing.assert_allclose(calibrated_gradient(f + constant), expected, atol=1e-9)


def test_a_plan_costs_what_the_simplex_says():
    x, y = clusters(40, 9)
    rows = x[:15]
    exact = ot.emd2([], [], half_cosines(rows, y))
    assert fitted(x, y, epsilon=0.0).cost(rows) == pytest.approx(exact, abs=1e-12)
    soft = [fitted(x, y, epsilon=epsilon).cost(rows) for epsilon in (0.1, 0.01)]
    assert exact < soft[1] < soft[0] < half_cosines(rows, y).mean()


def test_a_row_of_a_plan_serves_itself_only_where_it_has_no_other_place():
    x, y = clusters(40, 9)
    rows, own = np.concatenate([y[:4], x[:3]]), np.array([0, 1, 2, 3, -1, -1, -1])
    apart = half_cosines(rows, y)
    apart[np.arange(4), np.arange(4)] = 100
    expected = ot.emd2([], [], apart)
    assert expected > ot.emd2([], [], half_cosines(rows, y)) + 0.01
    assert fitted(x, y, epsilon=0.0).cost(rows, own=own) == pytest.approx(expected, abs=1e-12)
    assert fitted(x, y, epsilon=0.002).cost(rows, own=own) == pytest.approx(expected, abs=5e-3)
    for epsilon in (0.0, 0.01):
        model = fitted(x, y, epsilon=epsilon)
        assert model.plan(y[:1], own=np.array([0])) == pytest.approx((half_cosines(y[:1], y).mean(), 0), abs=1e-6)
        two = fitted(x, y[:2], epsilon=epsilon)
        swapped = np.trace(half_cosines(y[1::-1], y[:2])) / 2
        assert two.plan(y[:2], own=np.arange(2)) == pytest.approx((swapped, 0), abs=1e-4)


def test_small_entropies_converge():
    x, y = clusters(600, 40, d=32, dtype=np.float32)
    for options in ({}, {"share": 0.3}, {"share": 0.1}, {"share": 0.02, "epsilon": 0.01}, {"unbalanced": 0.05}):
        model = fit_transport(x, y, settings=TransportSettings(**{"epsilon": 0.002, **options}))
        assert model.converged, options
        assert model.marginal_error <= 1e-4


def test_a_fit_that_runs_out_of_passes_says_so():
    x, y = clusters(100, 20)
    model = fit_transport(x, y, settings=TransportSettings(epsilon=0.01, max_iterations=2, tolerance=1e-8))
    assert not model.converged
    assert model.marginal_error > 1e-8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": -1.0}, "epsilon must be at least 0"),
        ({"epsilon": float("nan")}, "epsilon must be at least 0"),
        ({"share": 0.0}, "share must be above 0"),
        ({"unbalanced": 0.1, "share": 0.5}, "unbalanced needs epsilon above 0 and a share of 1"),
        ({"unbalanced": 0.1, "epsilon": 0.0}, "unbalanced needs epsilon above 0"),
        ({"method": "exact"}, "epsilon must be 0 for method='exact'"),
        ({"method": "streaming", "epsilon": 0.0}, "epsilon must be above 0 for method='streaming'"),
        ({"method": "dense"}, "method must be one of auto, exact, streaming"),
        ({"n_threads": 0}, "n_threads must be at least 1"),
    ],
)
def test_unfit_settings_are_named(unchecked, options, message):
    x, y = clusters(10, 3)
    with pytest.raises(ValueError, match=message):
        fit_transport(x, y, settings=TransportSettings(**options))


def test_a_problem_beyond_the_simplex_is_refused():
    x, y = np.ones((60_000, 1)) * np.where(np.arange(60_000) % 2, 1, -1)[:, None], np.ones((2000, 1))
    with pytest.raises(ValueError, match="solved exactly for up to 100,000,000 pairs"):
        fit_transport(x, y, settings=TransportSettings(epsilon=0.0, n_fit=60_000))


def test_a_pool_that_is_its_target_has_no_unit_of_cost():
    with pytest.raises(ValueError, match="pool must differ from target somewhere"):
        fit_transport(np.ones((5, 2)), np.ones((2, 2)))
