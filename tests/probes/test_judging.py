"""Nulls and intervals: the two routes agree, the p-value is exact, the interval covers, nothing is changed."""

from functools import partial

import numpy as np
import pytest
import torch

import probes
from probes import average_neuronwise_correlation, bootstrap_interval, linear_cka, permutation_null
from probes.judging import draw_permutations, draw_resamples, interval_of, null_of

JUDGED = {
    "cka": linear_cka,
    "biased cka": partial(linear_cka, estimator="biased"),
    "anc": average_neuronwise_correlation,
    "absolute anc": partial(average_neuronwise_correlation, absolute=True),
    "cosine": probes.pair_cosine,
    "accuracy": partial(probes.retrieval_accuracy, k=2),
    "reciprocal rank": probes.mean_reciprocal_rank,
    "mutual": probes.mutual_retrieval,
    "strong": probes.strong_alignment,
    "csls": partial(probes.csls_retrieval, k=5),
    "margin": probes.margin_retrieval,
}
EVERY = pytest.mark.parametrize("measure", JUDGED.values(), ids=JUDGED.keys())


def related(n: int = 30, d: int = 8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, d)) + 0.5
    return x, x + rng.standard_normal((n, d))


@EVERY
def test_judging_what_is_computed_agrees_with_calling_again(measure):
    x, y = related()
    own = permutation_null(measure, x, y, n_permutations=30, seed=4)
    again = permutation_null(lambda a, b: measure(a, b), x, y, n_permutations=30, seed=4)
    assert (own.mean, own.sd, own.p_value) == pytest.approx((again.mean, again.sd, again.p_value), abs=1e-12)
    assert own.score == pytest.approx(measure(x, y).score, abs=1e-12)


@pytest.mark.parametrize("name", ["biased cka", "anc", "absolute anc", "cosine"])
def test_plain_bootstraps_agree_with_calling_again(name):
    x, y = related()
    own = bootstrap_interval(JUDGED[name], x, y, n_resamples=30, seed=4)
    again = bootstrap_interval(lambda a, b: JUDGED[name](a, b).score, x, y, n_resamples=30, seed=4)
    assert (own.low, own.high) == pytest.approx((again.low, again.high), abs=1e-12)


@EVERY
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_arrays_are_never_changed(measure, library):
    x, y = related()
    given = (x, y) if library == "numpy" else (torch.tensor(x), torch.tensor(y))
    before = [z.copy() if library == "numpy" else z.clone() for z in given]
    measure(*given)
    permutation_null(measure, *given, n_permutations=3)
    bootstrap_interval(measure, *given, n_resamples=3)
    for z, kept in zip(given, before, strict=True):
        assert (z == kept).all()


@EVERY
def test_the_same_seed_gives_the_same_answer_and_another_seed_another(measure):
    x, y = related()
    first, again, other = (permutation_null(measure, x, y, n_permutations=20, seed=s) for s in (1, 1, 2))
    assert first == again != other
    first, again, other = (bootstrap_interval(measure, x, y, n_resamples=20, seed=s) for s in (1, 1, 2))
    assert first == again != other


def test_ties_count_against_the_score_and_the_p_value_is_never_zero():
    assert null_of(0.5, np.array([0.1, 0.5, 0.5, 0.9])).p_value == pytest.approx(4 / 5)
    assert null_of(1.0, np.zeros(199)).p_value == pytest.approx(1 / 200)
    assert null_of(0.3, np.array([0.3 - 1e-16, 0.0])).p_value == pytest.approx(2 / 3)


def test_undefined_scores_are_counted_and_left_out():
    null = null_of(0.5, np.array([0.1, np.nan, 0.3]))
    assert (null.mean, null.n_permutations, null.n_undefined) == (pytest.approx(0.2), 3, 1)
    assert null.p_value == pytest.approx(2 / 4)
    interval = interval_of(0.5, np.array([np.nan, 0.2, 0.4]), level=0.5)
    assert (interval.low, interval.high, interval.n_undefined) == (pytest.approx(0.25), pytest.approx(0.35), 1)
    assert np.isnan(interval_of(0.5, np.full(3, np.nan)).low)
    assert np.isnan(null_of(float("nan"), np.array([0.1])).p_value)


@pytest.mark.parametrize("measure", [linear_cka, average_neuronwise_correlation, probes.mean_reciprocal_rank])
def test_p_values_of_unrelated_vectors_are_uniform(measure):
    rng = np.random.default_rng(0)
    p = [
        permutation_null(measure, *rng.standard_normal((2, 12, 5)), n_permutations=39, seed=s).p_value
        for s in range(150)
    ]
    for level in (0.1, 0.25, 0.5, 0.75):
        assert np.mean(np.array(p) <= level) == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 150))


def test_the_interval_of_anc_covers_the_truth():
    rng, hits = np.random.default_rng(0), 0
    for seed in range(150):
        x = rng.standard_normal((80, 10))
        y = x + rng.standard_normal((80, 10))
        interval = bootstrap_interval(average_neuronwise_correlation, x, y, n_resamples=200, level=0.9, seed=seed)
        hits += interval.low <= np.sqrt(0.5) <= interval.high
    assert 0.8 < hits / 150 < 0.98


def test_the_interval_of_debiased_cka_covers_the_truth():
    """Features of a Gaussian with k shared of 2k dimensions: the population CKA is 1 / 2."""
    rng, hits = np.random.default_rng(0), 0
    for seed in range(120):
        shared, a, b = rng.standard_normal((3, 100, 4))
        x, y = np.hstack([shared, a]), np.hstack([shared, b])
        interval = bootstrap_interval(linear_cka, x, y, n_resamples=200, level=0.9, seed=seed)
        hits += interval.low <= 0.5 <= interval.high
    assert 0.8 < hits / 120 <= 0.99


def test_draws_are_permutations_and_counts_of_n():
    np.testing.assert_array_equal(np.sort(draw_permutations(7, 5), axis=1), np.tile(np.arange(7), (5, 1)))
    counts = draw_resamples(7, 500)
    assert (counts.sum(axis=1) == 7).all()
    assert counts.mean() == 1
    assert counts.var() == pytest.approx(6 / 7, abs=0.1)


def test_a_partial_of_a_partial_keeps_its_options():
    x, y = related()
    measure = partial(partial(linear_cka, estimator="debiased"), estimator="biased")
    expected = pytest.approx(linear_cka(x, y, estimator="biased").score, abs=1e-12)
    assert permutation_null(measure, x, y, n_permutations=3).score == expected


@pytest.mark.usefixtures("unchecked")
def test_unfit_input_is_refused_by_name():
    x, y = related()
    with pytest.raises(ValueError, match="y must have the 30 rows of x, got 29"):
        permutation_null(linear_cka, x, y[1:])
    with pytest.raises(ValueError, match="n_permutations must be at least 1, got 0"):
        permutation_null(linear_cka, x, y, n_permutations=0)
    with pytest.raises(ValueError, match="n_resamples must be at least 1, got 0"):
        bootstrap_interval(linear_cka, x, y, n_resamples=0)
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
        bootstrap_interval(linear_cka, x, y, n_resamples=2, level=95)
