"""What `encode` returns is transformers' own hidden states, pooled, whatever the batch."""

import numpy as np
import pytest
import torch
import transformers

from xalign.encoders import load_encoder

POOLINGS = ("mean", "cls", "last", "weighted")


def hidden_states(encoder, sentence: str) -> np.ndarray:
    """Run one sentence alone and return transformers' hidden states, (layers, tokens, d)."""
    ids = torch.tensor([encoder.tokenizer(sentence)["input_ids"]])
    with torch.inference_mode():
        output = encoder.model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True)
    return torch.stack(output.hidden_states)[:, 0].numpy()


def pooled_by_hand(states: np.ndarray, pooling: str) -> np.ndarray:
    n_tokens = states.shape[1]
    positions = np.arange(1, n_tokens + 1)
    weighted = sum(position * states[:, position - 1] for position in positions) / positions.sum()
    return {"mean": states.mean(1), "cls": states[:, 0], "last": states[:, n_tokens - 1], "weighted": weighted}[pooling]


def test_layers_are_the_pooled_hidden_states_of_each_sentence_alone(family_folder, sentences):
    encoder = load_encoder(family_folder)
    found = encoder.encode(sentences, pooling=POOLINGS, batch_tokens=64, progress=False)
    alone = [hidden_states(encoder, sentence) for sentence in sentences]
    for pooling in POOLINGS:
        expected = np.stack([pooled_by_hand(states, pooling) for states in alone], axis=1)
        np.testing.assert_allclose(found.pooled[pooling], expected, atol=1e-5)


def test_hooks_see_what_transformers_calls_its_hidden_states(family_folder):
    encoder = load_encoder(family_folder)
    assert len(encoder.layered.blocks) == encoder.n_layers


@pytest.mark.parametrize("batch_tokens", [1, 40, 100_000])
def test_answer_does_not_depend_on_the_batch(family_folder, sentences, batch_tokens):
    encoder = load_encoder(family_folder)
    asked = {"pooling": POOLINGS, "neurons": ("nas", "nav"), "progress": False}
    usual = encoder.encode(sentences, **asked)
    other = encoder.encode(sentences, batch_tokens=batch_tokens, **asked)
    for pooling in POOLINGS:
        np.testing.assert_allclose(other.pooled[pooling], usual.pooled[pooling], atol=1e-5)
    np.testing.assert_allclose(other.neurons["nav"], usual.neurons["nav"], atol=1e-5)
    fired_otherwise = np.abs(other.neurons["nas"] - usual.neurons["nas"]) > 1e-5
    assert fired_otherwise.mean() < 0.001, "only activations within rounding of 0 may fire differently"


def test_left_padding_by_hand_with_its_position_ids_gives_the_same_decoder_states(decoder, save_model, sentences):
    encoder = load_encoder(save_model(decoder))
    encoder.tokenizer.padding_side = "left"
    batch = encoder.tokenizer(sentences, padding=True, return_tensors="pt")
    mask = batch["attention_mask"]
    positions = {} if decoder == "bloom" else {"position_ids": (mask.cumsum(1) - 1).clamp(min=0)}
    with torch.inference_mode():
        output = encoder.model(
            input_ids=batch["input_ids"], attention_mask=mask, output_hidden_states=True, **positions
        )
    expected = torch.stack([states[:, -1] for states in output.hidden_states]).numpy()
    found = encoder.encode(sentences, pooling="last", progress=False).layers
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_tokenizer_that_pads_left_changes_nothing(save_model, sentences, tmp_path, tokenizer):
    folder = save_model("llama")
    model = transformers.AutoModel.from_pretrained(folder)
    model.save_pretrained(tmp_path)
    left = transformers.AutoTokenizer.from_pretrained(folder, padding_side="left", pad_token=None)
    left.save_pretrained(tmp_path)
    assert transformers.AutoTokenizer.from_pretrained(tmp_path).padding_side == "left"
    usual = load_encoder(folder).encode(sentences, pooling=POOLINGS, progress=False)
    other = load_encoder(tmp_path).encode(sentences, pooling=POOLINGS, progress=False)
    for pooling in POOLINGS:
        np.testing.assert_array_equal(other.pooled[pooling], usual.pooled[pooling])


