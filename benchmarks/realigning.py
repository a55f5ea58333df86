"""Realigning: what the training costs beside a bare torch loop over the same batches with the same loss."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch
from transformers import TrainerCallback

from benchmarks.rows import Row, outruns
from benchmarks.settings import Settings
from benchmarks.text import FLORES
from benchmarks.timing import Times
from xalign import Encoder, ParallelCorpus, load_corpus, load_encoder
from xalign.realigning.keeping import Keeper
from xalign.realigning.learner import make_learner
from xalign.realigning.planning import Plan, make_plan
from xalign.realigning.preparing import TrainingData, find_links, prepare
from xalign.realigning.settings import RealignmentSettings
from xalign.realigning.trainer import RealignmentTrainer, training_arguments
from xalign.realigning.training import draw_dataset, make_objective

LANGUAGES = ("deu_Latn", "swh_Latn", "hin_Deva")
LOSSES = (("strong", 0.0), ("sentence", 0.0), ("strong", 1.0))
"""Losses, and the weight of the anchor."""


def rows(settings: Settings) -> Iterator[Row]:
    """Measure steps of the embedded model, with word and sentence losses, with and without an anchor."""
    encoder, corpus = load_encoder(device="cpu"), text(settings)
    for loss, anchor in LOSSES:
        chosen = RealignmentSettings(
            loss=loss, anchor=anchor, batch_size=16, steps=settings.choose(9, 5), learning_rate=1e-4, save_every=None
        )
        times = beside_a_bare_loop(encoder, corpus, chosen, repeats=settings.repeats)
        what = f"realigning, {loss}" + (" with an anchor" if anchor else "")
        size = f"{chosen.steps - 1} steps of {chosen.batch_size} pairs of {corpus.name}, {encoder.name}"
        yield outruns(what, size, times, "bare torch loop, same batches, loss and optimizer", at_least=0.85)


def text(settings: Settings) -> ParallelCorpus:
    """Return FLORES-200 where it lies, else the embedded corpus."""
    place = settings.data / FLORES
    corpus = load_corpus(place if place.is_dir() else None, languages=["eng_Latn", *LANGUAGES], limit=100)
    if not isinstance(corpus, ParallelCorpus):
        raise TypeError(f"{place} must be parallel throughout, got a {type(corpus).__name__}")
    return corpus


def beside_a_bare_loop(
    encoder: Encoder, corpus: ParallelCorpus, settings: RealignmentSettings, *, repeats: int
) -> Times:
    """Time the steps of both in turn, from the end of the first to that of the last.

    Loading, tokenising, drawing and the Trainer's start, some 0.4 s whatever the number of steps, are in neither.
    """
    plan = make_plan(encoder, corpus, LANGUAGES, settings, pivot="eng_Latn", held_out=None)
    links = find_links(encoder, plan.pairs, None) if settings.aligns_words else {}
    data = prepare(plan.reader, plan.pairs, settings, links)
    rounds = [(ours(plan, data), bare_loop(plan, data)) for _ in range(repeats + 1)][1:]
    return Times(median(a for a, _ in rounds), median(b for _, b in rounds), median(a / b for a, b in rounds))


class Clock(TrainerCallback):
    """Notes when each step is done."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note the time."""
        self.ends.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        """From the end of the first step to that of the last."""
        return self.ends[-1] - self.ends[0]


def ours(plan: Plan, data: TrainingData) -> float:
    """Time the Trainer's steps."""
    learner, clock = make_learner(plan.fresh(), plan.settings), Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = RealignmentTrainer(
            learner.network,
            training_arguments(plan.settings, Path(folder), device="cpu"),
            draw_dataset(plan, data, n_processes=1),
            objective=make_objective(plan, data),
            keeper=Keeper(learner.network, None, every=plan.settings.steps + 1, progress=False),
        )
        trainer.add_callback(clock)
        trainer.train()
    return clock.seconds


def bare_loop(plan: Plan, data: TrainingData) -> float:
    """Time the steps as one writes them by hand."""
    settings, clock = plan.settings, Clock()
    network, objective = make_learner(plan.fresh(), settings).network, make_objective(plan, data)
    dataset = draw_dataset(plan, data, n_processes=1)
    parameters = [value for value in network.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=0.0, fused=True)
    network.train()
    for number in range(settings.steps):
        batch = dataset[number]
        loss = objective(network(batch["ids"], batch["mask"]), objective.start_states(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        clock.on_step_end()
    return clock.seconds
