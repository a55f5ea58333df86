"""The main job: a model and a benchmark in, a result out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from xalign.benchmarking.caveats import warn_of
from xalign.benchmarking.choosing import choose_layers
from xalign.benchmarking.columns import TABLE_COLUMNS
from xalign.benchmarking.facts import describe_benchmark, describe_seconds
from xalign.benchmarking.judged import Draws
from xalign.benchmarking.loading import divide_corpus, load_material
from xalign.benchmarking.material import Material, Trial
from xalign.benchmarking.prompts import choose_prompts
from xalign.benchmarking.results import Retrieval
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.benchmarking.tasks import Task, find_task
from xalign.benchmarking.vectors import encode_texts
from xalign.corpora import Corpus, resolve_language
from xalign.corpora.selecting import language_list
from xalign.encoders import ActivationCache, Encoder, load_encoder
from xalign.encoding import EncodingRequest
from xalign.errors import ProbeError
from xalign.probing import open_cache

PIVOT = "eng_Latn"


def benchmark(  # noqa: PLR0913 - the arguments are the public interface
    model: str | Path | Encoder | None = None,
    task: str | Path | Corpus | None = None,
    *,
    data: str | Path | None = None,
    languages: str | Sequence[str] | None = None,
    layer: str | int = "best",
    pooling: str | None = None,
    score: str | None = None,
    k: int | None = None,
    margin: str = "ratio",
    transform: str = "none",
    prompt: str | None = None,
    pivot: str | None = "auto",
    split: str | None = None,
    select: str | None = None,
    n_permutations: int = 200,
    n_resamples: int = 200,
    seed: int = 0,
    cache: bool | str | Path | ActivationCache = True,
    progress: bool = True,
) -> Retrieval:
    """Measure how well a model finds translations, or the paragraph that answers a question, across languages.

    Args:
        model: Folder or hub name, or what `load_encoder` returned. None is the embedded xalign-mini.
        task: `tatoeba`, `flores`, `nusax`, `xquad`, `xquad-pool`, `bucc`; a file, folder or hub dataset that
            `load_corpus` reads, or a folder in BUCC's format; or a loaded corpus. None is the embedded xalign-100.
        data: The folder that holds the texts of the named tasks; `$XALIGN_DATA`, else `../shared/data`, if None.
        languages: The languages to ask beside the pivot, in any spelling; None for all.
        layer: A layer's number; `best`, chosen on one part of the sentences and reported on another; or `all`.
        pooling: mean, cls, last or weighted; None for the model's own, where it has one, else mean.
        score: `cosine`; `csls`; or `margin` among the k nearest; None for cosine, and margin for `bucc`.
        k: Neighbours of csls (10) and margin (4).
        margin: ratio, distance or absolute.
        transform: none, centre, abtt, cluster, zca, orthogonal or linear, fitted on other sentences than those scored.
        prompt: What is put before each text: None for the model's own prompts, "none" for none, one of their names, or
            a text that ends with a space or a colon; for questions and paragraphs two with a comma between.
        pivot: The language all others are compared with; None for all pairs. `auto` is English, and all pairs for
            `xquad`.
        split: The split to report: `test`, where there is one, else all sentences. "all" takes every row.
        select: The split that chooses the layer and fits the transform: `dev` or the like, where there is one. Where
            there is none, a random half of the sentences does this and the other half is scored.
        n_permutations: Shuffles of the answers behind each null.
        n_resamples: Resamples of the queries behind each 95 % interval.
        seed: Of halves, shuffles and resamples. The same call gives the same table.
        cache: Keep activations on disk and use those that are there, so that a killed run goes on where it was.
        progress: Show progress bars on stderr.

    Returns:
        The result: `.score`, `.layer`, `.table`, `.summary`, `.plot()`, `.save(folder)`.

    Raises:
        SettingError: For a value that cannot be used.
        UnknownNameError: For a task, language, split, score, transform, prompt or layer that does not exist.
        CorpusError: If the text is not there (the message says where to get it) or is not parallel.
        ModelError: If the model cannot be loaded safely.
        ProbeError: If k exceeds the candidates, or a ratio is taken of neighbourhoods that are not positive.
    """
    started = time.perf_counter()
    chosen = Task(task.name, task.name, "matched") if isinstance(task, Corpus) else find_task(task)
    encoder = model if isinstance(model, Encoder) else load_encoder(model)
    settings = BenchmarkSettings(
        task=chosen.name,
        languages=None if languages is None else tuple(language_list(languages)),
        layer=layer,
        pooling=pooling or encoder.default_pooling,
        score=score or ("margin" if chosen.kind == "mined" else "cosine"),
        k=k,
        margin=margin,
        transform=transform,
        prompt=prompt,
        pivot=_pivot(pivot, chosen),
        split=split,
        select=select,
        n_permutations=n_permutations,
        n_resamples=n_resamples,
        seed=seed,
    )
    prompts = choose_prompts(prompt, encoder.prompts, encoder.default_prompt_name, paired=chosen.is_paired)
    material = (
        divide_corpus(task, settings)
        if isinstance(task, Corpus)
        else load_material(chosen, settings, data, progress=progress)
    )
    require_neighbours_of(material, settings)
    request = EncodingRequest(settings.layers, settings.pooling, (), open_cache(cache), progress)
    vectors = encode_texts(encoder, material.texts(), request, prompts)
    encoded = time.perf_counter()
    trial = material.trial(vectors, settings)
    layers, selection = choose_layers(trial, vectors.layers, settings, progress=progress)
    table = judge_trial(trial, layers, settings, progress=progress)
    table = table.assign(model=encoder.name, task=chosen.name, split=material.plans[0].reporting.score.name)
    run = describe_benchmark(chosen, material, encoder, settings, prompts)
    run["seconds"] = describe_seconds({"encoding": encoded - started, "total": time.perf_counter() - started})
    warnings = warn_of(chosen, material, encoder, settings, vectors, run)
    return Retrieval(table[TABLE_COLUMNS], selection, run, (*warnings, *trial.warnings))


def judge_trial(trial: Trial, layers: Sequence[int], settings: BenchmarkSettings, *, progress: bool) -> pd.DataFrame:
    """Return the rows of the table at these layers."""
    draws = Draws(settings.n_permutations, settings.n_resamples, settings.seed)
    rows: list[dict[str, Any]] = []
    for layer in tqdm(layers, desc="scoring", unit="layer", disable=not progress):
        rows.extend({"layer": layer} | row for row in trial.rows(layer, draws))
    return pd.DataFrame(rows)


def require_neighbours_of(material: Material, settings: BenchmarkSettings) -> None:
    """Refuse, before anything is encoded, to look at more neighbours than there are candidates.

    Raises:
        ProbeError: Names the languages and both numbers.
    """
    name, n = material.smallest()
    if settings.neighbours > n:
        raise ProbeError(
            f"k must be at most the {n} candidates of {name}, got {settings.neighbours} for score={settings.score!r}; "
            "lower k or give more sentences"
        )


def _pivot(pivot: str | None, task: Task) -> str | None:
    if pivot == "auto":
        return None if task.kind == "questions" else PIVOT
    return None if pivot is None else resolve_language(pivot).code
