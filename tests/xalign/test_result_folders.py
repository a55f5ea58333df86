"""A result is never written among files of somebody else's, and may be written again over an earlier one."""

import pytest
import typer
from typer.testing import CliRunner

from xalign.commands.languages import languages
from xalign.commands.probe import probe
from xalign.commands.retrieve import retrieve
from xalign.commands.transfer import transfer
from xalign.commands.words import words
from xalign.errors import SettingError, XalignError
from xalign.result_folders import filling, write_facts

app = typer.Typer()
for command in (languages, probe, retrieve, transfer, words):
    app.command()(command)


@pytest.fixture
def corpus(tmp_path):
    """A folder of text, as a user has it."""
    folder = tmp_path / "text"
    folder.mkdir()
    for code in ("eng_Latn", "deu_Latn"):
        (folder / f"{code}.txt").write_text("one\ntwo\n")
    return folder


def write(folder):
    with filling(folder, what="report", pictures=("*.png",)):
        (folder / "table.csv").write_text("score")
        write_facts(folder, {}, ())


def test_files_of_somebody_elses_are_named_and_nothing_is_written_among_them(corpus):
    before = set(corpus.iterdir())
    with pytest.raises(SettingError, match=r"one with an earlier result, got .*text, which holds deu_Latn.txt, eng_La"):
        write(corpus)
    assert set(corpus.iterdir()) == before


def test_a_missing_folder_an_empty_one_a_fresh_volume_and_an_earlier_result_are_written_to(tmp_path):
    (tmp_path / "volume" / "lost+found").mkdir(parents=True)
    (tmp_path / "volume" / ".DS_Store").touch()
    (tmp_path / "empty").mkdir()
    for name in ("missing", "empty", "volume"):
        write(tmp_path / name)
        (tmp_path / name / "old.png").touch()
        write(tmp_path / name)
        assert {path.name for path in (tmp_path / name).iterdir() if path.is_file()} - {".DS_Store"} == {
            "table.csv", "run.json",
        }  # fmt: skip


def test_a_result_that_broke_off_may_be_written_again(tmp_path):
    def broken(folder):
        with filling(folder, what="report"):
            (folder / "table.csv").write_text("sco")
            raise OSError(28, "No space left on device")

    for _ in range(2):
        with pytest.raises(XalignError, match="No space left on device"):
            broken(tmp_path / "out")
    write(tmp_path / "out")
    assert (tmp_path / "out" / "table.csv").read_text() == "score"


@pytest.mark.parametrize(
    "arguments",
    [
        ["languages", "--k", "3"],
        ["probe"],
        ["transfer"],
        ["retrieve"],
        ["words", "--evaluate", "GOLD"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_command_refuses_a_folder_of_text_before_any_work(corpus, tmp_path, monkeypatch, arguments):
    def never(*_, **__):
        pytest.fail("a model was loaded, or languages chosen")

    monkeypatch.setattr("xalign.encoders.loading.load_encoder", never)
    monkeypatch.setattr("xalign.choosing.running.select_languages", never)
    gold = tmp_path / "gold"
    gold.mkdir()
    (gold / "toy.src-tgt").write_text("water ||| eau\n")
    (gold / "toy.gold").write_text("1-1\n")
    before = set(corpus.iterdir())
    asked = [str(gold) if word == "GOLD" else word for word in arguments]
    found = CliRunner().invoke(app, [*asked, "--out", str(corpus)])
    assert found.exit_code == 1, found.output
    assert found.stderr.startswith("error: out must be a new or empty folder, or one with an earlier result, got ")
    assert set(corpus.iterdir()) == before


@pytest.mark.parametrize("model", ["./nowhere/model", "no/such/model"])
@pytest.mark.parametrize("command", ["probe", "transfer", "retrieve"])
def test_a_model_that_is_not_there_is_called_as_the_command_calls_it_before_torch_is_loaded(
    tmp_path, monkeypatch, command, model
):
    def never(*_, **__):
        pytest.fail("loaded")

    monkeypatch.setattr("xalign.encoders.loading.load_encoder", never)
    found = CliRunner().invoke(app, [command, model, "--out", str(tmp_path / "out")])
    assert found.exit_code == 1, found.output
    assert (
        found.stderr
        == f"error: MODEL must be a folder or a hub name such as 'FacebookAI/xlm-roberta-base': no folder {model}\n"
    )
