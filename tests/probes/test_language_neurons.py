"""LAPE: brute force, what no order may decide, counts that add up, and how neurons fall to languages by chance."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from probes.judging import draw_resamples
from probes.language_entropy import SelectionRule, language_entropy
from probes.language_neurons import FiringCounts, language_specific_neurons
from probes.language_ownership import OwnershipPreparation, PreparedOwnership


def counted(
    layers: int = 3, neurons: int = 40, languages: int = 4, tokens: int = 500, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Neurons that fire alike in all languages, a few of which fire far more often in one."""
    rng = np.random.default_rng(seed)
    n_tokens = rng.integers(tokens // 2, tokens, languages)
    p = np.repeat(rng.beta(1, 5, (layers, neurons, 1)), languages, axis=2)
    for k in range(languages):
        p[rng.integers(layers), rng.integers(neurons), k] = 0.95
    return rng.binomial(n_tokens, p), n_tokens


def lape_by_hand(counts: np.ndarray, tokens: np.ndarray, rate: float, percentile: float):
    """Follow the description neuron by neuron; assumes no ties at the cut."""
    layers, neurons, languages = counts.shape
    p = {(i, j): [counts[i, j, k] / tokens[k] for k in range(languages)] for i in range(layers) for j in range(neurons)}
    every = sorted(value for values in p.values() for value in values)
    threshold = every[round(percentile * len(every)) - 1]
    entropies = {}
    for place, values in p.items():
        if max(values) > threshold:
            q = [value / sum(values) for value in values]
            entropies[place] = -sum(x * math.log(x) for x in q if x > 0)
    chosen = sorted(entropies, key=entropies.get)[: round(rate * layers * neurons)]
    return (
        threshold,
        entropies,
        [sorted(place for place in chosen if p[place][k] > threshold) for k in range(languages)],
    )


def listed(places: np.ndarray) -> list[tuple[int, int]]:
    return [tuple(row) for row in places.tolist()]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), rate=st.sampled_from([0.01, 0.05, 0.3]), percentile=st.sampled_from([0.5, 0.9, 0.95]))
def test_neurons_are_those_of_the_description_followed_neuron_by_neuron(seed, rate, percentile):
    counts, tokens = counted(seed=seed)
    threshold, entropies, expected = lape_by_hand(counts, tokens, rate, percentile)
    assume(len(set(np.round(list(entropies.values()), 12))) == len(entropies))
    found = language_specific_neurons(counts, tokens, rate=rate, percentile=percentile, languages="abcd")
    assert found.threshold == threshold
    assert {language: listed(places) for language, places in found.neurons.items()} == dict(
        zip("abcd", expected, strict=True)
    )
    for (layer, neuron), entropy in entropies.items():
        assert found.entropy[layer, neuron] == pytest.approx(entropy, abs=1e-12)
    assert listed(found.selected) == sorted({place for places in expected for place in places})


def test_a_planted_neuron_is_found_and_is_its_languages_own():
    counts = np.full((2, 100, 3), 100)
    counts[1, 7] = [900, 0, 0]
    counts[0, 4] = [0, 850, 850]
    found = language_specific_neurons(counts, np.full(3, 1000), rate=0.01)
    assert {language: listed(places) for language, places in found.neurons.items()} == {
        0: [(1, 7)], 1: [(0, 4)], 2: [(0, 4)]
    }  # fmt: skip
    assert found.entropy[1, 7] == 0
    assert found.entropy[0, 4] == pytest.approx(math.log(2))
    assert found.entropy[0, 0] == pytest.approx(math.log(3))
    assert found.threshold == 0.1


def test_the_threshold_is_the_kth_share_and_must_be_exceeded():
    counts = np.arange(1, 21).reshape(1, 10, 2)  # shares of 100 tokens: 0.01 to 0.20
    found = language_specific_neurons(counts, np.full(2, 100), rate=1.0, percentile=0.95)
    assert found.threshold == 0.19  # the 19th of 20
    assert listed(found.selected) == [(0, 9)]
    assert {language: listed(places) for language, places in found.neurons.items()} == {0: [], 1: [(0, 9)]}


