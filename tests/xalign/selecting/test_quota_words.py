"""Quotas as people write them become counts that sum to the budget; what cannot be met is told by name."""

import json

import pytest

from xalign.errors import SettingError, UnknownNameError
from xalign.selecting.material.quota_words import resolve_language_quotas
from xalign.selecting.material.reliability import Reliability

COUNTS = {"deu_Latn": 60, "swh_Latn": 30, "tam_Taml": 10}
RELIABLE = Reliability(
    {"deu_Latn": 1.0, "swh_Latn": 0.5, "tam_Taml": 0.5},
    {"deu_Latn": 0.0, "swh_Latn": 0.5, "tam_Taml": 0.5},
    3,
    ("cka",),
)


@pytest.mark.parametrize(
    ("quotas", "expected"),
    [
        ("swh_Latn=0.5,deu_Latn=0.5", {"swh_Latn": 10, "deu_Latn": 10}),
        ("Swahili=0.25, de=0.75", {"swh_Latn": 5, "deu_Latn": 15}),
        ("sw=12,ta=8", {"swh_Latn": 12, "tam_Taml": 8}),
        ({"sw": 0.55, "ta": 0.45}, {"swh_Latn": 11, "tam_Taml": 9}),
        ("proportional", {"deu_Latn": 12, "swh_Latn": 6, "tam_Taml": 2}),
        ("equal", {"deu_Latn": 7, "swh_Latn": 7, "tam_Taml": 6}),
        ("reliability", {"deu_Latn": 15, "swh_Latn": 4, "tam_Taml": 1}),
        ("need", {"deu_Latn": 0, "swh_Latn": 15, "tam_Taml": 5}),
    ],
)
def test_every_way_to_write_quotas_gives_counts_that_sum_to_the_budget(quotas, expected):
    assert resolve_language_quotas(quotas, COUNTS, 20, RELIABLE) == expected


def test_a_choice_of_languages_gives_its_languages_equal_shares(tmp_path):
    (tmp_path / "chosen.json").write_text(json.dumps({"languages": ["swh_Latn", "deu_Latn"]}), encoding="utf-8")
    assert resolve_language_quotas(f"@{tmp_path}", COUNTS, 21) == {"swh_Latn": 10, "deu_Latn": 11}


@pytest.mark.parametrize(
    ("target", "budget", "expected"),
    [
        ({"swh_Latn": 3, "tam_Taml": 1}, 20, {"deu_Latn": 0, "swh_Latn": 15, "tam_Taml": 5}),
        ({"swh_Latn": 1, "tam_Taml": 1}, 30, {"deu_Latn": 0, "swh_Latn": 20, "tam_Taml": 10}),
        ({"swh_Latn": 1, "tam_Taml": 1, "fin_Latn": 9}, 50, {"deu_Latn": 10, "swh_Latn": 30, "tam_Taml": 10}),
        ({"swh_Latn": 7}, 70, {"deu_Latn": 34, "swh_Latn": 30, "tam_Taml": 6}),
    ],
)
def test_as_the_target_fills_its_languages_first(target, budget, expected):
    assert resolve_language_quotas("target", COUNTS, budget, target=target) == expected


@pytest.mark.parametrize(
    ("quotas", "budget", "error", "message"),
    [
        ("sw=0.5,ta=0.4", 20, SettingError, r"shares that sum to 1, got a sum of 0\.9"),
        ("sw=5,ta=4", 20, SettingError, r"counts that sum to the budget 20, got a sum of 9"),
        ("ta=0.6,sw=0.4", 20, SettingError, r"'tam_Taml' is to give 12 rows and has 10"),
        ("fi=1.0", 20, SettingError, r"groups of the pool, got 'fin_Latn'"),
        ("sw", 20, SettingError, r"language=share with commas between, .* got 'sw'"),
        ("sw=much", 20, SettingError, r"got 'sw=much'"),
        ("sw=0.5,Swahili=0.5", 20, SettingError, r"each language once, got swh_Latn twice"),
        ("klingonese=1.0", 20, UnknownNameError, r"quotas: language must be a code"),
        ("equal", 200, SettingError, r"budget must be at most the 100 rows"),
        ("target", 200, SettingError, r"budget must be at most the 100 rows"),
        ("target", 20, SettingError, r"need a target in languages of the pool"),
    ],
)
def test_quotas_that_cannot_be_met_are_told(quotas, budget, error, message):
    with pytest.raises(error, match=message):
        resolve_language_quotas(quotas, COUNTS, budget)


def test_quotas_of_a_report_need_one():
    with pytest.raises(SettingError, match=r"quotas 'need' need a report of probes; give --report"):
        resolve_language_quotas("need", COUNTS, 20)
