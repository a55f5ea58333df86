"""`--languages` takes names with commas, or the file that a choice of languages wrote, in every command that has it."""

import json

import pytest
import typer
from typer.testing import CliRunner

from xalign.commands.probe import probe
from xalign.commands.retrieve import retrieve
from xalign.commands.transfer import transfer
from xalign.report import ProbeReport

COMMANDS = {
    "xalign.probing.probe": probe,
    "xalign.benchmarking.benchmark": retrieve,
    "xalign.transferring.transfer": transfer,
}


class ReachedError(Exception):
    """The command came as far as its work."""


def run(command, *arguments):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def chosen(tmp_path):
    path = tmp_path / "chosen.json"
    path.write_text(json.dumps({"languages": ["swh_Latn", "tam_Taml"], "candidates": ["deu_Latn"]}), encoding="utf-8")
    return path


@pytest.mark.parametrize("place", COMMANDS)
def test_the_file_of_a_choice_stands_for_its_languages(place, chosen, tmp_path, monkeypatch):
    asked = []

    def reach(*_, languages, **__):
        asked.append(languages)
        raise ReachedError

    monkeypatch.setattr(place, reach)
    monkeypatch.setattr("xalign.load_encoder", lambda *_, **__: None)
    for text in (f"@{chosen}", f"@{tmp_path}", "swh_Latn, tam_Taml"):
        found = run(COMMANDS[place], "--languages", text, "--out", tmp_path / "out")
        assert isinstance(found.exception, ReachedError), found.output
    assert asked == [["swh_Latn", "tam_Taml"]] * 3


@pytest.mark.parametrize("place", COMMANDS)
def test_a_file_that_is_not_there_is_one_line_on_stderr(place, tmp_path):
    found = run(COMMANDS[place], "--languages", f"@{tmp_path / 'none.json'}", "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert found.stderr.startswith("error: @")
    assert "there is no" in found.stderr
    assert "none.json" in found.stderr


def test_a_probe_of_the_chosen_adds_the_pivot(chosen, tmp_path):
    options = ["--probes", "cka", "--layers", 5, "--limit", 12, "--permutations", 1, "--resamples", 1, "--no-cache"]
    found = run(probe, "--languages", f"@{chosen}", *options, "--quiet", "--out", tmp_path / "out")
    assert found.exit_code == 0, found.output
    report = ProbeReport.load(tmp_path / "out")
    assert set(report.confounds["language"]) == {"eng_Latn", "swh_Latn", "tam_Taml"}
