"""Every row has one use; splits that a corpus has are kept, others are dealt out fairly."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import xalign
from xalign import BitextCorpus, ParallelCorpus
from xalign.errors import CorpusError
from xalign.realigning.dividing import divide


def corpus(n: int, *, labels=None, splits=None, languages=("eng_Latn", "deu_Latn")) -> ParallelCorpus:
    sentences = {language: tuple(f"{language} {i}" for i in range(n)) for language in languages}
    return ParallelCorpus("made up", sentences, labels=labels, splits=splits)


@given(n=st.integers(20, 400), seed=st.integers(0, 5))
def test_random_rows_are_dealt_70_10_and_20_percent_and_each_once(n, seed):
    found = divide(corpus(n), pivot="eng_Latn", seed=seed)
    parts = [part.sentences["eng_Latn"] for part in (found.train, found.dev, found.test)]
    assert sorted(sum(parts, ())) == sorted(corpus(n).sentences["eng_Latn"])
    assert [len(part) for part in parts[1:]] == [max(4, round(0.1 * n)), max(4, round(0.2 * n))]
    assert not found.is_given


@given(n_topics=st.integers(1, 12), each=st.integers(20, 30), seed=st.integers(0, 3))
def test_every_topic_gets_its_share_of_each_split(n_topics, each, seed):
    labels = tuple(f"topic {i % n_topics}" for i in range(n_topics * each))
    found = divide(corpus(len(labels), labels=labels), pivot="eng_Latn", seed=seed)
    for part in (found.train, found.dev, found.test):
        counts = Counter(part.labels)
        expected = part.n / n_topics
        assert all(abs(counts[f"topic {topic}"] - expected) <= 2 for topic in range(n_topics))


def test_the_seed_decides_and_nothing_else_does():
    first, again, other = (divide(corpus(60), pivot="eng_Latn", seed=seed).test.sentences for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_corpus_own_splits_are_kept():
    splits = tuple(np.resize(["train", "train", "dev", "test", "extra"], 40).tolist())
    found = divide(corpus(40, splits=splits), pivot="eng_Latn", seed=0)
    assert found.is_given
    for name in ("train", "dev", "test"):
        expected = tuple(f"deu_Latn {i}" for i in range(40) if splits[i] == name)
        assert getattr(found, name).sentences["deu_Latn"] == expected
    assert found.words == "realigned on 16 sentences, watched on 8, measured on 8 others (the corpus' own splits)"


def test_splits_that_are_not_all_there_are_dealt_anew_and_that_is_said():
    found = divide(corpus(40, splits=("dev", "test") * 20), pivot="eng_Latn", seed=3)
    assert (found.train.n, found.dev.n, found.test.n) == (28, 4, 8)
    assert found.words.endswith("(random rows, 70, 10 and 20 %, seed 3)")


def test_each_bitext_is_divided_by_itself():
    parts = {
        language: corpus(n, languages=(language, "eng_Latn")) for language, n in (("deu_Latn", 30), ("swh_Latn", 90))
    }
    found = divide(BitextCorpus("pairs", "eng_Latn", parts), pivot="eng_Latn", seed=0)
    assert {language: bitext.n for language, bitext in found.test.bitexts.items()} == {"deu_Latn": 6, "swh_Latn": 18}
    assert found.words.startswith("realigned on 20 to 63 sentences each, watched on 4 to 9, measured on 6 to 18 others")
    assert [found.fewest(split) for split in ("train", "dev", "test")] == [20, 4, 6]


def test_measured_rows_that_were_trained_on_word_for_word_are_counted():
    whole = corpus(30)
    english = ("the same",) * 30
    repeated = replace(whole, sentences={**whole.sentences, "eng_Latn": english})
    assert divide(whole, pivot="eng_Latn", seed=0).n_leaks == 0
    assert divide(repeated, pivot="eng_Latn", seed=0).n_leaks == 6


@pytest.mark.parametrize(
    ("given_corpus", "words"),
    [
        (corpus(19), "must have 20 sentences to be divided into train, dev and test, got 19"),
        (corpus(40, splits=("train",) * 35 + ("dev",) * 3 + ("test",) * 2), "4 sentences in its split dev, got 3"),
    ],
)
def test_too_few_rows_are_refused_with_what_to_do(given_corpus, words):
    with pytest.raises(CorpusError, match=words):
        divide(given_corpus, pivot="eng_Latn", seed=0)


def test_flores_is_divided_as_its_makers_did(real_data):
    text = xalign.load_corpus(real_data / "flores200", languages=["eng_Latn", "swh_Latn"], progress=False)
    found = divide(text, pivot="eng_Latn", seed=0)
    assert found.is_given
    assert (found.train.n, found.dev.n, found.test.n) == (701, 99, 204)
    assert set(found.train.splits) == {"train"}
