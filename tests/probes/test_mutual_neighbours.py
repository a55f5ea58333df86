"""Mutual kNN and CKNNA: their definitions written out, ties, exact chance, and what permutations and resamples mean."""

import itertools
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import bootstrap_interval, linear_cka, permutation_null
from probes.judging import draw_permutations, draw_resamples, prepare
from probes.mutual_neighbours import cknna, mutual_knn
from probes.prepared_neighbours import kernel_side, overlap_side, shared_neighbours
from probes.retrieval_sides import retrieval_side

BOTH = pytest.mark.parametrize("measure", [mutual_knn, cknna])


def related(n: int = 40, d: int = 6, e: int = 9, seed: int = 0, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)) + 0.5
    return x, x @ rng.standard_normal((d, e)) + noise * rng.standard_normal((n, e))


def cosines(x: np.ndarray) -> np.ndarray:
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    return unit @ unit.T


def neighbour_mask(x: np.ndarray, k: int) -> np.ndarray:
    similarities = cosines(x)
    np.fill_diagonal(similarities, -np.inf)
    mask = np.zeros(similarities.shape)
    np.put_along_axis(mask, np.argsort(-similarities, axis=1)[:, :k], 1.0, axis=1)
    return mask


def overlap_by_hand(x: np.ndarray, y: np.ndarray, k: int) -> float:
    return (neighbour_mask(x, k) * neighbour_mask(y, k)).sum() / (len(x) * k)


def alignment_by_hand(x: np.ndarray, y: np.ndarray, k: int) -> float:
    """Huh et al. (2024), eq. 12 and 16-18."""
    masks = [neighbour_mask(z, k) for z in (x, y)]
    kernels = [cosines(z) - cosines(z).mean(axis=1, keepdims=True) for z in (x, y)]

    def align(i: int, j: int) -> float:
        return (masks[i] * masks[j] * kernels[i] * kernels[j]).sum()

    return align(0, 1) / np.sqrt(align(0, 0) * align(1, 1))


BY_HAND = {mutual_knn: overlap_by_hand, cknna: alignment_by_hand}


@BOTH
@settings(max_examples=25, deadline=None)
@given(n=st.integers(6, 40), d=st.integers(2, 12), k=st.integers(1, 5), seed=st.integers(0, 99))
def test_the_score_is_that_of_the_definition_written_out(measure, n, d, k, seed):
    x, y = related(n, d, 5, seed)
    assert measure(x, y, k=k).score == pytest.approx(BY_HAND[measure](x, y, k), abs=1e-12)


def test_released_code_gives_the_same_mutual_knn():
    """minyoungg/platonic-rep, metrics.py, `mutual_knn(..., topk=5)` on these unit rows."""
    i, j = np.arange(60)[:, None], np.arange(8)[None, :]
    x = np.sin(1.0 + 3 * i + 5 * j * j)
    y = x + np.cos(2.0 + 2 * i * i + j)
    assert mutual_knn(x, y, k=5).score == pytest.approx(0.28, abs=1e-6)


@BOTH
@settings(max_examples=15, deadline=None)
@given(n=st.integers(8, 30), seed=st.integers(0, 99), k=st.integers(1, 7))
def test_rotation_the_length_of_each_row_and_the_order_of_rows_change_nothing(measure, n, seed, k):
    x, y = related(n, seed=seed)
    rng = np.random.default_rng(seed + 1)
    rotation, order = np.linalg.qr(rng.standard_normal((6, 6)))[0], rng.permutation(n)
    moved = rng.uniform(0.01, 100, (n, 1)) * x @ rotation
    assert measure(moved[order], y[order], k=k).score == pytest.approx(measure(x, y, k=k).score, abs=1e-12)


@BOTH
def test_a_space_agrees_with_itself_and_measures_are_symmetric(measure):
    x, y = related()
    assert measure(x, x, k=5).score == pytest.approx(1, abs=1e-12)
    assert measure(x, y, k=5).score == pytest.approx(measure(y, x, k=5).score, abs=1e-12)
    assert 0 < measure(x, y, k=5).score < 1


@pytest.mark.parametrize(("n", "k"), [(8, 7), (20, 19)])
def test_with_all_other_rows_as_neighbours_overlap_is_one_and_cknna_compares_all_pairs(n, k):
    x, y = related(n)
    assert mutual_knn(x, y, k=k).score == 1 == mutual_knn(x, y, k=k).chance
    kernels = [cosines(z) - cosines(z).mean(axis=1, keepdims=True) for z in (x, y)]
    for kernel in kernels:
        np.fill_diagonal(kernel, 0)
    expected = (kernels[0] * kernels[1]).sum() / np.linalg.norm(kernels[0]) / np.linalg.norm(kernels[1])
    assert cknna(x, y, k=k).score == pytest.approx(expected, abs=1e-12)


