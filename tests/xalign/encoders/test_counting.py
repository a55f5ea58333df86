"""Counts of firing: whole numbers out of shares, and counted without keeping a sentence."""

import numpy as np
import pytest

from xalign.encoders import ActivationCache, cached_encode, load_encoder
from xalign.encoders.activations import Activations, MemoryBlock
from xalign.errors import ActivationError, ModelError, UnknownNameError


@pytest.mark.parametrize("batch_tokens", [1, 60, 10_000])
def test_share_times_tokens_read_is_the_number_of_tokens_that_fire(save_model, sentences, batch_tokens):
    encoder = load_encoder(save_model("llama"), max_length=9)
    found = encoder.encode(sentences, neurons="share", batch_tokens=batch_tokens, progress=False)
    lengths = [len(row) for row in encoder.tokenize(sentences).rows]
    assert found.n_read.tolist() == lengths
    assert max(lengths) == 9 < found.n_tokens.max()
    for number in found.neuron_layer_numbers:
        counts = found.fire_counts(number)
        np.testing.assert_allclose(counts / found.n_read[:, None], found.neuron_layer("share", number), rtol=1e-7)
        assert ((counts >= 0) & (counts <= found.n_read[:, None])).all()


def test_shares_of_other_numbers_of_tokens_are_refused():
    share = np.full((1, 2, 3), 0.4, dtype=np.float32)
    facts = {"n_tokens": np.array([5, 4]), "truncated": np.zeros(2, dtype=bool), "n_read": np.array([5, 4])}
    wrong = Activations((1,), ("mean",), ("share",), (MemoryBlock({"share": share}, **facts),))
    with pytest.raises(ActivationError, match="share x n_read must be whole numbers at layer 1"):
        wrong.fire_counts(1)
    with pytest.raises(UnknownNameError, match="neurons must be one of those encoded"):
        Activations((1,), ("mean",), ("nav",), (MemoryBlock({"nav": share}, **facts),)).fire_counts(1)


@pytest.mark.parametrize("name", ["bert", "llama", "mt5", "bloom"])
@pytest.mark.parametrize("block", [3, 2048])
def test_counting_agrees_with_the_shares_of_every_sentence(save_model, sentences, monkeypatch, name, block):
    monkeypatch.setattr("xalign.encoders.encoder.BLOCK_SENTENCES", block)
    encoder = load_encoder(save_model(name))
    one_by_one = encoder.encode(sentences, neurons="share", batch_tokens=1, progress=False)
    expected = np.stack([one_by_one.fire_counts(number).sum(axis=0) for number in (1, 2, 3)])
    found = encoder.count_firing(iter(sentences), language="eng_Latn", batch_tokens=50, progress=False)
    assert (found.languages, found.layers, found.n_tokens.tolist()) == (
        ("eng_Latn",),
        (1, 2, 3),
        [one_by_one.n_read.sum()],
    )
    off = np.abs(found.fire_counts[:, :, 0] - expected)
    assert off.max() <= 1
    assert off.mean() < 0.002, "only activations within rounding of 0 may fire differently"


def test_counts_of_shards_add_up_and_find_neurons(save_model, sentences):
    encoder = load_encoder(save_model("bert"))
    options = {"batch_tokens": 1, "layers": [0, 1, 3], "progress": False}
    whole = encoder.count_firing(sentences, language="a", **options)
    shards = [encoder.count_firing(part, language="a", **options) for part in (sentences[:3], sentences[3:])]
    merged = shards[0].merge(shards[1])
    np.testing.assert_array_equal(merged.fire_counts, whole.fire_counts)
    np.testing.assert_array_equal(merged.n_tokens, whole.n_tokens)
    both = whole.merge(encoder.count_firing(["water"], language="b", **options))
    found = both.finish(rate=0.5)
    assert set(found.neurons) == {"a", "b"}
    assert set(found.selected[:, 0].tolist()) <= {1, 3}


def test_n_read_is_kept_in_the_cache(save_model, sentences, tmp_path):
    encoder = load_encoder(save_model("bert"), max_length=9)
    cache = ActivationCache(tmp_path)
    options = {"cache": cache, "neurons": ("share", "max"), "progress": False}
    first, again = (cached_encode(encoder, sentences, **options) for _ in range(2))
    usual = encoder.encode(sentences, neurons=("share", "max"), progress=False)
    for found in (first, again):
        np.testing.assert_array_equal(found.n_read, usual.n_read)
        np.testing.assert_array_equal(found.fire_counts(2), usual.fire_counts(2))
        np.testing.assert_array_equal(found.neuron_layer("max", 3), usual.neuron_layer("max", 3))


def test_entries_of_an_older_format_are_computed_again_and_can_be_listed_and_cleared(save_model, sentences, tmp_path):
    encoder = load_encoder(save_model("bert"))
    cache = ActivationCache(tmp_path)
    cached_encode(encoder, sentences, cache=cache, progress=False)
    (tmp_path / "activations-2").rename(tmp_path / "activations-1")
    for path in tmp_path.rglob("n_read.npy"):
        path.unlink()
    assert len(cache.entries()) == 1
    found = cached_encode(encoder, sentences, cache=cache, progress=False)
    np.testing.assert_array_equal(found.n_read, encoder.encode(sentences, progress=False).n_read)
    np.testing.assert_array_equal(found.layers, encoder.encode(sentences, progress=False).layers)
    assert len(cache.entries()) == 2
    assert cache.clear().n_entries == 2
    assert not list(tmp_path.rglob("*.npy"))


def test_what_cannot_be_counted_is_refused(save_model, sentences, monkeypatch):
    encoder = load_encoder(save_model("bert"))
    with pytest.raises(UnknownNameError, match="layer 0 has no neurons"):
        encoder.count_firing(sentences, layers=[0], progress=False)
    with pytest.raises(ValueError, match="sentences must hold at least one sentence, got none"):
        encoder.count_firing(iter(()), progress=False)
    with pytest.raises(TypeError, match="got one string; put it into a list"):
        encoder.count_firing("water", progress=False)
    monkeypatch.setattr("xalign.encoders.encoder.BLOCK_SENTENCES", 2)
    with pytest.raises(ValueError, match=r"sentences\[1\] is blank.*counted from sentence 2 on"):
        encoder.count_firing(["a", "b", "c", " "], progress=False)
    monkeypatch.setattr("xalign.encoders.neuron_sites.FAMILIES", ())
    monkeypatch.setattr("xalign.encoders.neuron_sites._is_activation", lambda module: False)
    with pytest.raises(ModelError, match="neuron_modules"):
        load_encoder(save_model("bert")).count_firing(sentences, progress=False)


def test_damaged_weights_are_found_while_counting(save_model, sentences, monkeypatch):
    monkeypatch.setattr("xalign.encoders.encoder.BLOCK_SENTENCES", 3)
    encoder = load_encoder(save_model("llama"))
    encoder.model.layers[1].mlp.up_proj.weight[5] = float("nan")
    with pytest.raises(ActivationError, match=r"layer 3 gave NaN or infinite values for sentence \d \(from 0\)"):
        encoder.count_firing(sentences, progress=False)
