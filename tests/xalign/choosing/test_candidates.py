"""A pool is a known list, names in any spelling, a file of names, or the languages of a corpus."""

import json

import pytest

from xalign.choosing.candidates import find_candidates, resolve_all
from xalign.corpora import load_corpus, resolve_language
from xalign.errors import CorpusError, SettingError, UnknownNameError


def test_flores_is_what_its_files_say(real_data):
    assert set(find_candidates("flores")) == {path.stem for path in (real_data / "flores200").glob("*.tsv")}


def test_every_code_of_flores_resolves_to_itself():
    pool = find_candidates("flores")
    assert len(pool) == 205
    assert all(resolve_language(code).code == code for code in pool)


def test_embedded_is_the_corpus_that_ships_by_whichever_name():
    corpus = load_corpus()
    for same in ("embedded", "xalign-100", corpus, ",".join(corpus.languages)):
        assert set(find_candidates(same)) == set(corpus.languages)


def test_names_in_any_spelling_become_codes_each_once():
    assert find_candidates("sw,Swahili, deu ,ta") == ("swh_Latn", "deu_Latn", "tam_Taml")
    assert find_candidates(["sw", "Swahili", "deu", "ta"]) == find_candidates("sw,Swahili, deu ,ta")
    assert resolve_all("") == ()


def test_files_hold_a_name_a_line_or_what_a_choice_wrote(tmp_path):
    text = tmp_path / "pool.txt"
    text.write_text("swh_Latn  # the largest\n\nToba Batak\n", encoding="utf-8")
    assert find_candidates(text) == ("swh_Latn", "bbc_Latn")
    chosen = tmp_path / "chosen.json"
    chosen.write_text(json.dumps({"languages": ["ta"], "candidates": ["sw", "ta"]}))
    assert find_candidates(str(chosen)) == find_candidates(f"@{chosen}") == ("tam_Taml",)


def test_a_folder_of_text_is_a_corpus(tmp_path):
    for code in ("deu_Latn", "swh_Latn"):
        (tmp_path / f"{code}.txt").write_text("a\nb\nc\nd\n")
    assert set(find_candidates(tmp_path)) == {"deu_Latn", "swh_Latn"}


@pytest.mark.parametrize(
    ("candidates", "error", "words"),
    [
        ("flroes", UnknownNameError, "candidates must be flores, embedded, names"),
        ("sw,klingonish", UnknownNameError, "klingonish"),
        ("nowhere/at/all", CorpusError, "nowhere"),
        ([], SettingError, "candidates must name languages, got none"),
        ("@nowhere.json", SettingError, r"there is no nowhere\.json"),
    ],
)
def test_a_pool_that_is_not_there_is_told_with_what_can_be_given(candidates, error, words):
    with pytest.raises(error, match=words):
        find_candidates(candidates)
