"""The command writes links that count from 0, scores them against gold, draws them, and tells bad input in one line."""

import json
import re

import pytest
import typer
from typer.testing import CliRunner

from xalign.commands.words import words
from xalign.word_alignment import AlignmentEvaluation, align_words, read_links, read_pairs

PAIRS = """the doctor washed his hands ||| le médecin s' est lavé les mains
rain falls on the city ||| la pluie tombe sur la ville
 |||
water ||| eau
"""
GOLD = "1-1 2-2 3-5 4p6 5-7\n1-2 2-3 3-4 4-5 5-6\n\n1-1\n"
app = typer.Typer()
app.command()(words)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "toy.src-tgt"
    path.write_text(PAIRS, encoding="utf-8")
    return path


@pytest.fixture
def gold(tmp_path):
    path = tmp_path / "toy.gold"
    path.write_text(GOLD)
    return path


def test_links_are_printed_a_line_per_pair(pairs):
    found = run(pairs, "--quiet", "--method", "argmax", "--layer", 4)
    assert found.exit_code == 0, found.output
    expected = align_words(None, read_pairs(pairs), method="argmax", layer=4)
    lines = found.stdout.split("\n")
    assert lines[2] == lines[4] == ""
    assert [set(re.findall(r"(\d+)-(\d+)", line)) for line in lines[:4]] == [
        {(str(i), str(j)) for i, j in each.links} for each in expected
    ]


def test_a_file_of_links_a_picture_and_what_they_hold(pairs, tmp_path):
    out = tmp_path / "new" / "toy.pharaoh"
    found = run("xalign-mini", pairs, "--out", out, "--confidence", "--picture", 1, "--picture", 0, "--quiet")
    assert found.exit_code == 0, found.output
    links, expected = read_links(out), align_words(None, read_pairs(pairs))
    assert [set(line) for line in links] == [each.links for each in expected]
    lines = found.stdout.splitlines()
    assert lines[0] == f"4 sentence pairs, {sum(map(len, links))} links"
    null = [sum(len(getattr(each, name)) for each in expected) for name in ("unaligned_source", "unaligned_target")]
    assert lines[1] == f"words without a link: {null[0]} of 11 source words, {null[1]} of 14 target words"
    assert lines[-1] == f"links: {out} (words from 0)"
    assert {path.name for path in out.parent.iterdir()} == {"toy.pharaoh", "toy_0.png", "toy_1.png"}


def test_json_says_index_base_links_and_what_has_none(pairs):
    document = json.loads(run(pairs, "--json", "--quiet").stdout)
    assert document["index_base"] == 0
    assert document["pairs"][2] == {"links": [], "unaligned_source": [], "unaligned_target": [], "truncated": False}
    (link,) = document["pairs"][3]["links"]
    assert link[:2] == [0, 0]
    assert 0.5 < link[2] <= 1


def test_gold_links_are_evaluated_by_method_and_layer_beside_floors_and_other_systems(pairs, gold, tmp_path):
    other = tmp_path / "perfect.pharaoh"
    other.write_text("0-0 1-1 2-4 4-6\n0-1 1-2 2-3 3-4 4-5\n\n0-0\n")
    options = ["--method", "argmax,itermax", "--layer", "0,4", "--resamples", 20, "--hypothesis", other, "--picture", 0]
    found = run(pairs, "--gold", gold, *options, "--out", tmp_path / "out", "--quiet")
    assert found.exit_code == 0, found.output
    result = AlignmentEvaluation.load(tmp_path / "out")
    lines = found.stdout.splitlines()
    assert lines[0] == "xalign-mini: word alignment against gold links, toy (4 pairs)"
    shown = [line.split()[:4] for line in lines[3:10]]
    assert shown == [
        [row.data, row.method, "-" if row.Index >= 4 else str(row.layer), f"{row.aer:.3f}"]
        for row in result.table.itertuples()
    ]
    assert [row[1] for row in shown] == ["argmax", "argmax", "itermax", "itermax", "perfect", "diagonal", "random"]
    assert shown[4][3] == "0.000"
    assert lines[-2] == f"picture: {tmp_path / 'out' / 'toy_0.png'}"
    assert lines[-1] == f"result: {tmp_path / 'out'}"
    assert (tmp_path / "out" / "toy_0.png").is_file()


def test_a_folder_of_gold_sets_at_every_layer_as_json(pairs, gold, tmp_path):
    options = ["--method", "argmax", "--layer", "all", "--resamples", 5, "--json", "--quiet", "--out", tmp_path / "out"]
    found = run("--evaluate", tmp_path, *options)
    assert found.exit_code == 0, found.output
    document = json.loads(found.stdout)
    assert [row["layer"] for row in document["alignment"]] == [*range(7), None, None]
    assert document["folder"] == str(tmp_path / "out")


