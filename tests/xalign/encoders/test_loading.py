"""A model is found, or the error says what is missing and what to do."""

import json
import pickle
import shutil

import numpy as np
import pytest
import torch
import transformers

from xalign.encoders import load_encoder
from xalign.encoders.fingerprints import digest_file
from xalign.encoders.tokenizing import tokenize
from xalign.errors import ActivationError, ModelError, UnknownNameError


@pytest.fixture
def folder(save_model, tmp_path):
    """A copy of a model folder, to be damaged."""
    return shutil.copytree(save_model("xlm-r"), tmp_path / "model")


def test_an_encoder_knows_its_shape_before_its_weights_are_read(family_folder):
    encoder = load_encoder(family_folder)
    assert (encoder.n_layers, encoder.hidden_size, encoder.dtype, encoder.revision) == (3, 32, "float32", None)
    assert "_layered" not in vars(encoder)
    assert encoder.encode(["water"], progress=False).layers.shape == (4, 1, 32)
    assert encoder.n_neurons in (48, 128)


def test_of_an_encoder_decoder_only_the_encoder_is_kept(save_model):
    for family, parts in (("mt5", "decoder"), ("m2m", "decoder")):
        names = [name for name, _ in load_encoder(save_model(family)).model.named_parameters()]
        assert names
        assert not [name for name in names if parts in name]


def test_pickled_weights_are_refused_with_the_reason(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    with pytest.raises(ModelError, match=r"pickled \(pytorch_model\.bin\).*unpickling runs whatever code"):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("config.json", "config.json is missing"),
        ("model.safetensors", "model.safetensors is missing"),
        ("tokenizer.json", "tokenizer is missing"),
    ],
)
def test_a_missing_part_is_named(folder, file, message):
    (folder / file).unlink()
    with pytest.raises(ModelError, match=message):
        load_encoder(folder)


def test_torn_weights_are_found_before_they_are_read(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"must have \d+ bytes by its header, got \d+"):
        load_encoder(folder)


def test_a_git_lfs_pointer_is_not_taken_for_weights(folder):
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(ModelError, match="not a safetensors file"):
        load_encoder(folder)


def test_a_shard_that_the_index_names_must_be_there(folder):
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"model-00001-of-00002\.safetensors is missing"):
        load_encoder(folder)


def test_sharded_weights_give_the_numbers_of_whole_ones(save_model, folder, sentences):
    whole = save_model("xlm-r")
    (folder / "model.safetensors").unlink()
    transformers.AutoModel.from_pretrained(whole).save_pretrained(folder, max_shard_size="30KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    expected = load_encoder(whole).encode(sentences, progress=False).layers
    np.testing.assert_array_equal(load_encoder(folder).encode(sentences, progress=False).layers, expected)


@pytest.mark.parametrize("index", [{}, [], {"weight_map": {}}, {"weight_map": ["a"]}, {"weight_map": {"a": 1}}])
def test_an_index_that_names_no_weights_is_a_model_error(folder, index):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"index\.json must map weights to files"):
        load_encoder(folder)


@pytest.mark.parametrize("content", ["[]", "{}", '[{"path": ""}]', '[{"type": "Transformer"}]', '["Transformer"]'])
def test_a_list_of_modules_that_names_none_is_a_model_error(folder, content):
    (folder / "modules.json").write_text(content)
    with pytest.raises(ModelError, match=r"modules\.json must list at least one module"):
        load_encoder(folder)


def test_token_ids_beyond_the_embeddings_name_tokenizer_and_model(folder):
    encoder = load_encoder(folder)
    assert encoder.encode(["water"], progress=False).layers.shape == (4, 1, 32)
    encoder.tokenizer.add_tokens(["zebra"])
    largest = len(encoder.tokenizer) - 1
    encoder.model.resize_token_embeddings(largest)
    with pytest.raises(ModelError, match=rf"{folder}.*TokenizersBackend.*id {largest}.*0\.\.{largest - 1} only"):
        encoder.encode(["water", "a zebra"], progress=False)
    assert encoder.encode(["water"], progress=False).layers.shape == (4, 1, 32)


def test_a_tokenizer_of_a_larger_model_is_found_before_its_first_forward_pass(save_model, tmp_path, tokenizer):
    options = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4}
    transformers.BertModel(transformers.BertConfig(vocab_size=5, **options)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"embeddings for 0\.\.4 only"):
        load_encoder(tmp_path).encode(["water"], progress=False)


