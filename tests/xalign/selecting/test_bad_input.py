"""Bad input is told with file and line, and with the way out; with skip_bad it is counted, listed and left out."""

import json

import numpy as np
import pytest

from xalign.errors import CorpusError, SettingError, UnknownNameError, XalignError

pytestmark = pytest.mark.usefixtures("quick_model")

BAD_ROWS = {
    "broken JSON": ('{"text": "half', {}, r"broken JSON"),
    "a list": ("[1, 2]", {}, r"a JSON object was expected, got list"),
    "no text": ({"language": "deu_Latn"}, {}, r"text was expected in 'text' \(all\), got none"),
    "blank text": ({"text": " \n", "language": "deu_Latn"}, {}, r"text was expected"),
    "text that is none": ({"text": 7, "language": "deu_Latn"}, {}, r"field 'text' must hold text, got int"),
    "half a surrogate": ('{"text": "a\\ud800", "language": "deu_Latn"}', {}, r"must be Unicode"),
    "no language": ({"text": "ja"}, {}, r"a language was expected in 'language', got None"),
    "an id twice": (
        {"id": "eng-3", "text": "ja", "language": "deu_Latn"}, {}, r"id 'eng-3' stands already at .*line 4",
    ),
    "a zero vector": ({"text": "zero", "language": "deu_Latn"}, {}, r"its vector is zero"),
    "a score of NaN": (
        '{"text": "ja", "language": "deu_Latn", "score": NaN}',
        {"quality": "column:score"},
        r"a number was expected in 'score', got nan",
    ),
    "a score of text": (
        {"text": "ja", "language": "deu_Latn", "score": "high"}, {"quality": "column:score"},
        r"a number was expected in 'score', got 'high'",
    ),
    "no score": ({"text": "ja", "language": "deu_Latn"}, {"quality": "column:score"}, r"in 'score', got None"),
    "no labels": ({"text": "ja", "language": "deu_Latn"}, {"tags": "labels"}, r"labels were expected in 'labels'"),
    "a label outside the list": (
        {"text": "ja", "language": "deu_Latn", "labels": ["food", "odd"]},
        {"tags": "labels", "tag_list": []},
        r"label 'odd' in 'labels' is not in the list",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_ROWS)
def test_a_bad_row_is_told_with_file_and_line_or_left_out_and_listed(what, rows, write_jsonl, select, tmp_path):
    bad, arguments, reason = BAD_ROWS[what]
    if "tag_list" in arguments:
        known = sorted({label for row in rows for label in row["labels"]})
        arguments = arguments | {"tag_list": known}
        bad = bad | {"labels": [known[0], "odd"]}
    path = write_jsonl(tmp_path / "pool.jsonl", [*rows[:30], bad, *rows[30:]])
    with pytest.raises(CorpusError, match=reason) as told:
        select(path, method="random", **arguments)
    assert str(told.value).startswith(f"{path}, line 31: ")
    assert "1 row of the pool cannot be used; with --skip-bad" in str(told.value)
    found = select(path, method="random", budget=48, skip_bad=True, **arguments)
    assert found.skipped[["file", "line"]].values.tolist() == [[str(path), 31]]
    assert sorted(found.ids) == sorted(row["id"] for row in rows)
    assert "1 row could not be used and is left out" in found.warnings


def test_many_bad_rows_are_counted_and_the_first_five_listed(rows, write_jsonl, select, tmp_path):
    path = write_jsonl(tmp_path / "pool.jsonl", [rows[0], *["{"] * 7, *rows[1:]])
    with pytest.raises(CorpusError) as told:
        select(path, method="random")
    message = str(told.value)
    assert "7 rows of the pool cannot be used" in message
    assert [f"line {line}:" in message for line in range(2, 9)] == [True] * 5 + [False] * 2
    assert message.endswith("and 2 more")


def test_a_bad_row_of_the_target_is_told_as_such(pool, write_jsonl, select, tmp_path):
    path = write_jsonl(tmp_path / "target.jsonl", [{"text": "yes", "language": "en"}, "{"])
    with pytest.raises(CorpusError, match=r"target\.jsonl, line 2: .*\n1 row of the target cannot be used"):
        select(pool, path)


def test_a_pool_without_a_usable_row_is_refused(write_jsonl, select, tmp_path):
    path = write_jsonl(tmp_path / "pool.jsonl", [{"text": "zero", "language": "de"}])
    with pytest.raises(CorpusError, match=r"pool must have a usable row, got none; .*line 1: its vector is zero"):
        select(path, method="random", skip_bad=True)


def test_a_budget_above_the_pool_is_refused(pool, select):
    with pytest.raises(SettingError, match=r"budget must be at most the 48 usable rows of the pool, got 49"):
        select(pool, budget=49)


@pytest.mark.parametrize("budget", [0, -1, 1.5, float("nan"), True])
def test_a_budget_that_is_no_number_of_rows_is_refused(budget, pool, select):
    with pytest.raises(SettingError, match=r"budget must be a number of rows"):
        select(pool, budget=budget)


def test_a_target_in_a_language_that_the_pool_lacks_is_refused_unless_that_is_allowed(
    pool, write_jsonl, select, tmp_path
):
    path = write_jsonl(tmp_path / "target.jsonl", [{"text": f"kyllä {n}", "language": "fi"} for n in range(3)])
    with pytest.raises(SettingError, match=r"languages of the pool, got fin_Latn; the pool has deu_Latn, eng_Latn"):
        select(pool, path)
    with pytest.raises(SettingError, match=r"got fin_Latn"):
        select(pool, "lang:sw,fi")
    assert select(pool, path, across_languages=True).run["target"]["rows"] == 3


def test_quotas_for_a_language_that_has_too_few_rows_are_refused(pool, select):
    with pytest.raises(SettingError, match=r"'swh_Latn' is to give 13 rows and has 12"):
        select(pool, budget=13, quotas="sw=1.0")


def test_a_folder_that_is_not_empty_is_refused_before_any_work(pool, select, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(SettingError, match=r"out must be a new or empty folder, got one with 1 entries"):
        select(pool, out=tmp_path / "out", sidecars=tmp_path / "untouched")
    assert not (tmp_path / "untouched").exists()


def test_files_of_several_formats_are_refused(rows, write_jsonl, select, tmp_path):
    write_jsonl(tmp_path / "a.jsonl", rows)
    (tmp_path / "b.csv").write_text("text\nja\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"files of one format were expected, got JSON lines and CSV or TSV"):
        select(tmp_path)


def test_csv_files_with_other_columns_are_refused_and_nothing_is_left(select, tmp_path):
    (tmp_path / "in").mkdir()
    for name, header in (("a", "text,language"), ("b", "text,language,more")):
        lines = [header, *(f"wort {name}{n},de" + (",x" if name == "b" else "") for n in range(9))]
        (tmp_path / "in" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"b\.csv, line 1: the columns of a\.csv were expected"):
        select(tmp_path / "in", method="random", budget=18, out=tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.jsonl", r"nowhere\.jsonl: a file, a folder or a pattern of files was expected, got nothing"),
        ("*.jsonl", r"got nothing of that name"),
        ("", r"files ending in \.jsonl, .* were expected, got none"),
        ("a.xml", r"a\.xml: a name ending in .* was expected, got \.xml"),
        ("empty.jsonl", r"empty\.jsonl: a row was expected, got none"),
    ],
)
def test_a_pool_that_is_not_there_is_told(source, message, select, tmp_path):
    folder = tmp_path / "pool"
    folder.mkdir()
    if "." in source and "nowhere" not in source and "*" not in source:
        (folder / source).write_text("", encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        select(folder / source)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": "transprot"}, UnknownNameError, r"method must be one of transport, .*did you mean 'transport'"),
        ({"compare": "mig,odd"}, UnknownNameError, r"method must be one of .*got 'odd'"),
        ({"quality": "lenght"}, UnknownNameError, r"quality must be one of column:FIELD, length, .*got 'lenght'"),
        ({"quality": "column"}, SettingError, r"quality 'column' must name its field, as in column:FIELD"),
        ({"method": "mdaq"}, SettingError, r"method 'mdaq' ranks by a score; give --quality"),
        ({"engine": "spark"}, UnknownNameError, r"engine must be one of process, ray, got 'spark'"),
        ({"workers": 0}, SettingError, r"workers must be 1 or more, got 0"),
        ({"part": "answer"}, UnknownNameError, r"part must be one of all, prompt, response, got 'answer'"),
        ({"precision": "float8"}, UnknownNameError, r"precision must be one of float32, float16"),
        ({"n_draws": 1}, SettingError, r"n_draws must be at least 2, got 1"),
        ({"shard_rows": 0}, SettingError, r"shard_rows must be 1 or more, got 0"),
        ({"tag_list": []}, SettingError, r"tag_list must name at least one label"),
        ({"text_field": "body"}, CorpusError, r"text was expected in 'body'"),
        ({"method": "random", "options": {"random": {"odd": 1}}}, SettingError, r"method 'random' has no such option"),
        (
            {"method": "deita", "quality": "length", "options": {"deita": {"threshold": -2.0}}},
            SettingError,
            r"deita: thresh",
        ),
        ({"report": "nowhere"}, XalignError, r"nowhere is not a saved report"),
    ],
)
def test_an_argument_that_cannot_be_used_is_told(arguments, error, message, pool, select):
    with pytest.raises(error, match=message):
        select(pool, **arguments)


def test_a_dataset_of_several_splits_is_refused(rows, select, tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    plain = [{"text": row["text"]} for row in rows]
    whole = datasets.DatasetDict(
        {"train": datasets.Dataset.from_list(plain), "test": datasets.Dataset.from_list(plain)}
    )
    whole.save_to_disk(str(tmp_path / "set"))
    with pytest.raises(CorpusError, match=r"one dataset was expected, got the splits test, train; name one"):
        select(tmp_path / "set")
    with pytest.raises(CorpusError, match=r"pool must be one dataset, got DatasetDict; name a split"):
        select(whole)


@pytest.mark.parametrize("source", [[], iter([{"text": "a"}]), [{"text": "a"}], 7])
def test_a_pool_that_is_neither_paths_nor_a_dataset_is_refused(source, select):
    with pytest.raises(CorpusError, match=r"a pool must be paths, patterns or a dataset that can be saved"):
        select(source)


def test_facts_of_a_selection_hold_no_nan_that_json_would_refuse(pool, select, tmp_path):
    found = select(pool, method="random", out=tmp_path / "out")
    text = (tmp_path / "out" / "selection.json").read_text(encoding="utf-8")

    def refuse(name):
        raise AssertionError(name)

    document = json.loads(text, parse_constant=refuse)
    assert np.isnan(found.table["mean_quality"]).all()
    assert {arm["mean_quality"] for arm in document["arms"]} == {None}
