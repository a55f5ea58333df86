"""The command writes the folder, says what it found in words or JSON, and tells bad input in one line."""

import json

import pytest
import typer
from typer.testing import CliRunner

from xalign.commands.retrieve import leaderboard, retrieve

FAST = ["--permutations", "9", "--resamples", "9", "--quiet"]
app = typer.Typer()
app.command()(retrieve)
app.command()(leaderboard)


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XALIGN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Two runs, at layers 0 and 4."""
    folders = [tmp_path_factory.mktemp("run") / str(layer) for layer in (0, 4)]
    for folder in folders:
        found = run("retrieve", "--languages", "deu,sw", "--layer", folder.name, "--out", folder, *FAST)
        assert found.exit_code == 0, found.output
    return folders


def test_the_default_runs_the_embedded_model_on_the_embedded_corpus(tmp_path):
    found = run("retrieve", "--languages", "Yoruba,de", "--out", tmp_path / "out", *FAST)
    assert found.exit_code == 0, found.output
    assert "xalign-mini on xalign-100: 3 languages" in found.stdout
    assert "chosen on half 1 (50), reported on half 2 (50)" in found.stdout
    lines = found.stdout.splitlines()
    assert any(line.startswith("German") for line in lines)
    assert any(line.startswith("Yoruba") for line in lines)
    assert any(line.startswith("note: there is no split to choose a layer on") for line in lines)
    assert found.stdout.rstrip().endswith(f"result: {tmp_path / 'out' / 'retrieval.html'}")
    assert {"table.csv", "results.json", "run.json"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_json_is_one_document_with_what_decided_the_numbers(tmp_path):
    options = ["--transform", "centre", "--score", "csls", "-k", "5", "--layer", "3"]
    found = run("retrieve", "--languages", "deu", "--json", "--out", tmp_path / "out", *options, *FAST)
    document = json.loads(found.stdout)
    assert document["layer"] == 3
    assert document["protocol"]["score"] == "csls (k = 5)"
    assert document["protocol"]["transform"] == "centre"
    assert document["score"] == document["summary"][0]["score"]


def test_every_layer_and_all_pairs_are_listed(tmp_path):
    options = ["--layer", "all", "--pivot", "none", "--no-cache"]
    found = run("retrieve", "--languages", "deu,fra,spa", "--out", tmp_path / "out", *options, *FAST)
    assert all(f"layer {layer} accuracy, across languages" in found.stdout for layer in range(7))
    assert "layers 0 to 6, reported on all (100)" in found.stdout


def test_saved_runs_are_compared_in_one_page(saved, tmp_path):
    found = run("leaderboard", *saved, "--out", tmp_path / "page.html")
    assert found.stdout.strip() == f"leaderboard: {tmp_path / 'page.html'}"
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "xalign-mini (layer 4)" in text
    assert "xalign-mini (layer 0)" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--task", "tatobea"], "did you mean 'tatoeba'"),
        (["--task", "xquad", "--data", "no/such/place"], "github.com/google-deepmind/xquad"),
        (["--layer", "77"], "77"),
        (["--layer", "last"], "'best' or 'all'"),
        (["--transform", "whiten"], "transform must be one of"),
        (["--score", "csls", "-k", "51"], "at most the 50 candidates"),
        (["--prompt", "query"], "it has none"),
        (["--languages", ""], "languages"),
        (["nowhere/at/all"], "nowhere"),
        (["--permutations", "0"], "n_permutations"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_1(tmp_path, arguments, words):
    found = run("retrieve", *arguments, "--quiet", "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert found.stderr.startswith("error: ")
    assert words in found.stderr
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "out").exists()


def test_a_place_where_no_result_can_stand_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("here")
    found = run("retrieve", "--out", tmp_path / "file", "--quiet")
    assert found.exit_code == 1
    assert "--out must be a folder" in found.stderr


def test_a_folder_without_a_run_is_refused(tmp_path):
    found = run("leaderboard", tmp_path, "--out", tmp_path / "page.html")
    assert found.exit_code == 1
    assert "not a saved retrieval result" in found.stderr
