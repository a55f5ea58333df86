"""All probes at once on the embedded default, and the similarity of all languages at every layer."""

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.rows import Row, lasts
from benchmarks.settings import Settings
from benchmarks.timing import wall_and_processor_seconds
from benchmarks.vectors import languages
from probes import pairwise_cosine
from xalign import load_corpus, load_encoder, probe


def rows(settings: Settings) -> Iterator[Row]:
    """Measure a report with every probe, and the similarity of as many languages as FLORES-200 has."""
    yield _every_probe(settings)
    yield _similarity(settings)


def _every_probe(settings: Settings) -> Row:
    corpus = load_corpus(languages=None if not settings.quick else ["eng", "deu", "swh", "yor"])
    started, processor = time.perf_counter(), time.process_time()
    report = probe(load_encoder(device="cpu"), corpus, probes="all", cache=False, progress=False)
    seconds, total = report.run["seconds"], time.perf_counter() - started
    size = f"{len(corpus.languages)} languages x {corpus.n} sentences, {report.table['probe'].nunique()} probes"
    share = (seconds["total"] - seconds["encoding"]) / total
    return lasts(
        "--probes all, after encoding", size, total * share, (time.process_time() - processor) * share, under_s=60
    )


def _similarity(settings: Settings) -> Row:
    n_languages, n_layers = settings.choose(205, 24), 7
    stack = languages(n_languages, 1004, 256, noise=1.0)

    def every_layer() -> None:
        for _ in range(n_layers):
            pairwise_cosine(stack)

    wall, processor = wall_and_processor_seconds(every_layer, repeats=settings.repeats)
    size = f"{n_languages} languages x {n_layers} layers, 1004 x {np.shape(stack[0])[1]}"
    return lasts("similarity of every two languages (mPLM-Sim)", size, wall, processor, under_s=10)
