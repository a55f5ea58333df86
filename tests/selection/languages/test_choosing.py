"""Choices of languages against every possible set."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selection.languages import choose_languages

SOUGHT = ("max_sum", "min_sum", "max_min", "facility_location", "k_medoids")
MAXIMISED = ("max_sum", "max_min", "facility_location")
EACH = pytest.mark.parametrize("objective", SOUGHT)


def names_of(m):
    return [f"l{i:02d}_Latn" for i in range(m)]


def random_distances(m, seed, *, euclidean=False):
    rng = np.random.default_rng(seed)
    if euclidean:
        x = rng.standard_normal((m, 3))
        return np.linalg.norm(x[:, None] - x[None], axis=2)
    upper = np.triu(rng.random((m, m)), 1)
    return upper + upper.T


def plain_value(objective, chosen, distances, weights, utility):
    """The definitions, written out."""
    chosen, m = list(chosen), len(distances)
    pairs = list(combinations(chosen, 2))
    worth = sum(utility[i] for i in chosen)
    if objective == "min_sum":
        return sum(distances[i, j] for i, j in pairs) - worth
    if objective == "max_sum":
        return sum(distances[i, j] * (weights[i] + weights[j]) / 2 for i, j in pairs) + worth
    if objective == "max_min":
        return min((distances[i, j] * min(weights[i], weights[j]) for i, j in pairs), default=0.0) + worth
    nearest = [min(distances[i, j] for j in chosen) for i in range(m)]
    if objective == "k_medoids":
        return sum(w * d for w, d in zip(weights, nearest, strict=True)) - worth
    farthest = distances.max()
    return sum(w * (1 - d / farthest if farthest else 1) for w, d in zip(weights, nearest, strict=True)) + worth


@st.composite
def problems(draw, largest=9):
    """Distances with everything that may limit or weigh a choice."""
    m = draw(st.integers(2, largest))
    k = draw(st.integers(1, m))
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    distances = random_distances(m, seed, euclidean=draw(st.booleans()))
    if draw(st.booleans()):
        distances = np.round(distances, 1)  # ties, and languages at distance 0
    order = rng.permutation(m).tolist()
    n_include = draw(st.integers(0, min(2, k)))
    n_exclude = draw(st.integers(0, min(2, m - k)))
    groupings = draw(st.integers(0, 2))
    groups = {
        f"g{g}": [None if rng.random() < 0.15 else int(rng.integers(3)) for _ in range(m)] for g in range(groupings)
    }
    return SimpleNamespace(
        m=m,
        k=k,
        distances=distances,
        include=order[:n_include],
        exclude=order[n_include : n_include + n_exclude],
        groups=groups,
        limit={name: int(rng.integers(1, 4)) for name in groups},
        weights=rng.random(m) if draw(st.booleans()) else np.ones(m),
        utility=rng.standard_normal(m) / 2 if draw(st.booleans()) else np.zeros(m),
    )


def sets_of(problem):
    """Every set that keeps the limits."""
    for chosen in combinations(range(problem.m), problem.k):
        if not set(problem.include) <= set(chosen) or set(problem.exclude) & set(chosen):
            continue
        counts = [
            sum(labels[i] == label for i in chosen) - problem.limit[name]
            for name, labels in problem.groups.items()
            for label in set(labels) - {None}
        ]
        if max(counts, default=0) <= 0:
            yield chosen


def choose(problem, objective, **options):
    names = names_of(problem.m)
    return choose_languages(
        problem.distances,
        problem.k,
        languages=names,
        objective=objective,
        include=[names[i] for i in problem.include],
        exclude=[names[i] for i in problem.exclude],
        groups=problem.groups or None,
        max_per_group=problem.limit or None,
        weights=problem.weights,
        utility=problem.utility,
        **options,
    )


@EACH
@given(problem=problems())
@settings(max_examples=20, deadline=None)
def test_an_exact_choice_is_the_best_of_all_sets(objective, problem):
    values = {
        s: plain_value(objective, s, problem.distances, problem.weights, problem.utility) for s in sets_of(problem)
    }
    if not values:
        with pytest.raises(ValueError, match="contradict"):
            choose(problem, objective)
        return
    best = max(values.values()) if objective in MAXIMISED else min(values.values())
    exact = choose(problem, objective, method="exact")
    assert exact.value == pytest.approx(values[tuple(sorted(exact.indices))], abs=1e-9)
    assert exact.value == pytest.approx(best, abs=1e-7)
    assert exact.optimal
    assert exact.gap == 0
    auto, greedy = choose(problem, objective), choose(problem, objective, method="greedy")
    assert auto.value == pytest.approx(best, abs=1e-7)
    sign = 1 if objective in MAXIMISED else -1
    assert sign * greedy.value <= sign * best + 1e-7
    assert sign * greedy.bound >= sign * best - 1e-7
    assert not greedy.optimal or greedy.value == pytest.approx(best, abs=1e-7)
    assert tuple(sorted(greedy.indices)) in values


def test_sums_over_pairs_agree_with_a_linear_programme_over_pairs():
    """A second route at a size that no enumeration reaches: pair variables and cardinality cuts, solved by HiGHS."""
    for seed, k in ((0, 6), (1, 9)):
        distances = random_distances(24, seed, euclidean=True)
        exact = choose_languages(distances, k, languages=names_of(24))
        assert exact.optimal
        assert exact.value == pytest.approx(largest_pair_sum(distances, k), rel=1e-6)


def largest_pair_sum(distances, k):
    from scipy.optimize import LinearConstraint, milp

    m = len(distances)
    i, j = np.triu_indices(m, 1)
    n_pairs = len(i)
    ends = np.zeros((2, n_pairs, m + n_pairs))
    for end, of in zip(ends, (i, j), strict=True):
        end[np.arange(n_pairs), of] = 1
        end[np.arange(n_pairs), m + np.arange(n_pairs)] = -1
    with_each = np.zeros((m, m + n_pairs))
    with_each[:, :m] = -(k - 1) * np.eye(m)
    with_each[i, m + np.arange(n_pairs)] = 1
    with_each[j, m + np.arange(n_pairs)] = 1
    count = np.concatenate([np.ones(m), np.zeros(n_pairs)])
    found = milp(
        -np.concatenate([np.zeros(m), distances[i, j]]),
        constraints=[
            LinearConstraint(ends.reshape(-1, m + n_pairs), 0),
            LinearConstraint(with_each, 0, 0),
            LinearConstraint(count, k, k),
        ],
        integrality=count,
        bounds=(0, 1),
        options={"mip_rel_gap": 0},
    )
    return -found.fun


@EACH
def test_nothing_changes_when_languages_are_listed_in_another_order(objective):
    distances, names, weights = random_distances(14, 3), np.array(names_of(14)), np.random.default_rng(1).random(14)
    order = np.random.default_rng(0).permutation(14)
    options = {"objective": objective, "include": [names[3]], "exclude": [names[5]]}
    first = choose_languages(distances, 5, languages=names.tolist(), weights=weights, **options)
    second = choose_languages(
        distances[np.ix_(order, order)], 5, languages=names[order].tolist(), weights=weights[order], **options
    )
    assert first.languages == second.languages
    assert first.value == pytest.approx(second.value)
    assert [r.text for r in first.reasons] == [r.text for r in second.reasons]


@EACH
def test_scaling_distances_scales_the_value_and_keeps_the_choice(objective):
    distances, names = random_distances(14, 4), names_of(14)
    weights = np.random.default_rng(3).random(14)  # without them the two of a lonely pair cover each other equally well
    factor = 1 if objective == "facility_location" else 1e6
    plain = choose_languages(distances, 5, languages=names, objective=objective, weights=weights)
    assert plain.optimal
    for scale, scaling in ((1e6, factor), (1e-6, 1 / factor)):
        scaled = choose_languages(scale * distances, 5, languages=names, objective=objective, weights=weights)
        assert scaled.languages == plain.languages
        assert scaled.value == pytest.approx(scaling * plain.value)
        assert scaled.optimal


@EACH
def test_weights_of_one_and_utility_of_zero_are_as_none(objective):
    distances, names = random_distances(12, 5), names_of(12)
    plain = choose_languages(distances, 4, languages=names, objective=objective)
    given = choose_languages(
        distances, 4, languages=names, objective=objective, weights=np.ones(12), utility=np.zeros(12)
    )
    assert given.languages == plain.languages
    assert given.value == plain.value


@EACH
def test_much_utility_brings_a_language_in_and_its_opposite_keeps_it_out(objective):
    distances, names = random_distances(12, 6), names_of(12)
    for i in range(12):
        utility = np.zeros(12)
        utility[i] = 1000.0
        assert (
            names[i] in choose_languages(distances, 4, languages=names, objective=objective, utility=utility).languages
        )
        assert (
            names[i]
            not in choose_languages(distances, 4, languages=names, objective=objective, utility=-utility).languages
        )


def test_the_least_diverse_set_is_the_same_whatever_its_languages_weigh():
    """Else the light would pass for the near."""
    distances, names = random_distances(12, 5, euclidean=True), names_of(12)
    plain = choose_languages(distances, 4, languages=names, objective="min_sum")
    weights = np.ones(12)
    weights[[i for i in range(12) if i not in plain.indices]] = 1e-6
    weighed = choose_languages(distances, 4, languages=names, objective="min_sum", weights=weights)
    assert set(weighed.languages) == set(plain.languages)
    assert weighed.value == plain.value


def test_a_duplicate_language_is_never_worth_a_second_place():
    distances = random_distances(10, 7, euclidean=True)
    doubled = np.tile(distances, (2, 2))
    names = names_of(20)
    for objective in ("max_min", "facility_location", "k_medoids"):
        chosen = choose_languages(doubled, 6, languages=names, objective=objective).indices % 10
        assert len(set(chosen)) == 6
    closest = choose_languages(doubled, 2, languages=names, objective="min_sum")
    assert closest.value == 0
    assert closest.indices[0] % 10 == closest.indices[1] % 10


def test_all_languages_at_one_place_are_chosen_without_trouble():
    for objective in SOUGHT:
        choice = choose_languages(np.zeros((6, 6)), 3, languages=names_of(6), objective=objective)
        assert choice.optimal
        assert choice.value == (6 if objective == "facility_location" else 0)


@pytest.mark.parametrize("objective", [*SOUGHT, "random"])
def test_what_each_language_added_sums_to_the_value(objective):
    distances, utility = random_distances(15, 8), np.random.default_rng(2).random(15)
    choice = choose_languages(distances, 6, languages=names_of(15), objective=objective, utility=utility)
    total = sum(reason.added for reason in choice.reasons)
    nothing_chosen = 15 * distances.max() if objective == "k_medoids" else 0
    sign = -1 if objective in ("k_medoids", "min_sum") else 1
    assert choice.value == pytest.approx(nothing_chosen + sign * total)


@pytest.mark.parametrize("objective", [*SOUGHT, "random"])
def test_who_could_take_a_place_and_who_comes_next_is_what_trying_them_all_says(objective):
    distances, names = random_distances(11, 9), names_of(11)
    limits = {"exclude": [names[0]], "include": [names[1]]}
    choice = choose_languages(distances, 4, languages=names, objective=objective, **limits)
    sign = 1 if objective in (*MAXIMISED, "random") else -1
    value = "max_sum" if objective == "random" else objective

    def gain(chosen):
        return sign * plain_value(value, chosen, distances, np.ones(11), np.zeros(11))

    others = [i for i in range(1, 11) if i not in choice.indices]
    for place, reason in enumerate(choice.reasons):
        if reason.included:
            assert reason.language == names[1]
            assert reason.runner_up is None
            continue
        rest = np.delete(choice.indices, place).tolist()
        losses = {names[i]: gain(choice.indices) - gain([*rest, i]) for i in others}
        best = min(losses, key=losses.get)
        assert reason.runner_up == (best, pytest.approx(losses[best], abs=1e-9))
        assert reason.runner_up[1] >= -1e-9 or objective == "random"
    gains = sorted((gain([*choice.indices, i]) - gain(choice.indices) for i in others), reverse=True)
    assert [added for _, added in choice.next_languages] == pytest.approx(gains[:5])


def test_every_language_left_out_is_covered_once_by_its_nearest():
    distances, names = random_distances(15, 10, euclidean=True), names_of(15)
    choice = choose_languages(distances, 4, languages=names, objective="k_medoids", exclude=[names[2]])
    covered = [name for reason in choice.reasons for name in reason.covers]
    assert sorted([*covered, *choice.languages]) == names
    for reason in choice.reasons:
        for name in reason.covers:
            row = distances[names.index(name), choice.indices]
            assert choice.languages[int(row.argmin())] == reason.language
        others = [d for d in distances[names.index(reason.language), choice.indices] if d > 0]
        assert reason.distance == pytest.approx(min(others))
        assert distances[names.index(reason.language), names.index(reason.nearest)] == reason.distance


def test_the_first_of_a_diverse_choice_are_the_farthest_pair_and_of_a_cover_the_medoid():
    distances, names = random_distances(15, 11, euclidean=True), names_of(15)
    diverse = choose_languages(distances, 15, languages=names)
    assert distances[diverse.indices[0], diverse.indices[1]] == distances.max()
    cover = choose_languages(distances, 15, languages=names, objective="k_medoids")
    assert cover.indices[0] == distances.sum(1).argmin()


def test_reasons_say_in_words_what_they_hold():
    distances = np.array([[0, 4, 1, 3], [4, 0, 3.5, 2], [1, 3.5, 0, 3], [3, 2, 3, 0]], dtype=float)
    names = ["eng_Latn", "zho_Hans", "deu_Latn", "arb_Arab"]
    choice = choose_languages(distances, 2, languages=names, include=["eng_Latn"])
    assert {r.language: r.text for r in choice.reasons} == {
        "eng_Latn": "eng_Latn (required) comes first, with no pair yet; the nearest other chosen one is zho_Hans at "
        "distance 4; it is nearest to 1 language left out (deu_Latn).",
        "zho_Hans": "zho_Hans adds 4 to the sum of distances; the nearest other chosen one is eng_Latn at distance 4; "
        "it is nearest to 1 language left out (arb_Arab); arb_Arab in its place would lose 1.",
    }
    assert choice.next_languages == (("arb_Arab", 5.0), ("deu_Latn", 4.5))
    alone = choose_languages(distances, 1, languages=names, objective="k_medoids")
    assert alone.reasons[0].nearest is None
    assert "other chosen" not in alone.reasons[0].text


def test_the_same_seed_draws_the_same_random_choice_and_nothing_is_claimed_of_it():
    distances, names = random_distances(20, 12), names_of(20)
    draws = [choose_languages(distances, 5, languages=names, objective="random", seed=seed) for seed in (0, 0, 1)]
    assert draws[0].languages == draws[1].languages != draws[2].languages
    assert np.isnan([draws[0].gap, draws[0].bound]).all()
    assert not draws[0].optimal


def test_a_search_that_is_cut_short_says_how_far_it_may_be_from_the_best():
    distances = random_distances(30, 13)
    cut = choose_languages(distances, 10, languages=names_of(30), method="exact", time_limit=0.0)
    assert not cut.optimal
    assert 0 < cut.gap < 0.5
    assert cut.gap == pytest.approx((cut.bound - cut.value) / cut.bound)
    further = choose_languages(distances, 10, languages=names_of(30))
    assert cut.value <= further.value <= further.bound <= cut.bound


def test_published_samples_of_grambank_are_met_or_beaten_and_the_largest_smallest_distance_is_proven(real_data):
    """Greedy max-sum and max-min of the typdiv-sampling repository: 241 languages, Euclidean over shared features."""
    data = np.load(real_data / "references" / "typdiv_samples.npz", allow_pickle=False)
    features = np.where(data["features"] < 0, np.nan, data["features"].astype(float))
    difference = features[:, None] - features[None]
    shared = ~np.isnan(difference)
    distances = np.sqrt(np.nansum(difference**2, axis=2) * features.shape[1] / shared.sum(2))
    assert distances.max() == pytest.approx(float(data["largest"]))
    samples = {str(name): rows[rows >= 0] for name, rows in zip(data["names"], data["samples"], strict=True)}
    names = data["languages"].tolist()
    for name, objective, method, share in (
        ("maxsum k=20", "max_sum", "greedy", 0.99),
        ("maxsum k=50", "max_sum", "greedy", 0.999),
        ("maxmin k=50", "max_min", "auto", 0.98),
    ):
        theirs = plain_value(objective, samples[name], distances, np.ones(241), np.zeros(241))
        ours = choose_languages(distances, len(samples[name]), languages=names, objective=objective, method=method)
        assert share * ours.value < theirs < ours.value <= ours.bound
        assert ours.gap < 0.012
        assert ours.optimal == (objective == "max_min")
