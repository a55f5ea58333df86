"""A run says what independent measurement of the same rows says, and refuses what it cannot do."""

import numpy as np
import pytest

import xalign
from probes import csls_retrieval, fit_orthogonal_map, fit_zca, margin_retrieval, retrieval_accuracy
from xalign.benchmarking import benchmark
from xalign.benchmarking.splitting import halves
from xalign.encoders import load_encoder
from xalign.errors import CorpusError, ProbeError, SettingError, UnknownNameError

CODES = ("deu_Latn", "swh_Latn", "yor_Latn")
FIRST, SECOND = halves(np.arange(100), 0)


@pytest.fixture(scope="module")
def vectors():
    """Vectors of every layer, encoded apart from the benchmark."""
    text, encoder = xalign.load_corpus(languages=["eng_Latn", *CODES]), load_encoder()
    found = {code: encoder.encode(text.sentences[code], progress=False) for code in text.languages}
    return lambda code, layer, rows=slice(None): found[code].layer(layer)[rows]


def accuracies(table, layer):
    rows = table[(table["metric"] == "accuracy") & (table["layer"] == layer)]
    return {(row.source, row.target): row.score for row in rows.itertuples()}


def test_the_layer_is_the_best_on_one_half_and_is_reported_on_the_other(run_once, vectors):
    result = run_once()
    chosen = [
        np.mean([retrieval_accuracy(vectors(c, layer, FIRST), vectors("eng_Latn", layer, FIRST)).score for c in CODES])
        for layer in range(7)
    ]
    np.testing.assert_allclose(result.selection["score"], chosen, atol=1e-12)
    assert result.layer == int(np.argmax(chosen))
    found = accuracies(result.table, result.layer)
    for code in CODES:
        expected = retrieval_accuracy(*(vectors(c, result.layer, SECOND) for c in (code, "eng_Latn")))
        assert (found[code, "eng_Latn"], found["eng_Latn", code]) == (expected.forward, expected.backward)
    assert set(result.table["split"]) == {"half 2"}
    assert result.run["protocol"]["chosen_on"] == "half 1 (50)"
    assert any("a random half" in warning for warning in result.warnings)


def test_a_layer_by_number_takes_all_rows_and_agrees_with_the_probe(run_once):
    result = run_once(layer=4)
    report = xalign.probe(None, None, probes="retrieval", languages=list(CODES), layers=[4], progress=False,
                          n_permutations=19, n_resamples=20)  # fmt: skip
    expected = report.table.set_index("target")["score"]
    found = accuracies(result.table, 4)
    for code in CODES:
        assert (found[code, "eng_Latn"] + found["eng_Latn", code]) / 2 == pytest.approx(expected[code])
    assert result.score == pytest.approx(expected.mean())
    assert set(result.table["n"]) == {100}
    assert result.selection.empty


def test_all_reports_every_layer_and_says_that_none_was_chosen(run_once):
    result = run_once(layer="all")
    assert result.layers == tuple(range(7))
    assert accuracies(result.table, 4) == accuracies(run_once(layer=4).table, 4)
    assert result.layer == 6
    assert any("flattered" in warning for warning in result.warnings)


def test_a_transform_is_fitted_on_the_half_that_is_not_scored(run_once, vectors):
    found = accuracies(run_once(layer=3, transform="zca").table, 3)
    for code in CODES:
        x, y = (fit_zca(vectors(c, 3, FIRST)).apply(vectors(c, 3, SECOND)) for c in (code, "eng_Latn"))
        assert found[code, "eng_Latn"] == pytest.approx(retrieval_accuracy(x, y).forward)


def test_a_map_carries_each_language_to_the_pivot(run_once, vectors):
    found = accuracies(run_once(layer=3, transform="orthogonal").table, 3)
    for code in CODES:
        fitted = fit_orthogonal_map(vectors(code, 3, FIRST), vectors("eng_Latn", 3, FIRST))
        expected = retrieval_accuracy(fitted.apply(vectors(code, 3, SECOND)), vectors("eng_Latn", 3, SECOND))
        assert found["eng_Latn", code] == pytest.approx(expected.backward)


@pytest.mark.parametrize("transform", ["centre", "abtt", "cluster", "linear"])
def test_the_layer_can_be_chosen_after_a_transform(run_once, transform):
    result = run_once(transform=transform)
    assert result.layer == result.selection.loc[result.selection["score"].idxmax(), "layer"]
    assert result.run["protocol"]["fitted_on"] == "half 1 (50)"
    assert result.run["protocol"]["chosen_on"] == "half 1, half 2 (25)"


