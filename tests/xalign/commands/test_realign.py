"""The command hands every word on, tells the result in words or JSON, and `report` shows or compares what it left."""

import inspect
import json
import re
import shutil
from dataclasses import fields
from itertools import count
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import xalign.realigning.running
from xalign.commands.realign import layers_of, realign
from xalign.commands.report import report
from xalign.errors import SettingError
from xalign.realigning.results import Realignment
from xalign.realigning.settings import RealignmentSettings
from xalign.realigning.watching import HeldOut
from xalign.report import ProbeReport

LANGUAGES = ("eng_Latn", "swh_Latn", "tam_Taml", "deu_Latn")
FAST = [
    "--loss", "sentence", "--steps", "2", "--batch-size", "4", "--evaluate-every", "2", "--probes", "retrieval",
    "--permutations", "5", "--resamples", "20", "--device", "cpu", "--quiet",
]  # fmt: skip
app = typer.Typer()
app.command()(realign)
app.command()(report)


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory):
    """A cache of our own, no pictures in the two reports, one penalty for topics."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XALIGN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr("xalign.report_files.draw_pictures", lambda *_, **__: ())
        patch.setattr("xalign.transferring.topics.PENALTIES", (0.1,))
        yield


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Path:
    """A file per language, 60 sentences of six topics."""
    whole = xalign.load_corpus(progress=False)
    topics = ("family", "sports", "science", "food", "travel", "everyday_life")
    rows = [row for row, topic in enumerate(whole.labels) if topic in topics]
    folder = tmp_path_factory.mktemp("text")
    for code in LANGUAGES:
        lines = (f"{whole.labels[row]}\t{whole.sentences[code][row]}" for row in rows)
        (folder / f"{code}.tsv").write_text("category\ttext\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def done(text, tmp_path_factory):
    """A training whose every look at the watched sentences finds them better."""
    out, scores = tmp_path_factory.mktemp("out") / "realigned", count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HeldOut, "score", lambda watched, _: dict.fromkeys(watched.places, next(scores) / 10))
        return out, run("realign", "xalign-mini", text, "--languages", "sw,ta", "--out", out, *FAST)


def test_it_prints_the_headline_the_numbers_and_where_the_report_stands(done):
    out, found = done
    assert found.exit_code == 0, found.output
    lines, result = found.stdout.splitlines(), Realignment.load(out)
    assert lines[0] == "xalign-mini, realigned on Swahili and Tamil"
    assert lines[1].startswith("Retrieval P@1 with English at layer 6 went in the 2 chosen languages from ")
    row = result.headline.set_index("group").loc["chosen"]
    (line,) = [line for line in lines if line.startswith("retrieval        chosen")]
    assert line.split()[2:6] == ["2", f"{row['before']:.3f}", f"{row['after']:.3f}", f"{row['change']:+.3f}"]
    assert any(line.startswith("pivot ") for line in lines)
    assert "text: realigned on" in found.stdout
    assert [line for line in lines if line.startswith("note: ")] == [f"note: {note}" for note in result.warnings]
    assert lines[-1] == f"report: {out / 'report.html'}"
    assert (out / "report.html").is_file()


def test_report_shows_the_folder_again_and_draws_its_page_anew(done):
    out, found = done
    (out / "report.html").unlink()
    again = run("report", out)
    assert again.exit_code == 0, again.output
    assert again.stdout == found.stdout
    assert "<h1>" in (out / "report.html").read_text()


def test_json_is_one_document_that_says_what_the_folder_says(done):
    out, _ = done
    document, result = json.loads(run("report", out, "--json").stdout), Realignment.load(out)
    assert document["folder"] == str(out)
    assert document["languages"] == ["swh_Latn", "tam_Taml"]
    assert document["headline"]["layer"] == 6
    assert [row["change"] for row in document["moved"]] == pytest.approx(list(result.headline["change"]))
    assert document["topics"][0]["group"] == "pivot"
    assert document["warnings"] == list(result.warnings)


def test_two_realigned_models_are_compared_by_their_own_reports(done, tmp_path):
    out, _ = done
    other = tmp_path / "other"
    shutil.copytree(out, other)
    shutil.rmtree(other / "after")
    shutil.copytree(out / "before", other / "after")
    rows = json.loads(run("report", out, other, "--json").stdout)
    after, before = (ProbeReport.load(out / side) for side in ("after", "before"))
    assert rows == json.loads(after.compare(before).summary.to_json(orient="records"))
    mixed = json.loads(run("report", out / "before", out, "--json").stdout)
    assert mixed == json.loads(before.compare(after).summary.to_json(orient="records"))
    assert "rows in common" in run("report", out, other).stdout


def test_every_option_reaches_the_function(monkeypatch, tmp_path):
    asked = {}

    class Stop(Exception):  # noqa: N818 - no error
        pass

    def watch(*positional, **named):
        asked.update(named, positional=positional)
        raise Stop

    monkeypatch.setattr(xalign.realigning.running, "realign", watch)
    run(
        "realign", "xalign-mini", "c", "--languages", "sw", "--choose", 3, "--out", tmp_path, "--unseen", "fin,deu",
        "--pivot", "fra", "--loss", "l2", "--layers", "middle,3", "--freeze", "lower", "--lora-rank", 4,
        "--temperature", 0.2, "--anchor", 0.3, "--steps", 5, "--batch-size", 6, "--accumulation", 2,
        "--learning-rate", 1e-4, "--evaluate-every", 7, "--language-temperature", 3, "--save-every", 11,
        "--precision", "bfloat16", "--dictionary", "d.tsv",
        "--probes", "cka,anc", "--permutations", 8, "--resamples", 9, "--seed", 10, "--device", "cpu",
        "--no-cache", "--no-resume", "--quiet",
    )  # fmt: skip
    assert asked["positional"] == ("xalign-mini", "c")
    assert asked["settings"] == RealignmentSettings(
        loss="l2", layers=("middle", 3), freeze="lower", lora_rank=4, temperature=0.2, anchor=0.3, steps=5,
        batch_size=6, accumulation=2, learning_rate=1e-4, evaluate_every=7, language_temperature=3.0, save_every=11,
        precision="bfloat16", seed=10,
    )  # fmt: skip
    expected = {
        "languages": "sw", "choose": 3, "out": tmp_path, "unseen": ["fin", "deu"], "pivot": "fra",
        "word_pairs": Path("d.tsv"), "probes": ["cka", "anc"], "n_permutations": 8, "n_resamples": 9, "seed": 10,
        "device": "cpu", "cache": False, "resume": False, "progress": False,
    }  # fmt: skip
    assert {name: asked[name] for name in expected} == expected


def test_defaults_are_those_of_the_settings_and_of_the_function():
    options = {name: option.default for name, option in inspect.signature(realign).parameters.items()}
    settings = {field.name: field.default for field in fields(RealignmentSettings) if field.name != "layers"}
    arguments = inspect.signature(xalign.realigning.running.realign).parameters
    for name in options.keys() & settings.keys():
        assert options[name] == settings[name], name
    for name in options.keys() & arguments.keys() - {"probes", "out", "unseen", "settings"}:
        assert options[name] == arguments[name].default, name
    assert RealignmentSettings(layers=layers_of(options["layers"])) == RealignmentSettings()
    assert tuple(options["probes"].split(",")) == arguments["probes"].default


@pytest.mark.parametrize("text", ["first", "", "3;6", "-1"])
def test_layers_that_are_none_are_explained(text):
    with pytest.raises(SettingError, match="--layers must be last, middle, or numbers"):
        layers_of(text)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "languages must name those to realign on"),
        (["--languages", "xyzzy"], "xyzzy"),
        (["--languages", "@nowhere.json"], "no nowhere.json"),
        (["--languages", "eng,swh"], "others than the pivot"),
        (["--languages", "swh", "--unseen", "swh"], "neither chosen nor the pivot"),
        (["--languages", "swh", "--pivot", "isl_Latn"], "isl_Latn"),
        (["--languages", "swh", "--loss", "weka"], "did you mean 'weak'"),
        (["--languages", "swh", "--loss", "l2"], "anchor must be above 0"),
        (["--languages", "swh", "--layers", "9"], "layers must be in 0 to 6"),
        (["--languages", "swh", "--steps", "0"], "steps must be at least 1"),
        (["--languages", "swh", "--probes", "retreival"], "did you mean 'retrieval'"),
        (["--choose", "40"], "choose must be in 1 to 23"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_1(tmp_path, arguments, words):
    found = run("realign", *arguments, "--quiet", "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert found.stderr.startswith("error: ")
    assert words in found.stderr
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_there_is_called_model_before_anything_is_loaded(monkeypatch, tmp_path):
    monkeypatch.setattr(xalign.realigning.running, "realign", lambda *_, **__: pytest.fail("began"))
    found = run("realign", "./nowhere", "--languages", "swh", "--out", tmp_path / "out")
    assert (found.exit_code, found.stderr.partition(",")[0]) == (
        1,
        "error: MODEL must be a folder or a hub name such as 'FacebookAI/xlm-roberta-base': no folder ./nowhere\n",
    )


def test_where_nothing_was_learnt_the_first_line_says_so_and_no_test_is_shown(text, tmp_path, monkeypatch):
    monkeypatch.setattr("xalign.figures.realignments.draw_realignment", lambda *_: ())
    out = tmp_path / "out"
    found = run("realign", "xalign-mini", text, "--languages", "sw", "--learning-rate", "1e-12", "--out", out, *FAST)
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert lines[0] == (
        "Nothing was learnt: the starting model was kept, as no step was better on the watched sentences"
    )
    assert lines[1].startswith("xalign-mini was to be realigned on Swahili; P@1 of the watched sentences was ")
    assert not re.search(r"\[[+-]?0\.000, [+-]?0\.000\]|1\.000 +1\.000$", found.stdout, re.MULTILINE)
    assert json.loads(run("report", out, "--json").stdout)["headline"]["title"] == lines[0]


def test_a_place_where_no_model_can_stand_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("here")
    found = run("realign", "--languages", "swh", "--out", tmp_path / "file", "--quiet")
    assert found.exit_code == 1
    assert "--out must be a folder" in found.stderr
