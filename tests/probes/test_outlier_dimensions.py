"""Outlier dimensions: shares by hand, the chance level by simulation, and what a planted dimension does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.judging import draw_resamples, interval_of
from probes.outlier_dimensions import OutlierPreparation, outlier_chance, outlier_dimensions


@settings(max_examples=25, deadline=None)
@given(n=st.integers(4, 30), d=st.integers(1, 12), seed=st.integers(0, 99), offset=st.sampled_from([0.0, 1e5]))
def test_shares_are_those_of_sorted_variances(n, d, seed, offset):
    x = np.random.default_rng(seed).standard_normal((n, d)) * np.arange(1, d + 1)
    variances = np.sort(x.var(axis=0))[::-1]
    result = outlier_dimensions(x + offset)
    expected = np.cumsum(np.pad(variances, (0, 3)))[:3] / variances.sum()
    np.testing.assert_allclose(result.share, expected, atol=1e-9)
    assert result.score == result.share[2]
    np.testing.assert_array_equal(result.dimensions, np.argsort(-x.var(axis=0))[:3])


def test_planted_dimensions_are_found_and_hidden_by_a_rotation():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 100))
    x[:, 17] *= 60
    x[:, 4] *= 20
    result = outlier_dimensions(x)
    assert list(result.dimensions[:2]) == [17, 4]
    assert result.share[0] == pytest.approx(3600 / 4098, abs=0.02)
    assert result.share[1] == pytest.approx(4000 / 4098, abs=0.01)
    turned = outlier_dimensions(x @ np.linalg.qr(rng.standard_normal((100, 100)))[0])
    assert turned.score < 0.3


def test_scale_and_offset_change_nothing():
    x = np.random.default_rng(0).standard_normal((50, 6)) * np.arange(1, 7)
    np.testing.assert_allclose(outlier_dimensions(1e-8 * x + 3).share, outlier_dimensions(x).share, rtol=1e-6)


@pytest.mark.parametrize(("n", "d"), [(5, 4), (12, 30), (100, 256), (1004, 256)])
def test_chance_is_the_mean_share_of_gaussians_of_equal_variance(n, d):
    rng = np.random.default_rng(0)
    shares = np.sort(rng.dirichlet(np.full(d, (n - 1) / 2), size=4000), axis=1)[:, -3:].sum(axis=1)
    assert outlier_chance(n, d) == pytest.approx(shares.mean(), abs=4 * shares.std() / np.sqrt(4000))
    x = rng.standard_normal((n, d))
    assert outlier_dimensions(x).score == pytest.approx(outlier_chance(n, d), abs=5 * shares.std())


def test_chance_with_three_dimensions_or_fewer_is_one_and_with_many_rows_is_their_share():
    assert outlier_chance(10, 3) == 1
    assert outlier_chance(10, 2) == 1
    assert outlier_chance(10**7, 300) == pytest.approx(0.01, rel=0.01)


def test_the_null_is_centred_on_chance_and_gaussians_score_like_it():
    rng = np.random.default_rng(0)
    prepared = OutlierPreparation().of({str(i): rng.standard_normal((50, 40)) for i in range(40)})
    null = prepared.null(100, seed=1)
    assert null.mean() == pytest.approx(prepared.chances[0], abs=4 * null.std() / np.sqrt(null.size))
    assert prepared.scores.mean() == pytest.approx(prepared.chances[0], abs=4 * null.std() / np.sqrt(40))
    assert prepared.scores.std() == pytest.approx(null.std(), rel=0.4)


def test_resamples_are_the_share_of_the_same_dimensions_among_repeated_rows():
    x = np.random.default_rng(0).standard_normal((20, 7)) + 4
    prepared = OutlierPreparation().of({"x": x})
    counts = draw_resamples(20, 12)
    leading = outlier_dimensions(x).dimensions
    variances = np.array([np.repeat(x, c, axis=0).var(axis=0) for c in counts])
    expected = variances[:, leading].sum(axis=1) / variances.sum(axis=1)
    np.testing.assert_allclose(prepared.resampled(counts)[0], expected, atol=1e-12)
    narrow = OutlierPreparation().of({"x": x.astype(np.float32)}).resampled(counts)[0]
    np.testing.assert_allclose(narrow, expected, atol=1e-6)


def test_the_interval_covers_the_share_of_the_population():
    rng = np.random.default_rng(0)
    scales = np.array([3.0, 2.0, 1.5, *np.ones(17)])
    truth = np.sum(scales[:3] ** 2) / np.sum(scales**2)
    counts, covered = draw_resamples(200, 200), 0
    for _ in range(60):
        prepared = OutlierPreparation().of({"x": rng.standard_normal((200, 20)) * scales})
        interval = interval_of(float(prepared.scores[0]), prepared.resampled(counts)[0])
        covered += interval.low <= truth <= interval.high
    assert covered >= 51


def test_vectors_that_do_not_vary_give_nan():
    constant = np.full((6, 5), 0.1)
    assert np.isnan(outlier_dimensions(constant).share).all()
    prepared = OutlierPreparation().of({"x": constant})
    assert np.isnan(prepared.scores).all()
    assert np.isnan(prepared.resampled(np.ones((2, 6), int))).all()


def test_torch_agrees_with_numpy():
    x = np.random.default_rng(0).standard_normal((20, 7))
    np.testing.assert_array_equal(outlier_dimensions(torch.tensor(x)).share, outlier_dimensions(x).share)


@pytest.mark.usefixtures("unchecked")
def test_unfit_vectors_are_refused_by_name():
    with pytest.raises(ValueError, match="x must have at least 4 rows"):
        outlier_dimensions(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"x_by_language\['b'\] must have the shape \(5, 3\) of 'a', got \(5, 2\)"):
        OutlierPreparation().of({"a": np.ones((5, 3)), "b": np.ones((5, 2))})
    with pytest.raises(ValueError, match="n_draws must be at least 1, got 0"):
        OutlierPreparation().of({"a": np.ones((5, 3))}).null(0)
