"""Bad input: the message names the languages, and which limits contradict."""

import numpy as np
import pytest

from selection.languages import choose_languages
from selection.languages.baselines import random_choices

NAMES = ["eng_Latn", "deu_Latn", "swh_Latn", "zul_Latn", "hin_Deva", "urd_Arab"]
FAMILIES = ["Germanic", "Germanic", "Bantu", "Bantu", "Indic", "Indic"]
SCRIPTS = ["Latn", "Latn", "Latn", "Latn", "Deva", "Arab"]


def line():
    place = np.arange(6.0)
    return np.abs(place[:, None] - place)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k must be at least 1, got 0"),
        ({"k": 7}, "k must be at most the 6 languages, got 7; lower k or give more languages"),
        ({"k": 5, "exclude": NAMES[:2]}, "k must be at most the 4 languages left after exclude, got 5"),
        (
            {"include": ["swa_Latn"]},
            "include must name some of the 6 languages, got 'swa_Latn'; did you mean swh_Latn?",
        ),
        ({"exclude": ["???"]}, r"exclude must name some of the 6 languages, got '\?\?\?'; they are eng_Latn, deu_Latn"),
        (
            {"include": "eng_Latn"},
            r"include must be a list of languages, got the text 'eng_Latn'; write \['eng_Latn'\]",
        ),
        (
            {"include": ["zul_Latn"], "exclude": ["zul_Latn"]},
            "include and exclude contradict: both name zul_Latn; take it out of one",
        ),
        (
            {"include": NAMES[:3], "k": 2},
            r"include and k contradict: include names 3 languages \(eng_Latn, deu_Latn, swh_Latn\), k is 2; raise k",
        ),
        (
            {"include": ["swh_Latn", "zul_Latn"], "groups": FAMILIES, "max_per_group": 1},
            r"include and max_per_group contradict: include names 2 languages of 'Bantu' \(swh_Latn, zul_Latn\), "
            "max_per_group is 1; raise it or include fewer",
        ),
        (
            {"k": 4, "groups": FAMILIES, "max_per_group": 1},
            "k and max_per_group contradict: 3 groups with at most 1 of each allow 3 languages, k is 4; raise",
        ),
        (
            {"groups": {"family": FAMILIES, "script": SCRIPTS}, "max_per_group": {"family": 1, "script": 1}, "k": 3},
            r"max_per_group \(family: 1, script: 1\) and k contradict: each limit alone lets 3 languages be chosen",
        ),
        (
            {"groups": {"family": FAMILIES}, "max_per_group": {"genus": 1}},
            r"max_per_group must name groupings of groups \(family\), got 'genus'",
        ),
        ({"max_per_group": 1}, "groups must be given with max_per_group=1, got None; give a label per language"),
        ({"groups": FAMILIES}, "max_per_group must be given with groups, got None; say at most how many of each group"),
        ({"groups": FAMILIES[:5], "max_per_group": 1}, "groups must hold a label for each of the 6 languages, got 5"),
        ({"groups": FAMILIES, "max_per_group": 0}, "max_per_group must be at least 1, got 0"),
        ({"objective": "max_mean"}, "objective must be one of max_sum, max_min, .*, random, got 'max_mean'"),
        ({"method": "fast"}, "method must be one of auto, exact, greedy, got 'fast'"),
        ({"languages": NAMES[:5]}, r"distances must be 5 x 5 for the 5 languages, got shape \(6, 6\)"),
        ({"languages": [*NAMES[:5], "eng_Latn"]}, "languages must all differ, got eng_Latn at 0, 5; name each once"),
        ({"languages": "eng_Latn"}, "languages must be a list of names, got the text 'eng_Latn'; split it"),
        ({"weights": [1, 1, 1, -1, 1, 1]}, "weights must be finite and at least 0, got -1.0 for zul_Latn"),
        ({"utility": [0, np.nan, 0, 0, 0, 0]}, "utility must be finite, got nan for deu_Latn"),
        ({"utility": [0, 0]}, "utility must hold a number for each of the 6 languages"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_cannot_be_is_refused_by_name(options, message):
    arguments = {"k": 2, "languages": NAMES} | options
    with pytest.raises(ValueError, match=message):
        choose_languages(line(), **arguments)


@pytest.mark.parametrize(
    ("i", "j", "value", "message"),
    [
        (1, 3, np.nan, "distances must be finite, got nan between deu_Latn and zul_Latn; leave such languages out"),
        (1, 3, -2.0, "distances must be at least 0, got -2 between deu_Latn and zul_Latn; turn similarities"),
        (1, 3, 2.5, "distances must be symmetric, got 2.5 from deu_Latn to zul_Latn and 2 back; average both ways"),
        (4, 4, 0.5, "distances must be 0 on the diagonal, got 0.5 from hin_Deva to itself"),
    ],
)
def test_a_distance_that_is_none_is_refused_with_its_pair(i, j, value, message):
    distances = line()
    distances[i, j] = value
    with pytest.raises(ValueError, match=message):
        choose_languages(distances, 2, languages=NAMES)


def test_rounding_of_float32_products_is_no_asymmetry():
    x = np.random.default_rng(0).standard_normal((6, 40)).astype(np.float32)
    cosines = (x @ x.T) / np.outer(np.linalg.norm(x, axis=1), np.linalg.norm(x, axis=1))
    distances = np.abs(1 - cosines)
    before = distances.copy()
    choose_languages(distances, 2, languages=NAMES)
    np.testing.assert_array_equal(distances, before)


@pytest.mark.usefixtures("unchecked")
def test_a_k_that_is_no_whole_number_is_refused():
    with pytest.raises(TypeError, match=r"k must be a whole number, got 2\.5; give an int"):
        choose_languages(line(), 2.5, languages=NAMES)


def test_a_language_without_a_group_is_never_limited():
    groups = [None, None, None, "a", "a", "a"]
    choice = choose_languages(line(), 4, languages=NAMES, groups=groups, max_per_group=1)
    assert set(choice.languages) >= set(NAMES[:3])


def test_indices_out_of_range_are_refused():
    with pytest.raises(ValueError, match="include must hold indices from 0 to 5, got 6"):
        random_choices(6, 2, include=[6])
