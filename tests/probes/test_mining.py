"""Mining against LASER's procedure in explicit loops, and its scores against F1 at every threshold."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import margin_retrieval
from probes.judging import draw_permutations
from probes.mining import MARGINS, STRATEGIES, mine_bitext, mining_scores
from probes.neighbours import NeighbourSearch, tiles
from probes.retrieval_sides import retrieval_side
from probes.retrieval_statistics import RetrievalStatistics

Mined = list[tuple[int, int, float]]


def lists(n: int = 40, p: int = 55, d: int = 12, shared: int = 30, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two lists of different sizes whose first rows translate each other."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, d)) + 1.5, rng.standard_normal((p, d)) + 1.5
    y[:shared] = x[:shared] + 0.5 * rng.standard_normal((shared, d))
    return x, y


def by_laser(x: np.ndarray, y: np.ndarray, k: int, margin: str, strategy: str) -> Mined:
    """The candidates and strategies of LASER's mine_bitexts.py, row by row."""
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x.astype(float), y.astype(float)))
    s = a @ b.T
    nearest = [np.argsort(-t, axis=1)[:, :k] for t in (s, s.T)]
    means = [np.sort(t, axis=1)[:, -k:].mean(axis=1) for t in (s, s.T)]
    around = (means[0][:, None] + means[1][None, :]) / 2
    margins = {"ratio": s / around, "distance": s - around, "absolute": s}[margin]
    forward = [(i, max(nearest[0][i], key=lambda j: margins[i, j])) for i in range(len(x))]
    backward = [(max(nearest[1][j], key=lambda i: margins[i, j]), j) for j in range(len(y))]
    if strategy in ("forward", "backward"):
        found = forward if strategy == "forward" else backward
    elif strategy == "intersection":
        found = sorted(set(forward) & set(backward))
    else:
        found, rows, columns = [], set(), set()
        for i, j in sorted(forward + backward, key=lambda pair: -margins[pair]):
            if i not in rows and j not in columns:
                found.append((i, j))
                rows.add(i)
                columns.add(j)
    return sorted(((int(i), int(j), float(margins[i, j])) for i, j in found), key=lambda entry: -entry[2])


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_pairs_and_margins_are_those_of_the_published_procedure(strategy, margin, kind):
    x, y = (z.astype(kind) for z in lists())
    for k in (2, 4):
        result = mine_bitext(x, y, k=k, margin=margin, strategy=strategy)
        expected = by_laser(x, y, k, margin, strategy)
        assert [tuple(pair) for pair in result.pairs.tolist()] == [(i, j) for i, j, _ in expected]
        np.testing.assert_allclose(result.margins, [value for _, _, value in expected], atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(2, 30), p=st.integers(2, 30), seed=st.integers(0, 99))
