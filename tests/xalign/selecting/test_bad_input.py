"""Bad input is told with file and line, and with the way out; with skip_bad it is counted, listed and left out."""

import gzip
import io
import json

import numpy as np
import pandas as pd
import pytest

import xalign.selecting.phases.embedding
from xalign.errors import ActivationError, CorpusError, SettingError, UnknownNameError, XalignError
from xalign.selecting.models.embedders import Embedder, embed_each

pytestmark = pytest.mark.usefixtures("quick_model")

BAD_ROWS = {
    "broken JSON": ('{"text": "half', {}, r"broken JSON"),
    "a list": ("[1, 2]", {}, r"a JSON object was expected, got list"),
    "no text": ({"language": "deu_Latn"}, {}, r"text was expected in 'text' \(all\), got a row with language"),
    "text of another schema": (
        {"body": "ja", "language": "deu_Latn"}, {}, r"text was expected in 'text' .*got a row with body, language",
    ),
    "text that is null": ({"text": None, "language": "deu_Latn"}, {}, r"text was expected in 'text' \(all\), got none"),
    "text that is not seen": ({"text": "\u200b\x00\ufeff", "language": "deu_Latn"}, {}, r"expected .*, got none"),
    "JSON without end": ("[" * 100_000, {}, r"a JSON object was expected, got broken JSON"),
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
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_ROWS)
def test_a_bad_row_is_told_with_file_and_line_or_left_out_and_listed(what, rows, write_jsonl, select, tmp_path):
    bad, arguments, reason = BAD_ROWS[what]
    path = write_jsonl(tmp_path / "pool.jsonl", [*rows[:30], bad, *rows[30:]])
    with pytest.raises(CorpusError, match=reason) as told:
        select(path, method="random", **arguments)
    assert str(told.value).startswith(f"{path}, line 31: ")
    assert str(told.value).endswith("; mend this row of the pool, or leave it out with --skip-bad (skip_bad=True)")
    assert "\n" not in str(told.value)
    found = select(path, method="random", budget=48, skip_bad=True, **arguments)
    assert found.skipped[["file", "line"]].values.tolist() == [[str(path), 31]]
    assert sorted(found.ids) == sorted(row["id"] for row in rows)
    assert "1 row could not be used and is left out" in found.warnings


def test_a_label_outside_the_list_is_told_with_its_row_or_left_out_alone(rows, write_jsonl, select, tmp_path):
    known = sorted({label for row in rows for label in row["labels"]})
    with_others = [
        row | {"labels": [*row["labels"], "odd", "even"]} if place in (3, 9) else row for place, row in enumerate(rows)
    ]
    with_others[9]["labels"] = ["odd"]
    path, as_listed = tmp_path / "pool.jsonl", tmp_path / "listed.jsonl"
    write_jsonl(path, with_others)
    write_jsonl(
        as_listed, [row | {"labels": [label for label in row["labels"] if label in known]} for row in with_others]
    )
    arguments = {"method": "mig", "tags": "labels", "tag_list": known}
    with pytest.raises(CorpusError, match=r"line 4: label 'odd' in 'labels' is not in the list of labels") as told:
        select(path, **arguments)
    assert "2 rows of the pool cannot be used" in str(told.value)
    found = select(path, skip_bad=True, **arguments)
    assert "3 labels of rows are not in the list and left out" in found.warnings
    assert found.skipped.empty
    expected = select(as_listed, **arguments)
    assert found.rows[["id", "score"]].equals(expected.rows[["id", "score"]])
    assert not any("in the list" in said for said in expected.warnings)


def test_labels_of_a_row_that_is_left_out_are_not_counted(rows, write_jsonl, select, tmp_path):
    bad = rows[0] | {"id": "odd", "text": "zero", "labels": ["odd"]}
    path = write_jsonl(tmp_path / "pool.jsonl", [*rows, bad])
    known = sorted({label for row in rows for label in row["labels"]})
    found = select(path, method="mig", tags="labels", tag_list=known, skip_bad=True)
    assert found.skipped["line"].tolist() == [49]
    assert not any("in the list" in said for said in found.warnings)


