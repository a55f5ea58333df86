"""The evaluator scores a model's own embeddings, and the sentence-transformers trainer runs it."""

import csv
import shutil

import numpy as np
import pytest

import xalign
from probes import retrieval_accuracy
from xalign.benchmarking import AlignmentEvaluator
from xalign.benchmarking.settings import Comparison
from xalign.embedded import model_folder
from xalign.errors import CorpusError, ProbeError, UnknownNameError

CODES = ("deu_Latn", "swh_Latn")


@pytest.fixture(scope="module")
def text():
    return xalign.load_corpus(languages=["eng", *CODES], limit=24)


@pytest.fixture
def model(tmp_path):
    """xalign-mini as a sentence-transformers model."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    folder = shutil.copytree(model_folder(), tmp_path / "mini")
    return SentenceTransformer(modules=[Transformer(str(folder)), Pooling(256, pooling_mode="mean")], device="cpu")


def test_it_returns_the_accuracy_of_the_models_embeddings(model, text):
    evaluator = AlignmentEvaluator(text)
    found = evaluator(model)
    rows = {code: model.encode(list(text.sentences[code]), show_progress_bar=False) for code in text.languages}
    expected = {code: retrieval_accuracy(rows[code], rows["eng_Latn"]).score for code in CODES}
    assert found["accuracy_deu_Latn"] == pytest.approx(expected["deu_Latn"])
    assert found[evaluator.primary_metric] == pytest.approx(np.mean(list(expected.values())))
    assert found["worst_accuracy"] == pytest.approx(min(expected.values()))
    assert evaluator.greater_is_better


def test_names_scores_and_all_pairs(model, text):
    evaluator = AlignmentEvaluator(text, pivot=None, name="flores", comparison=Comparison("csls", k=4))
    found = evaluator(model)
    assert evaluator.primary_metric == "flores_accuracy"
    assert {"flores_accuracy_eng_Latn-deu_Latn", "flores_accuracy_deu_Latn-swh_Latn"} <= set(found)
    only = AlignmentEvaluator(text, languages="Swahili")(model)
    assert {name for name in only if name.startswith("accuracy_")} == {"accuracy_swh_Latn"}


def test_the_trainer_runs_it_and_chooses_by_it(model, text, tmp_path):
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    data = Dataset.from_dict(
        {"anchor": list(text.sentences["eng_Latn"][:8]), "positive": list(text.sentences["deu_Latn"][:8])}
    )
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path / "run"),
        max_steps=2,
        per_device_train_batch_size=4,
        eval_strategy="steps",
        eval_steps=1,
        save_strategy="steps",
        save_steps=1,
        load_best_model_at_end=True,
        metric_for_best_model="eval_accuracy",
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    trainer = SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=data,
        loss=MultipleNegativesRankingLoss(model),
        evaluator=AlignmentEvaluator(text),
    )
    trainer.train()
    logged = [entry["eval_accuracy"] for entry in trainer.state.log_history if "eval_accuracy" in entry]
    assert len(logged) >= 2
    assert trainer.state.best_metric == pytest.approx(max(logged))
    assert AlignmentEvaluator(text)(model)["accuracy"] == pytest.approx(trainer.state.best_metric)


def test_each_evaluation_is_a_row_of_a_csv(model, text, tmp_path):
    evaluator = AlignmentEvaluator(text, name="dev")
    first = evaluator(model, str(tmp_path), epoch=1, steps=10)
    evaluator(model, str(tmp_path), epoch=1, steps=20)
    with (tmp_path / "alignment_evaluation_dev_results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["steps"] for row in rows] == ["10", "20"]
    assert float(rows[0]["accuracy"]) == pytest.approx(first["dev_accuracy"])


def test_embeddings_that_are_not_finite_stop_by_name(model, text):
    import torch

    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(ProbeError, match="deu_Latn and eng_Latn: deu_Latn must be finite"):
        AlignmentEvaluator(text)(model)


def test_text_that_leaves_nothing_to_compare_is_refused(text):
    with pytest.raises(CorpusError, match="at least 2 languages"):
        AlignmentEvaluator(text.select(["eng"]))
    with pytest.raises((CorpusError, UnknownNameError), match="isl"):
        AlignmentEvaluator(text, pivot="isl")
