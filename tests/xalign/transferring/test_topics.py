"""A topic that languages share carries over, one they do not share does not, and no tested row is ever trained on."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score

from xalign.corpora import ParallelCorpus
from xalign.errors import CorpusError
from xalign.transferring.dividing import count_leaks, divide
from xalign.transferring.topics import PENALTIES, majority_share, train_topics

TOPICS = ("food", "law", "music", "sport")


def corpus(labels, splits=None) -> ParallelCorpus:
    labels = None if labels is None else tuple(labels)
    n = 40 if labels is None else len(labels)
    texts = {code: tuple(f"{code} {i}" for i in range(n)) for code in ("eng_Latn", "deu_Latn")}
    return ParallelCorpus("made", texts, labels=labels, splits=splits)


def labelled(n: int = 60) -> list[str]:
    return [TOPICS[i % 4] for i in range(n)]


def split(n: int = 60) -> tuple[str, ...]:
    return tuple(("train", "train", "test", "train", "dev", "train")[(i // 4) % 6] for i in range(n))


def planted(n: int = 60, *, d: int = 12, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (np.eye(4, d)[np.arange(n) % 4] + noise * rng.normal(size=(n, d))).astype(np.float32)


@pytest.mark.parametrize("splits", [None, split()])
def test_a_topic_signal_that_languages_share_carries_over_whole(splits):
    division = divide(corpus(labelled(), splits), seed=0)
    probe = train_topics(planted(), labelled(), division, seed=0)
    assert probe.hits(planted(seed=1)).mean() == 1
    assert probe.choosing_accuracy(planted()) == 1


def test_an_unrelated_language_gives_chance_and_the_pivot_itself_does_not():
    labels = labelled(400)
    division = divide(corpus(labels), seed=0)
    probe = train_topics(planted(400), labels, division, seed=0)
    unrelated = np.random.default_rng(5).normal(size=(400, 12)).astype(np.float32)
    assert probe.hits(unrelated).mean() == pytest.approx(majority_share(labels, division), abs=0.07)
    rotated = planted(400)[:, [1, 2, 3, 0, *range(4, 12)]]
    assert probe.hits(rotated).mean() == 0
    assert probe.hits(planted(400)).mean() == 1


@given(st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_folds_test_every_row_once_and_never_train_on_it(seed):
    division = divide(corpus(labelled(52)), seed=seed)
    assert sorted(division.tested) == list(range(52))
    assert all(not set(train) & set(test) for train, test in division.folds)
    assert all(len(train) + len(test) == 52 for train, test in division.folds)
    assert division.choosing is None


def test_the_corpus_own_splits_are_kept():
    splits = np.array(split())
    division = divide(corpus(labelled(), tuple(splits)), seed=0)
    ((train, test),) = division.folds
    assert set(splits[train]) == {"train"}
    assert set(splits[test]) == {"test"}
    assert set(splits[division.probed]) == set(splits[division.choosing]) == {"dev"}
    assert len(train) + len(test) + len(division.probed) == 60
    assert "trained on 40 sentences (train), tested on 12 others (test)" in division.words


@pytest.mark.parametrize("splits", [None, split()])
def test_what_is_tested_has_no_part_in_training_and_what_is_trained_on_none_in_testing(splits):
    division, x, other = divide(corpus(labelled(), splits), seed=0), planted(noise=0.5), planted(noise=0.5, seed=1)
    whole = train_topics(x, labelled(), division, seed=0)
    for model, (train, test) in zip(whole.models, division.folds, strict=True):
        alone, changed, unread = replace(division, folds=((train, test),)), x.copy(), other.copy()
        changed[test] = 1e3
        unread[train] = np.inf
        (again,) = train_topics(changed, labelled(), alone, seed=0).models
        np.testing.assert_array_equal(model.regression.coef_, again.regression.coef_)
        hits = replace(whole, models=(model,), division=alone).hits(unread)
        np.testing.assert_array_equal(hits, model.predict(other[test]) == np.array(labelled())[test])


def test_labels_of_tested_rows_have_no_part_in_training():
    division, x = divide(corpus(labelled(), split()), seed=0), planted(noise=0.5)
    ((_, test),) = division.folds
    wrong = np.array(labelled())
    wrong[test] = "food"
    first, second = (train_topics(x, list(labels), division, seed=0) for labels in (labelled(), wrong))
    np.testing.assert_array_equal(first.models[0].regression.coef_, second.models[0].regression.coef_)


def test_the_path_of_penalties_ends_where_separate_fits_end():
    division, x = divide(corpus(labelled(120), split(120)), seed=0), planted(120, noise=0.9).astype(np.float64)
    probe = train_topics(x, labelled(120), division, seed=3)
    ((train, test),) = division.folds
    scaled, topics = (x - x[train].mean(axis=0)) / x[train].std(axis=0), np.array(labelled(120))
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    scores = [
        cross_val_score(LogisticRegression(C=c, max_iter=5000), scaled[train], topics[train], cv=folds).mean()
        for c in PENALTIES
    ]
    assert probe.penalties == (PENALTIES[int(np.argmax(scores))],)
    alone = LogisticRegression(C=probe.penalties[0], max_iter=5000).fit(scaled[train], topics[train])
    np.testing.assert_array_equal(probe.hits(x), alone.predict(scaled[test]) == topics[test])


def test_scale_and_offset_of_a_column_do_not_matter_if_all_languages_share_them():
    division, rng = divide(corpus(labelled(), split()), seed=0), np.random.default_rng(1)
    scale, offset = rng.uniform(0.1, 10, 12), 5 * rng.normal(size=12)
    x, y = planted(noise=0.6).astype(np.float64), planted(noise=0.6, seed=1).astype(np.float64)
    plain = train_topics(x, labelled(), division, seed=0).hits(y)
    moved = train_topics(x * scale + offset, labelled(), division, seed=0).hits(y * scale + offset)
    np.testing.assert_array_equal(plain, moved)


def test_an_offset_of_one_language_alone_hurts_its_transfer():
    division = divide(corpus(labelled()), seed=0)
    probe = train_topics(planted(), labelled(), division, seed=0)
    assert probe.hits(planted(seed=1) + 3 * np.eye(4, 12, dtype=np.float32)[0]).mean() < 0.5


def test_a_neuron_that_never_varies_does_no_harm():
    x = planted()
    x[:, 5] = 7
    probe = train_topics(x, labelled(), divide(corpus(labelled()), seed=0), seed=0)
    assert probe.hits(x).mean() == 1


def test_chance_is_the_share_of_the_most_frequent_tested_topic():
    labels = ["food"] * 30 + ["law"] * 30
    splits = ("train",) * 20 + ("dev",) * 5 + ("test",) * 5 + ("train",) * 10 + ("dev",) * 5 + ("test",) * 15
    assert majority_share(labels, divide(corpus(labels, splits), seed=0)) == 15 / 20


def test_a_tested_text_that_was_trained_on_is_counted():
    division = divide(corpus(labelled(), split()), seed=0)
    ((train, test),) = division.folds
    texts = [f"sentence {i}" for i in range(60)]
    assert count_leaks(texts, division) == 0
    texts[test[0]] = texts[test[3]] = texts[train[0]]
    assert count_leaks(texts, division) == 2


@pytest.mark.parametrize(
    ("labels", "splits", "message"),
    [
        (None, None, r"must have a topic for each sentence"),
        (labelled(), ("train",) * 40 + ("test",) * 20, r"lacks dev; it has test, train"),
        (labelled(), ("train",) * 50 + ("dev",) * 8 + ("test",) * 2, r"5 sentences in each .* lacks test"),
        (["law"] * 56 + ["food"] * 4, None, r"5 sentences of every topic .* got 4 of 'food'"),
        (["law"] * 60, None, r"at least 2 topics .* got law"),
        (["law", "food"] * 29 + ["art", "music"], split(), r"2 training sentences of every topic, has fewer of"),
    ],
)
def test_text_that_cannot_be_learnt_from_is_refused_by_name(labels, splits, message):
    with pytest.raises(CorpusError, match=message):
        divide(corpus(labels, splits), seed=0)