def test_many_bad_rows_are_counted_and_the_first_five_listed(rows, write_jsonl, select, tmp_path):
    path = write_jsonl(tmp_path / "pool.jsonl", [rows[0], *["{"] * 7, *rows[1:]])
    with pytest.raises(CorpusError) as told:
        select(path, method="random")
    message = str(told.value)
    assert "; 7 rows of the pool cannot be used: mend them, or leave them out with --skip-bad" in message
    assert message.count("\n") == 5
    assert [f"line {line}:" in message for line in range(2, 9)] == [True] * 5 + [False] * 2
    assert message.endswith("and 2 more")


def test_a_bad_row_of_the_target_is_told_as_such(pool, write_jsonl, select, tmp_path):
    path = write_jsonl(tmp_path / "target.jsonl", [{"text": "yes", "language": "en"}, "{"])
    with pytest.raises(CorpusError, match=r"target\.jsonl, line 2: .*; mend this row of the target, or leave"):
        select(pool, path)


def test_a_pool_without_a_usable_row_is_refused(write_jsonl, select, tmp_path):
    path = write_jsonl(tmp_path / "pool.jsonl", [{"text": "zero", "language": "de"}])
    with pytest.raises(CorpusError, match=r"pool must have a usable row, got none; .*line 1: its vector is zero"):
        select(path, method="random", budget=1, skip_bad=True)


def test_a_budget_above_the_pool_is_refused(pool, select):
    with pytest.raises(SettingError, match=r"budget must be at most the 48 usable rows of the pool, got 49"):
        select(pool, budget=49)


def test_a_model_that_gives_nothing_leaves_no_row(rows, write_jsonl, select, tmp_path):
    path = write_jsonl(tmp_path / "pool.jsonl", [row | {"text": f"zero {row['text']}"} for row in rows])
    with pytest.raises(CorpusError, match=r"line 1: its vector is zero; none of the 48 rows of the pool can be used"):
        select(path, method="random")


@pytest.mark.parametrize("budget", [0, -1, 1.5, float("nan"), float("inf"), True])
def test_a_budget_that_is_no_number_of_rows_is_refused(budget, pool, select):
    with pytest.raises(SettingError, match=r"budget must be a number of rows"):
        select(pool, budget=budget)


def test_a_target_in_a_language_that_the_pool_lacks_is_refused_unless_that_is_allowed(
    pool, write_jsonl, select, tmp_path
):
    path = write_jsonl(tmp_path / "target.jsonl", [{"text": f"kyllä {n}", "language": "fi"} for n in range(3)])
    with pytest.raises(SettingError, match=r"languages of the pool, got fin_Latn; the pool has deu_Latn, eng_Latn"):
        select(pool, path)
    with pytest.raises(
        SettingError, match=r"target must name languages of the pool, .* got fin_Latn; the pool has deu"
    ):
        select(pool, "lang:sw,fi", across_languages=True)
    with pytest.raises(UnknownNameError, match=r"target: language must be a code .* got 'xx'"):
        select(pool, "lang:xx")
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


FIELDS = {
    "text_field": ("texxt", r"--text-field \(text_field\) must name a field of .*got 'texxt' \(did you mean 'text'"),
    "language_field": ("lang", r"--language-field .*got 'lang'.*rows have id, language, text, score, labels, topic"),
    "id_field": ("uid", r"--id-field \(id_field\) must name a field"),
    "tags": ("annotation.tags", r"--tags \(tags\) must name a field .*got 'annotation\.tags'"),
    "category": ("topics", r"--category \(category\) must name a field .*did you mean 'topic'"),
    "quality": ("column:scor", r"--quality \(quality\) must name a field .*got 'scor' \(did you mean 'score'"),
    "target_text_field": ("body", r"--target-text-field \(target_text_field\) must name a field of .*target\.jsonl"),
}


@pytest.mark.parametrize("argument", FIELDS)
def test_a_field_that_no_row_has_is_told_once_and_not_of_every_row(argument, pool, target, select):
    name, message = FIELDS[argument]
    with pytest.raises(SettingError, match=message) as told:
        select(
            pool,
            target,
            **({"method": "laser", "quality": "length"} if argument == "category" else {}),
            **{argument: name},
        )
    assert "\n" not in str(told.value)