@pytest.mark.parametrize(
    ("family", "key"),
    [("xlm-r", "num_hidden_layers"), ("llama", "num_hidden_layers"), ("bloom", "n_layer"), ("mt5", "num_layers"),
     ("m2m", "encoder_layers"), ("gpt2", "n_layer")],
)  # fmt: skip
@pytest.mark.parametrize("with_head", [False, True])
def test_a_config_that_would_cut_the_model_is_refused(tmp_path, tokenizer, families, edit_json, family, key, with_head):
    prefix, options = families[family]
    config = getattr(transformers, f"{prefix}Config")(vocab_size=300, **options)
    heads = transformers.AutoModelForMaskedLM if family == "xlm-r" else transformers.AutoModelForCausalLM
    heads = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else heads
    (heads if with_head else transformers.AutoModel).from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert load_encoder(tmp_path).encode(["water"], progress=False).layer_numbers == (0, 1, 2, 3)
    edit_json(tmp_path / "config.json", **{key: 1})
    with pytest.raises(ModelError, match=r"hold 3 blocks of '.*', config.json speaks of 1; the model would be cut"):
        load_encoder(tmp_path).encode(["water"], progress=False)


def test_blocks_that_only_predict_later_tokens_may_stay_unread(tmp_path, tokenizer, families, edit_json, save_model):
    folder = shutil.copytree(save_model("llama"), tmp_path / "model")
    edit_json(folder / "config.json", num_hidden_layers=2, num_nextn_predict_layers=1)
    assert load_encoder(folder).encode(["water"], progress=False).layer_numbers == (0, 1, 2)


def test_weights_that_would_stay_random_are_refused(folder, edit_json):
    edit_json(folder / "config.json", num_hidden_layers=4)
    with pytest.raises(ModelError, match=r"weights are missing.*would be random"):
        load_encoder(folder).encode(["water"], progress=False)


def test_an_unknown_model_type_is_named(folder, edit_json):
    edit_json(folder / "config.json", model_type="brandnew")
    with pytest.raises(ModelError, match=r"model_type 'brandnew'.*does not know"):
        load_encoder(folder)


def test_remote_code_is_refused_unless_trusted(folder, edit_json):
    ran = folder / "ran"
    (folder / "modeling.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    edit_json(
        folder / "config.json", model_type="brandnew", auto_map={"AutoConfig": "modeling.C", "AutoModel": "modeling.M"}
    )
    with pytest.raises(ModelError, match="trust_remote_code=True"):
        load_encoder(folder)
    assert not ran.exists()


