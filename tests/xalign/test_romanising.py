"""Romanised text is Latin, keeps its rows, follows the language's own rules, and is never silently empty."""

import unicodedata

import pytest

from xalign import romanising
from xalign.corpora import load_corpus
from xalign.errors import CorpusError, UnknownNameError
from xalign.romanising import romanise, uroman_code


def quietly(sentences: list[str], language: str) -> list[str]:
    return romanise(sentences, language, progress=False)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ell_Grek", "Νεπάλ", "Nepal"),
        ("hin_Deva", "नेपाल", "nepaal"),
        ("zho_Hans", "三万一", "31000"),
        ("rus_Cyrl", "Игорь", "Igor"),
        ("ukr_Cyrl", "Игорь", "Yhor"),
    ],
)
def test_words_come_out_as_in_uromans_own_description(language, text, expected):
    assert quietly([text], language) == [expected]


def scripts(texts: list[str]) -> set[str]:
    letters = {letter for text in texts for letter in text if unicodedata.category(letter)[0] == "L"}
    return {unicodedata.name(letter).split()[0] for letter in letters}


@pytest.mark.parametrize(
    "language", ["arb_Arab", "hin_Deva", "kat_Geor", "kor_Hang", "rus_Cyrl", "tha_Thai", "zho_Hans"]
)
def test_every_sentence_of_a_script_becomes_latin(language):
    sentences = list(load_corpus("xalign-100", languages=[language], pivot=None).sentences[language][:20])
    romanised = quietly(sentences, language)
    assert scripts(romanised) <= {"LATIN", "MODIFIER"}
    assert scripts(sentences) - {"LATIN"}
    assert quietly(romanised, language) == romanised, "what is Latin stays as it is"


def test_ascii_text_stays_as_it_is():
    text = "The year 1999: (water), 3.5 %; done!"
    assert quietly([text], "eng_Latn") == [text]


def test_rows_keep_their_order_and_each_text_is_romanised_once(monkeypatch):
    asked = []

    class Counting:
        def romanize_string(self, text: str, lcode: str) -> str:
            asked.append((text, lcode))
            return text.upper()

    monkeypatch.setattr(romanising, "_uroman", Counting)
    assert quietly(["b", "a", "b", "c", "a"], "pes") == ["B", "A", "B", "C", "A"]
    assert asked == [("b", "fas"), ("a", "fas"), ("c", "fas")]


def test_a_sentence_comes_out_alike_whatever_stands_beside_it():
    sentences = list(load_corpus("xalign-100", languages=["jpn_Jpan"], pivot=None).sentences["jpn_Jpan"][:8])
    assert quietly(sentences, "jpn_Jpan") == [quietly([text], "jpn_Jpan")[0] for text in sentences]


def test_the_rules_of_the_macrolanguage_are_used():
    assert [uroman_code(code) for code in ("pes_Arab", "prs_Arab", "arz_Arab", "pbt_Arab", "ydd_Hebr")] == [
        "fas", "fas", "ara", "pus", "yid",
    ]  # fmt: skip
    assert [uroman_code(code) for code in ("srp_Cyrl", "zho_Hans", "swh_Latn")] == ["srp", "zho", "swh"]
    assert quietly(["خانه"], "pes_Arab") != [romanising._uroman().romanize_string("خانه", lcode="pes")]


def test_a_sentence_that_becomes_nothing_is_named():
    with pytest.raises(CorpusError, match=r"sentences\[1\] \(rus_Cyrl\) must have letters .* becomes nothing"):
        quietly(["вода", "\u200b\u0301"], "rus")


def test_arguments_that_cannot_be_used_are_refused():
    with pytest.raises(UnknownNameError, match="language must be a code"):
        quietly(["вода"], "Rushan Klingon")
    with pytest.raises(TypeError, match="sentences must be a list of strings, got one string"):
        romanise("вода", "rus")
