"""Options name languages with commas, or the file that a choice wrote; anything else is told in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xalign.errors import SettingError
from xalign.language_lists import candidates_of, read_languages

codes = st.lists(st.from_regex(r"[a-z]{3}_[A-Z][a-z]{3}", fullmatch=True), min_size=1, max_size=8, unique=True)


def write(folder, document, name="chosen.json"):
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


@given(codes, st.sampled_from([",", ", ", " ,", ",,"]))
def test_names_with_commas_between_come_back_in_their_order(names, comma):
    assert read_languages(comma.join(names)) == names
    assert candidates_of(comma.join(names)) is None


def test_a_file_gives_what_the_choice_wrote_and_what_it_was_made_from(tmp_path):
    path = write(tmp_path, {"languages": ["swh_Latn", "tam_Taml"], "candidates": ["deu_Latn", "swh_Latn", "tam_Taml"]})
    assert read_languages(f"@{path}") == ["swh_Latn", "tam_Taml"]
    assert candidates_of(f"@{path}") == ["deu_Latn", "swh_Latn", "tam_Taml"]
    assert read_languages(f"@{tmp_path}") == read_languages(f"@{path}")


def test_a_plain_list_is_enough_and_tells_no_candidates(tmp_path):
    path = write(tmp_path, ["sw", "Tamil"], "list.json")
    assert read_languages(f"@{path}") == ["sw", "Tamil"]
    assert candidates_of(f"@{path}") is None


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{languages: [", "must be JSON"),
        ({"names": ["sw"]}, 'one under "languages", got an object with names'),
        ({"languages": "sw"}, 'one under "languages"'),
        ([1, 2], "must hold a list of languages"),
        ({"languages": []}, "languages must name at least one"),
        ([], "languages must name at least one"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_with_what_it_must_hold(tmp_path, document, words):
    path = write(tmp_path, document)
    with pytest.raises(SettingError, match=words):
        read_languages(f"@{path}")


def test_candidates_that_are_no_list_are_refused(tmp_path):
    path = write(tmp_path, {"languages": ["sw"], "candidates": 205})
    with pytest.raises(SettingError, match='one under "candidates"'):
        candidates_of(f"@{path}")


def test_a_missing_file_is_named_with_the_command_that_writes_one(tmp_path):
    with pytest.raises(SettingError, match=r"there is no .*nowhere\.json; `xalign languages --out DIR`"):
        read_languages(f"@{tmp_path / 'nowhere.json'}")
    with pytest.raises(SettingError, match=r"there is no .*chosen\.json"):
        candidates_of(f"@{tmp_path}")


def test_no_name_at_all_is_refused():
    with pytest.raises(SettingError, match="languages must name at least one"):
        read_languages(" , ")