def test_a_field_that_only_later_rows_have_is_no_mistake(rows, write_jsonl, select, tmp_path):
    path = write_jsonl(tmp_path / "pool.jsonl", [{"body": "nein", "language": "de"}, *rows])
    with pytest.raises(CorpusError, match=r"line 1: text was expected in 'text'"):
        select(path, text_field="text")
    assert len(select(path, method="random", text_field="text+body").rows) == 12


def no_models(monkeypatch):
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr("xalign.selecting.phases.mapping.load_embedder", refuse)
    monkeypatch.setattr("xalign.selecting.phases.mapping.embed_shard", refuse)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 49}, r"budget must be at most the 48 usable rows"),
        ({"target": "nothing.jsonl"}, r"nothing\.jsonl: a file, a folder or a pattern"),
        ({"target": "lang:fi"}, r"target must name languages of the pool"),
        ({"quotas": "sw=0.5,de=0.4"}, r"quotas must be shares that sum to 1, got a sum of 0\.9"),
        ({"quotas": "sw=5,de=-1"}, r"counts of at least 0, got -1 for 'deu_Latn'"),
        ({"quotas": "need"}, r"quotas 'need' need a report"),
        ({"report": "nowhere"}, r"nowhere is not a saved report"),
        ({"method": "mdaq"}, r"method 'mdaq' ranks by a score"),
        ({"tag_list": ["food"]}, r"name that with --tags"),
        ({"options": {"mig": {}}}, r"options must be of methods that run \(transport\), got 'mig'"),
        ({"quality": "quality:nowhere"}, r"nowhere holds no quality model"),
    ],
)
def test_what_can_be_known_before_models_run_is_told_before(arguments, message, pool, select, monkeypatch):
    no_models(monkeypatch)
    with pytest.raises(XalignError, match=message) as told:
        select(pool, **arguments)
    assert "\n" not in str(told.value)


def test_rows_that_cannot_be_read_are_told_before_models_run(rows, write_jsonl, select, tmp_path, monkeypatch):
    no_models(monkeypatch)
    path = write_jsonl(tmp_path / "pool.jsonl", [*rows, "{"])
    with pytest.raises(CorpusError, match=r"line 49: a JSON object was expected, got broken JSON: Expecting property"):
        select(path)
    finnish = write_jsonl(tmp_path / "target.jsonl", [{"text": "kyllä", "language": "fi"}])
    with pytest.raises(SettingError, match=r"got fin_Latn"):
        select(write_jsonl(tmp_path / "whole.jsonl", rows), finnish)


def test_a_row_that_the_model_refuses_is_found_among_others_and_told(rows, write_jsonl, select, tmp_path, monkeypatch):
    asked = []

    def embed(texts):
        asked.append(len(texts))
        if any("odd" in text for text in texts):
            raise ActivationError("NaN")
        return letters_of(texts)

    letters_of = xalign.selecting.phases.embedding.load_embedder(None).embed
    stubborn = Embedder("stubborn", "stubborn", 24, lambda texts: embed_each(texts, embed, 24))
    monkeypatch.setattr("xalign.selecting.phases.embedding.load_embedder", lambda _: stubborn)
    monkeypatch.setattr("xalign.selecting.phases.mapping.load_embedder", lambda _: stubborn)
    odd = {"text": "odd", "language": "deu_Latn"}
    path = write_jsonl(tmp_path / "pool.jsonl", [*rows[:30], odd, *rows[30:]])
    with pytest.raises(CorpusError, match=r"line 31: its vector is not finite; mend"):
        select(path, method="random")
    assert len(asked) <= 3 + 2 * 5
    assert len(select(path, method="random", budget=48, skip_bad=True).rows) == 48
    with pytest.raises(ActivationError, match=r"^NaN$"):
        select(write_jsonl(tmp_path / "all.jsonl", [odd, odd]), method="random", budget=1)


