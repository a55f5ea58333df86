"""Every format: spans of any size hold every record once, with its place; what is written is what was read."""

import csv
import gzip
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.errors import CorpusError
from xalign.selecting.pools.formats import ADDED, FORMATS, Piece
from xalign.selecting.pools.formats.dataset_folders import DATASETS
from xalign.selecting.pools.formats.delimited_files import DELIMITED
from xalign.selecting.pools.formats.json_lines import JSON_LINES
from xalign.selecting.pools.formats.parquet_files import PARQUET
from xalign.selecting.pools.formats.plain_lines import PLAIN_LINES

ROWS = [{"text": f"row {i}, «{i}»", "note": 'a "b"\nc' if i % 3 == 0 else ""} for i in range(11)]
GAIN = {"xalign_score": 0.5, "xalign_rank": 2, "xalign_language": "deu_Latn", "xalign_reason": "near"}


def dataset_folder(folder):
    import datasets

    datasets.disable_progress_bars()
    datasets.Dataset.from_list(ROWS).save_to_disk(str(folder / "set"))
    return folder / "set"


def parquet_file(folder):
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "a.parquet", row_group_size=4)
    return folder / "a.parquet"


def text_file(suffix, write):
    def make(folder):
        with (folder / f"a{suffix}").open("w", encoding="utf-8", newline="") as file:
            write(file)
        return folder / f"a{suffix}"

    return make


def write_csv(delimiter):
    def write(file):
        writer = csv.DictWriter(file, ["text", "note"], delimiter=delimiter, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(ROWS)

    return write


def zipped(folder):
    path = folder / "a.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode()))
    return path


MAKERS = {
    "JSON lines": text_file(".jsonl", lambda file: file.writelines(json.dumps(row) + "\n" for row in ROWS)),
    "JSON lines, zipped": zipped,
    "Parquet": parquet_file,
    "CSV or TSV": text_file(".csv", write_csv(",")),
    "CSV or TSV, tabs": text_file(".tsv", write_csv("\t")),
    "JSON lists": text_file(".json", lambda file: json.dump(ROWS, file)),
    "saved dataset": dataset_folder,
}


def read_all(found, path, rows):
    return [record for span in found.cut(path, rows) for record in found.read(path, span, None)]


def format_called(name):
    return next(found for found in FORMATS if found.name == name.split(",")[0])


def pieces_of(found, path, rows, keep=lambda place: True):
    """Pieces with those records whose number among all is kept."""
    pieces, number = [], 0
    for span in found.cut(path, rows):
        n = len(list(found.read(path, span, None)))
        places = tuple(place for place in range(n) if keep(number + place))
        number += n
        if places:
            pieces.append(Piece(path, span, places, {name: [GAIN[name]] * len(places) for name in ADDED}))
    return pieces


@pytest.mark.parametrize("rows", [1, 3, 4, 100])
@pytest.mark.parametrize("name", MAKERS)
def test_spans_of_any_size_hold_every_record_once_and_in_order(name, rows, tmp_path):
    path, found = MAKERS[name](tmp_path), format_called(name)
    assert [dict(record.fields) for record in read_all(found, path, rows)] == ROWS


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_written_is_what_was_read_and_what_rows_gain(name, tmp_path):
    path, found = MAKERS[name](tmp_path), format_called(name)
    out = tmp_path / ("out" if not found.suffixes else f"out{found.suffixes[0]}")
    there = set(tmp_path.rglob("*"))
    found.write(out, pieces_of(found, path, 3, lambda place: place % 2 == 0))
    assert {new for new in set(tmp_path.rglob("*")) - there if out not in new.parents} == {out}
    again = [dict(record.fields) for record in read_all(found, out, 100)]
    gained = {key: str(value) for key, value in GAIN.items()} if "CSV" in name else GAIN
    assert again == [row | gained for row in ROWS[::2]]


@pytest.mark.parametrize("name", MAKERS)
def test_rows_that_gain_nothing_stay_as_they_are_with_the_fields_of_an_earlier_choice(name, tmp_path):
    path, found = MAKERS[name](tmp_path), format_called(name)
    first, second = (tmp_path / (end + (found.suffixes[0] if found.suffixes else "")) for end in ("first", "second"))
    found.write(first, pieces_of(found, path, 3))
    some = [Piece(p.path, p.span, p.places) for p in pieces_of(found, first, 3, lambda place: place % 2 == 0)]
    found.write(second, some)
    rows = [[dict(record.fields) for record in read_all(found, where, 100)] for where in (first, second)]
    assert rows[1] == rows[0][::2]


@pytest.mark.parametrize("name", MAKERS)
def test_a_pool_that_was_chosen_before_gains_the_fields_anew(name, tmp_path):
    path, found = MAKERS[name](tmp_path), format_called(name)
    first, second = (tmp_path / (end + (found.suffixes[0] if found.suffixes else "")) for end in ("first", "second"))
    found.write(first, pieces_of(found, path, 3))
    pieces = pieces_of(found, first, 3)
    newer = [Piece(p.path, p.span, p.places, p.added | {"xalign_rank": [9] * len(p.places)}) for p in pieces]
    found.write(second, newer)
    again = [dict(record.fields) for record in read_all(found, second, 100)]
    assert [row["xalign_rank"] for row in again] == [type(again[0]["xalign_rank"])(9)] * len(ROWS)
    assert [row["text"] for row in again] == [row["text"] for row in ROWS]


def test_a_line_of_json_is_copied_byte_for_byte_with_fields_before_its_last_brace(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = ['{"n": 1.0e5,   "text":"\\u00e4"}', "", "{ }", '{"big": 123456789012345678901234567890}']
    path.write_text("\r\n".join(lines), encoding="utf-8")
    JSON_LINES.write(tmp_path / "out.jsonl", pieces_of(JSON_LINES, path, 2))
    out = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    gained = json.dumps(GAIN)[1:]
    assert out == [f"{lines[0][:-1]}, {gained}", "{" + gained, f"{lines[3][:-1]}, {gained}"]


def test_faults_and_records_carry_the_line_they_stand_on(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n\n{"text": \n[1]\n{"text": "\xff"}\n{"text": "b"}')
    records = read_all(JSON_LINES, path, 2)
    assert [record.line for record in records] == [1, 3, 4, 5, 6]
    assert [bool(record.fault) for record in records] == [False, True, True, True, False]
    assert "broken JSON" in records[1].fault
    assert "got list" in records[2].fault
    assert "0xff" in records[3].fault


def test_a_row_of_csv_with_too_few_cells_has_a_fault_at_its_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,note\n"x\ny",1\nalone\nz,2\n', encoding="utf-8")
    records = read_all(DELIMITED, path, 1)
    assert [(record.line, bool(record.fault)) for record in records] == [(2, False), (4, True), (5, False)]
    assert "2 cells of the header, got 1" in records[1].fault


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), max_size=9), st.integers(1, 4), st.sampled_from([",", "\t"]))
def test_any_csv_is_cut_where_records_end(tmp_path_factory, cells, rows, delimiter):
    path = tmp_path_factory.mktemp("any") / ("a.csv" if delimiter == "," else "a.tsv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(["x", "y"])
        writer.writerows(cells)
    assert [tuple(record.fields.values()) for record in read_all(DELIMITED, path, rows)] == cells
    spans = list(DELIMITED.cut(path, rows))
    assert [a.stop for a in spans[:-1]] == [b.start for b in spans[1:]]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=6), max_size=9),
    st.integers(1, 4),
)
def test_any_text_is_cut_where_lines_end(tmp_path_factory, texts, rows):
    path = tmp_path_factory.mktemp("any") / "a.txt"
    path.write_text("\n".join(texts), encoding="utf-8")
    blank = [text for text in texts if text.encode().strip()]
    assert [record.fields["text"] for record in read_all(PLAIN_LINES, path, rows)] == blank