def test_a_neuron_that_never_fires_has_no_entropy_and_is_never_kept():
    counts, tokens = counted()
    counts[2, 5] = 0
    found = language_specific_neurons(counts, tokens, rate=1.0, percentile=0.0)
    assert np.isnan(found.entropy[2, 5])
    assert found.n_silent == np.isnan(found.entropy).sum() >= 1
    assert (2, 5) not in listed(found.selected)
    assert language_specific_neurons(np.zeros((1, 5, 2)), np.ones(2)).selected.shape == (0, 2)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), coarse=st.booleans())
def test_neither_the_order_of_neurons_nor_that_of_languages_decides(seed, coarse):
    counts, tokens = counted(tokens=12 if coarse else 500, seed=seed)  # 12 tokens: many entropies are equal
    rng = np.random.default_rng(seed)
    layers, neurons, languages = (rng.permutation(n) for n in counts.shape)
    found = language_specific_neurons(counts, tokens, rate=0.1, percentile=0.8)
    moved = language_specific_neurons(
        counts[layers][:, neurons][:, :, languages], tokens[languages],
        rate=0.1, percentile=0.8, languages=languages.tolist(),
    )  # fmt: skip
    for language in range(4):
        back = [(layers[i], neurons[j]) for i, j in moved.neurons[language]]
        assert sorted(back) == listed(found.neurons[language])


def test_ties_go_to_the_larger_share_and_what_is_left_tied_is_kept_together():
    counts = np.zeros((1, 100, 2), dtype=int)
    counts[0, :, :] = 1
    counts[0, [3, 50, 97], 0], counts[0, [3, 50, 97], 1] = [90, 80, 80], 0  # three entropies of 0
    tokens = np.full(2, 100)
    assert listed(language_specific_neurons(counts, tokens, rate=0.01).selected) == [(0, 3)]
    assert listed(language_specific_neurons(counts, tokens, rate=0.02).selected) == [(0, 3), (0, 50), (0, 97)]


def test_names_and_layer_numbers_may_be_given():
    counts, tokens = counted()
    usual = language_specific_neurons(counts, tokens, rate=0.1)
    named = language_specific_neurons(counts, tokens, rate=0.1, languages=["a", "b", "c", "d"], layers=[2, 4, 6])
    for number, name in enumerate("abcd"):
        np.testing.assert_array_equal(named.neurons[name], usual.neurons[number] * [2, 1] + [2, 0])


def test_torch_agrees_with_numpy_and_nothing_is_changed():
    counts, tokens = counted()
    kept = counts.copy(), tokens.copy()
    usual, other = (
        language_specific_neurons(counts, tokens),
        language_specific_neurons(torch.tensor(counts), torch.tensor(tokens)),
    )
    np.testing.assert_array_equal(usual.selected, other.selected)
    np.testing.assert_array_equal(usual.entropy, other.entropy)
    np.testing.assert_array_equal(kept[0], counts)
    np.testing.assert_array_equal(kept[1], tokens)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), n_shards=st.integers(1, 6))
def test_counts_add_up_exactly_whatever_the_shards(seed, n_shards):
    rng = np.random.default_rng(seed)
    active = {language: rng.random((rng.integers(1, 60), 2, 5)) < 0.4 for language in "ab"}
    shards = []
    for language, tokens in active.items():
        for part in np.array_split(tokens, n_shards):
            shards.append(FiringCounts.empty((1, 2), 5).accumulate(part, language=language))
    order = rng.permutation(len(shards))
    left = shards[order[0]]
    for i in order[1:]:
        left = left.merge(shards[i])
    right = shards[order[-1]]
    for i in order[-2::-1]:
        right = shards[i].merge(right)
    assert left.languages == right.languages
    np.testing.assert_array_equal(left.fire_counts, right.fire_counts)
    for place, language in enumerate(left.languages):
        np.testing.assert_array_equal(left.fire_counts[:, :, place], active[language].sum(axis=0))
        assert left.n_tokens[place] == right.n_tokens[place] == active[language].shape[0]


def test_finished_counts_speak_of_the_models_own_layers():
    rng = np.random.default_rng(0)
    counts = FiringCounts.empty((3, 6), 50)
    for language, favourite in (("deu_Latn", (0, 8)), ("swh_Latn", (1, 9))):
        active = rng.random((300, 2, 50)) < 0.05
        active[:, favourite[0], favourite[1]] = True
        counts = counts.accumulate(active, language=language)
    found = counts.finish(rate=0.02)
    assert {language: listed(places) for language, places in found.neurons.items()} == {
        "deu_Latn": [(3, 8)], "swh_Latn": [(6, 9)]
    }  # fmt: skip


