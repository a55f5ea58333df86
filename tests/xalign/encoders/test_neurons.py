"""Neuron statistics against the FFN computed again from its weights."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from xalign.encoders import load_encoder
from xalign.encoders.neuron_sites import FAMILIES
from xalign.errors import ModelError, UnknownNameError


def tanh_gelu(x):
    return functional.gelu(x, approximate="tanh")


T5_FFN = "layer.1.DenseReluDense"
LLAMA_FFN = ("mlp.gate_proj", "mlp.up_proj")
# family: (linear before the non-linearity, the other linear of a gated FFN or None, the non-linearity);
# one name twice means one matrix that holds gate and up one after the other.
WEIGHTS = {
    "bert": ("intermediate.dense", None, functional.gelu),
    "roberta": ("intermediate.dense", None, functional.gelu),
    "xlm-r": ("intermediate.dense", None, functional.gelu),
    "distilbert": ("ffn.lin1", None, functional.gelu),
    "modernbert": ("mlp.Wi", "mlp.Wi", functional.gelu),
    "mt5": (f"{T5_FFN}.wi_0", f"{T5_FFN}.wi_1", tanh_gelu),
    "t5": (f"{T5_FFN}.wi", None, functional.relu),
    "m2m": ("fc1", None, functional.relu),
    "gpt2": ("mlp.c_fc", None, tanh_gelu),
    "neox": ("mlp.dense_h_to_4h", None, functional.gelu),
    "bloom": ("mlp.dense_h_to_4h", None, tanh_gelu),
    "llama": (*LLAMA_FFN, functional.silu),
    "mistral": (*LLAMA_FFN, functional.silu),
    "qwen2": (*LLAMA_FFN, functional.silu),
    "qwen3": (*LLAMA_FFN, functional.silu),
    "gemma": (*LLAMA_FFN, tanh_gelu),
    "gemma2": (*LLAMA_FFN, tanh_gelu),
    "gemma3": (*LLAMA_FFN, tanh_gelu),
    "phi": ("mlp.fc1", None, tanh_gelu),
    "phi3": ("mlp.gate_up_proj", "mlp.gate_up_proj", functional.silu),
}


def ffn_by_hand(encoder, family: str, sentence: str, *, product: bool) -> np.ndarray:
    """Multiply what enters each FFN by its weights again; (layers, tokens, neurons)."""
    gate, up, activate = WEIGHTS[family]
    inputs: list[torch.Tensor] = []
    gates = [block.get_submodule(gate) for block in encoder.layered.blocks]
    handles = [module.register_forward_pre_hook(lambda _, args: inputs.append(args[0][0])) for module in gates]
    ids = torch.tensor([encoder.tokenizer(sentence)["input_ids"]])
    with torch.inference_mode():
        encoder.model(input_ids=ids, attention_mask=torch.ones_like(ids))
    for handle in handles:
        handle.remove()
    return np.stack(
        [
            one_ffn(block, x, gate, up if product or gate == up else None, activate, product=product).numpy()
            for block, x in zip(encoder.layered.blocks, inputs, strict=True)
        ]
    )


def one_ffn(block, x, gate, up, activate, *, product):
    first = multiply(block.get_submodule(gate), x)
    if up is None:
        return activate(first)
    if gate == up:
        first, second = first[:, : first.shape[1] // 2], first[:, first.shape[1] // 2 :]
    else:
        second = multiply(block.get_submodule(up), x)
    return activate(first) * second if product else activate(first)


def multiply(linear, x):
    weight = linear.weight if isinstance(linear, torch.nn.Linear) else linear.weight.T
    result = torch.einsum("td,nd->tn", x, weight)
    return result if linear.bias is None else result + linear.bias


def expected_states(acts: np.ndarray) -> dict[str, np.ndarray]:
    positions = np.arange(1, acts.shape[1] + 1)
    weights = positions / positions.sum()
    return {
        "nas": np.einsum("t,ltn->ln", weights, acts > 0),
        "nav": np.einsum("t,ltn->ln", weights, np.abs(acts)),
        "share": np.mean(acts > 0, axis=1),
        "max": acts.max(axis=1),
    }


@pytest.mark.parametrize("site", ["gate", "product"])
def test_neurons_are_the_ffn_computed_again_from_its_weights(family, family_folder, sentences, site):
    encoder = load_encoder(family_folder, neuron_site=site)
    found = encoder.encode(sentences, neurons=("nas", "nav", "share", "max"), batch_tokens=64, progress=False)
    for row, sentence in enumerate(sentences):
        expected = expected_states(ffn_by_hand(encoder, family, sentence, product=site == "product"))
        for statistic in ("nav", "max"):
            np.testing.assert_allclose(found.neurons[statistic][row], expected[statistic], atol=1e-5)
        for statistic in ("nas", "share"):
            off = np.abs(found.neurons[statistic][row] - expected[statistic]) > 1e-5
            assert off.mean() < 0.001, "only activations within rounding of 0 may fire differently"


def test_gate_and_product_differ_only_where_there_is_a_gate(family, family_folder, sentences):
    gate, product = (
        load_encoder(family_folder, neuron_site=site).encode(sentences, neurons="nav", progress=False).neurons["nav"]
        for site in ("gate", "product")
    )
    gated = WEIGHTS[family][1] is not None
    assert np.allclose(gate, product, atol=1e-6) == (not gated)


@pytest.mark.parametrize("statistics", [("max",), ("share",), ("share", "nav"), ("max", "nas"), ("share", "nas")])
def test_a_statistic_does_not_depend_on_which_others_are_asked(save_model, sentences, statistics):
    encoder = load_encoder(save_model("llama"))
    every = encoder.encode(sentences, neurons=("nas", "nav", "share", "max"), progress=False).neurons
    some = encoder.encode(sentences, neurons=statistics, progress=False).neurons
    for statistic in statistics:
        np.testing.assert_array_equal(some[statistic], every[statistic])


def test_nas_is_a_share_and_nav_is_not_negative(save_model, sentences):
    neurons = load_encoder(save_model("llama")).encode(sentences, neurons=["nas", "nav"], progress=False).neurons
    assert ((neurons["nas"] >= 0) & (neurons["nas"] <= 1 + 1e-6)).all()
    assert (neurons["nav"] >= 0).all()
    assert 0.2 < neurons["nas"].mean() < 0.8


def test_a_family_is_one_line():
    assert all(len(family) == 3 for family in FAMILIES)
    assert len({family[1:] for family in FAMILIES}) == len(FAMILIES)


@pytest.mark.parametrize("pattern", ["model.layers.{}.mlp.act_fn", "layers.{}.mlp.act_fn"])
def test_a_module_named_by_the_user_is_read_from_either_root(save_model, sentences, pattern):
    folder = save_model("llama")
    usual = load_encoder(folder).encode(sentences, neurons="nav", progress=False).neurons["nav"]
    named = load_encoder(folder, neuron_modules=pattern).encode(sentences, neurons="nav", progress=False)
    np.testing.assert_array_equal(named.neurons["nav"], usual)


def test_the_input_of_a_named_module_is_its_product(save_model, sentences):
    folder = save_model("llama")
    product = load_encoder(folder, neuron_site="product").encode(sentences, neurons="nav", progress=False)
    named = load_encoder(folder, neuron_modules="layers.{}.mlp.down_proj:input")
    found = named.encode(sentences, neurons="nav", progress=False)
    np.testing.assert_array_equal(found.neurons["nav"], product.neurons["nav"])


@pytest.mark.parametrize("pattern", ["layers.{}.mlp.nothing", "layers.0.mlp.act_fn", "layers.{}.mlp.act_fn:middle"])
def test_a_wrong_module_name_lists_what_is_there(save_model, pattern):
    encoder = load_encoder(save_model("llama"), neuron_modules=pattern)
    with pytest.raises(ModelError, match=r"neuron_modules"):
        encoder.encode(["water"], neurons="nas", progress=False)


def test_an_unknown_architecture_says_how_to_name_the_module(save_model, monkeypatch):
    monkeypatch.setattr("xalign.encoders.neuron_sites.FAMILIES", ())
    monkeypatch.setattr("xalign.encoders.neuron_sites._is_activation", lambda module: False)
    encoder = load_encoder(save_model("llama"))
    assert encoder.n_neurons is None
    with pytest.raises(ModelError, match=r'neuron_modules="layers\.\{\}\.mlp\.act_fn".*layers\.0\.mlp'):
        encoder.encode(["water"], neurons="nas", progress=False)


def test_an_unlisted_architecture_with_one_activation_per_block_is_found_by_structure(
    family_folder, sentences, monkeypatch
):
    usual = load_encoder(family_folder).encode(sentences, neurons="nav", progress=False).neurons["nav"]
    monkeypatch.setattr("xalign.encoders.neuron_sites.FAMILIES", ())
    encoder = load_encoder(family_folder)
    if "bloom" in str(family_folder):
        assert encoder.n_neurons is None
    else:
        np.testing.assert_array_equal(encoder.encode(sentences, neurons="nav", progress=False).neurons["nav"], usual)


def test_layer_0_has_no_neurons(save_model):
    with pytest.raises(UnknownNameError, match="layer 0 has no neurons"):
        load_encoder(save_model("llama")).encode(["water"], layers=[0], neurons="nas", progress=False)
