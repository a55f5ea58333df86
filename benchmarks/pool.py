"""The multilingual pool: what it costs with 12 languages of questions, and in a layer of a report."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.memory import can_measure, peak_memory
from benchmarks.rows import Row, lasts, skipped, stays_under
from benchmarks.settings import Settings
from benchmarks.timing import wall_and_processor_seconds
from benchmarks.vectors import languages
from probes.judging import draw_resamples
from probes.pool import PoolPreparation, multilingual_pool

N_LANGUAGES, N_QUESTIONS, N_DIMENSIONS = 12, 1190, 256
N_REPORT_LANGUAGES, N_REPORT_SENTENCES, N_DRAWS = 24, 100, 200


def rows(settings: Settings) -> Iterator[Row]:
    """Measure both against the clock, and the memory of the first."""
    questions = by_language(N_LANGUAGES, settings.choose(N_QUESTIONS, 300))
    yield _lasts("multilingual pool", questions, lambda: multilingual_pool(questions), settings, under_s=20)
    report = by_language(N_REPORT_LANGUAGES, N_REPORT_SENTENCES)
    what = f"judging the multilingual pool, {N_DRAWS} + {N_DRAWS}"
    yield _lasts(what, report, lambda: judged(report), settings, under_s=1)
    what = "memory of the multilingual pool, beyond the vectors"
    if not can_measure():
        yield skipped(what, "this system has no /proc")
        return
    peak = peak_memory("benchmarks.pool", "prepare_pool", N_QUESTIONS)
    yield stays_under(what, _size(N_LANGUAGES, N_QUESTIONS), peak.beyond_gb, 1, "GB")


def by_language(m: int, n: int) -> dict[str, np.ndarray]:
    """Make vectors of m languages."""
    return {f"language {i}": x for i, x in enumerate(languages(m, n, N_DIMENSIONS, noise=1.0))}


def judged(x_by_language: dict[str, np.ndarray]) -> None:
    """Take scores, null and interval, as a report does."""
    prepared = PoolPreparation().of(x_by_language)
    prepared.null(N_DRAWS)
    prepared.resampled(draw_resamples(N_REPORT_SENTENCES, N_DRAWS))


def prepare_pool(n: int) -> Callable[[], object]:
    """Make vectors, and return the computation."""
    questions = by_language(N_LANGUAGES, n)
    return lambda: multilingual_pool(questions)


def _lasts(
    what: str, x: dict[str, np.ndarray], call: Callable[[], object], settings: Settings, *, under_s: float
) -> Row:
    wall, processor = wall_and_processor_seconds(call, repeats=settings.choose(3, 2))
    return lasts(what, _size(len(x), len(x["language 0"])), wall, processor, under_s=under_s)


def _size(m: int, n: int) -> str:
    return f"{m} languages x {n} x {N_DIMENSIONS}"
