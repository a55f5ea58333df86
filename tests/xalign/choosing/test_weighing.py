"""Three factors in one product; each is off at 0, and with need and coverage off the distances are untouched."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.choosing.evidence import Evidence
from xalign.choosing.settings import COVERING, SPREADING, UNWEIGHED, ChoosingSettings
from xalign.choosing.weighing import weigh
from xalign.errors import ProbeError, SettingError, UnknownNameError

powers = st.sampled_from([0.0, 0.5, 1.0, 2.0])
objectives = st.sampled_from([*SPREADING, *COVERING])


def draw_case(seed, m=7):
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(m, 2))
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    similarity = rng.uniform(0, 1, (m, m))
    similarity = (similarity + similarity.T) / 2
    np.fill_diagonal(similarity, 1.0)
    return distances, Evidence(3, ("cka",), rng.uniform(0.05, 1, m), similarity, ("cka",))


def asked(objective, need=1.0, coverage=1.0, diversity=1.0):
    return ChoosingSettings(
        k=3, objective=objective, need=float(need), coverage=float(coverage), diversity=float(diversity)
    )


few = settings(max_examples=25, deadline=None)


@few
@given(st.integers(0, 99), objectives, st.sampled_from([0.0, 1.0]))
def test_with_need_and_coverage_off_the_objective_is_the_plain_one(seed, objective, diversity):
    distances, evidence = draw_case(seed)
    found = weigh(distances, evidence, asked(objective, need=0, coverage=0, diversity=diversity))
    np.testing.assert_array_equal(found.distances, distances)
    assert found.weights is None


@few
@given(st.integers(0, 99), objectives, powers, powers)
def test_with_need_off_scores_against_the_pivot_are_ignored(seed, objective, coverage, diversity):
    distances, evidence = draw_case(seed)
    chosen = asked(objective, need=0, coverage=coverage, diversity=diversity)
    other = replace(evidence, need=evidence.need[::-1].copy())
    same(weigh(distances, evidence, chosen), weigh(distances, other, chosen))


@few
@given(st.integers(0, 99), objectives, powers, powers)
def test_with_coverage_off_similarities_are_ignored(seed, objective, need, diversity):
    distances, evidence = draw_case(seed)
    chosen = asked(objective, need=need, coverage=0, diversity=diversity)
    same(weigh(distances, evidence, chosen), weigh(distances, replace(evidence, similarity=None), chosen))


@few
@given(st.integers(0, 99), objectives)
def test_with_diversity_off_distances_are_ignored(seed, objective):
    distances, evidence = draw_case(seed)
    chosen = asked(objective, diversity=0)
    shuffled = distances[::-1, ::-1].copy()
    same(weigh(distances, evidence, chosen), weigh(shuffled, evidence, chosen))


def same(one, other):
    np.testing.assert_allclose(one.distances, other.distances)
    weights = [np.ones(7) if found.weights is None else found.weights for found in (one, other)]
    np.testing.assert_allclose(*weights)


@few
@given(st.integers(0, 99), objectives, powers, powers, powers)
def test_whatever_the_weights_it_is_a_matrix_of_distances(seed, objective, need, coverage, diversity):
    distances, evidence = draw_case(seed)
    found = weigh(distances, evidence, asked(objective, need, coverage, diversity))
    np.testing.assert_allclose(found.distances, found.distances.T)
    assert not np.diag(found.distances).any()
    assert found.distances.min() >= 0
    assert found.weights is None or found.weights.mean() == pytest.approx(1)


@few
@given(st.integers(0, 99), st.sampled_from(COVERING), powers, powers, powers)
def test_covering_a_language_is_worth_what_it_has_to_gain_times_the_geometric_mean_of_closeness_and_likeness(
    seed, objective, need, coverage, diversity
):
    distances, evidence = draw_case(seed)
    found = weigh(distances, evidence, asked(objective, need, coverage, diversity))
    if found.weights is None:
        return
    top, n = distances.max(), evidence.need
    i, j = 2, 5
    factors = {1 - distances[i, j] / top: diversity, evidence.similarity[i, j]: coverage}
    total = diversity + coverage
    alike = np.prod([factor ** (power / total) for factor, power in factors.items()]) if total else 0
    assert found.distances[i, j] == pytest.approx(top * (1 - alike))
    gain = (n * (1 - n)) ** need
    np.testing.assert_allclose(found.weights, gain / gain.mean())


@few
@given(st.integers(0, 99), objectives, powers)
def test_without_grasp_a_language_counts_by_its_need_alone(seed, objective, need):
    distances, evidence = draw_case(seed)
    found = weigh(distances, evidence, replace(asked(objective, need, coverage=0, diversity=0.5), grasp=0.0))
    n = evidence.need if need else np.ones(7)
    weights = np.ones(7) if found.weights is None else found.weights
    np.testing.assert_allclose(weights, n**need / (n**need).mean())


@few
@given(st.integers(0, 99), st.sampled_from(SPREADING), powers, powers)
def test_among_those_that_spread_more_to_gain_and_the_better_stand_in_weigh_more(seed, objective, need, coverage):
    distances, evidence = draw_case(seed)
    found = weigh(distances, evidence, asked(objective, need, coverage, diversity=0.5))
    gain = (evidence.need * (1 - evidence.need)) ** need
    weights = gain * found.stands_in**coverage
    np.testing.assert_allclose(found.weights, weights / weights.mean())
    others = np.delete(np.arange(7), 4)
    expected = (gain[others] * evidence.similarity[4, others]).sum() / gain[others].sum()
    assert found.stands_in[4] == pytest.approx(expected)


@few
@given(st.integers(0, 99), st.sampled_from(SPREADING), powers, powers)
def test_the_included_weigh_the_mean_of_the_others_who_weigh_as_they_would_among_themselves(
    seed, objective, need, coverage
):
    distances, evidence = draw_case(seed)
    evidence.need[[1, 4]] = 0.0
    chosen = asked(objective, need, coverage, diversity=0.5)
    free, found = weigh(distances, evidence, chosen), weigh(distances, evidence, chosen, included=[1])
    if free.weights is None:
        return
    assert found.weights[1] == 1
    others = np.delete(free.weights, 1)
    np.testing.assert_allclose(np.delete(found.weights, 1), others / others.mean())
    assert "the included weigh the mean" in found.words
    np.testing.assert_array_equal(weigh(distances, evidence, chosen, included=range(7)).weights, np.ones(7))


@few
@given(st.integers(0, 99), st.sampled_from(UNWEIGHED), powers, powers, powers)
def test_controls_weigh_nothing(seed, objective, need, coverage, diversity):
    distances, evidence = draw_case(seed)
    found = weigh(distances, evidence, asked(objective, need, coverage, diversity))
    np.testing.assert_array_equal(found.distances, distances)
    assert found.weights is None


def test_coverage_without_a_matrix_says_how_to_get_one():
    distances, evidence = draw_case(0)
    with pytest.raises(ProbeError, match=r"pivot=None.*coverage=0"):
        weigh(distances, replace(evidence, similarity=None), asked("max_sum"))


def test_where_nobody_needs_anything_all_weigh_the_same():
    distances, evidence = draw_case(1)
    found = weigh(distances, replace(evidence, need=np.zeros(7)), asked("max_sum"))
    np.testing.assert_array_equal(found.weights, np.ones(7))


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"k": 0}, SettingError, "k must be at least 1, got 0"),
        ({"objective": "max_summ"}, UnknownNameError, "did you mean 'max_sum'"),
        ({"method": "best"}, UnknownNameError, "method must be one of auto, exact, greedy"),
        ({"need": -1.0}, SettingError, "need must be 0 or a positive number, got -1.0; 0 switches it off"),
        ({"n_draws": 0}, SettingError, "n_draws must be at least 1"),
        ({"max_per_family": 0}, SettingError, "max_per_family must be at least 1"),
        ({"probes": ()}, SettingError, "probes must name at least one"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(wrong, error, words):
    with pytest.raises(error, match=words):
        ChoosingSettings(**{"k": 3} | wrong)
