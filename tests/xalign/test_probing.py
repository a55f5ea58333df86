"""A report against its definition: every number must be what the measure gives on the encoder's own vectors."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import probes
import xalign
from probes.judging import draw_permutations, null_of, prepare
from xalign.columns import TABLE_COLUMNS
from xalign.encoders import ActivationCache, Encoder
from xalign.errors import ActivationError, CorpusError, ProbeError, SettingError, UnknownNameError
from xalign.measures import MEASURES, TABLE
from xalign.transforming import halves

LANGUAGES = ["deu_Latn", "swh_Latn", "kat_Geor"]
FAST = {"n_permutations": 20, "n_resamples": 20, "progress": False}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return xalign.load_encoder()


@pytest.fixture(scope="module")
def corpus() -> xalign.ParallelCorpus:
    return xalign.load_corpus().take(40)


@pytest.fixture(scope="module")
def report(encoder, corpus) -> xalign.ProbeReport:
    return xalign.probe(encoder, corpus, probes="all", languages=LANGUAGES, cache=False, **FAST)


@pytest.fixture(scope="module")
def encoded(encoder, corpus):
    return {
        language: encoder.encode(corpus.sentences[language], neurons=("nas", "nav"), progress=False)
        for language in ("eng_Latn", *LANGUAGES)
    }


def vectors(encoded, language: str, states: str, layer: int) -> np.ndarray:
    found = encoded[language]
    return found.layer(layer) if states == "layer" else found.neuron_layer(states, layer)


VECTORS = ("layer", "nas", "nav")
OF_PAIRS = [measure for measure in TABLE if measure.reads in VECTORS and measure.sees_pairs]


@pytest.mark.parametrize("name", [measure.name for measure in OF_PAIRS])
def test_every_row_is_what_the_measure_gives_on_these_vectors(report, encoded, name):
    measure = MEASURES[name]
    function = partial(measure.function, **measure.options)
    rows = report.table[report.table["probe"] == name]
    assert len(rows) or name in report.run["skipped"]
    for row in rows[rows["layer"].isin((1, 5))].itertuples():
        x, y = (vectors(encoded, language, measure.reads, row.layer) for language in (row.source, row.target))
        permuted = prepare(function, x, y).permuted(draw_permutations(40, measure.n_draws(20), seed=0))
        null = null_of(row.score, permuted, below=measure.below)
        interval = probes.bootstrap_interval(function, x, y, n_resamples=20, seed=0)
        assert row.score == pytest.approx(function(x, y).score, abs=1e-5)
        assert (row.null_mean, row.null_sd) == pytest.approx((null.mean, null.sd), abs=1e-5)
        assert row.p_value == pytest.approx(null.p_value)
        assert (row.ci_low, row.ci_high) == pytest.approx((interval.low, interval.high), abs=1e-5)


def test_chance_in_the_table_is_the_measures_own(report, encoded):
    for measure in OF_PAIRS:
        if measure.name in report.run["skipped"]:
            continue
        x, y = (vectors(encoded, language, measure.reads, 2) for language in ("eng_Latn", "deu_Latn"))
        own = getattr(measure.function(x, y, **measure.options), "chance", None)
        row = report.table[(report.table["probe"] == measure.name) & (report.table["layer"] == 2)].iloc[0]
        if own is not None:
            assert row["chance"] == pytest.approx(own, abs=1e-6), measure.name
        assert row["chance"] == pytest.approx(row["null_mean"], abs=max(0.02, 4 * row["null_sd"])), measure.name


def test_the_table_has_a_row_for_every_layer_language_and_probe(report):
    assert list(report.table.columns) == TABLE_COLUMNS
    counts = report.table.groupby("probe").size()
    of_sentences = [measure for measure in TABLE if measure.reads not in ("words", "lens")]
    for measure in of_sentences:
        if measure.name not in report.run["skipped"]:
            n_layers = 6 if measure.reads_neurons else 7
            n_languages = len(LANGUAGES) + (not measure.sees_pairs)
            assert counts[measure.name] == n_layers * n_languages, measure.name
    rows = report.table[report.table["probe"].isin([measure.name for measure in of_sentences])]
    alone = rows["probe"].isin([measure.name for measure in of_sentences if not measure.sees_pairs])
    assert (rows.loc[~alone, "source"] == "eng_Latn").all()
    assert (rows.loc[alone, "source"] == rows.loc[alone, "target"]).all()
    assert (rows["n"] == 40).all()


def test_all_probes_say_which_were_left_out_and_why(report):
    skipped = report.run["skipped"]
    assert "256 dimensions, got 40" in skipped["mean_cca"]
    assert "decoder" in skipped["logit_lens"]
    assert not set(skipped) & set(report.table["probe"])


def test_a_probe_asked_for_by_name_that_cannot_be_taken_stops_the_run(encoder, corpus):
    with pytest.raises(ProbeError, match="mean_cca needs more sentences than the 256 dimensions, got 40"):
        xalign.probe(encoder, corpus, probes=("cka", "mean_cca"), languages=LANGUAGES, cache=False, **FAST)


def test_languages_are_scored_by_themselves_as_the_measure_does(report, encoded):
    for name in ("isotropy", "outlier_dimensions"):
        measure = MEASURES[name]
        for row in report.table.query("probe == @name and layer == 4").itertuples():
            assert row.score == pytest.approx(measure.function(encoded[row.target].layer(4)).score, rel=1e-5)
    together = probes.language_identity({language: found.layer(4) for language, found in encoded.items()})
    rows = report.table.query("probe == 'language_identity' and layer == 4").set_index("target")
    assert rows["score"].mean() == pytest.approx(together.score)


def test_all_probes_run_without_a_pivot_and_only_symmetric_ones_are_mirrored(encoder, corpus):
    found = xalign.probe(
        encoder, corpus, probes="all", languages=["eng", *LANGUAGES], pivot=None, layers=[4], cache=False, **FAST
    )
    assert found.pairs["probe"].isin(found.table.query("source != target")["probe"]).all()
    margin = found.matrix("margin", layer=4).to_numpy()
    assert np.isfinite(margin[np.triu_indices(4, 1)]).all()
    assert np.isnan(margin[np.tril_indices(4)]).all()


def test_all_probes_of_the_embeddings_alone_leave_the_neurons_out(encoder, corpus):
    found = xalign.probe(encoder, corpus, probes="all", languages=LANGUAGES, layers=[0], cache=False, **FAST)
    assert "layer 0 has none" in found.run["skipped"]["neurons"]
    assert set(found.table["layer"]) == {0}


def test_of_bitexts_every_language_has_one_row_and_the_pivot_none_by_itself(encoder, corpus):
    pairs = {
        language: corpus.select(["eng_Latn", language]).at(range(start, start + 20))
        for language, start in (("deu_Latn", 0), ("swh_Latn", 20))
    }
    text = xalign.BitextCorpus("pairs", "eng_Latn", pairs)
    found = xalign.probe(encoder, text, probes="all", layers=[4], cache=False, **FAST)
    alone = found.table.query("probe == 'isotropy'")
    assert alone["target"].tolist() == ["deu_Latn", "swh_Latn"]
    keys = ["layer", "source", "target", "probe"]
    assert not found.table.duplicated(keys).any()
    assert len(found.compare(found).table) == len(found.table)


def test_the_probes_of_words_say_which_languages_they_leave_out(encoder, real_data):
    text = xalign.load_corpus(real_data / "flores200", languages=["eng", "deu", "ast"], limit=120, progress=False)
    found = xalign.probe(encoder, text, probes=("word_retrieval", "cka"), layers=[4], cache=False, **FAST)
    assert found.table.query("probe == 'word_retrieval'")["target"].tolist() == ["deu_Latn"]
    assert found.run["skipped"] == {"word_retrieval in ast_Latn": "the lexicon has no word of theirs in the text"}


def test_a_map_without_a_pivot_is_refused_before_anything_is_encoded(encoder, corpus, monkeypatch):
    monkeypatch.setattr(Encoder, "encode_request", None)
    with pytest.raises(ProbeError, match="transform orthogonal maps every language onto a pivot"):
        xalign.probe(encoder, corpus, probes="cka", pivot=None, transform="orthogonal", cache=False, **FAST)


def test_no_text_is_on_both_sides_of_a_transform():
    fitted, scored = halves(np.array([0, 1, 0, 2, 3, 4, 3, 5]), seed=1)
    assert sorted([*fitted, *scored]) == list(range(8))
    assert not {0, 2} & set(fitted) or {0, 2} <= set(fitted)
    assert not {4, 6} & set(fitted) or {4, 6} <= set(fitted)


def test_a_transform_is_fitted_on_one_half_and_scored_on_the_other(encoder, corpus, encoded):
    report = xalign.probe(
        encoder, corpus, probes=("strong", "cka"), languages=LANGUAGES, transform="centre", layers=[4],
        cache=False, **FAST,
    )  # fmt: skip
    order = np.random.default_rng(0).permutation(40)
    fitted, scored = np.sort(order[:20]), np.sort(order[20:])
    for row in report.table.query("probe == 'strong'").itertuples():
        x, y = (
            found.layer(4)[scored] - found.layer(4)[fitted].mean(axis=0)
            for found in (encoded[row.source], encoded[row.target])
        )
        assert row.n == 20
        assert row.score == pytest.approx(probes.strong_alignment(x, y).score)
    assert any("fitted on a random half" in warning for warning in report.warnings)


@pytest.mark.parametrize("name", ["cka", "anc"])
def test_the_matrix_agrees_with_the_table_and_is_symmetric(report, name):
    matrix = report.matrix(name, layer=3)
    assert np.allclose(matrix, matrix.T)
    rows = report.table.query("probe == @name and layer == 3")
    for row in rows.itertuples():
        assert matrix.loc["eng_Latn", row.target] == pytest.approx(row.score, abs=1e-5)
    assert np.allclose(np.diag(matrix), 1, atol=1e-5)


def test_a_matrix_of_a_pivot_only_probe_is_refused_with_the_way_out(report):
    with pytest.raises(UnknownNameError, match="pivot=None"):
        report.matrix("retrieval", layer=3)


def test_without_a_pivot_every_pair_stands_once_and_agrees_with_the_pivots_rows(report, encoder, corpus):
    languages = ["eng_Latn", *LANGUAGES]
    found = xalign.probe(
        encoder, corpus, probes=("cka", "retrieval"), languages=languages, pivot=None, layers=[3], cache=False, **FAST
    )
    pairs = {frozenset(pair) for pair in found.table[["source", "target"]].itertuples(index=False)}
    assert len(pairs) == 6
    assert len(found.table) == 12
    matrix = found.matrix("retrieval", layer=3)
    for row in report.table.query("probe == 'retrieval' and layer == 3").itertuples():
        assert matrix.loc["eng_Latn", row.target] == pytest.approx(row.score)


def test_a_second_run_gives_the_same_bytes_without_reading_the_weights(tmp_path, monkeypatch):
    cache = ActivationCache(tmp_path / "cache")
    run = partial(xalign.probe, languages=["deu_Latn"], probes=("cka", "neurons"), cache=cache, **FAST)
    run().save(tmp_path / "first")

    def refuse(self, *arguments, **options):
        raise RuntimeError("a forward pass was asked for")

    monkeypatch.setattr(Encoder, "encode_request", refuse)
    run().save(tmp_path / "second")
    for name in ("table.parquet", "table.csv", "pairs.parquet", "confounds.csv"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name


def test_a_saved_report_loads_as_it_was(report, tmp_path):
    loaded = xalign.ProbeReport.load(report.save(tmp_path / "out"))
    pd.testing.assert_frame_equal(loaded.table, report.table)
    pd.testing.assert_frame_equal(loaded.confounds, report.confounds)
    pd.testing.assert_frame_equal(loaded.matrix("cka", 2), report.matrix("cka", 2))
    assert loaded.warnings == report.warnings
    assert loaded.run == json.loads(json.dumps(report.run))


def test_run_json_holds_what_is_needed_to_repeat_the_run(report, tmp_path, encoder, corpus):
    facts = json.loads((report.save(tmp_path) / "run.json").read_text(encoding="utf-8"))
    assert facts["arguments"]["seed"] == 0
    assert facts["arguments"]["languages"] == LANGUAGES
    assert facts["model"]["fingerprint"] == encoder.fingerprint
    assert facts["corpus"]["hash"] == corpus.select(["eng_Latn", *LANGUAGES]).fingerprint
    assert {"python", "torch", "transformers", "xalign-toolkit"} <= set(facts["versions"])


def test_a_folder_that_is_no_report_says_what_it_lacks(tmp_path):
    with pytest.raises(xalign.XalignError, match=r"lacks run\.json"):
        xalign.ProbeReport.load(tmp_path)


def test_languages_and_pivot_may_be_spelled_in_any_way(encoder, corpus):
    found = xalign.probe(
        encoder, corpus, probes="cka", languages=["sw", "German"], pivot="en", layers=[0], cache=False, **FAST
    )
    assert set(found.table["target"]) == {"swh_Latn", "deu_Latn"}
    assert set(found.table["source"]) == {"eng_Latn"}


def test_bitexts_are_probed_pair_by_pair_with_their_own_pivot_sentences(encoder, corpus, tmp_path):
    for code, n in (("deu", 20), ("swh", 12)):
        long = {"deu": "deu_Latn", "swh": "swh_Latn"}[code]
        for side, language in ((code, long), ("eng", "eng_Latn")):
            text = "\n".join(corpus.sentences[language][:n]) + "\n"
            (tmp_path / f"set.{code}-eng.{side}").write_text(text, encoding="utf-8")
    found = xalign.probe(encoder, tmp_path, probes=("retrieval", "cka"), layers=[2], cache=False, **FAST)
    assert found.table.groupby("target")["n"].first().to_dict() == {"deu_Latn": 20, "swh_Latn": 12}
    x, y = (encoder.encode(corpus.sentences[c][:12], progress=False).layer(2) for c in ("eng_Latn", "swh_Latn"))
    score = found.table.query("probe == 'cka' and target == 'swh_Latn'")["score"].item()
    assert score == pytest.approx(probes.linear_cka(x, y).score, abs=1e-5)


def test_confounds_count_duplicates_truncation_and_shared_tokens(tmp_path):
    rows = [
        "a dog sleeps here",
        "a dog sleeps here",
        "one two three four five six seven eight nine",
        "rain falls",
        "x y",
    ]
    (tmp_path / "eng.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "deu.txt").write_text("\n".join([*rows[:3], "Regen fällt", "p q"]) + "\n", encoding="utf-8")
    found = xalign.probe(
        xalign.load_encoder(max_length=8), tmp_path, probes="retrieval", layers=[0], cache=False, **FAST
    )
    english = found.confounds.set_index("language").loc["eng_Latn"]
    german = found.confounds.set_index("language").loc["deu_Latn"]
    assert english["duplicates"] == 2
    assert english["truncated"] >= 1
    assert 3 / 5 <= german["identical_token_share"] < 1
    assert any("cut at" in warning for warning in found.warnings)
    assert any("equal another" in warning for warning in found.warnings)


def test_an_unknown_probe_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="did you mean 'retrieval'"):
        xalign.probe(probes=("retreival",))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layers": [99]}, UnknownNameError, "99"),
        ({"layers": []}, SettingError, "layers"),
        ({"languages": []}, SettingError, "languages"),
        ({"seed": -1}, SettingError, "seed"),
        ({"pooling": "max"}, UnknownNameError, "pooling"),
        ({"pivot": "isl_Latn"}, CorpusError, "isl_Latn"),
        ({"pivot": "klingonese"}, UnknownNameError, "klingonese"),
        ({"languages": ["isl_Latn"]}, UnknownNameError, "isl_Latn"),
        ({"languages": ["eng_Latn"]}, CorpusError, "at least 2"),
        ({"n_permutations": 0}, SettingError, "n_permutations"),
        ({"probes": ()}, UnknownNameError, "probes"),
    ],
)
def test_bad_arguments_are_named(encoder, corpus, options, error, message):
    with pytest.raises(error, match=message):
        xalign.probe(encoder, corpus, cache=False, **(FAST | options))


def test_a_probe_that_needs_more_sentences_says_which_one_and_where(encoder, corpus):
    with pytest.raises(ProbeError, match=r"csls needs at least 10 sentences for its 10 neighbours, got 6"):
        xalign.probe(encoder, corpus.take(6), probes="csls", layers=[1], cache=False, **FAST)


def test_rows_of_one_text_are_right_answers_to_each_other(encoder, corpus):
    rows = [0, 1, 2, 3, 4, 5, 6, 0, 1]
    texts = {code: [corpus.sentences[code][row] for row in rows] for code in ("eng_Latn", "deu_Latn")}
    twice = xalign.ParallelCorpus("twice", {code: tuple(text) for code, text in texts.items()})
    found = xalign.probe(encoder, twice, probes=("mutual", "mrr", "cka"), layers=[5], cache=False, **FAST)
    x, y = (encoder.encode(texts[code], progress=False).layer(5) for code in ("eng_Latn", "deu_Latn"))
    scores = found.table.set_index("probe")["score"]
    assert scores["mutual"] == pytest.approx(probes.mutual_retrieval(x, y, groups=rows).score)
    assert scores["mutual"] > probes.mutual_retrieval(x, y).score
    assert scores["mrr"] == pytest.approx(probes.mean_reciprocal_rank(x, y, groups=rows).score)


def test_bitexts_cannot_be_compared_with_another_pivot_than_their_own(encoder, corpus, tmp_path):
    for code, language in (("deu", "deu_Latn"), ("swh", "swh_Latn")):
        for side, name in ((code, language), ("eng", "eng_Latn")):
            text = "\n".join(corpus.sentences[name][:8]) + "\n"
            (tmp_path / f"set.{code}-eng.{side}").write_text(text, encoding="utf-8")
    bitexts = xalign.load_corpus(tmp_path)
    with pytest.raises(CorpusError, match="pivot 'deu_Latn'"):
        xalign.probe(encoder, bitexts, pivot="deu_Latn", cache=False, **FAST)


def test_a_language_that_is_not_asked_for_is_not_read(encoder, corpus, tmp_path):
    for code in ("eng_Latn", "deu_Latn"):
        (tmp_path / f"{code}.txt").write_text("\n".join(corpus.sentences[code]) + "\n", encoding="utf-8")
    (tmp_path / "swh_Latn.txt").write_text("\n\n", encoding="utf-8")
    found = xalign.probe(encoder, tmp_path, probes="cka", languages="German", layers=[0], cache=False, **FAST)
    assert set(found.table["target"]) == {"deu_Latn"}


def test_a_save_that_breaks_off_leaves_no_report_and_a_second_no_stale_picture(report, tmp_path, monkeypatch):
    folder = report.save(tmp_path / "out")
    (folder / "matrix_gone.png").write_bytes(b"old")
    with monkeypatch.context() as patch:

        def full(path, write):
            raise OSError(28, "No space left on device")

        patch.setattr("xalign.result_folders.write_whole", full)
        with pytest.raises(xalign.XalignError, match="No space left on device"):
            report.save(folder)
    with pytest.raises(xalign.XalignError, match=r"lacks run\.json"):
        xalign.ProbeReport.load(folder)
    report.save(folder)
    assert not (folder / "matrix_gone.png").exists()


def test_a_damaged_report_is_refused_by_name(report, tmp_path):
    folder = report.save(tmp_path / "out")
    for name, content in (("table.parquet", b"torn"), ("run.json", b"{}"), ("run.json", b"[")):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(content)
        with pytest.raises(xalign.XalignError, match="is damaged"):
            xalign.ProbeReport.load(folder)
        (folder / name).write_bytes(whole)


def test_values_that_are_not_finite_stop_the_run_and_name_language_and_layer(corpus):
    broken = xalign.load_encoder()
    with torch.no_grad():
        next(p for name, p in broken.model.named_parameters() if "layer.2" in name or "layers.2" in name).fill_(np.nan)
    with pytest.raises(ActivationError, match=r"eng_Latn.*layer 3"):
        xalign.probe(broken, corpus, languages=["deu_Latn"], cache=False, **FAST)


def test_text_of_equal_meaning_is_nearer_than_shuffled_text(report):
    best = report.best_layers.set_index("probe").loc["retrieval", "layer"]
    rows = report.table[(report.table["probe"] == "retrieval") & (report.table["layer"] == best)]
    assert (rows["p_value"] < 0.05).all()
    assert (rows["score"] > 5 * rows["chance"]).all()


def test_output_folder_holds_everything_that_is_promised(report, tmp_path):
    folder: Path = report.save(tmp_path / "out")
    names = {path.name for path in folder.iterdir()}
    assert {"table.parquet", "table.csv", "run.json", "report.html", "layers.png", "matrix_cka.png"} <= names
    pd.testing.assert_frame_equal(pd.read_csv(folder / "table.csv"), report.table, check_dtype=False)
