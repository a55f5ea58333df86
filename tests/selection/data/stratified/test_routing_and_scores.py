"""Routing by majority, scaling against scikit-learn, and each category's scorer against its definition."""

import difflib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, RobustScaler

from selection.data.stratified import (
    constraints_met,
    held_out_accuracy,
    least_step_reward,
    line_similarity,
    nearest_category_classifier,
    preference,
    robust_scale,
    route_conversations,
    score_by_category,
)


def talk(*turns):
    return [{"role": "user" if i % 2 == 0 else "assistant", "content": text} for i, text in enumerate(turns)]


def by_first_word(texts):
    return [text.split()[0] for text in texts]


def test_most_user_turns_decide_and_the_first_of_equals():
    conversations = [
        talk("Math a", "Coding x", "Coding b", "Math x", "Coding c"),
        talk("Coding a", "Math x", "Math b"),
        talk("Math a", "Coding x", "Coding b", "Coding x", "Extraction c"),
    ]
    assert route_conversations(conversations, by_first_word) == ["Coding", "Coding", "Math"]
    assert route_conversations(conversations, by_first_word, role="assistant")[1] == "Math"


def test_the_classifier_is_asked_once_with_every_turn():
    asked = []

    def classify(texts):
        asked.append(list(texts))
        return ["Math"] * len(texts)

    assert route_conversations([talk("a", "x", "b"), talk("c")], classify) == ["Math", "Math"]
    assert asked == [["a", "b", "c"]]


def test_conversations_without_the_role_and_lazy_classifiers_are_refused():
    with pytest.raises(ValueError, match="a turn of 'user', got none in row 1"):
        route_conversations([talk("a"), [{"role": "system", "content": "a"}]], by_first_word)
    with pytest.raises(ValueError, match="for each of the 2 texts, got 1"):
        route_conversations([talk("a"), talk("b")], lambda texts: ["Math"])


def test_the_nearest_category_is_that_of_the_nearest_mean_direction():
    def embed(texts):
        return np.array([[text.count("+"), text.count("{")] for text in texts], dtype=float)

    classify = nearest_category_classifier(embed, {"Math": ["1 + 2", "+ + +"], "Coding": ["{ } {"]})
    assert classify(["+ + {", "{ { +", "+"]) == ["Math", "Coding", "Math"]
    with pytest.raises(ValueError, match="hold 1 or more for each category, got 0 for 'Coding'"):
        nearest_category_classifier(embed, {"Math": ["1 + 2"], "Coding": []})


@pytest.mark.parametrize("seed", range(12))
def test_held_out_accuracy_is_that_of_classifiers_built_from_all_other_examples(seed):
    rng = np.random.default_rng(seed)
    examples = {name: [f"{name}{place}" for place in range(rng.integers(2, 6))] for name in "abcd"}
    vectors = {text: rng.normal(size=5) + ord(text[0]) % 3 for own in examples.values() for text in own}

    def embed(texts):
        return np.array([vectors[text] for text in texts])

    right = [
        nearest_category_classifier(embed, examples | {name: [other for other in own if other != text]})([text])
        == [name]
        for name, own in examples.items()
        for text in own
    ]
    assert held_out_accuracy(embed, examples) == pytest.approx(np.mean(right))
    with pytest.raises(ValueError, match="hold 2 or more for each category, got 1 for 'a'"):
        held_out_accuracy(embed, {"a": ["a0"], "b": ["b0", "b1"]})


@given(st.lists(st.integers(-1000, 1000), min_size=4, max_size=30), st.integers(0, 99))
def test_scaling_is_scikit_learns_robust_scaler_and_then_its_min_max_scaler_by_source(values, seed):
    scores = np.array(values) / 8
    sources = np.random.default_rng(seed).choice(["wiki", "chat"], len(scores))
    robust = RobustScaler(quantile_range=(1, 99)).fit_transform(scores[:, None])
    expected = np.empty(len(scores))
    for name in set(sources):
        own = robust[sources == name]
        flat = MinMaxScaler().fit(robust) if np.ptp(own) == 0 else MinMaxScaler().fit(own)
        expected[sources == name] = flat.transform(own)[:, 0] if np.ptp(robust) else 1.0
    np.testing.assert_allclose(robust_scale(scores, sources), expected, atol=1e-6)


