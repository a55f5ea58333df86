"""xalign-100 is what its card says."""

import re
import unicodedata
from collections import Counter

import pytest

import xalign
from xalign.corpora import script_of

REQUIRED = (
    "eng_Latn", "deu_Latn", "fra_Latn", "spa_Latn", "rus_Cyrl", "ell_Grek", "tur_Latn", "fin_Latn", "hun_Latn",
    "arb_Arab", "heb_Hebr", "hin_Deva", "ben_Beng", "tam_Taml", "zho_Hans", "jpn_Jpan", "kor_Hang", "vie_Latn",
    "tha_Thai", "ind_Latn", "swh_Latn", "yor_Latn", "eus_Latn", "kat_Geor",
)  # fmt: skip


@pytest.fixture(scope="module")
def corpus() -> xalign.ParallelCorpus:
    return xalign.load_corpus("xalign-100")


def folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def test_it_holds_100_sentences_in_24_languages_of_13_scripts(corpus):
    assert set(corpus.languages) == set(REQUIRED)
    assert corpus.n == 100
    assert len({script_of(language) for language in corpus.languages}) >= 10


def test_english_sentences_have_6_to_25_words_and_every_topic_at_least_8_sentences(corpus):
    lengths = [len(sentence.split()) for sentence in corpus.sentences["eng_Latn"]]
    assert (min(lengths), max(lengths)) == (6, 25)
    topics = Counter(corpus.labels)
    assert len(topics) == 12
    assert min(topics.values()) >= 8


@pytest.mark.parametrize("language", REQUIRED)
def test_each_language_is_normalised_without_duplicates_and_keeps_the_digits(corpus, language):
    sentences = corpus.sentences[language]
    assert all(unicodedata.is_normalized("NFC", sentence) for sentence in sentences)
    assert len({folded(sentence) for sentence in sentences}) == 100
    for english, sentence in zip(corpus.sentences["eng_Latn"], sentences, strict=True):
        assert re.findall(r"\d+", sentence) == re.findall(r"\d+", english)


@pytest.mark.parametrize("language", REQUIRED)
def test_no_sentence_stands_in_flores(corpus, language, real_data):
    flores = xalign.load_corpus(real_data / "flores200", languages=[language])
    assert not {folded(s) for s in flores.sentences[language]} & {folded(s) for s in corpus.sentences[language]}
