"""A word's vector is the mean of its own tokens' hidden states, whatever the tokenizer, batch and neighbours."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from xalign.encoders import load_encoder
from xalign.encoders.words import encode_words
from xalign.errors import ModelError, UnknownNameError

FAMILIES = pytest.mark.parametrize("family_name", ["bert", "xlm-r", "llama", "mt5", "gpt2"])


def words_of(sentence: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", sentence)]


def states_alone(encoder, sentence: str) -> np.ndarray:
    """Return transformers' own hidden states of a sentence, (layers, tokens, d)."""
    ids = torch.tensor([encoder.tokenizer(sentence)["input_ids"]])
    with torch.inference_mode():
        output = encoder.model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True)
    return torch.stack(output.hidden_states)[:, 0].numpy()


def vectors_by_word_numbers(encoder, sentence: str) -> np.ndarray:
    """Another route: the tokenizer's own numbering of words, less lone space markers, instead of its offsets."""
    encoded = encoder.tokenizer(sentence)
    pieces = encoder.tokenizer.convert_ids_to_tokens(encoded["input_ids"])
    pairs = zip(encoded.word_ids(), pieces, strict=True)
    numbers = [None if piece in ("▁", "Ġ") else number for number, piece in pairs]
    states = states_alone(encoder, sentence)
    rows = [[t for t, number in enumerate(numbers) if number == word] for word in sorted({*numbers} - {None})]
    return np.stack([states[:, row].mean(axis=1) for row in rows], axis=1)


@FAMILIES
def test_a_word_is_the_mean_of_its_tokens_by_the_tokenizers_own_numbering(family_name, save_model, sentences):
    encoder = load_encoder(save_model(family_name))
    found = encode_words(encoder, sentences, [words_of(text) for text in sentences], progress=False)
    expected = np.concatenate([vectors_by_word_numbers(encoder, text) for text in sentences], axis=1)
    np.testing.assert_allclose(found.vectors, expected, atol=1e-5)
    np.testing.assert_array_equal(found.number, np.arange(found.n_words))
    assert found.missing == ()


@pytest.mark.parametrize("batch_tokens", [1, 40, 100_000])
def test_the_answer_does_not_depend_on_the_batch_or_the_other_words(save_model, sentences, batch_tokens):
    encoder = load_encoder(save_model("xlm-r"))
    spans = [words_of(text) for text in sentences]
    usual = encode_words(encoder, sentences, spans, progress=False)
    other = encode_words(encoder, sentences, spans, batch_tokens=batch_tokens, progress=False)
    np.testing.assert_allclose(other.vectors, usual.vectors, atol=1e-5)
    lasts = encode_words(encoder, sentences, [row[-1:] for row in spans], progress=False)
    at = np.cumsum([len(row) for row in spans]) - 1
    np.testing.assert_allclose(lasts.vectors, usual.vectors[:, at], atol=1e-5)


def test_the_whole_sentence_as_one_word_is_the_mean_without_special_tokens(save_model, sentences):
    encoder = load_encoder(save_model("bert"))
    whole = encode_words(encoder, sentences, [[(0, len(text))] for text in sentences], progress=False)
    expected = np.stack([states_alone(encoder, text)[:, 1:-1].mean(axis=1) for text in sentences], axis=1)
    np.testing.assert_allclose(whole.vectors, expected, atol=1e-5)


def test_a_word_of_two_parts_is_their_mean_weighted_by_tokens(save_model):
    encoder = load_encoder(save_model("llama"))
    text = "bread and salt"
    spans = [(0, 5), (6, 14), (0, 14)]
    first, second, both = encode_words(encoder, [text], [spans], progress=False).vectors.transpose(1, 0, 2)
    sizes = np.bincount(encoder.tokenizer(text).word_ids()[1:-1])
    n, m = sizes[0], sizes[1:].sum()
    np.testing.assert_allclose(both, (n * first + m * second) / (n + m), atol=1e-5)


def test_spans_come_back_in_their_order_with_sentence_and_number(save_model, sentences):
    encoder = load_encoder(save_model("xlm-r"))
    spans = [words_of(text)[::-1] if i % 2 else [] for i, text in enumerate(sentences)]
    found = encode_words(encoder, sentences, spans, progress=False)
    assert [(i, j) for i, row in enumerate(spans) for j in range(len(row))] == list(
        zip(found.sentence.tolist(), found.span.tolist(), strict=True)
    )
    straight = encode_words(encoder, sentences, [row[::-1] for row in spans], progress=False)
    for i in set(found.sentence.tolist()):
        np.testing.assert_allclose(
            found.vectors[:, found.sentence == i], straight.vectors[:, straight.sentence == i][:, ::-1], atol=1e-6
        )


def test_white_space_around_a_word_changes_nothing(save_model):
    encoder = load_encoder(save_model("xlm-r"))
    found = encode_words(encoder, ["the cat  sleeps"], [[(4, 7), (3, 9)]], progress=False)
    np.testing.assert_array_equal(found.vectors[:, 0], found.vectors[:, 1])


