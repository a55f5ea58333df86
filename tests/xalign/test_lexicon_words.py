"""Words are found as a reader finds them: whole, longest first, whatever case and accents; links are unambiguous."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.corpora import ParallelCorpus
from xalign.encoders import load_encoder
from xalign.encoders.words import encode_words
from xalign.errors import UnknownNameError
from xalign.lexicon_words import find_corpus_words, find_words, keep_links, link_words


@dataclass(frozen=True)
class Words:
    """A lexicon by hand."""

    concepts: tuple[str, ...]
    words: dict[str, tuple[tuple[str, ...], ...]]

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.words)


def one(language: str, *entries: tuple[str, ...]) -> Words:
    return Words(tuple(f"concept {i}" for i in range(len(entries))), {language: entries})


def found(text: str, language: str, *entries: tuple[str, ...]) -> list[tuple[str, int]]:
    words = find_words([text], one(language, *entries), language)
    return [(text[a:b], int(c)) for a, b, c in zip(words.start, words.end, words.concept, strict=True)]


@settings(max_examples=60, deadline=None)
@given(
    text=st.text("abc -.1'é", max_size=30),
    forms=st.lists(st.text("abcé", min_size=1, max_size=3), min_size=1, max_size=4, unique=True),
)
def test_in_a_spaced_script_the_answer_is_that_of_a_regular_expression(text, forms):
    longest_first = "|".join(sorted(map(re.escape, forms), key=len, reverse=True))
    expected = [match.group() for match in re.finditer(rf"\b(?:{longest_first})\b", text)]
    assert [word for word, _ in found(text, "fra_Latn", *((form,) for form in forms))] == expected


@settings(max_examples=60, deadline=None)
@given(
    text=st.text("水火山人 。", max_size=20),
    forms=st.lists(st.text("水火山人", min_size=1, max_size=3), min_size=1, max_size=4, unique=True),
)
def test_in_a_script_without_spaces_words_are_found_anywhere(text, forms):
    longest_first = "|".join(sorted(map(re.escape, forms), key=len, reverse=True))
    expected = re.findall(longest_first, text)
    assert [word for word, _ in found(text, "zho_Hans", *((form,) for form in forms))] == expected


@pytest.mark.parametrize(
    ("language", "text", "form", "expected"),
    [
        ("eng_Latn", "Waters, water; WATER-water underwater water2", "water", ["water", "WATER", "water"]),
        ("deu_Latn", "Die STRASSE ist eine Straße", "straße", ["STRASSE", "Straße"]),
        ("tur_Latn", "İstanbul İŞ iş", "iş", ["İŞ", "iş"]),
        ("tur_Latn", "IŞIK ve ışık", "ışık", ["IŞIK", "ışık"]),
        ("ell_Grek", "ο δρόμος και ο ΔΡΌΜΟΣ", "δρόμος", ["δρόμος", "ΔΡΌΜΟΣ"]),
        ("fra_Latn", "l'eau l’eau bateau", "eau", ["eau", "eau"]),
        ("hin_Deva", "पानी पान पानीय", "पान", ["पान"]),
        ("pes_Arab", "آب می\u200cآب", "آب", ["آب"]),
        ("eng_Latn", "a swimming pool, pool", "swimming pool", ["swimming pool"]),
        ("tha_Thai", "เขาดื่มน้ำ เมา มา", "มา", ["มา"]),
        ("tha_Thai", "กากัน กน", "กน", ["กน"]),
        ("khm_Khmr", "ខ្មែរ មែ", "មែ", ["មែ"]),
        ("bod_Tibt", "ཆུ་ཆེན་ཆུང་", "ཆུ", ["ཆུ"]),
        ("jpn_Jpan", "水を飲む", "水", ["水"]),
    ],
)
def test_words_are_whole_in_every_script(language, text, form, expected):
    assert [word for word, _ in found(text, language, (form,))] == expected


def test_accents_may_be_composed_or_not():
    assert found("ọjọ́ o\u0323jo\u0323\u0301 ọjọ", "yor_Latn", ("o\u0323jọ\u0301",)) == [
        ("ọjọ́", 0),
        ("o\u0323jo\u0323\u0301", 0),
    ]
    assert found("cafe\u0301", "fra_Latn", ("cafe",)) == []


def test_the_longest_form_is_taken_and_words_do_not_overlap():
    assert found("ice cream and ice", "eng_Latn", ("ice",), ("ice cream",)) == [("ice cream", 1), ("ice", 0)]
    assert found("火山火", "zho_Hans", ("火",), ("山",), ("火山",)) == [("火山", 2), ("火", 0)]


def test_a_form_of_two_concepts_is_not_sought_and_is_named():
    lexicon = one("swh_Latn", ("mkono", "Kono"), ("mkono",), ("siku",))
    words = find_words(["mkono kono siku"], lexicon, "swh_Latn")
    assert words.ambiguous == ("mkono",)
    assert words.concept.tolist() == [0, 2]
    assert (words.n_words, words.n_concepts) == (2, 2)


PAIR = Words(
    ("water", "fire", "day"),
    {
        "eng_Latn": (("water",), ("fire",), ("day", "days")),
        "deu_Latn": (("Wasser",), ("Feuer",), ("Tag", "Tage")),
        "zho_Hans": (("水",), ("火",), ("天", "日")),
    },
)
ENGLISH = ("Water and fire.", "A day of water, days of fire", "no", "water water", "fire fire day")
GERMAN = ("Feuer und Wasser!", "Ein Tag mit Wasser und Feuer", "Tag", "das Wasser", "Tage: Feuer")


def test_links_join_the_same_concept_in_the_same_sentence_where_it_stands_once():
    x, y = find_words(ENGLISH, PAIR, "eng_Latn"), find_words(GERMAN, PAIR, "deu_Latn")
    links = link_words(x, y)
    named = [
        (
            int(x.sentence[a]),
            ENGLISH[x.sentence[a]][x.start[a] : x.end[a]],
            GERMAN[y.sentence[b]][y.start[b] : y.end[b]],
        )
        for a, b in links
    ]
    assert named == [
        (0, "Water", "Wasser"),
        (0, "fire", "Feuer"),
        (1, "water", "Wasser"),
        (1, "fire", "Feuer"),
        (4, "day", "Tage"),
    ]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_links_agree_with_counting_by_hand_and_turn_round(seed):
    rng = np.random.default_rng(seed)
    texts = [
        [" ".join(rng.choice([*PAIR.words[code][rng.integers(3)], "x"]) for _ in range(4)) for _ in range(6)]
        for code in ("eng_Latn", "deu_Latn")
    ]
    x, y = (find_words(t, PAIR, code) for t, code in zip(texts, ("eng_Latn", "deu_Latn"), strict=True))
    links = link_words(x, y)
    by_hand = [
        (a, b)
        for a in range(x.n_words)
        for b in range(y.n_words)
        if x.sentence[a] == y.sentence[b] and x.concept[a] == y.concept[b]
        and np.sum((x.sentence == x.sentence[a]) & (x.concept == x.concept[a])) == 1
        and np.sum((y.sentence == y.sentence[b]) & (y.concept == y.concept[b])) == 1
    ]  # fmt: skip
    assert [tuple(pair) for pair in links.tolist()] == by_hand
    assert sorted(map(tuple, link_words(y, x)[:, ::-1].tolist())) == by_hand


def test_links_are_renumbered_to_the_words_that_have_vectors():
    links = np.array([[0, 3], [2, 1], [4, 0], [5, 2]])
    kept = keep_links(links, np.array([0, 1, 4, 5]), np.array([0, 1, 3]))
    assert kept.tolist() == [[0, 2], [2, 0]]
    assert keep_links(links[:0], np.arange(3), np.arange(3)).shape == (0, 2)


def test_words_found_are_the_words_encoded():
    encoder = load_encoder()
    texts = ["the day of the water", "fire", "nothing of it"]
    words = find_words(texts, PAIR, "eng_Latn")
    vectors = encode_words(encoder, texts, words.spans, progress=False)
    np.testing.assert_array_equal(vectors.sentence, words.sentence)
    np.testing.assert_array_equal(vectors.number, np.arange(words.n_words))
    alone = encode_words(encoder, ["fire"], [[(0, 4)]], progress=False)
    np.testing.assert_allclose(vectors.vectors[:, words.concept == 1], alone.vectors, atol=1e-5)


def corpus(**sentences: tuple[str, ...]) -> ParallelCorpus:
    return ParallelCorpus("made", sentences)


def test_a_corpus_is_searched_in_the_languages_it_shares_with_the_lexicon():
    made = corpus(eng_Latn=ENGLISH, fin_Latn=GERMAN, deu_Latn=GERMAN)
    words = find_corpus_words(made, PAIR)
    assert list(words) == ["eng_Latn", "deu_Latn"]
    np.testing.assert_array_equal(words["deu_Latn"].start, find_words(GERMAN, PAIR, "deu_Latn").start)
    assert list(find_corpus_words(made, PAIR, languages=["deu_Latn"])) == ["deu_Latn"]
    with pytest.raises(UnknownNameError, match=r"'fin_Latn' is not in the lexicon"):
        find_corpus_words(made, PAIR, languages=["fin_Latn"])
    with pytest.raises(UnknownNameError, match=r"'zho_Hans' is not in the corpus made"):
        find_corpus_words(made, PAIR, languages=["zho_Hans"])
    with pytest.raises(UnknownNameError, match="made and the lexicon share no language"):
        find_corpus_words(corpus(fin_Latn=GERMAN), PAIR)


def test_an_empty_entry_is_named():
    for entry in ((), (" ",)):
        with pytest.raises(ValueError, match=r"entry for 'concept 1' in swh_Latn must hold words"):
            find_words(["siku"], one("swh_Latn", ("siku",), entry), "swh_Latn")
    with pytest.raises(UnknownNameError, match=r"language must be one of the lexicon's.*'deu_Latn'.*got 'deu_Latin'"):
        find_words(["Tag"], PAIR, "deu_Latin")


def test_sentences_that_do_not_match_are_refused():
    x, y = find_words(ENGLISH, PAIR, "eng_Latn"), find_words(GERMAN[:3], PAIR, "deu_Latn")
    with pytest.raises(ValueError, match="y must be of the 5 sentences of x, got 3"):
        link_words(x, y)
