"""Every language of the corpus beside the pivot is in one group, and what contradicts itself is refused."""

import json
from types import SimpleNamespace

import pytest

from xalign import BitextCorpus, ParallelCorpus
from xalign.errors import CorpusError, SettingError, UnknownNameError
from xalign.realigning.languages import group_languages, read_languages, require_pivot

LANGUAGES = ("eng_Latn", "deu_Latn", "swh_Latn", "tam_Taml", "yor_Latn", "fin_Latn")


@pytest.fixture
def text() -> ParallelCorpus:
    return ParallelCorpus("made up", {language: tuple("abcd") for language in LANGUAGES})


def group(text, languages, unseen=(), choose=None):
    return group_languages(read_languages(languages, choose=choose), text, pivot="eng_Latn", unseen=unseen)


def test_a_list_leaves_all_others_as_others_and_none_unseen(text):
    found = group(text, ["Swahili", "ta"])
    assert (found.chosen, found.unseen) == (("swh_Latn", "tam_Taml"), ())
    assert found.other == ("deu_Latn", "yor_Latn", "fin_Latn")
    assert "no language counts as unseen" in found.words


def test_languages_that_are_named_unseen_are_no_others(text):
    found = group(text, "swh,tam", unseen=["fin", "Yoruba"])
    assert found.unseen == ("fin_Latn", "yor_Latn")
    assert found.other == ("deu_Latn",)
    assert list(found.by_language.values()) == ["chosen", "chosen", "other", "unseen", "unseen"]


@pytest.mark.parametrize("kind", ["file", "selection"])
def test_what_was_no_candidate_of_a_choice_is_unseen(text, tmp_path, kind):
    facts = {"languages": ["swh_Latn"], "candidates": ["swh_Latn", "deu_Latn", "isl_Latn"]}
    (tmp_path / "chosen.json").write_text(json.dumps(facts))
    found = group(text, f"@{tmp_path / 'chosen.json'}" if kind == "file" else SimpleNamespace(**facts))
    assert (found.chosen, found.other) == (("swh_Latn",), ("deu_Latn",))
    assert found.unseen == ("tam_Taml", "yor_Latn", "fin_Latn")
    assert found.words == "3 of the corpus unseen, as no candidates of the choice"


def test_all_means_all_but_the_pivot_and_the_unseen(text):
    assert group(text, "all").chosen == LANGUAGES[1:]
    found = group(text, "all", unseen=["fin"])
    assert (found.chosen, found.other, found.unseen) == (LANGUAGES[1:5], (), ("fin_Latn",))


def test_a_pivot_that_was_chosen_with_others_is_left_out_with_a_warning(text):
    found = group(text, SimpleNamespace(languages=("eng_Latn", "swh_Latn"), candidates=LANGUAGES))
    assert found.chosen == ("swh_Latn",)
    assert found.warnings == ("English was chosen too; as the pivot it is one side of every pair anyway",)


@pytest.mark.parametrize(
    ("languages", "unseen", "error", "words"),
    [
        ("eng,swh", (), SettingError, "others than the pivot eng_Latn"),
        (SimpleNamespace(languages=("eng_Latn",)), (), SettingError, "name at least one other"),
        ("swh,deu", ("deu",), SettingError, "neither chosen nor the pivot, got deu_Latn"),
        ("swh", ("eng",), SettingError, "neither chosen nor the pivot, got eng_Latn"),
        ("all", ("deu", "swh", "tam", "yor", "fin"), SettingError, "leave at least one to realign on"),
        ("isl", (), UnknownNameError, "languages must be among those of made up, got 'isl'"),
        ("swh", ("isl",), UnknownNameError, "got 'isl'"),
        ([], (), SettingError, "languages must name at least one"),
        ("@nowhere.json", (), SettingError, "there is no nowhere.json"),
        ("out/chosen/chosen.json", (), SettingError, "did you mean '@out/chosen/chosen.json'"),
        (None, (), SettingError, "or choose how many"),
    ],
)
def test_what_cannot_be_is_refused_by_name(text, languages, unseen, error, words):
    with pytest.raises(error, match=words):
        group(text, languages, unseen)


def test_the_folder_of_a_choice_needs_its_sign_too(text, tmp_path):
    (tmp_path / "chosen.json").write_text('{"languages": ["swh_Latn"]}')
    with pytest.raises(SettingError, match="did you mean '@"):
        group(text, str(tmp_path))
    assert group(text, f"@{tmp_path}").chosen == ("swh_Latn",)


def test_a_choice_cannot_be_chosen_from_again(text):
    with pytest.raises(SettingError, match="leave one of the two out"):
        group(text, SimpleNamespace(languages=("swh_Latn",)), choose=1)
    assert group(text, None, choose=2).chosen == LANGUAGES[1:]


def test_a_corpus_without_the_pivot_or_with_nothing_else_is_refused(text):
    with pytest.raises(CorpusError, match="pivot 'isl_Latn' is not in corpus made up"):
        require_pivot(text, "isl_Latn")
    with pytest.raises(CorpusError, match="must have a language beside the pivot"):
        require_pivot(text.select("eng_Latn"), "eng_Latn")
    bitext = text.select(["deu_Latn", "eng_Latn"])
    with pytest.raises(CorpusError, match="the side that its bitexts share"):
        require_pivot(BitextCorpus("pairs", "eng_Latn", {"deu_Latn": bitext}), "deu_Latn")
