import csv
import time

import pytest

from xalign.corpora import load_corpus


@pytest.mark.slow
def test_flores_loads_whole_with_splits_and_topics(real_data):
    begin = time.perf_counter()
    corpus = load_corpus(real_data / "flores200", progress=False)
    assert time.perf_counter() - begin < 15
    assert (len(corpus.languages), corpus.n, corpus.is_multiparallel) == (205, 1004, True)
    assert {split: corpus.splits.count(split) for split in set(corpus.splits)} == {"train": 701, "dev": 99, "test": 204}
    assert len(set(corpus.labels)) == 7
    assert all(source == code for source, code in corpus.resolution.items())
    assert sum(1 for note in corpus.notes() if "not NFC" in note) == 1


def test_three_languages_of_flores_do_not_wait_for_the_others(real_data):
    chosen = {"languages": ["eng_Latn", "deu_Latn", "swh_Latn"], "progress": False}
    load_corpus(real_data / "flores200", **chosen)
    begin = time.perf_counter()
    assert load_corpus(real_data / "flores200", **chosen).n == 1004
    assert time.perf_counter() - begin < 0.5


def test_flores_quotes_are_read_as_its_writer_wrote_them(real_data):
    corpus = load_corpus(real_data / "flores200", languages=["eng_Latn", "deu_Latn"], progress=False)
    with (real_data / "flores200" / "eng_Latn.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert corpus.sentences["eng_Latn"] == tuple(row["text"] for row in rows)
    assert corpus.ids == tuple(row["index_id"] for row in rows)
    assert corpus.sentences["eng_Latn"][corpus.ids.index("14")].startswith('After the match, King of Clay said, "I am')


def test_the_flores_test_split_has_204_rows_of_its_own(real_data):
    chosen = {"languages": ["en", "sw"], "progress": False}
    test = load_corpus(real_data / "flores200", split="test", **chosen)
    train = load_corpus(real_data / "flores200", split="train", **chosen)
    assert (test.n, train.n) == (204, 701)
    assert not set(test.ids) & set(train.ids)


def test_tatoeba_is_112_bitexts_with_english(real_data):
    corpus = load_corpus(real_data / "tatoeba", progress=False)
    lengths = [bitext.n for bitext in corpus.bitexts.values()]
    assert (len(lengths), min(lengths), max(lengths), lengths.count(1000)) == (112, 104, 1000, 72)
    assert len({bitext.fingerprint_of("eng_Latn") for bitext in corpus.bitexts.values()}) > 100
    assert "srp_Cyrl is mostly written in Latin letters" in corpus.notes()


def test_xquad_questions_and_paragraphs_are_parallel(real_data):
    questions = load_corpus(real_data / "xquad", progress=False)
    assert (len(questions.languages), questions.n) == (12, 1190)
    assert questions.sentences["eng_Latn"][0] == "How many points did the Panthers defense surrender?"
    assert questions.sentences["deu_Latn"][0] == "Wie viele Punkte gab die Verteidigung der Panthers ab?"
    assert load_corpus(f"{real_data / 'xquad'}#paragraphs", progress=False).n == 240


def test_nusax_columns_are_named_in_words(real_data):
    corpus = load_corpus(real_data / "nusax" / "mt", progress=False)
    assert (len(corpus.languages), corpus.n) == (12, 1000)
    assert {"toba_batak": "bbc_Latn", "ngaju": "nij_Latn", "madurese": "mad_Latn"}.items() <= corpus.resolution.items()
    assert {split: corpus.splits.count(split) for split in set(corpus.splits)} == {
        "train": 500,
        "valid": 100,
        "test": 400,
    }
    assert len(set(corpus.ids)) == 1000


def test_nusax_sentiment_is_parallel_with_its_labels(real_data):
    corpus = load_corpus(real_data / "nusax" / "sentiment", progress=False)
    assert (len(corpus.languages), corpus.n, set(corpus.labels)) == (12, 1000, {"negative", "neutral", "positive"})
