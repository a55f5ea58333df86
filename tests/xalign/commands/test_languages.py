"""The command says whom it chose and why, beside what anyone could have chosen; writes the folder; tells bad input."""

import json

import pytest
import typer
from typer.testing import CliRunner

from xalign import load_corpus, probe
from xalign.choosing import LanguageSelection
from xalign.commands.languages import languages
from xalign.language_lists import read_languages

FAST = ["--draws", "20"]
app = typer.Typer()
app.command()(languages)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The embedded model on nine languages of the embedded text, against English and between all by CKA."""
    folder = tmp_path_factory.mktemp("report")
    found = probe(
        corpus=load_corpus().take(24),
        languages=["deu", "fin", "tur", "swh", "hin", "tam", "vie", "kat", "eng"],
        probes=("cka", "retrieval"),
        layers=(0, 5),
        n_permutations=1,
        n_resamples=1,
        cache=False,
        progress=False,
    )
    return found.save(folder / "report")


def test_it_prints_a_row_per_chosen_language_then_the_arms_then_how_good_it_is(report, tmp_path):
    found = run(report, "--k", 3, "--include", "sw", "--out", tmp_path / "out", *FAST)
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    result = LanguageSelection.load(tmp_path / "out")
    assert lines[0].startswith(
        "3 of 8 languages by facility location; distances: uriel.syntax; covering need x grasp by closeness"
    )
    assert lines[1] == f"distances are from {result.run['distances_source']}"
    pool = result.pool.set_index("language")
    for line, reason, place in zip(lines[4:7], result.reasons, (1, 2, 3), strict=True):
        name, need = pool.loc[reason.language, ["name", "need"]]
        assert line.split()[0] == str(place)
        assert f"{name} {reason.language}" in line
        assert f" {reason.added:.3g} " in line
        assert f"{need:.2f}" in line
        assert ("always included" in line) == (reason.language == "swh_Latn")
    assert lines[8].startswith("next would come, adding: ")
    arms = [line for line in lines if line.startswith(("choice", "random (mean of 20)", "least diverse"))]
    values = result.table.set_index("arm")["mean_pairwise_distance"]
    assert [f"{values[arm]:.3f}" in line for arm, line in zip(("choice", "random", "least diverse"), arms, strict=True)]
    assert any(line.startswith(f"value {result.choice.value:.4g}, proven optimal") for line in lines)
    assert [line for line in lines if line.startswith("note: ")] == [f"note: {note}" for note in result.warnings]
    assert f"--languages @{tmp_path / 'out' / 'chosen.json'}" in lines[-1]


def test_json_is_one_document_that_says_what_the_folder_says(report, tmp_path):
    out = tmp_path / "out"
    found = run(report, "--k", 3, "--json", "--objective", "max_sum", "--out", out, *FAST)
    assert found.exit_code == 0, found.output
    document = json.loads(found.stdout)
    assert document["languages"] == read_languages(f"@{out}")
    assert document["folder"] == str(out)
    assert {row["arm"] for row in document["arms_judged"]} >= {"choice", "random", "least diverse"}
    stored = json.loads((out / "chosen.json").read_text())
    assert {name: document[name] for name in stored} == stored


def test_features_of_the_report_and_limits_are_taken_together(report, tmp_path):
    options = ["--features", "uriel.syntax,probe:cka@5", "--include", "deu", "--exclude", "hin", "--max-per-family", 1]
    found = run(report, "--k", 4, "--objective", "max_sum", *options, "--out", tmp_path / "out", *FAST)
    assert found.exit_code == 0, found.output
    assert "distances: uriel.syntax + probe:cka@5" in found.stdout
    result = LanguageSelection.load(tmp_path / "out")
    chosen = result.pool[result.pool["order"] > 0]
    assert "deu_Latn" in set(chosen["language"])
    assert chosen["family"].is_unique
    assert "hin_Deva" not in result.candidates


def test_without_a_report_features_alone_decide(tmp_path):
    found = run("--candidates", "flores", "--k", 10, "--method", "greedy", "--out", tmp_path / "out", *FAST)
    assert found.exit_code == 0, found.output
    assert "10 of 204 languages" in found.stdout
    assert "of a proven bound" in found.stdout or "proven optimal" in found.stdout
    heading = found.stdout.splitlines()[3]
    assert "chosen" in heading
    assert " need " not in heading
    assert " known " not in heading


def test_the_share_of_features_that_is_known_stands_beside_the_chosen_where_some_are_not(tmp_path):
    found = run("--features", "wals", "--k", 2, "--candidates", "deu,fin,swh,tam", "--out", tmp_path / "out", *FAST)
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert " known  covers" in lines[3]
    result = LanguageSelection.load(tmp_path / "out")
    known = result.pool.set_index("language")["coverage"]
    for line, language in zip(lines[4:6], result.languages, strict=True):
        assert f" {known[language]:.0%}  " in line


def test_an_included_pivot_leaves_max_min_something_to_maximise(report, tmp_path):
    asked = ["--k", 4, "--objective", "max_min", "--include", "eng_Latn", "--out", tmp_path / "out"]
    found = run(report, *asked, *FAST)
    assert found.exit_code == 0, found.output
    assert "value 0," not in found.stdout
    assert LanguageSelection.load(tmp_path / "out").choice.value > 0.05


def test_amounts_of_data_may_come_from_a_file(tmp_path):
    path = tmp_path / "amounts.csv"
    path.write_text("language,sentences\ndeu,9\nfra,8\nswh,1\ntam,2\nfin,3\n")
    asked = ["--candidates", "deu,fra,swh,tam,fin", "--k", 2, "--out", tmp_path / "out", *FAST]
    found = run(*asked, "--resources", path)
    assert found.exit_code == 0, found.output
    assert set(LanguageSelection.load(tmp_path / "out").arms["most resourced"]) == {"deu_Latn", "fra_Latn"}
    path.write_text("language,sentences\ndeu,many\n")
    found = run(*asked, "--resources", path)
    assert found.exit_code == 1
    assert "must have a language and an amount in each row" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--k", "99"], "k must be at most the 23 candidates, got 99"),
        (["--include", "deu", "--exclude", "German"], "deu_Latn in both"),
        (["--max-per-script", "1", "--k", "20"], "raise max_per_script or lower k"),
        (["--candidates", "flroes"], "candidates must be flores, embedded"),
        (["--candidates", "deu,fra,xxb_Latn", "--k", "2"], "got none for xxb_Latn"),
        (["--features", "uriel.sintax"], "did you mean 'uriel.syntax'"),
        (["--features", "probe:cka@5"], "needs a report"),
        (["--objective", "best"], "objective must be one of max_sum"),
        (["--need", "-1"], "need must be 0 or a positive number"),
        (["no/such/report"], "is not a saved report"),
        (["--features", "uriel.syntax,probe:cka@5"], "give the folder of a saved report first"),
        (["--candidates", "deu,fra,xxb_Latn", "--k", "2"], "--drop-missing"),
        (
            ["--resources", "no-such.csv"],
            "--resources must be a CSV file with a language and an amount in each row, got",
        ),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_1(tmp_path, arguments, words):
    found = run(*arguments, "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert found.stderr.startswith("error: ")
    assert words in found.stderr
    assert not (tmp_path / "out").exists()
