"""From a task to its texts, divided into rows that choose and rows that are scored."""

from __future__ import annotations

from pathlib import Path

from xalign.benchmarking.bucc import load_bucc
from xalign.benchmarking.data_folder import find_data
from xalign.benchmarking.matched import divide
from xalign.benchmarking.material import Material
from xalign.benchmarking.questions import load_questions
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.benchmarking.tasks import Task
from xalign.corpora import Corpus, ParallelCorpus
from xalign.errors import SettingError
from xalign.probing import load_text


def load_material(task: Task, settings: BenchmarkSettings, data: str | Path | None, *, progress: bool) -> Material:
    """Read the texts of a task.

    Args:
        task: What is asked.
        settings: Languages, pivot, splits, transform.
        data: Where the task's folder is; of no matter for text of the user's own.
        progress: Show a bar when reading takes more than a second.

    Raises:
        CorpusError: If the text is not there or cannot be read.
        UnknownNameError: If a language or split is not in it.
        SettingError: If `data` is given for text of the user's own.
    """
    if data is not None and not task.folder:
        raise SettingError(f"data goes with a task that has a folder of its own, got {str(data)!r} with {task.name}")
    folder = find_data(task, data) if task.files else task.name
    if task.kind == "mined":
        return load_bucc(Path(folder), settings)
    if task.kind in ("questions", "pool"):
        return load_questions(Path(folder), settings, pool=task.kind == "pool", progress=progress)
    corpus = load_text(folder, settings.languages, settings.pivot, progress=progress)
    return divide(corpus, settings, f1=task.name == "tatoeba")


def divide_corpus(corpus: Corpus, settings: BenchmarkSettings) -> Material:
    """Take parallel text that is loaded already; of several languages the pivot and those asked for."""
    if settings.languages is not None:
        wanted = [settings.pivot, *settings.languages] if settings.pivot else list(settings.languages)
        keep_pivot = isinstance(corpus, ParallelCorpus)
        corpus = corpus.select(wanted if keep_pivot else list(settings.languages))
    return divide(corpus, settings)
