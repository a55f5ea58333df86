"""RBF CKA against its formula written out, its limit, its nulls and a peer's kernel."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from probes import bootstrap_interval, linear_cka, permutation_null
from probes.judging import draw_permutations, draw_resamples, prepare
from probes.rbf_cka import RBFPreparation, centred_gram, median_distance, rbf_cka, rbf_side, squared_distances

BOTH = pytest.mark.parametrize("estimator", ["debiased", "biased"])


def related(n: int, d: int, e: int, seed: int = 0, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    return x, x @ rng.standard_normal((d, e)) + noise * rng.standard_normal((n, e))


def kernel(x: np.ndarray, bandwidth: float) -> np.ndarray:
    distances = pdist(x)
    return np.exp(-(squareform(distances) ** 2) / (2 * (bandwidth * np.median(distances)) ** 2))


def song(k: np.ndarray, ell: np.ndarray) -> float:
    """HSIC_1 as Song et al. (2012), eq. 5, print it."""
    k, ell = k - np.diag(np.diag(k)), ell - np.diag(np.diag(ell))
    n = k.shape[0]
    first, second = np.trace(k @ ell), k.sum() * ell.sum() / ((n - 1) * (n - 2))
    return (first + second - 2 / (n - 2) * (k @ ell).sum()) / (n * (n - 3))


def gretton(k: np.ndarray, ell: np.ndarray) -> float:
    h = np.eye(k.shape[0]) - 1 / k.shape[0]
    return float(np.trace(k @ h @ ell @ h))


def by_hand(x: np.ndarray, y: np.ndarray, bandwidth: float, estimator: str) -> float:
    hsic = song if estimator == "debiased" else gretton
    k, ell = kernel(x, bandwidth), kernel(y, bandwidth)
    return hsic(k, ell) / np.sqrt(hsic(k, k) * hsic(ell, ell))


@BOTH
@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(5, 25),
    d=st.integers(1, 30),
    e=st.integers(1, 30),
    bandwidth=st.sampled_from([0.2, 0.8, 1.0, 1.5, 20.0]),
    seed=st.integers(0, 99),
)
def test_rbf_cka_is_the_ratio_of_hsics_of_gaussian_kernels(estimator, n, d, e, bandwidth, seed):
    x, y = related(n, d, e, seed)
    expected = by_hand(x, y, bandwidth, estimator)
    assert rbf_cka(x, y, bandwidth=bandwidth, estimator=estimator).score == pytest.approx(expected, abs=1e-7)


@BOTH
def test_no_bandwidth_is_once_the_median_distance(estimator):
    x, y = related(30, 8, 12)
    result = rbf_cka(x, y, estimator=estimator)
    assert result == rbf_cka(x, y, bandwidth=1.0, estimator=estimator)
    assert (result.bandwidth, result.n, result.estimator, result.reason) == (1.0, 30, estimator, "")
    assert rbf_cka(x, y, bandwidth=0.5, estimator=estimator).score != pytest.approx(result.score, abs=0.01)


@pytest.mark.parametrize("n", [4, 5, 6, 7, 40])
def test_the_median_is_taken_over_pairs_of_different_rows(n):
    x = np.random.default_rng(n).standard_normal((n, 3)) + 50
    assert median_distance(squared_distances(x)) == pytest.approx(np.median(pdist(x)), rel=1e-12)


@BOTH
@settings(max_examples=15, deadline=None)
@given(
    n=st.integers(5, 30),
    d=st.integers(2, 30),
    scale=st.sampled_from([1e-20, 1e-3, 1.0, 1e6]),
    bandwidth=st.sampled_from([None, 0.4, 3.0]),
    seed=st.integers(0, 99),
)
def test_rbf_cka_ignores_rotation_scale_and_translation(estimator, n, d, scale, bandwidth, seed):
    x, y = related(n, d, 7, seed)
    rotation = np.linalg.qr(np.random.default_rng(seed + 1).standard_normal((d, d)))[0]
    measure = partial(rbf_cka, bandwidth=bandwidth, estimator=estimator)
    assert measure(scale * (x @ rotation + 3.0), y).score == pytest.approx(measure(x, y).score, abs=1e-9)


@BOTH
def test_rbf_cka_is_one_with_itself_and_symmetric(estimator):
    x, y = related(30, 8, 12)
    measure = partial(rbf_cka, estimator=estimator)
    assert measure(x, 5 * x).score == pytest.approx(1, abs=1e-12)
    assert measure(x, y).score == pytest.approx(measure(y, x).score, abs=1e-12)
    assert 0 < measure(x, y).score < 1


@BOTH
@pytest.mark.parametrize("bandwidth", [1e3, 1e6, 1e12])
def test_a_wide_kernel_gives_linear_cka(estimator, bandwidth):
    """Alvarez (2021): the limit; the error falls with the square of the bandwidth."""
    x, y = related(40, 8, 12)
    linear = linear_cka(x, y, estimator=estimator).score
    assert rbf_cka(x, y, bandwidth=bandwidth, estimator=estimator).score == pytest.approx(linear, abs=2e-6)
    narrow = [z.astype(np.float32) for z in (x, y)]
    assert rbf_cka(*narrow, bandwidth=bandwidth, estimator=estimator).score == pytest.approx(linear, abs=5e-6)


def test_two_far_sentences_carry_linear_cka_and_not_rbf_cka():
    x, y = np.random.default_rng(0).standard_normal((2, 200, 50))
    for z in (x, y):
        z[:2] += np.array([[100], [-100]])
    assert linear_cka(x, y).score > 0.99
    assert abs(rbf_cka(x, y).score) < 0.05


@pytest.mark.parametrize(("n", "d", "draws"), [(8, 40, 300), (40, 5, 200)])
def test_debiased_rbf_cka_of_independent_gaussians_averages_zero(n, d, draws):
    rng = np.random.default_rng(5)
    scores = [rbf_cka(rng.standard_normal((n, d)), rng.standard_normal((n, d))).score for _ in range(draws)]
    assert abs(np.mean(scores)) < 4 * np.std(scores) / np.sqrt(draws)
    assert np.min(scores) < 0 < np.max(scores)


@BOTH
@pytest.mark.parametrize("bandwidth", [0.3, 2.0])
def test_chance_is_the_mean_over_all_permutations(estimator, bandwidth):
    x, y = related(12, 5, 4)
    measure = partial(rbf_cka, estimator=estimator, bandwidth=bandwidth)
    null = permutation_null(measure, x, y, n_permutations=4000)
    assert null.mean == pytest.approx(measure(x, y).chance, abs=4 * null.sd / np.sqrt(4000))


def test_biased_rbf_cka_of_independent_gaussians_lies_at_its_chance_far_above_zero():
    x, y = np.random.default_rng(2).standard_normal((2, 100, 768))
    result = rbf_cka(x, y, estimator="biased")
    assert result.score == pytest.approx(result.chance, abs=0.01)
    assert result.chance > 0.8
    assert abs(rbf_cka(x, y).score) < 0.03


@BOTH
def test_permuting_the_gram_is_permuting_the_rows(estimator):
    x, y = related(70, 6, 90)
    orders = draw_permutations(70, 12, seed=1)
    measure = partial(rbf_cka, bandwidth=0.7, estimator=estimator)
    np.testing.assert_allclose(
        prepare(measure, x, y).permuted(orders), [measure(x, y[p]).score for p in orders], atol=1e-12
    )


def test_bootstrap_lets_copies_of_a_sentence_form_no_pair_and_keeps_sigma():
    x, y = related(20, 6, 5)
    counts = draw_resamples(20, 15, seed=3)
    grams = [centred_gram(kernel(z, 0.6), "debiased")[1] for z in (x, y)]
    expected = []
    for count in counts:
        rows = np.repeat(np.arange(20), count)
        different = rows[:, None] != rows[None, :]
        k, ell = (gram[np.ix_(rows, rows)] * different for gram in grams)
        expected.append(song(k, ell) / np.sqrt(song(k, k) * song(ell, ell)))
    np.testing.assert_allclose(prepare(partial(rbf_cka, bandwidth=0.6), x, y).resampled(counts), expected, atol=1e-12)


def test_biased_bootstrap_is_that_of_repeated_rows_moved_onto_the_score():
    x, y = related(20, 6, 5)
    counts = draw_resamples(20, 15, seed=3)
    k, ell = kernel(x, 1.0), kernel(y, 1.0)
    plain = []
    for count in counts:
        rows = np.ix_(*[np.repeat(np.arange(20), count)] * 2)
        norm = np.sqrt(gretton(k[rows], k[rows]) * gretton(ell[rows], ell[rows]))
        plain.append(gretton(k[rows], ell[rows]) / norm)
    prepared = prepare(partial(rbf_cka, estimator="biased"), x, y)
    expected = np.array(plain) - np.mean(plain) + prepared.score
    np.testing.assert_allclose(prepared.resampled(counts), expected, atol=1e-12)


def test_bootstrap_does_not_inflate_unrelated_languages_and_the_naive_one_does():
    x, y = np.random.default_rng(1).standard_normal((2, 60, 300))
    own = bootstrap_interval(rbf_cka, x, y, n_resamples=200)
    naive = bootstrap_interval(lambda a, b: rbf_cka(a, b).score, x, y, n_resamples=50)
    assert own.low < rbf_cka(x, y).score < own.high
    assert own.low < 0 < own.high
    assert naive.low > 0.3


@BOTH
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_many_sides_against_a_pivot_agree_with_pairs(estimator, library):
    preparation = RBFPreparation(0.8, estimator)
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
    measure = partial(rbf_cka, estimator=estimator, bandwidth=0.9)
    tensors = torch.tensor(x, requires_grad=True), torch.tensor(y)
    assert measure(*tensors).score == pytest.approx(measure(x, y).score, abs=1e-12)
    null, interval = permutation_null(measure, *tensors, n_permutations=9), bootstrap_interval(measure, *tensors)
    assert null.mean == pytest.approx(permutation_null(measure, x, y, n_permutations=9).mean, abs=1e-12)
    assert interval.low == pytest.approx(bootstrap_interval(measure, x, y).low, abs=1e-12)


@BOTH
def test_a_mean_offset_of_100_in_float32_changes_nothing(estimator):
    x, y = ((z + 100).astype(np.float32) for z in related(150, 40, 40, noise=8.0))
    wide = rbf_cka(x.astype(float), y.astype(float), estimator=estimator).score
    assert rbf_cka(x, y, estimator=estimator).score == pytest.approx(wide, abs=1e-6)


def test_the_kernel_is_that_of_a_peer_at_its_bandwidth():
    """ckatorch follows Kornblith's code: a fraction of the median over all n^2 squared distances."""
    ckatorch = pytest.importorskip("ckatorch")
    x = np.random.default_rng(0).standard_normal((25, 6))
    theirs = ckatorch.center_gram_matrix(ckatorch.rbf_kernel(torch.tensor(x), 0.4), unbiased=True).numpy()
    median = float(torch.median(torch.tensor(squareform(pdist(x)) ** 2))) ** 0.5
    ours = rbf_side(x, bandwidth=0.4 * median / np.median(pdist(x))).gram
    np.testing.assert_allclose(ours / np.linalg.norm(ours), theirs / np.linalg.norm(theirs), atol=1e-12)


