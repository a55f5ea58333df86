"""The command writes the folder, says what it found in words or JSON, and tells bad input in one line."""

import json

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from xalign.commands.transfer import transfer
from xalign.corpora import load_corpus
from xalign.transferring import Transfer

LANGUAGES = "deu,sw,Turkish,rus,fin,vie"
FAST = ["--resamples", "40", "--quiet"]
app = typer.Typer()
app.command()(transfer)


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XALIGN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def topics(tmp_path):
    """Tables as FLORES-200 has them: 32 sentences of four topics, in three splits."""
    text = load_corpus(languages=["eng", *LANGUAGES.split(",")])
    rows = [row for row, topic in enumerate(text.labels) if topic in ("family", "sports", "science", "food")][:32]
    folder = tmp_path / "topics"
    folder.mkdir()
    for code in text.languages:
        table = pd.DataFrame(
            {
                "index_id": range(len(rows)),
                "split": [("train", "train", "dev", "test")[i % 4] for i in range(len(rows))],
                "category": [text.labels[row] for row in rows],
                "text": [text.sentences[code][row] for row in rows],
            }
        )
        table.to_csv(folder / f"{code}.tsv", sep="\t", index=False)
    return folder


def test_it_prints_a_row_per_probe_then_how_it_was_made_then_the_folder(topics, tmp_path):
    out = tmp_path / "out"
    options = ["--probes", "retrieval,subspace,cka", "--layer", 4, "--languages", LANGUAGES, "--out", out]
    found = run("xalign-mini", topics, *options, *FAST)
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert lines[0] == "xalign-mini on topics: 4 topics, 6 languages beside English"
    assert lines[1].startswith("accuracy at layer 4: English 0.")
    result = Transfer.load(out)
    assert f"mean of the others {result.score:.3f}, most frequent topic {result.accuracy['chance'][0]:.3f}" in lines[1]
    table = [line.split()[:2] for line in lines[4:7]]
    assert table == [[row["probe"], f"{row['pearson']:.3f}"] for row in result.best.to_dict("records")]
    assert lines[8] == result.run["protocol"]
    assert "corrected for 3 probes (Holm)" in lines[9]
    assert any(f"explain {100 * result.explained_by_confounds:.0f} % of the variance" in line for line in lines)
    assert any(line.startswith("lower is closer in subspace") for line in lines)
    assert [line for line in lines if line.startswith("note: ")] == [f"note: {note}" for note in result.warnings]
    assert lines[-1] == f"result: {out}"
    names = {path.name for path in out.iterdir()}
    assert {"correlations.png", "transfer_cka.png", "accuracy.csv", "run.json"} <= names


def test_json_is_one_document_that_says_what_the_folder_says(topics, tmp_path):
    found = run("xalign-mini", topics, "--probes", "retrieval", "--json", "--out", tmp_path / "out", *FAST)
    assert found.exit_code == 0, found.output
    document, result = json.loads(found.stdout), Transfer.load(tmp_path / "out")
    assert document["folder"] == str(tmp_path / "out")
    assert document["layer"] == result.layer
    assert document["mean_accuracy"] == result.score
    assert document["protocol"].startswith("trained on 16 sentences (train), tested on 8 others (test)")
    assert len(document["accuracy"]) == 7
    (row,) = document["correlations"]
    assert row["probe"] == "retrieval"
    assert row["pearson"] == pytest.approx(result.best["pearson"][0])
    assert document["warnings"] == list(result.warnings)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--probes", "retreival"], "did you mean 'retrieval'"),
        (["--probes", ""], "probes must name at least one"),
        (["--layer", "7"], "layer must be 'best' or in 0 to 6, got 7"),
        (["--layer", "top"], "got 'top'"),
        (["--languages", "deu,sw"], "5 languages beside the pivot"),
        (["--languages", ""], "languages must name at least one"),
        (["--pivot", "isl_Latn"], "isl_Latn"),
        (["--resamples", "0"], "n_resamples must be at least 1"),
        (["nowhere/at/all"], "nowhere"),
        (["xalign-mini", "no-such-file.tsv"], "no-such-file.tsv"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_1(tmp_path, arguments, words):
    found = run(*arguments, "--quiet", "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert found.stderr.startswith("error: ")
    assert words in found.stderr
    assert not (tmp_path / "out").exists()


def test_text_without_topics_is_refused_with_what_to_give(tmp_path):
    for code in ("eng_Latn", "deu_Latn", "swh_Latn", "tur_Latn", "rus_Cyrl", "fin_Latn"):
        (tmp_path / f"{code}.txt").write_text("".join(f"{code} {i}\n" for i in range(8)), encoding="utf-8")
    found = run("xalign-mini", tmp_path, "--quiet", "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert "must have a topic for each sentence" in found.stderr


def test_a_place_where_no_result_can_stand_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("here")
    found = run("--out", tmp_path / "file", "--quiet")
    assert found.exit_code == 1
    assert "--out must be a folder" in found.stderr