def test_the_options_of_a_method_reach_it(pairs):
    usual, loose = (
        run(pairs, "--method", "softmax", "--quiet", *more).stdout.split()
        for more in ([], ["--option", "threshold=0.2"])
    )
    assert set(loose) < set(usual)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["PAIRS", "--method", "argmx"], "did you mean 'argmax'"),
        (["PAIRS", "--layer", "9"], "layers must be in 0..6"),
        (["PAIRS", "--picture", "4"], "--picture must be in 0..3, the pairs counted from 0, got 4"),
        (["PAIRS", "--picture", "2"], "a pair without words on a side"),
        (["PAIRS", "--gold", "GOLD", "--gold-base", "0"], "line 1: links must lead to 5 source and 7 target words"),
        (["PAIRS", "--gold", "GOLD", "--hypothesis", "GOLD"], "line 1: links i-j, with or without :confidence"),
        (["PAIRS", "--gold", "GOLD", "--hypothesis", "SHIFTED"], "counts from 1: index_base 1 (on the command line"),
        (["PAIRS", "--gold", "GOLD", "--hypothesis", "RANDOM"], "must not be named random, which is a floor"),
        (["PAIRS", "--gold", "GOLD", "--resamples", "0"], "n_resamples must be at least 1, got 0"),
        (["PAIRS", "--gold", "GOLD", "--seed", "-1"], "seed must be 0 or more, got -1"),
        (["PAIRS", "--gold", "GOLD", "--method", ",", "--backend", "simalign"], "methods must name at least one"),
        (["PAIRS", "--gold", "GOLD", "--evaluate", "."], "leave --gold out"),
        (["PAIRS", "--hypothesis", "GOLD"], "--hypothesis needs --gold"),
        (["PAIRS", "--gold", "GOLD", "--confidence"], "leave it out of an evaluation"),
        (["PAIRS", "--backend", "simalign", "--no-windows"], "--no-windows out"),
        (
            ["PAIRS", "--method", "argmax", "--backend", "simalign", "--confidence"],
            "backend simalign tells no confidence",
        ),
        (["missing.txt"], "missing.txt"),
        (["PAIRS", "--method", "argmax,itermax"], "--method must be one, got argmax,itermax; several only with --gold"),
        (["no/such/model", "PAIRS"], "error: MODEL must be a folder or a hub name"),
        (["--evaluate", "nowhere/enfr"], "enfr.src-tgt: this file was expected"),
        (["PAIRS", "--option", "alpha=high"], "option alpha of itermax must be a number"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_1(pairs, gold, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    places = {"PAIRS": pairs, "GOLD": gold, "RANDOM": tmp_path / "random.links", "SHIFTED": tmp_path / "shifted.links"}
    places["RANDOM"].write_text("0-0\n\n\n\n")
    places["SHIFTED"].write_text("5-7\n\n\n1-1\n")
    before = set(tmp_path.iterdir())
    found = run(*(places.get(word, word) for word in arguments), "--quiet")
    assert found.exit_code == 1, found.output
    (line,) = found.stderr.splitlines()
    assert line.startswith("error: ")
    assert words in line
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "a file of sentence pairs"),
        (["a", "b", "c"], "a file of sentence pairs"),
        (["a", "b", "--evaluate", "c"], "a model or nothing was"),
        (["xalign-mini"], "PAIRS is missing: got only the model xalign-mini"),
        (["."], "PAIRS is missing: got only the model ."),
        (["PAIRS", "--layer", "0,1"], "must be one number"),
        (["PAIRS", "--layer", "all"], "must be one number"),
        (["PAIRS", "--option", "alpha"], "must be NAME=VALUE"),
    ],
)
def test_a_wrong_call_is_told_as_such(pairs, arguments, words):
    found = run(*(pairs if word == "PAIRS" else word for word in arguments), "--quiet")
    assert found.exit_code == 2
    assert words in " ".join(found.stderr.replace("│", " ").split())


def test_a_place_where_no_result_can_stand_is_refused_before_any_work(pairs, gold, tmp_path):
    found = run(pairs, "--out", tmp_path, "--quiet")
    assert (found.exit_code, "--out must be a file for the links" in found.stderr) == (1, True)
    found = run(pairs, "--gold", gold, "--out", pairs, "--quiet")
    assert (found.exit_code, "--out must be a folder" in found.stderr) == (1, True)
