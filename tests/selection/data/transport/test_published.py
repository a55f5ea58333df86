"""The published selectors against their definitions, written out slowly."""

import heapq
import math

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selection.data.transport import (
    TransportSettings,
    gradient_select,
    kernel_density,
    knn_transport_select,
    margin_reliability,
    unbalanced_transport_select,
)
from selection.data.transport.knn import draw_rows


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def half_cosines(x, y):
    return (1 - unit(x) @ unit(y).T) / 2


def drawn(n, m, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return 0.4 * rng.standard_normal((n, d)), 0.3 * rng.standard_normal((m, d)) + 0.1


def slow_tsds(x, y, *, alpha, c, sigma, k, kernel_k):
    """The heap of TSDS; a target is given no more than its mass where the heap ends before its first row is popped."""
    n, m = len(x), len(y)
    near, dist, rho = [], [], []
    for target in y:
        to = [math.dist(target, row) for row in x]
        order = sorted(range(n), key=lambda i: (to[i], i))[:k]
        near.append(order)
        dist.append([to[i] for i in order])
        density = []
        for i in order:
            around = sorted(sum((x[i] - row) ** 2) for row in x)[:kernel_k]
            density.append(sum(max(0.0, 1 - square / sigma**2) for square in around) if sigma else 1.0)
        rho.append(density)
    heap = [(1 / rho[j][0], 0, j) for j in range(m)]
    heapq.heapify(heap)
    cost, last, s = [0.0] * m, [0] * m, 0.0
    while heap:
        s, place, j = heapq.heappop(heap)
        passed = sum(dist[j][i] / rho[j][i] for i in range(place + 1))
        cost[j] = dist[j][place + 1] * s - passed
        if alpha / c * sum(cost) >= (1 - alpha) * m:
            break
        last[j] = place
        if place < k - 2:
            heapq.heappush(heap, (s + 1 / rho[j][place + 1], place + 1, j))
    p = np.zeros(n)
    for j in range(m):
        left = 1 / m
        for place in range(last[j] + 1):
            given_now = min(1 / (m * s * rho[j][place]), left)
            p[near[j][place]] += given_now
            left -= given_now
        p[near[j][last[j] + 1]] += left
    return p


@given(
    seed=st.integers(0, 10_000),
    alpha=st.sampled_from([0.0, 0.3, 0.5, 0.7, 0.9, 1.0]),
    c=st.sampled_from([0.2, 1.0, 5.0]),
    sigma=st.sampled_from([None, 0.2, 0.75, 3.0]),
    k=st.integers(2, 30),
)
@settings(max_examples=60, deadline=None)
def test_tsds_gives_the_probabilities_of_its_heap(seed, alpha, c, sigma, k):
    x, y = drawn(40, 5, seed=seed)
    expected = slow_tsds(x, y, alpha=alpha, c=c, sigma=sigma or 0, k=k, kernel_k=8)
    options = {"density": "uniform"} if sigma is None else {"sigma": sigma}
    found = knn_transport_select(x, y, 1, alpha=alpha, c=c, k=k, kernel_k=8, **options)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-10)
    assert found.probabilities.sum() == pytest.approx(1)


def test_tsds_looks_up_a_tenth_of_the_pool_by_default():
    x, y = drawn(230, 4)
    found = knn_transport_select(x, y, 1)
    assert found.k == 23
    expected = slow_tsds(x, y, alpha=0.5, c=5.0, sigma=0.75, k=23, kernel_k=23)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-10)


def test_tsds_copies_share_the_probability_of_one_row():
    x, y = drawn(60, 4)
    options = {"sigma": 1e-3, "kernel_k": 6, "alpha": 0.7, "k": 40}
    plain = knn_transport_select(x, y, 1, **options).probabilities
    likeliest = int(plain.argmax())
    copied = np.concatenate([x, np.repeat(x[[likeliest]], 3, axis=0)])
    shared = knn_transport_select(copied, y, 1, **options).probabilities
    copies = [likeliest, 60, 61, 62]
    assert shared[copies].sum() == pytest.approx(plain[likeliest], rel=1e-6)
    np.testing.assert_allclose(np.delete(shared, copies), np.delete(plain, likeliest), atol=1e-9)


def test_tsds_spreads_as_alpha_falls():
    x, y = drawn(400, 6)
    possible = [knn_transport_select(x, y, 1, alpha=alpha, k=100).n_possible for alpha in (0.99, 0.9, 0.7, 0.5)]
    assert possible == sorted(possible)
    assert possible[0] < possible[-1]