def tied(n: int, dtype: type) -> np.ndarray:
    stack = np.random.default_rng(0).integers(0, 2, (2, n, 5)).astype(dtype)
    stack[:, :, 0] = 1
    return stack


def random_overlap(x: np.ndarray, y: np.ndarray, k: int, seed: int) -> float:
    rng = np.random.default_rng(seed)

    def mask(z: np.ndarray) -> np.ndarray:
        similarities = np.round(cosines(z), 9) + 1e-10 * rng.random((len(z), len(z)))
        np.fill_diagonal(similarities, -np.inf)
        nearest = np.zeros(similarities.shape)
        np.put_along_axis(nearest, np.argsort(-similarities, axis=1)[:, :k], 1.0, axis=1)
        return nearest

    return (mask(x) * mask(y)).sum() / (len(x) * k)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ties_give_the_expected_overlap_under_random_tie_breaking(dtype):
    x, y = tied(14, dtype)
    for k in (1, 3, 6):
        draws = [random_overlap(x.astype(float), y.astype(float), k, seed) for seed in range(1500)]
        assert mutual_knn(x, y, k=k).score == pytest.approx(np.mean(draws), abs=4 * np.std(draws) / np.sqrt(1500))


@BOTH
def test_ties_never_depend_on_the_order_of_rows(measure):
    x, y = tied(16, np.float32)
    scores = [measure(x[p], y[p], k=3).score for p in draw_permutations(16, 8)]
    np.testing.assert_allclose(scores, scores[0], atol=1e-12)


def test_a_space_with_all_rows_tied_agrees_as_chance_does():
    x, y = np.ones((12, 3)), related(12)[1]
    assert mutual_knn(x, y, k=4).score == pytest.approx(4 / 11)
    assert mutual_knn(x, x, k=4).score == pytest.approx(4 / 11)


def test_duplicate_sentences_are_neighbours_of_each_other_and_no_row_is_its_own():
    x, y = related(20)
    x[7], y[7] = x[3], y[3]
    queries, candidates, shares = shared_neighbours(retrieval_side(x), 3)
    assert not (queries == candidates).any()
    np.testing.assert_allclose(np.bincount(queries, weights=shares), 3)
    assert mutual_knn(x, y, k=1).score == pytest.approx(overlap_by_hand(x, y, 1), abs=1e-12)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_chance_of_mutual_knn_is_exact(k):
    x, y = related(5)
    scores = [mutual_knn(x, y[list(p)], k=k).score for p in itertools.permutations(range(5))]
    assert np.mean(scores) == pytest.approx(k / 4, abs=1e-12)
    assert mutual_knn(x, y, k=k).chance == pytest.approx(k / 4, abs=1e-12)


@pytest.mark.parametrize("k", [1, 3])
def test_the_chance_of_cknna_is_the_mean_over_all_permutations(k):
    x, y = related(6)
    scores = [cknna(x, y[list(p)], k=k).score for p in itertools.permutations(range(6))]
    assert cknna(x, y, k=k).chance == pytest.approx(np.mean(scores), abs=1e-12)


@BOTH
def test_independent_gaussians_score_at_chance(measure):
    rng = np.random.default_rng(0)
    results = [measure(*rng.standard_normal((2, 60, 20)), k=5) for _ in range(60)]
    scores = [result.score for result in results]
    chance = np.mean([result.chance for result in results])
    assert np.mean(scores) == pytest.approx(chance, abs=4 * np.std(scores) / np.sqrt(60))


@BOTH
@pytest.mark.parametrize("k", [1, 5])
def test_renaming_neighbours_is_permuting_the_rows(measure, k):
    x, y = related(50)
    x[4] = x[9]
    orders = draw_permutations(50, 12, seed=1)
    prepared = prepare(partial(measure, k=k), x, y)
    np.testing.assert_allclose(prepared.permuted(orders), [measure(x, y[p], k=k).score for p in orders], atol=1e-12)
    null = permutation_null(partial(measure, k=k), x, y, n_permutations=500)
    assert null.mean == pytest.approx(prepared.chance, abs=4 * null.sd / np.sqrt(500))


@pytest.mark.parametrize("make", [overlap_side, kernel_side])
def test_a_resample_weights_sentences_and_keeps_their_neighbours(make):
    x, y = related(25)
    measure = mutual_knn if make is overlap_side else cknna
    a, b = (dense(make(retrieval_side(z), 4)) for z in (x, y))
    counts = draw_resamples(25, 10)
    products = [counts @ (p * q).sum(axis=1) for p, q in ((a, b), (a, a), (b, b))]
    expected = products[0] / np.sqrt(products[1] * products[2])
    np.testing.assert_allclose(prepare(partial(measure, k=4), x, y).resampled(counts), expected, atol=1e-12)


