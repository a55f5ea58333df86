"""Facility location without a table of all pairs, beside submodlib; and how the others grow with the pool."""

import importlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.memory import can_measure, peak_memory
from benchmarks.rows import Row, agrees, lasts, outruns, seconds, skipped, stays_under
from benchmarks.settings import Settings
from benchmarks.timing import side_by_side, wall_and_processor_seconds
from selection.data.covering import (
    facility_location_select,
    k_centre_select,
    round_robin_select,
    semantic_deduplicate,
    threshold_diversity_select,
)

D, UNDER_S, UNDER_GB = 384, 60.0, 2.0
N_TARGETS, N_CENTRES, N_CLUSTERS = 1000, 200, 100


def rows(settings: Settings) -> Iterator[Row]:
    """Time facility location, take its memory, compare it, and fit how the rest grows."""
    n, budget = settings.choose(50_000, 5_000), settings.choose(1000, 100)
    size = f"{n:,} x {D}, budget {budget}"
    x = clustered(n)
    facility_location_select(x[:200], 5)
    wall, processor = once(lambda: facility_location_select(x, budget))
    yield lasts("facility location, all rows covered", size, wall, processor, under_s=UNDER_S)
    if can_measure():
        peak = peak_memory("benchmarks.selecting_covering", "prepare", settings.choose(20_000, 5_000), budget)
        what = "facility location at its peak, beyond the vectors"
        yield stays_under(what, f"{settings.choose(20_000, 5_000):,} x {D}", peak.beyond_gb, UNDER_GB, "GB")
    else:
        yield skipped("facility location at its peak", "this system does not tell a process its peak")
    yield from _peer_rows(settings)
    for what, call in others().items():
        yield _growth_row(what, call, settings)


def clustered(n: int) -> np.ndarray:
    """Draw rows around 200 centres."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((200, D), dtype=np.float32)
    return centres[rng.integers(0, 200, n)] + 0.9 * rng.standard_normal((n, D), dtype=np.float32)


def once(call: Callable[[], object]) -> tuple[float, float]:
    """Time one call: too long for more."""
    started = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - started[0], time.process_time() - started[1]


def prepare(n: int, budget: int) -> Callable[[], object]:
    """Make a pool; for the measure of memory."""
    x = clustered(n)
    facility_location_select(x[:200], 5)
    return partial(facility_location_select, x, budget)


def others() -> dict[str, Callable[[np.ndarray], object]]:
    """The other ways to cover, by name."""
    return {
        f"round robin, {N_TARGETS} targets": lambda x: round_robin_select(x, x[:N_TARGETS] + 0.1, len(x) // 20),
        f"k-centre, {N_CENTRES} centres": lambda x: k_centre_select(x, N_CENTRES),
        "threshold filter, budget 500": lambda x: threshold_diversity_select(x, x[:, 0], 500),
        f"de-duplication in clusters of {N_CLUSTERS}": lambda x: semantic_deduplicate(
            x, clusters=np.arange(len(x)) // N_CLUSTERS
        ),
    }


def _growth_row(what: str, call: Callable[[np.ndarray], object], settings: Settings) -> Row:
    """Time a pool and one ten times as large."""
    few, many = (settings.choose(n, n // 5) for n in (10_000, 100_000))
    times = [wall_and_processor_seconds(partial(call, clustered(n)), repeats=1)[1] for n in (few, many)]
    exponent = float(np.log10(times[1] / times[0]))
    return Row(
        f"{what}: processor time ~ n^{exponent:.2f}",
        f"{many:,} x {D}",
        seconds(times[1]),
        f"{few:,}",
        seconds(times[0]),
    )


def _peer_rows(settings: Settings) -> Iterator[Row]:
    n, budget = settings.choose(8_000, 2_000), 100
    what, size = "facility location beside submodlib", f"{n:,} x {D}, budget {budget}"
    try:
        peer: Any = importlib.import_module("submodlib").FacilityLocationFunction
    except ImportError as error:
        yield skipped(what, str(error))
        return
    x = clustered(n)
    ours = float(facility_location_select(x, budget).gains.sum()) / n
    reference = "submodlib-py, lazy, table of all pairs"
    yield agrees(f"{what}: coverage", size, [ours], reference, [submodlib_coverage(peer, x, budget)], within=1e-5)
    times = side_by_side(
        lambda: facility_location_select(x, budget),
        lambda: submodlib_coverage(peer, x, budget),
        repeats=settings.choose(3, 2),
        warm=False,
    )
    yield outruns(what, size, times, reference)


def submodlib_coverage(peer: Any, x: np.ndarray, budget: int) -> float:
    """Let submodlib choose, and return the mean similarity of a row to its nearest chosen one."""
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    table = (1 + units @ units.T) / 2
    function = peer(n=len(x), mode="dense", sijs=table, separate_rep=False)
    found = function.maximize(
        budget=budget, optimizer="LazyGreedy", stopIfZeroGain=False, stopIfNegativeGain=False, show_progress=False
    )
    return sum(gain for _, gain in found) / len(x)
