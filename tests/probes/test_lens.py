"""Mass and entropy by hand, shared tokens dropped, and the answers to other prompts as the null."""

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.judging import Prepared, draw_permutations, draw_resamples, interval_of, null_of
from probes.lens import LanguageProbabilities, answer_masses, entropy_bits, language_probabilities, separate_answers


def drawn(layers: int = 3, n: int = 5, vocabulary: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(vocabulary, 0.3), (layers, n))


def drawn_sets(n: int = 5, vocabulary: int = 40, seed: int = 0, size: int = 4) -> dict[str, list[set[int]]]:
    """Sets of two languages, from the lower and the upper half of the vocabulary, with token 0 in common."""
    rng = np.random.default_rng(seed)
    half = vocabulary // 2
    return {
        "eng_Latn": [{0, *rng.integers(1, half, size).tolist()} for _ in range(n)],
        "deu_Latn": [{0, *rng.integers(half, vocabulary, size).tolist()} for _ in range(n)],
    }


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9999), n=st.integers(2, 6), layers=st.integers(1, 4))
def test_the_mass_is_the_sum_over_the_tokens_that_no_other_language_has(seed, n, layers):
    p, sets = drawn(layers, n, seed=seed), drawn_sets(n, seed=seed)
    result = language_probabilities(p, sets)
    for number, language in enumerate(result.languages):
        for layer in range(layers):
            by_hand = [sum(p[layer, i, token] for token in sets[language][i] - {0}) for i in range(n)]
            np.testing.assert_allclose(result.by_prompt[number, layer], by_hand, atol=1e-12)
            assert result.probabilities[number, layer] == pytest.approx(np.mean(by_hand))
    assert result.n_shared == n


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9999))
def test_masses_of_sets_that_divide_the_vocabulary_sum_to_one(seed):
    rng = np.random.default_rng(seed)
    owner = np.stack([np.concatenate([[0, 1, 2], rng.integers(0, 3, 37)]) for _ in range(5)])
    sets = {f"language {k}": [set(np.flatnonzero(row == k).tolist()) for row in owner] for k in range(3)}
    np.testing.assert_allclose(language_probabilities(drawn(seed=seed), sets).probabilities.sum(axis=0), 1)


def test_a_uniform_layer_has_the_entropy_of_the_vocabulary_and_the_mass_of_the_set_sizes():
    result = language_probabilities(np.full((2, 5, 64), 1 / 64), drawn_sets(vocabulary=64))
    np.testing.assert_allclose(result.entropy, 6)
    np.testing.assert_allclose(result.probabilities, np.stack([result.uniform] * 2, axis=1))
    np.testing.assert_allclose(result.chances, result.probabilities)


def test_a_certain_layer_has_no_entropy_and_all_its_mass_on_the_answer():
    sets = {"eng_Latn": [{1}, {2}, {3}], "deu_Latn": [{4}, {5}, {6}]}
    certain = np.zeros((1, 3, 8))
    certain[0, [0, 1, 2], [4, 5, 6]] = 1
    result = language_probabilities(certain, sets)
    np.testing.assert_array_equal(result.entropy, [0])
    np.testing.assert_array_equal(result.probabilities[:, 0], [0, 1])
    assert result.judged("deu_Latn", 0).chance == 0


def test_entropy_is_that_of_torch():
    p = drawn()
    expected = torch.distributions.Categorical(probs=torch.tensor(p)).entropy().numpy() / np.log(2)
    np.testing.assert_allclose(entropy_bits(p), expected, atol=1e-12)


def test_shared_tokens_are_dropped_for_their_prompt_alone_and_counted_once_each():
    sets = {"a": [{1, 2, 3}, {1, 4}], "b": [{2, 3, 5}, {6}], "c": [{3, 7}, {2}]}
    answers = separate_answers(sets, 10)
    assert answers.n_shared == 2
    assert [[ids.tolist() for ids in of] for of in answers.tokens.values()] == [[[1], [1, 4]], [[5], [6]], [[7], [2]]]
    assert answers.sizes.tolist() == [[1, 2], [1, 1], [1, 1]]


def test_the_order_of_tokens_languages_and_prompts_changes_nothing():
    p, sets = drawn(), drawn_sets()
    usual = language_probabilities(p, sets)
    order = np.array([3, 1, 4, 0, 2])
    turned = language_probabilities(
        p[:, order], {code: [sorted(sets[code][i], reverse=True) for i in order] for code in ("deu_Latn", "eng_Latn")}
    )
    assert turned.languages == ("deu_Latn", "eng_Latn")
    np.testing.assert_allclose(turned.by_prompt[::-1], usual.by_prompt[:, :, order], atol=1e-12)
    np.testing.assert_allclose(turned.chances[::-1], usual.chances, atol=1e-12)
    swapped = np.random.default_rng(1).permutation(40)
    renamed = {code: [{int(swapped[token]) for token in tokens} for tokens in of] for code, of in sets.items()}
    moved = np.empty_like(p)
    moved[:, :, swapped] = p
    np.testing.assert_allclose(language_probabilities(moved, renamed).probabilities, usual.probabilities, atol=1e-12)