def test_counts_of_other_layers_or_neurons_are_not_merged():
    counts = FiringCounts.empty((1, 2), 5)
    for other in (FiringCounts.empty((1, 3), 5), FiringCounts.empty((1, 2), 6)):
        with pytest.raises(ValueError, match=r"other must count the layers \[1, 2\] with 5 neurons each"):
            counts.merge(other)


@pytest.mark.usefixtures("unchecked")
def test_unfit_counts_are_refused_by_name():
    counts, tokens = counted()
    refused = [
        (counts[0], tokens, "fire_counts must have three axes.*give fire_counts"),
        (counts[:, :, :1], tokens[:1], "at least 2 languages"),
        (
            counts,
            tokens[:3],
            r"n_tokens must hold a number for each of the 4 languages of fire_counts, got shape \(3,\)",
        ),
        (counts, np.array([9999, 0, 9999, 9999]), "n_tokens must be at least 1, got 0 for language 1; leave it out"),
        (counts + 0.5, tokens, "fire_counts must hold whole numbers, got .*give counts, not shares"),
        (counts, np.ones(4), "fire_counts must lie between 0 and n_tokens, got .* at layer"),
        (-1 - counts, tokens, "fire_counts must lie between 0 and n_tokens, got -"),
        (counts * np.nan, tokens, "fire_counts must hold whole numbers, got nan"),
    ]
    for fire_counts, n_tokens, message in refused:
        with pytest.raises(ValueError, match=message):
            language_specific_neurons(fire_counts, n_tokens)
    with pytest.raises(ValueError, match="rate must lie between 0 and 1, got 5"):
        language_specific_neurons(counts, tokens, rate=5)
    with pytest.raises(ValueError, match="percentile must lie between 0 and 1, got 95"):
        language_specific_neurons(counts, tokens, percentile=95)
    with pytest.raises(ValueError, match="languages must hold 4 different names, one for each"):
        language_specific_neurons(counts, tokens, languages=["a", "a", "b", "c"])


