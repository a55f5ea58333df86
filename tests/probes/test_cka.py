"""Linear CKA against its laws, its closed forms, another route and published values."""

from functools import partial
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import bootstrap_interval, linear_cka, pairwise_cka, permutation_null, symmetric_products
from probes.cka import _all_products, _products_between
from probes.cka_sides import CKAPreparation, cka_side, feature_product, normaliser, undefined_reason
from probes.judging import draw_permutations, draw_resamples

BOTH = pytest.mark.parametrize("estimator", ["debiased", "biased"])


def related(n: int, d: int, e: int, seed: int = 0, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    return x, x @ rng.standard_normal((d, e)) + noise * rng.standard_normal((n, e))


def song(k: np.ndarray, ell: np.ndarray) -> float:
    """HSIC_1 as Song et al. (2012), eq. 5, print it, on Grams whose diagonal is already zero."""
    n, one = k.shape[0], np.ones(k.shape[0])
    first = np.trace(k @ ell)
    second = (one @ k @ one) * (one @ ell @ one) / ((n - 1) * (n - 2))
    third = 2 / (n - 2) * (one @ k @ ell @ one)
    return (first + second - third) / (n * (n - 3))


def hollow(x: np.ndarray) -> np.ndarray:
    gram = x @ x.T
    np.fill_diagonal(gram, 0)
    return gram


def song_cka(x: np.ndarray, y: np.ndarray) -> float:
    k, ell = hollow(x), hollow(y)
    return song(k, ell) / np.sqrt(song(k, k) * song(ell, ell))


@BOTH
@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(5, 30),
    d=st.integers(2, 30),
    e=st.integers(2, 30),
    scale=st.sampled_from([1e-20, 1e-3, 1.0, 1e6]),
    seed=st.integers(0, 99),
)
def test_cka_ignores_rotation_scale_and_translation(estimator, n, d, e, scale, seed):
    x, y = related(n, d, e, seed)
    rotation = np.linalg.qr(np.random.default_rng(seed + 1).standard_normal((d, d)))[0]
    moved = linear_cka(scale * (x @ rotation + 3.0), y, estimator=estimator).score
    assert moved == pytest.approx(linear_cka(x, y, estimator=estimator).score, abs=1e-9, nan_ok=True)


@BOTH
def test_cka_is_one_with_itself_and_symmetric(estimator):
    x, y = related(30, 8, 12)
    measure = partial(linear_cka, estimator=estimator)
    assert measure(x, x).score == pytest.approx(1, abs=1e-12)
    assert measure(x, y).score == pytest.approx(measure(y, x).score, abs=1e-12)
    assert 0 < measure(x, y).score < 1


def test_cka_is_not_blind_to_anisotropic_scale():
    x, _ = related(40, 6, 6)
    assert linear_cka(x, x * np.array([100, 1, 1, 1, 1, 1])).score < 0.7


@settings(max_examples=25, deadline=None)
@given(n=st.integers(5, 25), d=st.integers(2, 40), e=st.integers(2, 40), seed=st.integers(0, 99))
def test_debiased_cka_is_the_ratio_of_songs_hsic(n, d, e, seed):
    x, y = related(n, d, e, seed)
    assert linear_cka(x, y).score == pytest.approx(song_cka(x, y), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(4, 25), d=st.integers(2, 40), e=st.integers(2, 40), seed=st.integers(0, 99))
def test_biased_cka_has_kornbliths_feature_form(n, d, e, seed):
    x, y = related(n, d, e, seed)
    a, b = x - x.mean(0), y - y.mean(0)
    expected = np.sum((b.T @ a) ** 2) / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))
    assert linear_cka(x, y, estimator="biased").score == pytest.approx(expected, abs=1e-12)


