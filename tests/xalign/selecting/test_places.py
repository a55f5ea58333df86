"""A pool's files are of one format, which is said where they are not, and those without a row are told."""

import pytest

from xalign.errors import CorpusError

pytestmark = pytest.mark.usefixtures("quick_model")


def test_files_without_a_row_are_told_beside_others(rows, write_jsonl, select, tmp_path):
    (tmp_path / "in").mkdir()
    for name, text in (("empty", ""), ("blank", "\n\n"), ("bad", "{\n")):
        (tmp_path / "in" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    write_jsonl(tmp_path / "in" / "full.jsonl", rows)
    found = select(tmp_path / "in", method="random", skip_bad=True)
    assert "2 of the pool's 4 files have no row: blank.jsonl, empty.jsonl" in found.warnings
    found = select(tmp_path / "in" / "[ef]*.jsonl", method="random")
    assert "1 of the pool's 2 files has no row: empty.jsonl" in found.warnings
    assert not any("no row" in note for note in select(tmp_path / "in" / "full.jsonl", method="random").warnings)


def test_files_of_several_formats_are_listed_by_format_with_patterns_that_name_one(rows, write_jsonl, select, tmp_path):
    for place in range(4):
        write_jsonl(tmp_path / f"{place}.jsonl", rows[12 * place : 12 * place + 12])
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "b.csv").write_text("text\nja\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("ja\n", encoding="utf-8")
    with pytest.raises(CorpusError) as told:
        select(tmp_path)
    assert "got 4 of JSON lines (0.jsonl, 1.jsonl, 2.jsonl, ...) and 1 of lines of text (notes.txt) and" in str(
        told.value
    )
    patterns = str(told.value).rpartition("as with ")[2].split(" or ")
    assert patterns == [repr(str(tmp_path / name)) for name in ("*.jsonl", "notes.txt", "**/*.csv")]
    assert select(patterns[0].strip("'"), method="random").run["pool"]["rows"] == 48
    assert select(patterns[2].strip("'"), method="random", budget=1).run["pool"]["files"] == 2
