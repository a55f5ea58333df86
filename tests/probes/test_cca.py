"""Canonical correlations: a textbook's numbers, other routes to them, Wachter's law, and what one sentence moves."""

from functools import partial
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import prepared_cca, spectral_sides
from probes.cca import mean_cca, pwcca, svcca
from probes.judging import bootstrap_interval, draw_permutations, draw_resamples, permutation_null, prepare
from probes.spectral_chances import draw_squared_cosines, expected_nuclear_norm, mean_over_cosines
from probes.spectral_sides import spectral_side
from probes.spectral_statistics import spectral_statistics

LINNERUD = np.array(
    [
        [5, 162, 60, 191, 36, 50], [2, 110, 60, 189, 37, 52], [12, 101, 101, 193, 38, 58], [12, 105, 37, 162, 35, 62],
        [13, 155, 58, 189, 35, 46], [4, 101, 42, 182, 36, 56], [8, 101, 38, 211, 38, 56], [6, 125, 40, 167, 34, 60],
        [15, 200, 40, 176, 31, 74], [17, 251, 250, 154, 33, 56], [17, 120, 38, 169, 34, 50],
        [13, 210, 115, 166, 33, 52],
        [14, 215, 105, 154, 34, 64], [1, 50, 50, 247, 46, 50], [6, 70, 31, 193, 36, 46], [12, 210, 120, 202, 37, 62],
        [4, 60, 25, 176, 37, 54], [11, 230, 80, 157, 32, 52], [15, 225, 73, 156, 33, 54], [2, 110, 43, 138, 33, 68],
    ],
    dtype=float,
)  # fmt: skip
"""Twenty men: chins, situps, jumps; weight, waist, pulse."""
MEASURES = {"mean": mean_cca, "leading": partial(svcca, variance=0.8), "projected": pwcca}
EACH = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())