@BOTH
@pytest.mark.parametrize(("n", "d", "e"), [(12, 30, 20), (50, 6, 9), (20, 20, 5)])
def test_gram_and_feature_forms_agree(estimator, n, d, e):
    x, y = related(n, d, e)
    a, b = cka_side(x, estimator=estimator), cka_side(y, estimator=estimator)
    assert feature_product(a, b) == pytest.approx(float(np.sum(a.gram * b.gram)), rel=1e-10)
    expected = CKAPreparation(estimator).of(x, y).score
    assert linear_cka(x, y, estimator=estimator).score == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("n", "d", "draws"), [(8, 40, 300), (32, 768, 40), (60, 10, 200)])
def test_debiased_cka_of_independent_gaussians_averages_zero(n, d, draws):
    rng = np.random.default_rng(5)
    scores = [linear_cka(rng.standard_normal((n, d)), rng.standard_normal((n, d))).score for _ in range(draws)]
    assert abs(np.mean(scores)) < 4 * np.std(scores) / np.sqrt(draws)
    assert np.min(scores) < 0 < np.max(scores)


@pytest.mark.parametrize(("n", "biased"), [(32, 0.961), (100, 0.886), (300, 0.718), (1012, 0.432)])
def test_biased_cka_of_independent_gaussians_is_what_is_known(n, biased):
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, n, 768))
    result = linear_cka(x, y, estimator="biased")
    assert result.score == pytest.approx(biased, abs=0.008)
    assert result.chance == pytest.approx(biased, abs=0.008)
    assert abs(linear_cka(x, y).score) < 0.03


@BOTH
def test_chance_is_the_mean_over_all_permutations(estimator):
    x, y = related(12, 5, 4)
    measure = partial(linear_cka, estimator=estimator)
    null = permutation_null(measure, x, y, n_permutations=4000)
    assert null.mean == pytest.approx(measure(x, y).chance, abs=4 * null.sd / np.sqrt(4000))


def test_a_mean_offset_of_100_in_float32_changes_nothing():
    x, y = related(200, 64, 64, noise=8.0)
    expected = linear_cka(x, y).score
    shifted = (x + 100).astype(np.float32), (y + 100).astype(np.float32)
    assert linear_cka(*shifted).score == pytest.approx(expected, abs=2e-5)
    assert linear_cka(*shifted).score == pytest.approx(linear_cka(*(s.astype(float) for s in shifted)).score, abs=1e-6)


@BOTH
@pytest.mark.parametrize("shape", [(150, 300), (300, 60)])
def test_float32_agrees_with_float64(estimator, shape):
    x, y = (z.astype(np.float32) for z in related(*shape, shape[1], noise=10.0))
    x[:, 0] *= 60
    wide = linear_cka(x.astype(float), y.astype(float), estimator=estimator).score
    assert linear_cka(x, y, estimator=estimator).score == pytest.approx(wide, abs=1e-6)
    assert pairwise_cka([x, y], estimator=estimator).scores[0, 1] == pytest.approx(wide, abs=1e-6)


@BOTH
def test_all_pairs_agree_with_a_loop(estimator):
    rng = np.random.default_rng(0)
    stack = [rng.standard_normal((37, d)) + rng.standard_normal((37, 1)) for d in (5, 50, 8)]
    found = pairwise_cka(stack, estimator=estimator)
    loop = [[linear_cka(x, y, estimator=estimator).score for y in stack] for x in stack]
    np.testing.assert_allclose(found.scores, loop, atol=1e-12)
    assert (found.n, found.estimator) == (37, estimator)


def test_all_pairs_do_not_depend_on_the_size_of_blocks():
    stack = np.random.default_rng(0).standard_normal((4, 41, 9))
    whole = pairwise_cka(stack).scores
    sides = [cka_side(x) for x in stack]
    products = _products_between(sides, sides, elements=700)
    norms = np.sqrt(np.diag(products))
    np.testing.assert_allclose(products / norms[:, None] / norms, whole, atol=1e-12)


