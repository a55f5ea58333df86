"""Mixes of distances as users write them: weights, probes, files, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from xalign.errors import CorpusError, SettingError, UnknownNameError
from xalign.measures import MEASURES, is_symmetric, lower_is_closer
from xalign.report import ProbeReport
from xalign.typology import (
    FeatureSpec,
    MissingFeaturesError,
    feature_distances,
    load_typology,
    parse_features,
    typology_distances,
)

LANGUAGES = ["eng_Latn", "deu_Latn", "jpn_Jpan", "rus_Cyrl"]


def report_of(probe: str = "cka", scores: dict | None = None, languages=LANGUAGES, layers=(3, 6)) -> ProbeReport:
    pairs = [(a, b) for a in languages for b in languages if not is_symmetric(probe) or a <= b]
    given = {**(scores or {}), **{(b, a): score for (a, b), score in (scores or {}).items()}}
    rows = [
        {
            "model": "m", "layer": layer, "source": a, "target": b, "probe": probe,
            "score": given.get((a, b), 1.0 if a == b else 0.1 * layer + 0.01 * i), "chance": 0.0, "null_mean": 0.0,
        }
        for layer in layers
        for i, (a, b) in enumerate(pairs)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    return ProbeReport(frame[frame["source"] != frame["target"]], frame, pd.DataFrame({"language": languages}), {})


def off_diagonal_mean(values: np.ndarray) -> float:
    return values[~np.eye(len(values), dtype=bool)].mean()


def test_specifications_are_read():
    assert parse_features("uriel.syntax, probe:cka@6,0.5*script,2 * file:a@b*c.csv,probe:anc") == [
        FeatureSpec(1.0, "uriel.syntax"),
        FeatureSpec(1.0, "probe", probe="cka", layer=6),
        FeatureSpec(0.5, "script"),
        FeatureSpec(2.0, "file", path="a@b*c.csv"),
        FeatureSpec(1.0, "probe", probe="anc"),
    ]


@pytest.mark.parametrize("text", ["uriel.syntax", "probe:cka@6", "script", "probe:anc", "file:x.csv"])
def test_a_name_reads_back_as_itself(text):
    assert parse_features(text)[0].name == text


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("uriel.sintax", UnknownNameError, "did you mean 'uriel.syntax'"),
        ("script,", UnknownNameError, "unknown features ''"),
        ("", UnknownNameError, "probe:NAME@LAYER"),
        ("probe:", UnknownNameError, "unknown features 'probe:'"),
        ("-1*script", SettingError, "at least 0"),
        ("nan*script", SettingError, "at least 0"),
        ("inf*script", SettingError, "at least 0"),
        ("x*script", SettingError, "got 'x'"),
        ("probe:cka@six", SettingError, "a layer must be"),
        ("probe:cka@", SettingError, "a layer must be"),
    ],
)
def test_a_specification_that_cannot_be_read_is_named(text, error, message):
    with pytest.raises(error, match=message):
        parse_features(text)


def test_a_single_kind_keeps_its_unit():
    found = feature_distances("uriel.syntax", LANGUAGES)
    expected = typology_distances(load_typology("uriel.syntax", LANGUAGES))
    np.testing.assert_array_equal(found.values, expected.values)
    assert (found.name, found.source) == (expected.name, expected.source)


def test_a_mix_is_the_weighted_mean_of_parts_of_mean_one():
    syntax, script = (feature_distances(kind, LANGUAGES).values for kind in ("uriel.syntax", "script"))
    expected = (2 * syntax / off_diagonal_mean(syntax) + 0.5 * script / off_diagonal_mean(script)) / 2.5
    found = feature_distances("2*uriel.syntax,0.5*script", LANGUAGES)
    np.testing.assert_allclose(found.values, expected)
    assert off_diagonal_mean(found.values) == pytest.approx(1)
    assert found.name == "2*uriel.syntax + 0.5*script"
    assert found.shared[0, 1] == 103 + 3


def test_a_weight_of_zero_switches_off_and_only_ratios_of_weights_count():
    mixed = feature_distances("uriel.syntax,0*script", LANGUAGES).values
    syntax = feature_distances("uriel.syntax", LANGUAGES).values
    np.testing.assert_allclose(mixed, syntax / off_diagonal_mean(syntax))
    np.testing.assert_allclose(
        feature_distances("uriel.syntax,script", LANGUAGES).values,
        feature_distances("7*uriel.syntax,7*script", LANGUAGES).values,
    )
    with pytest.raises(SettingError, match="above 0"):
        feature_distances("0*script", LANGUAGES)


def test_a_part_that_separates_nothing_adds_nothing_and_says_so():
    found = feature_distances("uriel.syntax,script", ["eng_Latn", "deu_Latn", "swh_Latn"])
    assert "0 between all" in found.source
    assert off_diagonal_mean(found.values) == pytest.approx(0.5)


def test_a_similarity_is_turned_round_and_the_layer_is_the_best_unless_named():
    report = report_of()
    languages = ["rus_Cyrl", "eng_Latn"]
    at_3 = feature_distances("probe:cka@3", languages, report=report)
    assert at_3.values[0, 1] == pytest.approx(1 - report.matrix("cka", 3).loc["eng_Latn", "rus_Cyrl"])
    best = feature_distances("probe:cka", languages, report=report)
    assert best.name == "probe:cka@6"
    assert not np.diag(best.values).any()


def test_a_score_that_is_lower_for_closer_languages_is_a_distance_already():
    probe = next(name for name in MEASURES if lower_is_closer(name))
    report = report_of(probe, {("eng_Latn", "deu_Latn"): 2.5})
    found = feature_distances(f"probe:{probe}@6", ["eng_Latn", "deu_Latn"], report=report)
    assert found.values[0, 1] == 2.5


def test_scores_that_cannot_become_distances_are_named():
    with pytest.raises(MissingFeaturesError, match="eng_Latn, rus_Cyrl") as caught:
        feature_distances("probe:cka@6", LANGUAGES, report=report_of(scores={("eng_Latn", "rus_Cyrl"): np.nan}))
    assert caught.value.languages == ("eng_Latn", "rus_Cyrl")
    with pytest.raises(SettingError, match="at most 1"):
        feature_distances("probe:cka@6", LANGUAGES, report=report_of(scores={("eng_Latn", "rus_Cyrl"): 1.5}))
    with pytest.raises(MissingFeaturesError, match=r"tha_Thai.*drop_missing=True.*--drop-missing") as caught:
        feature_distances("probe:cka@6", [*LANGUAGES, "tha_Thai"], report=report_of())
    assert caught.value.lack == "no scores of probe:cka@6 in the report"
    with pytest.raises(UnknownNameError, match="no layer 9"):
        feature_distances("probe:cka@9", LANGUAGES, report=report_of())
    with pytest.raises(SettingError, match=r"pass report=.*command line give the folder of a saved report first"):
        feature_distances("probe:cka@6", LANGUAGES)


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".npz"])
def test_a_file_of_distances_is_read_in_any_order_of_languages(ending, tmp_path):
    values = np.abs(np.subtract.outer([0.0, 1, 3, 7], [0.0, 1, 3, 7]))
    path = tmp_path / f"d{ending}"
    if ending == ".npz":
        np.savez(path, languages=np.array(LANGUAGES), distances=values)
    else:
        pd.DataFrame(values, LANGUAGES, LANGUAGES).to_csv(path, sep="," if ending == ".csv" else "\t")
    found = feature_distances(f"file:{path}", ["rus_Cyrl", "deu_Latn"])
    assert found.values.tolist() == [[0, 6], [6, 0]]
    with pytest.raises(MissingFeaturesError, match=r"tha_Thai.*--drop-missing"):
        feature_distances(f"file:{path}", ["tha_Thai", "deu_Latn"])


def test_a_file_may_spell_languages_as_anybody_does(tmp_path):
    values = np.abs(np.subtract.outer([0.0, 1, 3, 7], [0.0, 1, 3, 7]))
    spelt, path = ["en", "deu", "Japanese", "Proto-World"], tmp_path / "d.csv"
    pd.DataFrame(values, spelt, spelt).to_csv(path)
    assert feature_distances(f"file:{path}", ["jpn_Jpan", "deu_Latn"]).values.tolist() == [[0, 2], [2, 0]]
    with pytest.raises(MissingFeaturesError, match="got none of rus_Cyrl; it has en, deu, Japanese, Proto-World"):
        feature_distances(f"file:{path}", ["eng_Latn", "rus_Cyrl"])


def test_two_rows_of_one_language_are_refused_unless_one_is_its_code(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, languages=np.array(["deu", "German", "fra"]), distances=1 - np.eye(3))
    with pytest.raises(CorpusError, match="got deu and German, both deu_Latn"):
        feature_distances(f"file:{path}", ["deu_Latn"])
    assert feature_distances(f"file:{path}", ["fra_Latn"]).languages == ("fra_Latn",)
    np.savez(
        path, languages=np.array(["deu", "deu_Latn", "fra"]), distances=np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0.0]])
    )
    assert feature_distances(f"file:{path}", ["deu_Latn", "fra_Latn"]).values[0, 1] == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[0, 1], [2, 0]], "the same distance both ways, got 1 from a to b"),
        ([[0, -1], [-1, 0]], "no negative distance, got -1 from a to b"),
        ([[0, 1], [1, 3]], "0 from each language to itself, got 3 from b to b"),
        ([[0, np.nan], [np.nan, 0]], "a number, got nan from a to b"),
    ],
)
def test_a_file_that_holds_no_distances_is_refused(values, message, tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, languages=np.array(["a", "b"]), distances=np.array(values, dtype=float))
    with pytest.raises(CorpusError, match=message):
        feature_distances(f"file:{path}", ["eng_Latn"])


@pytest.mark.parametrize(
    ("text", "message"),
    [("x,a,b\na,0,1\nc,1,0\n", "same languages"), ("x,a\na,far\n", "numbers"), ("x,a,a\na,0,0\n", "differ")],
)
def test_a_malformed_text_file_is_refused(text, message, tmp_path):
    path = tmp_path / "d.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        feature_distances(f"file:{path}", ["eng_Latn"])
    with pytest.raises(CorpusError, match=r"\.csv, \.tsv or \.npz"):
        feature_distances(f"file:{tmp_path / 'absent.csv'}", ["eng_Latn"])
