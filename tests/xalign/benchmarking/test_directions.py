"""Both directions of a pair agree with the measures of `probes`, with brute force and with sklearn."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from probes import csls_retrieval, margin_retrieval, retrieval_accuracy
from probes.retrieval_sides import retrieval_side
from xalign.benchmarking.directions import NearestF1, both_directions, judge_answers, xsim
from xalign.benchmarking.judged import Draws, complement, score_columns
from xalign.benchmarking.settings import Comparison
from xalign.errors import SettingError, UnknownNameError

DRAWS = Draws(n_permutations=300, n_resamples=300, seed=0)


def related(n: int = 60, d: int = 12, noise: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)) + 0.5
    return x, x + noise * rng.standard_normal((n, d))


def sides(x, y):
    return retrieval_side(x), retrieval_side(y, name="y")


def test_each_direction_is_that_of_the_measure():
    x, y = related()
    measures = {
        Comparison(): retrieval_accuracy(x, y),
        Comparison("csls"): csls_retrieval(x, y),
        Comparison("csls", k=3): csls_retrieval(x, y, k=3),
    }
    for comparison, expected in measures.items():
        forward, backward = both_directions(*sides(x, y), comparison)
        assert (forward.score, backward.score) == (expected.forward, expected.backward)
        assert forward.chance == pytest.approx(1 / 60)


@pytest.mark.parametrize("margin", ["ratio", "distance", "absolute"])
def test_the_margin_asks_in_both_directions(margin):
    x, y = related()
    forward, backward = both_directions(*sides(x, y), Comparison("margin", margin=margin))
    assert forward.score == margin_retrieval(x, y, margin=margin).score
    assert backward.score == margin_retrieval(y, x, margin=margin).score


def test_xsim_is_the_error_of_the_ratio_among_4():
    x, y = related(noise=1.5)
    error = complement(judge_answers(xsim(*sides(x, y)), DRAWS))
    assert error.score == pytest.approx(margin_retrieval(x, y).error_rate)
    row = score_columns(error, below=True)
    assert row["chance"] == pytest.approx(59 / 60)
    assert row["p_value"] == pytest.approx(1 / 301)
    assert row["ci_low"] <= row["score"] <= row["ci_high"]


def test_unrelated_rows_score_at_chance_and_have_no_small_p_value():
    rng = np.random.default_rng(3)
    judged = [
        judge_answers(answers, DRAWS)
        for _ in range(12)
        for answers in both_directions(*sides(*rng.standard_normal((2, 80, 10))), Comparison())
    ]
    assert np.mean([each.score for each in judged]) == pytest.approx(1 / 80, abs=0.008)
    assert np.mean([each.permuted.mean() for each in judged]) == pytest.approx(1 / 80, abs=0.002)
    assert np.mean([score_columns(each)["p_value"] < 0.05 for each in judged]) < 0.3


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 12), seed=st.integers(0, 99))
def test_nearest_f1_is_sklearns_weighted_f1_resampled_too(n, seed):
    rng = np.random.default_rng(seed)
    found = NearestF1(rng.integers(0, n, n))
    expected = f1_score(np.arange(n), found.predicted, average="weighted", zero_division=0)
    assert found.score == pytest.approx(expected)
    draws = Draws(3, 5, seed)
    resampled = [
        f1_score(np.arange(n), found.predicted, average="weighted", zero_division=0, sample_weight=counts)
        for counts in draws.counts(n)
    ]
    np.testing.assert_allclose(found.judged(draws).resampled, resampled, atol=1e-12)


def test_nearest_f1_has_an_exact_chance_and_null():
    found = NearestF1(np.array([1, 1, 0, 3, 1]))
    every = np.array(list(permutations(range(5))))
    scores = [f1_score(np.argsort(p), found.predicted, average="weighted", zero_division=0) for p in every]
    judged = found.judged(Draws(40, 5, 0))
    assert judged.chance == pytest.approx(np.mean(scores))
    drawn = Draws(40, 5, 0).permutations(5)
    expected = [f1_score(np.argsort(p), found.predicted, average="weighted", zero_division=0) for p in drawn]
    np.testing.assert_allclose(judged.permuted, expected, atol=1e-12)


def test_a_ratio_over_a_neighbourhood_that_is_not_positive_stops_by_name():
    x, y = np.random.default_rng(0).standard_normal((2, 8, 40))
    x, y = x - x.mean(0), -np.abs(y)
    with pytest.raises(ValueError, match="use margin='distance'"):
        both_directions(*sides(np.abs(x), y), Comparison("margin"))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"score": "cosin"}, UnknownNameError, "did you mean 'cosine'"),
        ({"score": "margin", "margin": "ration"}, UnknownNameError, "did you mean 'ratio'"),
        ({"score": "csls", "k": 0}, SettingError, "k must be at least 1, got 0"),
        ({"k": 5}, SettingError, "score='cosine' has none"),
    ],
)
def test_comparisons_that_do_not_exist_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        Comparison(**options)