@BOTH
def test_what_does_not_vary_gives_nan_with_a_reason(estimator):
    x, y = related(10, 4, 4)
    measure = partial(rbf_cka, estimator=estimator)
    constant = measure(np.full((10, 4), 0.1), y)
    assert np.isnan(constant.score)
    assert "x has the same vector in every row" in constant.reason
    copies = x.copy()
    copies[:9] = 0.3
    result = measure(x, copies)
    assert np.isnan(result.score)
    assert "y has the same vector in so many rows that the median distance is 0" in result.reason
    null = permutation_null(measure, x, copies, n_permutations=5)
    assert np.isnan(null.p_value)
    assert null.n_undefined == 5


def test_a_flat_kernel_gives_nan_with_a_reason_instead_of_rounding():
    x, y = related(10, 4, 4)
    equidistant = rbf_cka(np.eye(10), y)
    assert np.isnan(equidistant.score)
    assert "the kernel of x is flat: at bandwidth 1 all its sentences are equally similar" in equidistant.reason
    assert np.isnan(rbf_cka(x, y, bandwidth=1e-3).score)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (np.eye(5), np.eye(4), {}, "y must have the 5 rows of x, got 4; rows are matched by position"),
        (np.eye(3), np.eye(3), {}, "x must have at least 4 rows and 1 column, got shape \\(3, 3\\)"),
        (np.eye(5), np.eye(5), {"estimator": "best"}, "estimator must be one of debiased, biased, got 'best'"),
        (np.eye(5), np.eye(5), {"bandwidth": 0}, "bandwidth must be a positive multiple of the median distance, got 0"),
        (np.eye(5), np.eye(5), {"bandwidth": np.nan}, "bandwidth must be a positive multiple .* None stands for 1"),
        (np.eye(5), np.where(np.eye(5) == 1, np.nan, 0), {}, "y must be finite, got NaN or infinity in 5 of 5 rows"),
    ],
)
def test_unfit_input_is_refused_by_name(x, y, options, message):
    with pytest.raises(ValueError, match=message):
        rbf_cka(x, y, **options)
