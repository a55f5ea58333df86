"""Neuron expertise: sklearn's average precision, its exact expectation by chance, ties, and what sentences move."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from probes.average_precision import (
    average_precision,
    expected_average_precision,
    expected_within_sentences,
    places,
    sentence_influence,
)
from probes.expertise import ExpertisePreparation, expert_overlap, neuron_expertise
from probes.judging import draw_resamples

TIES = st.sampled_from([None, 0, 1])
"""Decimals that responses are rounded to; none leaves them apart."""


def responses(n: int, neurons: int = 6, decimals: int | None = None, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal((n, neurons))
    return values if decimals is None else np.round(values, decimals) + 0.0


def by_language(
    languages: int = 4,
    n: int = 40,
    neurons: int = 30,
    seed: int = 0,
    *,
    apart: float = 0.0,
    decimals: int | None = None,
) -> dict[str, np.ndarray]:
    """What is said moves every language alike; the first language moves half of the neurons by `apart`."""
    rng = np.random.default_rng(seed)
    said = rng.standard_normal((n, neurons))
    x = {f"l{k}": said + rng.standard_normal((n, neurons)) for k in range(languages)}
    x["l0"] = x["l0"] + apart * (np.arange(neurons) % 2)
    return x if decimals is None else {language: np.round(values, decimals) for language, values in x.items()}


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 60), seed=st.integers(0, 999), decimals=TIES, narrow=st.booleans())
def test_each_neuron_has_the_average_precision_that_sklearn_gives(n, seed, decimals, narrow):
    x = responses(n, decimals=decimals, seed=seed).astype(np.float32 if narrow else np.float64)
    labels = np.random.default_rng(seed).permutation(n) < max(1, n // 3)
    expected = [average_precision_score(labels, x[:, j]) for j in range(6)]
    np.testing.assert_allclose(neuron_expertise(x, labels).average_precision, expected, atol=1e-12)
    tensors = neuron_expertise(torch.tensor(x), torch.tensor(labels))
    np.testing.assert_allclose(tensors.average_precision, expected, atol=1e-12)


@given(n=st.integers(2, 50), n_positive=st.integers(1, 49), value=st.sampled_from([0.0, -3.5, 1e30]))
def test_a_neuron_that_always_answers_the_same_has_the_base_rate(n, n_positive, value):
    n_positive = min(n_positive, n - 1)
    result = neuron_expertise(np.full((n, 2), value), np.arange(n) < n_positive)
    assert result.score == pytest.approx(n_positive / n)
    assert result.chance == pytest.approx(n_positive / n)


def test_a_perfect_detector_has_one_and_the_worst_is_known():
    labels = np.arange(10) < 4
    numbers = np.arange(10.0)
    x = np.stack([labels * 1.0, labels * -1.0, numbers, -numbers], axis=1)
    worst = np.mean([k / (6 + k) for k in range(1, 5)])
    np.testing.assert_allclose(neuron_expertise(x, labels).average_precision, [1, 0.4, worst, 1])


def test_zero_and_minus_zero_are_tied():
    x = np.array([[0.0], [-0.0], [0.0], [-0.0]], dtype=np.float32)
    assert neuron_expertise(x, np.array([True, False, False, False])).score == 0.25


@given(seed=st.integers(0, 99), decimals=TIES)
def test_only_the_order_of_responses_counts(seed, decimals):
    x, labels = responses(30, decimals=decimals, seed=seed), np.arange(30) % 3 == 0
    np.testing.assert_allclose(
        neuron_expertise(np.exp(x / 3) - 7, labels).average_precision, neuron_expertise(x, labels).average_precision
    )


@settings(max_examples=25, deadline=None)
@given(n=st.integers(2, 8), n_positive=st.integers(1, 7), decimals=TIES, seed=st.integers(0, 99))
def test_the_expectation_is_the_mean_over_all_choices_of_positives(n, n_positive, decimals, seed):
    n_positive = min(n_positive, n)
    items = places(responses(n, 1, decimals, seed)[:, 0])
    every = average_precision(items[list(itertools.combinations(range(n), n_positive))])
    assert expected_average_precision(items[None], n_positive)[0] == pytest.approx(every.mean(), abs=1e-12)


def test_the_expectation_without_ties_is_harmonic():
    n, p = 12, 5
    harmonic = sum(Fraction(1, k) for k in range(1, n + 1))
    exact = Fraction(p - 1, n - 1) + Fraction(n - p, n - 1) * harmonic / n
    found = expected_average_precision(np.arange(1, n + 1)[None], p)
    assert found[0] == pytest.approx(float(exact), abs=1e-14)
    assert found[0] > p / n


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), decimals=TIES)
def test_the_expectation_within_sentences_is_the_mean_over_all_shuffles(seed, decimals):
    items = places(responses(9, 1, decimals, seed)[:, 0]).reshape(3, 3)
    every = average_precision(items[list(itertools.product(range(3), repeat=3)), np.arange(3)])
    assert expected_within_sentences(items[None])[0] == pytest.approx(every.mean(), abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), decimals=TIES)
def test_scores_are_the_mean_expertise_of_each_language_against_the_others(seed, decimals):
    x = by_language(seed=seed, apart=1.0, decimals=decimals)
    together, labels = np.concatenate(list(x.values())), np.repeat(np.arange(4), 40)
    prepared = ExpertisePreparation().of(x)
    expected = [neuron_expertise(together, labels == k).score for k in range(4)]
    np.testing.assert_allclose(prepared.scores, expected, atol=1e-12)
    narrow = ExpertisePreparation().of({language: torch.tensor(values) for language, values in x.items()})
    np.testing.assert_allclose(narrow.scores, expected, atol=1e-12)


def test_a_measure_is_judged_by_its_preparation():
    assert neuron_expertise.preparation() == ExpertisePreparation()


@pytest.mark.parametrize("decimals", [None, 0])
def test_the_null_is_centred_on_the_exact_chance(decimals):
    prepared = ExpertisePreparation().of(by_language(apart=2.0, decimals=decimals))
    null = prepared.null(2000)
    assert null.shape == (4, 2000)
    np.testing.assert_allclose(prepared.chances, prepared.chances[0])
    assert null.mean() == pytest.approx(prepared.chances[0], abs=4 * null.std() / np.sqrt(2000))
    assert prepared.scores[0] > null.max()


def test_drawn_scores_are_those_of_languages_swapped_within_sentences():
    x = by_language(3, 10, 4)
    rng = np.random.default_rng(0)
    order = np.stack([rng.permutation(3) for _ in range(10)], axis=1)
    swapped = {f"l{k}": np.stack([x[f"l{order[k, i]}"][i] for i in range(10)]) for k in range(3)}
    drawn = ExpertisePreparation().of(x)._under(order[None])
    np.testing.assert_allclose(drawn[0], ExpertisePreparation().of(swapped).scores, atol=1e-12)


def test_scores_of_independent_data_lie_within_the_null_and_near_chance():
    inside = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        prepared = ExpertisePreparation().of({str(k): rng.standard_normal((30, 20)) for k in range(6)})
        low, high = np.quantile(prepared.null(200, seed=seed)[0], [0.025, 0.975])
        inside.append((low <= prepared.scores) & (prepared.scores <= high))
        assert np.abs(prepared.scores - prepared.chances).max() < 0.05
    assert np.mean(inside) == pytest.approx(0.95, abs=0.06)


def weighted_average_precision(x: dict[str, np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Return the mean over neurons where sentence i has weights[i], by every comparison there is."""
    values = np.stack(list(x.values()))
    scores = []
    for own in values:
        above_own = own[None, :, :] >= own[:, None, :]  # [i, j]: sentence j is at least as large as sentence i
        above = values[:, None, :, :] >= own[None, :, None, :]
        hits = np.einsum("ijd,j->id", above_own, weights)
        everything = np.einsum("lijd,j->id", above, weights)
        scores.append(np.einsum("id,i->d", hits / everything, weights).mean() / weights.sum())
    return np.array(scores)