def test_lists_of_any_sizes_are_mined(n, p, seed):
    x, y = lists(n, p, shared=min(n, p) // 2, seed=seed)
    k = min(3, n, p)
    for strategy in STRATEGIES:
        mined = mine_bitext(x, y, k=k, margin="distance", strategy=strategy).pairs
        assert [tuple(pair) for pair in mined.tolist()] == [e[:2] for e in by_laser(x, y, k, "distance", strategy)]


def test_strategies_give_what_their_names_say():
    x, y = lists()
    mined = {name: mine_bitext(x, y, strategy=name).pairs for name in STRATEGIES}
    sets = {name: set(map(tuple, pairs.tolist())) for name, pairs in mined.items()}
    assert sorted(mined["forward"][:, 0]) == list(range(40))
    assert sorted(mined["backward"][:, 1]) == list(range(55))
    assert sets["intersection"] == sets["forward"] & sets["backward"]
    assert sets["intersection"] < sets["max"] < sets["forward"] | sets["backward"]
    assert all(np.unique(mined["max"][:, side]).size == len(mined["max"]) for side in (0, 1))


def test_forward_pairs_of_matched_lists_err_as_often_as_margin_retrieval():
    x, y = lists(50, 50, shared=50)
    y += np.random.default_rng(1).standard_normal(y.shape)
    wrong = sum(i != j for i, j in mine_bitext(x, y, strategy="forward").pairs)
    assert 0 < wrong == margin_retrieval(x, y).n_errors


def test_swapping_the_lists_swaps_the_pairs():
    x, y = lists()
    for strategy, other in (("max", "max"), ("forward", "backward"), ("intersection", "intersection")):
        there, back = mine_bitext(x, y, strategy=strategy), mine_bitext(y, x, strategy=other)
        np.testing.assert_array_equal(there.pairs, back.pairs[:, ::-1])
        np.testing.assert_allclose(there.margins, back.margins, atol=1e-12)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_order_of_rows_changes_their_numbers_alone(kind):
    x, y = (z.astype(kind) for z in lists())
    (rows,), (columns,) = draw_permutations(40, 1), draw_permutations(55, 1, seed=1)
    result, moved = mine_bitext(x, y), mine_bitext(x[rows], y[columns])
    np.testing.assert_array_equal(np.stack([rows[moved.pairs[:, 0]], columns[moved.pairs[:, 1]]], 1), result.pairs)
    np.testing.assert_allclose(moved.margins, result.margins, atol=1e-12)


def test_a_threshold_keeps_the_pairs_above_it():
    x, y = lists()
    every = mine_bitext(x, y)
    cut = mine_bitext(x, y, threshold=float(every.margins[9]))
    np.testing.assert_array_equal(cut.pairs, every.pairs[:9])
    assert len(mine_bitext(x, y, threshold=99.0).pairs) == 0


def test_of_equal_rows_the_first_is_taken():
    x, y = lists(20, 20, shared=20)
    x[7] = x[3]
    mined = {tuple(pair) for pair in mine_bitext(x, y, strategy="backward").pairs.tolist()}
    assert (3, 3) in mined
    assert not any(i == 7 for i, _ in mined)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("elements", [10**6, 64])
def test_blocks_of_any_size_find_the_same_neighbours(backward, elements):
    sides = tuple(retrieval_side(z) for z in lists(47, 33))
    found = RetrievalStatistics(*sides, neighbours=4, block_elements=elements).nearest[backward]
    s = (sides[0].unit @ sides[1].unit.T).T if backward else sides[0].unit @ sides[1].unit.T
    np.testing.assert_allclose(found.values(4), -np.sort(-s, axis=1)[:, :4], atol=1e-12)
    places = found.starts[:, None] + np.arange(4)
    np.testing.assert_array_equal(found.candidates[places], np.argsort(-s, axis=1)[:, :4])


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 40), columns=st.integers(1, 40), elements=st.integers(1, 300), k=st.integers(1, 5))
def test_tiles_cover_every_pair_once_and_bounds_never_lose_a_neighbour(rows, columns, elements, k):
    values = np.random.default_rng(rows).integers(0, 9, (rows, columns)).astype(float)
    k, seen = min(k, rows, columns), np.zeros((rows, columns))
    searches = [NeighbourSearch(rows, k, tolerance=0.0), NeighbourSearch(columns, k, tolerance=0.0)]
    for i, j in tiles(rows, columns, elements=elements):
        seen[i, j] += 1
        assert values[i, j].size <= max(elements, 1)
        searches[0].add(values[i, j], i.start, j.start)
        searches[1].add(values[i, j], j.start, i.start, by_column=True)
    assert (seen == 1).all()
    for search, table in zip(searches, (values, values.T), strict=True):
        found = search.finish(lambda q, c: np.zeros(q.size))
        last = -np.sort(-table, axis=1)[:, k - 1 : k]
        kept = found.within(k)
        reached = set(zip(*(axis.tolist() for axis in np.nonzero(table >= last)), strict=True))
        assert set(zip(found.queries[kept].tolist(), found.candidates[kept].tolist(), strict=True)) == reached


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_torch_agrees_with_numpy_and_nothing_is_changed(kind):
    x, y = (torch.tensor(z, dtype=kind) for z in lists())
    before, result = x.clone(), mine_bitext(x, y)
    expected = mine_bitext(x.double().numpy(), y.double().numpy())
    np.testing.assert_array_equal(result.pairs, expected.pairs)
    np.testing.assert_allclose(result.margins, expected.margins, atol=1e-12)
    assert (x == before).all()


def test_mining_finds_the_translations_among_what_has_none():
    x, y = lists(200, 300, d=64, shared=120)
    mined = mine_bitext(x, y)
    scores = mining_scores(mined.pairs, mined.margins, [(i, i) for i in range(120)])
    assert scores.f1 == scores.best_f1 > 0.95
    again = mine_bitext(x, y, threshold=scores.best_threshold)
    assert len(again.pairs) == scores.n_kept
    kept = mining_scores(again.pairs, again.margins, [(i, i) for i in range(120)])
    assert (kept.precision, kept.recall, kept.f1) == (scores.precision, scores.recall, scores.f1)