def test_trusted_remote_code_runs_and_is_part_of_the_fingerprint(folder, save_model, edit_json, sentences, monkeypatch):
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(folder.parent / "modules"))
    (folder / "custom.py").write_text(
        "from transformers import XLMRobertaConfig, XLMRobertaModel\n"
        "class C(XLMRobertaConfig):\n    model_type = 'brandnew'\n"
        "class M(XLMRobertaModel):\n    config_class = C\n"
    )
    before = load_encoder(save_model("xlm-r"))
    edit_json(
        folder / "config.json", model_type="brandnew", auto_map={"AutoConfig": "custom.C", "AutoModel": "custom.M"}
    )
    edit_json(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    encoder = load_encoder(folder, trust_remote_code=True)
    expected = before.encode(sentences, progress=False).layers
    np.testing.assert_allclose(encoder.encode(sentences, progress=False).layers, expected, atol=1e-5)
    first = encoder.fingerprint
    (folder / "custom.py").write_text((folder / "custom.py").read_text() + "# changed\n")
    assert load_encoder(folder, trust_remote_code=True).fingerprint != first


def test_a_hub_name_that_cannot_be_reached_is_a_model_error():
    with pytest.raises(ModelError, match=r"no folder 'nobody/no-such-model' here.*give the path"):
        load_encoder("nobody/no-such-model")


def test_a_path_that_is_no_folder_says_so(tmp_path):
    with pytest.raises(ModelError, match="no folder"):
        load_encoder(tmp_path / "absent")
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(ModelError, match="got the file"):
        load_encoder(tmp_path / "file.txt")


def test_a_model_from_the_hub_is_read_offline_with_its_commit(save_model, tmp_path, monkeypatch, sentences):
    commit = "0123456789abcdef0123456789abcdef01234567"
    home = tmp_path / "models--someone--tiny"
    shutil.copytree(save_model("xlm-r"), home / "snapshots" / commit)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    encoder = load_encoder("someone/tiny")
    assert (encoder.name, encoder.revision) == ("someone/tiny", commit)
    expected = load_encoder(save_model("xlm-r")).encode(sentences, progress=False).layers
    np.testing.assert_array_equal(encoder.encode(sentences, progress=False).layers, expected)


def test_unknown_options_name_the_nearest(save_model):
    folder = save_model("bert")
    with pytest.raises(UnknownNameError, match="did you mean 'float16'"):
        load_encoder(folder, dtype="float15")
    with pytest.raises(UnknownNameError, match="neuron_site must be one of gate, product"):
        load_encoder(folder, neuron_site="gates")
    with pytest.raises(ModelError, match="device must be"):
        load_encoder(folder, device="toaster")


def test_layers_poolings_and_statistics_that_do_not_exist_are_refused(save_model, unchecked):
    encoder = load_encoder(save_model("bert"))
    with pytest.raises(UnknownNameError, match=r"layers must be in 0\.\.3.*got 4"):
        encoder.encode(["water"], layers=[4], progress=False)
    with pytest.raises(UnknownNameError, match=r"got -1"):
        encoder.encode(["water"], layers=[-1], progress=False)
    with pytest.raises(UnknownNameError, match="did you mean 'mean'"):
        encoder.encode(["water"], pooling="meen", progress=False)
    with pytest.raises(UnknownNameError, match="neurons must be among nas, nav"):
        encoder.encode(["water"], neurons="naz", progress=False)
    with pytest.raises(UnknownNameError, match="ask encode"):
        encoder.encode(["water"], progress=False).layer(0, "cls")


@pytest.mark.parametrize("layers", [[1.7], ["1"], [True], [np.float64(1)], [None]])
def test_layers_that_are_no_whole_numbers_are_refused(save_model, unchecked, layers):
    with pytest.raises(UnknownNameError, match=r"layers must be whole numbers, got"):
        load_encoder(save_model("bert")).encode(["water"], layers=layers, progress=False)


@pytest.mark.parametrize("layers", [2, "12"])
def test_layers_that_are_no_list_are_refused(save_model, unchecked, layers):
    with pytest.raises(UnknownNameError, match=rf"must be a list of layer numbers such as \[0, 2\], got {layers!r}"):
        load_encoder(save_model("bert")).encode(["water"], layers=layers, progress=False)


def test_layers_may_be_numpys_integers(save_model, unchecked):
    found = load_encoder(save_model("bert")).encode(["water"], layers=np.array([2, 0]), progress=False)
    assert found.layer_numbers == (0, 2)


def test_neurons_of_layer_0_alone_are_refused_with_the_way_out(save_model):
    with pytest.raises(UnknownNameError, match=r"got \[0\].*drop the neuron probes or add a layer above 0"):
        load_encoder(save_model("bert")).encode(["water"], layers=[0], neurons="nas", progress=False)


def test_sentences_that_cannot_be_encoded_are_named(save_model, unchecked):
    encoder = load_encoder(save_model("bert"))
    with pytest.raises(ValueError, match=r"sentences\[1\] is blank"):
        encoder.encode(["water", " \t"], progress=False)
    with pytest.raises(ValueError, match="at least one sentence"):
        encoder.encode([], progress=False)
    with pytest.raises(TypeError, match="got one string"):
        encoder.encode("water", progress=False)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_stop_with_model_layer_and_sentence(save_model, sentences, value):
    encoder = load_encoder(save_model("llama"))
    with torch.no_grad():
        encoder.model.layers[1].mlp.down_proj.weight[0, 0] = value
    with pytest.raises(ActivationError, match=r"llama.*layer 2 gave NaN or infinite values for sentence \d"):
        encoder.encode(sentences, progress=False)


def test_maximum_length_leaves_roberta_its_padding_positions(folder, edit_json, tokenizer):
    tokenizer_json = folder / "tokenizer_config.json"
    edit_json(tokenizer_json, model_max_length=int(1e30))
    assert load_encoder(folder).max_length == 64
    assert load_encoder(folder, max_length=10).max_length == 10
    with pytest.raises(ModelError, match=r"max_length must be at least 3 .* at most 64"):
        load_encoder(folder, max_length=65)


@pytest.mark.parametrize("asked", [-1, 0, 1, 2])
def test_a_maximum_length_without_room_for_a_word_is_refused(save_model, asked):
    with pytest.raises(ModelError, match=rf"at least 3 for .*adds 2 special tokens.*got {asked}$"):
        load_encoder(save_model("bert"), max_length=asked)


def test_a_maximum_length_of_the_models_own_without_room_for_a_word_is_refused(folder, edit_json):
    edit_json(folder / "tokenizer_config.json", model_max_length=2)
    with pytest.raises(ModelError, match=r"at least 3 for .*got 2 from its own settings"):
        load_encoder(folder)


def test_the_least_maximum_length_cuts_every_sentence_to_it(save_model, sentences):
    tokens = load_encoder(save_model("bert"), max_length=3).tokenize(sentences)
    assert {len(row) for row in tokens.rows} == {3}


def test_a_tokenizer_that_does_not_cut_is_refused(tokenizer):
    def uncut(texts, *, truncation=False, max_length=None, **options):
        return tokenizer(texts, **options)

    with pytest.raises(ModelError, match=r"function must cut a sentence to max_length=4 tokens, but left \d+"):
        tokenize(uncut, ["two rivers meet below the old stone bridge"], max_length=4)


def test_arguments_are_kept_as_they_were_passed_and_json_holds_them(save_model):
    passed = {
        "device": "cpu", "dtype": "auto", "revision": "main", "trust_remote_code": True, "max_length": 12,
        "device_map": {"": torch.device("cpu")}, "neuron_modules": "layers.{}.mlp.act_fn", "neuron_site": "product",
    }  # fmt: skip
    kept = json.loads(json.dumps(load_encoder(save_model("llama"), **passed).load_arguments))
    assert kept == passed | {"device_map": {"": "cpu"}}
    assert load_encoder(save_model("llama")).load_arguments == {
        "device": "auto", "dtype": "auto", "revision": None, "trust_remote_code": False, "max_length": None,
        "device_map": None, "neuron_modules": None, "neuron_site": "gate",
    }  # fmt: skip


def test_truncated_sentences_are_counted_and_read_to_the_limit(save_model, sentences):
    encoder = load_encoder(save_model("llama"), max_length=8)
    lengths = np.array([len(encoder.tokenizer(sentence)["input_ids"]) for sentence in sentences])
    found = encoder.encode(sentences, progress=False)
    np.testing.assert_array_equal(found.truncated, lengths > 8)
    assert found.n_truncated == int((lengths > 8).sum()) > 0
    np.testing.assert_array_equal(found.n_tokens, lengths - 2)
    row = int(np.argmax(lengths))
    ids = torch.tensor([encoder.tokenizer(sentences[row], truncation=True, max_length=8)["input_ids"]])
    with torch.inference_mode():
        states = encoder.model(input_ids=ids, output_hidden_states=True).hidden_states
    np.testing.assert_allclose(found.layers[:, row], torch.stack(states)[:, 0].mean(1).numpy(), atol=1e-5)


def test_fingerprint_follows_content_not_place(folder, save_model):
    original, copy = load_encoder(save_model("xlm-r")), load_encoder(folder)
    assert original.fingerprint == copy.fingerprint
    assert original.tokenizer_fingerprint == copy.tokenizer_fingerprint
    assert load_encoder(save_model("xlm-r", seed=1)).fingerprint != copy.fingerprint


def test_a_large_file_is_hashed_again_only_when_it_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("XALIGN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("xalign.encoders.fingerprints.REMEMBER_FROM_BYTES", 1)
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    first = digest_file(path)
    reads: list[str] = []
    monkeypatch.setattr("xalign.encoders.fingerprints._read_digest", lambda path: reads.append(path.name) or "new")
    assert digest_file(path) == first
    assert reads == []
    path.write_bytes(b"other")
    assert digest_file(path) == "new"
    assert reads == ["weights"]


def test_progress_goes_to_stderr_and_can_be_switched_off(save_model, sentences, capfd):
    encoder = load_encoder(save_model("bert"))
    encoder.encode(sentences, progress=True)
    shown = capfd.readouterr()
    assert "sentences" in shown.err
    assert shown.out == ""
    encoder.encode(sentences, progress=False)
    assert capfd.readouterr() == ("", "")
