"""Files of links say what they count from, are read as they were written, and wrong links are named by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xalign.errors import CorpusError, SettingError
from xalign.word_alignment import WordAlignment, read_gold, read_links, write_links
from xalign.word_alignment.pharaoh import links_as_text

links = st.dictionaries(
    st.tuples(st.integers(0, 40), st.integers(0, 40)), st.integers(0, 10_000).map(lambda k: k / 1e4)
)


def alignment(confidence):
    return WordAlignment(("a",) * 41, ("b",) * 41, confidence)


@given(st.lists(links, min_size=1, max_size=5))
def test_what_is_written_is_read_again_from_0_with_and_without_confidence(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("links") / "out.pharaoh"
    found = [alignment(line) for line in lines]
    write_links(found, path)
    assert [set(line) for line in read_links(path)] == [each.links for each in found]
    write_links(found, path, confidence=True)
    assert read_links(path, shapes=[(41, 41)] * len(lines)) == [dict(each.confidence) for each in found]


def test_links_stand_in_the_order_of_the_source_words_and_count_from_0():
    found = alignment({(2, 0): 0.5, (0, 1): 1.0, (0, 0): 0.25})
    assert links_as_text(found) == "0-0 0-1 2-0"
    assert links_as_text(found, confidence=True) == "0-0:0.2500 0-1:1.0000 2-0:0.5000"


def test_gold_counts_from_1_unless_told_otherwise_and_possible_includes_sure(tmp_path):
    path = tmp_path / "gold"
    path.write_text("1-1 2p3\n\n3-1\n")
    gold = read_gold(path)
    assert gold.sure == (frozenset({(0, 0)}), frozenset(), frozenset({(2, 0)}))
    assert gold.possible == (frozenset({(0, 0), (1, 2)}), frozenset(), frozenset({(2, 0)}))
    assert read_gold(path, index_base=0).sure[2] == {(3, 1)}


@pytest.mark.parametrize(
    ("read", "text", "options", "message"),
    [
        (read_gold, "1-1\n0-1\n", {}, "line 2: words must be counted from 1, got the link 0-1"),
        (read_gold, "1-1 1:1\n", {}, r"line 1: links i-j \(sure\) or ipj \(possible\) were expected, got '1:1'"),
        (read_gold, "3-1\n", {"shapes": [(2, 2)]}, r"line 1: .*2 source and 2 target words, counted from 1, got 3-1"),
        (read_links, "0-0\n1p1\n", {}, "line 2: links i-j, with or without :confidence, were expected, got '1p1'"),
        (read_links, "0-0 x\n", {}, "got 'x'"),
        (read_links, "0--1\n", {}, "got '0--1'"),
        (read_links, "0-0\n", {"shapes": [(1, 1), (1, 1)]}, "the 2 sentence pairs need a line of links each, got 1"),
        (read_links, "1-1\n2-1\n", {"shapes": [(1, 1), (2, 2)]}, "every link fits if the file counts from 1"),
        (read_links, "0-0\n2-1\n", {"shapes": [(1, 1), (2, 2)]}, "line 2: .*got 2-1; words are what a space separates"),
    ],
)
def test_links_that_cannot_be_are_named(tmp_path, read, text, options, message):
    path = tmp_path / "links"
    path.write_text(text)
    with pytest.raises(CorpusError, match=message):
        read(path, **options)


def test_another_base_than_0_or_1_is_refused(tmp_path):
    (tmp_path / "links").write_text("2-2\n")
    with pytest.raises(SettingError, match=r"index_base must be 0 or 1.*got 2"):
        read_links(tmp_path / "links", index_base=2)


def test_confidence_that_nobody_told_is_not_written(tmp_path):
    with pytest.raises(SettingError, match="backend simalign tells none"):
        write_links([alignment({(0, 0): float("nan")})], tmp_path / "links", confidence=True)
    assert not (tmp_path / "links").exists()
