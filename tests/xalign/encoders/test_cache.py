"""What was encoded once is not encoded again, and what is damaged is never believed."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from xalign.encoders import ActivationCache, cached_encode, load_encoder
from xalign.encoders.encoder import Encoder
from xalign.errors import CacheError

ASKED = {"pooling": ("mean", "weighted"), "neurons": ("nas", "nav"), "progress": False}


@pytest.fixture
def cache(tmp_path):
    return ActivationCache(tmp_path / "cache")


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr("xalign.encoders.cached_encoding.BLOCK_SENTENCES", 3)


@pytest.fixture
def forward_passes(monkeypatch):
    """The numbers of sentences that went through a model."""
    passes: list[int] = []
    run = Encoder.encode_request

    def counted(self, sentences, *args, **options):
        passes.append(len(sentences))
        return run(self, sentences, *args, **options)

    monkeypatch.setattr(Encoder, "encode_request", counted)
    return passes


def same(left, right, exact: bool = True) -> None:
    compare = np.testing.assert_array_equal if exact else lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5)
    for pooling in right.poolings:
        compare(left.pooled[pooling], right.pooled[pooling])
    for statistic in right.statistics:
        compare(left.neurons[statistic], right.neurons[statistic])
    np.testing.assert_array_equal(left.n_tokens, right.n_tokens)
    np.testing.assert_array_equal(left.truncated, right.truncated)


def test_cached_activations_are_those_of_encode(save_model, sentences, cache, small_blocks):
    encoder = load_encoder(save_model("llama"), max_length=12)
    cached = cached_encode(encoder, sentences, cache=cache, **ASKED)
    assert len(cached.blocks) == 3
    same(cached, encoder.encode(sentences, **ASKED), exact=False)
    same(cached_encode(encoder, sentences, cache=None, **ASKED), encoder.encode(sentences, **ASKED))


def test_second_call_loads_no_weights_and_gives_the_same_bytes(save_model, sentences, cache, forward_passes):
    first = cached_encode(load_encoder(save_model("bert")), sentences, cache=cache, **ASKED)
    again = load_encoder(save_model("bert"))
    second = cached_encode(again, sentences, cache=cache, **ASKED)
    assert forward_passes == [len(sentences)]
    assert "_layered" not in vars(again)
    same(second, first)


def test_a_layer_is_one_read_of_that_layer(save_model, sentences, cache, small_blocks):
    encoder = load_encoder(save_model("bert"))
    cached = cached_encode(encoder, sentences, cache=cache, **ASKED)
    np.testing.assert_array_equal(cached.layer(2, "weighted"), cached.pooled["weighted"][2])
    np.testing.assert_array_equal(cached.neuron_layer("nav", 3), cached.neurons["nav"][:, 2])
    assert cached.layer(2).dtype == np.float32


def test_fewer_layers_are_read_from_an_entry_of_all(save_model, sentences, cache, forward_passes):
    encoder = load_encoder(save_model("bert"))
    every = cached_encode(encoder, sentences, cache=cache, **ASKED)
    some = cached_encode(encoder, sentences, cache=cache, layers=[1, 3], **ASKED)
    assert len(forward_passes) == 1
    assert some.layer_numbers == (1, 3)
    np.testing.assert_array_equal(some.layers, every.layers[[1, 3]])
    np.testing.assert_array_equal(some.neurons["nav"], every.neurons["nav"][:, [0, 2]])


def test_order_of_poolings_does_not_matter_to_the_cache(save_model, sentences, cache, forward_passes):
    encoder = load_encoder(save_model("bert"))
    one = cached_encode(encoder, sentences, cache=cache, pooling=("cls", "mean"), progress=False)
    other = cached_encode(encoder, sentences, cache=cache, pooling=("mean", "cls"), progress=False)
    assert len(forward_passes) == 1
    np.testing.assert_array_equal(one.layer(2, "cls"), other.layer(2, "cls"))
    np.testing.assert_array_equal(other.layers, one.pooled["mean"])


@pytest.mark.parametrize(
    "change",
    [
        {"sentences": ["water", "rain falls!"]},
        {"sentences": ["rain falls", "water"]},
        {"pooling": "cls"},
        {"neurons": "nas"},
        {"layers": [1]},
        {"load": {"max_length": 9}},
        {"load": {"dtype": "bfloat16"}},
        {"load": {"neuron_site": "product"}},
        {"seed": 1},
        {"tokenizer": True},
    ],
)
def test_anything_that_decides_the_numbers_makes_another_entry(save_model, cache, forward_passes, change, tmp_path):
    base = {
        "sentences": ["water", "rain falls"],
        "pooling": "mean",
        "neurons": None,
        "layers": [2],
        "load": {},
        "seed": 0,
    }

    def run(sentences, load, seed, tokenizer=False, **options):
        folder = save_model("llama", seed)
        if tokenizer:
            folder = shutil.copytree(folder, tmp_path / "other")
            text = (folder / "tokenizer.json").read_text(encoding="utf-8")
            (folder / "tokenizer.json").write_text(text.replace("▁", "▂"), encoding="utf-8")
        return cached_encode(load_encoder(folder, **load), sentences, cache=cache, progress=False, **options)

    run(**base)
    run(**base)
    assert len(forward_passes) == 1
    run(**(base | change))
    assert len(forward_passes) == 2


@pytest.mark.parametrize("library", ["torch", "transformers"])
def test_an_upgrade_computes_again(save_model, sentences, cache, forward_passes, monkeypatch, library):
    encoder = load_encoder(save_model("bert"))
    cached_encode(encoder, sentences, cache=cache, **ASKED)
    monkeypatch.setattr(f"xalign.encoders.encoder.{library}.__version__", "99.0")
    cached_encode(encoder, sentences, cache=cache, **ASKED)
    assert len(forward_passes) == 2


def test_batches_names_and_labels_make_no_other_entry(save_model, sentences, cache, forward_passes, tmp_path):
    copy = shutil.copytree(save_model("bert"), tmp_path / "copy")
    cached_encode(load_encoder(save_model("bert")), sentences, cache=cache, progress=False, label="eng_Latn")
    cached_encode(load_encoder(copy), sentences, cache=cache, progress=False, label="x", batch_tokens=30)
    assert len(forward_passes) == 1


def damage_header(entry):
    (entry / "header.json").write_text(
        (entry / "header.json").read_text().replace('"n_sentences": 8', '"n_sentences": 9')
    )


def tear_header(entry):
    (entry / "header.json").write_text((entry / "header.json").read_text()[:40])


def tear_array(entry):
    path = entry / "mean.npy"
    path.write_bytes(path.read_bytes()[:-64])


def flip_byte(entry):
    path = entry / "nav.npy"
    content = bytearray(path.read_bytes())
    content[-5] ^= 0xFF
    path.write_bytes(content)


def lose_array(entry):
    (entry / "truncated.npy").unlink()


@pytest.mark.parametrize("damage", [damage_header, tear_header, tear_array, flip_byte, lose_array])
def test_a_damaged_entry_is_reported_and_computed_again(save_model, sentences, cache, forward_passes, caplog, damage):
    encoder = load_encoder(save_model("bert"))
    first = cached_encode(encoder, sentences, cache=cache, **ASKED)
    expected = encoder.encode(sentences, **ASKED)
    del forward_passes[:]
    (entry,) = cache._entry_folders()
    damage(entry)
    same(cached_encode(encoder, sentences, cache=cache, **ASKED), expected)
    assert len(forward_passes) == 1
    assert "damaged" in caplog.text
    same(cached_encode(encoder, sentences, cache=cache, **ASKED), first)
    assert len(forward_passes) == 1


def test_a_killed_run_goes_on_with_what_it_finished(save_model, sentences, cache, small_blocks, forward_passes):
    script = f"""
        import time
        import xalign.encoders.cached_encoding as cached_encoding
        from xalign.encoders import ActivationCache, load_encoder
        import xalign.encoders.cache as cache
        cached_encoding.BLOCK_SENTENCES = 3
        fill, done = cache.fill_entry, []
        def slow(folder, *arguments):
            fill(folder, *arguments)
            done.append(folder)
            if len(done) == 2:
                print("half", flush=True)
                time.sleep(60)
        cache.fill_entry = slow
        encoder = load_encoder({str(save_model("bert"))!r})
        cache = ActivationCache({str(cache.folder)!r})
        cached_encoding.cached_encode(encoder, {sentences!r}, cache=cache, progress=False)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
    assert len(cache.entries()) == 1
    assert list(cache._root.glob("unfinished-*"))
    encoder = load_encoder(save_model("bert"))
    found = cached_encode(encoder, sentences, cache=cache, progress=False)
    assert forward_passes == [3, 2]
    np.testing.assert_allclose(found.layers, encoder.encode(sentences, progress=False).layers, atol=1e-5)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_says_how_much_was_needed_and_where(save_model, sentences, cache, monkeypatch, small_blocks):
    encoder = load_encoder(save_model("bert"))
    cached_encode(encoder, sentences[:3], cache=cache, **ASKED)

    usual = Path.open

    def full(path, *mode, **options):
        return usual(Path("/dev/full") if mode == ("wb",) and path.suffix == ".npy" else path, *mode, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(CacheError, match=rf"{cache.folder} is full: an entry of \d+\.\d MB.*XALIGN_CACHE"):
        cached_encode(encoder, sentences, cache=cache, **ASKED)
    assert len(cache.entries()) == 1
    assert not list(cache._root.glob("unfinished-*"))


def test_a_folder_that_cannot_be_written_is_a_cache_error(save_model, sentences, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CacheError, match="cannot be written"):
        cached_encode(
            load_encoder(save_model("bert")), sentences, cache=ActivationCache(tmp_path / "file"), progress=False
        )


def test_two_writers_of_one_entry_do_no_harm(save_model, sentences, cache, monkeypatch):
    encoder = load_encoder(save_model("bert"))
    first = cached_encode(encoder, sentences, cache=cache, **ASKED)
    monkeypatch.setattr(ActivationCache, "has", lambda self, key: False)
    same(cached_encode(encoder, sentences, cache=cache, **ASKED), first)
    assert len(cache.entries()) == 1
    assert not list(cache._root.glob("unfinished-*"))


def test_entries_are_listed_and_cleared_by_model_and_age(save_model, sentences, cache):
    for family, label in (("bert", "eng_Latn"), ("bert", "deu_Latn"), ("llama", "eng_Latn")):
        texts = sentences if label == "eng_Latn" else sentences[::-1]
        cached_encode(load_encoder(save_model(family)), texts, cache=cache, progress=False, label=label)
    entries = cache.entries()
    assert [(entry.label, entry.n_sentences) for entry in entries] == [
        ("eng_Latn", 8), ("deu_Latn", 8), ("eng_Latn", 8)
    ]  # fmt: skip
    assert all(entry.n_bytes > 4 * 8 * 32 * 4 for entry in entries)
    assert all(abs(entry.created - datetime.now(UTC)) < timedelta(minutes=5) for entry in entries)
    assert cache.clear(model="nobody").n_entries == 0
    assert cache.clear(older_than_days=1).n_entries == 0
    cleared = cache.clear(model=str(save_model("bert")))
    assert (cleared.n_entries, cleared.n_bytes) == (2, entries[0].n_bytes + entries[1].n_bytes)
    time.sleep(0.01)
    assert cache.clear(older_than_days=0).n_entries == 1
    assert cache.entries() == ()


@pytest.mark.parametrize("days", [-1, -0.5, float("nan"), float("inf"), 10**9])
def test_a_number_of_days_without_meaning_removes_nothing(save_model, sentences, cache, days):
    cached_encode(load_encoder(save_model("bert")), sentences, cache=cache, progress=False)
    with pytest.raises(CacheError, match=r"older_than_days must be in 0\.\.36500, got .*nothing was removed"):
        cache.clear(older_than_days=days)
    assert len(cache.entries()) == 1


def test_activations_of_a_cleared_cache_say_so(save_model, sentences, cache):
    found = cached_encode(load_encoder(save_model("bert")), sentences, cache=cache, progress=False)
    cache.clear()
    with pytest.raises(CacheError, match="was the cache cleared"):
        found.layer(1)


def test_folder_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("XALIGN_CACHE", str(tmp_path / "elsewhere"))
    assert ActivationCache().folder == tmp_path / "elsewhere"
    assert ActivationCache().entries() == ()
    assert not (tmp_path / "elsewhere").exists()