def test_csls_margin_and_xsim_are_those_of_the_measures(run_once, vectors):
    csls = accuracies(run_once(layer=2, score="csls", k=5).table, 2)
    margin = accuracies(run_once(layer=2, score="margin", margin="distance").table, 2)
    errors = run_once(layer=2).table.query("metric == 'xsim_error'").set_index("source")["score"]
    for code in CODES:
        x, y = vectors(code, 2), vectors("eng_Latn", 2)
        assert csls[code, "eng_Latn"] == csls_retrieval(x, y, k=5).forward
        assert margin["eng_Latn", code] == margin_retrieval(y, x, margin="distance").score
        assert errors[code] == pytest.approx(margin_retrieval(x, y).error_rate)


def test_all_pairs_have_both_directions_and_no_language_in_between(run_once):
    result = run_once(layer=6, pivot=None, languages=["eng", *CODES])
    pairs = set(accuracies(result.table, 6))
    assert len(pairs) == 12
    assert {(b, a) for a, b in pairs} == pairs
    assert list(result.summary["direction"]) == ["across languages"]
    assert set(result.table["metric"]) == {"accuracy"}


def test_the_null_is_centred_on_chance(run_once):
    rows = run_once(layer=6, n_permutations=200).table.query("metric == 'accuracy'")
    assert rows["chance"].unique() == pytest.approx([0.01])
    assert rows["null_mean"].mean() == pytest.approx(0.01, abs=0.001)
    assert (rows["p_value"] == 1 / 201).all()


def test_the_same_call_gives_the_same_table_and_another_seed_other_halves(quiet):
    text = xalign.load_corpus(languages=["eng", "deu"])
    first, second, other = (benchmark(None, text, seed=seed, **quiet) for seed in (1, 1, 2))
    assert first.table.equals(second.table)
    assert not first.table["score"].equals(other.table["score"])


def test_duplicate_sentences_are_right_answers_to_each_other(quiet, tmp_path):
    text = xalign.load_corpus(languages=["eng", "deu"], limit=20)
    columns = [[*text.sentences[code], *text.sentences[code]] for code in ("eng_Latn", "deu_Latn")]
    lines = ["eng_Latn\tdeu_Latn", *("\t".join(row) for row in zip(*columns, strict=True))]
    (tmp_path / "twice.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    twice = benchmark(None, tmp_path / "twice.tsv", layer=6, **quiet)
    once = benchmark(None, text, layer=6, **quiet)
    assert twice.score == pytest.approx(once.score)
    assert twice.table["chance"].iloc[0] == pytest.approx(2 / 40)
    halved = benchmark(None, tmp_path / "twice.tsv", **quiet)
    assert halved.table["chance"].iloc[0] == pytest.approx(2 / 20)


def test_bitexts_are_asked_each_with_its_own_english(tatoeba, quiet):
    result = benchmark(None, "tatoeba", data=tatoeba, layer=6, **quiet)
    assert set(result.table["source"]) == {"deu_Latn", "swh_Latn", "eng_Latn"}
    assert set(result.table["metric"]) == {"accuracy", "xsim_error", "f1"}
    assert set(result.table["n"]) == {40}
    assert any("was trained on this text" in warning for warning in result.warnings)
    only = benchmark(None, "tatoeba", data=tatoeba, layer=6, languages="Swahili", **quiet)
    own = result.table[(result.table["source"] == "swh_Latn") | (result.table["target"] == "swh_Latn")]
    assert only.table["score"].tolist() == own["score"].tolist()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"task": "tatoba"}, UnknownNameError, "did you mean 'tatoeba'"),
        ({"task": "flores", "data": "nowhere/at/all"}, CorpusError, "huggingface.co/datasets/Davlan/sib200"),
        ({"data": "."}, SettingError, "task that has a folder"),
        ({"layer": 9}, UnknownNameError, r"layers must be in 0\.\.6"),
        ({"layer": "bets"}, UnknownNameError, "'best' or 'all'"),
        ({"transform": "center"}, UnknownNameError, "did you mean 'centre'"),
        ({"score": "csls", "k": 51}, ProbeError, "at most the 50 candidates of deu_Latn and eng_Latn"),
        ({"languages": ["xyzzy"]}, UnknownNameError, "xyzzy"),
        ({"languages": []}, (CorpusError, SettingError), "at least one"),
        ({"pivot": "isl"}, (CorpusError, UnknownNameError), "isl"),
        ({"split": "test"}, UnknownNameError, "has no splits"),
        ({"pooling": "men"}, UnknownNameError, "did you mean 'mean'"),
        ({"prompt": "query"}, UnknownNameError, "it has none"),
        ({"n_permutations": 0}, SettingError, "n_permutations"),
        ({"seed": -1}, SettingError, "seed"),
    ],
)
def test_what_cannot_be_done_is_refused(quiet, options, error, words):
    with pytest.raises(error, match=words):
        benchmark(None, **({"languages": ["deu"]} | quiet | options))


