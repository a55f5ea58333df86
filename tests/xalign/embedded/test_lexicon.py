"""The embedded lexicon is what its README says, and a broken one is refused with file and line."""

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

import xalign
from xalign.embedded.lexicon import load_lexicon
from xalign.errors import CorpusError, UnknownNameError
from xalign.lexicon_words import find_words

FOLDER = Path(xalign.__file__).parent / "embedded" / "lexicon"
SCRIPTS = {
    "Arab": "ARABIC", "Beng": "BENGALI", "Cyrl": "CYRILLIC", "Deva": "DEVANAGARI", "Geor": "GEORGIAN", "Grek": "GREEK",
    "Hang": "HANGUL", "Hans": "CJK", "Hebr": "HEBREW", "Latn": "LATIN", "Taml": "TAMIL", "Thai": "THAI",
}  # fmt: skip


@pytest.fixture(scope="module")
def lexicon():
    return load_lexicon()


def test_it_holds_200_concepts_in_the_languages_of_the_corpus(lexicon):
    assert len(set(lexicon.concepts)) == len(lexicon.concepts) == len(lexicon.categories) == 200
    assert set(lexicon.languages) == set(xalign.load_corpus().languages)
    assert all(len(words) == 200 for words in lexicon.words.values())


def test_the_key_is_the_english_word(lexicon):
    forms = lexicon.words["eng_Latn"]
    assert [key for key, words in zip(lexicon.concepts, forms, strict=True) if key not in words] == []


def test_no_form_stands_for_two_concepts(lexicon):
    shared = {
        language: [form for form, n in Counter(form.casefold() for forms in words for form in forms).items() if n > 1]
        for language, words in lexicon.words.items()
    }
    assert {language: forms for language, forms in shared.items() if forms} == {}


@pytest.mark.parametrize("language", sorted(path.stem for path in FOLDER.glob("*_*.tsv")))
def test_words_are_in_the_languages_script(lexicon, language):
    script = language.split("_")[1]
    wanted = ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC") if script == "Jpan" else (SCRIPTS[script], "COMBINING")
    for forms in lexicon.words[language]:
        for letter in "".join(forms):
            if unicodedata.category(letter)[0] in "LM":
                assert unicodedata.name(letter).startswith(wanted), (forms, letter)


def test_the_readme_counts_the_concepts_found_in_the_corpus(lexicon):
    corpus = xalign.load_corpus()
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    low, high, common = map(int, re.search(r"(\d+) to (\d+) of the concepts .* median (\d+)", readme).groups())
    found = sorted(find_words(corpus.sentences[code], lexicon, code).n_concepts for code in lexicon.languages)
    assert (found[0], found[-1], found[len(found) // 2]) == (low, high, common)
    assert low >= 25


def test_languages_are_selected_in_order_and_an_unknown_one_is_named(lexicon):
    chosen = lexicon.select(["swh_Latn", "deu_Latn"])
    assert chosen.languages == ("swh_Latn", "deu_Latn")
    assert chosen.words["deu_Latn"] == lexicon.words["deu_Latn"]
    with pytest.raises(UnknownNameError, match=r"no language 'deu_Lat' \(did you mean 'deu_Latn'\?\)"):
        lexicon.select(["deu_Lat"])


def write(folder: Path, words: str, concepts: str = "concept\tcategory\nwater\tnature\nhouse\thome\n") -> Path:
    (folder / "concepts.tsv").write_text(concepts, encoding="utf-8")
    (folder / "deu_Latn.tsv").write_bytes(words.encode())
    return folder


def test_a_users_lexicon_is_read_with_a_bom_and_windows_line_ends(tmp_path):
    found = load_lexicon(write(tmp_path, "\ufeffconcept\tforms\r\nwater\tWasser\r\nhouse\tHaus|Häuser\r\n"))
    assert found.words["deu_Latn"] == (("Wasser",), ("Haus", "Häuser"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("concept\tforms\nwater\tWasser\n", r"deu_Latn.tsv must have a line for each of 2 concepts, got 1"),
        ("concept\tforms\nwater\tWasser\nhome\tHaus\n", r"deu_Latn.tsv:3 must be of concept 'house'.* got 'home'"),
        ("concept\tforms\nwater\t\nhouse\tHaus\n", r"deu_Latn.tsv:2 must hold concept and forms, neither empty"),
        ("concept\tforms\nwater\tWasser||\nhouse\tHaus\n", r"deu_Latn.tsv:2: concept 'water' must have a word"),
        ("concept\tforms\nwater\tWasser\nhouse\tHa\u0308user\n", r"deu_Latn.tsv:3 must be in Unicode's NFC"),
        ("concept,forms\n", r"deu_Latn.tsv:1 must name the columns concept and forms"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path, words, told):
    with pytest.raises(CorpusError, match=told):
        load_lexicon(write(tmp_path, words))


def test_a_folder_without_words_is_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"concepts\.tsv is missing"):
        load_lexicon(tmp_path)