def test_rows_follow_the_sentences_under_any_order(save_model, sentences):
    encoder = load_encoder(save_model("xlm-r"))
    order = np.random.default_rng(0).permutation(len(sentences))
    straight = encoder.encode(sentences, batch_tokens=50, progress=False)
    shuffled = encoder.encode([sentences[row] for row in order], batch_tokens=50, progress=False)
    np.testing.assert_allclose(shuffled.layers, straight.layers[:, order], atol=1e-5)
    np.testing.assert_array_equal(shuffled.n_tokens, straight.n_tokens[order])


def test_duplicates_have_equal_vectors_and_neurons(save_model, sentences):
    encoder = load_encoder(save_model("llama"))
    twice = encoder.encode([*sentences, *sentences], neurons="nav", batch_tokens=60, progress=False)
    n = len(sentences)
    np.testing.assert_allclose(twice.layers[:, :n], twice.layers[:, n:], atol=1e-5)
    np.testing.assert_allclose(twice.neurons["nav"][:n], twice.neurons["nav"][n:], atol=1e-5)


def test_some_layers_are_those_of_all_layers_in_ascending_order(save_model, sentences):
    encoder = load_encoder(save_model("gpt2"))
    every = encoder.encode(sentences, neurons="nas", progress=False)
    some = encoder.encode(sentences, layers=[3, 0, 2], neurons="nas", progress=False)
    assert some.layer_numbers == (0, 2, 3)
    assert some.neuron_layer_numbers == (2, 3)
    for number in some.layer_numbers:
        np.testing.assert_array_equal(some.layer(number), every.layer(number))
    np.testing.assert_array_equal(some.neuron_layer("nas", 2), every.neuron_layer("nas", 2))
    np.testing.assert_array_equal(some.neurons["nas"], every.neurons["nas"][:, 1:])


def test_a_model_whose_blocks_cannot_be_hooked_still_gives_its_hidden_states(tmp_path, tokenizer, sentences):
    options = {"hidden_size": 32, "embedding_size": 16, "intermediate_size": 48, "num_attention_heads": 4}
    config = transformers.AlbertConfig(vocab_size=300, num_hidden_layers=3, pad_token_id=1, **options)
    transformers.AlbertModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    encoder = load_encoder(tmp_path)
    assert encoder.layered.blocks == ()
    found = encoder.encode(sentences, progress=False).layers
    expected = np.stack([hidden_states(encoder, sentence).mean(1) for sentence in sentences], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_hooks_are_not_believed_where_the_last_layer_is_not_the_output(save_model, sentences):
    encoder = load_encoder(save_model("llama"))
    encoder.config.tie_last_hidden_states = False
    assert encoder.layered.blocks == ()
    expected = np.stack([hidden_states(encoder, sentence).mean(1) for sentence in sentences], axis=1)
    np.testing.assert_allclose(encoder.encode(sentences, progress=False).layers, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_near_float32_and_comes_back_as_float32(save_model, sentences, dtype):
    folder = save_model("llama")
    exact = load_encoder(folder).encode(sentences, progress=False).layers
    encoder = load_encoder(folder, dtype=dtype)
    found = encoder.encode(sentences, progress=False).layers
    assert str(next(encoder.model.parameters()).dtype) == f"torch.{dtype}"
    assert found.dtype == np.float32
    assert 0 < np.abs(found - exact).max() < 0.1


def test_device_map_gives_the_same_numbers_as_one_device(save_model, sentences):
    folder = save_model("qwen2")
    plain = load_encoder(folder).encode(sentences, neurons="nav", progress=False)
    mapped = load_encoder(folder, device_map={"": "cpu"}).encode(sentences, neurons="nav", progress=False)
    np.testing.assert_array_equal(mapped.layers, plain.layers)
    np.testing.assert_array_equal(mapped.neurons["nav"], plain.neurons["nav"])


def test_blocks_offloaded_to_disk_give_the_same_numbers(save_model, sentences, tmp_path):
    folder = save_model("llama")
    plain = load_encoder(folder).encode(sentences, neurons="nav", progress=False)
    where = {
        "embed_tokens": "cpu",
        "norm": "cpu",
        "rotary_emb": "cpu",
        "layers.0": "cpu",
        "layers.1": "disk",
        "layers.2": "cpu",
    }
    encoder = load_encoder(folder, device_map=where)
    np.testing.assert_allclose(encoder.encode(sentences, progress=False).layers, plain.layers, atol=1e-6)
