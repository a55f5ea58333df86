import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xalign.cli import app

FAST = ["--permutations", "20", "--resamples", "20", "--layers", "0,4", "--quiet"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XALIGN_CACHE", str(tmp_path / "cache"))


def run(*arguments: str):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_probe_writes_the_report_and_ends_by_naming_it(tmp_path):
    found = run("probe", "xalign-mini", "xalign-100", "--languages", "deu_Latn,sw", "--out", tmp_path / "out", *FAST)
    assert found.exit_code == 0, found.output
    page = tmp_path / "out" / "report.html"
    assert found.stdout.rstrip().endswith(f"report: {page}")
    assert page.is_file()
    table = (tmp_path / "out" / "table.csv").read_text()
    assert "swh_Latn" in table
    assert "deu_Latn" in table


def test_json_output_is_one_document_with_the_summary(tmp_path):
    found = run("probe", "--languages", "deu_Latn", "--probes", "cka", "--json", "--out", tmp_path / "out", *FAST)
    document = json.loads(found.stdout)
    assert {row["probe"] for row in document["summary"]} == {"cka"}
    assert {row["layer"] for row in document["summary"]} == {0, 4}


def test_report_prints_a_saved_one_and_compares_two(tmp_path):
    for name in ("a", "b"):
        run("probe", "--languages", "deu_Latn,swh_Latn", "--probes", "cka", "--out", tmp_path / name, *FAST)
    shown = run("report", tmp_path / "a")
    assert "cka" in shown.stdout
    compared = json.loads(run("report", tmp_path / "a", tmp_path / "b", "--json").stdout)
    assert [row["change"] for row in compared] == [0, 0]


def test_cache_lists_what_a_run_left_and_clears_it(tmp_path):
    run("probe", "--languages", "deu_Latn", "--probes", "cka", "--out", tmp_path / "out", *FAST)
    entries = json.loads(run("cache", "list", "--json").stdout)
    assert sorted(entry["label"] for entry in entries) == ["deu_Latn", "eng_Latn"]
    assert "deleted 2 entries" in run("cache", "clear").stdout
    assert json.loads(run("cache", "list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--probes", "retreival"], "did you mean 'retrieval'"),
        (["--layers", "77"], "77"),
        (["--pivot", "isl_Latn"], "isl_Latn"),
        (["--languages", "xyzzy"], "xyzzy"),
        (["nowhere/at/all"], "nowhere"),
        (["xalign-mini", "no-such-file.tsv"], "no-such-file.tsv"),
        (["--permutations", "0"], "n_permutations"),
        (["--languages", ""], "languages"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_1(tmp_path, arguments, words):
    found = run("probe", *arguments, "--quiet", "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert found.stderr.startswith("error: ")
    assert words in found.stderr
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "out").exists()


def test_a_place_where_no_report_can_stand_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("here")
    found = run("probe", "--out", tmp_path / "file", "--quiet")
    assert found.exit_code == 1
    assert "--out must be a folder" in found.stderr


def test_layers_that_are_no_numbers_are_explained(tmp_path):
    found = run("probe", "--layers", "first", "--out", tmp_path / "out")
    assert found.exit_code != 0
    assert "whole numbers" in found.output


def test_a_folder_without_a_report_is_refused(tmp_path: Path):
    found = run("report", tmp_path)
    assert found.exit_code == 1
    assert "lacks run.json" in found.stderr
