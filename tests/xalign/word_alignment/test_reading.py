"""Three formats of sentence pairs give the same words, which are those that gold links count."""

import json

import pytest

from xalign.errors import CorpusError
from xalign.word_alignment import read_gold_sets, read_pairs
from xalign.word_alignment.reading import find_gold_sets

PAIRS = [(["the", "cat", "."], ["le", "chat", "."]), ([], []), (["rain"], []), (["日本"], ["Japan", "!"])]


def written(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_bars_tabs_and_json_hold_the_same_pairs(tmp_path):
    joined = [(" ".join(source), " ".join(target)) for source, target in PAIRS]
    bars = written(tmp_path / "a.txt", [f"{source}   ||| {target}  " for source, target in joined])
    tabs = written(tmp_path / "b.tsv", [f"{source}\t{target}" for source, target in joined])
    texts = written(tmp_path / "c.jsonl", [json.dumps({"source": s, "target": t}) for s, t in joined])
    lists = written(tmp_path / "d.jsonl", [json.dumps({"source": s, "target": t, "id": 1}) for s, t in PAIRS])
    assert [read_pairs(path) for path in (bars, tabs, texts, lists)] == [PAIRS] * 4


def test_only_ascii_space_separates_words_and_only_a_line_feed_ends_a_line(tmp_path):
    path = written(tmp_path / "a.txt", ["a \u3000 b\u00a0c\u2028d  e ||| \ufeffx"])
    assert read_pairs(path) == [(["a", "\u3000", "b\u00a0c\u2028d", "e"], ["\ufeffx"])]


def test_a_file_of_windows_with_bom_is_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffa b ||| c\r\nd ||| e\r\n".encode())
    assert read_pairs(path) == [(["a", "b"], ["c"]), (["d"], ["e"])]


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("a.txt", ["a ||| b", "a b"], r"a.txt, line 2: source words \|\|\| target words was expected, got 0 times"),
        ("a.txt", ["a ||| b ||| c"], "line 1: .* got 2 times"),
        ("a.txt", ["a b"], "line 1: two sides were expected"),
        ("a.tsv", ["a\tb", "a\tb\tc"], "line 2: two sides were expected"),
        ("a.txt", [], "got an empty file"),
        ("a.jsonl", ["{"], "line 1: one JSON object was expected"),
        ("a.jsonl", ['["a", "b"]'], "line 1: an object with source and target was expected"),
        ("a.jsonl", ['{"source": "a"}'], "line 1: an object with source and target was expected"),
        (
            "a.jsonl",
            ['{"source": ["a", " "], "target": "b"}'],
            "source must be a string or a list of words, none blank",
        ),
        ("a.jsonl", ['{"source": "a", "target": 3}'], "target must be a string or a list"),
    ],
)
def test_lines_that_are_no_pair_are_named(tmp_path, name, lines, message):
    with pytest.raises(CorpusError, match=message):
        read_pairs(written(tmp_path / name, lines))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"missing\.txt"):
        read_pairs(tmp_path / "missing.txt")


def test_gold_sets_are_found_in_a_folder_or_by_prefix(tmp_path):
    for name in ("enfr", "roen"):
        written(tmp_path / f"{name}.src-tgt", ["a ||| b"])
        written(tmp_path / f"{name}.gold", ["1-1"])
    assert [name for name, *_ in find_gold_sets(tmp_path)] == ["enfr", "roen"]
    assert list(find_gold_sets(tmp_path / "roen")) == [("roen", tmp_path / "roen.src-tgt", tmp_path / "roen.gold")]


def test_half_a_gold_set_or_none_is_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"a folder without \*\.src-tgt"):
        list(find_gold_sets(tmp_path))
    written(tmp_path / "enfr.src-tgt", ["a ||| b"])
    with pytest.raises(CorpusError, match=r"enfr\.gold: this file was expected"):
        list(find_gold_sets(tmp_path))
    with pytest.raises(CorpusError, match=r"jaen\.src-tgt: this file was expected"):
        list(find_gold_sets(tmp_path / "jaen"))


def test_the_real_gold_links_lead_to_words_as_they_are_read(real_data):
    folder = real_data / "word_alignment" / "awesome"
    sizes = {each.name: (each.gold.n, sum(map(len, each.gold.possible))) for each in read_gold_sets(folder)}
    assert sizes == {"enfr": (447, 17438), "jaen": (582, 13562), "roen": (248, 6198), "zhen": (450, 11416)}