def test_tsds_draws_rows_by_their_probabilities():
    x, y = drawn(40, 3)
    found = knn_transport_select(x, y, 10, alpha=0.6, k=20, seed=3)
    p = found.probabilities
    indices, n_beyond = draw_rows(p, 10, 3, "raise", lambda: p)
    np.testing.assert_array_equal(found.indices, indices)
    assert n_beyond == found.n_beyond == 0
    assert len(set(indices.tolist())) == 10
    first = [int(draw_rows(p, 5, seed, "raise", lambda: p)[0][0]) for seed in range(2000)]
    counts = np.bincount(first, minlength=40)
    assert np.abs(counts / 2000 - p).max() < 4 * np.sqrt(p.max() / 2000)


def test_tsds_says_when_too_few_rows_are_possible():
    x, y = drawn(50, 2)
    options = {"k": 5, "alpha": 0.9}
    possible = knn_transport_select(x, y, 1, **options).n_possible
    assert possible <= 10
    with pytest.raises(ValueError, match=f"at most the {possible} rows that have any probability, got 30; lower alpha"):
        knn_transport_select(x, y, 30, **options)
    filled = knn_transport_select(x, y, 30, short="nearest", **options)
    assert filled.n_beyond == 30 - possible
    assert (filled.probabilities[filled.indices[:possible]] > 0).all()
    nearest = np.linalg.norm(x[:, None] - y[None], axis=2).min(axis=1)
    rest = np.setdiff1d(np.arange(50), filled.indices[:possible])
    np.testing.assert_array_equal(filled.indices[possible:], rest[np.argsort(nearest[rest])][: 30 - possible])
    repeated = knn_transport_select(x, y, 30, short="repeat", **options)
    assert (repeated.probabilities[repeated.indices] > 0).all()
    assert len(set(repeated.indices)) <= possible


def test_an_index_finds_nearly_what_comparing_all_finds():
    pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((20, 8))
    x = (centres[rng.integers(20, size=2000)] + 0.3 * rng.standard_normal((2000, 8))).astype(np.float32)
    y = (centres[:10] + 0.3 * rng.standard_normal((10, 8))).astype(np.float32)
    exact, indexed = (knn_transport_select(x, y, 20, k=40, kernel_k=40, exact=how) for how in (True, False))
    assert np.abs(exact.probabilities - indexed.probabilities).sum() < 0.15
    assert indexed.probabilities.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 1.5}, "alpha must be between 0 and 1"),
        ({"c": 0.0}, "c must be above 0"),
        ({"sigma": 0.0}, "sigma must be above 0"),
        ({"k": 1}, "k must be at least 2"),
        ({"k": 41}, "k must be between 1 and the 40 rows"),
        ({"density": "gaussian"}, "density must be one of kde, uniform"),
        ({"short": "never"}, "short must be one of raise, nearest, repeat"),
        ({"budget": 41}, "budget must be at most the 40 rows"),
    ],
)
def test_unfit_arguments_of_tsds_are_named(unchecked, change, message):
    x, y = drawn(40, 3)
    with pytest.raises(ValueError, match=message):
        knn_transport_select(x, y, **{"budget": 5, **change})


def test_a_pool_too_small_for_the_default_of_tsds_is_refused():
    x, y = drawn(15, 3)
    with pytest.raises(ValueError, match="pool must have at least 20 rows for the default k, got 15"):
        knn_transport_select(x, y, 5)


@given(seed=st.integers(0, 1000), sigma=st.sampled_from([0.1, 0.5, 2.0]), k=st.sampled_from([None, 1, 3, 9]))
@settings(max_examples=30, deadline=None)
def test_density_sums_the_kernel_over_the_nearest(seed, sigma, k):
    x, _ = drawn(30, 1, seed=seed)
    squares = np.sort(((x[:, None] - x[None]) ** 2).sum(axis=2), axis=1)[:, :k]
    np.testing.assert_allclose(
        kernel_density(x, x, sigma=sigma, k=k), np.maximum(0, 1 - squares / sigma**2).sum(axis=1), atol=1e-10
    )


@pytest.mark.parametrize("seed", range(3))
def test_lava_takes_the_lowest_slopes_of_the_transport_cost(seed):
    x, y = drawn(30, 13, d=6, seed=seed)
    cost, b, h = half_cosines(x, y), np.full(13, 1 / 13), 1e-6
    found = gradient_select(x, y, 5, settings=TransportSettings(epsilon=0.0))

    def more(i, by):
        a = np.full(30, 1 / 30 - by / 29)
        a[i] = 1 / 30 + by
        return ot.emd2(a, b, cost)

    slopes = np.array([(more(i, h) - more(i, -h)) / (2 * h) for i in range(30)])
    assert np.corrcoef(found.gradients, slopes)[0, 1] > 0.97
    np.testing.assert_array_equal(found.indices, np.argsort(found.gradients, kind="stable")[:5])


