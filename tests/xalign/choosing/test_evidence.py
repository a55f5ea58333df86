"""A language lacks the way from chance to the best that its score has not gone; likeness comes from matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign import load_corpus, probe
from xalign.choosing.evidence import read_evidence
from xalign.errors import ProbeError, UnknownNameError
from xalign.measures import lower_is_closer


def others(report):
    return [language for language in report.confounds["language"] if language != "eng_Latn"]


def read(report, languages=None, **options):
    return read_evidence(report, languages or others(report), pivot="eng_Latn", **options)


def test_need_is_1_at_chance_and_0_at_the_best_possible(report_of):
    report = report_of(
        probes=("retrieval",), matrices=(), scores={"deu_Latn": 1.0, "fra_Latn": 0.01, "rus_Cyrl": 0.505}
    )
    need = dict(zip(others(report), read(report).need, strict=True))
    assert need["deu_Latn"] == 0
    assert need["fra_Latn"] == 1
    assert need["rus_Cyrl"] == pytest.approx(0.5)


def test_scores_below_chance_lack_no_more_than_everything(report_of):
    report = report_of(probes=("cka",), scores={"deu_Latn": -0.3})
    assert read(report, ["deu_Latn", "fra_Latn"]).need[0] == 1


def test_where_lower_is_closer_the_best_is_0(report_of):
    report = report_of(probes=("subspace",), matrices=(), scores={"deu_Latn": 0.0, "fra_Latn": 1.2})
    report.table["chance"] = 1.2
    assert read(report, ["deu_Latn", "fra_Latn"], layer=1).need.tolist() == [0, 1]


def test_probes_whose_chance_is_no_floor_are_left_out_by_name_and_refused_if_asked_for(report_of):
    """The chance of colap is a ceiling: rescaled, it would say that every language lacks everything."""
    report = report_of(probes=("cka", "colap", "transliteration"), matrices=("cka", "colap"))
    report.table.loc[report.table["probe"] == "colap", "chance"] = 0.97
    found, alone = read(report), read(report_of())
    assert (found.probes, found.matrix_probes, found.left_out) == (("cka",), ("cka",), ("colap", "transliteration"))
    np.testing.assert_allclose(found.need, read(report, probes=("cka",)).need)
    assert alone.left_out == read(report, probes=("cka",)).left_out == ()
    with pytest.raises(UnknownNameError, match=r"on a scale from chance to a best value, got 'colap'.*has cka"):
        read(report, probes=("colap",))
    with pytest.raises(UnknownNameError, match="that run from chance to a best value, got none"):
        read(report_of(probes=("colap",), matrices=()))


def test_of_every_probe_of_a_real_report_those_that_are_read_lie_above_their_chance_and_colap_below():
    report = probe(
        corpus=load_corpus().take(40), languages=["deu", "swh", "eng"], probes=("all",), layers=(5,),
        n_permutations=1, n_resamples=1, cache=False, progress=False,
    )  # fmt: skip
    between = report.table[report.table["source"] != report.table["target"]]
    sign = np.where(between["probe"].map(lower_is_closer), -1, 1)
    above = (sign * (between["score"] - between["chance"])).groupby(between["probe"]).mean()
    found = read(report)
    assert set(found.probes) | set(found.left_out) == set(above.index)
    assert set(found.left_out) == {"colap", "transliteration"}
    assert (above[list(found.probes)] > 0).all()
    assert above["colap"] < 0


def test_need_averages_probes_and_each_may_be_asked_for_alone(report_of):
    report = report_of(probes=("cka", "mrr"))
    report.table.loc[report.table["probe"] == "mrr", "score"] /= 2
    both, cka, mrr = (read(report, probes=probes).need for probes in (None, ("cka",), ("mrr",)))
    np.testing.assert_allclose(both, (cka + mrr) / 2)
    np.testing.assert_allclose(1 - mrr, (1 - cka) / 2)


def test_without_a_layer_the_one_of_least_mean_need_is_taken(report):
    assert read(report).layer == 1
    means = [read(report, layer=layer).need.mean() for layer in range(3)]
    assert np.argmin(means) == 1


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(11)))
def test_the_order_of_languages_decides_nothing(report, order):
    languages = others(report)
    whole, mixed = read(report), read(report, [languages[i] for i in order])
    np.testing.assert_allclose(mixed.need, whole.need[list(order)])
    np.testing.assert_allclose(mixed.similarity, whole.similarity[np.ix_(order, order)])


def test_similarity_is_the_matrix_between_chance_and_best(report):
    found, languages = read(report), others(report)
    matrix = report.matrix("cka", 1).loc[languages, languages].to_numpy()
    np.testing.assert_allclose(found.similarity, matrix)
    assert found.matrix_probes == ("cka",)


def test_a_report_against_the_pivot_only_has_needs_but_no_similarity(report_of):
    found = read(report_of(matrices=()))
    assert found.similarity is None
    assert found.matrix_probes == ()


def test_the_pivot_as_a_candidate_needs_nothing_and_moves_no_layer(report):
    found = read(report, ["eng_Latn", *others(report)])
    assert found.need[0] == 0
    np.testing.assert_allclose(found.need[1:], read(report).need)


def test_rows_of_all_pairs_count_whichever_side_the_pivot_stands_on(report_of):
    report = report_of()
    turned = report.table["target"] == "rus_Cyrl"
    report.table.loc[turned, ["source", "target"]] = ["rus_Cyrl", "eng_Latn"]
    np.testing.assert_allclose(read(report).need, read(report_of()).need)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"languages": ["deu_Latn", "tam_Taml"]}, UnknownNameError, "which lacks tam_Taml"),
        ({"probes": ("retreival",)}, UnknownNameError, "did you mean 'retrieval'"),
        ({"layer": 7}, UnknownNameError, r"got 7; they are \[0, 1, 2\]"),
    ],
)
def test_what_the_report_does_not_have_is_named(report, options, error, words):
    with pytest.raises(error, match=words):
        read(report, **options)


def test_a_score_that_is_no_number_is_named_with_its_language(report_of):
    report = report_of(scores={"fin_Latn": float("nan")})
    with pytest.raises(ProbeError, match="got none for fin_Latn"):
        read(report, layer=1)
