"""Words are linked where a dictionary or the model leaves no doubt which translates which."""

import pytest

from xalign import load_encoder
from xalign.corpora.parallel import Pair
from xalign.errors import CorpusError
from xalign.realigning.word_pairs import link_corpus, links_by_dictionary, read_dictionary


def linked(
    source: str, target: str, entries: list[tuple[str, str]], language: str = "deu_Latn"
) -> list[tuple[str, str]]:
    (links,) = links_by_dictionary(Pair(language, "eng_Latn", (source,), (target,)), entries)
    return [(source[slice(*one)], target[slice(*other)]) for one, other in links]


def test_both_words_must_stand_in_the_sentences_and_be_whole():
    entries = [("Hund", "dog"), ("Katze", "cat"), ("Haus", "house")]
    assert linked("Der Hund sieht das Haus.", "The dog sees the house.", entries) == [
        ("Hund", "dog"),
        ("Haus", "house"),
    ]
    assert linked("Der Hundekuchen", "The dogged one", entries) == []


def test_case_does_not_matter_and_identical_words_are_left_out():
    entries = [("berlin", "berlin"), ("hund", "Dog")]
    assert linked("HUND in Berlin", "dog in Berlin", entries) == [("HUND", "dog")]


def test_a_word_that_stands_twice_gives_no_link():
    assert linked("Hund und Hund", "dog and cat", [("Hund", "dog")]) == []
    assert linked("Hund und Katze", "dog and dog", [("Hund", "dog"), ("Katze", "cat")]) == []


def test_a_word_with_two_translations_is_linked_where_one_of_them_stands_alone():
    entries = [("Schloss", "castle"), ("Schloss", "lock"), ("Burg", "castle")]
    assert linked("Das Schloss", "The lock", entries) == [("Schloss", "lock")]
    assert linked("Das Schloss", "The lock of the castle", entries) == []
    assert linked("Schloss und Burg", "The castle", entries) == []


def test_scripts_without_spaces_are_searched_too():
    assert linked("我喜欢喝水", "I like to drink water", [("水", "water")], "zho_Hans") == [("水", "water")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Hund\tdog\nKatze cat\n", r"d.tsv:2 must hold a word, a tab and its translation, got 'Katze cat'"),
        ("Hund\tdog\tdogs\n", r"d.tsv:1 must hold"),
        ("Hund\t \n", r"d.tsv:1 must hold"),
        ("\n\n", r"d.tsv must hold at least one word"),
        (b"Hund\t\xff\n", r"d.tsv must be UTF-8, got byte 0xff at 5"),
        (None, r"no dictionary at .*d.tsv"),
    ],
)
def test_a_dictionary_that_cannot_be_read_is_refused_by_line(tmp_path, text, message):
    path = tmp_path / "d.tsv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CorpusError, match=message):
        read_dictionary(path)


def test_a_dictionary_may_have_a_mark_at_its_beginning_blank_lines_and_any_line_ends(tmp_path):
    (tmp_path / "d.tsv").write_bytes("\ufeffHund\tdog\r\n\r\nKatze\tcat".encode())
    assert read_dictionary(tmp_path / "d.tsv") == [("Hund", "dog"), ("Katze", "cat")]


def test_the_embedded_model_links_words_that_translate_each_other():
    from xalign import load_corpus

    corpus = load_corpus(None, languages=["eng_Latn", "deu_Latn"]).take(40)
    links = link_corpus(load_encoder(device="cpu"), corpus, ["deu_Latn"])["deu_Latn"]
    rows = zip(links, corpus.sentences["deu_Latn"], corpus.sentences["eng_Latn"], strict=True)
    words = [(text[slice(*a)].lower(), other[slice(*b)].lower()) for row, text, other in rows for a, b in row]
    assert len(words) > 150
    assert all(a != b for a, b in words)
    known = {("und", "and"), ("die", "the"), ("der", "the"), ("mit", "with"), ("nicht", "not")}
    hits = [pair for pair in words if pair[0] in dict(known)]
    assert sum(pair in known for pair in hits) > 0.5 * len(hits) > 5