def related(n: int = 60, d: int = 6, seed: int = 0, noise: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((n, d)) * np.arange(1, d + 1) ** -0.5
    mixing = np.random.default_rng(99).standard_normal((d, d))
    return tuple((shared + noise * shared.std(0) * rng.standard_normal((n, d))) @ m for m in (np.eye(d), mixing))


def weighted_variates(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Canonical correlations and directions of x from the textbook's eigenproblem, rows weighted by w (sum n)."""
    x, y = x - w @ x / w.sum(), y - w @ y / w.sum()
    sxx, syy, sxy = x.T * w @ x, y.T * w @ y, x.T * w @ y
    squares, directions = np.linalg.eig(np.linalg.solve(sxx, sxy) @ np.linalg.solve(syy, sxy.T))
    order = np.argsort(-squares.real)[: min(x.shape[1], y.shape[1])]
    directions = directions.real[:, order]
    return np.sqrt(np.clip(squares.real[order], 0, 1)), directions / np.sqrt(
        np.einsum("ik,ij,jk->k", directions, sxx, directions)
    )


def literal_pwcca(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    correlations, directions = weighted_variates(x, y, w)
    x = x - w @ x / w.sum()
    weights = np.abs(x.T * w @ (x @ directions)).sum(axis=0)
    return float(weights @ correlations / weights.sum())


def weighted_svcca(x: np.ndarray, y: np.ndarray, w: np.ndarray, *, variance: float) -> float:
    kept = []
    for z in (x, y):
        z = z - w @ z / w.sum()
        values, vectors = np.linalg.eigh(z.T * w @ z)
        values, vectors = values[::-1], vectors[:, ::-1]
        kept.append(z @ vectors[:, : np.searchsorted(np.cumsum(values) / values.sum(), variance) + 1])
    return float(weighted_variates(*kept, w)[0].mean())


def test_the_textbook_data_have_the_textbook_correlations():
    # SAS/STAT User's Guide, PROC CANCORR, "Canonical Correlation Analysis of Fitness Club Data".
    result = mean_cca(LINNERUD[:, 3:], LINNERUD[:, :3])
    np.testing.assert_allclose(result.correlations, [0.795608, 0.200556, 0.072570], atol=1e-6)
    assert result.score == pytest.approx((0.795608 + 0.200556 + 0.072570) / 3, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(12, 40), k=st.integers(1, 5), m=st.integers(1, 5), seed=st.integers(0, 99))
def test_correlations_solve_the_textbooks_eigenproblem(n, k, m, seed):
    x, y = related(n, 5, seed)
    x, y = x[:, :k], y[:, :m]
    expected = weighted_variates(x, y, np.ones(n))[0]
    np.testing.assert_allclose(mean_cca(x, y).correlations, expected, atol=1e-6)
    assert pwcca(x, y).score == pytest.approx(literal_pwcca(x, y, np.ones(n)), abs=1e-6)


def test_invertible_maps_and_offsets_change_no_correlation():
    x, y = related()
    maps = np.random.default_rng(1).standard_normal((2, 6, 6))
    np.testing.assert_allclose(
        mean_cca(x @ maps[0] + 5, y @ maps[1] - 1e4).correlations, mean_cca(x, y).correlations, atol=1e-8
    )
    turned = np.linalg.qr(maps[0])[0]
    assert svcca(x @ turned, 3 * y, variance=0.8).score == pytest.approx(svcca(x, y, variance=0.8).score, abs=1e-9)
    assert pwcca(x, y @ maps[1]).score == pytest.approx(pwcca(x, y).score, abs=1e-9)


def test_pwcca_weighs_by_its_first_argument():
    x, y = related()
    y = y * [9, 1, 1, 1, 1, 0.1]
    assert abs(pwcca(x, y).score - pwcca(y, x).score) > 1e-3
    assert pwcca(x, y).weights.sum() == pytest.approx(1)
    assert pwcca(x + 50, y - 50).score == pytest.approx(pwcca(x, y).score, abs=1e-9)


@EACH
def test_a_language_follows_itself_perfectly_and_surely(measure):
    x, _ = related()
    assert measure(x, x).score == pytest.approx(1, abs=1e-12)
    interval = bootstrap_interval(measure, x, x, n_resamples=20)
    assert (interval.low, interval.high) == pytest.approx((1, 1), abs=1e-6)


def test_svcca_keeps_what_holds_the_share_of_squared_singular_values():
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((80, 4))
    basis = np.linalg.qr(basis - basis.mean(0))[0]
    x = basis * np.sqrt([0.7, 0.2, 0.07, 0.03])
    y = related(80, 4)[1]
    sizes = {share: svcca(x, y, variance=share).dimensions[0] for share in (0.69, 0.71, 0.9, 0.91, 0.97, 0.98, 1.0)}
    assert sizes == {0.69: 1, 0.71: 2, 0.9: 2, 0.91: 3, 0.97: 3, 0.98: 4, 1.0: 4}
    assert svcca(x, y, variance=1.0).score == pytest.approx(mean_cca(x, y).score, abs=1e-12)
    assert svcca(x, y, variance=0.91).score == pytest.approx(weighted_svcca(x, y, np.ones(80), variance=0.91), abs=1e-8)


def test_columns_that_add_no_direction_change_nothing():
    x, y = related()
    padded = np.column_stack([x, x[:, 0] - 2 * x[:, 1], np.full(60, 3.7), x[:, 2]])
    result = mean_cca(padded, y)
    assert result.dimensions == (6, 6)
    np.testing.assert_allclose(result.correlations, mean_cca(x, y).correlations, atol=1e-9)
    narrow = padded.astype(np.float32)
    narrow[:, 6] = narrow[:, :6].sum(axis=1) + 100
    assert mean_cca(narrow, y.astype(np.float32)).dimensions == (6, 6)


def test_the_mean_squared_correlation_over_all_permutations_is_that_of_theory():
    x, y = related(6, 2)
    orders = np.array(list(permutations(range(6))))
    squares = [np.sum(mean_cca(x, y[p]).correlations ** 2) for p in orders]
    assert np.mean(squares) == pytest.approx(2 * 2 / 5, abs=1e-12)
    assert mean_over_cosines(lambda c: c, 3, 4, 20) == pytest.approx(4 / 20, abs=1e-6)


@pytest.mark.parametrize(
    ("n", "k", "m"), [(4, 1, 1), (6, 1, 2), (8, 3, 3), (10, 2, 6), (20, 5, 5), (20, 9, 16), (50, 2, 2), (60, 20, 30)]
)
def test_chance_is_the_mean_of_unrelated_gaussians(n, k, m):
    rng = np.random.default_rng(0)
    means = []
    for _ in range(3000 if n < 60 else 300):
        a, b = (np.linalg.qr((z := rng.standard_normal((n, w))) - z.mean(0))[0] for w in (k, m))
        means.append(np.linalg.svd(a.T @ b, compute_uv=False).mean())
    error = 4 * np.std(means) / np.sqrt(len(means))
    chance = mean_over_cosines(np.sqrt, k, m, n - 1)
    assert chance == pytest.approx(np.mean(means), abs=max(0.005 if n < 20 else 0.002, error))
    assert expected_nuclear_norm(np.ones(k), np.ones(m), n - 1) / min(k, m) == pytest.approx(chance, abs=0.07 / n**0.5)


def test_drawn_cosines_are_those_of_drawn_subspaces():
    rng = np.random.default_rng(0)
    for k, m, n in ((3, 5, 12), (4, 4, 8), (5, 9, 11)):
        drawn = np.array([draw_squared_cosines(k, m, n, rng) for _ in range(3000)])
        bases = [np.linalg.qr(rng.standard_normal((n, k)))[0][:m] for _ in range(3000)]
        direct = np.linalg.svd(np.array(bases), compute_uv=False) ** 2
        for power in (0.5, 1, 2):
            assert (drawn**power).mean() == pytest.approx((direct**power).mean(), abs=0.01)
        assert drawn.mean() == pytest.approx(max(k, m) / n, abs=0.008)
        assert drawn.mean(axis=1).std() == pytest.approx(direct.mean(axis=1).std(), rel=0.06)


@EACH
def test_the_null_of_unrelated_sentences_is_centred_on_chance(measure):
    x, y = np.random.default_rng(3).standard_normal((2, 120, 12)) * np.arange(1, 13) ** -0.5
    null = permutation_null(measure, x, y, n_permutations=200)
    result = measure(x, y)
    assert null.mean == pytest.approx(result.chance, abs=4 * null.sd / np.sqrt(200))
    assert result.score == pytest.approx(result.chance, abs=4 * null.sd)
    assert prepare(measure, x, y).chance == result.chance
    interval = bootstrap_interval(measure, x, y, n_resamples=200)
    assert interval.low < result.chance < interval.high


@EACH
def test_permuted_scores_are_those_of_permuted_rows(measure):
    x, y = related()
    orders = draw_permutations(60, 8)
    expected = [measure(x, y[p]).score for p in orders]
    np.testing.assert_allclose(prepare(measure, x, y).permuted(orders), expected, atol=1e-7)
    np.testing.assert_allclose(prepare(measure, y, x[:, :4]).permuted(orders)[0], measure(y, x[orders[0], :4]).score)


def test_measures_of_one_pair_read_the_same_products_whatever_comes_first():
    x, y = related()
    orders, counts = draw_permutations(60, 6), draw_resamples(60, 6)
    alone = [prepare(measure, x, y) for measure in MEASURES.values()]
    sides = spectral_side(x), spectral_side(y, name="y")
    for directions in (False, True):
        for step in (1, -1):
            statistics = spectral_statistics(*sides, directions=directions)
            for one, measure in list(zip(alone, MEASURES.values(), strict=True))[::step]:
                base, options = getattr(measure, "func", measure), getattr(measure, "keywords", {})
                together = base.preparation(**options).read(statistics)
                assert together.score == pytest.approx(one.score, abs=1e-12)
                np.testing.assert_allclose(together.permuted(orders), one.permuted(orders), atol=1e-8)
                np.testing.assert_allclose(together.resampled(counts), one.resampled(counts), atol=1e-12)


def test_many_permutations_are_taken_in_parts_that_agree(monkeypatch):
    x, y = related()
    orders = draw_permutations(60, 9)
    whole = prepare(pwcca, x, y).permuted(orders)
    monkeypatch.setattr("probes.spectral_statistics.row_chunks", lambda rows, width: [slice(0, 4), slice(4, 9)])
    np.testing.assert_allclose(prepare(pwcca, x, y).permuted(orders), whole, atol=1e-12)


@pytest.mark.parametrize(
    ("measure", "weighted"),
    [
        (mean_cca, lambda x, y, w: weighted_variates(x, y, w)[0].mean()),
        (pwcca, literal_pwcca),
        (MEASURES["leading"], partial(weighted_svcca, variance=0.8)),
    ],
    ids=MEASURES.keys(),
)
def test_influence_is_the_derivative_of_the_score_to_a_sentences_weight(measure, weighted, monkeypatch):
    undamped = lambda gaps, noise: np.where(gaps == 0, 0.0, 1 / np.where(gaps == 0, 1.0, gaps))  # noqa: E731
    for module in (prepared_cca, spectral_sides):
        monkeypatch.setattr(module, "damped_inverse", undamped)
    x, y = related(40, 5)
    influence, step = prepare(measure, x, y).influence, 1e-5
    for i in range(0, 40, 7):
        moved = [weighted(x, y, np.ones(40) + sign * step * (40 * (np.arange(40) == i) - 1)) for sign in (1, -1)]
        assert influence[i] == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=1e-5)
    assert influence.mean() == pytest.approx(0, abs=1e-9)


@EACH
def test_intervals_are_as_wide_as_scores_vary_over_fresh_samples(measure):
    samples = [related(300, 10, seed, noise=0.6) for seed in range(60)]
    counts = draw_resamples(300, 200)
    spreads = [prepare(measure, *pair).resampled(counts).std() for pair in samples[:10]]
    assert 0.75 < np.mean(spreads) / np.std([measure(*pair).score for pair in samples], ddof=1) < 1.6


def test_svcca_takes_another_number_of_directions_in_a_resample():
    x, y = related(100, 5)
    prepared = prepare(partial(svcca, variance=0.8), x, y)
    counts = draw_resamples(100, 200)
    sizes = prepared.statistics.kept_in_resamples(counts, 0.8)
    weights = counts[0] / 100
    values = np.linalg.svd(x - x.mean(0), full_matrices=False)
    along = weights @ ((x - x.mean(0)) @ values[2].T) ** 2
    assert sizes[0, 0] == np.searchsorted(np.cumsum(along) / along.sum(), 0.8) + 1
    assert len(np.unique(sizes, axis=0)) > 1
    shifts = (counts - 1) @ prepared.influence / 100
    blocks = [np.linalg.svd(prepared.statistics.cross[:k, :m], compute_uv=False).mean() for k, m in sizes]
    np.testing.assert_allclose(prepared.resampled(counts), np.clip(blocks + shifts, 0, 1), atol=1e-7)


@EACH
def test_a_mean_offset_of_100_in_float32_changes_nothing(measure):
    x, y = related(300, 20)
    narrow = (x + 100).astype(np.float32), (y + 100).astype(np.float32)
    wide = [z.astype(float) for z in narrow]
    assert measure(*narrow).score == pytest.approx(measure(*wide).score, abs=1e-5)
    assert narrow[0].mean() == pytest.approx(100, abs=1)


@EACH
def test_torch_agrees_with_numpy(measure):
    x, y = related()
    tensors = torch.tensor(x, requires_grad=True), torch.tensor(y)
    assert measure(*tensors).score == pytest.approx(measure(x, y).score, abs=1e-12)
    half = torch.tensor(x).bfloat16(), torch.tensor(y).bfloat16()
    assert measure(*half).score == pytest.approx(measure(x, y).score, abs=0.02)


@EACH
def test_a_language_that_does_not_vary_has_no_score_and_a_reason(measure):
    x, y = related()
    result = measure(x, np.full((60, 3), 0.1))
    assert np.isnan(result.score)
    assert np.isnan(result.chance)
    assert result.reason == "y has the same vector in every row, so nothing varies that could be compared"
    prepared = prepare(measure, np.zeros((60, 2)), y)
    assert np.isnan(prepared.permuted(draw_permutations(60, 3))).all()
    assert np.isnan(prepared.resampled(draw_resamples(60, 3))).all()


@pytest.mark.parametrize(("n", "d"), [(5, 4), (6, 6), (10, 30)])
def test_no_more_sentences_than_dimensions_is_an_error_that_says_what_to_do(n, d):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n, d)), rng.standard_normal((n, 2))
    message = (
        rf"mean_cca must have more sentences than dimensions, got {n} sentences and {min(d, n - 1)} directions that "
    )
    with pytest.raises(ValueError, match=message + rf"vary in x \(of {d} columns\).*give more sentences, or use svcca"):
        mean_cca(x, y)
    with pytest.raises(
        ValueError, match=r"pwcca must have more .* in y .*or use svcca or linear_cka, or reduce the dim"
    ):
        pwcca(y, x)
    with pytest.raises(ValueError, match=r"svcca must have more sentences .* give more sentences, or lower variance"):
        svcca(x, y, variance=1.0)
    assert svcca(x, y, variance=0.3).score < 1


def test_a_share_that_no_directions_hold_is_refused():
    x, y = related()
    for share in (0.0, 1.01):
        with pytest.raises(ValueError, match="variance must be a share above 0 and at most 1, got"):
            svcca(x, y, variance=share)


@pytest.mark.usefixtures("unchecked")
def test_rows_that_cannot_be_matched_are_refused():
    with pytest.raises(ValueError, match="y must have the 9 rows of x, got 8; rows are matched by position"):
        mean_cca(np.eye(9, 2), np.eye(8, 2))
