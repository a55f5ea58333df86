"""Every retrieval measure of one pair of languages: what it costs beside the products it needs, and how much memory."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.memory import GIGABYTE, can_measure, peak_memory
from benchmarks.rows import Row, costs, skipped, stays_under
from benchmarks.settings import Settings
from benchmarks.timing import side_by_side
from benchmarks.vectors import languages
from probes.judging import Prepared
from probes.retrieval import retrieval_statistics
from probes.retrieval_sides import retrieval_side

N_SENTENCES, N_DIMENSIONS = 10_000, 768
BLOCK_ROWS = 512


def rows(settings: Settings) -> Iterator[Row]:
    """Measure time and memory."""
    n = settings.choose(N_SENTENCES, 4_000)
    x, y = languages(2, n, N_DIMENSIONS, noise=1.0)
    size = f"{n} x {N_DIMENSIONS}, one pair"
    times = side_by_side(lambda: all_measures(x, y), lambda: bare_products(x, y), repeats=settings.choose(3, 2))
    yield costs("all retrieval measures together", size, times, "bare products x y', x x', y y'", at_most=2)
    if not can_measure():
        yield skipped("memory of all retrieval measures", "this system has no /proc")
        return
    peak = peak_memory("benchmarks.retrieval", "prepare_measures", N_SENTENCES)
    what, size = "memory of all retrieval measures, beyond the vectors", f"{N_SENTENCES} x {N_DIMENSIONS}, one pair"
    matrix_gb = 4 * N_SENTENCES**2 / GIGABYTE
    yield stays_under(what, size, peak.beyond_gb, matrix_gb, "GB", reference="one float32 n x n matrix")


def prepare_measures(n: int) -> Callable[[], object]:
    """Make vectors, and return the computation of every measure."""
    x, y = languages(2, n, N_DIMENSIONS, noise=1.0)
    return lambda: all_measures(x, y)


def all_measures(x: np.ndarray, y: np.ndarray) -> list[float]:
    """Return every retrieval score of a pair, from the vectors on."""
    statistics = retrieval_statistics(retrieval_side(x), retrieval_side(y), neighbours=10, ranks=True)
    prepared: list[Prepared] = [
        statistics.accuracy(),
        statistics.accuracy(10),
        statistics.mutual(),
        statistics.reciprocal_rank(),
        statistics.strong(),
        statistics.csls(10),
        statistics.margin(4),
        statistics.gold(),
    ]
    return [measure.score for measure in prepared]


def bare_products(x: np.ndarray, y: np.ndarray) -> None:
    """Take the three products in blocks of rows, and drop them."""
    block = np.empty((BLOCK_ROWS, len(x)), dtype=x.dtype)
    for left, right in ((x, y), (x, x), (y, y)):
        for start in range(0, len(left), BLOCK_ROWS):
            rows = left[start : start + BLOCK_ROWS]
            np.matmul(rows, right.T, out=block[: len(rows)])
