"""Weighted forms must agree with plain ones on repeated rows; corrections with their definitions."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from xalign.transferring.estimating import (
    correlations,
    holm,
    interval,
    joint_level,
    partial_correlations,
    ranks,
    shuffled_p_value,
)

seeds = st.integers(0, 2**31)


def drawn(seed: int, n: int = 14):
    """Two correlated columns with ties, and one resample as counts and as repeated rows."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=n), 1)
    y = np.round(0.6 * x + rng.normal(size=n), 1)
    counts = rng.multinomial(n, np.full(n, 1 / n))
    return rng, x, y, counts, np.repeat(np.arange(n), counts)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_weights_mean_that_rows_are_repeated(seed):
    _, x, y, counts, rows = drawn(seed)
    assert correlations(x[None], y[None], counts[None])[0] == pytest.approx(np.corrcoef(x[rows], y[rows])[0, 1])
    ranked = ranks(x, counts[None])[0]
    np.testing.assert_allclose(ranked[rows], rankdata(x[rows]))
    by_rank = correlations(ranks(x, counts[None]), ranks(y, counts[None]), counts[None])[0]
    assert by_rank == pytest.approx(spearmanr(x[rows], y[rows]).statistic)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_the_partial_correlation_is_that_of_least_squares_residuals(seed):
    rng, x, y, counts, rows = drawn(seed)
    held = np.column_stack([rng.integers(0, 2, (x.size, 1)) == [0, 1], rng.normal(size=x.size)]).astype(float)
    found = partial_correlations(x, y, held, np.vstack([np.ones(x.size), counts]))
    for value, chosen in zip(found, (np.arange(x.size), rows), strict=True):
        design = held[chosen]
        left = [v[chosen] - design @ np.linalg.lstsq(design, v[chosen], rcond=None)[0] for v in (x, y)]
        assert value == pytest.approx(np.corrcoef(*left)[0, 1], abs=1e-9)


def test_what_the_held_columns_explain_wholly_has_no_partial_correlation():
    held = np.eye(3)[np.arange(12) % 3]
    x = held @ np.array([0.1, 0.7, 0.3])
    found = partial_correlations(x, np.arange(12.0), held, np.ones((1, 12)))
    assert np.isnan(found[0])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_constant_column_has_no_correlation_and_scale_does_not_matter(scale):
    y = np.arange(8.0)
    weights = np.ones((1, 8))
    assert np.isnan(correlations(np.full((1, 8), 0.1 * scale), y[None], weights)[0])
    assert correlations(scale * y[None] ** 2, y[None], weights)[0] == pytest.approx(np.corrcoef(y**2, y)[0, 1])


def test_a_resample_without_any_of_the_rows_is_undefined():
    y = np.arange(6.0)[None]
    assert np.isnan(correlations(y, y, np.zeros((1, 6)))[0])


def test_the_p_value_is_the_share_of_all_permutations_that_reach_as_far():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=6), rng.normal(size=6)
    reached = [abs(np.corrcoef(x, list(order))[0, 1]) for order in permutations(y)]
    exact = np.mean(np.array(reached) >= abs(np.corrcoef(x, y)[0, 1]) - 1e-12)
    assert shuffled_p_value(x, y, seed=0) == pytest.approx(exact, abs=0.015)
    assert shuffled_p_value(x, 2 * x + 1, seed=0) == pytest.approx(1 / 720, abs=0.001)


def test_p_values_of_independent_columns_are_uniform():
    rng = np.random.default_rng(0)
    found = [shuffled_p_value(rng.normal(size=12), rng.normal(size=12), seed=i) for i in range(200)]
    assert np.mean(np.array(found) < 0.1) == pytest.approx(0.1, abs=0.06)
    assert np.mean(found) == pytest.approx(0.5, abs=0.07)


def test_an_interval_leaves_undefined_resamples_out():
    values = np.r_[np.linspace(0, 1, 101), np.nan]
    assert interval(values) == pytest.approx((0.025, 0.975))
    assert np.isnan(interval(np.full(5, np.nan))).all()


def test_quantities_that_move_together_need_no_correction_and_independent_ones_nearly_bonferronis():
    rng = np.random.default_rng(0)
    one = rng.normal(size=40_000)
    assert joint_level(np.stack([one] * 6)) == pytest.approx(0.95, abs=0.001)
    assert joint_level(rng.normal(size=(6, 40_000))) == pytest.approx(0.95 ** (1 / 6), abs=0.001)
    assert joint_level(np.stack([one, np.full(one.size, np.nan)])) == pytest.approx(0.95, abs=0.001)


def test_joint_intervals_hold_all_quantities_in_ninety_five_of_a_hundred_resamples():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(5, 4000)) + rng.normal(size=4000)
    ends = np.array([interval(row, joint_level(values)) for row in values])
    inside = ((values >= ends[:, :1]) & (values <= ends[:, 1:])).all(axis=0)
    assert inside.mean() == pytest.approx(0.95, abs=0.005)


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, np.nan, 0.03])), [0.03, 0.06, np.nan, 0.06])
    np.testing.assert_allclose(holm(np.array([0.5, 0.9])), [1.0, 1.0])
    assert holm(np.array([])).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_holm_is_the_closed_test_of_bonferronis(values):
    p_values = np.array(values)
    subsets = [list(s) for size in range(1, len(values) + 1) for s in combinations(range(len(values)), size)]
    for i, found in enumerate(holm(p_values)):
        closed = max(min(1.0, len(s) * p_values[s].min()) for s in subsets if i in s)
        assert found == pytest.approx(closed)
