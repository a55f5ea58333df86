"""RSA against scipy, a peer, its invariances, its null and bootstraps that rank again."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, rankdata, spearmanr

from probes import bootstrap_interval, permutation_null
from probes.judging import draw_permutations, draw_resamples, prepare
from probes.rsa import RSAPreparation, mid_ranks, rsa

BOTH = pytest.mark.parametrize("compare", ["spearman", "pearson"])
CORRELATION = {"spearman": spearmanr, "pearson": pearsonr}


def related(n: int = 30, d: int = 8, e: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    return x, x @ rng.standard_normal((d, e)) + rng.standard_normal((n, e))


def distances(x: np.ndarray) -> np.ndarray:
    return (1 - np.corrcoef(x))[np.triu_indices(len(x), 1)]


@BOTH
@settings(max_examples=25, deadline=None)
@given(n=st.integers(4, 25), d=st.integers(3, 20), e=st.integers(3, 20), seed=st.integers(0, 99))
def test_rsa_is_scipys_correlation_of_numpys_correlation_distances(compare, n, d, e, seed):
    x, y = related(n, d, e, seed)
    expected = CORRELATION[compare](distances(x), distances(y)).statistic
    assert rsa(x, y, compare=compare).score == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("compare", "theirs"), [("spearman", "spearman"), ("pearson", "corr")])
def test_rsa_is_what_rsatoolbox_gives(compare, theirs):
    rsatoolbox = pytest.importorskip("rsatoolbox")
    x, y = related(24, 10, 7)
    rdms = [rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(z), method="correlation") for z in (x, y)]
    expected = float(rsatoolbox.rdm.compare(*rdms, method=theirs).item())
    assert rsa(x, y, compare=compare).score == pytest.approx(expected, abs=1e-10)


def test_rsatoolboxs_number_is_kept():
    """rsatoolbox 0.3.2: correlation RDMs of these vectors, compared by spearman and corr."""
    i, j = np.arange(12)[:, None], np.arange(5)[None, :]
    x, y = np.sin(1.0 + 3 * i + 5 * j * j), np.cos(2.0 + 2 * i * i + j) + np.sin(1.0 + 3 * i + 5 * j * j)
    assert rsa(x, y).score == pytest.approx(0.7875378352990293, abs=1e-9)
    assert rsa(x, y, compare="pearson").score == pytest.approx(0.885166921145489, abs=1e-9)


@BOTH
@settings(max_examples=15, deadline=None)
@given(n=st.integers(5, 25), seed=st.integers(0, 99), scale=st.sampled_from([1e-20, 1.0, 1e6]))
def test_rsa_ignores_the_mean_and_the_length_of_each_sentence_and_the_order_of_dimensions(compare, n, seed, scale):
    x, y = related(n, seed=seed)
    rng = np.random.default_rng(seed)
    moved = scale * (rng.uniform(0.5, 2, (n, 1)) * x[:, rng.permutation(8)] + rng.standard_normal((n, 1)))
    assert rsa(moved, y, compare=compare).score == pytest.approx(rsa(x, y, compare=compare).score, abs=1e-9)


@BOTH
def test_rsa_is_one_with_itself_and_symmetric(compare):
    x, y = related()
    assert rsa(x, 3 * x, compare=compare).score == pytest.approx(1, abs=1e-12)
    assert rsa(x, y, compare=compare).score == pytest.approx(rsa(y, x, compare=compare).score, abs=1e-12)
    assert 0 < rsa(x, y, compare=compare).score < 1


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.integers(-3, 3), min_size=1, max_size=30), noise=st.booleans())
def test_ties_get_mid_ranks_even_where_rounding_parts_them(values, noise):
    exact = np.array(values, dtype=float)
    jitter = 1e-14 * np.random.default_rng(0).standard_normal(exact.size) if noise else 0.0
    np.testing.assert_array_equal(mid_ranks(exact + jitter), rankdata(exact) - 1)


def test_tied_distances_do_not_depend_on_the_order_of_rows():
    """Two dimensions give distances of 0 and 2 alone, apart from rounding."""
    x, y = np.random.default_rng(0).standard_normal((2, 40, 2))
    expected = spearmanr(np.round(distances(x)), np.round(distances(y))).statistic
    for order in draw_permutations(40, 5):
        assert rsa(x[order], y[order]).score == pytest.approx(expected, abs=1e-12)


@BOTH
def test_rsa_of_independent_gaussians_averages_its_chance_of_zero(compare):
    rng = np.random.default_rng(5)
    scores = [rsa(*rng.standard_normal((2, 12, 6)), compare=compare).score for _ in range(300)]
    assert abs(np.mean(scores)) < 4 * np.std(scores) / np.sqrt(300)


@BOTH
def test_chance_is_the_mean_over_all_permutations(compare):
    x, y = related(12)
    measure = partial(rsa, compare=compare)
    null = permutation_null(measure, x, y, n_permutations=4000)
    assert measure(x, y).chance == 0 == prepare(measure, x, y).chance
    assert null.mean == pytest.approx(0, abs=4 * null.sd / np.sqrt(4000))


@BOTH
def test_permuting_the_matrix_is_permuting_the_rows(compare):
    x, y = related(70, 6, 9)
    orders = draw_permutations(70, 12, seed=1)
    measure = partial(rsa, compare=compare)
    np.testing.assert_allclose(
        prepare(measure, x, y).permuted(orders), [measure(x, y[p]).score for p in orders], atol=1e-12
    )


def resampled_by_hand(a: np.ndarray, b: np.ndarray, count: np.ndarray, again: bool) -> float:
    """Correlate the pairs of different sentences of one resample, ranked once or `again` within it."""
    rows = np.repeat(np.arange(count.size), count)
    first, second = np.triu_indices(rows.size, 1)
    pairs = rows[first] != rows[second]
    a, b = (z[rows[first], rows[second]][pairs] for z in (a, b))
    return (spearmanr if again else pearsonr)(a, b).statistic


def ranked(x: np.ndarray, compare: str) -> np.ndarray:
    matrix, upper = np.zeros((len(x), len(x))), np.triu_indices(len(x), 1)
    matrix[upper] = rankdata(distances(x)) if compare == "spearman" else distances(x)
    return matrix + matrix.T


@BOTH
def test_bootstrap_lets_copies_of_a_sentence_form_no_pair(compare):
    x, y = related(15)
    counts = draw_resamples(15, 10, seed=3)
    a, b = ranked(x, compare), ranked(y, compare)
    expected = [resampled_by_hand(a, b, count, again=False) for count in counts]
    np.testing.assert_allclose(prepare(partial(rsa, compare=compare), x, y).resampled(counts), expected, atol=1e-12)


@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
def test_ranking_every_resample_again_moves_the_interval_little(noise):
    rng = np.random.default_rng(4)
    x = rng.standard_normal((40, 12)) * np.arange(1, 13) ** -0.7
    y = x + noise * rng.standard_normal((40, 12)) * np.arange(1, 13) ** -0.7
    counts = draw_resamples(40, 150)
    again = np.array([resampled_by_hand(1 - np.corrcoef(x), 1 - np.corrcoef(y), c, again=True) for c in counts])
    ours = prepare(rsa, x, y).resampled(counts)
    assert ours.std() == pytest.approx(again.std(), rel=0.08)
    np.testing.assert_allclose(np.quantile(ours, [0.025, 0.975]), np.quantile(again, [0.025, 0.975]), atol=0.02)


@BOTH
def test_bootstrap_does_not_inflate_unrelated_languages_and_the_naive_one_does(compare):
    x, y = np.random.default_rng(1).standard_normal((2, 60, 300))
    measure = partial(rsa, compare=compare)
    own = bootstrap_interval(measure, x, y, n_resamples=200)
    naive = bootstrap_interval(lambda a, b: measure(a, b).score, x, y, n_resamples=50)
    assert own.low < 0 < own.high
    assert own.low < own.score < own.high
    assert np.mean([naive.low, naive.high]) > own.score + 0.03


@BOTH
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_many_sides_against_a_pivot_agree_with_pairs(compare, library):
    preparation = RSAPreparation(compare)
    stack = np.random.default_rng(0).standard_normal((4, 33, 7)) + np.random.default_rng(1).standard_normal((33, 7))
    pivot, *sides = [preparation.side(torch.tensor(x) if library == "torch" else x) for x in stack]
    orders, counts = draw_permutations(33, 9), draw_resamples(33, 9)
    permuted = [preparation.pair(pivot, side).permuted(orders) for side in sides]
    np.testing.assert_allclose(preparation.permuted_many(pivot, sides, orders), permuted, atol=1e-12)
    resampled = [preparation.pair(pivot, side).resampled(counts) for side in sides]
    np.testing.assert_allclose(preparation.resampled_many(pivot, sides, counts), resampled, atol=1e-12)


@BOTH
def test_torch_and_float32_agree_with_numpy(compare):
    x, y = (z.astype(np.float32) + np.float32(100) for z in related(60, 20, 20))
    measure = partial(rsa, compare=compare)
    wide = measure(x.astype(float), y.astype(float)).score
    assert measure(x, y).score == pytest.approx(wide, abs=1e-6)
    tensors = torch.tensor(x, requires_grad=True), torch.tensor(y)
    assert measure(*tensors).score == pytest.approx(wide, abs=1e-6)
    null = permutation_null(measure, *tensors, n_permutations=9)
    assert null.mean == pytest.approx(permutation_null(measure, x, y, n_permutations=9).mean, abs=1e-6)


@BOTH
def test_distances_that_do_not_vary_give_nan_with_a_reason(compare):
    x, y = related(10, 6, 6)
    equal = np.tile(np.arange(6.0), (10, 1))
    result = rsa(x, equal, compare=compare)
    assert np.isnan(result.score)
    assert "all pairs of sentences of y are equally dissimilar" in result.reason
    assert rsa(x, y, compare=compare).reason == ""
    null = permutation_null(partial(rsa, compare=compare), x, equal, n_permutations=5)
    assert (np.isnan(null.p_value), null.n_undefined) == (True, 5)


def test_a_resample_of_one_sentence_alone_is_undefined():
    x, y = related(6)
    counts = np.array([[6, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]])
    first, second = prepare(rsa, x, y).resampled(counts)
    assert np.isnan(first)
    assert second == pytest.approx(rsa(x, y).score, abs=1e-12)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (np.eye(5), np.eye(4), {}, "y must have the 5 rows of x, got 4; rows are matched by position"),
        (np.eye(3), np.eye(3), {}, "x must have at least 4 rows and 1 column, got shape \\(3, 3\\)"),
        (np.eye(5), np.eye(5), {"compare": "kendall"}, "compare must be one of spearman, pearson, got 'kendall'"),
        (np.eye(5), np.eye(5, 3), {}, "y must vary within every row to be correlated, got one value throughout row 3"),
        (np.ones((5, 1)), np.eye(5), {}, "x must vary within every row .* row 0; leave that sentence out"),
    ],
)
def test_unfit_input_is_refused_by_name(x, y, options, message):
    with pytest.raises(ValueError, match=message):
        rsa(x, y, **options)