DAMAGED = {
    "cut.jsonl.gz": (lambda whole: gzip.compress(whole)[:-200], r"a whole gzip file was expected, got Compressed file"),
    "bits.jsonl.gz": (lambda whole: _flipped(gzip.compress(whole), 300), r"a whole gzip file was expected"),
    "plain.jsonl.gz": (lambda whole: whole, r"a whole gzip file was expected, got Not a gzipped file"),
    "bits.parquet": (lambda whole: _flipped(_as_parquet(whole), 40), r"Parquet was expected, got"),
    "deep.json": (lambda _: b"[" * 100_000, r"a list of objects was expected, got lists in lists too deep"),
}


def _flipped(data, at):
    return data[:at] + bytes(255 - byte for byte in data[at : at + 99]) + data[at + 99 :]


def _as_parquet(lines):
    return pd.read_json(io.BytesIO(lines), lines=True)[["text", "language"]].to_parquet()


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_named(name, pool, select, tmp_path):
    damage, message = DAMAGED[name]
    (tmp_path / name).write_bytes(damage(pool.read_bytes()))
    with pytest.raises(CorpusError, match=message) as told:
        select(tmp_path / name, method="random", out=tmp_path / "out")
    assert str(told.value).startswith(f"{tmp_path / name}: ")
    assert not (tmp_path / "out").exists()


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


@pytest.mark.parametrize(("target", "hinted"), [("swh_Latn", True), ("sw, Tamil", True), ("wanted", False)])
def test_a_target_that_names_languages_without_saying_so_is_told_how(target, hinted, pool, select):
    hint = f"got nothing of that name; for the pool's rows in a language give lang:{target}"
    with pytest.raises(CorpusError, match="got nothing of that name") as told:
        select(pool, target)
    assert (hint in str(told.value)) == hinted
    assert not hinted or select(pool, f"lang:{target}", method="random").run["target"]["rows"] in (12, 24)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": "transprot"}, UnknownNameError, r"method must be one of transport, .*did you mean 'transport'"),
        ({"compare": "mig,odd"}, UnknownNameError, r"method must be one of .*got 'odd'"),
        ({"quality": "lenght"}, UnknownNameError, r"quality must be one of column:FIELD, length, .*got 'lenght'"),
        ({"quality": "column"}, SettingError, r"quality 'column' must name its field, as in column:FIELD"),
        ({"method": "mdaq"}, SettingError, r"method 'mdaq' ranks by a score; give --quality"),
        (
            {"method": "random", "options": {"random": {"odd": 1}}},
            SettingError,
            r"options of 'random' are none, got 'odd'",
        ),
        ({"engine": "spark"}, UnknownNameError, r"engine must be one of process, ray, got 'spark'"),
        ({"workers": 0}, SettingError, r"workers must be 1 or more, got 0"),
        ({"part": "answer"}, UnknownNameError, r"part must be one of all, prompt, response, got 'answer'"),
        ({"precision": "float8"}, UnknownNameError, r"precision must be one of float32, float16"),
        ({"n_draws": 1}, SettingError, r"n_draws must be at least 2, got 1"),
        ({"shard_rows": 0}, SettingError, r"shard_rows must be 1 or more, got 0"),
        ({"tag_list": [], "tags": "labels"}, SettingError, r"tag_list must name at least one label"),
        (
            {"method": "uot", "options": {"uot": {"epsilom": 1}}},
            SettingError,
            r"options of 'uot' must be among epsilon, n_threads, penalty, got 'epsilom' \(did you mean 'epsilon'\?\)",
        ),
        (
            {"method": "deita", "quality": "length", "options": {"deita": {"threshold": -2.0}}},
            SettingError,
            r"deita: thresh",
        ),
        ({"report": "nowhere"}, XalignError, r"nowhere is not a saved report"),
        ({"options": {"transport": {"epsilon": "x"}}}, SettingError, r"method 'transport' cannot use its options: "),
        (
            {"method": "mig", "options": {"mig": {"n_clusters": 0.5}}},
            SettingError,
            r"mig: n_clusters must be a whole number, 1 or more, got 0\.5",
        ),
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