@pytest.mark.parametrize("decimals", [None, 0])
def test_influence_is_the_derivative_of_the_score_by_each_sentences_weight(decimals):
    x = by_language(3, 24, 8, apart=1.0, decimals=decimals)
    prepared = ExpertisePreparation().of(x)
    np.testing.assert_allclose(prepared.scores, weighted_average_precision(x, np.ones(24)), atol=1e-12)
    step, exact = 1e-5, np.empty((3, 24))
    for i in range(24):
        moved = np.eye(24)[i] * step
        above, below = (weighted_average_precision(x, 1 + sign * moved) for sign in (1, -1))
        exact[:, i] = (above - below) / (2 * step)
    found = prepared.resampled(1 + np.eye(24, dtype=int)) - prepared.scores[:, None]
    np.testing.assert_allclose(found, exact, atol=0.06 * np.abs(exact).max())
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(exact, axis=1), rtol=0.03)
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-12)


def test_an_interval_is_as_wide_as_scores_of_fresh_sentences_are_apart():
    fresh = [by_language(4, 60, 12, seed, apart=0.8) for seed in range(300)]
    spread = np.std([ExpertisePreparation().of(x).scores for x in fresh], axis=0)
    counts = draw_resamples(60, 400)
    told = np.mean([ExpertisePreparation().of(x).resampled(counts).std(axis=1) for x in fresh[:20]], axis=0)
    np.testing.assert_allclose(told, spread, rtol=0.2)


