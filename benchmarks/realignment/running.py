"""The grid: each run is a file that is there or not, made by worker processes of one thread each."""

import json
import logging
import multiprocessing
import os
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from tqdm import tqdm

from benchmarks.realignment.measuring import Examination, load_texts
from benchmarks.realignment.models import ensure_copy, starting_model
from benchmarks.realignment.planning import Run, make_plan
from benchmarks.realignment.settings import Experiment, Training
from benchmarks.settings import THREAD_VARIABLES
from xalign.encoders.encoder import Encoder
from xalign.encoders.loading import load_encoder
from xalign.files import write_text

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """All that a worker must know of a run.

    Attributes:
        run: The run.
        model: `copy` or `mini`.
        layer: Where it is realigned and measured.
        training: How.
        data: Holds flores200.
        copy: Where the copy lies.
        folder: Of the model's runs.
    """

    run: Run
    model: str
    layer: int
    training: Training
    data: Path
    copy: Path
    folder: Path

    @property
    def file(self) -> Path:
        """Where its scores go."""
        return self.folder / "runs" / f"{self.run.name}.json"


def run_grid(experiment: Experiment) -> None:
    """Do every run that is not there yet; an error in one ends the rest, and what is done stays done."""
    ensure_copy(experiment)
    texts = load_texts(experiment.data)
    jobs: list[Job] = []
    for model in experiment.models:
        folder = experiment.out / model
        shutil.rmtree(folder / "work", ignore_errors=True)
        plan = make_plan(starting_model(model, experiment.copy), texts, experiment, folder)
        shared = (model, plan.layer, experiment.training, experiment.data, experiment.copy, folder)
        jobs += [Job(run, *shared) for run in plan.runs]
    waiting = [job for job in jobs if not job.file.is_file()]
    logger.info("%d of %d runs are there", len(jobs) - len(waiting), len(jobs))
    _work_off(waiting[: experiment.limit], experiment.workers)


def _work_off(jobs: Iterable[Job], workers: int) -> None:
    os.environ |= dict.fromkeys(THREAD_VARIABLES, "1")  # read by each worker when it loads its libraries
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin) as executor:
        waiting = [executor.submit(do_run, job) for job in jobs]
        try:
            for done in tqdm(as_completed(waiting), total=len(waiting), desc="runs", unit="run", mininterval=5):
                done.result()
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def do_run(job: Job) -> Path:
    """Train, measure, and write the scores whole."""
    examination = _examination(job.model, job.data, job.copy)
    started, processor = time.perf_counter(), time.process_time()
    dtype = job.training.precision
    encoder = _realigned(job, examination) if job.run.languages else starting_model(job.model, job.copy, dtype=dtype)
    trained, processor_trained = time.perf_counter(), time.process_time()
    scores = examination.scores(encoder, job.layer)
    seconds = {
        "training": trained - started,
        "measuring": time.perf_counter() - trained,
        "processor_training": processor_trained - processor,
        "processor_measuring": time.process_time() - processor_trained,
    }
    told = {"run": asdict(job.run), "model": job.model, "layer": job.layer, "training": asdict(job.training)}
    timed = {name: round(value, 2) for name, value in seconds.items()}
    return write_text(job.file, json.dumps(told | {"seconds": timed, "scores": scores}, indent=1) + "\n")


@cache
def _examination(model: str, data: Path, copy: Path) -> Examination:
    return Examination(load_texts(data), starting_model(model, copy))


def _realigned(job: Job, examination: Examination) -> Encoder:
    """Realign the starting model; the folder it is written to lives as long as it takes to read it again."""
    from xalign.realigning.training import train

    folder = job.folder / "work" / job.run.name
    settings = job.training.of(job.layer, job.run.seed)
    corpus = examination.texts.train
    train(examination.encoder, corpus, job.run.languages, folder, settings, resume=False, progress=False)
    encoder = load_encoder(folder, device="cpu", dtype=job.training.precision)
    encoder.layered  # noqa: B018 - reads the weights while they are there
    shutil.rmtree(folder)
    return encoder