def test_quotes_that_do_not_close_are_told_with_file_and_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text\n"open\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=r"a\.csv, line 2: cells with quotes"):
        list(DELIMITED.cut(path, 5))


def test_parquet_files_of_one_pool_must_have_the_same_columns(tmp_path):
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["b"], "n": ["one"]}), tmp_path / "b.parquet")
    pieces = [piece for name in "ab" for piece in pieces_of(PARQUET, tmp_path / f"{name}.parquet", 5)]
    with pytest.raises(CorpusError, match=r"b\.parquet: the columns of a\.parquet were expected.*n: int64.*n: string"):
        PARQUET.write(tmp_path / "out.parquet", pieces)


def test_parquet_reads_only_the_columns_that_are_asked_for(tmp_path):
    path = parquet_file(tmp_path)
    (span,) = PARQUET.cut(path, 100)
    assert {tuple(record.fields) for record in PARQUET.read(path, span, ["text"])} == {("text",)}


def test_a_dataset_that_was_saved_anew_in_its_folder_is_read_anew(tmp_path):
    import datasets

    folder = dataset_folder(tmp_path)
    (span,) = DATASETS.cut(folder, 100)
    assert [record.fields["text"] for record in DATASETS.read(folder, span, None)] == [row["text"] for row in ROWS]
    shutil.rmtree(folder)
    others = [{"text": row["text"].replace("row", "new"), "note": row["note"]} for row in ROWS[:7]]
    datasets.Dataset.from_list(others).save_to_disk(str(folder))
    assert [record.fields for record in DATASETS.read(folder, span, None)] == others
    assert [found.stop for found in DATASETS.cut(folder, 100)] == [7]
