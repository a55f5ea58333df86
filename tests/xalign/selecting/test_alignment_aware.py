"""A report of probes becomes reliability by language, and through it weights, distances and quotas."""

import pandas as pd
import pytest

from xalign.columns import TABLE_COLUMNS
from xalign.errors import UnknownNameError
from xalign.report import ProbeReport
from xalign.selecting.material.reliability import LEAST, read_reliability

SCORES = {"deu_Latn": 0.8, "swh_Latn": 0.4, "tam_Taml": 0.0}


@pytest.fixture
def report():
    rows = [
        ("made", 2, "eng_Latn", language, "cka", score, 0.0, 0.0, 0.01, 0.005, 0.0, 1.0, 50)
        for language, score in SCORES.items()
    ]
    return ProbeReport(
        pd.DataFrame(rows, columns=TABLE_COLUMNS),
        pd.DataFrame(columns=["layer", "probe", "source", "target", "score"]),
        pd.DataFrame({"language": ["eng_Latn", *SCORES]}),
        {"model": {"name": "made"}, "corpus": {"name": "up", "hash": "0"}},
    )


def test_reliability_is_the_way_from_chance_to_the_best_and_never_nothing(report):
    found = read_reliability(report, ["eng_Latn", *SCORES])
    assert found.by_language == pytest.approx({"eng_Latn": 1, "deu_Latn": 0.8, "swh_Latn": 0.4, "tam_Taml": LEAST})
    assert found.need == pytest.approx({"eng_Latn": 0, "deu_Latn": 0.2, "swh_Latn": 0.6, "tam_Taml": 1})
    assert (found.layer, found.probes) == (2, ("cka",))


def test_languages_that_the_report_lacks_are_told_with_what_to_do(report):
    with pytest.raises(UnknownNameError) as told:
        read_reliability(report, ["eng_Latn", "fin_Latn", "yor_Latn"])
    assert str(told.value) == (
        "report must tell of every language of the pool, but lacks fin_Latn, yor_Latn; probe text that has these too, "
        "take their rows out of the pool, or leave --report (report) out"
    )


def test_a_pivot_that_the_report_has_no_scores_against_is_told_with_the_one_it_has(report):
    for pivot in ("deu_Latn", "fin_Latn"):
        with pytest.raises(UnknownNameError) as told:
            read_reliability(report, ["eng_Latn", "deu_Latn"], pivot=pivot)
        assert str(told.value) == (
            f"pivot must be what the report compares all languages with, eng_Latn, got {pivot!r}; give --pivot "
            "eng_Latn (pivot='eng_Latn')"
        )
    assert read_reliability(report, ["deu_Latn"], pivot="English").by_language == {"deu_Latn": pytest.approx(0.8)}


def test_rows_of_no_known_language_need_one_first(report):
    with pytest.raises(UnknownNameError, match=r"rows of the pool have none; name the field"):
        read_reliability(report, ["eng_Latn", "und"])


@pytest.mark.usefixtures("quick_model")
def test_a_report_moves_the_choice_to_languages_that_can_be_trusted(report, pool, select):
    plain = select(pool, "lang:ta", method="round_robin")
    weighed = select(pool, "lang:ta", method="round_robin", report=report)
    assert plain.languages == {"tam_Taml": 12}
    assert weighed.languages.get("tam_Taml", 0) < 6 <= weighed.languages["eng_Latn"]
    assert weighed.run["reliability"]["swh_Latn"] == pytest.approx(0.4)
    told = "(layer 2); least: tam_Taml 0.05, swh_Latn 0.40, deu_Latn 0.80"
    assert [note.endswith(told) for note in weighed.warnings if "the report says" in note] == [True]


@pytest.mark.usefixtures("quick_model")
def test_quotas_can_follow_need_or_reliability(report, pool, select):
    need = select(pool, method="random", budget=9, quotas="need", report=report)
    assert need.languages == {"tam_Taml": 5, "swh_Latn": 3, "deu_Latn": 1}
    trusted = select(pool, method="random", budget=9, quotas="reliability", report=report)
    assert trusted.languages == {"eng_Latn": 4, "deu_Latn": 3, "swh_Latn": 2}