@BOTH
@pytest.mark.parametrize("tile", [1, 2, 3])
def test_all_pairs_do_not_depend_on_the_size_of_tiles(estimator, tile):
    stack = list(np.random.default_rng(0).standard_normal((5, 31, 9)))
    whole = _all_products(stack, estimator)
    np.testing.assert_allclose(_all_products(stack, estimator, tile=tile), whole, rtol=1e-10)
    np.testing.assert_array_equal(whole, whole.T)


def test_a_language_that_does_not_vary_gives_nan_with_a_reason():
    x, y = related(10, 4, 4)
    constant = np.full((10, 4), 0.1)
    result = linear_cka(constant, y)
    assert np.isnan(result.score)
    assert "x has the same vector in every row" in result.reason
    assert linear_cka(x, y).reason == ""
    scores = pairwise_cka([x, constant, y]).scores
    assert np.isnan(scores[1]).all()
    assert not np.isnan(scores[0, 2])
    null = permutation_null(linear_cka, x, constant, n_permutations=5)
    assert np.isnan(null.p_value)
    assert null.n_undefined == 5


def test_a_self_similarity_below_zero_gives_nan_with_a_reason():
    a, b = (cka_side(z) for z in related(4, 3, 3))
    object.__setattr__(a, "self_similarity", -1.0)
    assert np.isnan(normaliser(a, b))
    assert "not positive" in undefined_reason(a, b, float("nan"))


def resampled_by_hand(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> float:
    """HSIC_1 of the resampled U-centred Grams, zero wherever both rows are one sentence."""
    rows = np.repeat(np.arange(counts.size), counts)
    different = rows[:, None] != rows[None, :]
    k, ell = (cka_side(z).gram[np.ix_(rows, rows)] * different for z in (x, y))
    return song(k, ell) / np.sqrt(song(k, k) * song(ell, ell))


def test_bootstrap_lets_copies_of_a_sentence_form_no_pair():
    x, y = related(20, 6, 5)
    counts = draw_resamples(20, 15, seed=3)
    expected = [resampled_by_hand(x, y, c) for c in counts]
    np.testing.assert_allclose(CKAPreparation().of(x, y).resampled(counts), expected, atol=1e-12)


def test_biased_bootstrap_is_the_plain_one_moved_onto_the_score():
    x, y = related(20, 6, 5)
    measure = partial(linear_cka, estimator="biased")
    counts = draw_resamples(20, 15, seed=3)
    rows = [np.repeat(np.arange(20), c) for c in counts]
    plain = np.array([measure(x[r], y[r]).score for r in rows])
    score = measure(x, y).score
    assert plain.mean() > score + 0.02
    expected = plain - plain.mean() + score
    np.testing.assert_allclose(CKAPreparation("biased").of(x, y).resampled(counts), expected, atol=1e-12)


def test_bootstrap_does_not_inflate_unrelated_languages_and_the_naive_one_does():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 60, 300))
    own = bootstrap_interval(linear_cka, x, y, n_resamples=200)
    naive = bootstrap_interval(lambda a, b: linear_cka(a, b).score, x, y, n_resamples=50)
    assert own.low < linear_cka(x, y).score < own.high
    assert own.low < 0 < own.high
    assert naive.low > 0.3


@BOTH
def test_permuting_the_gram_is_permuting_the_rows(estimator):
    x, y = related(70, 6, 90)
    orders = draw_permutations(70, 12, seed=1)
    expected = [linear_cka(x, y[p], estimator=estimator).score for p in orders]
    np.testing.assert_allclose(CKAPreparation(estimator).of(x, y).permuted(orders), expected, atol=1e-12)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("n_permutations", [1, 2, 7])
def test_threads_share_permutations_and_change_nothing(n_threads, n_permutations):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    x, y = related(40, 6, 9)
    orders = draw_permutations(40, n_permutations)
    prepared = CKAPreparation().of(x, y)
    with threadpoolctl.threadpool_limits(n_threads):
        found = prepared.permuted(orders)
    np.testing.assert_allclose(found, [linear_cka(x, y[p]).score for p in orders], atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 12), elements=st.integers(1, 150), seed=st.integers(0, 99))
