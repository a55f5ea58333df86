"""The study as a whole, on the embedded model: every number from its definition, bad input by name."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import xalign
from xalign.encoders import ActivationCache, Encoder
from xalign.errors import CorpusError, SettingError, UnknownNameError
from xalign.figures.transfers import draw_transfer, plot_correlations, plot_transfer
from xalign.transferring.correlating import CORRELATION_COLUMNS
from xalign.transferring.dividing import divide
from xalign.transferring.topics import train_topics

OTHERS = ["deu_Latn", "swh_Latn", "tur_Latn", "rus_Cyrl", "hin_Deva", "fin_Latn", "vie_Latn"]
PROBES = ("retrieval", "neurons", "isotropy", "cka")
FAST = {"n_resamples": 50, "progress": False}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return xalign.load_encoder()


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> ActivationCache:
    return ActivationCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def corpus() -> xalign.ParallelCorpus:
    """Three of the topics, 27 sentences."""
    whole = xalign.load_corpus().select(["eng_Latn", *OTHERS])
    return whole.at([row for row, topic in enumerate(whole.labels) if topic in ("family", "sports", "science")])


@pytest.fixture(scope="module")
def in_splits(corpus) -> xalign.ParallelCorpus:
    places = np.random.default_rng(0).permutation(corpus.n)
    return replace(corpus, splits=tuple("train" if i < 14 else "dev" if i < 19 else "test" for i in places))


@pytest.fixture(scope="module")
def result(encoder, corpus, cache) -> xalign.Transfer:
    return xalign.transfer(encoder, corpus, probes=PROBES, cache=cache, **FAST)


@pytest.fixture(scope="module")
def split_result(encoder, in_splits, cache) -> xalign.Transfer:
    return xalign.transfer(encoder, in_splits, probes=PROBES, layer=2, cache=cache, **FAST)


def vectors(encoder, corpus, cache, language, layer):
    from xalign.encoders.cached_encoding import cached_encode

    return cached_encode(encoder, corpus.sentences[language], cache=cache, progress=False).layer(layer)


def test_accuracy_is_what_the_topic_probe_hits_in_every_language(split_result, encoder, in_splits, cache):
    division = divide(in_splits, seed=0)
    english = vectors(encoder, in_splits, cache, "eng_Latn", 4)
    probe = train_topics(english, in_splits.labels, division, seed=0)
    rows = split_result.accuracy[split_result.accuracy["layer"] == 4].set_index("language")
    assert list(rows.index) == list(in_splits.languages)
    for language, row in rows.iterrows():
        hits = probe.hits(vectors(encoder, in_splits, cache, language, 4))
        assert row["accuracy"] == hits.mean()
        assert row["n"] == hits.size == 8
        assert row["ci_low"] <= row["accuracy"] <= row["ci_high"]


@pytest.mark.parametrize("name", ["retrieval", "neurons", "isotropy"])
def test_scores_are_a_reports_own_on_the_sentences_that_are_neither_trained_on_nor_tested(
    split_result, encoder, in_splits, cache, name
):
    dev = in_splits.in_split("dev")
    report = xalign.probe(
        encoder, dev, probes=name, n_permutations=1, n_resamples=1, seed=0, cache=cache, progress=False
    )
    expected = report.table[report.table["target"] != "eng_Latn"].set_index(["layer", "target"])["score"]
    scores = split_result.scores[split_result.scores["probe"] == name].set_index(["layer", "language"])["score"]
    pd.testing.assert_series_equal(scores, expected, check_names=False)


def test_correlations_are_of_the_points(result):
    assert list(result.correlations.columns) == CORRELATION_COLUMNS
    for row in result.correlations.dropna(subset=["pearson"]).to_dict("records"):
        points = result.points(row["probe"], row["layer"])
        assert list(points["language"]) == [code for code in points["language"] if code != "eng_Latn"]
        assert row["n"] == len(points) == len(OTHERS)
        assert row["pearson"] == pytest.approx(np.corrcoef(points["score"], points["accuracy"])[0, 1])
        assert row["spearman"] == pytest.approx(points["score"].corr(points["accuracy"], method="spearman"))


def test_the_pivot_is_tested_but_neither_in_a_correlation_nor_in_the_mean(result):
    assert "eng_Latn" in set(result.accuracy["language"])
    assert "eng_Latn" not in set(result.scores["language"])
    rows = result.accuracy[(result.accuracy["layer"] == result.layer) & (result.accuracy["language"] != "eng_Latn")]
    assert result.score == rows["accuracy"].mean()


def test_the_layer_is_the_pivots_best_on_held_out_sentences_and_the_lowest_of_equals(
    result, encoder, in_splits, corpus, cache
):
    own = result.accuracy[result.accuracy["language"] == "eng_Latn"].set_index("layer")["accuracy"]
    assert result.layer == own.idxmax()
    chosen = xalign.transfer(encoder, in_splits, probes="retrieval", cache=cache, **FAST)
    division = divide(in_splits, seed=0)
    held_out = {}
    for layer in range(7):
        english = vectors(encoder, in_splits, cache, "eng_Latn", layer)
        held_out[layer] = train_topics(english, in_splits.labels, division, seed=0).choosing_accuracy(english)
    assert chosen.layer == max(held_out, key=held_out.get)


def test_the_best_probes_come_first_whatever_their_sign(result, split_result):
    assert split_result.layer == 2
    sizes = result.best["pearson"].abs().dropna()
    assert list(sizes) == sorted(sizes, reverse=True)
    assert set(result.best["probe"]) == set(PROBES)
    assert (result.best["layer"] == result.layer).all()


def test_a_reader_is_warned_of_few_languages_and_shared_sentences(result, split_result, encoder, corpus, cache):
    assert any("7 languages are few" in warning for warning in result.warnings)
    assert any("scored on sentences that are tested too" in warning for warning in result.warnings)
    assert not any("tested too" in warning for warning in split_result.warnings)
    assert "5 folds over 27 sentences" in result.run["protocol"]
    embeddings = xalign.transfer(encoder, corpus, probes=("neurons", "cka"), layer=0, cache=cache, **FAST)
    assert any("not scored at the headline's layer 0, but at others: neurons" in w for w in embeddings.warnings)
    assert list(embeddings.best["probe"]) == ["cka"]


def test_a_saved_result_loads_as_it_was_with_a_picture_for_every_probe(result, tmp_path):
    folder = result.save(tmp_path / "out")
    names = {path.name for path in folder.iterdir()}
    assert {"accuracy.csv", "scores.parquet", "correlations.csv", "confounds.csv", "run.json"} <= names
    assert {"correlations.png", *(f"transfer_{probe}.png" for probe in result.best.dropna()["probe"])} <= names
    loaded = xalign.Transfer.load(folder)
    for name in ("accuracy", "scores", "correlations", "confounds"):
        pd.testing.assert_frame_equal(getattr(loaded, name), getattr(result, name), check_dtype=False)
    assert (loaded.layer, loaded.warnings, loaded.score) == (result.layer, result.warnings, result.score)
    assert loaded.run == json.loads(json.dumps(result.run))
    assert repr(loaded) == repr(result)


def test_run_json_says_how_to_repeat_it(result, corpus):
    arguments = result.run["arguments"]
    assert (arguments["pivot"], arguments["layer"], arguments["seed"]) == ("eng_Latn", "best", 0)
    assert tuple(arguments["probes"]) == PROBES
    assert result.run["corpus"]["hash"] == corpus.fingerprint
    assert {len(chosen) for chosen in result.run["penalties"].values()} == {5}


def test_a_folder_that_holds_no_result_is_refused(tmp_path):
    with pytest.raises(xalign.XalignError, match=r"not a saved result of transfer: it lacks run\.json"):
        xalign.Transfer.load(tmp_path)


def test_the_same_call_gives_the_same_tables_from_the_cache_alone(result, encoder, corpus, cache, monkeypatch):
    def refuse(self, *arguments, **options):
        raise RuntimeError("a forward pass was asked for")

    monkeypatch.setattr(Encoder, "encode_request", refuse)
    again = xalign.transfer(encoder, corpus, probes=PROBES, cache=cache, **FAST)
    for name in ("accuracy", "scores", "correlations"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name))


def test_points_of_an_unknown_probe_or_layer_are_refused(result):
    with pytest.raises(UnknownNameError, match=r"'retreival' \(did you mean 'retrieval'\?\)"):
        result.points("retreival")
    with pytest.raises(UnknownNameError, match=r"neurons was not scored at layer 0; it was at \[1, 2, 3, 4, 5, 6\]"):
        result.points("neurons", 0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"probes": "retreival"}, UnknownNameError, "did you mean 'retrieval'"),
        ({"layer": 9}, UnknownNameError, "layer must be 'best' or in 0 to 6, got 9"),
        ({"layer": -1}, UnknownNameError, "got -1"),
        ({"layer": "last"}, UnknownNameError, "layer must be 'best' or a number, got 'last'"),
        ({"n_resamples": 0}, SettingError, "n_resamples must be at least 1"),
        ({"seed": -1}, SettingError, "seed must be 0 or more"),
        ({"languages": []}, SettingError, "languages must name at least one"),
        ({"languages": "de,sw,tr,ru"}, CorpusError, "5 languages beside the pivot .* got 4"),
        ({"languages": ["isl_Latn", *OTHERS]}, UnknownNameError, "isl_Latn"),
        ({"pivot": "fra_Latn"}, CorpusError, "pivot 'fra_Latn' is not in corpus"),
        ({"pooling": "max"}, UnknownNameError, "pooling"),
    ],
)
def test_bad_arguments_are_named_before_any_sentence_is_encoded(encoder, corpus, monkeypatch, options, error, message):
    def refuse(self, *arguments, **options):
        raise RuntimeError("a forward pass was asked for")

    monkeypatch.setattr(Encoder, "encode_request", refuse)
    with pytest.raises(error, match=message):
        xalign.transfer(encoder, corpus, cache=False, **({"probes": PROBES} | FAST | options))


def test_text_without_topics_and_bitexts_are_refused_by_name(encoder, corpus, tmp_path):
    with pytest.raises(CorpusError, match="must have a topic for each sentence"):
        xalign.transfer(encoder, replace(corpus, labels=None), cache=False, **FAST)
    for code, language in (("deu", "deu_Latn"), ("swh", "swh_Latn")):
        for side, name in ((code, language), ("eng", "eng_Latn")):
            text = "\n".join(corpus.sentences[name][:8]) + "\n"
            (tmp_path / f"set.{code}-eng.{side}").write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match="is a set of bitexts"):
        xalign.transfer(encoder, tmp_path, cache=False, **FAST)


def test_a_scatter_shows_every_language_with_its_accuracy_and_the_table_s_correlations(result):
    ax = Figure(layout="constrained").subplots()
    result.plot("retrieval", ax=ax)
    points = result.points("retrieval")
    drawn = np.vstack([line.get_xydata() for line in ax.lines if line.get_marker() == "o"])
    assert sorted(map(tuple, drawn)) == sorted(zip(points["score"], points["accuracy"], strict=True))
    (row,) = result.best[result.best["probe"] == "retrieval"].to_dict("records")
    title = ax.get_title(loc="left")
    for name in ("pearson", "pearson_low", "spearman", "spearman_high"):
        assert f"{abs(row[name]):.2f}".removeprefix("0") in title
    assert {"German", "Swahili", "Hindi"} <= {text.get_text() for text in ax.texts}
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["Latin (5)", "other (2)", "most frequent topic"]


def test_the_picture_of_correlations_shows_value_interval_and_partial_of_every_probe(result):
    ax = Figure(layout="constrained").subplots()
    result.plot_correlations(ax=ax)
    best = result.best.dropna(subset=["pearson"])
    plain, partial = (line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_array_equal(plain.get_xdata(), best["pearson"])
    np.testing.assert_array_equal(partial.get_xdata(), best["partial"])
    joint, alone = (np.array([p.vertices[:, 0] for p in c.get_paths()]) for c in ax.collections[:2])
    np.testing.assert_array_equal(alone, best[["pearson_low", "pearson_high"]])
    np.testing.assert_array_equal(joint, best[["pearson_joint_low", "pearson_joint_high"]])
    titles = {"retrieval": "Retrieval P@1", "neurons": "NeuronXA (NAS)", "cka": "CKA", "isotropy": "Isotropy"}
    assert [label.get_text() for label in ax.get_yticklabels()] == [titles[probe] for probe in best["probe"]]


def test_what_cannot_be_drawn_is_refused_or_left_out(result):
    with pytest.raises(ValueError, match="points must hold a language"):
        plot_transfer(result.points("cka").assign(score=np.nan), {})
    with pytest.raises(ValueError, match="best must hold a probe"):
        plot_correlations(result.best.assign(pearson=np.nan))
    nothing = replace(result, correlations=result.correlations.assign(pearson=np.nan))
    assert draw_transfer(nothing) == ()
