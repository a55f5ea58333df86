"""Neurons set while a model encodes: these change, others do not, and the cache never sees it."""

import numpy as np
import pytest
import torch

from xalign.encoders import ActivationCache, cached_encode, load_encoder
from xalign.encoders.intervening import intervened
from xalign.errors import ModelError, UnknownNameError

CHOSEN = [[2, 5], [2, 40], [1, 7]]
VALUES = [1.5, -0.25, 3.0]
STATISTICS = ("nav", "share", "max")


@pytest.mark.parametrize("name", ["bert", "llama", "gpt2", "mt5"])
@pytest.mark.parametrize("site", ["gate", "product"])
def test_only_the_chosen_neurons_change_where_they_are_set(save_model, sentences, name, site):
    encoder = load_encoder(save_model(name), neuron_site=site)
    usual = encoder.encode(sentences, neurons=STATISTICS, progress=False)
    with intervened(encoder, [[1, 7]], 3.0):
        changed = encoder.encode(sentences, neurons=STATISTICS, progress=False)
    after = encoder.encode(sentences, neurons=STATISTICS, progress=False)
    for statistic in STATISTICS:
        others = np.arange(encoder.n_neurons) != 7
        np.testing.assert_array_equal(
            changed.neuron_layer(statistic, 1)[:, others], usual.neuron_layer(statistic, 1)[:, others]
        )
        np.testing.assert_array_equal(after.neurons[statistic], usual.neurons[statistic])
        assert not np.allclose(changed.neuron_layer(statistic, 2), usual.neuron_layer(statistic, 2), atol=1e-3)
    np.testing.assert_allclose(changed.neuron_layer("nav", 1)[:, 7], 3.0, rtol=1e-6)
    np.testing.assert_array_equal(changed.neuron_layer("max", 1)[:, 7], 3.0)
    np.testing.assert_array_equal(changed.neuron_layer("share", 1)[:, 7], 1.0)
    np.testing.assert_array_equal(changed.layer(0), usual.layer(0))
    assert not np.allclose(changed.layer(1), usual.layer(1), atol=1e-3)


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_the_hidden_state_moves_by_what_the_neurons_write(save_model, name):
    encoder = load_encoder(save_model(name), neuron_site="product")
    sentence = ["rain falls"]
    before = encoder.encode(sentence, layers=[2], pooling="last", neurons="max", progress=False)
    read: list[torch.Tensor] = []
    site = encoder.neuron_sites[1].module
    handle = site.register_forward_pre_hook(lambda _, args: read.append(args[0][0, -1]))
    encoder.encode(sentence, progress=False)
    handle.remove()
    with intervened(encoder, [[2, 5], [2, 40]], [1.5, -0.25]):
        after = encoder.encode(sentence, layers=[2], pooling="last", progress=False)
    weight = site.weight if isinstance(site, torch.nn.Linear) else site.weight.T
    moves = torch.tensor([1.5, -0.25]) - read[0][[5, 40]]
    np.testing.assert_allclose(after.layer(2) - before.layer(2), (weight[:, [5, 40]] @ moves)[None], atol=1e-5)


def test_several_layers_and_values_are_set_at_once_and_the_innermost_wins(save_model, sentences):
    encoder = load_encoder(save_model("bert"))
    with intervened(encoder, np.array(CHOSEN), VALUES):
        found = encoder.encode(sentences, neurons="max", progress=False)
        with intervened(encoder, [[2, 40]], 9.0):
            inner = encoder.encode(sentences, neurons="max", progress=False)
        again = encoder.encode(sentences, neurons="max", progress=False)
    for (layer, neuron), value in zip(CHOSEN, VALUES, strict=True):
        np.testing.assert_array_equal(found.neuron_layer("max", layer)[:, neuron], np.float32(value))
        expected = 9.0 if neuron == 40 else value
        np.testing.assert_array_equal(inner.neuron_layer("max", layer)[:, neuron], np.float32(expected))
    np.testing.assert_array_equal(again.neurons["max"], found.neurons["max"])


