"""Procrustes and the best linear map: rotations, scipy's numbers, random rotations, and what one sentence moves."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes as scipy_procrustes
from scipy.stats import ortho_group

from probes.judging import bootstrap_interval, draw_permutations, draw_resamples, permutation_null, prepare
from probes.orthogonality import orthogonality_deviation
from probes.procrustes import procrustes
from probes.spectral_chances import expected_nuclear_norm, mean_square_of_gram

MEASURES = {"procrustes": procrustes, "orthogonality": partial(orthogonality_deviation, variance=1.0)}
EACH = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())


def related(n: int = 60, d: int = 6, seed: int = 0, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    spectrum = np.arange(1, d + 1) ** -0.5
    x = rng.standard_normal((n, d)) * spectrum
    return x, (x + noise * rng.standard_normal((n, d)) * spectrum) @ ortho_group.rvs(d, random_state=1)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(4, 30), k=st.integers(2, 6), seed=st.integers(0, 99))
def test_the_score_is_what_scipys_disparity_leaves(n, k, seed):
    x, y = related(n, 6, seed)
    x, y = x[:, :k], y[:, :k]
    disparity = scipy_procrustes(x, y)[2]
    result = procrustes(x, y)
    assert result.score**2 == pytest.approx(1 - disparity, abs=1e-9)
    assert result.angle == pytest.approx(np.arccos(result.score))


def test_rotations_scales_and_offsets_change_nothing():
    x, y = related()
    turned = 7 * x @ ortho_group.rvs(6, random_state=3) + 1e3
    assert procrustes(turned, y).score == pytest.approx(procrustes(x, y).score, abs=1e-10)
    assert procrustes(y, x).score == pytest.approx(procrustes(x, y).score, abs=1e-12)
    assert procrustes(x, turned).score == pytest.approx(1, abs=1e-10)
    assert procrustes(x, turned).angle == pytest.approx(0, abs=1e-5)
    assert procrustes(x, x * [9, 1, 1, 1, 1, 1]).score < 0.95


def test_more_dimensions_of_zeros_change_nothing():
    x, y = related()
    assert procrustes(np.pad(x, ((0, 0), (0, 80))), y).score == pytest.approx(procrustes(x, y).score, abs=1e-12)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("n", "k", "m"), [(6, 2, 2), (10, 9, 4), (30, 10, 20), (60, 59, 59)])
def test_chance_is_the_mean_over_random_rotations(n, k, m, power):
    a, b = np.arange(1, k + 1) ** -power, np.arange(1, m + 1) ** -power
    turns = ortho_group.rvs(n - 1, size=400, random_state=0)[:, :k, :m]
    products = a[:, None] * turns * b
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    scores = np.linalg.svd(products, compute_uv=False).sum(axis=1) / norm
    assert expected_nuclear_norm(a, b, n - 1) / norm == pytest.approx(scores.mean(), abs=0.25 * scores.std() + 0.012)
    squares = (np.einsum("nij,nkj->nik", products, products) ** 2).sum(axis=(1, 2))
    error = 4 * squares.std() / 20
    assert mean_square_of_gram(a, b, n - 1) == pytest.approx(squares.mean(), abs=error + 1e-9)


def test_random_squares_are_as_large_as_the_rotations_group_says():
    # A full rotation keeps the identity: |Q Q'|^2 = n; one entry: E q^4 = 3 / (n (n + 2)).
    assert mean_square_of_gram(np.ones(5), np.ones(5), 5) == pytest.approx(5)
    assert mean_square_of_gram(np.ones(1), np.ones(1), 5) == pytest.approx(3 / 35)
    assert expected_nuclear_norm(np.full(5, 2.0), np.ones(5), 5) == pytest.approx(10, abs=1e-6)


@EACH
@pytest.mark.parametrize("skew", [0.0, 0.7])
def test_the_null_of_unrelated_sentences_is_centred_on_chance(measure, skew):
    x, y = np.random.default_rng(3).standard_normal((2, 150, 12)) * np.arange(1, 13) ** -skew
    null = permutation_null(measure, x, y, n_permutations=200)
    result = measure(x, y)
    assert null.mean == pytest.approx(result.chance, abs=0.3 * null.sd)
    assert result.score == pytest.approx(result.chance, abs=4 * null.sd)
    assert prepare(measure, x, y).chance == result.chance
    interval = bootstrap_interval(measure, x, y, n_resamples=200)
    assert interval.low < result.chance < interval.high


def test_few_sentences_in_many_dimensions_fit_by_chance():
    x, y = np.random.default_rng(0).standard_normal((2, 10, 200))
    result = procrustes(x, y)
    assert result.chance > 0.97
    assert result.score == pytest.approx(result.chance, abs=0.02)


@EACH
def test_permuted_scores_are_those_of_permuted_rows(measure):
    x, y = related()
    orders = draw_permutations(60, 8)
    for pair in ((x, y), (x[:, :4], y), (y, x[:, :4])):
        expected = [measure(pair[0], pair[1][p]).score for p in orders]
        np.testing.assert_allclose(prepare(measure, *pair).permuted(orders), expected, atol=1e-7)


def weighted_procrustes(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    x, y = ((z - w @ z / w.sum()) * np.sqrt(w)[:, None] for z in (x, y))
    return float(np.linalg.norm(x.T @ y, "nuc") / np.linalg.norm(x) / np.linalg.norm(y))


def weighted_orthogonality(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    x, y = ((z - w @ z / w.sum()) * np.sqrt(w)[:, None] for z in (x, y))
    best = np.linalg.lstsq(x, y, rcond=None)[0]
    return float(np.linalg.norm(best @ best.T - np.eye(x.shape[1])) / np.sqrt(x.shape[1]))


WEIGHTED = pytest.mark.parametrize(
    ("measure", "weighted"),
    list(zip(MEASURES.values(), (weighted_procrustes, weighted_orthogonality), strict=True)),
    ids=MEASURES.keys(),
)


@WEIGHTED
def test_influence_is_the_derivative_of_the_score_to_a_sentences_weight(measure, weighted):
    x, y = related(40, 5)
    assert measure(x, y).score == pytest.approx(weighted(x, y, np.ones(40)), abs=1e-10)
    influence, step = prepare(measure, x, y).influence, 1e-5
    for i in range(0, 40, 7):
        moved = [weighted(x, y, np.ones(40) + sign * step * (40 * (np.arange(40) == i) - 1)) for sign in (1, -1)]
        assert influence[i] == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=1e-5)
    counts = draw_resamples(40, 5)
    expected = measure(x, y).score + (counts - 1) @ influence / 40
    np.testing.assert_allclose(prepare(measure, x, y).resampled(counts), expected, atol=1e-10)


@WEIGHTED
def test_a_small_resample_moves_the_score_as_weights_do(measure, weighted):
    y, x = related(2000, 5)
    counts = np.ones((1, 2000), dtype=int)
    counts[0, :20], counts[0, 20:40] = 2, 0
    exact = weighted(x, y, counts[0].astype(float))
    moved = prepare(measure, x, y).resampled(counts)[0]
    assert moved == pytest.approx(exact, abs=0.1 * abs(exact - measure(x, y).score) + 1e-5)


@EACH
def test_intervals_are_as_wide_as_scores_vary_over_fresh_samples(measure):
    samples = [related(300, 10, seed) for seed in range(60)]
    counts = draw_resamples(300, 200)
    spreads = [prepare(measure, *pair).resampled(counts).std() for pair in samples[:10]]
    assert 0.75 < np.mean(spreads) / np.std([measure(*pair).score for pair in samples], ddof=1) < 1.7


def test_the_best_map_of_a_rotation_is_a_rotation():
    x, _ = related()
    result = orthogonality_deviation(x, x @ ortho_group.rvs(6, random_state=0) + 9, variance=1.0)
    assert result.score == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(result.singular_values, 1, atol=1e-12)
    assert prepare(MEASURES["orthogonality"], x, x).resampled(draw_resamples(60, 4)) == pytest.approx(0, abs=1e-6)
    assert result.chance > 0.5


def test_stretching_and_losing_directions_are_deviations():
    x = related()[0]
    x = np.linalg.qr(x - x.mean(0))[0]
    measure = MEASURES["orthogonality"]
    assert measure(x, 3 * x).score == pytest.approx(8)
    np.testing.assert_allclose(measure(x, x * [1, 1, 1, 2, 2, 2]).singular_values, [2, 2, 2, 1, 1, 1], atol=1e-9)
    assert measure(x, x[:, :4]).score == pytest.approx(np.sqrt(2 / 6), abs=1e-9)
    assert measure(x[:, :4], x).score == pytest.approx(0, abs=1e-9)


def test_leading_directions_are_joined_by_default():
    x, y = related(200, 6)
    x, y = np.column_stack([x, 1e-4 * y[::-1]]), np.column_stack([y, 1e-2 * x[::-1]])
    wild, plain = (orthogonality_deviation(x, y, variance=share) for share in (1.0, 0.99))
    assert wild.score > 100
    assert plain.dimensions == (6, 6)
    assert plain.score == pytest.approx(weighted_orthogonality(x[:, :6], y[:, :6], np.ones(200)), abs=1e-2)
    assert permutation_null(orthogonality_deviation, x, y, n_permutations=50).mean > plain.score


@EACH
def test_torch_and_float32_agree_with_numpy(measure):
    x, y = related()
    assert measure(torch.tensor(x), torch.tensor(y)).score == pytest.approx(measure(x, y).score, abs=1e-12)
    narrow = [(z + 100).astype(np.float32) for z in (x, y)]
    assert measure(*narrow).score == pytest.approx(measure(x, y).score, abs=1e-4)
    resampled = [prepare(measure, *pair).resampled(draw_resamples(60, 5)) for pair in (narrow, (x, y))]
    np.testing.assert_allclose(*resampled, atol=1e-4)


@EACH
def test_a_language_that_does_not_vary_has_no_score_and_a_reason(measure):
    x, _ = related()
    result = measure(np.full((60, 3), 0.1), x)
    assert np.isnan([result.score, result.chance]).all()
    assert result.reason == "x has the same vector in every row, so nothing varies that could be compared"


def test_a_map_through_as_many_points_as_dimensions_is_refused():
    x, y = np.random.default_rng(0).standard_normal((2, 10, 12))
    message = (
        r"orthogonality_deviation must have more sentences than dimensions, got 10 .* give more sentences, or lower"
    )
    with pytest.raises(ValueError, match=message):
        orthogonality_deviation(x, y, variance=1.0)
    with pytest.raises(ValueError, match="variance must be a share above 0 and at most 1, got -1"):
        orthogonality_deviation(x, y, variance=-1.0)
