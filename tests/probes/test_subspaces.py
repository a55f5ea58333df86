"""Subspace distance: scipy's angles, what it does not see, random subspaces, and what one sentence moves."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import subspace_angles
from scipy.stats import ortho_group

from probes import spectral_sides
from probes.judging import bootstrap_interval, draw_permutations, draw_resamples, permutation_null, prepare
from probes.subspaces import METRICS, chance_distance, distance_of, subspace_distance

EACH = pytest.mark.parametrize("metric", METRICS)


def related(n: int = 80, d: int = 8, seed: int = 0, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    spectrum = np.arange(1, d + 1) ** -1.0
    tilt = np.linalg.qr(np.eye(d) + noise * np.random.default_rng(99).standard_normal((d, d)) / d)[0]
    return rng.standard_normal((n, d)) * spectrum, rng.standard_normal((n, d)) * spectrum @ tilt


def weighted_basis(x: np.ndarray, w: np.ndarray, *, variance: float) -> np.ndarray:
    x = x - w @ x / w.sum()
    values, vectors = np.linalg.eigh(x.T * w @ x)
    values, vectors = values[::-1], vectors[:, ::-1]
    return vectors[:, : np.searchsorted(np.cumsum(values) / values.sum(), variance) + 1]


def weighted_distance(x: np.ndarray, y: np.ndarray, w: np.ndarray, *, variance: float, metric: str) -> float:
    a, b = (weighted_basis(z, w, variance=variance) for z in (x, y))
    angles = subspace_angles(a, b)
    if metric == "principal_angle":
        return float(angles.mean())
    if metric == "geodesic":
        return float(np.linalg.norm(angles))
    projections = np.sum((a @ a.T) * (b @ b.T))
    return float(np.sqrt(np.maximum(max(a.shape[1], b.shape[1]) - projections, 0)))


@settings(max_examples=20, deadline=None)
@given(n=st.integers(4, 40), d=st.integers(2, 8), seed=st.integers(0, 99), variance=st.sampled_from([0.5, 0.9, 0.99]))
def test_distances_are_those_of_scipys_angles_and_of_projections(n, d, seed, variance):
    x, y = related(n, d, seed)
    for metric in METRICS:
        expected = weighted_distance(x, y, np.ones(n), variance=variance, metric=metric)
        assert subspace_distance(x, y, variance=variance, metric=metric).score == pytest.approx(expected, abs=1e-6)


@EACH
def test_offsets_the_order_of_sentences_and_a_common_rotation_go_unseen(metric):
    x, y = related()
    distance = partial(subspace_distance, metric=metric)
    turn = ortho_group.rvs(8, random_state=0)
    plain = distance(x, y)
    assert distance(x + 40, 3 * y - 1e3).score == pytest.approx(plain.score, abs=1e-8)
    assert distance(x[::-1], y).score == pytest.approx(plain.score, abs=1e-8)
    assert distance(x @ turn, y @ turn).score == pytest.approx(plain.score, abs=1e-8)
    assert distance(y, x).score == pytest.approx(plain.score, abs=1e-12)
    assert distance(x, x).score == pytest.approx(0, abs=1e-6)
    assert distance(x, x @ turn).score > 10 * distance(x, x + 1e-3 * y).score


def test_languages_along_other_axes_are_a_right_angle_apart():
    rng = np.random.default_rng(0)
    x, y = np.zeros((2, 50, 6))
    x[:, :2], y[:, 2:5] = rng.standard_normal((50, 2)), rng.standard_normal((50, 3))
    expected = {"principal_angle": np.pi / 2, "geodesic": np.pi / np.sqrt(2), "chordal": np.sqrt(3)}
    for metric, distance in expected.items():
        result = subspace_distance(x, y, variance=1.0, metric=metric)
        assert result.score == pytest.approx(distance)
        assert result.dimensions == (2, 3)
    np.testing.assert_allclose(subspace_distance(x, y, variance=1.0).angles, np.pi / 2)


def test_languages_may_have_other_numbers_of_sentences():
    x, y = related()
    assert subspace_distance(x, y[:50]).score == pytest.approx(
        float(subspace_angles(*(weighted_basis(z, np.ones(len(z)), variance=0.9) for z in (x, y[:50]))).mean()),
        abs=1e-7,
    )


@EACH
@pytest.mark.parametrize(("k", "m", "d"), [(1, 1, 4), (2, 3, 9), (5, 5, 12), (8, 6, 12), (20, 25, 64)])
def test_chance_is_the_mean_over_random_subspaces(metric, k, m, d):
    bases = ortho_group.rvs(d, size=600, random_state=0)[:, :k, :m]
    drawn = distance_of(np.clip(np.linalg.svd(bases, compute_uv=False), 0, 1), k, m, metric)
    chance = chance_distance(k, m, d, metric)
    # The root of the mean square lies above the mean by less than half the spread.
    assert chance == pytest.approx(
        drawn.mean(), abs=drawn.std() * (0.5 * (metric != "principal_angle") + 4 / 600**0.5) + 0.01
    )


@EACH
def test_the_null_is_of_random_subspaces_and_centred_on_chance(metric):
    x, y = related()
    distance = partial(subspace_distance, metric=metric)
    null = permutation_null(distance, x, y, n_permutations=300)
    assert null.mean == pytest.approx(distance(x, y).chance, abs=0.35 * null.sd)
    other = x @ ortho_group.rvs(8, random_state=5)
    orders = draw_permutations(80, 20)
    np.testing.assert_array_equal(
        prepare(distance, x, other).permuted(orders), prepare(distance, x, x).permuted(orders)
    )
    random = np.linalg.qr(np.random.default_rng(1).standard_normal((400, 8, 8)))[0]
    spread = np.std([distance(x, x @ turn).score for turn in random])
    assert spread == pytest.approx(null.sd, rel=0.2)


@EACH
def test_influence_is_the_derivative_of_the_distance_to_a_sentences_weight(metric, monkeypatch):
    monkeypatch.setattr(spectral_sides, "damped_inverse", lambda gaps, noise: 1 / gaps)
    x, y = related(40, 6)
    weighted = partial(weighted_distance, variance=0.9, metric=metric)
    prepared, step = prepare(partial(subspace_distance, metric=metric), x, y), 1e-5
    for i in range(0, 40, 7):
        moved = [weighted(x, y, np.ones(40) + sign * step * (40 * (np.arange(40) == i) - 1)) for sign in (1, -1)]
        assert prepared.influence[i] == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=1e-4)
    assert prepared.influence.mean() == pytest.approx(0, abs=1e-9)


@EACH
def test_a_turn_across_a_gap_that_noise_explains_is_damped(metric):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 200, 10))
    prepared = prepare(partial(subspace_distance, metric=metric, variance=0.5), x, y)
    turns = np.abs(prepared.resampled(draw_resamples(200, 100)) - prepared.score)
    assert turns.max() < 4 * np.std([subspace_distance(*pair, metric=metric, variance=0.5).score
                                     for pair in rng.standard_normal((60, 2, 200, 10))])  # fmt: skip


@EACH
def test_intervals_are_as_wide_as_distances_vary_over_fresh_samples(metric):
    measure = partial(subspace_distance, metric=metric)
    samples = [related(300, 12, seed) for seed in range(60)]
    counts = draw_resamples(300, 200)
    spreads = [prepare(measure, *pair).resampled(counts).std() for pair in samples[:12]]
    assert 0.6 < np.mean(spreads) / np.std([measure(*pair).score for pair in samples], ddof=1) < 1.7


@EACH
def test_a_language_lies_at_no_distance_from_itself_whatever_is_drawn(metric):
    x, _ = related()
    interval = bootstrap_interval(partial(subspace_distance, metric=metric), x, x, n_resamples=30)
    assert (interval.low, interval.high) == pytest.approx((0, 0), abs=1e-6)


@EACH
def test_torch_and_float32_agree_with_numpy(metric):
    x, y = related()
    measure = partial(subspace_distance, metric=metric)
    assert measure(torch.tensor(x), torch.tensor(y)).score == pytest.approx(measure(x, y).score, abs=1e-12)
    narrow = [(z + 100).astype(np.float32) for z in (x, y)]
    assert measure(*narrow).score == pytest.approx(measure(x, y).score, abs=1e-4)


def test_a_language_that_does_not_vary_has_no_distance_and_a_reason():
    x, _ = related()
    result = subspace_distance(x, np.full((60, 8), 0.1))
    assert np.isnan([result.score, result.chance]).all()
    assert result.reason == "y has the same vector in every row, so nothing varies that could be compared"


@pytest.mark.usefixtures("unchecked")
def test_spaces_and_options_that_do_not_fit_are_refused():
    x, y = related()
    with pytest.raises(ValueError, match="y must have the 8 columns of x, got 7; subspaces are compared in one space"):
        subspace_distance(x, y[:, :7])
    with pytest.raises(ValueError, match="metric must be one of principal_angle, geodesic, chordal, got 'cosine'"):
        subspace_distance(x, y, metric="cosine")
    with pytest.raises(ValueError, match="variance must be a share above 0 and at most 1, got 90"):
        subspace_distance(x, y, variance=90.0)
