"""Sums over shards: what all rows at once give, whatever the shards and the order in which they are merged."""

from functools import reduce

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import average_neuronwise_correlation, linear_cka
from probes.accumulating import CKASums, CorrelationSums, MinibatchCKA
from probes.moments import Moments

STATES = pytest.mark.parametrize("state", [CorrelationSums(), CKASums()], ids=["anc", "cka"])
CUTS = {
    "n": st.integers(4, 40),
    "d": st.integers(1, 6),
    "seed": st.integers(0, 999),
    "offset": st.sampled_from([0.0, 100.0, -1e4]),
}


def related(n: int, d: int, seed: int = 0, offset: float = 0.0, e: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    y = x @ rng.standard_normal((d, e or d)) + rng.standard_normal((n, e or d))
    return x + offset, 3 * y - offset


def cut(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Cut n rows into shards of random size, some of one row."""
    return np.split(np.arange(n), np.sort(rng.choice(np.arange(1, n), rng.integers(0, n), replace=False)))


def merged_at_random(states: list, rng: np.random.Generator):
    """Merge neighbours in random order: every way to set brackets."""
    while len(states) > 1:
        i = int(rng.integers(len(states) - 1))
        states = [*states[:i], states[i].merge(states[i + 1]), *states[i + 2 :]]
    return states[0]


@settings(max_examples=30, deadline=None)
@given(**CUTS)
def test_mean_and_covariance_are_numpys_whatever_the_shards(n, d, seed, offset):
    x, _ = related(n, d, seed, offset)
    rng = np.random.default_rng(seed)
    found = merged_at_random([Moments().accumulate(x[rows]) for rows in cut(n, rng)], rng).finish()
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(x.T).reshape(d, d), rtol=1e-9, atol=1e-12)
    assert found.n == n


@pytest.mark.parametrize("absolute", [False, True])
@settings(max_examples=30, deadline=None)
@given(**CUTS)
def test_neuron_correlation_is_that_of_all_rows_whatever_the_shards(absolute, n, d, seed, offset):
    x, y = related(n, d, seed, offset)
    x[:, 0] = 0.1 + offset
    rng = np.random.default_rng(seed)
    states = [CorrelationSums().accumulate(x[rows], y[rows]) for rows in cut(n, rng)]
    found, whole = (
        merged_at_random(states, rng).finish(absolute=absolute),
        average_neuronwise_correlation(x, y, absolute=absolute),
    )
    np.testing.assert_allclose(found.per_neuron, whole.per_neuron, atol=1e-9)
    assert found.score == pytest.approx(whole.score, abs=1e-9)
    assert (found.n_constant, found.n, found.absolute) == (whole.n_constant, n, absolute)
    assert found.chance == pytest.approx(whole.chance, abs=1e-12)


@pytest.mark.parametrize("estimator", ["debiased", "biased"])
@settings(max_examples=40, deadline=None)
@given(**CUTS, e=st.integers(1, 6))
def test_cka_is_that_of_all_rows_whatever_the_shards(estimator, n, d, e, seed, offset):
    x, y = related(n, d, seed, offset, e)
    rng = np.random.default_rng(seed)
    states = [CKASums().accumulate(x[rows], y[rows]) for rows in cut(n, rng)]
    found, whole = merged_at_random(states, rng).finish(estimator=estimator), linear_cka(x, y, estimator=estimator)
    assert found.score == pytest.approx(whole.score, rel=1e-9, abs=1e-9, nan_ok=True)
    assert found.chance == pytest.approx(whole.chance, rel=1e-9, nan_ok=True)
    assert (found.n, found.estimator) == (n, estimator)
    assert bool(found.reason) == bool(whole.reason)


def test_a_thousand_shards_of_one_row_100_sd_from_0_lose_no_digit():
    x, y = related(1000, 20, offset=100.0)
    state = CKASums()
    for i in range(1000):
        state = state.accumulate(x[i : i + 1], y[i : i + 1])
    for estimator in ("debiased", "biased"):
        whole = linear_cka(x - 100, y + 100, estimator=estimator).score
        assert state.finish(estimator=estimator).score == pytest.approx(whole, rel=1e-9)
    moments = reduce(Moments.accumulate, np.split(x, 1000), Moments()).finish()
    np.testing.assert_allclose(moments.covariance, np.cov((x - 100).T), rtol=1e-9, atol=1e-11)


@STATES
def test_merging_is_associative_and_commutative_and_the_new_state_changes_nothing(state):
    shards = [state.accumulate(*related(n, 3, seed=n, offset=50.0)) for n in (1, 7, 12)]
    a, b, c = shards
    left, right, turned = a.merge(b).merge(c), a.merge(b.merge(c)), c.merge(b).merge(a)
    assert left.finish().score == pytest.approx(right.finish().score, rel=1e-12)
    assert left.finish().score == pytest.approx(turned.finish().score, rel=1e-12)
    assert state.merge(a) is a
    assert a.merge(state) is a
    assert Moments().merge(Moments()).n == 0


@STATES
def test_accumulating_leaves_the_state_and_the_rows_as_they_were(state):
    x, y = related(9, 3)
    before = x.copy(), y.copy()
    first = state.accumulate(x, y)
    score = first.finish().score
    first.accumulate(x + 1, y)
    assert (state.n, first.finish().score) == (0, score)
    np.testing.assert_array_equal((x, y), before)


@STATES
def test_shards_of_torch_and_of_float32_give_the_same(state):
    x, y = (z.astype(np.float32) for z in related(20, 4, offset=10.0))
    tensors = state.accumulate(torch.tensor(x[:7]), torch.tensor(y[:7])).accumulate(
        torch.tensor(x[7:], requires_grad=True), torch.tensor(y[7:])
    )
    assert tensors.finish().score == pytest.approx(state.accumulate(x, y).finish().score, rel=1e-12)


def test_cka_of_shards_that_do_not_vary_is_nan_with_a_reason():
    _, y = related(10, 3)
    state = CKASums().accumulate(np.full((4, 3), 0.1), y[:4]).accumulate(np.full((6, 3), 0.1), y[4:])
    for estimator in ("debiased", "biased"):
        found, whole = state.finish(estimator=estimator), linear_cka(np.full((10, 3), 0.1), y, estimator=estimator)
        assert np.isnan(found.score)
        assert "x has the same vector in every row" in found.reason
        assert found.chance == pytest.approx(whole.chance, nan_ok=True)


def hsic_1(x: np.ndarray, y: np.ndarray) -> float:
    """Song et al. (2012), eq. 5."""
    n, one = x.shape[0], np.ones(x.shape[0])
    k, ell = ((z @ z.T) * (1 - np.eye(n)) for z in (x, y))
    second = (one @ k @ one) * (one @ ell @ one) / ((n - 1) * (n - 2))
    return (np.trace(k @ ell) + second - 2 / (n - 2) * (one @ k @ ell @ one)) / (n * (n - 3))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), sizes=st.lists(st.integers(4, 12), min_size=1, max_size=4))
def test_minibatch_cka_divides_sums_of_songs_hsic_once(seed, sizes):
    batches = [related(n, 3, seed + i, e=5) for i, n in enumerate(sizes)]
    state = reduce(lambda held, batch: held.merge(MinibatchCKA().accumulate(*batch)), batches, MinibatchCKA())
    xy, xx, yy = (sum(hsic_1(b[i], b[j]) for b in batches) for i, j in ((0, 1), (0, 0), (1, 1)))
    assert state.n_batches == len(sizes)
    assert state.n == sum(sizes)
    if min(xx, yy) > 1e-6:
        assert state.finish().score == pytest.approx(xy / np.sqrt(xx * yy), abs=1e-9)


def test_minibatch_cka_of_one_batch_is_debiased_cka_and_of_several_depends_on_the_cut():
    x, y = related(60, 5)
    assert MinibatchCKA().accumulate(x, y).finish().score == pytest.approx(linear_cka(x, y).score, abs=1e-12)
    halves = MinibatchCKA().accumulate(x[:30], y[:30]).accumulate(x[30:], y[30:]).finish()
    others = MinibatchCKA().accumulate(x[::2], y[::2]).accumulate(x[1::2], y[1::2]).finish()
    assert abs(halves.score - others.score) > 1e-4
    assert (halves.estimator, halves.chance) == ("minibatch", 0)


def test_minibatch_cka_of_unrelated_rows_averages_zero():
    rng = np.random.default_rng(0)
    scores = []
    for _ in range(60):
        batches = rng.standard_normal((5, 2, 8, 30))
        scores.append(reduce(lambda held, batch: held.accumulate(*batch), batches, MinibatchCKA()).finish().score)
    assert abs(np.mean(scores)) < 4 * np.std(scores) / np.sqrt(60)


def test_summing_terms_over_batches_comes_nearer_to_all_rows_than_averaging_the_batches_cka():
    x, y = related(4000, 6)
    batches = [(x[i : i + 4], y[i : i + 4]) for i in range(0, 4000, 4)]
    summed = reduce(lambda held, batch: held.accumulate(*batch), batches, MinibatchCKA()).finish().score
    averaged = np.nanmean([linear_cka(*batch).score for batch in batches])
    whole = linear_cka(x, y).score
    assert abs(summed - whole) < 0.02
    assert abs(averaged - whole) > 3 * abs(summed - whole)


def test_minibatch_cka_that_is_not_defined_says_why():
    found = MinibatchCKA().accumulate(np.ones((5, 2)), np.eye(5)).finish()
    assert np.isnan(found.score)
    assert "not positive" in found.reason


@pytest.mark.usefixtures("unchecked")
def test_shards_that_do_not_fit_are_refused_by_name():
    x, y = related(6, 3)
    state, sums = CKASums().accumulate(x, y), CorrelationSums().accumulate(x, y)
    with pytest.raises(ValueError, match="x must have the 3 columns of the shards before it, got 2"):
        state.accumulate(x[:, :2], y)
    with pytest.raises(ValueError, match="y must have the 3 columns of the shards before it, got 2"):
        state.accumulate(x, y[:, :2])
    with pytest.raises(ValueError, match="y must have the 6 rows of x, got 5"):
        state.accumulate(x, y[:5])
    with pytest.raises(ValueError, match="y must have the 3 columns of x, got 2"):
        sums.accumulate(x, y[:, :2])
    with pytest.raises(ValueError, match="other must have the 3 columns of this state, got 2"):
        sums.merge(CorrelationSums().accumulate(x[:, :2], y[:, :2]))
    with pytest.raises(ValueError, match="other must have the 3 columns of this state, got 2"):
        state.merge(CKASums().accumulate(x, y[:, :2]))
    with pytest.raises(ValueError, match="x must have at least 1 rows"):
        Moments().accumulate(x[:0])
    with pytest.raises(ValueError, match="x must have at least 4 rows"):
        MinibatchCKA().accumulate(x[:3], y[:3])


def test_finishing_too_early_or_with_an_unknown_estimator_is_refused():
    x, y = related(3, 2)
    for state in (CKASums().accumulate(x, y), CorrelationSums().accumulate(x, y), MinibatchCKA()):
        with pytest.raises(ValueError, match=r"at least 4 rows must be accumulated before finish, got [03]"):
            state.finish()
    with pytest.raises(ValueError, match="at least 2 rows must be accumulated before finish, got 1"):
        Moments().accumulate(x[:1]).finish()
    with pytest.raises(ValueError, match="estimator must be one of debiased, biased, got 'best'"):
        CKASums().finish(estimator="best")