def fired(
    languages: int = 5, n: int = 60, neurons: int = 200, seed: int = 0, planted: int = 0
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Shares of sentences' tokens and their numbers; some neurons of the first language fire there only."""
    rng = np.random.default_rng(seed)
    names = [f"l{k}" for k in range(languages)]
    tokens = {name: rng.integers(5, 40, n) for name in names}
    usual = rng.beta(1, 6, (n, neurons))
    p = {name: usual.copy() for name in names}
    p["l0"][:, :planted] = 0.9
    shares = {name: rng.binomial(tokens[name][:, None], p[name]) / tokens[name][:, None] for name in names}
    return {name: share.astype(np.float32) for name, share in shares.items()}, tokens


def ownership(shares, tokens, **options) -> PreparedOwnership:
    return OwnershipPreparation(**options).of(shares, n_tokens=tokens)


def owned_by_hand(shares, tokens, rate: float) -> np.ndarray:
    counts = np.stack([np.rint(shares[name] * tokens[name][:, None]).sum(axis=0) for name in shares], axis=-1)
    totals = np.array([tokens[name].sum() for name in shares])
    found = language_specific_neurons(counts[None], totals, rate=rate)
    scores = np.zeros(len(shares))
    for place in listed(found.selected):
        owners = [k for k in range(len(shares)) if place in listed(found.neurons[k])]
        scores[owners] += 1 / len(owners) / len(found.selected)
    return scores


def test_scores_are_how_lapes_neurons_fall_to_the_languages_and_add_up_to_one():
    shares, tokens = fired(planted=4)
    prepared = ownership(shares, tokens, rate=0.05)
    np.testing.assert_allclose(prepared.scores, owned_by_hand(shares, tokens, 0.05), atol=1e-12)
    assert prepared.scores.sum() == pytest.approx(1)
    assert prepared.scores[0] > 0.4 > prepared.scores[1:].max()
    assert language_specific_neurons.preparation(rate=0.05).of(shares).rule == SelectionRule(0.05)


def test_resampled_scores_are_those_of_repeated_sentences():
    shares, tokens = fired(planted=4)
    counts = draw_resamples(60, 12)
    resampled = ownership(shares, tokens, rate=0.05).resampled(counts)
    for draw, count in enumerate(counts):
        rows = np.repeat(np.arange(60), count)
        again = {name: share[rows] for name, share in shares.items()}
        n_tokens = {name: numbers[rows] for name, numbers in tokens.items()}
        np.testing.assert_allclose(resampled[:, draw], owned_by_hand(again, n_tokens, 0.05), atol=1e-12)


def test_the_null_is_an_equal_share_and_sees_through_planted_neurons():
    for planted in (0, 10):
        prepared = ownership(*fired(planted=planted), rate=0.05)
        null = prepared.null(500)
        assert null.shape == (5, 500)
        np.testing.assert_allclose(prepared.chances, 0.2)
        np.testing.assert_allclose(null.mean(axis=1), 0.2, atol=1e-9)  # 100 whole shuffles: scores add up to 1 in each
        assert null.std() < 0.15
        assert (prepared.scores[0] > null[0].max()) == bool(planted)


def test_scores_of_languages_that_fire_alike_lie_within_the_null():
    inside = []
    for seed in range(20):
        prepared = ownership(*fired(seed=seed), rate=0.1)
        low, high = np.quantile(prepared.null(200, seed=seed)[0], [0.025, 0.975])
        inside.append((low <= prepared.scores) & (prepared.scores <= high))
    assert np.mean(inside) == pytest.approx(0.95, abs=0.07)


def test_a_shuffle_gives_languages_each_others_sentences_with_their_tokens():
    shares, tokens = fired(languages=3)
    rng = np.random.default_rng(7)
    order = np.stack([rng.permutation(3) for _ in range(60)], axis=1)
    swapped, swapped_tokens = (
        {f"l{k}": np.stack([values[f"l{order[k, i]}"][i] for i in range(60)]) for k in range(3)}
        for values in (shares, tokens)
    )
    expected = owned_by_hand(swapped, swapped_tokens, 0.1)
    np.testing.assert_allclose(ownership(shares, tokens, rate=0.1)._under(order[None])[0], expected, atol=1e-12)
    assert not np.allclose(expected, ownership(shares, tokens, rate=0.1).scores)


def test_without_numbers_of_tokens_every_sentence_weighs_the_same():
    shares, _ = fired(planted=4)
    ones = {name: np.ones(60, dtype=int) for name in shares}
    fires = {name: (share > 0.2).astype(np.float32) for name, share in shares.items()}
    usual, weighed = (OwnershipPreparation(rate=0.05).of(fires, n_tokens=numbers) for numbers in (None, ones))
    np.testing.assert_allclose(usual.scores, weighed.scores)
    np.testing.assert_allclose(usual.null(10), weighed.null(10))


def test_a_rate_that_keeps_no_neuron_leaves_the_score_undefined():
    assert np.isnan(ownership(*fired(neurons=20), rate=0.01).scores).all()


@pytest.mark.usefixtures("unchecked")
def test_unfit_shares_are_refused_by_name():
    shares, tokens = fired()
    with pytest.raises(ValueError, match=r"x_by_language\['l2'\] must hold shares in \[0, 1\], got .* to 40"):
        ownership(shares | {"l2": shares["l2"] * 0 + 40}, tokens)
    with pytest.raises(
        ValueError, match=r"n_tokens\['l1'\] must hold at least 1 for each of 60 sentences, got nothing"
    ):
        ownership(shares, {"l0": tokens["l0"]})
    with pytest.raises(ValueError, match=r"n_tokens\['l0'\] must hold at least 1 .* smallest 0"):
        ownership(shares, tokens | {"l0": tokens["l0"] * 0})
    with pytest.raises(
        ValueError, match=r"x_by_language\['l3'\] times n_tokens must be whole numbers, .*special tokens"
    ):
        ownership(shares, tokens | {"l3": tokens["l3"] + 1})
    with pytest.raises(ValueError, match="at least 2 languages, got 1"):
        ownership({"l0": shares["l0"]}, tokens)


@given(values=st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_entropy_lies_between_one_language_and_all_alike(values):
    p = np.array([values])
    assume(p.sum() > 1e-300)
    (entropy,) = language_entropy(p)
    assert 0 <= entropy <= math.log(len(values)) + 1e-12
    assert language_entropy(np.ones((1, len(values))))[0] == pytest.approx(math.log(len(values)))
