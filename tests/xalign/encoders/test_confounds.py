"""How sentences are cut, against counts made by hand."""

import math

import pytest

from xalign.encoders import load_encoder, shared_token_share, tokenization_statistics


@pytest.fixture
def encoder(save_model):
    return load_encoder(save_model("bert"))


def test_counts_are_those_of_the_tokenizer_without_special_tokens(encoder, sentences):
    counts = [len(encoder.tokenizer.tokenize(sentence)) for sentence in sentences]
    found = tokenization_statistics(encoder, sentences)
    assert found.n_sentences == len(sentences)
    assert found.tokens_per_sentence == pytest.approx(sum(counts) / len(sentences))
    assert found.fertility == pytest.approx(sum(counts) / sum(len(sentence.split()) for sentence in sentences))
    assert (found.fertility_reason, found.n_truncated, found.unknown_share) == ("", 0, 0.0)


def test_no_weights_are_read(encoder, sentences):
    tokenization_statistics(encoder, sentences)
    shared_token_share(encoder, sentences, sentences)
    assert "_layered" not in vars(encoder)


def test_unknown_tokens_are_a_share_of_all_tokens(encoder):
    n_tokens = len(encoder.tokenizer.tokenize("water ☃"))
    n_unknown = encoder.tokenizer.convert_tokens_to_ids(encoder.tokenizer.tokenize("water ☃")).count(3)
    assert n_unknown > 0
    assert tokenization_statistics(encoder, ["water ☃"]).unknown_share == pytest.approx(n_unknown / n_tokens)


def test_truncated_sentences_are_counted(save_model, sentences):
    encoder = load_encoder(save_model("bert"), max_length=8)
    lengths = [len(encoder.tokenizer(sentence)["input_ids"]) for sentence in sentences]
    assert tokenization_statistics(encoder, sentences).n_truncated == sum(length > 8 for length in lengths) > 0


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("วันนี้อากาศดีมาก", "Thai"),
        ("今天天气很好。", "Chinese or Japanese"),
        ("今日はとても良い天気です。", "Chinese or Japanese"),
        ("ມື້ນີ້ອາກາດດີ", "Lao"),
        ("ថ្ងៃនេះអាកាសធាតុល្អ", "Khmer"),
        ("ဒီနေ့ရာသီဥတုကောင်းတယ်", "Burmese"),
        ("དེ་རིང་གནམ་གཤིས་ཡག་པོ་འདུག", "Tibetan"),
    ],
)
def test_fertility_is_not_a_number_where_words_are_not_spaced(encoder, text, script):
    found = tokenization_statistics(encoder, [text])
    assert math.isnan(found.fertility)
    assert found.fertility_reason.startswith(script)


@pytest.mark.parametrize("text", ["오늘은 날씨가 좋다", "आज मौसम अच्छा है", "сегодня 漢 хорошая погода"])
def test_fertility_is_a_number_where_words_are_spaced(encoder, text):
    assert tokenization_statistics(encoder, [text]).fertility > 0


def test_shared_tokens_are_the_mean_overlap_of_token_sets(encoder):
    x, y = ["the cat", "rain"], ["the water", "rain"]
    overlaps = []
    for left, right in zip(x, y, strict=True):
        a, b = set(encoder.tokenizer.tokenize(left)), set(encoder.tokenizer.tokenize(right))
        overlaps.append(len(a & b) / len(a | b))
    assert 0 < overlaps[0] < 1
    assert shared_token_share(encoder, x, y) == pytest.approx(sum(overlaps) / 2)
    assert shared_token_share(encoder, x, x) == 1.0
    assert shared_token_share(encoder, x, y) == shared_token_share(encoder, y, x)


def test_sentences_must_be_paired(encoder):
    with pytest.raises(ValueError, match="must have the 2 sentences of sentences_x, got 1"):
        shared_token_share(encoder, ["rain", "water"], ["rain"])