def test_prompts_in_batches_give_what_all_prompts_give():
    p, sets = drawn(), drawn_sets()
    whole = language_probabilities(p, sets)
    answers = separate_answers(sets, 40)
    parts = [answer_masses(p[:, rows], answers) for rows in (slice(0, 2), slice(2, 5))]
    np.testing.assert_allclose(np.concatenate(parts, axis=2), whole.masses, atol=1e-12)


def test_a_prompt_given_anothers_answer_is_the_null():
    p, sets = drawn(n=4), drawn_sets(n=4)
    result = language_probabilities(p, sets)
    orders = np.array(list(permutations(range(4))))
    for language in result.languages:
        prepared = result.judged(language, 1)
        assert isinstance(prepared, Prepared)
        by_hand = [
            language_probabilities(p[1:2], {code: [of[i] for i in order] for code, of in sets.items()}).by_prompt[
                result.languages.index(language), 0
            ]
            for order in orders
        ]
        np.testing.assert_allclose(prepared.permuted(orders), np.mean(by_hand, axis=1), atol=1e-12)
        apart = [order for order in orders if (order != np.arange(4)).all()]
        assert prepared.chance == pytest.approx(prepared.permuted(np.array(apart)).mean())
    counts = draw_resamples(4, 20)
    expected = [np.repeat(result.by_prompt[0, 1], count).mean() for count in counts]
    np.testing.assert_allclose(result.judged("eng_Latn", 1).resampled(counts), expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_distributions_that_know_nothing_of_the_answers_score_chance(seed):
    result = language_probabilities(drawn(1, 60, 400, seed), drawn_sets(60, 400, seed))
    for language in result.languages:
        prepared = result.judged(language, 0)
        null = null_of(prepared.score, prepared.permuted(draw_permutations(60, 500)))
        assert null.mean == pytest.approx(prepared.chance, abs=0.2 * null.sd)
        assert abs(prepared.score - prepared.chance) < 3.5 * null.sd
        interval = interval_of(prepared.score, prepared.resampled(draw_resamples(60, 500)))
        assert interval.low < prepared.chance < interval.high


def test_a_language_that_a_layer_speaks_stands_out():
    p, sets = drawn(2, 30, 200), drawn_sets(30, 200)
    for i, tokens in enumerate(sets["deu_Latn"]):
        p[1, i] *= 0.5
        p[1, i, sorted(tokens)[-1]] += 0.5
    result = language_probabilities(p, sets)
    prepared = result.judged("deu_Latn", 1)
    assert prepared.score > 0.5
    assert null_of(prepared.score, prepared.permuted(draw_permutations(30, 199))).p_value == 1 / 200
    assert result.probabilities[1, 1] > 10 * result.probabilities[1, 0]
    assert result.entropy[1] < result.entropy[0]


def test_torch_and_float32_agree_with_numpy():
    p, sets = drawn(), drawn_sets()
    usual = language_probabilities(p, sets)
    for other in (torch.tensor(p), p.astype(np.float32)):
        found: LanguageProbabilities = language_probabilities(other, sets)
        np.testing.assert_allclose(found.masses, usual.masses, atol=1e-6)
        np.testing.assert_allclose(found.entropy, usual.entropy, atol=1e-5)


def test_one_prompt_has_no_other_to_be_judged_by():
    result = language_probabilities(drawn(n=1), drawn_sets(n=1))
    assert np.isnan(result.chances).all()


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ({}, "token_sets must hold a set for each language and prompt"),
        ({"a": [{1}, set()]}, r"token_sets\['a'\]\[1\] must hold at least one token, got none; is the lexicon's entry"),
        ({"a": [{1}, {40}]}, r"token_sets\['a'\]\[1\] must hold ids in 0..39, got 40"),
        ({"a": [{1}, {2}], "b": [{3}]}, r"token_sets\['b'\] must hold a set for each of 2 prompts, got 1"),
        ({"a": [{1}, {2}, {3}]}, r"token_sets\['a'\] must hold a set for each of 2 prompts, got 3"),
        ({"a": [{1}, {2, 3}], "b": [{4}, {2, 3, 5}]}, "a is left without a token for prompt 1: all 2 are shared"),
    ],
)
def test_token_sets_that_cannot_be_used_are_named(sets, message):
    with pytest.raises(ValueError, match=message):
        language_probabilities(drawn(n=2), sets)


def test_logits_are_not_taken_for_probabilities():
    with pytest.raises(ValueError, match=r"sum to 1, got a negative one, .*; take the softmax of logits"):
        language_probabilities(np.random.default_rng(0).standard_normal((2, 5, 40)), drawn_sets())
    with pytest.raises(ValueError, match=r"sum to 1, got a sum of 2 at layer 1"):
        language_probabilities(drawn(2) * np.array([1, 2])[:, None, None], drawn_sets())
    with pytest.raises(ValueError, match="language must be one of eng_Latn, deu_Latn, got 'fra_Latn'"):
        language_probabilities(drawn(), drawn_sets()).judged("fra_Latn", 0)
