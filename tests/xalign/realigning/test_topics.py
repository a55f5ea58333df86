"""The task score: what a topic probe hits before and after, resampled together; why it is absent; when it falls."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import xalign
from xalign import BitextCorpus
from xalign.encoding import EncodingRequest
from xalign.errors import CorpusError
from xalign.realigning.dividing import divide
from xalign.realigning.languages import LanguageGroups
from xalign.realigning.topics import (
    TOPIC_COLUMNS,
    TopicHits,
    compare_topics,
    find_task,
    score_topics,
    tabulate_accuracy,
    warn_of_fall,
)
from xalign.transferring import dividing
from xalign.transferring.topics import train_topics

GROUPS = LanguageGroups("eng_Latn", ("deu_Latn", "swh_Latn"), ("tur_Latn",), (), "")
LANGUAGES = GROUPS.languages
N_RESAMPLES = 400


def made_up(seed: int, *, share: float, layers: int = 2, n: int = 120) -> TopicHits:
    """Random hits, of which `share` are right; the last layer is chosen."""
    rng = np.random.default_rng(seed)
    hits = {layer: {language: rng.random(n) < share for language in LANGUAGES} for layer in range(layers)}
    return TopicHits(hits, {layer: layer / 10 for layer in range(layers)}, 0.25)


def compare(before: TopicHits, after: TopicHits) -> pd.DataFrame:
    return compare_topics(before, after, GROUPS, n_resamples=N_RESAMPLES, seed=0)


@pytest.fixture(scope="module")
def rows():
    """Four topics of xalign-100 in four languages, with splits."""
    whole = xalign.load_corpus(progress=False).select(list(LANGUAGES))
    kept = [row for row, topic in enumerate(whole.labels) if topic in ("family", "sports", "science", "food")]
    return divide(whole.at(kept), pivot="eng_Latn", seed=0)


@pytest.fixture(scope="module")
def found(rows):
    task = find_task(with_five_each(rows), pivot="eng_Latn", seed=0)
    request = EncodingRequest(None, "mean", (), None, False)
    return task, score_topics(xalign.load_encoder(), task, request)


def with_five_each(rows):
    """The same rows with five to watch, as many as a task needs."""
    splits = tuple(np.resize(["train", "train", "dev", "train", "test"], rows.corpus.n).tolist())
    return replace(rows, corpus=replace(rows.corpus, splits=splits))


def test_hits_are_those_of_a_probe_trained_on_the_pivots_training_rows_alone(found):
    task, hits = found
    text = task.rows.corpus
    encoder = xalign.load_encoder()
    english, swahili = (encoder.encode(text.sentences[code], progress=False) for code in ("eng_Latn", "swh_Latn"))
    division = dividing.divide(text, seed=0)
    for layer in (0, 4):
        probe = train_topics(english.layer(layer), text.labels, division, seed=0)
        assert hits.choosing[layer] == probe.choosing_accuracy(english.layer(layer))
        np.testing.assert_array_equal(hits.hits[layer]["eng_Latn"], probe.hits(english.layer(layer)))
        np.testing.assert_array_equal(hits.hits[layer]["swh_Latn"], probe.hits(swahili.layer(layer)))
    assert hits.choosing[hits.layer] == max(hits.choosing.values())


@given(st.integers(0, 50), st.floats(0.3, 0.9), st.floats(0.3, 0.9))
def test_a_groups_accuracy_is_the_mean_over_its_languages_and_sentences(seed, first, second):
    before, after = made_up(seed, share=first), made_up(seed + 1, share=second)
    table = compare(before, after).set_index("group")
    assert list(table.index) == ["pivot", "chosen", "other"]
    assert table.loc["pivot", "before"] == before.hits[1]["eng_Latn"].mean()
    both = [after.hits[1][language].mean() for language in GROUPS.chosen]
    assert table.loc["chosen", "after"] == pytest.approx(np.mean(both))
    assert table.loc["chosen", "n_languages"] == 2
    assert table["change"].to_numpy() == pytest.approx((table["after"] - table["before"]).to_numpy())


def test_the_interval_is_the_paired_one_over_sentences():
    before, after = made_up(0, share=0.6), made_up(1, share=0.7)
    row = compare(before, after).set_index("group").loc["pivot"]
    change = after.hits[1]["eng_Latn"].astype(float) - before.hits[1]["eng_Latn"]
    half = 1.96 * change.std() / np.sqrt(change.size)
    assert row["ci_low"] == pytest.approx(change.mean() - half, abs=0.02)
    assert row["ci_high"] == pytest.approx(change.mean() + half, abs=0.02)


def test_the_same_hits_move_nothing_and_leave_no_doubt():
    same = made_up(3, share=0.5)
    table = compare(same, same)
    assert (table[["change", "ci_low", "ci_high"]] == 0).all(axis=None)
    assert list(warn_of_fall(table, "eng_Latn")) == []


def test_each_model_is_taken_at_its_own_layer():
    before, after = made_up(0, share=0.5), made_up(1, share=0.5)
    after = replace(after, choosing={0: 0.9, 1: 0.9})
    table = compare(before, after)
    assert set(table["layer_before"]) == {1}
    assert set(table["layer_after"]) == {0}
    assert table.loc[0, "after"] == after.hits[0]["eng_Latn"].mean()


def test_a_sure_fall_of_the_pivot_is_warned_of_and_an_unsure_one_is_called_so():
    (fell,) = warn_of_fall(compare(made_up(0, share=0.9), made_up(1, share=0.5)), "eng_Latn")
    assert fell.startswith("English's own topic accuracy falls from 0.9")
    assert "stronger anchor" in fell
    (unsure,) = warn_of_fall(compare(made_up(0, share=0.6), made_up(1, share=0.6)), "eng_Latn")
    assert unsure.startswith("120 sentences cannot tell whether English's own topic accuracy fell")
    assert list(warn_of_fall(pd.DataFrame(columns=TOPIC_COLUMNS), "eng_Latn")) == []


def test_the_table_of_accuracies_has_every_side_layer_and_language():
    before, after = made_up(0, share=0.5), made_up(1, share=0.5)
    table = tabulate_accuracy(before, after, GROUPS).set_index(["side", "layer", "language"])
    assert len(table) == 2 * 2 * 4
    assert table.loc[("after", 0, "swh_Latn"), "accuracy"] == after.hits[0]["swh_Latn"].mean()
    assert table.loc[("after", 0, "eng_Latn"), "group"] == "pivot"


def test_without_topics_the_reason_is_the_error(rows):
    without = replace(rows, corpus=replace(rows.corpus, labels=None))
    with pytest.raises(CorpusError, match="must have a topic for each sentence"):
        find_task(without, pivot="eng_Latn", seed=0)
    bitext = rows.corpus.select(["deu_Latn", "eng_Latn"])
    pairs = replace(rows, corpus=BitextCorpus("pairs", "eng_Latn", {"deu_Latn": bitext}))
    with pytest.raises(CorpusError, match="pairs is a set of bitexts"):
        find_task(pairs, pivot="eng_Latn", seed=0)
