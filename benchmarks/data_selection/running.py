"""Runs as files that are there or not: a selector's choices of one task at every budget, and what they are worth."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.data_selection.instructions import instruction_tasks
from benchmarks.data_selection.labelled import labelled_tasks
from benchmarks.data_selection.selectors import ALIGNMENT_ARMS, DRAWN, Selector, selectors_of
from benchmarks.data_selection.settings import ALIGNMENT, INSTRUCTIONS, N_TARGETS, SENTIMENT, TOPICS, Experiment
from benchmarks.data_selection.tasks import Task
from xalign.files import write_text

logger = logging.getLogger(__name__)
READERS: dict[str, Callable[[Experiment], Callable[[int], Task]]] = {
    TOPICS: partial(labelled_tasks, TOPICS),
    SENTIMENT: partial(labelled_tasks, SENTIMENT),
    INSTRUCTIONS: instruction_tasks,
}


@dataclass(frozen=True)
class Run:
    """One selector with one seed.

    Attributes:
        selector: Its name.
        seed: Of the choice and the target; random draws and selectors that look at the target have several.
    """

    selector: str
    seed: int

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.selector.replace(', ', '--').replace(' ', '_')}-{self.seed}"


def run_experiment(experiment: Experiment) -> None:
    """Do every run that is not there yet; what is done stays done."""
    left = experiment.limit
    for name in dict.fromkeys(TOPICS if question == ALIGNMENT else question for question in experiment.questions):
        folder = experiment.out / "runs" / name
        task_of = READERS[name](experiment)
        tasks = [task_of(which) for which in range(N_TARGETS)]
        _write_task(tasks[0], folder)
        selectors = selectors_of(tasks[0])
        if name == TOPICS and TOPICS not in experiment.questions:
            selectors = {arm: one for arm, one in selectors.items() if arm in ALIGNMENT_ARMS}
        runs = [run for run in _plan(selectors, experiment.n_draws) if not _file(folder, run).is_file()]
        for run in tqdm(runs[:left], desc=name, unit="run"):
            _do(tasks[run.seed % N_TARGETS], run, selectors[run.selector], _file(folder, run))
        left = None if left is None else max(0, left - len(runs))


def read_runs(out: Path, question: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what is known of a task, and its finished runs; nothing where it was not begun."""
    folder = out / "runs" / question
    if not (folder / "task.json").is_file():
        return {}, []
    files = sorted(path for path in folder.glob("*.json") if path.name != "task.json")
    return _read(folder / "task.json"), [_read(path) for path in files]


def _plan(selectors: Mapping[str, Selector], n_draws: int) -> Iterator[Run]:
    for name, selector in selectors.items():
        for seed in range(n_draws if name in DRAWN else N_TARGETS if selector.aimed else 1):
            yield Run(name, seed)


def _do(task: Task, run: Run, selector: Selector, path: Path) -> None:
    found = []
    longest: np.ndarray | None = None
    seconds = 0.0
    for budget in sorted(task.budgets, reverse=True):
        if longest is None or not selector.nested:
            started = time.process_time()
            longest = selector.choose(task, budget, run.seed)
            seconds = time.process_time() - started
        figures = task.judge(longest[:budget])
        found.append({"budget": budget, "seconds": round(seconds, 2), **figures})
    told = {"selector": run.selector, "seed": run.seed, "nested": selector.nested, "found": found[::-1]}
    write_text(path, json.dumps(told) + "\n")


def _write_task(task: Task, folder: Path) -> None:
    names, counts = np.unique(task.pool.languages, return_counts=True)
    told = {
        "n": task.pool.n,
        "budgets": list(task.budgets),
        "wanted": task.wanted,
        "pool": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "reliability": dict(task.pool.reliability),
        **task.facts,
    }
    write_text(folder / "task.json", json.dumps(told, indent=1) + "\n")


def _file(folder: Path, run: Run) -> Path:
    return folder / f"{run.name}.json"


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