def test_got_d_takes_the_slopes_of_moving_the_mixture():
    x, y = drawn(25, 9, d=6)
    base = np.random.default_rng(7).standard_normal((40, 6))
    share, h, b = 0.2, 1e-5, np.full(9, 1 / 9)
    found = gradient_select(x, y, 5, base=base, mixing=share, settings=TransportSettings(epsilon=0.05, tolerance=1e-10))
    a = np.r_[np.full(25, share / 25), np.full(40, (1 - share) / 40)]
    cost = half_cosines(np.r_[x, base], y)

    def value(masses):
        _, log = ot.sinkhorn(
            masses, b, cost, found.model.epsilon, method="sinkhorn_log", stopThr=1e-13, numItermax=2000, log=True
        )
        f, g = found.model.epsilon * (log["log_u"] - np.log(a)), found.model.epsilon * (log["log_v"] - np.log(b))
        return masses @ f + b @ g

    def more(i, by):
        changed = a.copy()
        changed[:25] -= by / 24
        changed[i] = a[i] + by
        return value(changed)

    slopes = [(more(i, h) - more(i, -h)) / (2 * h) for i in range(8)]
    np.testing.assert_allclose(found.gradients[:8], slopes, atol=1e-5)


def test_got_d_prefers_what_the_base_lacks():
    rng = np.random.default_rng(0)
    known, new, other = 4 * np.eye(12)[:3]
    x = np.r_[
        known + rng.standard_normal((20, 12)),
        new + rng.standard_normal((20, 12)),
        other + rng.standard_normal((20, 12)),
    ]
    y = np.r_[known + rng.standard_normal((10, 12)), new + rng.standard_normal((10, 12))]
    found = gradient_select(x, y, 20, base=known + rng.standard_normal((60, 12)), mixing=0.05)
    assert np.mean((found.indices >= 20) & (found.indices < 40)) > 0.9


def test_gradients_need_balanced_transport():
    x, y = drawn(20, 3)
    with pytest.raises(ValueError, match="settings must leave transport balanced"):
        gradient_select(x, y, 3, settings=TransportSettings(unbalanced=0.1))
    with pytest.raises(ValueError, match="mixing must be above 0 and below 1"):
        gradient_select(x, y, 3, base=x, mixing=1.0)


def test_free_masses_are_one_softmax_for_each_target():
    x, y = drawn(50, 7, d=5)
    found = unbalanced_transport_select(x, y, 8, penalty=0.0)
    handed = np.exp(-half_cosines(x, y) / 0.01)
    expected = (handed / handed.sum(axis=0)).mean(axis=1)
    np.testing.assert_allclose(found.masses, expected, atol=1e-9)
    np.testing.assert_array_equal(found.indices, np.argsort(-expected, kind="stable")[:8])
    assert found.converged


@pytest.mark.parametrize("penalty", [1e-4, 1e-2, 1.0])
def test_penalised_masses_are_those_of_pots_unbalanced_sinkhorn(penalty):
    x, y = drawn(50, 7, d=5)
    plan = ot.unbalanced.sinkhorn_unbalanced(
        np.full(7, 1 / 7), np.full(50, 1 / 50), half_cosines(x, y).T, 0.01, (np.inf, penalty), reg_type="kl",
        numItermax=50_000, stopThr=1e-14,
    )  # fmt: skip
    masses = plan.sum(axis=0)
    np.testing.assert_allclose(unbalanced_transport_select(x, y, 8, penalty=penalty).masses, masses, atol=2e-6)


def test_a_penalty_of_a_ten_thousandth_is_one_softmax_pass():
    x, y = drawn(300, 20, d=8)
    usual, free = (unbalanced_transport_select(x, y, 50, penalty=penalty) for penalty in (1e-4, 0.0))
    assert np.corrcoef(usual.masses, free.masses)[0, 1] > 0.99
    assert len(set(usual.indices) & set(free.indices)) >= 48


def test_a_margin_becomes_a_reliability():
    found = margin_reliability(np.array([0.8, 1.0, 1.15, 1.3, 2.0, np.nan]))
    np.testing.assert_allclose(found, [0.1, 0.1, 0.5, 1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="full must be above 1"):
        margin_reliability(found, full=0.9)
