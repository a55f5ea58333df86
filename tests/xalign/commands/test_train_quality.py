"""The two commands hand every word on, tell results in words or JSON, and errors in one line."""

import json
import re
import warnings
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import xalign.quality.training
from xalign.commands.nested_subsets import nested_subsets
from xalign.commands.train_quality import train_quality
from xalign.quality import QualitySettings, read_pairs
from xalign.quality.pairs import hold_out_pairs

app = typer.Typer()
app.command()(train_quality)
app.command()(nested_subsets)
FAST = ["--steps", "2", "--batch-size", "2", "--max-length", "8", "--device", "cpu", "-q"]


def run(*arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name in ("German", "Swahili"):
        rows = [
            {
                "instruction": f"Say {i}.",
                "better": f"Here you are: {i}.",
                "worse": f"no {i}" if i else "Here I refuse to.",
            }
            for i in range(40)
        ]
        (folder / f"{name}.json").write_text(json.dumps([*rows, {"instruction": "x", "better": "a", "worse": "a"}]))
    return folder


@pytest.fixture(scope="module")
def done(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "model"
    return out, run("train-quality", data, "--hold-out", "sw", "--hold-out-share", 0.5, "--out", out, *FAST)


def test_it_prints_how_often_and_against_length(done):
    out, found = done
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert lines[0].startswith("trained on 20 pairs in 1 languages")
    assert any(line.startswith("length alone          1.000  [1.000, 1.000]") for line in lines)
    assert "note: 2 pairs with two equal responses were left out" in lines
    assert (
        "ranks the better response above the worse in 15 pairs in 1 language not trained on, 95 % over instructions:"
    ) in lines
    assert re.fullmatch(r"time: \d+ s of training, \d+ s of ranking", lines[-2])
    assert lines[-1] == f"model: {out}"


def test_without_languages_to_hold_out_pairs_are_unless_nothing_shall_be(data, tmp_path):
    found = run("train-quality", data, "--out", tmp_path / "pairs", *FAST)
    assert found.exit_code == 0, found.output
    assert (
        "ranks the better response above the worse in 8 held-out pairs in 2 languages trained on; give --hold-out for "
        "others, 95 % over instructions:"
    ) in found.stdout.splitlines()
    as_json = json.loads(run("train-quality", data, "--out", tmp_path / "pairs", *FAST, "--json").stdout)
    assert (as_json["held_out"], as_json["after"]["n"]) == ("pairs", 8)
    none = run("train-quality", data, "--out", tmp_path / "all", "--hold-out-share", 0, *FAST)
    assert none.stdout.splitlines()[0] == "trained on 80 pairs in 2 languages"
    assert "note: no pairs were held out, so that nothing says how well it ranks others" in none.stdout.splitlines()


def test_a_finished_model_of_another_training_is_refused_with_what_differs_and_what_to_do(data, done):
    out, _ = done
    found = run("train-quality", data, "--out", out, *FAST, "--steps", 3)
    assert found.stderr == (
        f"error: {out} holds a quality model that was trained with other settings or data: other pairs to train on, "
        "other held-out text, steps (2 there, 3 now); pass resume=False (--no-resume) to begin again, or change out\n"
    )


def test_a_second_call_takes_the_model_up_and_json_says_the_same(done, data):
    out, _ = done
    again = run("train-quality", data, "--hold-out", "sw", "--hold-out-share", 0.5, "--out", out, *FAST, "--json")
    document = json.loads(again.stdout)
    assert document["n_pairs"] == {"deu_Latn": 20}
    assert (document["after"]["n"], document["held_out"]) == (15, "languages")
    assert document["after"]["shorter_accuracy"] is None


def test_every_option_reaches_the_function(monkeypatch, data, tmp_path):
    asked = {}

    class Stop(Exception):  # noqa: N818 - no error
        pass

    def watch(*positional, **named):
        asked.update(named, positional=positional)
        raise Stop

    monkeypatch.setattr(xalign.quality.training, "train_quality", watch)
    run(
        "train-quality", data, "--model", "xalign-mini", "--languages", "de", "--limit", 7, "--margin", 2, "--steps", 3,
        "--batch-size", 5, "--learning-rate", 0.1, "--max-length", 9, "--save-every", 4, "--seed", 6, "--device",
        "cpu", "--no-resume", "--quiet", "--out", tmp_path,
    )  # fmt: skip
    pairs, model = asked.pop("positional")
    train, held_out = hold_out_pairs(read_pairs(data, languages=["de"]), share=0.1, seed=6)
    assert pairs == train.sample(7, seed=6)
    assert (pairs.n, model) == (7, "xalign-mini")
    assert asked == {
        "settings": QualitySettings(
            margin=2.0, steps=3, batch_size=5, learning_rate=0.1, max_length=9, save_every=4, seed=6
        ),
        "held_out": held_out, "resume": False, "device": "cpu", "progress": False, "out": tmp_path,
    }  # fmt: skip


def test_subsets_are_listed_and_errors_are_one_line(data, tmp_path):
    found = run("nested-subsets", data, "--sizes", "10,20", "--out", tmp_path / "out")
    assert found.stdout.splitlines() == [
        "deu_Latn   10, 20, 41", "swh_Latn   10, 20, 41", f"subsets: {tmp_path / 'out'}",
    ]  # fmt: skip
    again = run("nested-subsets", data, "--out", tmp_path / "out")
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)
    assert again.stderr.startswith("error: out must be a new or empty folder")
    as_json = json.loads(run("nested-subsets", data, "--out", tmp_path / "b", "--seed", 3, "--json").stdout)
    assert (as_json["seed"], as_json["sizes"]) == (3, {"deu_Latn": [41], "swh_Latn": [41]})
    lost = run("train-quality", tmp_path / "nothing.jsonl", "--out", tmp_path / "c")
    assert (lost.exit_code, lost.stderr.count("\n")) == (1, 1)


def test_places_and_models_that_cannot_be_used_are_refused_before_pairs_are_looked_for(done, tmp_path):
    nothing, model = tmp_path / "nothing.jsonl", done[0]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("keep")
    for arguments, message in (
        (["--out", mine], "error: out must be a new or empty folder, or one with an earlier result, got "),
        (["--out", mine / "notes.txt"], "error: --out must be a folder that can be written, got "),
        (["--out", tmp_path / "new", "--model", mine], f"error: {mine}: config.json is missing"),
        (["--out", tmp_path / "new", "--model", "./no"], "error: MODEL must be a folder or a hub name"),
        (["--out", model], f"error: pairs must be a file or a folder, got {nothing}"),
    ):
        found = run("train-quality", nothing, *arguments)
        assert (found.exit_code, found.stderr.count("\n")) == (1, 1)
        assert found.stderr.startswith(message)
    found = run("nested-subsets", nothing, "--out", mine)
    assert found.stderr.startswith("error: out must be a new or empty folder, got ")
    assert not (tmp_path / "new").exists()
