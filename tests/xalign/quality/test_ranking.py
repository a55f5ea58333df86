"""How often the better response wins, against length, with intervals over instructions."""

import numpy as np
import pytest
from scipy.stats import norm

from xalign.quality import PreferencePairs
from xalign.quality.ranking import compare_margins, summarise_ranking


def pairs_of(better, worse, languages=None, positions=None):
    n = len(better)
    return PreferencePairs(
        ("i",) * n, tuple(better), tuple(worse), tuple(languages or ["deu_Latn"] * n), tuple(positions or range(n))
    )


def test_shares_ties_and_languages_by_hand():
    pairs = pairs_of(["aaa", "a", "aa", "a"], ["a", "aa", "aa", "aaa"], ["x", "x", "y", "y"])
    found = summarise_ranking(np.array([1.0, 2.0, 0.0, -1.0]), pairs)
    assert found.accuracy == 0.625
    assert found.length_accuracy == 0.375
    assert found.gain == 0.25
    assert found.by_language == {"x": 1.0, "y": 0.25}
    assert (found.shorter_accuracy, found.n_shorter, found.n) == (0.5, 2, 4)


def test_where_length_is_always_right_there_is_nothing_it_errs_on():
    assert summarise_ranking(np.ones(3), pairs_of(["aa"] * 3, ["a"] * 3)).shorter_accuracy is None


def test_the_interval_is_the_normal_one_where_pairs_are_independent():
    rng = np.random.default_rng(0)
    margins = np.where(rng.random(800) < 0.7, 1.0, -1.0)
    found = summarise_ranking(margins, pairs_of(["aa"] * 800, ["a"] * 800))
    p = (margins > 0).mean()
    half = norm.ppf(0.975) * np.sqrt(p * (1 - p) / 800)
    assert (found.low, found.high) == pytest.approx((p - half, p + half), abs=0.005)
    assert (found.length_low, found.length_high) == (1, 1)


def test_translations_of_a_pair_add_languages_and_no_evidence():
    margins = np.random.default_rng(1).normal(0.3, 1, 200)
    one = summarise_ranking(margins, pairs_of(["aa"] * 200, ["a"] * 200))
    three = summarise_ranking(
        np.tile(margins, 3),
        pairs_of(["aa"] * 600, ["a"] * 600, list(np.repeat(["x", "y", "z"], 200)), list(range(200)) * 3),
    )
    assert (three.low, three.high) == pytest.approx((one.low, one.high))


def test_a_model_that_is_length_gains_nothing_on_it():
    rng = np.random.default_rng(2)
    better, worse = (["a" * n for n in rng.integers(1, 9, 100)] for _ in range(2))
    margins = np.array([len(b) - len(w) for b, w in zip(better, worse, strict=True)], dtype=float)
    found = summarise_ranking(margins, pairs_of(better, worse))
    assert (found.gain, found.gain_low, found.gain_high) == (0, 0, 0)
    assert found.shorter_accuracy == 0


def test_two_models_are_compared_pair_by_pair():
    pairs = pairs_of(["aa"] * 400, ["a"] * 400)
    before = np.where(np.arange(400) % 2, 1.0, -1.0)
    after = before.copy()
    after[:40] = 1.0
    change, low, high = compare_margins(after, before, pairs)
    assert change == 0.05
    assert 0 < low < 0.05 < high < 0.1
    assert compare_margins(before, before, pairs) == (0, 0, 0)