def test_a_lone_space_marker_belongs_to_no_word():
    encoder = load_encoder()
    text = "ไทยน้ำ"
    pieces = encoder.tokenizer.convert_ids_to_tokens(encoder.tokenizer(text)["input_ids"])
    offsets = encoder.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    assert (pieces[1], offsets[1]) == ("▁", (0, 1)), "the tokenizer says that its own marker covers the first letter"
    found = encode_words(encoder, [text], [[(0, 3), (3, 6)]], progress=False).vectors
    states = states_alone(encoder, text)
    np.testing.assert_allclose(found[:, 0], states[:, 2:5].mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(found[:, 1], states[:, 5:6].mean(axis=1), atol=1e-5)


def byte_level(texts) -> Tokenizer:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    )
    return backend


def word_piece(texts) -> Tokenizer:
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False)
    backend.train_from_iterator(texts, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return backend


@pytest.mark.parametrize("make", [byte_level, word_piece])
def test_other_kinds_of_tokenizers_give_whole_words_too(make, save_model, sentences, tmp_path):
    folder = shutil.copytree(save_model("gpt2"), tmp_path / "model")
    transformers.PreTrainedTokenizerFast(tokenizer_object=make(sentences)).save_pretrained(folder)
    encoder = load_encoder(folder)
    text = "der Hund läuft durch den Wald"
    found = encode_words(encoder, [text], [words_of(text)], progress=False)
    np.testing.assert_allclose(found.vectors, vectors_by_word_numbers(encoder, text), atol=1e-5)


def test_words_that_are_cut_off_are_missing_and_said_so(save_model, sentences):
    text = sentences[2]
    spans = words_of(text)
    full = encode_words(load_encoder(save_model("llama")), [text], [spans], progress=False)
    encoder = load_encoder(save_model("llama"), max_length=12)
    found = encode_words(encoder, [text, "water"], [spans, [(0, 5)]], progress=False)
    last = encoder.tokenizer(text, truncation=True, max_length=12, return_offsets_mapping=True)["offset_mapping"][-2][1]
    whole = [j for j, (_, end) in enumerate(spans) if end <= last]
    assert 0 < len(whole) < len(spans)
    assert [word.span for word in found.missing] == list(range(len(whole), len(spans)))
    assert {(word.sentence, word.reason) for word in found.missing} == {
        (0, "cut off: its sentence is longer than 12 tokens")
    }
    assert found.number.tolist() == [*whole, len(spans)]
    np.testing.assert_allclose(found.vectors[0, :-1], full.vectors[0, whole], atol=1e-6)


def test_a_word_of_which_the_tokenizer_keeps_nothing_is_missing(save_model, tmp_path, tokenizer):
    folder = shutil.copytree(save_model("bert"), tmp_path / "model")
    settings = json.loads((folder / "tokenizer.json").read_text())
    settings["normalizer"] = {"type": "Replace", "pattern": {"String": "\u00ad"}, "content": ""}
    (folder / "tokenizer.json").write_text(json.dumps(settings))
    found = encode_words(load_encoder(folder), ["rain \u00ad falls"], [[(0, 4), (5, 6), (7, 12)]], progress=False)
    assert [(word.span, word.reason) for word in found.missing] == [(1, "the tokenizer keeps none of it")]
    assert found.span.tolist() == [0, 2]


def test_a_model_that_lowers_its_text_still_finds_the_words(save_model, tmp_path):
    folder = shutil.copytree(save_model("bert"), tmp_path / "model")
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 64, "do_lower_case": True}))
    encoder = load_encoder(folder)
    text = "İİ The WATER falls"
    found = encode_words(encoder, [text], [words_of(text)], progress=False)
    lower = text.lower()
    assert len(lower) == len(text) + 2
    expected = encode_words(encoder, [lower], [words_of(lower)], progress=False)
    np.testing.assert_array_equal(found.vectors, expected.vectors)


def test_layers_are_kept_as_asked_and_read_by_number(save_model, sentences):
    encoder = load_encoder(save_model("gpt2"))
    spans = [words_of(text) for text in sentences]
    every = encode_words(encoder, sentences, spans, progress=False)
    some = encode_words(encoder, sentences, spans, layers=[3, 1], progress=False)
    assert some.layer_numbers == (1, 3)
    for number in (1, 3):
        np.testing.assert_array_equal(some.layer(number), every.layer(number))
    with pytest.raises(UnknownNameError, match=r"layer must be one of \[1, 3\], got 0"):
        some.layer(0)


def test_a_tokenizer_without_offsets_is_refused_with_what_to_do(save_model, tmp_path):
    folder = shutil.copytree(save_model("mt5"), tmp_path / "model")
    for path in folder.glob("token*"):
        path.unlink()
    transformers.ByT5Tokenizer().save_pretrained(folder)
    with pytest.raises(ModelError, match=r"ByT5Tokenizer does not; save the model with its fast tokenizer"):
        encode_words(load_encoder(folder), ["water"], [[(0, 5)]], progress=False)


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([[(0, 4)]], "spans must hold a list for each of the 2 sentences, got 1"),
        ([[], []], "spans must hold at least one word, got none"),
        ([[(0, 4)], [(3, 6)]], r"spans\[1\]\[0\] must lie in the 5 characters of its sentence.*got \(3, 6\)"),
        ([[(2, 2)], []], r"spans\[0\]\[0\] must lie in the 10 characters.*start before end"),
        ([[(0, 4), (4, 5)], []], r"spans\[0\]\[1\] must hold a word, got blank characters at \(4, 5\)"),
    ],
)
def test_spans_that_cannot_be_words_are_named(save_model, spans, message):
    with pytest.raises(ValueError, match=message):
        encode_words(load_encoder(save_model("bert")), ["rain falls", "water"], spans, progress=False)
