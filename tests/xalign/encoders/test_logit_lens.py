"""The last layer is the model's own prediction, the others go through its own norm and unembedding."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from probes.lens import language_probabilities
from xalign.encoders.logit_lens import LogitLens, load_logit_lens
from xalign.errors import ModelError, UnknownNameError

PROMPTS = ("the cat sleeps on the", "rain", "two rivers meet below the old stone", "der Hund")
NORMS = {"llama": "norm", "qwen2": "norm", "qwen3": "norm", "gpt2": "ln_f", "bloom": "ln_f", "neox": "final_layer_norm"}


@pytest.fixture(scope="session")
def save_decoder(families, tokenizer, tmp_path_factory) -> Callable[..., Path]:
    """Save a tiny random decoder with its head, and weights large enough for every part to matter."""
    made: dict[tuple, Path] = {}
    known = {**families, "granite": ("Granite", families["llama"][1]), "cohere": ("Cohere", families["llama"][1])}

    def save(family: str, **options) -> Path:
        key = (family, *sorted(options.items()))
        if key not in made:
            prefix, usual = known[family]
            special = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
            config = getattr(transformers, f"{prefix}Config")(vocab_size=300, **special, **{**usual, **options})
            torch.manual_seed(0)
            model = transformers.AutoModelForCausalLM.from_config(config)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(torch.randn_like(parameter) * (0.1 if parameter.dim() == 1 else 0.2))
            made[key] = tmp_path_factory.mktemp(family)
            model.save_pretrained(made[key])
            tokenizer.save_pretrained(made[key])
        return made[key]

    return save


def read(lens: LogitLens, prompts=PROMPTS, **options) -> np.ndarray:
    return lens.distributions(prompts, progress=False, **options)


def ids_of(lens: LogitLens, prompt: str) -> torch.Tensor:
    """The prompt's tokens with <s> before and without the </s> that the tokenizer puts behind."""
    ids = lens.tokenizer(prompt)["input_ids"]
    assert ids[-1] == 2
    return torch.tensor([ids[:-1]])


def test_the_last_layer_is_the_models_own_prediction(decoder, save_decoder):
    folder = save_decoder(decoder)
    lens = load_logit_lens(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.inference_mode():
        own = [model(input_ids=ids_of(lens, prompt)).logits[0, -1].softmax(-1).numpy() for prompt in PROMPTS]
    found = read(lens)
    np.testing.assert_allclose(found[-1], own, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=2), 1, atol=1e-5)
    assert np.abs(found[:-1] - found[-1]).max(axis=(1, 2)).min() > 0.005