def test_products_of_symmetric_matrices_count_both_triangles_whatever_the_blocks(n, elements, seed):
    rng = np.random.default_rng(seed)
    a, b = (z + z.T for z in rng.standard_normal((2, n, n)))
    orders = draw_permutations(n, 3, seed=seed)
    expected = [np.sum(a * b[np.ix_(p, p)]) for p in orders]
    with mock.patch.multiple(symmetric_products, GATHERED=elements, BLOCK_ELEMENTS=elements):
        np.testing.assert_allclose(symmetric_products.permuted_products(a, b, orders), expected, atol=1e-10)
        many = symmetric_products.permuted_products_with_many(a, [b, a], orders)
    np.testing.assert_allclose(many[0], expected, atol=1e-10)


@BOTH
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_many_sides_against_a_pivot_agree_with_pairs(estimator, library):
    preparation = CKAPreparation(estimator)
    stack = np.random.default_rng(0).standard_normal((4, 33, 7)) + np.random.default_rng(1).standard_normal((33, 7))
    pivot, *sides = [preparation.side(torch.tensor(x) if library == "torch" else x) for x in stack]
    orders, counts = draw_permutations(33, 9), draw_resamples(33, 9)
    permuted = [preparation.pair(pivot, side).permuted(orders) for side in sides]
    np.testing.assert_allclose(preparation.permuted_many(pivot, sides, orders), permuted, atol=1e-12)
    resampled = [preparation.pair(pivot, side).resampled(counts) for side in sides]
    np.testing.assert_allclose(preparation.resampled_many(pivot, sides, counts), resampled, atol=1e-12)


@BOTH
def test_torch_agrees_with_numpy(estimator):
    x, y = related(40, 12, 70)
    measure = partial(linear_cka, estimator=estimator)
    tensors = torch.tensor(x, requires_grad=True), torch.tensor(y)
    assert measure(*tensors).score == pytest.approx(measure(x, y).score, abs=1e-9)
    null = permutation_null(measure, *tensors, n_permutations=9)
    assert null.mean == pytest.approx(permutation_null(measure, x, y, n_permutations=9).mean, abs=1e-9)
    interval = bootstrap_interval(measure, *tensors, n_resamples=9)
    assert interval.low == pytest.approx(bootstrap_interval(measure, x, y, n_resamples=9).low, abs=1e-9)
    np.testing.assert_allclose(
        pairwise_cka([torch.tensor(x), torch.tensor(y)], estimator=estimator).scores,
        pairwise_cka([x, y], estimator=estimator).scores,
        atol=1e-9,
    )


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (np.eye(5), np.eye(4), {}, "y must have the 5 rows of x, got 4; rows are matched by position"),
        (np.eye(3), np.eye(3), {}, "x must have at least 4 rows and 1 column, got shape \\(3, 3\\)"),
        (np.eye(5), np.eye(5), {"estimator": "best"}, "estimator must be one of debiased, biased, got 'best'"),
        (np.eye(5), np.where(np.eye(5) == 1, np.nan, 0), {}, "y must be finite, got NaN or infinity in 5 of 5 rows"),
        (np.zeros((5, 2, 2)), np.eye(5), {}, "x must have two axes"),
    ],
)
def test_unfit_input_is_refused_by_name(x, y, options, message):
    with pytest.raises(ValueError, match=message):
        linear_cka(x, y, **options)


@pytest.mark.usefixtures("unchecked")
def test_mixed_libraries_and_uneven_stacks_are_refused():
    with pytest.raises(TypeError, match="arrays must come from one library"):
        linear_cka(np.eye(5), torch.eye(5))
    with pytest.raises(ValueError, match=r"stack\[1\] must have the 5 rows of stack\[0\], got 6"):
        pairwise_cka([np.eye(5), np.eye(6)])
    with pytest.raises(ValueError, match="stack must hold at least one matrix"):
        pairwise_cka([])
