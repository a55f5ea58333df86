"""The loss is the definition's, the model learns, goes on where it was killed, and is written whole."""

import json
from dataclasses import replace

import numpy as np
import pytest
import transformers
from sentence_transformers import SentenceTransformer

from xalign import load_encoder
from xalign.errors import SettingError
from xalign.quality import QualityError, QualityModel, QualitySettings, load_quality_model, rank_pairs, train_quality
from xalign.quality.trainer import QualityTrainer
from xalign.realigning.checkpoints import last_checkpoint
from xalign.realigning.errors import RealignmentError

FAST = QualitySettings(steps=8, batch_size=4, learning_rate=0.003, save_every=3)


class Killed(BaseException):
    """Stands for a signal."""


@pytest.fixture
def kill_at(monkeypatch):
    """End the training at the beginning of a step, as if it were killed."""

    def set_step(step):
        real = QualityTrainer.training_step

        def training_step(self, *arguments, **options):
            if self.state.global_step + 1 == step:
                raise Killed
            return real(self, *arguments, **options)

        monkeypatch.setattr(QualityTrainer, "training_step", training_step)

    return set_step


def run(model_folder, pairs, out, settings=FAST, **options):
    return train_quality(pairs, model_folder, out=out, settings=settings, device="cpu", progress=False, **options)


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


def test_quality_is_minus_the_distance_of_the_pooled_vectors(model_folder, pairs):
    encoder = load_encoder(model_folder, device="cpu")
    found = QualityModel(encoder).score(pairs.instructions, pairs.better)
    pipeline = SentenceTransformer(str(model_folder), device="cpu", local_files_only=True)
    a, b = (pipeline.encode(list(texts), show_progress_bar=False) for texts in (pairs.instructions, pairs.better))
    np.testing.assert_allclose(found, -np.sqrt(((a - b) ** 2).sum(axis=1)), atol=1e-5)


def test_the_loss_is_the_triplet_loss_of_the_definition(model_folder, pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(QualityTrainer, "training_step", _without_dropout(QualityTrainer.training_step))
    still = QualitySettings(steps=10, batch_size=4, learning_rate=1e-12, margin=0.3)
    found = run(model_folder, pairs, tmp_path / "out", still)
    start = QualityModel(load_encoder(model_folder, device="cpu"))
    near, far = (-start.score(pairs.instructions, texts) for texts in (pairs.better, pairs.worse))
    assert found.losses == pytest.approx([np.maximum(near - far + 0.3, 0).mean()], abs=1e-5)


def test_a_decoder_whose_tokenizer_names_no_padding_is_trained_as_if_texts_stood_alone(model_folder, pairs, tmp_path):
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    tokenizer.pad_token = None
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=32, bos_token_id=0, eos_token_id=2, pad_token_id=None,
    )  # fmt: skip
    folder = tmp_path / "decoder"
    transformers.LlamaModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    assert transformers.AutoTokenizer.from_pretrained(folder).pad_token is None
    found = run(folder, pairs, tmp_path / "out", QualitySettings(steps=10, batch_size=4, learning_rate=1e-12))
    start = QualityModel(load_encoder(folder, device="cpu"))
    near, far = (
        np.array([-start.score([asked], [said])[0] for asked, said in zip(pairs.instructions, texts, strict=True)])
        for texts in (pairs.better, pairs.worse)
    )
    assert found.losses == pytest.approx([np.maximum(near - far + 1, 0).mean()], abs=1e-5)


def _without_dropout(step):
    def training_step(self, model, *arguments, **options):
        found = self.model
        for module in found.modules():
            if hasattr(module, "p"):
                module.p = 0.0
        return step(self, model, *arguments, **options)

    return training_step


def test_what_it_learns_in_one_language_it_ranks_in_another_with_other_instructions(model_folder, make_pairs, tmp_path):
    train, test = make_pairs(80, ("deu_Latn",)), make_pairs(60, ("swh_Latn",), seed=9)
    settings = QualitySettings(steps=40, batch_size=8, learning_rate=0.003)
    found = run(model_folder, train, tmp_path / "out", settings, held_out=test)
    assert found.after.accuracy > 0.9
    assert found.before.accuracy < 0.1
    assert found.change[0] == pytest.approx(found.after.accuracy - found.before.accuracy)
    assert found.change[1] > 0
    assert found.losses[-1] < found.losses[0]
    assert rank_pairs(found.model, test).accuracy == pytest.approx(found.after.accuracy)


