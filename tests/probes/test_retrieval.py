"""Retrieval against its definitions in explicit loops, its ties, its chance levels and its language offsets."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import (
    arrays,
    csls_retrieval,
    margin_retrieval,
    mean_reciprocal_rank,
    mutual_retrieval,
    pair_cosine,
    retrieval_accuracy,
    strong_alignment,
)
from probes.judging import draw_permutations, draw_resamples, prepare
from probes.prepared_retrieval import rank_rows
from probes.retrieval import retrieval_statistics
from probes.retrieval_sides import retrieval_side
from probes.retrieval_statistics import RetrievalStatistics

MEASURES = {
    "accuracy": retrieval_accuracy,
    "accuracy at 3": partial(retrieval_accuracy, k=3),
    "reciprocal rank": mean_reciprocal_rank,
    "mutual": mutual_retrieval,
    "strong": strong_alignment,
    "csls": partial(csls_retrieval, k=3),
    "margin": partial(margin_retrieval, k=3, margin="distance"),
}
EVERY = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())


def tied(n: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of small whole numbers: many equal cosines, and equal rows."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, (n, d)).astype(float)
    x[:, 0] += 1
    y = x + rng.integers(0, 2, (n, d))
    y[rng.integers(n)] = y[rng.integers(n)]
    return x, y


def noisy(n: int, d: int, seed: int = 0, noise: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    return x, x + noise * rng.standard_normal((n, d))


def cosines(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
    return np.round(a @ b.T, 12)


def hit(values: np.ndarray, right: np.ndarray, k: int = 1) -> float:
    """The chance that a right candidate is among k, ties broken at random, place by place."""
    order = np.unique(values)[::-1]
    missed, places = 1.0, k
    for value in order:
        level = values == value
        size, good = int(level.sum()), int((level & right).sum())
        taken = min(places, size)
        for i in range(taken):
            missed *= max(0, size - good - i) / (size - i)
        places -= taken
    return 1 - missed


def mean_reciprocal(values: np.ndarray, right: np.ndarray) -> float:
    best = values[right].max()
    level = values == best
    return 1 / (np.sum(values > best) + (level.sum() + 1) / ((level & right).sum() + 1))


def by_definition(name: str, x: np.ndarray, y: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    s, n = cosines(x, y), len(x)
    same = labels[:, None] == labels[None, :]
    if name in ("csls", "margin"):
        top = [np.sort(t, axis=1)[:, -3:].mean(axis=1) for t in (s, s.T)]
        around = (top[0][:, None] + top[1][None, :]) / 2
        corrected = np.round(2 * (s - around), 11)
    directions = []
    for axis, own in ((0, x), (1, y)):
        scores = []
        for i in range(n):
            row = s[i] if axis == 0 else s[:, i]
            if name in ("accuracy", "accuracy at 3"):
                scores.append(hit(row, same[i], 3 if "3" in name else 1))
            elif name == "reciprocal rank":
                scores.append(mean_reciprocal(row, same[i]))
            elif name == "strong":
                rivals = cosines(own, own)[i][~same[i]]
                scores.append(hit(np.append(row, rivals), np.append(same[i], np.zeros(rivals.size, bool))))
            elif name == "csls":
                scores.append(hit(corrected[i] if axis == 0 else corrected[:, i], same[i]))
            elif name == "margin":
                kept = row >= np.sort(row)[-3]
                scores.append(hit(corrected[i][kept], same[i][kept]))
            else:
                rivals = np.append(s[i][~same[i]], [-2.0]).max(), np.append(s[:, i][~same[i]], [-2.0]).max()
                scores.append(float(s[i][same[i]].max() > rivals[0] and s[:, i][same[i]].max() > rivals[1]))
        directions.append(float(np.mean(scores)))
    return directions[0], directions[0] if name in ("margin", "mutual") else directions[1]


@pytest.mark.parametrize("name", MEASURES)
@settings(max_examples=25, deadline=None)
@given(n=st.integers(4, 14), d=st.integers(2, 6), seed=st.integers(0, 999), grouped=st.booleans())
def test_every_measure_is_its_definition_ties_and_groups_included(name, n, d, seed, grouped):
    x, y = tied(n, d, seed)
    labels = np.random.default_rng(seed).integers(0, n // 2, n) if grouped else np.arange(n)
    result = MEASURES[name](x, y, groups=[f"text {i}" for i in labels] if grouped else None)
    forward, backward = by_definition(name, x, y, labels)
    assert result.score == pytest.approx((forward + backward) / 2, abs=1e-9)
    if hasattr(result, "forward"):
        assert (result.forward, result.backward) == pytest.approx((forward, backward), abs=1e-9)


@EVERY
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), dtype=st.sampled_from([np.float32, np.float64]))
def test_the_answer_does_not_depend_on_the_order_of_rows(measure, seed, dtype):
    x, y = (z.astype(dtype) for z in tied(23, 4, seed))
    order = np.random.default_rng(seed).permutation(23)
    assert measure(x[order], y[order]).score == pytest.approx(measure(x, y).score, abs=1e-12)


@EVERY
def test_float32_calls_the_ties_of_float64(measure):
    x, y = tied(60, 50, 1)
    x[10], y[10], y[40] = x[3], y[3], y[17]
    x, y = (x / 3).astype(np.float32), (y / 7).astype(np.float32)
    assert measure(x, y).score == pytest.approx(measure(x.astype(float), y.astype(float)).score, abs=1e-12)


def test_a_right_answer_tied_with_one_other_is_half_a_hit():
    x = np.eye(6)
    y = np.eye(6)
    y[1] = y[0]
    result = retrieval_accuracy(x, y)
    assert result.forward == pytest.approx((0.5 + 1 / 6 + 4) / 6)
    assert mutual_retrieval(x, y).score == pytest.approx(4 / 6)
    assert retrieval_accuracy(x, y, groups=[0, 0, 2, 3, 4, 5]).backward == 1


def test_constant_vectors_score_exactly_chance():
    x = np.ones((8, 3))
    assert retrieval_accuracy(x, x).score == pytest.approx(1 / 8)
    assert retrieval_accuracy(x.astype(np.float32), x.astype(np.float32), k=3).score == pytest.approx(3 / 8)
    assert strong_alignment(x, x).score == pytest.approx(1 / 15)
    assert mean_reciprocal_rank(x, x).score == pytest.approx(1 / 4.5)
    assert mutual_retrieval(x, x).score == 0


@EVERY
@pytest.mark.parametrize("grouped", [False, True])
def test_chance_is_what_unrelated_vectors_score(measure, grouped):
    n, draws = 12, 250
    groups = np.array([0, 0, 0, 1, 1, *range(2, 9)]) if grouped else None
    rng = np.random.default_rng(0)
    results = [measure(*rng.standard_normal((2, n, 100)), groups=groups) for _ in range(draws)]
    scores = np.array([result.score for result in results])
    assert abs(scores.mean() - results[0].chance) < 4 * scores.std() / np.sqrt(draws)


def test_chance_levels_have_their_closed_forms():
    x, y = noisy(10, 5)
    assert retrieval_accuracy(x, y, k=4).chance == pytest.approx(0.4)
    assert mutual_retrieval(x, y).chance == strong_alignment(x, y).chance == pytest.approx(1 / 19)
    assert mean_reciprocal_rank(x, y).chance == pytest.approx(sum(1 / i for i in range(1, 11)) / 10)


def test_a_language_offset_takes_strong_alignment_to_zero_and_centring_restores_it():
    x, y = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in noisy(200, 64, noise=1.2))
    moved_x, moved_y = np.hstack([x, np.ones((200, 1))]), np.hstack([y, -np.ones((200, 1))])
    plain = retrieval_accuracy(x, y).score
    assert plain > 0.9
    assert retrieval_accuracy(moved_x, moved_y).score == pytest.approx(plain)
    assert strong_alignment(moved_x, moved_y).score == 0
    centred = strong_alignment(moved_x - moved_x.mean(0), moved_y - moved_y.mean(0)).score
    assert centred > 0.9
    assert centred == pytest.approx(strong_alignment(x - x.mean(0), y - y.mean(0)).score)


def test_pair_cosine_is_the_diagonal_and_the_exact_rest():
    x, y = noisy(9, 4)
    s = cosines(x, y)
    result = pair_cosine(x, y)
    assert result.score == pytest.approx(np.diag(s).mean(), abs=1e-11)
    assert result.random == pytest.approx(s[~np.eye(9, dtype=bool)].mean(), abs=1e-11)


@EVERY
def test_retrieval_ignores_the_length_of_vectors(measure):
    x, y = noisy(25, 6)
    lengths = np.exp(np.random.default_rng(1).uniform(-20, 20, (25, 1)))
    assert measure(x * lengths, y * 1e150).score == pytest.approx(measure(x, y).score, abs=1e-12)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_blocks_of_any_size_give_the_same(kind):
    x, y = (z.astype(kind) for z in tied(57, 5, 4))
    a, b = retrieval_side(x), retrieval_side(y)
    whole, cut = (RetrievalStatistics(a, b, 10, True, elements) for elements in (10**6, 57 * 8))
    for read in ("accuracy", "reciprocal_rank", "mutual", "csls", "margin"):
        assert getattr(cut, read)().score == pytest.approx(getattr(whole, read)().score, abs=1e-12)
    assert cut.accuracy(7).score == pytest.approx(whole.accuracy(7).score, abs=1e-12)


def test_rivals_found_in_blocks_are_those_of_the_whole_matrix(monkeypatch):
    x, _ = tied(57, 5, 4)
    expected = cosines(x, x)
    np.fill_diagonal(expected, -2)
    monkeypatch.setattr(arrays.row_chunks, "__kwdefaults__", {"elements": 57 * 8})
    rivals = retrieval_side(x).rivals
    best = expected.max(axis=1)
    found = set(zip(rivals.queries.tolist(), rivals.candidates.tolist(), strict=True))
    assert found == set(zip(*(axis.tolist() for axis in np.nonzero(expected == best[:, None])), strict=True))


@EVERY
@pytest.mark.parametrize("grouped", [False, True])
def test_permuted_scores_are_those_of_permuted_rows(measure, grouped):
    x, y = tied(21, 4, 8)
    groups = np.arange(21) // 2 if grouped else None
    measure = partial(measure, groups=groups)
    orders = draw_permutations(21, 8, seed=2)
    expected = [measure(x, y[p]).score for p in orders]
    np.testing.assert_allclose(prepare(measure, x, y).permuted(orders), expected, atol=1e-12)


def test_permuted_cosine_is_that_of_permuted_rows():
    x, y = noisy(21, 4)
    orders = draw_permutations(21, 8, seed=2)
    expected = [pair_cosine(x, y[p]).score for p in orders]
    np.testing.assert_allclose(prepare(pair_cosine, x, y).permuted(orders), expected, atol=1e-12)


def test_permuted_ranks_in_float32_are_those_of_permuted_rows():
    x, y = (z.astype(np.float32) for z in noisy(120, 30))
    y[7] = y[80]
    orders = draw_permutations(120, 5, seed=2)
    expected = [mean_reciprocal_rank(x, y[p]).score for p in orders]
    np.testing.assert_allclose(prepare(mean_reciprocal_rank, x, y).permuted(orders), expected, atol=1e-6)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_permuted_ranks_in_blocks_are_those_of_permuted_rows(monkeypatch, grouped, library):
    x, y = tied(57, 5, 4)
    groups = np.random.default_rng(0).integers(0, 40, 57) if grouped else None
    measure, orders = partial(mean_reciprocal_rank, groups=groups), draw_permutations(57, 6, seed=2)
    expected = [measure(x, y[p]).score for p in orders]
    monkeypatch.setattr(arrays.row_chunks, "__kwdefaults__", {"elements": 57 * 8})
    given = (x, y) if library == "numpy" else (torch.tensor(x), torch.tensor(y))
    np.testing.assert_allclose(prepare(measure, *given).permuted(orders), expected, atol=1e-12)


def test_ranks_of_a_row_count_what_is_above_and_level_with_each_candidate():
    block = np.random.default_rng(0).integers(0, 6, (9, 13)).astype(float)
    ranks = rank_rows(block, 0.0)
    np.testing.assert_array_equal(ranks.above, (block[:, None, :] > block[:, :, None]).sum(axis=2))
    np.testing.assert_array_equal(ranks.level, (block[:, None, :] == block[:, :, None]).sum(axis=2))
    distinct = rank_rows(block + np.linspace(0, 0.5, 13), 0.0)
    places = np.tile(np.arange(13), (9, 1))
    np.testing.assert_array_equal(distinct.at(places)[1], 1)
    np.testing.assert_array_equal(np.sort(distinct.at(places)[0], axis=1), places)


@EVERY
def test_bootstrap_draws_queries_and_keeps_the_candidates(measure):
    x, y = noisy(40, 5, noise=0.7)
    counts = draw_resamples(40, 6)
    prepared = prepare(measure, x, y)
    each = np.array([prepared.resampled(40 * np.eye(40, dtype=int)[[i]])[0] for i in range(40)])
    assert each.mean() == pytest.approx(prepared.score, abs=1e-12)
    assert 0 < each.mean() < 1
    np.testing.assert_allclose(prepared.resampled(counts), counts @ each / 40, atol=1e-12)


@EVERY
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torch_agrees_with_numpy(measure, dtype):
    x, y = (torch.tensor(z, dtype=dtype) for z in tied(31, 6, 3))
    expected = measure(x.numpy(), y.numpy())
    assert measure(x, y).score == pytest.approx(expected.score, abs=1e-9)
    orders = draw_permutations(31, 4)
    permuted = prepare(measure, x, y).permuted(orders)
    np.testing.assert_allclose(permuted, prepare(measure, x.numpy(), y.numpy()).permuted(orders), atol=1e-6)


def test_half_precision_tensors_are_measured_in_float32():
    x, y = (torch.tensor(z) for z in noisy(30, 16, noise=0.5))
    wide = retrieval_accuracy(x.bfloat16().double(), y.bfloat16().double()).score
    assert retrieval_accuracy(x.bfloat16(), y.bfloat16()).score == pytest.approx(wide, abs=1e-12)


def test_one_pass_serves_every_measure():
    x, y = tied(40, 6, 5)
    statistics = retrieval_statistics(retrieval_side(x), retrieval_side(y), neighbours=10, ranks=True)
    assert statistics.accuracy().score == pytest.approx(retrieval_accuracy(x, y).score)
    assert statistics.accuracy(5).score == pytest.approx(retrieval_accuracy(x, y, k=5).score)
    assert statistics.reciprocal_rank().score == pytest.approx(mean_reciprocal_rank(x, y).score)
    assert statistics.mutual().score == pytest.approx(mutual_retrieval(x, y).score)
    assert statistics.strong().score == pytest.approx(strong_alignment(x, y).score)
    assert statistics.csls(10).score == pytest.approx(csls_retrieval(x, y).score)
    assert statistics.margin(4, "ratio").score == pytest.approx(margin_retrieval(x, y).score)


@pytest.mark.usefixtures("unchecked")
def test_unfit_input_is_refused_by_name():
    x = np.eye(5)
    zero = np.eye(5)
    zero[3] = 0
    with pytest.raises(ValueError, match="y must have a direction in every row, got zeros in row 3"):
        retrieval_accuracy(x, zero)
    with pytest.raises(ValueError, match="k must be between 1 and the 5 rows, got 6"):
        retrieval_accuracy(x, x, k=6)
    with pytest.raises(ValueError, match="groups must have one label for each of the 5 rows"):
        retrieval_accuracy(x, x, groups=[1, 2])
    with pytest.raises(ValueError, match="y must have the 5 columns of x, got 6"):
        mutual_retrieval(x, np.eye(5, 6) + 1)
    with pytest.raises(ValueError, match="groups must be the same on both sides"):
        retrieval_statistics(retrieval_side(x), retrieval_side(x, groups=[0, 0, 1, 2, 3]))