def test_no_neurons_change_nothing(save_model, sentences):
    encoder = load_encoder(save_model("bert"))
    usual = encoder.encode(sentences, progress=False).layers
    with intervened(encoder, np.zeros((0, 2), dtype=int), []):
        np.testing.assert_array_equal(encoder.encode(sentences, progress=False).layers, usual)


def test_language_specific_neurons_can_be_silenced(save_model, sentences):
    encoder = load_encoder(save_model("bert"))
    parts = {"eng_Latn": sentences[:5], "deu_Latn": sentences[5:6]}
    counts = [encoder.count_firing(texts, language=name, progress=False) for name, texts in parts.items()]
    neurons = counts[0].merge(counts[1]).finish(rate=0.2, percentile=0.7).neurons["deu_Latn"]
    assert len(neurons) > 3
    with intervened(encoder, neurons, 0.0):
        silent = encoder.count_firing(sentences, progress=False)
    assert silent.fire_counts[neurons[:, 0] - 1, neurons[:, 1]].sum() == 0


def test_nothing_enters_or_leaves_the_cache_meanwhile(save_model, sentences, tmp_path):
    encoder, cache = load_encoder(save_model("llama")), ActivationCache(tmp_path)
    with intervened(encoder, CHOSEN, VALUES):
        first = cached_encode(encoder, sentences, cache=cache, progress=False)
    assert cache.entries() == ()
    usual = cached_encode(encoder, sentences, cache=cache, progress=False)
    with intervened(encoder, CHOSEN, VALUES):
        again = cached_encode(encoder, sentences, cache=cache, progress=False)
    np.testing.assert_array_equal(again.layers, first.layers)
    assert not np.allclose(usual.layer(3), again.layer(3), atol=1e-3)
    np.testing.assert_array_equal(cached_encode(encoder, sentences, cache=cache, progress=False).layers, usual.layers)


def test_an_error_inside_leaves_the_model_as_it_was(save_model, sentences):
    encoder = load_encoder(save_model("bert"))
    usual = encoder.encode(sentences, progress=False).layers
    with pytest.raises(KeyError), intervened(encoder, CHOSEN, VALUES):
        raise KeyError("anything")
    assert encoder.n_interventions == 0
    np.testing.assert_array_equal(encoder.encode(sentences, progress=False).layers, usual)


@pytest.mark.parametrize(
    ("neurons", "values", "error", "message"),
    [
        ([[0, 5]], 0.0, UnknownNameError, r"layers in 1\.\.3 and numbers in 0\.\.47, got layer 0, neuron 5"),
        ([[3, 48]], 0.0, UnknownNameError, "got layer 3, neuron 48"),
        ([[4, 1]], 0.0, UnknownNameError, "got layer 4, neuron 1"),
        ([[1, 2], [1, 2]], 0.0, ValueError, "neurons must name each neuron once, got layer 1, neuron 2 more often"),
        ([1, 2], 0.0, ValueError, r"neurons must be rows of layer and neuron, whole numbers, got shape \(2,\)"),
        ([[1.0, 2.0]], 0.0, ValueError, "whole numbers, got .*float64"),
        ([[1, 2], [1, 3]], [0.0], ValueError, r"values must be one finite number, or one for each of 2 neurons"),
        ([[1, 2]], float("nan"), ValueError, "NaN or infinity"),
    ],
)
def test_neurons_and_values_that_do_not_fit_are_refused(save_model, neurons, values, error, message):
    encoder = load_encoder(save_model("bert"))
    with pytest.raises(error, match=message), intervened(encoder, neurons, values):
        pass
    assert encoder.n_interventions == 0


def test_a_model_whose_neurons_are_not_known_is_refused(save_model, monkeypatch):
    monkeypatch.setattr("xalign.encoders.neuron_sites.FAMILIES", ())
    monkeypatch.setattr("xalign.encoders.neuron_sites._is_activation", lambda module: False)
    encoder = load_encoder(save_model("llama"))
    with pytest.raises(ModelError, match="neuron_modules"), intervened(encoder, [[1, 1]], 0.0):
        pass
