"""All-pairs CKA: what it costs beside its bare products and a loop over pairs, and how much memory it takes."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.memory import can_measure, peak_memory
from benchmarks.rows import Row, costs, outruns, skipped, stays_under
from benchmarks.settings import Settings
from benchmarks.timing import in_turn
from benchmarks.vectors import languages
from probes import pairwise_cka

N_LANGUAGES, N_SENTENCES, N_DIMENSIONS, N_LAYERS = 205, 1004, 768, 13
MEMORY_GB = 3.0


def rows(settings: Settings) -> Iterator[Row]:
    """Measure one layer: layers are computed one after another, so 13 cost 13 times as much and no more memory."""
    stack = languages(N_LANGUAGES, N_SENTENCES, N_DIMENSIONS)
    sample = list(itertools.combinations(stack[:4], 2))
    bare, loop = in_turn(
        lambda: pairwise_cka(stack),
        lambda: bare_products(stack),
        lambda: [feature_space_cka(x, y) for x, y in sample],
        repeats=settings.choose(3, 1),
        warm=not settings.quick,
    )
    size = f"{N_LANGUAGES} x {N_SENTENCES} x {N_DIMENSIONS}, per layer ({N_LAYERS}: {N_LAYERS} x)"
    yield costs("all-pairs debiased CKA", size, bare, "bare Gram and pair products", at_most=2)
    n_pairs = N_LANGUAGES * (N_LANGUAGES - 1) // 2
    reference = f"feature-space loop over pairs, {len(sample)} of {n_pairs} timed, extrapolated"
    yield outruns("all-pairs debiased CKA", size, loop.scaled(n_pairs / len(sample)), reference, at_least=50)
    del stack, sample
    yield from _memory_rows(settings)


def _memory_rows(settings: Settings) -> Iterator[Row]:
    if not can_measure():
        yield skipped("memory of all-pairs CKA", "this system has no /proc")
        return
    for m in [N_LANGUAGES] if settings.quick else [N_LANGUAGES, 4 * N_LANGUAGES]:
        peak = peak_memory("benchmarks.cka", "prepare_all_pairs", m)
        size = f"{m} x {N_SENTENCES} x {N_DIMENSIONS}; {peak.inputs_gb:.2f} GB are the vectors"
        yield stays_under("memory of all-pairs CKA, vectors included", size, peak.total_gb, MEMORY_GB, "GB")


def prepare_all_pairs(m: int) -> Callable[[], object]:
    """Make vectors in m languages, and return the comparison of all of them."""
    stack = languages(m, N_SENTENCES, N_DIMENSIONS)
    return lambda: pairwise_cka(stack)


def bare_products(stack: list[np.ndarray]) -> np.ndarray:
    """Take the Gram product of every language and one product of all Grams, in the vectors' own type; nothing else."""
    n = stack[0].shape[0]
    grams = np.empty((len(stack), n, n), dtype=stack[0].dtype)
    for gram, x in zip(grams, stack, strict=True):
        np.matmul(x, x.T, out=gram)
    flat = grams.reshape(len(stack), -1)
    return flat @ flat.T


def feature_space_cka(x: np.ndarray, y: np.ndarray) -> float:
    """Return linear CKA as it is usually written: centred columns, three products of columns."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    cross, own_x, own_y = np.linalg.norm(y.T @ x), np.linalg.norm(x.T @ x), np.linalg.norm(y.T @ y)
    return float(cross**2 / (own_x * own_y))