@pytest.mark.parametrize("family_name", list(NORMS))
def test_every_other_layer_goes_through_the_norm_and_the_unembedding(family_name, save_decoder):
    folder = save_decoder(family_name)
    lens = load_logit_lens(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    norm = getattr(model.base_model, NORMS[family_name])
    found = read(lens)
    for row, prompt in enumerate(PROMPTS):
        with torch.inference_mode():
            states = model(input_ids=ids_of(lens, prompt), output_hidden_states=True).hidden_states[:-1]
            by_hand = [model.get_output_embeddings()(norm(layer[0, -1])).softmax(-1).numpy() for layer in states]
        np.testing.assert_allclose(found[:-1, row], by_hand, atol=1e-5)


@pytest.mark.parametrize(
    ("family_name", "options"),
    [("gemma2", {"final_logit_softcapping": 0.5}), ("granite", {"logits_scaling": 6.0}), ("cohere", {})],
)
def test_caps_and_scales_of_the_logits_are_the_models_own(family_name, options, save_decoder):
    lens = load_logit_lens(save_decoder(family_name, **options))
    with torch.inference_mode():
        own = [lens._model(input_ids=ids_of(lens, prompt)).logits[0, -1].softmax(-1).numpy() for prompt in PROMPTS]
    np.testing.assert_allclose(read(lens)[-1], own, atol=1e-5)
    assert (lens._head.scale, lens._head.cap) != (1, None)


@pytest.mark.parametrize("batch_tokens", [1, 17, 10_000])
def test_a_prompts_distributions_do_not_depend_on_its_batch(save_decoder, batch_tokens, monkeypatch):
    lens = load_logit_lens(save_decoder("llama"))
    usual = read(lens)
    monkeypatch.setattr("xalign.encoders.logit_lens.DISTRIBUTION_ELEMENTS", 3000)
    np.testing.assert_allclose(read(lens, batch_tokens=batch_tokens), usual, atol=1e-6)
    np.testing.assert_allclose(read(lens, PROMPTS[::-1]), usual[:, ::-1], atol=1e-6)


def test_some_layers_are_those_of_all(save_decoder):
    lens = load_logit_lens(save_decoder("qwen2"))
    np.testing.assert_array_equal(read(lens, layers=[3, 1]), read(lens)[[1, 3]])
    with pytest.raises(UnknownNameError, match=r"layers must be in 0\.\.3"):
        read(lens, layers=[4])


@pytest.mark.parametrize("batch_tokens", [10, 1000])
def test_probabilities_of_languages_are_those_of_the_distributions(save_decoder, batch_tokens):
    lens = load_logit_lens(save_decoder("gpt2"))
    sets = {"eng_Latn": [{1, 7}, {2, 9}, {3}, {4, 5}], "deu_Latn": [{1, 8}, {12}, {13}, {14, 15, 16}]}
    found = lens.language_probabilities(PROMPTS, sets, batch_tokens=batch_tokens, progress=False)
    expected = language_probabilities(read(lens), sets)
    np.testing.assert_allclose(found.masses, expected.masses, atol=1e-7)
    np.testing.assert_allclose(found.entropy_by_prompt, expected.entropy_by_prompt, atol=1e-5)
    assert (found.languages, found.n_shared) == (expected.languages, 1)
    with pytest.raises(ValueError, match="token_sets must hold a set for each of the 3 prompts, got 4"):
        lens.language_probabilities(PROMPTS[:3], sets, progress=False)


def test_half_precision_is_near_float32(save_decoder):
    folder = save_decoder("llama")
    exact, half = read(load_logit_lens(folder)), read(load_logit_lens(folder, dtype="bfloat16"))
    assert half.dtype == np.float32
    assert 0 < np.abs(half - exact).max() < 0.05


@pytest.mark.parametrize("family_name", ["bert", "xlm-r", "modernbert", "distilbert", "mt5", "m2m"])
def test_encoders_are_refused_with_the_reason(save_model, family_name):
    with pytest.raises(ModelError, match=r"the logit lens is for decoders, .* is none; give a causal language model"):
        load_logit_lens(save_model(family_name))


def test_a_decoder_saved_without_its_head_is_refused(save_model):
    with pytest.raises(
        ModelError, match=r"the weights hold no language-model head \(lm_head\).*save the model with it"
    ):
        load_logit_lens(save_model("llama"))


def test_a_tied_head_needs_no_weights_of_its_own(save_model):
    lens = load_logit_lens(save_model("gpt2"))
    torch.testing.assert_close(lens._head.unembedding.weight, lens._model.base_model.wte.weight)
    assert repr(lens).endswith("3 layers, 300 tokens)")


def test_a_head_that_does_more_is_refused(save_decoder, monkeypatch):
    folder = save_decoder("llama")
    usual = transformers.LlamaForCausalLM.forward

    def bent(self, *args, **options):
        output = usual(self, *args, **options)
        output.logits = output.logits**3
        return output

    monkeypatch.setattr(transformers.LlamaForCausalLM, "forward", bent)
    with pytest.raises(ModelError, match="does more than a norm and an unembedding between its last block"):
        load_logit_lens(folder)


def test_a_prompt_that_would_be_cut_is_named(save_decoder):
    lens = load_logit_lens(save_decoder("llama"))
    with pytest.raises(ValueError, match=r"prompts\[1\] must be at most 64 tokens long.*take fewer examples"):
        read(lens, ["rain", "water " * 70])