def test_a_source_of_equal_values_has_their_place_among_all_and_equal_difficulty_leaves_quality_as_it_is():
    values, sources = np.array([1.0, 1, 0, 1, 0.5, 0.5]), ["all kept", "all kept", "some", "some", "half", "half"]
    assert robust_scale(values, sources) == pytest.approx([1, 1, 0, 1, 0.5, 0.5])
    np.testing.assert_allclose(preference(values, np.full(6, 3.0), sources), robust_scale(values, sources))


def test_a_text_without_a_direction_has_no_category_and_others_of_its_talk_decide():
    vectors = {"m": [1.0, 0], "c": [0, 1.0], "nowhere": [0, 0], "broken": [np.nan, 1]}

    def embed(texts):
        return np.array([vectors[text] for text in texts])

    classify = nearest_category_classifier(embed, {"Math": ["m"], "Coding": ["c"]})
    assert classify(["nowhere", "c", "broken"]) == ["", "Coding", ""]
    talks = [talk("nowhere", "x", "c"), talk("broken")]
    assert route_conversations(talks, classify) == ["Coding", ""]


def test_a_step_without_a_reward_leaves_its_solution_without_one_wherever_it_stands():
    assert np.isnan(least_step_reward([[0.2, np.nan], [np.nan, 0.2]])).all()


def test_the_published_scaling_is_min_max_alone_and_clipping_keeps_outliers_from_pressing_the_rest():
    rng = np.random.default_rng(0)
    scores, sources = np.append(rng.random(999), 1e6), np.zeros(1000, dtype=int)
    np.testing.assert_allclose(robust_scale(scores, sources), (scores - scores.min()) / np.ptp(scores), atol=1e-12)
    assert robust_scale(scores, sources)[:999].max() < 1e-5
    clipped = robust_scale(scores, sources, clip=True)
    assert np.median(clipped) == pytest.approx(0.5, abs=0.05)
    assert (clipped.min(), clipped.max()) == (0, 1)


def test_a_source_of_equal_values_scores_nothing_and_preference_is_the_product():
    scores, sources = np.array([1.0, 1.0, 2.0, 4.0, 3.0]), ["a", "a", "b", "b", "b"]
    assert robust_scale(scores, sources).tolist() == [0, 0, 0, 1, 0.5]
    assert preference(scores, -scores, sources).tolist() == [0, 0, 0, 0, 0.25]
    with pytest.raises(ValueError, match="got NaN or infinity in 1 of 5 rows, first in row 2"):
        preference(scores, np.where(scores == 2, np.nan, scores), sources)
    with pytest.raises(ValueError, match="the lower first"):
        robust_scale(scores, sources, quantiles=(99, 1))


def test_each_category_is_scored_by_its_own_scorer_in_one_call():
    calls = []

    def length(rows):
        calls.append(rows)
        return [len(row) for row in rows]

    scorers = {"Math": lambda rows: [-1.0] * len(rows), "general": length}
    assert score_by_category(["aa", "b", "cccc"], ["Coding", "Math", "Extraction"], scorers).tolist() == [2, -1, 4]
    assert calls == [["aa", "cccc"]]
    with pytest.raises(ValueError, match="got none for Coding"):
        score_by_category(["aa"], ["Coding"], {"Math": length})
    with pytest.raises(ValueError, match="the scorer of 'Math' must give 1 scores"):
        score_by_category(["aa"], ["Math"], {"Math": lambda rows: [1, 2]})


def test_rules_and_steps():
    rules = [str.isupper, lambda text: text.endswith("!")]
    assert constraints_met(["HEY!", "HEY", "hey", "x"], [rules, rules, rules, []]).tolist() == [1, 0.5, 0, 1]
    assert least_step_reward([[0.9, 0.1, 0.8], [0.5]]).tolist() == [0.1, 0.5]
    with pytest.raises(ValueError, match="got none in row 1"):
        least_step_reward([[0.9], []])


def distance_slowly(a, b):
    """Levenshtein's recursion."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        distance_slowly(a[1:], b) + 1, distance_slowly(a, b[1:]) + 1, distance_slowly(a[1:], b[1:]) + (a[0] != b[0])
    )


lines = st.lists(st.sampled_from("abc"), min_size=1, max_size=5)


@given(lines, lines)
def test_line_similarity_is_one_minus_levenshteins_share(a, b):
    found = line_similarity("\n".join(a), "\n".join(b))
    assert found == pytest.approx(1 - distance_slowly(a, b) / max(len(a), len(b)))
    assert found == line_similarity("\n".join(b), "\n".join(a))
    assert (found == 1) == (difflib.SequenceMatcher(None, a, b).ratio() == 1)
