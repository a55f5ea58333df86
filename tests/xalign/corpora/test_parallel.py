from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xalign.corpora import BitextCorpus, Corpus, ParallelCorpus, fingerprint_of
from xalign.errors import CorpusError, UnknownNameError

sentences = st.lists(st.sampled_from(["a", "b", "c", "ab", "é", ""]), min_size=4, max_size=12).map(tuple)


def corpus_of(texts, **fields):
    return ParallelCorpus("small", {language: tuple(each) for language, each in texts.items()}, **fields)


def bitexts_of(small):
    pairs = {
        "deu_Latn": corpus_of({"deu_Latn": small["deu_Latn"], "eng_Latn": small["eng_Latn"]}),
        "swh_Latn": corpus_of({"eng_Latn": small["eng_Latn"][:4], "swh_Latn": small["swh_Latn"][:4]}),
    }
    return BitextCorpus("pairs", "eng_Latn", pairs, {"ger": "deu_Latn"})


@given(sentences, sentences)
def test_fingerprints_are_equal_exactly_when_texts_are(a, b):
    assert (fingerprint_of(a) == fingerprint_of(b)) == (a == b)


def test_the_fingerprint_is_of_content_not_of_name_or_order(small):
    corpus = corpus_of(small)
    turned = ParallelCorpus("other", dict(reversed(corpus.sentences.items())), {"x": "deu_Latn"})
    assert turned.fingerprint == corpus.fingerprint


@pytest.mark.parametrize("fields", [{"ids": tuple("abcde")}, {"labels": tuple("abcde")}, {"splits": tuple("abcde")}])
def test_ids_labels_and_splits_are_content(small, fields):
    assert corpus_of(small, **fields).fingerprint != corpus_of(small).fingerprint


def test_the_kind_of_what_stands_beside_the_text_is_content(small):
    assert len({corpus_of(small, **{what: tuple("abcde")}).fingerprint for what in ("ids", "labels", "splits")}) == 3


def test_a_language_has_the_same_fingerprint_in_every_corpus(small):
    corpus = corpus_of(small)
    assert corpus.select(["sw", "en"]).fingerprint_of("sw") == corpus.fingerprint_of("swh_Latn")
    assert corpus.fingerprint_of("swh_Latn") == fingerprint_of(small["swh_Latn"])


@given(sentences)
def test_duplicates_are_the_rows_whose_group_has_another(texts):
    corpus = corpus_of({"eng_Latn": texts})
    groups = corpus.duplicate_groups("eng_Latn")
    same = np.array([[a == b for a in texts] for b in texts])
    assert np.array_equal(groups[:, None] == groups, same)
    assert corpus.duplicates("eng_Latn") == int((same.sum(axis=1) > 1).sum())


def test_pairs_with_a_pivot_are_every_other_language_with_it(small):
    pairs = list(corpus_of(small).pairs("English"))
    assert [(pair.source, pair.target) for pair in pairs] == [(code, "eng_Latn") for code in list(small)[1:]]
    assert all(pair.source_sentences == small[pair.source] for pair in pairs)
    assert all(pair.target_sentences == small["eng_Latn"] for pair in pairs)


def test_pairs_without_a_pivot_are_all_pairs_once(small):
    pairs = [{pair.source, pair.target} for pair in corpus_of(small).pairs(None)]
    assert len(pairs) == 6
    assert len({frozenset(pair) for pair in pairs}) == 6


def test_a_pivot_that_is_not_there_is_an_error(small):
    with pytest.raises(CorpusError, match=r"pivot must be a language of small, got 'fra'; it has eng_Latn, deu_Latn"):
        corpus_of(small).pairs("fra")
    with pytest.raises(CorpusError, match="pivot must be"):
        bitexts_of(small).pairs("deu_Latn")


def test_select_keeps_order_of_the_request_and_takes_any_spelling(small):
    chosen = corpus_of(small, resolution={"zzz": "deu_Latn"}).select(["Swahili", "zzz", "zh", "sw"])
    assert chosen.languages == ("swh_Latn", "deu_Latn", "zho_Hans")
    assert chosen.resolution == {"zzz": "deu_Latn"}


def test_a_language_that_is_not_there_is_an_error_with_the_nearest(small):
    with pytest.raises(UnknownNameError, match=r"got 'zh-Hant' \(zho_Hant\); nearest: zho_Hans"):
        corpus_of(small).select(["zh-Hant"])


