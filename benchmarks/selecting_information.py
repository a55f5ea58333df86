"""MIG at the size it was published for and beyond, beside its dense definition."""

import gc
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from scipy import sparse

from benchmarks.memory import can_measure, peak_memory
from benchmarks.rows import Row, agrees, lasts, outruns, skipped, stays_under
from benchmarks.settings import Settings
from benchmarks.timing import side_by_side, wall_and_processor_seconds
from selection.data.information import InformationChoice, information_gain_select, similar_labels
from selection.data.information.labels import propagation_matrix

N_PUBLISHED, N_LABELS, TAGS_A_ROW, BUDGET = 939_000, 4531, 11, 50_000
UNDER_S, UNDER_GB, LARGE, LARGE_S = 10.0, 1.5, 10_000_000, 300.0
SHARE = BUDGET / N_PUBLISHED


def rows(settings: Settings) -> Iterator[Row]:
    """Time both gains, take the memory, fit how time grows, and compare with a dense greedy."""
    n = settings.choose(N_PUBLISHED, 100_000)
    tags, quality, similarity = tagged_pool(n)
    for gain in ("gradient", "exact"):
        call = partial(choose, tags, quality, int(SHARE * n), similarity, gain)
        wall, processor = wall_and_processor_seconds(call, repeats=settings.choose(3, 1))
        yield lasts(f"MIG, {gain} gain", _size(n), wall, processor, under_s=UNDER_S)
    del tags, quality, call
    gc.collect()
    if can_measure():
        total = peak_memory("benchmarks.selecting_information", "prepare", n).total_gb
        yield stays_under("MIG at its peak, tags included", _size(n), total, UNDER_GB, "GB")
    else:
        yield skipped("MIG at its peak", "this system does not tell a process its peak")
    yield _growth_row(settings)
    yield from _dense_rows(settings)


def tagged_pool(n: int) -> tuple[sparse.csr_array, np.ndarray, sparse.csr_array]:
    """Draw tags as frequent as words are, qualities, and labels of which about three are alike."""
    rng = np.random.default_rng(0)
    shares = np.cumsum((1 + np.arange(N_LABELS)) ** -0.8)
    drawn = np.searchsorted(shares / shares[-1], rng.random((n, TAGS_A_ROW), dtype=np.float32)).astype(np.int32)
    np.clip(drawn, 0, N_LABELS - 1, out=drawn)
    drawn.sort(axis=1)
    kept = np.ones(drawn.shape, dtype=bool)
    kept[:, 1:] = drawn[:, 1:] != drawn[:, :-1]
    starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    columns = drawn[kept]
    tags = sparse.csr_array((np.ones(len(columns), dtype=np.int8), columns, starts), shape=(n, N_LABELS))
    meanings = rng.standard_normal((N_LABELS // 3 + 1, 64))
    vectors = meanings[rng.integers(0, len(meanings), N_LABELS)] + 0.25 * rng.standard_normal((N_LABELS, 64))
    return tags, rng.gamma(4.0, 2.0, n), similar_labels(vectors)


def choose(
    tags: sparse.csr_array, quality: np.ndarray, budget: int, similarity: sparse.csr_array, gain: str
) -> InformationChoice:
    """Choose with the published settings."""
    return information_gain_select(tags, quality, budget, similarity=similarity, gain=gain)


def prepare(n: int) -> Callable[[], object]:
    """Make a pool; for the measure of memory."""
    tags, quality, similarity = tagged_pool(n)
    choose(tags[:100], quality[:100], 5, similarity, "gradient")
    return partial(choose, tags, quality, int(SHARE * n), similarity, "gradient")


def _growth_row(settings: Settings) -> Row:
    """Time two sizes, a third of them apart, and tell the time of ten million rows by the exponent between them."""
    sizes = [settings.choose(n, n // 10) for n in (1_000_000, 3_000_000)]
    times = []
    for n in sizes:
        tags, quality, similarity = tagged_pool(n)
        call = partial(choose, tags, quality, int(SHARE * n), similarity, "gradient")
        times.append(wall_and_processor_seconds(call, repeats=1))
        del tags, quality, call
        gc.collect()
    exponents = np.log(np.array(times[1]) / np.array(times[0])) / np.log(sizes[1] / sizes[0])
    wall, processor = np.array(times[1]) * (LARGE / sizes[1]) ** exponents
    what = f"MIG at {LARGE:,}, told by time ~ n^{exponents[1]:.2f} of {sizes[0]:,} and {sizes[1]:,}"
    return lasts(what, _size(LARGE), float(wall), float(processor), under_s=LARGE_S)


def _dense_rows(settings: Settings) -> Iterator[Row]:
    n, budget = settings.choose(10_000, 3_000), settings.choose(200, 50)
    tags, quality, similarity = tagged_pool(n)
    size, reference = f"{n:,} x {N_LABELS:,}, budget {budget}", "every row looked at"
    vectors = dense_vectors(tags, quality, similarity)
    theirs = dense_choice(vectors, budget)
    ours = choose(tags, quality, budget, similarity, "gradient").indices
    yield agrees("MIG picks that differ from a dense MIG's", size, [int(np.sum(ours != theirs))], reference, [0], 0)
    times = side_by_side(
        lambda: choose(tags, quality, budget, similarity, "gradient"),
        lambda: dense_choice(vectors, budget),
        repeats=settings.choose(3, 2),
        warm=False,
    )
    yield outruns("MIG beside a dense MIG", size, times, reference, at_least=10)


def dense_vectors(tags: sparse.csr_array, quality: np.ndarray, similarity: sparse.csr_array) -> np.ndarray:
    """Spread every row's quality over all labels."""
    spreading = propagation_matrix(N_LABELS, similarity, threshold=0.9, propagation=1.0)
    return (tags @ spreading).toarray() * quality[:, None]


def dense_choice(vectors: np.ndarray, budget: int) -> np.ndarray:
    """Choose as the paper says: the gradient at what is chosen, times all rows, and the largest."""
    total, chosen = np.zeros(vectors.shape[1]), np.empty(budget, dtype=np.int64)
    left = np.ones(len(vectors), dtype=bool)
    for place in range(budget):
        keys = np.where(left, vectors @ (0.8 * (total + 1e-6) ** -0.2), -np.inf)
        chosen[place] = np.argmax(keys)
        left[chosen[place]] = False
        total += vectors[chosen[place]]
    return chosen


def _size(n: int) -> str:
    return f"{n:,} x {N_LABELS:,}, {TAGS_A_ROW} tags a row, budget {int(SHARE * n):,}"