def test_lists_of_different_sizes_are_no_parallel_text(tmp_path, quiet):
    (tmp_path / "eng_Latn.txt").write_text("one\ntwo\nthree\nfour\nfive\n")
    (tmp_path / "deu_Latn.txt").write_text("eins\nzwei\ndrei\nvier\n")
    with pytest.raises(CorpusError, match="the 5 lines of"):
        benchmark(None, tmp_path, **quiet)


def test_a_ratio_that_is_not_positive_stops_by_name(quiet, monkeypatch):
    from xalign.benchmarking import spaces

    monkeypatch.setattr(spaces.Space, "_rows", lambda space, code: np.eye(100)[:50] * (-1 if code == "eng_Latn" else 1))
    with pytest.raises(ProbeError, match=r"margin of deu_Latn and eng_Latn at layer 0: .* use margin='distance'"):
        benchmark(None, None, languages=["deu"], score="margin", **quiet)


def test_an_xsim_that_cannot_be_taken_is_told_and_leaves_the_accuracy(quiet, monkeypatch):
    from xalign.benchmarking import spaces

    monkeypatch.setattr(spaces.Space, "_rows", lambda space, code: np.eye(100) * (-1 if code == "eng_Latn" else 1))
    result = benchmark(None, None, languages=["deu"], layer=0, **quiet)
    assert result.table.set_index("metric")["score"].isna().to_dict() == {"accuracy": False, "xsim_error": True}
    assert any("no xsim error for deu_Latn at layer 0" in warning for warning in result.warnings)


def test_a_killed_run_goes_on_from_the_cache(tmp_path, quiet, monkeypatch):
    from xalign.encoders import Encoder

    text = xalign.load_corpus(languages=["eng", "deu", "swh"], limit=24)
    whole = benchmark(None, text, cache=tmp_path / "a", **quiet)
    encode, calls = Encoder.encode_request, []

    def fail_third(self, *arguments, **options):
        calls.append(options["label"])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return encode(self, *arguments, **options)

    monkeypatch.setattr(Encoder, "encode_request", fail_third)
    with pytest.raises(KeyboardInterrupt):
        benchmark(None, text, cache=tmp_path / "b", **quiet)
    again = benchmark(None, text, cache=tmp_path / "b", **quiet)
    assert len(calls) == 4
    assert calls[2] == calls[3]
    assert again.table.equals(whole.table)


def test_prompts_that_the_model_declares_are_put_before_every_sentence(tmp_path, quiet):
    import json
    import shutil

    from xalign.embedded import model_folder

    folder = tmp_path / "prompted"
    shutil.copytree(model_folder(), folder)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense")]
    listed = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in modules]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "query: ", "passage": "p: "}}')
    text = xalign.load_corpus(languages=["eng", "deu"], limit=20)
    result = benchmark(str(folder), text, layer=6, cache=False, **quiet)
    encoder = load_encoder(folder)
    x, y = (
        encoder.encode([f"query: {s}" for s in text.sentences[code]], pooling="cls", progress=False).layer(6)
        for code in ("deu_Latn", "eng_Latn")
    )
    assert accuracies(result.table, 6)["deu_Latn", "eng_Latn"] == retrieval_accuracy(x, y).forward
    assert (
        result.run["protocol"]["prompts"] | {"sentence": "query: ", "origin": "model"}
        == (result.run["protocol"]["prompts"])
    )
    assert result.run["protocol"]["pooling"] == "cls"
    assert any("modules after its pooling that are not applied here (Dense)" in warning for warning in result.warnings)
    bare = benchmark(str(folder), text, layer=6, prompt="none", cache=False, **quiet)
    assert bare.run["protocol"]["prompts"]["origin"] == "none"
    assert any("none of which was applied" in warning for warning in bare.warnings)