def test_the_folder_is_an_ordinary_model_that_scores_alike_in_both_libraries(model_folder, pairs, tmp_path):
    folder = run(model_folder, pairs, tmp_path / "out").folder
    pipeline = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    a, b = (pipeline.encode(list(texts), show_progress_bar=False) for texts in (pairs.instructions, pairs.worse))
    found = load_quality_model(folder, device="cpu").score(pairs.instructions, pairs.worse)
    np.testing.assert_allclose(found, -np.linalg.norm(a - b, axis=1), atol=1e-5)
    assert [type(module).__name__ for module in pipeline] == ["Transformer", "Pooling"]


def test_killed_and_called_again_gives_the_uninterrupted_weights(model_folder, pairs, tmp_path, kill_at, monkeypatch):
    whole = run(model_folder, pairs, tmp_path / "whole")
    kill_at(8)
    with pytest.raises(Killed):
        run(model_folder, pairs, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    checkpoint = last_checkpoint(tmp_path / "out.work")
    assert checkpoint.name == "checkpoint-6"
    assert not list(checkpoint.rglob("*.bin"))
    monkeypatch.undo()
    again = run(model_folder, pairs, tmp_path / "out")
    assert weights(again.folder) == weights(whole.folder)
    assert not (tmp_path / "out.work").exists()


def test_a_finished_training_is_taken_up_and_another_is_not(model_folder, pairs, tmp_path, kill_at, monkeypatch):
    first = run(model_folder, pairs, tmp_path / "out")
    kill_at(1)
    assert run(model_folder, pairs, tmp_path / "out") == first
    with pytest.raises(Killed):
        run(model_folder, pairs, tmp_path / "out", resume=False)
    monkeypatch.undo()
    other = QualitySettings(steps=8, batch_size=4, learning_rate=0.003, save_every=3, margin=2.0)
    with pytest.raises(RealignmentError, match=r"quality model that was trained with other settings or data: margin"):
        run(model_folder, pairs, tmp_path / "out", other)


@pytest.mark.parametrize("column", ["languages", "positions"])
def test_a_finished_training_is_not_taken_up_for_other_languages_or_positions(model_folder, pairs, tmp_path, column):
    settings = QualitySettings(steps=1, batch_size=4)
    run(model_folder, pairs, tmp_path / "out", settings, held_out=pairs)
    other = replace(pairs, **{column: getattr(pairs, column)[::-1]})
    with pytest.raises(RealignmentError, match="with other settings or data"):
        run(model_folder, pairs, tmp_path / "out", settings, held_out=other)
    with pytest.raises(RealignmentError, match="with other settings or data: other pairs to train on; pass"):
        run(model_folder, other, tmp_path / "out", settings, held_out=pairs)


def test_a_folder_with_something_else_is_left_alone(model_folder, pairs, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(QualityError, match="out must be a new or empty folder"):
        run(model_folder, pairs, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(QualityError, match=r"holds no quality model that is whole: it lacks training_run\.json"):
        load_quality_model(model_folder)


def test_weights_that_become_infinite_are_not_written(model_folder, pairs, tmp_path):
    with pytest.raises(QualityError, match="became NaN or infinite; lower learning_rate"):
        run(model_folder, pairs, tmp_path / "out", QualitySettings(steps=4, batch_size=4, learning_rate=1e38))
    assert not (tmp_path / "out").exists()


def test_fewer_tokens_are_read_by_the_trained_model_and_by_the_one_it_is_compared_with(model_folder, pairs, tmp_path):
    settings = QualitySettings(steps=2, batch_size=4, max_length=5, learning_rate=1e-12)
    found = run(model_folder, pairs, tmp_path / "out", settings, held_out=pairs)
    assert load_encoder(found.folder, device="cpu").max_length == 5
    assert found.before.accuracy == found.after.accuracy == 0.5
    record = json.loads((found.folder / "training_run.json").read_text())
    assert record["run"]["n_pairs"] == {"deu_Latn": 20, "swh_Latn": 20}


def test_scores_need_a_response_for_each_instruction(model_folder):
    with pytest.raises(QualityError, match="responses must have the 2 rows of instructions, got 1"):
        QualityModel(load_encoder(model_folder, device="cpu")).score(["d1", "d2"], ["d1"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"margin": 0.0}, "margin must be above 0"),
        ({"warmup": 1.0}, "warmup must be in"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_settings_that_cannot_be_used_are_named(changes, message):
    with pytest.raises(SettingError, match=message):
        QualitySettings(**changes)
