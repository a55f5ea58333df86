"""Transforms: each one's law on the rows it was fitted on, and what it does to rows that it has not seen."""

from functools import partial

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import linear_cka, retrieval_accuracy, strong_alignment
from probes.isotropy import isotropy
from probes.language_identity import language_identity
from probes.outlier_dimensions import outlier_dimensions
from probes.transforms import (
    TRANSFORMS,
    fit_abtt,
    fit_centring,
    fit_cluster_isotropy,
    fit_linear_map,
    fit_orthogonal_map,
    fit_zca,
    ledoit_wolf_share,
)

WORDS = pytest.mark.parametrize("word", list(TRANSFORMS))
SHAPES = {"n": st.integers(5, 40), "d": st.integers(3, 20), "seed": st.integers(0, 99)}


def rows(n: int = 60, d: int = 8, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) * np.linspace(2, 0.5, d) + 3


def translations(n: int = 200, d: int = 20, noise: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two languages with an offset between them."""
    rng = np.random.default_rng(seed)
    x, offset = rng.standard_normal((n, d)), 2 * rng.standard_normal(d)
    return x - offset, x + noise * rng.standard_normal((n, d)) + offset


def fitted(word: str, x: np.ndarray, y: np.ndarray):
    kind = TRANSFORMS[word]
    return kind.fit(x, y) if kind.needs_pivot else kind.fit(x)


def test_the_table_has_every_transform_by_its_word():
    assert [word for word, kind in TRANSFORMS.items() if kind.needs_pivot] == ["orthogonal", "linear"]
    assert list(TRANSFORMS) == ["centre", "abtt", "cluster", "zca", "orthogonal", "linear"]


@WORDS
def test_rows_are_transformed_one_by_one_in_their_own_type_and_left_as_they_were(word):
    x, y = translations()
    transform = fitted(word, x[:100], y[:100])
    z, before = x[100:], x[100:].copy()
    whole = transform.apply(z)
    np.testing.assert_allclose(np.concatenate([transform.apply(z[i : i + 1]) for i in range(100)]), whole, atol=1e-12)
    np.testing.assert_array_equal(z, before)
    narrow = transform.apply(z.astype(np.float32))
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, whole, atol=1e-5)
    tensor = transform.apply(torch.tensor(z))
    assert tensor.dtype == torch.float64
    np.testing.assert_allclose(tensor, whole, atol=1e-12)


@WORDS
@pytest.mark.usefixtures("unchecked")
def test_whole_numbers_come_back_in_float64(word):
    x, y = translations()
    transform, z = fitted(word, x, y), np.round(x)
    moved = transform.apply(z.astype(np.int64))
    assert moved.dtype == np.float64
    np.testing.assert_array_equal(moved, transform.apply(z))


@WORDS
def test_fitting_on_torch_or_float32_or_twice_gives_the_same_transform(word):
    x, y = (z.astype(np.float32) for z in translations())
    expected = fitted(word, x, y).apply(x.astype(float))
    for again in (fitted(word, x, y), fitted(word, torch.tensor(x), torch.tensor(y))):
        np.testing.assert_array_equal(again.apply(x.astype(float)), expected)
    wide = fitted(word, x.astype(float), y.astype(float))
    np.testing.assert_allclose(wide.apply(x.astype(float)), expected, atol=1e-9)


@WORDS
@pytest.mark.usefixtures("unchecked")
def test_another_width_too_few_rows_and_values_that_are_not_finite_are_refused(word):
    x, y = translations()
    with pytest.raises(ValueError, match="z must have the 20 columns that the transform was fitted on, got 7"):
        fitted(word, x, y).apply(x[:, :7])
    with pytest.raises(ValueError, match=r"x must have at least [23] rows"):
        fitted(word, x[:1], y[:1])
    with pytest.raises(ValueError, match="x must be finite"):
        fitted(word, np.full((5, 20), np.inf), y[:5])
    with pytest.raises(ValueError, match="z must be finite"):
        fitted(word, x, y).apply(np.full((5, 20), np.nan))


@settings(max_examples=20, deadline=None)
@given(**SHAPES)
def test_centring_takes_the_mean_and_nothing_else(n, d, seed):
    x = rows(n, d, seed)
    moved = fit_centring(x).apply(x)
    np.testing.assert_allclose(moved.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(moved - moved[0], x - x[0], atol=1e-12)


def test_centring_on_other_sentences_takes_strong_alignment_from_zero_to_near_one():
    x, y = translations(noise=0.2)
    assert strong_alignment(x[100:], y[100:]).score < 0.05
    moved = [fit_centring(z[:100]).apply(z[100:]) for z in (x, y)]
    assert strong_alignment(*moved).score > 0.95
    assert language_identity({"x": x[100:], "y": y[100:]}).score > 0.95
    assert language_identity(dict(zip("xy", moved, strict=True))).score < 0.7


@settings(max_examples=20, deadline=None)
@given(**SHAPES, n_components=st.integers(1, 2))
def test_all_but_the_top_removes_exactly_the_leading_components(n, d, seed, n_components):
    x = rows(n, d, seed)
    transform = fit_abtt(x, n_components=n_components)
    moved = transform.apply(x)
    before = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    after = np.linalg.svd(moved, compute_uv=False)
    np.testing.assert_allclose(after[: before.size - n_components], before[n_components:], atol=1e-9)
    np.testing.assert_allclose(after[before.size - n_components :], 0, atol=1e-9)
    np.testing.assert_allclose(moved @ transform.directions.T, 0, atol=1e-10)
    np.testing.assert_allclose(transform.apply(moved + x.mean(axis=0)), moved, atol=1e-10)


@pytest.mark.parametrize(("d", "dropped"), [(3, 1), (149, 1), (256, 3), (768, 8)])
def test_all_but_the_top_drops_one_direction_in_a_hundred(d, dropped):
    x = np.random.default_rng(0).standard_normal((30, d))
    assert fit_abtt(x).directions.shape[0] == dropped


def test_all_but_the_top_makes_vectors_isotropic_that_share_a_direction():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 20)) / 4 + np.outer(rng.standard_normal(400) + 2, np.eye(20)[4])
    moved = fit_abtt(x[:200]).apply(x[200:])
    assert isotropy(x[200:]).score < 0.1
    assert isotropy(moved).score > 0.6
    assert outlier_dimensions(x).score > 2 * outlier_dimensions(moved).score


def test_clusters_lose_their_means_and_their_leading_components():
    rng = np.random.default_rng(0)
    centres = 30 * np.eye(3, 6)
    x = np.repeat(centres, 40, axis=0) + rng.standard_normal((120, 6)) * np.array([1, 1, 1, 9, 2, 1])
    transform = fit_cluster_isotropy(x, n_clusters=3, n_components=1)
    moved = transform.apply(x)
    for i in range(3):
        own = x[40 * i : 40 * i + 40]
        np.testing.assert_allclose(moved[40 * i : 40 * i + 40], fit_abtt(own, n_components=1).apply(own), atol=1e-9)
    assert isotropy(moved).mean_cosine == pytest.approx(0, abs=0.02)


def test_one_cluster_is_all_but_the_top():
    x = rows()
    np.testing.assert_allclose(
        fit_cluster_isotropy(x, n_clusters=1, n_components=2).apply(x),
        fit_abtt(x, n_components=2).apply(x),
        atol=1e-10,
    )


def test_a_new_vector_is_treated_as_the_nearest_cluster():
    x = np.concatenate([rows(40, 5, 1), rows(40, 5, 2) + 50])
    transform = fit_cluster_isotropy(x, n_clusters=2, n_components=1)
    z = rows(10, 5, 3) + 50
    np.testing.assert_allclose(transform.apply(z), fit_abtt(x[40:], n_components=1).apply(z), atol=1e-9)


def test_the_number_of_clusters_follows_the_rows_and_small_clusters_do_not_vanish():
    assert fit_cluster_isotropy(rows(40)).centres.shape[0] == 1
    assert fit_cluster_isotropy(rows(500)).centres.shape[0] == 10
    assert fit_cluster_isotropy(rows(1500, 4)).centres.shape[0] == 27
    x = np.concatenate([rows(30, 8), rows(3, 8, 1) + 100])
    moved = fit_cluster_isotropy(x, n_clusters=2, n_components=5).apply(x)
    assert np.linalg.norm(moved, axis=1).min() > 1e-3


@pytest.mark.parametrize("shape", [(60, 8), (300, 3)])
def test_whitening_makes_the_covariance_the_identity_and_turns_nothing(shape):
    x = rows(*shape)
    transform = fit_zca(x, shrinkage=0.0)
    moved = transform.apply(x)
    np.testing.assert_allclose(np.cov(moved.T, bias=True), np.eye(shape[1]), atol=1e-9)
    np.testing.assert_allclose(
        transform.matrix, scipy.linalg.inv(scipy.linalg.sqrtm(np.cov(x.T, bias=True))), atol=1e-9
    )
    np.testing.assert_allclose(transform.matrix, transform.matrix.T)


@pytest.mark.parametrize(("n", "d"), [(200, 20), (40, 30), (20, 19), (20, 60)])
def test_whitened_unrelated_languages_have_a_biased_cka_of_d_over_n_minus_1(n, d):
    x, y = np.random.default_rng(0).standard_normal((2, n, d))
    moved = [fit_zca(z, shrinkage=0.0).apply(z) for z in (x, y)]
    result = linear_cka(*moved, estimator="biased")
    expected = min(1.0, d / (n - 1))
    assert result.chance == pytest.approx(expected, abs=1e-9)
    assert result.score == pytest.approx(expected, abs=0.05 if d < n - 1 else 1e-9)


@pytest.mark.parametrize("shape", [(30, 8), (12, 40), (500, 5)])
def test_the_default_shrinkage_is_that_of_ledoit_and_wolf(shape):
    from sklearn.covariance import ledoit_wolf

    x = rows(*shape)
    covariance, share = ledoit_wolf(x)
    transform = fit_zca(x)
    assert transform.shrinkage == pytest.approx(share, abs=1e-12)
    np.testing.assert_allclose(transform.matrix @ covariance @ transform.matrix, np.eye(shape[1]), atol=1e-8)
    wide = np.sqrt(5) * np.concatenate([np.eye(5), -np.eye(5)])
    assert ledoit_wolf_share(wide, np.eye(5)) == 1.0


def test_full_shrinkage_leaves_directions_as_they_are():
    x = rows()
    moved, centred = fit_zca(x, shrinkage=1.0).apply(x), x - x.mean(axis=0)
    np.testing.assert_allclose(moved / moved[0, 0], centred / centred[0, 0])


def test_whitening_takes_an_outlier_dimension_away():
    x = rows(300, 30)
    x[:, 3] *= 100
    assert outlier_dimensions(x).share[0] > 0.95
    assert outlier_dimensions(fit_zca(x[:150], shrinkage=0.0).apply(x[150:])).share[0] < 0.1


@settings(max_examples=20, deadline=None)
@given(**SHAPES)
def test_the_orthogonal_map_finds_a_rotation_and_keeps_distances(n, d, seed):
    x = rows(n, d, seed)
    rotation = np.linalg.qr(np.random.default_rng(seed + 1).standard_normal((d, d)))[0]
    y = x @ rotation - 7
    transform = fit_orthogonal_map(x, y)
    np.testing.assert_allclose(transform.apply(x), y, atol=1e-8)
    np.testing.assert_allclose(transform.matrix @ transform.matrix.T, np.eye(d), atol=1e-10)
    z = rows(6, d, seed + 2)
    moved = transform.apply(z) - transform.target
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), np.linalg.norm(z - transform.mean, axis=1))


def test_no_rotation_comes_nearer_than_the_orthogonal_map():
    x, y = translations(30, 3)
    transform = fit_orthogonal_map(x, y)
    best = np.sum((transform.apply(x) - y) ** 2)
    rng = np.random.default_rng(0)
    for _ in range(300):
        turn = scipy.linalg.expm(0.3 * (lambda a: a - a.T)(rng.standard_normal((3, 3))))
        other = (x - x.mean(axis=0)) @ transform.matrix @ turn + y.mean(axis=0)
        assert np.sum((other - y) ** 2) >= best - 1e-9


@settings(max_examples=20, deadline=None)
@given(n=st.integers(5, 40), d=st.integers(2, 12), seed=st.integers(0, 99), ridge=st.sampled_from([0.0, 0.1, 3.0]))
def test_the_linear_map_is_that_of_ridge_regression_with_intercept(n, d, seed, ridge):
    from sklearn.linear_model import Ridge

    x, y = translations(n, d, seed=seed)
    transform = fit_linear_map(x, y, ridge=ridge)
    if ridge:
        penalty = ridge * n * x.var(axis=0).mean()
        expected = Ridge(alpha=penalty).fit(x, y).predict(x)
        np.testing.assert_allclose(transform.apply(x), expected, atol=1e-8)
    else:
        residual = transform.apply(x) - y
        np.testing.assert_allclose((x - x.mean(axis=0)).T @ residual, 0, atol=1e-7)


@pytest.mark.parametrize("word", ["orthogonal", "linear"])
def test_maps_carry_over_to_sentences_they_were_not_fitted_on(word):
    x, y = translations(400, 20)
    y = y @ np.linalg.qr(np.random.default_rng(5).standard_normal((20, 20)))[0]
    transform = TRANSFORMS[word].fit(x[:200], y[:200])
    assert retrieval_accuracy(x[200:], y[200:]).score < 0.1
    assert retrieval_accuracy(transform.apply(x[200:]), y[200:]).score > 0.95


def test_maps_fit_anything_when_dimensions_outnumber_sentences_and_carry_nothing_over():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 60, 100))
    transform = fit_linear_map(x[:30], y[:30])
    assert retrieval_accuracy(transform.apply(x[:30]), y[:30]).score == 1
    assert retrieval_accuracy(transform.apply(x[30:]), y[30:]).score < 0.2


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (partial(fit_abtt, n_components=8), "n_components must be below the 60 rows and 8 columns of x, got 8"),
        (partial(fit_abtt, n_components=0), "n_components must be at least 1, got 0"),
        (partial(fit_cluster_isotropy, n_clusters=61), "n_clusters must be at most the 60 different rows of x, got 61"),
        (partial(fit_cluster_isotropy, n_clusters=0), "n_clusters must be at least 1, got 0"),
        (partial(fit_zca, shrinkage=1.5), "shrinkage must lie between 0 and 1, got 1.5"),
        (
            partial(fit_linear_map, y=np.ones((60, 8)), ridge=-1.0),
            "ridge must be a finite number of at least 0, got -1",
        ),
        (partial(fit_orthogonal_map, y=np.ones((60, 8))), "y must vary, got the same vector in all 60 rows"),
        (partial(fit_orthogonal_map, y=np.ones((59, 8))), "y must have the 60 rows of x, got 59"),
        (partial(fit_linear_map, y=np.ones((60, 7))), "y must have the 8 columns of x, got 7"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_options_and_pivots_that_do_not_fit_are_refused_by_name(fit, message):
    with pytest.raises(ValueError, match=message):
        fit(rows())


@pytest.mark.parametrize("fit", [fit_abtt, fit_cluster_isotropy, fit_zca])
def test_rows_that_are_all_alike_are_refused(fit):
    with pytest.raises(ValueError, match="x must vary, got the same vector in all 9 rows"):
        fit(np.full((9, 4), 0.1))
