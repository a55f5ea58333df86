"""Nulls and intervals: the two routes agree, the p-value is exact, the interval covers, nothing is changed."""

from functools import partial

import numpy as np
import pytest
import torch

import probes
from probes import average_neuronwise_correlation, bootstrap_interval, linear_cka, permutation_null
from probes.judging import centred_on, draw_permutations, draw_resamples, interval_of, null_of, prepare

JUDGED = {
    "cka": linear_cka,
    "biased cka": partial(linear_cka, estimator="biased"),
    "anc": average_neuronwise_correlation,
    "absolute anc": partial(average_neuronwise_correlation, absolute=True),
    "cosine": probes.pair_cosine,
    "accuracy": probes.retrieval_accuracy,
    "accuracy at 5": partial(probes.retrieval_accuracy, k=5),
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


@EVERY
@pytest.mark.parametrize("relation", [0.0, 1.0], ids=["unrelated", "related"])
@pytest.mark.parametrize(("n", "d"), [(60, 192), (100, 32)])
def test_an_interval_contains_its_own_score(measure, relation, n, d):
    x, noise = np.random.default_rng(1).standard_normal((2, n, d))
    interval = bootstrap_interval(measure, x, relation * x + noise, n_resamples=200)
    assert interval.low <= interval.score <= interval.high
    assert interval.score == pytest.approx(measure(x, relation * x + noise).score, abs=1e-12)


@pytest.mark.parametrize("relation", [0.0, 1.0], ids=["unrelated", "related"])
def test_an_interval_of_neuron_states_contains_its_own_score(relation):
    x, noise = np.random.default_rng(1).standard_normal((2, 60, 3, 192))
    interval = bootstrap_interval(probes.neuron_alignment, x, relation * x + 4 * noise, n_resamples=200)
    assert interval.low <= interval.score <= interval.high


@pytest.mark.parametrize("name", ["cka", "biased cka", "anc", "absolute anc", "cosine"])
def test_the_interval_of_unrelated_vectors_is_no_evidence(name):
    x, y = np.random.default_rng(3).standard_normal((2, 100, 256))
    chance = prepare(JUDGED[name], x, y).chance
    interval = bootstrap_interval(JUDGED[name], x, y, n_resamples=200)
    assert interval.low <= chance <= interval.high


@pytest.mark.parametrize("name", ["biased cka", "absolute anc"])
@pytest.mark.parametrize("relation", [0.0, 1.0], ids=["unrelated", "related"])
@pytest.mark.parametrize(("n", "d"), [(60, 192), (100, 32)])
def test_centred_intervals_cover_the_mean_score_of_samples_of_their_size(name, relation, n, d):
    """The mean over samples of n sentences, not the value of infinitely many; at least as often as they say."""
    rng, scores, intervals = np.random.default_rng(0), [], []
    for seed in range(80):
        x, noise = rng.standard_normal((2, n, d))
        interval = bootstrap_interval(JUDGED[name], x, relation * x + noise, n_resamples=100, level=0.9, seed=seed)
        scores.append(interval.score)
        intervals.append((interval.low, interval.high))
    low, high = np.array(intervals).T
    assert np.mean((low <= np.mean(scores)) & (np.mean(scores) <= high)) > 0.8
    assert np.mean(high - low) < 4 * (np.quantile(scores, 0.95) - np.quantile(scores, 0.05))


def test_centring_takes_off_the_mean_difference_and_keeps_spread_range_and_undefined_scores():
    resampled = np.array([0.5, 0.7, np.nan, 0.9])
    np.testing.assert_allclose(centred_on(0.4, resampled), [0.2, 0.4, np.nan, 0.6])
    np.testing.assert_allclose(centred_on(0.1, resampled), [0.0, 0.1, np.nan, 0.3])
    np.testing.assert_array_equal(centred_on(0.4, np.full(2, np.nan)), [np.nan, np.nan])
    np.testing.assert_array_equal(centred_on(np.nan, np.array([0.1])), [0.1])


@pytest.mark.parametrize("name", ["biased cka", "absolute anc"])
def test_centred_bootstraps_are_those_of_calling_again_moved_onto_the_score(name):
    x, y = related()
    counts = draw_resamples(30, 40, seed=4)
    own = prepare(JUDGED[name], x, y).resampled(counts)
    again = prepare(lambda a, b: JUDGED[name](a, b).score, x, y).resampled(counts)
    np.testing.assert_allclose(own - own.mean(), again - again.mean(), atol=1e-12)
    assert own.mean() == pytest.approx(JUDGED[name](x, y).score, abs=1e-12)


@pytest.mark.parametrize("name", ["anc", "cosine"])
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
    with pytest.raises(TypeError, match=r"n_permutations must be a whole number, got 2\.5"):
        permutation_null(linear_cka, x, y, n_permutations=2.5)
    with pytest.raises(TypeError, match=r"n_resamples must be a whole number, got 2\.5"):
        bootstrap_interval(linear_cka, x, y, n_resamples=2.5)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        permutation_null(linear_cka, x, y, seed=-1)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        bootstrap_interval(linear_cka, x, y, seed=-1)
    with pytest.raises(TypeError, match="seed must be a whole number, got None"):
        bootstrap_interval(linear_cka, x, y, seed=None)
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
        bootstrap_interval(linear_cka, x, y, n_resamples=2, level=95)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("measure", [probes.retrieval_accuracy, probes.csls_retrieval, probes.margin_retrieval])
def test_a_number_of_neighbours_that_is_not_whole_is_refused(measure):
    x, y = related()
    with pytest.raises(TypeError, match=r"k must be a whole number, got 2\.5; give an int"):
        measure(x, y, k=2.5)
    assert measure(x, y, k=np.int64(2)).score == measure(x, y, k=2).score


@EVERY
@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_complex_vectors_are_refused_by_name(measure, library):
    x, y = related()
    given = (x, y + 0j) if library == "numpy" else (torch.tensor(x), torch.tensor(y + 0j))
    with pytest.raises(ValueError, match=r"y must hold real numbers, got .*complex128; give its real part"):
        measure(*given)