def test_an_influence_in_bins_does_not_depend_on_how_many_lists_are_taken_together():
    items = np.stack([places(list_).reshape(5, 20) for list_ in responses(100, 7, 1).T])
    together = sentence_influence(items)
    np.testing.assert_allclose(together, sum(sentence_influence(one[None]) for one in items), atol=1e-7)


def test_blocks_of_neurons_change_nothing(monkeypatch):
    x = by_language(neurons=33)
    usual = ExpertisePreparation().of(x)
    expected = usual.scores, usual.chances, usual.null(9), usual.resampled(draw_resamples(40, 5))
    monkeypatch.setattr("probes.expertise.AT_ONCE", 400)
    sevens = [slice(start, min(start + 7, 33)) for start in range(0, 33, 7)]
    monkeypatch.setattr("probes.language_shuffles.row_chunks", lambda n_neurons, elements: sevens)
    small = ExpertisePreparation().of(x)
    found = small.scores, small.chances, small.null(9), small.resampled(draw_resamples(40, 5))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_experts_are_the_best_neurons_with_all_that_are_tied_with_the_last():
    labels = np.arange(8) < 3
    best, good, poor = labels * 1.0, np.array([1, 1, 0, 0, 0, 0, 0, 0.0]), np.zeros(8)
    result = neuron_expertise(np.stack([poor, good, best, poor, good], axis=1), labels)
    assert result.experts(1).tolist() == [2]
    assert result.experts(2).tolist() == [1, 2, 4]
    assert result.experts(5).tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="k must be between 1 and the 5 neurons, got 6"):
        result.experts(6)


def test_the_median_is_that_of_positive_sentences():
    x, labels = responses(9), np.arange(9) < 4
    np.testing.assert_allclose(neuron_expertise(x, labels).median, np.median(x[:4], axis=0))


def test_overlap_of_experts_is_that_of_sets_and_by_chance_k_squared_over_neurons():
    rng = np.random.default_rng(0)
    precision = {language: rng.random(50) for language in "abc"}
    precision["b"][:10] = precision["a"][:10] = np.arange(2, 12)
    result = expert_overlap(precision, k=10)
    sets = {language: set(neurons.tolist()) for language, neurons in result.experts.items()}
    assert sets["a"] == sets["b"] == set(range(10))
    shared = len(sets["a"] & sets["c"])
    assert result.intersection.tolist() == [[10, 10, shared], [10, 10, shared], [shared, shared, 10]]
    assert result.jaccard[0, 2] == pytest.approx(shared / (20 - shared))
    draws = [expert_overlap({"a": rng.random(50), "b": rng.random(50)}, k=10) for _ in range(300)]
    assert np.mean([draw.intersection[0, 1] for draw in draws]) == pytest.approx(draws[0].chance, abs=0.25)
    assert draws[0].chance == 2


@pytest.mark.usefixtures("unchecked")
def test_unfit_input_is_refused_by_name():
    x = responses(6)
    with pytest.raises(ValueError, match="labels must have one entry for each of the 6 rows of responses, got shape"):
        neuron_expertise(x, np.ones(5, dtype=bool))
    with pytest.raises(ValueError, match="labels must hold positive and other sentences, got 6 positive of 6"):
        neuron_expertise(x, np.ones(6, dtype=bool))
    with pytest.raises(ValueError, match="labels must be True or False, got int64"):
        neuron_expertise(x, np.arange(6))
    with pytest.raises(ValueError, match="responses must be finite, got NaN"):
        neuron_expertise(x * np.nan, np.arange(6) < 3)
    with pytest.raises(ValueError, match="average_precision must hold the same neurons for each language, got shapes"):
        expert_overlap({"a": np.ones(3), "b": np.ones(4)})
    with pytest.raises(ValueError, match="k must be between 1 and the 3 neurons, got 100"):
        expert_overlap({"a": np.ones(3)})
    with pytest.raises(ValueError, match="at least 2 languages, got 1"):
        ExpertisePreparation().of({"a": x})
    with pytest.raises(ValueError, match=r"x_by_language\['b'\] must have the shape"):
        ExpertisePreparation().of({"a": x, "b": x[:5]})
    with pytest.raises(ValueError, match="n_draws must be at least 1, got 0"):
        ExpertisePreparation().of({"a": x, "b": x}).null(0)
