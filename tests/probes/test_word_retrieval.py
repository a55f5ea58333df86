"""Word retrieval against its definition, with several links for a word, ties, and words that no link names."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import csls_retrieval
from probes.judging import draw_permutations, draw_resamples
from probes.word_retrieval import WordPreparation, word_retrieval


def tied(p: int, q: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of small whole numbers: many equal cosines, and equal rows."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 3, (p, d)) + np.eye(1, d), rng.integers(0, 3, (q, d)) + np.eye(1, d)


def words(p: int = 50, q: int = 60, linked: int = 30, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((p, 10)), rng.standard_normal((q, 10))
    y[:linked] = x[:linked] + 0.8 * rng.standard_normal((linked, 10))
    return x, y, np.stack([np.arange(linked), np.arange(linked)], 1)


def some_links(p: int, q: int, m: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, p, m), rng.integers(0, q, m)], 1)


def by_definition(x: np.ndarray, y: np.ndarray, links: np.ndarray, k: int) -> tuple[float, float]:
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
    s = a @ b.T
    means = [np.sort(t, axis=1)[:, -k:].mean(axis=1) for t in (s, s.T)]
    csls = np.round(2 * s - means[0][:, None] - means[1][None, :], 10)
    directions = []
    for values, pairs in ((csls, links), (csls.T, links[:, ::-1])):
        hits = []
        for word in sorted(set(pairs[:, 0].tolist())):
            right = set(pairs[pairs[:, 0] == word, 1].tolist())
            first = np.flatnonzero(values[word] == values[word].max())
            hits.append(len(right & set(first.tolist())) / first.size)
        directions.append(float(np.mean(hits)))
    return directions[0], directions[1]


@settings(max_examples=60, deadline=None)
@given(p=st.integers(3, 14), q=st.integers(3, 14), m=st.integers(1, 20), d=st.integers(2, 5), seed=st.integers(0, 999))
def test_it_is_its_definition_several_links_and_ties_included(p, q, m, d, seed):
    (x, y), links = tied(p, q, d, seed), some_links(p, q, m, seed)
    result = word_retrieval(x, y, links, k=3)
    forward, backward = by_definition(x, y, links, 3)
    assert (result.forward, result.backward) == pytest.approx((forward, backward), abs=1e-9)
    assert result.score == pytest.approx((forward + backward) / 2, abs=1e-9)
    assert result.n_asked == tuple(np.unique(links[:, side]).size for side in (0, 1))
    assert (result.n_words, result.n_links) == ((p, q), len(np.unique(links, axis=0)))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_links_of_every_row_with_its_own_make_csls_retrieval(kind):
    x, y, _ = (z.astype(kind) for z in words(40, 40, 40))
    links = np.stack([np.arange(40)] * 2, 1)
    result, expected = word_retrieval(x, y, links), csls_retrieval(x, y)
    assert 0.2 < expected.score < 0.99
    assert (result.forward, result.backward) == pytest.approx((expected.forward, expected.backward))
    assert result.chance == pytest.approx(1 / 40)


def test_any_of_several_links_is_a_right_answer():
    x, y = np.eye(6), np.eye(6)[[0, 1, 2, 3, 4, 5]]
    assert word_retrieval(x, y, [(0, 0), (0, 1)], k=2).forward == 1
    assert word_retrieval(x, y, [(0, 0), (0, 1)], k=2).backward == 1 / 2
    assert word_retrieval(x, y, [(0, 1), (0, 1)], k=2).score == 0
    assert word_retrieval(x, y, {(0, 0), (2, 3)}, k=2).score == 1 / 2


def test_words_without_a_link_do_not_ask_but_answer():
    x, y, links = words()
    alone = word_retrieval(x[:30], y[:30], links)
    among = word_retrieval(x, y, links)
    assert among.n_asked == alone.n_asked == (30, 30)
    assert among.score < alone.score
    assert among.chance == pytest.approx((1 / 60 + 1 / 50) / 2)


def test_chance_is_what_unrelated_words_score():
    rng, links = np.random.default_rng(0), np.array([[0, 0], [0, 1], [1, 2], [2, 3], [3, 3], [4, 7]])
    drawn = [(rng.standard_normal((9, 40)), rng.standard_normal((12, 40))) for _ in range(225)]
    results = [word_retrieval(x, y, links, k=4) for x, y in drawn]
    scores = np.array([result.score for result in results])
    assert results[0].chance == pytest.approx(((6 / 5) / 12 + (6 / 5) / 9) / 2)
    assert abs(scores.mean() - results[0].chance) < 4 * scores.std() / 15


@settings(max_examples=20, deadline=None)
@given(m=st.integers(2, 15), seed=st.integers(0, 999))
def test_permuted_scores_are_those_of_links_that_lead_elsewhere(m, seed):
    (x, y), links = tied(9, 11, 4, seed), np.unique(some_links(9, 11, m, seed), axis=0)
    orders = draw_permutations(len(links), 6, seed=seed)
    prepared = WordPreparation(links, 3).of(x, y)
    assert prepared.n_links == len(links)
    expected = []
    for order in orders:
        moved = np.stack([links[:, 0], links[order, 1]], 1)
        expected.append(np.mean(by_definition(x, y, moved, 3)))
    np.testing.assert_allclose(prepared.permuted(orders), expected, atol=1e-9)


def test_the_null_of_unrelated_words_lies_around_chance():
    rng = np.random.default_rng(2)
    x, y, links = rng.standard_normal((300, 50)), rng.standard_normal((200, 50)), some_links(300, 200, 250, 0)
    prepared = WordPreparation(links).of(x, y)
    null = prepared.permuted(draw_permutations(prepared.n_links, 400))
    assert null.mean() == pytest.approx(prepared.chance, abs=4 * null.std() / 20 + 0.002)
    assert prepared.score < prepared.chance + 4 * null.std()


def test_bootstrap_draws_links_that_share_the_question_of_their_word():
    x, y, _ = words(12, 15, 10, seed=5)
    links = np.array([[0, 0], [0, 4], [1, 1], [2, 2], [2, 3], [2, 5], [3, 3], [9, 9]])
    prepared, result = WordPreparation(links, 3).of(x, y), word_retrieval(x, y, links, k=3)
    assert prepared.resampled(np.ones((1, 8), dtype=int))[0] == pytest.approx(result.score, abs=1e-12)
    forward = dict(zip((0, 1, 2, 3, 9), prepared.hits[0], strict=True))
    backward = dict(zip((0, 1, 2, 3, 4, 5, 9), prepared.hits[1], strict=True))
    counts = draw_resamples(8, 9)
    expected = []
    for count in counts:
        weights = count / np.array([2, 2, 1, 3, 3, 3, 1, 1]), count / np.array([1, 1, 1, 1, 2, 1, 2, 1])
        hits = [forward[i] for i in links[:, 0]], [backward[j] for j in links[:, 1]]
        expected.append(np.mean([np.average(h, weights=w) for h, w in zip(hits, weights, strict=True)]))
    np.testing.assert_allclose(prepared.resampled(counts), expected, atol=1e-12)


def test_the_answer_does_not_depend_on_the_order_of_words_or_links():
    (x, y), links = tied(20, 25, 4, 3), some_links(20, 25, 18, 3)
    rows, columns = draw_permutations(20, 1)[0], draw_permutations(25, 1, seed=1)[0]
    moved = np.stack([np.argsort(rows)[links[:, 0]], np.argsort(columns)[links[:, 1]]], 1)[::-1]
    result, other = word_retrieval(x, y, links), word_retrieval(x[rows], y[columns], moved)
    assert (other.forward, other.backward) == pytest.approx((result.forward, result.backward), abs=1e-12)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_torch_agrees_with_numpy(kind):
    (x, y), links = tied(20, 25, 4, 3), some_links(20, 25, 18, 3)
    result, expected = (
        word_retrieval(*(torch.tensor(z, dtype=kind) for z in (x, y)), links),
        word_retrieval(x, y, links),
    )
    assert (result.forward, result.backward) == pytest.approx((expected.forward, expected.backward), abs=1e-9)


@pytest.mark.usefixtures("unchecked")
def test_unfit_input_is_refused_by_name():
    x, y, links = words(12, 15, 10)
    with pytest.raises(ValueError, match="k must be between 1 and the 12 rows, got 13"):
        word_retrieval(x, y, links, k=13)
    with pytest.raises(TypeError, match=r"k must be a whole number, got 2\.5"):
        word_retrieval(x, y, links, k=2.5)
    with pytest.raises(
        ValueError, match=r"links must name rows of the 12 x_words and 15 y_words from 0, got \(12, 0\)"
    ):
        word_retrieval(x, y, [(0, 14), (12, 0)])
    with pytest.raises(ValueError, match="links must hold at least one pair"):
        word_retrieval(x, y, [])
    with pytest.raises(ValueError, match=r"links must be pairs of whole numbers, .* got int64 of shape \(1, 3\)"):
        word_retrieval(x, y, [(0, 1, 2)])
    with pytest.raises(ValueError, match="y_words must have a direction in every row, got zeros in row 2"):
        word_retrieval(x, y * (np.arange(15) != 2)[:, None], links)
    with pytest.raises(ValueError, match="y must have the 10 columns of x, got 9"):
        word_retrieval(x, y[:, :9], links)