def f1_above(threshold: float, margins: np.ndarray, right: np.ndarray, n_gold: int) -> float:
    kept = margins > threshold
    precision, recall = right[kept].sum() / max(kept.sum(), 1), right[kept].sum() / n_gold
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 20), extra=st.integers(0, 4), seed=st.integers(0, 999), levels=st.integers(1, 30))
def test_no_threshold_beats_the_best_and_ties_do_not_depend_on_order(n, extra, seed, levels):
    rng = np.random.default_rng(seed)
    pairs, margins = np.stack([np.arange(n), rng.permutation(n)], 1), rng.integers(-levels, levels + 1, n) / 7
    right = rng.random(n) < 0.5
    gold = [tuple(pair) for pair in pairs[right].tolist()] + [(n + i, i) for i in range(extra + 1)]
    result = mining_scores(pairs, margins, gold)
    tried = [f1_above(t, margins, right, len(gold)) for t in (*margins, *(margins - 1e-9), result.best_threshold)]
    assert result.best_f1 == pytest.approx(max(tried))
    assert result.f1 == pytest.approx(tried[-1])
    order = rng.permutation(n)
    again = mining_scores(pairs[order], margins[order], gold[::-1])
    assert vars(again) == pytest.approx(vars(result), nan_ok=True)


def test_scores_at_a_threshold_are_counted_pairs():
    pairs, margins = np.array([[0, 0], [1, 1], [2, 5], [3, 3]]), np.array([1.4, 1.3, 1.2, 1.1])
    gold = {(0, 0), (1, 1), (3, 3), (4, 4)}
    result = mining_scores(pairs, margins, gold, threshold=1.2)
    assert (result.precision, result.recall, result.f1) == pytest.approx((1, 1 / 2, 2 / 3))
    assert (result.n_kept, result.n_gold, result.threshold) == (2, 4, 1.2)
    assert result.best_f1 == pytest.approx(2 * 3 / (4 + 4))
    assert 1.0999 < result.best_threshold < 1.1
    nothing = mining_scores(pairs, margins, gold, threshold=2.0)
    assert (nothing.recall, nothing.f1, nothing.n_kept) == (0, 0, 0)
    assert np.isnan(nothing.precision)
    assert mining_scores(pairs, margins, [(9, 9)]).n_kept == 0


@pytest.mark.usefixtures("unchecked")
def test_unfit_input_is_refused_by_name():
    x, y = lists()
    with pytest.raises(ValueError, match="k must be between 1 and the 40 rows, got 41"):
        mine_bitext(x, y, k=41)
    with pytest.raises(TypeError, match=r"k must be a whole number, got 2\.5"):
        mine_bitext(x, y, k=2.5)
    with pytest.raises(ValueError, match="y must have the 12 columns of x, got 11"):
        mine_bitext(x, y[:, :11])
    with pytest.raises(ValueError, match="margin must be one of ratio, distance, absolute, got 'cosine'"):
        mine_bitext(x, y, margin="cosine")
    with pytest.raises(ValueError, match="strategy must be one of max, intersection, forward, backward, got 'both'"):
        mine_bitext(x, y, strategy="both")
    with pytest.raises(ValueError, match="y must have a direction in every row, got zeros in row 0"):
        mine_bitext(x, 0 * y)
    for strategy, row in (("forward", "of x"), ("backward", "of y")):
        with pytest.raises(ValueError, match=rf"got -0\.\d+ for row 0 {row}; use margin='distance'"):
            mine_bitext(x, -np.abs(y) - 3, strategy=strategy)
    with pytest.raises(ValueError, match="gold must hold at least one true pair, got none"):
        mining_scores([(0, 0)], np.ones(1), [])
    with pytest.raises(ValueError, match="pairs must not hold a pair twice, got 2 of 1"):
        mining_scores([(0, 0), (0, 0)], np.ones(2), [(0, 0)])
    with pytest.raises(ValueError, match="margins must hold one finite number for each of the 2 pairs"):
        mining_scores([(0, 0), (1, 1)], np.array([1.0, np.nan]), [(0, 0)])
    with pytest.raises(ValueError, match=r"pairs must be pairs of whole numbers, \(row of x, row of y\), got float64"):
        mining_scores(np.array([[0.5, 1]]), np.ones(1), [(0, 0)])
