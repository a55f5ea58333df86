"""Matched against random pairs in two scripts: exact means, exact chance, and judged as a pair measure."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import bootstrap_interval, pair_cosine, permutation_null
from probes.judging import draw_permutations, draw_resamples, prepare
from probes.matched_random import MatchedRandomPreparation, matched_random


def versions(n: int = 30, d: int = 8, seed: int = 0, gain: float = 0.5) -> tuple[np.ndarray, ...]:
    """Two languages whose translations come nearer by `gain` when transliterated."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((n, d))
    x, y = shared + 2 * rng.standard_normal((2, n, d))
    return x, y, x + gain * shared, y + gain * shared


def stacks(x: np.ndarray, y: np.ndarray, xt: np.ndarray, yt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([x, xt], axis=1), np.stack([y, yt], axis=1)


def cosines(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)) @ (y / np.linalg.norm(y, axis=1, keepdims=True)).T


def by_hand(x: np.ndarray, y: np.ndarray, xt: np.ndarray, yt: np.ndarray) -> float:
    off = ~np.eye(len(x), dtype=bool)
    gaps = [np.diag(s).mean() - s[off].mean() for s in (cosines(x, y), cosines(xt, yt))]
    return gaps[1] - gaps[0]


@settings(max_examples=20, deadline=None)
@given(n=st.integers(4, 20), d=st.integers(1, 8), seed=st.integers(0, 99))
def test_all_four_cosines_are_exact_means_over_pairs(n, d, seed):
    arrays = versions(n, d, seed)
    result = matched_random(*arrays)
    original, other = pair_cosine(*arrays[:2]), pair_cosine(*arrays[2:])
    assert (result.matched, result.random) == (original.score, original.random)
    assert (result.matched_transliterated, result.random_transliterated) == (other.score, other.random)
    assert result.score == pytest.approx(by_hand(*arrays), abs=1e-12)
    assert result.score == pytest.approx(result.gap_transliterated - result.gap, abs=1e-14)
    assert result.n == n


def test_versions_that_are_the_same_score_zero_and_swapped_versions_change_the_sign():
    x, y, xt, yt = versions()
    assert matched_random(x, y, x, y).score == 0
    assert matched_random(xt, yt, x, y).score == pytest.approx(-matched_random(x, y, xt, yt).score)


def test_raising_all_cosines_is_no_alignment_and_raising_those_of_translations_is():
    x, y, xt, yt = versions(n=200, gain=3.0)
    raised = matched_random(x, y, x + 5, y + 5)
    assert raised.random_transliterated > raised.random + 0.5
    assert raised.score < 0
    assert matched_random(x, y, xt, yt).score > 0.2


def test_permuted_scores_are_those_of_permuted_translations_in_both_versions():
    arrays = versions()
    orders = draw_permutations(30, 10)
    prepared = prepare(matched_random, *stacks(*arrays))
    x, y, xt, yt = arrays
    expected = [by_hand(x, y[p], xt, yt[p]) for p in orders]
    np.testing.assert_allclose(prepared.permuted(orders), expected, atol=1e-12)
    assert prepared.score == pytest.approx(by_hand(*arrays), abs=1e-12)


def resampled_by_hand(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> float:
    rows = np.repeat(np.arange(counts.size), counts)
    s, same = cosines(x[rows], y[rows]), rows[:, None] == rows[None, :]
    return np.diag(s).mean() - s[~same].mean()


def test_in_a_bootstrap_copies_of_a_sentence_form_no_random_pair():
    x, y, xt, yt = versions(n=9)
    counts = draw_resamples(9, 20)
    expected = [resampled_by_hand(xt, yt, c) - resampled_by_hand(x, y, c) for c in counts]
    prepared = prepare(matched_random, *stacks(x, y, xt, yt))
    np.testing.assert_allclose(prepared.resampled(counts), expected, atol=1e-12)
    one_sentence = np.eye(9, dtype=int)[:1] * 9
    assert np.isnan(prepared.resampled(one_sentence)).all()


def test_chance_is_zero_and_the_null_is_centred_on_it():
    rng = np.random.default_rng(0)
    pair = rng.standard_normal((2, 100, 2, 16)) + 1
    null = permutation_null(matched_random, *pair, n_permutations=2000)
    assert null.mean == pytest.approx(0, abs=4 * null.sd / np.sqrt(2000))
    assert abs(null.score) < 4 * null.sd
    assert prepare(matched_random, *pair).chance == 0


def test_a_gain_is_found_and_its_interval_lies_above_zero():
    pair = stacks(*versions(n=200, gain=2.0))
    assert permutation_null(matched_random, *pair, n_permutations=99).p_value == 0.01
    interval = bootstrap_interval(matched_random, *pair, n_resamples=200)
    assert 0 < interval.low < interval.score < interval.high


def test_torch_and_float32_agree_with_numpy():
    arrays = versions()
    assert matched_random(*map(torch.tensor, arrays)).score == pytest.approx(matched_random(*arrays).score, abs=1e-12)
    narrow = [a.astype(np.float32) for a in arrays]
    assert matched_random(*narrow).score == pytest.approx(matched_random(*arrays).score, abs=1e-6)
    counts, wide = draw_resamples(30, 5), prepare(matched_random, *stacks(*arrays))
    for pair in (stacks(*narrow), [torch.tensor(s) for s in stacks(*arrays)]):
        np.testing.assert_allclose(prepare(matched_random, *pair).resampled(counts), wide.resampled(counts), atol=1e-6)


@pytest.mark.usefixtures("unchecked")
def test_unfit_input_is_refused_by_name():
    x, y, xt, yt = versions()
    with pytest.raises(ValueError, match=r"y_transliterated must have the shape \(30, 8\) of x, got \(29, 8\)"):
        matched_random(x, y, xt, yt[:29])
    with pytest.raises(ValueError, match="x_transliterated must have a direction in every row, got zeros in row 0"):
        matched_random(x, y, np.concatenate([np.zeros((1, 8)), xt[1:]]), yt)
    with pytest.raises(ValueError, match=r"x must have the shape \(sentences, 2, dimensions\).*got \(30, 8\)"):
        MatchedRandomPreparation().side(x)
    with pytest.raises(TypeError, match="arrays must come from one library"):
        matched_random(x, torch.tensor(y), xt, yt)
