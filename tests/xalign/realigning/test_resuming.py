"""An interrupted training goes on to the same weights, to the bit, and takes up nothing that is not its own."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from xalign import load_encoder
from xalign.realigning.checkpoints import last_checkpoint
from xalign.realigning.errors import RealignmentError
from xalign.realigning.settings import RealignmentSettings
from xalign.realigning.trainer import RealignmentTrainer
from xalign.realigning.training import train

BOTH = ["deu_Latn", "swh_Latn"]
SETTINGS = RealignmentSettings(
    loss="strong", steps=10, batch_size=6, learning_rate=0.01, evaluate_every=2, save_every=3, anchor=0.1
)


@pytest.fixture(scope="module")
def dropping(save_model) -> Path:
    """A model with dropout, whose training depends on the random generators."""
    return save_model(dropout=0.2)


class Killed(BaseException):
    """Stands for a signal."""


@pytest.fixture
def kill_at(monkeypatch):
    """Let the training end at the beginning of a step, as if it were killed."""

    def set_step(step: int) -> None:
        real = RealignmentTrainer.training_step

        def training_step(self, *arguments, **options):
            if self.state.global_step + 1 == step:
                raise Killed
            return real(self, *arguments, **options)

        monkeypatch.setattr(RealignmentTrainer, "training_step", training_step)

    return set_step


@pytest.fixture(scope="module")
def run(dropping, corpus, dictionaries):
    """Train into a folder."""

    def start(out: Path, settings: RealignmentSettings = SETTINGS, **options):
        encoder = options.pop("model", None) or load_encoder(dropping, device="cpu")
        languages = options.pop("languages", BOTH)
        options = {"held_out": corpus, "word_pairs": dictionaries, "progress": False, **options}
        return train(encoder, corpus, languages, out, settings, **options)

    return start


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    """A training that nothing interrupted."""
    return run(tmp_path_factory.mktemp("whole") / "out")


@pytest.mark.parametrize(
    "changes", [{"lora_rank": 2}, {"accumulation": 2, "evaluate_every": 4, "freeze": "lower", "layers": (3, 4)}]
)
def test_killed_after_a_checkpoint_and_called_again_gives_the_uninterrupted_weights(
    run, kill_at, monkeypatch, tmp_path, changes
):
    settings = SETTINGS.changed(**changes)
    whole = run(tmp_path / "whole", settings)
    kill_at(9)
    with pytest.raises(Killed):
        run(tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()
    assert last_checkpoint(tmp_path / "out.work").name == "checkpoint-6"
    monkeypatch.undo()
    again = run(tmp_path / "out", settings)
    assert (again.folder / "model.safetensors").read_bytes() == (whole.folder / "model.safetensors").read_bytes()
    assert (again.log, again.best_step) == (whole.log, whole.best_step)
    assert not (tmp_path / "out.work").exists()


def test_a_torn_checkpoint_is_passed_over(run, whole, kill_at, monkeypatch, tmp_path):
    kill_at(8)
    with pytest.raises(Killed):
        run(tmp_path / "out")
    (tmp_path / "out.work" / "checkpoint-6" / "progress.json").unlink()
    assert last_checkpoint(tmp_path / "out.work").name == "checkpoint-3"
    monkeypatch.undo()
    again = run(tmp_path / "out")
    assert (again.folder / "model.safetensors").read_bytes() == (whole.folder / "model.safetensors").read_bytes()


def test_a_finished_training_is_not_run_again(run, kill_at, tmp_path):
    first = run(tmp_path / "out")
    kill_at(1)
    assert run(tmp_path / "out") == first
    with pytest.raises(Killed):
        run(tmp_path / "out", resume=False)


def test_other_settings_do_not_take_up_a_run_and_the_message_names_them(run, whole, kill_at, monkeypatch, tmp_path):
    kill_at(5)
    with pytest.raises(Killed):
        run(tmp_path / "out")
    monkeypatch.undo()
    other = SETTINGS.changed(learning_rate=0.02)
    with pytest.raises(RealignmentError, match=r"interrupted run with other settings or data: learning_rate \(0.01 th"):
        run(tmp_path / "out", other)
    with pytest.raises(
        RealignmentError, match=r"interrupted run with other settings or data: other held-out text; pass"
    ):
        run(tmp_path / "out", held_out=None)
    begun = run(tmp_path / "out", other, resume=False)
    with pytest.raises(RealignmentError, match=r"holds a model that was realigned with other settings or data: learn"):
        run(tmp_path / "out")
    assert begun.log[0] == whole.log[0]
    assert begun.log[1] != whole.log[1]


def test_a_run_that_died_before_its_first_checkpoint_binds_no_other(run, kill_at, monkeypatch, tmp_path):
    kill_at(2)
    with pytest.raises(Killed):
        run(tmp_path / "out")
    monkeypatch.undo()
    other = SETTINGS.changed(steps=2, learning_rate=0.02)
    assert run(tmp_path / "out", other).log == run(tmp_path / "other", other).log


def test_languages_that_differ_are_named(run, whole):
    other = load_encoder(whole.folder, device="cpu")
    with pytest.raises(RealignmentError, match=r"data: another model; pass"):
        run(whole.folder, model=other)
    with pytest.raises(RealignmentError, match=r"data: languages \(deu_Latn, swh_Latn there, swh_Latn now\); pass"):
        run(whole.folder, languages=["swh_Latn"])


def test_other_sentences_are_told_once_and_without_their_hashes(run, whole, corpus):
    fewer = SETTINGS.changed(batch_size=4)
    with pytest.raises(RealignmentError, match="realigned with") as told:
        run(whole.folder, fewer, held_out=corpus.take(50))
    assert str(told.value).endswith(
        "with other settings or data: other held-out text, batch_size (6 there, 4 now); pass resume=False "
        "(--no-resume) to begin again, or change out"
    )


def test_checkpoints_may_be_made_at_other_steps(run, whole, kill_at, monkeypatch, tmp_path):
    kill_at(8)
    with pytest.raises(Killed):
        run(tmp_path / "out")
    monkeypatch.undo()
    again = run(tmp_path / "out", SETTINGS.changed(save_every=None))
    assert again.log == whole.log
    assert (again.folder / "model.safetensors").read_bytes() == (whole.folder / "model.safetensors").read_bytes()


class Trap:
    """What runs code when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_a_checkpoint_never_runs_code(run, whole, kill_at, monkeypatch, tmp_path):
    kill_at(8)
    with pytest.raises(Killed):
        run(tmp_path / "out")
    monkeypatch.undo()
    checkpoint = tmp_path / "out.work" / "checkpoint-6"
    assert {path.suffix for path in checkpoint.iterdir()} == {".safetensors", ".json", ".pt", ".pth"}
    for name in ("rng_state.pth", "scheduler.pt", "optimizer.pt"):
        torch.save(Trap(tmp_path / "sprung"), checkpoint / name)
        with pytest.raises(
            RealignmentError, match=r"checkpoint-6 cannot be read \(UnpicklingError\); delete that folder"
        ):
            run(tmp_path / "out")
        assert not (tmp_path / "sprung").exists()
    shutil.rmtree(checkpoint)
    assert run(tmp_path / "out").log == whole.log


def test_a_work_folder_with_something_else_is_left_alone(run, tmp_path):
    (tmp_path / "out.work").mkdir()
    (tmp_path / "out.work" / "notes.txt").write_text("mine")
    for resume in (True, False):
        with pytest.raises(RealignmentError, match=r"is needed for checkpoints, but holds something else"):
            run(tmp_path / "out", resume=resume)
    assert (tmp_path / "out.work" / "notes.txt").read_text() == "mine"


def test_what_a_study_wrote_beside_the_model_is_kept(run, tmp_path):
    (tmp_path / "out" / "before").mkdir(parents=True)
    (tmp_path / "out" / "before" / "table.csv").write_text("a,b")
    outcome = run(tmp_path / "out")
    assert (tmp_path / "out" / "before" / "table.csv").read_text() == "a,b"
    record = json.loads((outcome.folder / "training_run.json").read_text())
    assert record["run"]["settings"]["loss"] == "strong"