def dense(side) -> np.ndarray:
    matrix = np.zeros((side.n, side.n))
    matrix[side.queries, side.candidates] = side.values
    return matrix


@BOTH
@pytest.mark.parametrize("noise", [1.0, 30.0])
def test_an_interval_contains_its_own_score(measure, noise):
    x, y = related(80, noise=noise)
    interval = bootstrap_interval(partial(measure, k=5), x, y, n_resamples=200)
    assert interval.low < interval.score < interval.high


@BOTH
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_many_sides_against_a_pivot_agree_with_pairs(measure, library):
    preparation = measure.preparation(k=4)
    stack = np.random.default_rng(0).standard_normal((4, 33, 7)) + np.random.default_rng(1).standard_normal((33, 7))
    pivot, *sides = [preparation.side(torch.tensor(x) if library == "torch" else x) for x in stack]
    orders, counts = draw_permutations(33, 9), draw_resamples(33, 9)
    permuted = [preparation.pair(pivot, side).permuted(orders) for side in sides]
    np.testing.assert_allclose(preparation.permuted_many(pivot, sides, orders), permuted, atol=1e-12)
    resampled = [preparation.pair(pivot, side).resampled(counts) for side in sides]
    np.testing.assert_allclose(preparation.resampled_many(pivot, sides, counts), resampled, atol=1e-12)


@BOTH
def test_torch_and_float32_agree_with_numpy(measure):
    x, y = (z.astype(np.float32) for z in related(60, 20, 20))
    wide = measure(x.astype(float), y.astype(float), k=7).score
    assert measure(x, y, k=7).score == pytest.approx(wide, abs=1e-12)
    assert measure(torch.tensor(x, requires_grad=True), torch.tensor(y), k=7).score == pytest.approx(wide, abs=1e-12)


def test_cknna_sees_no_less_in_crowded_float32_directions():
    """Cosines of .9999 leave three digits of their differences in float32; they are computed again in float64."""
    x, y = (z.astype(np.float32) for z in related(60, 20, 20))
    x += 400
    assert cosines(x.astype(float)).min() > 0.9999
    wide = cknna(x.astype(float), y.astype(float)).score
    assert cknna(x, y).score == pytest.approx(wide, abs=1e-9)


def test_neighbours_are_local_where_cka_is_global():
    """Clusters shared, arrangement within them not: CKA is near 1, neighbours agree little more than in a cluster."""
    rng = np.random.default_rng(0)
    centres = 20 * rng.standard_normal((4, 30))[rng.integers(0, 4, 200)]
    x, y = centres + rng.standard_normal((2, 200, 30))
    assert linear_cka(x, y).score > 0.98
    assert mutual_knn(x, y, k=5).score < 0.2


def test_rows_of_one_direction_give_nan_with_a_reason():
    x, y = related(10)
    result = cknna(np.outer(np.arange(1, 11), np.ones(3)), y, k=3)
    assert np.isnan(result.score)
    assert "all rows of x have one direction" in result.reason
    assert cknna(x, y, k=3).reason == ""
    null = permutation_null(partial(cknna, k=3), np.ones((10, 3)), y, n_permutations=4)
    assert (np.isnan(null.p_value), null.n_undefined) == (True, 4)
    assert np.isnan(bootstrap_interval(partial(cknna, k=3), np.ones((10, 3)), y, n_resamples=4).low)


@BOTH
def test_a_report_can_ask_how_many_rows_are_needed(measure):
    assert (measure.preparation().neighbours, measure.preparation(k=3).neighbours) == (11, 4)


@BOTH
@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("x", "y", "k", "error", "message"),
    [
        (np.eye(8), np.eye(8), 8, ValueError, "k must be below the 8 rows of x, .* got 8; lower k or give more"),
        (np.eye(8), np.eye(8), 0, ValueError, "k must be at least 1, got 0"),
        (np.eye(8), np.eye(8), 2.5, TypeError, r"k must be a whole number, got 2\.5"),
        (np.eye(8), np.eye(7), 2, ValueError, "y must have the 8 rows of x, got 7; rows are matched by position"),
        (np.eye(8), np.eye(8, 5), 2, ValueError, "y must have a direction in every row, got zeros in row 5"),
    ],
)
def test_unfit_input_is_refused_by_name(measure, x, y, k, error, message):
    with pytest.raises(error, match=message):
        measure(x, y, k=k)
