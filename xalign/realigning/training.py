"""Train a model so that its languages come together, and write it as an ordinary model folder."""

import random
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import send_to_device
from transformers import TrainingArguments

from xalign.corpora.bitexts import Corpus
from xalign.encoders.encoder import Encoder
from xalign.realigning.checkpoints import last_checkpoint, open_work_folder
from xalign.realigning.collating import BatchDataset, Collator
from xalign.realigning.exporting import write_model
from xalign.realigning.keeping import Diverged, Keeper
from xalign.realigning.learner import make_learner
from xalign.realigning.network import AlignedLayers
from xalign.realigning.objective import Objective
from xalign.realigning.places import TrainingOutcome, finished, publish, read_outcome, work_folder
from xalign.realigning.planning import Plan, make_plan
from xalign.realigning.preparing import TrainingData, WordPairs, find_links, prepare
from xalign.realigning.sampling import draw_batches
from xalign.realigning.settings import RealignmentSettings, require_settings
from xalign.realigning.trainer import RealignmentTrainer, training_arguments

MODEL = "model"
UNIT_EXAMPLES = 64
"""Pairs of sentences of the first language that the unit of squared distances is measured on."""
CHUNK_ROWS = {"cpu": 8}
CHUNK_ROWS_ELSEWHERE = 10_000


def train(  # noqa: PLR0913 - the arguments are the public interface
    encoder: Encoder,
    corpus: Corpus,
    languages: Sequence[str],
    out: str | Path,
    settings: RealignmentSettings | None = None,
    *,
    pivot: str = "eng_Latn",
    word_pairs: WordPairs | None = None,
    held_out: Corpus | None = None,
    resume: bool = True,
    progress: bool = True,
) -> TrainingOutcome:
    """Bring languages of a model nearer to the pivot by training on translations.

    Every choice of data is drawn from the seed before training begins. On the CPU an interrupted training that is
    called again goes on from its last checkpoint to the same weights, to the bit, as one that was not interrupted. The
    weights that are kept are those of the look at which held-out sentences found their translations best; the first of
    equals. Several GPUs are used when the program is started by `accelerate launch` or `torchrun`; each then has
    batches of its own.

    Args:
        encoder: The starting model; it stays as it is, and its files are read anew. Trained in float32.
        corpus: Sentences to train on: parallel throughout, or bitexts with the pivot.
        languages: Those to train on, in any spelling.
        out: Folder of the trained model; new, empty, or of the same training. Checkpoints stand in `<out>.work` until
            the model is whole.
        settings: How to train; the published settings if None.
        pivot: The language that the others are aligned with.
        word_pairs: For losses over words: a folder with a dictionary `<language>.tsv` for each language, or the file of
            a single language; or for each language its dictionary or the links of each pair of sentences, as
            `link_corpus` finds them. None links words by the starting model.
        held_out: Sentences to watch, in the same languages. None keeps the last weights.
        resume: Go on where an interrupted run stopped, and take up a finished one; False begins again.
        progress: Show a bar on stderr.

    Returns:
        Where the model is, which step it is of, and what was seen on the way.

    Raises:
        CorpusError: If a corpus lacks the pivot, or a dictionary cannot be read.
        UnknownNameError: If a language or layer does not exist.
        SettingError: If the settings do not fit the model or the data.
        TypeError: If the settings are none.
        ModelError: If the model cannot be loaded or written again.
        DivergedError: If the loss is NaN or infinite; the best model before that is in `out`.
        RealignmentError: If `out` or `<out>.work` holds something else, a language has nothing to align, or peft is
            missing.
    """
    require_settings(settings)
    settings, out = settings or RealignmentSettings(), Path(out)
    plan = make_plan(encoder, corpus, languages, settings, pivot=pivot, held_out=held_out)
    work = work_folder(out)
    arguments = training_arguments(settings, work, device=str(encoder.device))
    run = plan.run(word_pairs, n_processes=arguments.world_size)
    if done := finished(out, run, resume=resume):
        return done
    with arguments.main_process_first(local=False):
        open_work_folder(work, run, resume=resume or arguments.process_index > 0)
    links = find_links(plan.encoder, plan.pairs, word_pairs) if settings.aligns_words else {}
    data = prepare(plan.reader, plan.pairs, settings, links)
    with randomness_kept():
        facts = _train(plan, data, arguments, progress=progress)
    with arguments.main_process_first(local=False):
        if arguments.process_index == 0:
            publish(work / MODEL, out, run, facts)
            shutil.rmtree(work)
    return read_outcome(out, run)


def _train(plan: Plan, data: TrainingData, arguments: TrainingArguments, *, progress: bool) -> dict[str, Any]:
    """Train, and write the best model beside the checkpoints; returns what there is to tell."""
    started, settings, work = time.perf_counter(), plan.settings, Path(arguments.output_dir)
    learner = make_learner(plan.fresh(), settings)
    keeper = Keeper(learner.network, plan.held_out(), every=settings.steps_between_looks, progress=progress)
    trainer = RealignmentTrainer(
        learner.network,
        arguments,
        draw_dataset(plan, data, n_processes=arguments.world_size),
        objective=make_objective(plan, data),
        keeper=keeper,
    )
    diverged = _run(trainer, last_checkpoint(work))
    if arguments.process_index == 0:
        write_model(plan.encoder.source, learner.learned(keeper.best), work / MODEL)
    return {
        "best_step": keeper.best_step,
        "log": [entry.as_json() for entry in keeper.log],
        "n_pairs": data.n_pairs,
        "n_vectors": data.n_vectors,
        "n_trained": learner.n_trained,
        "seconds": time.perf_counter() - started,
        "diverged_at": None if diverged is None else diverged.step,
    }


def _run(trainer: RealignmentTrainer, checkpoint: Path | None) -> Diverged | None:
    try:
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    except Diverged as error:
        return error
    finally:
        trainer.keeper.close()
        trainer.objective.close()
        trainer.network.close()
    return None


def draw_dataset(plan: Plan, data: TrainingData, *, n_processes: int) -> BatchDataset:
    """Draw all batches of a training, those of all processes in turn."""
    settings = plan.settings
    drawn = draw_batches(
        data.groups,
        n_batches=settings.steps * settings.accumulation * n_processes,
        batch_size=settings.batch_size,
        temperature=settings.language_temperature,
        seed=settings.seed,
    )
    return BatchDataset(data.examples, drawn, _collator(plan))


def make_objective(plan: Plan, data: TrainingData) -> Objective:
    """Make the loss, with the starting model where it needs one."""
    settings = plan.settings
    if not settings.anchor:
        return Objective(settings, None)
    start = AlignedLayers(plan.fresh().layered, plan.layers)
    objective = Objective(settings, start)
    batch = _collator(plan)(data.examples[0][:UNIT_EXAMPLES])
    objective.measure(send_to_device(batch, next(start.parameters()).device))
    return objective


def _collator(plan: Plan) -> Collator:
    device = torch.device(plan.encoder.device).type
    return Collator(
        pad_id=plan.pad_id,
        chunk_rows=CHUNK_ROWS.get(device, CHUNK_ROWS_ELSEWHERE),
        anchored=plan.settings.anchor_on if plan.settings.anchor else None,
    )


@contextmanager
def randomness_kept() -> Iterator[None]:
    """Give the caller's random generators back as they were: the Trainer seeds all of them."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the caller's, not ours
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