def test_a_single_string_is_one_language(small):
    assert corpus_of(small).select("Swahili") == corpus_of(small).select(["swh_Latn"])
    assert bitexts_of(small).select("Swahili") == bitexts_of(small).select(["swh_Latn"])


def test_no_language_is_an_error_that_says_what_to_give(small):
    for corpus in (corpus_of(small), bitexts_of(small)):
        with pytest.raises(CorpusError, match=r"at least one language, such as \['deu_Latn', 'swh_Latn'\], got \[\]"):
            corpus.select([])


def test_the_pivot_alone_is_no_choice_of_bitexts(small):
    with pytest.raises(CorpusError, match=r"another language of pairs beside the pivot, got eng_Latn alone; .*name"):
        bitexts_of(small).select(["English"])


def test_load_arguments_are_kept_but_are_no_content(small):
    asked = {"languages": ["de"], "limit": 4}
    for corpus in (corpus_of(small), bitexts_of(small)):
        told = replace(corpus, load_arguments=asked)
        assert corpus.load_arguments == {}
        assert (told, told.fingerprint) == (corpus, corpus.fingerprint)
        assert told.take(4).load_arguments == told.select(["deu_Latn"]).load_arguments == asked


def test_take_keeps_the_first_rows_of_everything(small):
    taken = corpus_of(small, ids=tuple("abcde"), labels=tuple("xxyyz"), splits=tuple("tttdd")).take(4)
    assert taken.sentences == {language: texts[:4] for language, texts in small.items()}
    assert (taken.ids, taken.labels, taken.splits) == (tuple("abcd"), tuple("xxyy"), tuple("tttd"))
    assert taken.take(99) == taken


def test_fewer_than_four_sentences_are_refused(small):
    with pytest.raises(CorpusError, match="limit must be at least 4, got 3"):
        corpus_of(small).take(3)
    with pytest.raises(CorpusError, match="at least 4 sentences, got 3"):
        corpus_of({"eng_Latn": "abc"})


@pytest.mark.parametrize("fields", [{"ids": ("a",)}, {"labels": ("a",)}, {"splits": ("a",)}])
def test_what_stands_beside_the_text_has_its_length(small, fields):
    with pytest.raises(CorpusError, match="must have the 5 rows of the others, got 1"):
        corpus_of(small, **fields)


def test_bitexts_differ_in_length_and_share_a_pivot(small):
    bitexts = bitexts_of(small)
    assert (bitexts.languages, bitexts.n, bitexts.is_multiparallel) == (("eng_Latn", "deu_Latn", "swh_Latn"), 9, False)
    for pivot in ("en", None):
        pairs = {pair.source: pair for pair in bitexts.pairs(pivot)}
        assert pairs["swh_Latn"].source_sentences == small["swh_Latn"][:4]
        assert pairs["swh_Latn"].target_sentences == small["eng_Latn"][:4]
        assert len(pairs["deu_Latn"].target_sentences) == 5


def test_bitexts_are_selected_and_cut_one_by_one(small):
    bitexts = bitexts_of(small)
    assert bitexts.select(["ger", "eng"]).languages == ("eng_Latn", "deu_Latn")
    assert bitexts.take(4).n == 8
    assert bitexts.take(4).fingerprint != bitexts.fingerprint


def test_a_bitext_must_be_of_its_language_and_the_pivot(small):
    with pytest.raises(CorpusError, match="bitext deu_Latn must be in deu_Latn and fra_Latn"):
        BitextCorpus("pairs", "fra_Latn", bitexts_of(small).bitexts)


def test_both_kinds_of_corpus_are_a_corpus(small):
    assert isinstance(corpus_of(small), Corpus)
    assert isinstance(bitexts_of(small), Corpus)


def test_describe_says_what_is_unusual():
    decomposed = "cafe\u0301"
    texts = {"fra_Latn": [decomposed, "b ", "c", "c", "d"], "rus_Cyrl": ["Da", "net", "kot", "pes", "dom"]}
    said = corpus_of(texts, resolution={"ru": "rus_Cyrl"}, labels=tuple("ppqqq")).describe()
    assert "French [fra_Latn], Russian [rus_Cyrl]" in said
    assert "ru -> rus_Cyrl" in said
    assert "topics: q 3, p 2" in said
    assert "1 sentences are not NFC (normalise='NFC' makes them): fra_Latn 1" in said
    assert "2 sentences equal another of their language: fra_Latn 2" in said
    assert "1 sentences begin or end with white space: fra_Latn 1" in said
    assert "rus_Cyrl is mostly written in Latin letters" in said
