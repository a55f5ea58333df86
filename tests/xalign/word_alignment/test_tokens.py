"""Words are tokenised one by one, as `is_split_into_words` does, and each as it is behind a space."""

import pytest
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from xalign.encoders import load_encoder
from xalign.word_alignment.tokens import tokenize_words

SENTENCES = [["The", "cat", "s'", "endort", "日本", "don't"], [], ["water"], ["New York", "cat"]]


@pytest.fixture
def encoder():
    return load_encoder(dtype="float32", device="cpu")


def test_tokens_and_words_are_those_of_is_split_into_words(encoder):
    found = tokenize_words(encoder, SENTENCES)
    for words, ids, numbers in zip(SENTENCES, found.ids, found.words, strict=True):
        if words:
            encoded = encoder.tokenizer(words, is_split_into_words=True)
            assert [*found.prefix, *ids, *found.suffix] == encoded["input_ids"]
            assert numbers.tolist() == [number for number in encoded.word_ids() if number is not None]
        else:
            assert ids == []


def byte_level(add_prefix_space):
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    backend.decoder = decoders.ByteLevel()
    texts = ["the cat sees the water and a cat", "the water"] * 3
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=290, initial_alphabet=alphabet, show_progress=False)
    )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend)


@pytest.mark.parametrize("add_prefix_space", [False, True])
def test_words_of_byte_level_tokenizers_are_those_of_the_sentence_with_spaces(encoder, monkeypatch, add_prefix_space):
    monkeypatch.setattr(encoder, "tokenizer", byte_level(add_prefix_space))
    words = ["the", "cat", "sees", "a", "water"]
    found = tokenize_words(encoder, [words, ["cat"]])
    assert found.ids == encoder.tokenizer([" ".join(words), "cat"])["input_ids"]
    assert found.prefix == found.suffix == []


def test_a_model_that_lowers_its_text_gets_lowered_words(encoder, monkeypatch):
    source = encoder.source
    upper = tokenize_words(encoder, [["ÇA", "va"]])
    monkeypatch.setattr(encoder, "source", type(source)(**{**vars(source), "lowercase": True}))
    lowered = tokenize_words(encoder, [["ÇA", "va"]])
    assert lowered.ids == tokenize_words(encoder, [["ça", "va"]]).ids
    assert [set(row) for row in upper.words] == [set(row) for row in lowered.words]
