"""Average neuron-wise correlation: numpy's corrcoef, its floor, constant neurons, and what CKA does not see."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import average_neuronwise_correlation, bootstrap_interval, linear_cka, pairwise_anc, permutation_null
from probes.judging import draw_permutations, draw_resamples, prepare
from probes.neuronwise import CorrelationPreparation

BOTH = pytest.mark.parametrize("absolute", [False, True])


def related(n: int = 40, d: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    return x, x * rng.choice([-1, 1], d) + rng.standard_normal((n, d))


@settings(max_examples=20, deadline=None)
@given(n=st.integers(4, 30), d=st.integers(1, 8), seed=st.integers(0, 99), offset=st.sampled_from([0.0, 1e6]))
def test_each_neuron_has_the_correlation_that_numpy_gives(n, d, seed, offset):
    x, y = related(n, d, seed)
    expected = np.array([np.corrcoef(x[:, j], y[:, j])[0, 1] for j in range(d)])
    result = average_neuronwise_correlation(3 * x + offset, y)
    np.testing.assert_allclose(result.per_neuron, expected, atol=1e-9)
    assert result.score == pytest.approx(expected.mean(), abs=1e-9)
    absolute = average_neuronwise_correlation(3 * x + offset, y, absolute=True)
    assert absolute.score == pytest.approx(np.abs(expected).mean(), abs=1e-9)


@BOTH
def test_a_neuron_without_variance_counts_as_zero_and_is_counted(absolute):
    x, y = related(d=4)
    x[:, 1] = 0.1
    y[:, 2] = -7.3
    result = average_neuronwise_correlation(x, y, absolute=absolute)
    assert result.n_constant == 2
    assert (result.per_neuron[1], result.per_neuron[2]) == (0, 0)
    kept = average_neuronwise_correlation(x[:, [0, 3]], y[:, [0, 3]], absolute=absolute)
    assert result.score == pytest.approx(kept.score / 2)
    assert result.chance == pytest.approx(kept.chance / 2)


def test_one_outlier_dimension_carries_cka_and_not_anc():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 500, 768))
    shared = 60 * rng.standard_normal(500)
    x[:, 5] += shared
    y[:, 5] += shared
    assert linear_cka(x, y, estimator="biased").score == pytest.approx(0.9994, abs=1e-4)
    assert linear_cka(x, y).score == pytest.approx(0.9994, abs=1e-4)
    assert average_neuronwise_correlation(x, y).score == pytest.approx(0.001, abs=0.001)


@pytest.mark.parametrize(("n", "floor"), [(100, 0.0802), (1004, 0.0252)])
def test_the_absolute_variant_has_a_floor(n, floor):
    x, y = np.random.default_rng(0).standard_normal((2, n, 2000))
    result = average_neuronwise_correlation(x, y, absolute=True)
    assert result.chance == pytest.approx(floor, abs=1e-4)
    assert result.score == pytest.approx(floor, rel=0.06)
    assert average_neuronwise_correlation(x, y).chance == 0


@BOTH
def test_all_pairs_agree_with_a_loop(absolute):
    stack = np.random.default_rng(0).standard_normal((4, 21, 5)) + np.random.default_rng(1).standard_normal((21, 5))
    stack[2, :, 3] = 1.5
    loop = [[average_neuronwise_correlation(x, y, absolute=absolute).score for y in stack] for x in stack]
    np.testing.assert_allclose(pairwise_anc(stack, absolute=absolute).scores, loop, atol=1e-12)
    np.testing.assert_allclose(pairwise_anc(list(torch.tensor(stack)), absolute=absolute).scores, loop, atol=1e-9)


@BOTH
def test_permuted_scores_are_those_of_permuted_rows(absolute):
    x, y = related()
    measure = partial(average_neuronwise_correlation, absolute=absolute)
    orders = draw_permutations(40, 10)
    np.testing.assert_allclose(
        prepare(measure, x, y).permuted(orders), [measure(x, y[p]).score for p in orders], atol=1e-12
    )


@BOTH
def test_resampled_scores_are_those_of_repeated_rows_moved_onto_the_score_if_absolute(absolute):
    x, y = related(n=12)
    x[:, 2] = np.arange(12) == 4
    measure = partial(average_neuronwise_correlation, absolute=absolute)
    counts = draw_resamples(12, 30)
    assert (counts[:, 4] == 0).any()
    rows = [np.repeat(np.arange(12), c) for c in counts]
    expected = np.array([measure(x[r], y[r]).score for r in rows])
    if absolute:
        expected += measure(x, y).score - expected.mean()
    np.testing.assert_allclose(prepare(measure, x, y).resampled(counts), expected, atol=1e-12)


@BOTH
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_many_sides_against_a_pivot_agree_with_pairs(absolute, library):
    preparation = CorrelationPreparation(absolute)
    stack = np.random.default_rng(0).standard_normal((3, 30, 7)) + np.random.default_rng(1).standard_normal((30, 7))
    pivot, *sides = [preparation.side(torch.tensor(x) if library == "torch" else x) for x in stack]
    orders, counts = draw_permutations(30, 6), draw_resamples(30, 6)
    permuted = [preparation.pair(pivot, side).permuted(orders) for side in sides]
    np.testing.assert_allclose(preparation.permuted_many(pivot, sides, orders), permuted, atol=1e-12)
    resampled = [preparation.pair(pivot, side).resampled(counts) for side in sides]
    np.testing.assert_allclose(preparation.resampled_many(pivot, sides, counts), resampled, atol=1e-12)


def test_a_mean_offset_of_100_in_float32_changes_nothing():
    x, y = related(300, 50)
    shifted = (x + 100).astype(np.float32), (y + 100).astype(np.float32)
    narrow = average_neuronwise_correlation(*shifted).score
    assert narrow == pytest.approx(average_neuronwise_correlation(*(s.astype(float) for s in shifted)).score, abs=1e-6)
    interval = bootstrap_interval(average_neuronwise_correlation, *shifted, n_resamples=20)
    wide = bootstrap_interval(average_neuronwise_correlation, *(s.astype(float) for s in shifted), n_resamples=20)
    assert (interval.low, interval.high) == pytest.approx((wide.low, wide.high), abs=1e-6)


@BOTH
def test_torch_agrees_with_numpy(absolute):
    x, y = related()
    measure = partial(average_neuronwise_correlation, absolute=absolute)
    tensors = torch.tensor(x), torch.tensor(y)
    np.testing.assert_allclose(measure(*tensors).per_neuron, measure(x, y).per_neuron, atol=1e-9)
    nulls = [permutation_null(measure, *pair, n_permutations=9) for pair in (tensors, (x, y))]
    assert nulls[0].mean == pytest.approx(nulls[1].mean, abs=1e-9)
    intervals = [bootstrap_interval(measure, *pair, n_resamples=9) for pair in (tensors, (x, y))]
    assert intervals[0].high == pytest.approx(intervals[1].high, abs=1e-9)


def test_the_null_has_the_standard_deviation_of_theory():
    x, y = np.random.default_rng(0).standard_normal((2, 200, 50))
    null = permutation_null(average_neuronwise_correlation, x, y, n_permutations=500)
    assert null.mean == pytest.approx(0, abs=0.002)
    assert null.sd == pytest.approx(1 / np.sqrt(199 * 50), rel=0.15)


@pytest.mark.usefixtures("unchecked")
def test_columns_that_cannot_be_matched_are_refused():
    with pytest.raises(ValueError, match="y must have the 5 columns of x, got 6; columns are matched by position"):
        average_neuronwise_correlation(np.eye(5), np.eye(5, 6))
    with pytest.raises(ValueError, match="y must have the 5 columns of x, got 4"):
        pairwise_anc([np.eye(5), np.eye(5, 4)])
