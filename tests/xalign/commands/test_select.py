"""The command hands every option on, prints one table of all arms and where the rows stand, and tells bad input."""

import inspect
import json

import pytest
import typer
from typer.testing import CliRunner

from xalign.commands.select import select
from xalign.corpora import load_corpus
from xalign.selecting import DataSelection, select_data

app = typer.Typer()
app.command()(select)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A pool of 30 rows in three languages, and six of them as a target."""
    folder = tmp_path_factory.mktemp("files")
    corpus = load_corpus(languages=["eng_Latn", "deu_Latn", "swh_Latn"]).take(10)
    rows = [{"text": text, "lang": code} for code in corpus.languages for text in corpus.sentences[code]]
    for name, chosen in (("pool", rows), ("target", rows[10:16])):
        lines = "".join(json.dumps(row) + "\n" for row in chosen)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def done(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "selection"
    return out, run(
        files / "pool.jsonl", "--target", files / "target.jsonl", "--budget", 6, "--method", "transport", "--compare",
        "longest,mdaq,random", "--quota", "sw=0.5,de=0.5", "--draws", 4, "--sidecars", files / "sidecars", "--out", out,
        "--device", "cpu", "-q",
    )  # fmt: skip


def test_it_prints_the_finding_then_a_row_per_arm_then_where_the_rows_stand(done):
    out, found = done
    assert found.exit_code == 0, found.output
    lines, result = found.stdout.splitlines(), DataSelection.load(out)
    assert lines[0] == "6 of 30 rows, chosen by transport"
    assert lines[1].startswith("Moving the chosen rows to the target (")
    table = result.table.set_index("arm")
    for arm in ("transport", "longest", "random", "random draws"):
        (line,) = [line for line in lines if line.startswith(f"{arm}  ")]
        assert line.removeprefix(arm).split()[0] == f"{table.loc[arm, 'cost']:.3f}"
    (below,) = [line for line in lines if line.startswith("  draws below it")]
    assert below.split()[3] == f"{table.loc['transport', 'cost_percentile']:.0f}"
    assert "languages: Swahili 3, German 3" in lines or "languages: German 3, Swahili 3" in lines
    assert [line for line in lines if line.startswith("note: ")] == [f"note: {text}" for text in result.warnings]
    assert lines[-2:] == [f"rows: {out / 'chosen.jsonl'}", f"report: {out / 'report.html'}"]


def test_json_holds_what_the_record_holds(files, tmp_path):
    found = run(
        files / "pool.jsonl", "-b", 3, "-m", "random", "--draws", 2, "--sidecars", files / "sidecars", "--out",
        tmp_path / "out", "--device", "cpu", "-q", "--json",
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    record = json.loads((tmp_path / "out" / "selection.json").read_text(encoding="utf-8"))
    assert json.loads(found.stdout) == {"folder": str(tmp_path / "out")} | record


RENAMED = {"quota": "quotas", "draws": "n_draws"}


def test_every_argument_of_the_function_is_an_option_with_the_same_default():
    function, command = inspect.signature(select_data).parameters, inspect.signature(select).parameters
    named = {RENAMED.get(name, name): option.default for name, option in command.items()}
    assert set(function) - set(named) == {"progress"}
    assert set(named) - set(function) == {"quiet", "as_json"}
    same = set(named) & set(function) - {"pool", "out", "compare", "detect"}
    assert {name: named[name] for name in same} == {name: function[name].default for name in same}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-b", 31], "error: budget must be at most the 30 usable rows of the pool, got 31"),
        (
            ["--target", "lang:fi"],
            "error: target must name languages of the pool, as it stands for the pool's rows in them, got fin_Latn",
        ),
        (["--quota", "sw=0.4"], "error: quotas must be shares that sum to 1, got a sum of 0.4"),
        (["--options", "{"], "error: --options must be JSON like"),
        (["--options", "[1]"], "error: --options must map methods to objects"),
        (["-m", "best"], "error: method must be one of transport,"),
        (["--tags", "topic"], "error: --tags (tags) must name a field of "),
        (["--model", "./nowhere"], "error: MODEL must be a folder or a hub name such as "),
    ],
)
def test_bad_input_is_one_line_and_exit_code_1(arguments, message, files, tmp_path):
    found = run(
        files / "pool.jsonl", *arguments, "--sidecars", files / "sidecars", "--out", tmp_path / "out", "-q",
        "--device", "cpu",
    )  # fmt: skip
    assert found.exit_code == 1
    assert found.stderr.startswith(message)
    assert found.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_places_that_cannot_be_used_are_refused_before_the_pool_is_looked_for(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep", encoding="utf-8")
    for arguments, message in (
        (["--out", tmp_path / "file" / "out"], "error: --out must be a folder that can be written, got "),
        (["--out", tmp_path / "mine"], "error: out must be a new or empty folder, got "),
        (
            ["--out", tmp_path / "new", "--sidecars", tmp_path / "file"],
            "error: --sidecars must be a folder that can be written, got ",
        ),
    ):
        found = run(tmp_path / "nothing.jsonl", *arguments)
        assert (found.exit_code, found.stderr.count("\n")) == (1, 1)
        assert found.stderr.startswith(message)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "mine", "notes.txt"]
