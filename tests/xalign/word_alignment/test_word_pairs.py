"""Words of raw sentences: found without a dictionary, linked one to one, never the same word on both sides."""

import itertools

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from xalign.corpora import load_corpus
from xalign.encoders import load_encoder
from xalign.encoders.words import encode_words
from xalign.errors import UnknownNameError
from xalign.word_alignment import extract, word_pairs_of
from xalign.word_alignment.splitting import split_sentence, tokenize_sentences


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(dtype="float32", device="cpu")


@pytest.fixture(scope="module")
def corpus():
    return load_corpus(languages=["eng", "deu", "jpn", "tha"], limit=12)


def words_of(text, spans):
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't panic, it's well-known (3.5%)!", ["Don't", "panic", "it's", "well-known", "3", "5"]),
        ("2024年に会った。", ["2024", "年", "に", "会", "っ", "た"]),
        ("น้ำใจ 12", ["น้ำ", "ใ", "จ", "12"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("L’homme — العربية", ["L’homme", "العربية"]),
        ("... !?", []),
        ("", []),
    ],
)
def test_words_are_found_by_their_letters_in_any_script(text, words):
    assert words_of(text, split_sentence(text)) == words


@given(st.text(max_size=40))
def test_words_never_overlap_and_hold_every_letter_and_digit(text):
    spans = split_sentence(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
    inside = {place for start, end in spans for place in range(start, end)}
    letters = {match.start() for match in regex.finditer(r"[\p{L}\p{N}]", text)}
    assert letters <= inside


def test_characters_that_share_a_token_are_one_word(encoder):
    text = "その都市は、機械を待ってください。"
    (spans,), tokens = tokenize_sentences(encoder, [text])
    words = words_of(text, spans)
    assert {"その", "都市", "てください"} <= set(words)
    offsets = encoder.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    borders = {start for start, _ in spans}
    assert not any(
        start < border < end for start, end in offsets for border in borders if text[border - 1] not in "、。"
    )
    assert len(tokens.ids[0]) == len(tokens.words[0])


def shares_a_token(encoder, text, spans):
    offsets = encoder.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return any(sum(start < last and end > first for first, last in spans) > 1 for start, end in offsets)


@pytest.mark.parametrize("language", ["deu_Latn", "jpn_Jpan", "tha_Thai"])
def test_links_are_mutual_nearest_words_by_the_vectors_of_another_route(encoder, corpus, language):
    sources, targets = list(corpus.sentences["eng_Latn"]), list(corpus.sentences[language])
    found = word_pairs_of(encoder, sources, targets, layer=4)
    assert sum(len(links) for *_, links in found) > 2 * len(found)
    compared = 0
    for (source, target, links), texts in zip(found, zip(sources, targets, strict=True), strict=True):
        read = encode_words(encoder, list(texts), [source, target], layers=[4], progress=False)
        if read.missing or any(shares_a_token(encoder, *side) for side in zip(texts, (source, target), strict=True)):
            continue  # there such a token is part of both words, here of one
        compared += 1
        values = read.layer(4)
        values = values / (values**2).sum(axis=1, keepdims=True) ** 0.5
        (expected,) = extract("argmax", [values[: len(source)] @ values[len(source) :].T])
        mutual = {tuple(pair) for pair in expected.pairs.tolist()}
        same = {
            (i, j)
            for i, j in mutual
            if words_of(texts[0], [source[i]])[0].casefold() == words_of(texts[1], [target[j]])[0].casefold()
        }
        assert set(links) == mutual - same
    assert compared >= 6


@pytest.mark.parametrize("method", ["itermax", "softmax", "ot"])
def test_only_links_of_words_without_another_link_are_kept(encoder, corpus, method):
    sources, targets = list(corpus.sentences["eng_Latn"]), list(corpus.sentences["deu_Latn"])
    for _, _, links in word_pairs_of(encoder, sources, targets, method=method):
        assert len({i for i, _ in links}) == len({j for _, j in links}) == len(links)
        assert links == sorted(links)


def test_identical_words_are_dropped_whatever_their_case(encoder):
    ((source, target, links),) = word_pairs_of(encoder, ["Berlin 2024 is old"], ["BERLIN 2024 ist alt"])
    assert words_of("Berlin 2024 is old", source)[:2] == ["Berlin", "2024"]
    assert (2, 2) in links
    assert not {(0, 0), (1, 1)} & set(links)
    assert len(target) == 4


def test_sentences_without_words_have_no_links_and_none_is_no_error(encoder):
    assert word_pairs_of(encoder, [], []) == []
    found = word_pairs_of(encoder, ["...", "rain falls", ""], ["!", "", "Regen"])
    assert [links for *_, links in found] == [[], [], []]


def test_sentences_beyond_the_models_length_are_linked_to_their_end():
    encoder = load_encoder(dtype="float32", device="cpu", max_length=12)
    text = "the old river runs past the mill and the market while children play near the bridge"
    ((words, _, links),) = word_pairs_of(encoder, [text], [f"x{text.replace(' ', ' x')}"])
    assert len(words) == 16
    assert max(i for i, _ in links) > 10


def test_bad_input_is_named(encoder):
    with pytest.raises(ValueError, match="target_sentences must translate the 2 source_sentences, got 1"):
        word_pairs_of(encoder, ["a", "b"], ["c"])
    with pytest.raises(UnknownNameError, match="did you mean 'argmax'"):
        word_pairs_of(encoder, ["a"], ["b"], method="argmx")
