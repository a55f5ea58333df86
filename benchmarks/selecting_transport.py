"""What the transport selector costs: scoring millions of rows, fitting beside POT's dense Sinkhorn, TSDS."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from benchmarks.memory import can_measure, peak_memory
from benchmarks.rows import Row, lasts, outruns, skipped, stays_under
from benchmarks.settings import Settings
from benchmarks.timing import seconds_of, side_by_side, wall_and_processor_seconds
from selection.data import TransportSettings, fit_transport, knn_transport_select, transport_select

N_DIMENSIONS, N_SUBJECTS = 384, 400
N_SCORED, SCORED_TARGETS, SCORED_S, SCORED_GB = 1_000_000, 2000, 60.0, 2.0
CHOSEN_TARGETS = 200
N_FITTED, FITTED_TARGETS, EPSILON, ACCURACY, FASTER = 20_000, 1000, 0.01, 1e-2, 5.0
MOST_PASSES = 2000
N_TSDS, TSDS_TARGETS, TSDS_S = 50_000, 500, 60.0


def rows(settings: Settings) -> Iterator[Row]:
    """Measure times, memory, growth and agreement."""
    yield from _scoring_rows(settings)
    yield _choosing_row(settings)
    yield from _fitting_rows(settings)
    yield _tsds_row(settings)


def subjects(n: int, *, seed: int, n_subjects: int = N_SUBJECTS) -> np.ndarray:
    """Draw vectors about subjects, as embeddings of texts are; a target is about half of the pool's."""
    directions = np.random.default_rng(0).standard_normal((N_SUBJECTS, N_DIMENSIONS), dtype=np.float32)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, N_DIMENSIONS), dtype=np.float32)
    for block in range(0, n, 1 << 16):
        about = rng.integers(n_subjects, size=min(1 << 16, n - block))
        x[block : block + (1 << 16)] += 1.5 * directions[about]
    return x


def targets(m: int) -> np.ndarray:
    """Draw a target."""
    return subjects(m, seed=2, n_subjects=N_SUBJECTS // 2)


def prepare_scoring(n: int, m: int) -> Callable[[], np.ndarray]:
    """Return the scoring of n rows by a model of m targets; for `peak_memory`."""
    x = subjects(n, seed=1)
    model = fit_transport(x[:5000], targets(m), settings=TransportSettings(tolerance=0.1))
    return lambda: model.score(x)


def _scoring_rows(settings: Settings) -> Iterator[Row]:
    n = settings.choose(N_SCORED, N_SCORED // 20)
    score, size = prepare_scoring(n, SCORED_TARGETS), f"{n:,} x {N_DIMENSIONS}, {SCORED_TARGETS} targets"
    wall, processor = wall_and_processor_seconds(score, repeats=1)
    yield lasts("transport scores", size, wall, processor, under_s=SCORED_S * n / N_SCORED)
    sizes = [n // 100, n // 10, n]
    yield _growth("transport scores, growth", {part: prepare_scoring(part, SCORED_TARGETS) for part in sizes})
    if not can_measure():
        yield skipped("transport scores, memory", "this system does not tell a process its peak")
        return
    peak = peak_memory("benchmarks.selecting_transport", "prepare_scoring", n, SCORED_TARGETS)
    yield stays_under("transport scores, memory with the rows", size, peak.total_gb, SCORED_GB, "GB")


def _choosing_row(settings: Settings) -> Row:
    """Time fits, scores and choice together, one row in a hundred chosen."""
    n = settings.choose(N_SCORED, N_SCORED // 20)
    x, y = subjects(n, seed=1), targets(CHOSEN_TARGETS)
    sizes = [n // 100, n // 10, n]
    return _growth(
        f"transport_select, {CHOSEN_TARGETS} targets, 1 % chosen",
        {part: partial(transport_select, x[:part], y, part // 100) for part in sizes},
    )


def _growth(what: str, calls: Mapping[int, Callable[[], object]]) -> Row:
    times = {size: seconds_of(call) for size, call in calls.items()}
    slope = np.polyfit(np.log(list(times)), np.log(list(times.values())), 1)[0]
    return Row(what, ", ".join(f"{size:,}: {time:.2g} s" for size, time in times.items()), f"n^{slope:.2f}")


def _fitting_rows(settings: Settings) -> Iterator[Row]:
    n, m = settings.choose(N_FITTED, N_FITTED // 4), settings.choose(FITTED_TARGETS, FITTED_TARGETS // 4)
    x, y = subjects(n, seed=1), targets(m)
    settled = fit_transport(x, y, settings=TransportSettings(epsilon=EPSILON, tolerance=1e-6, n_fit=n))
    passes = _fewest_passes(x, y, settled.epsilon, settled.target_potentials, settled.mean_cost)
    error = _error(_ours(x, y)[0], settled.target_potentials, settled.mean_cost)
    what, size = "transport, fit and score", f"{n} x {m} x {N_DIMENSIONS}, epsilon {EPSILON}"
    yield stays_under(f"{what}: error of prices over the mean cost", size, error, ACCURACY, "")
    times = side_by_side(
        lambda: _ours(x, y),
        lambda: dense_sinkhorn(x, y, settled.epsilon, passes),
        repeats=settings.choose(1, 2),
        warm=settings.quick,
    )
    yield outruns(what, size, times, f"POT's dense Sinkhorn, {passes} passes for this error", at_least=FASTER)


def _ours(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    model = fit_transport(x, y, settings=TransportSettings(epsilon=EPSILON, n_fit=len(x)))
    return model.target_potentials, model.score(x)


def dense_sinkhorn(x: np.ndarray, y: np.ndarray, epsilon: float, passes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return POT's prices and potentials after some passes, in float64 as it computes."""
    import ot

    a, b, cost = _problem(x, y)
    _, log = ot.sinkhorn(a, b, cost, epsilon, numItermax=passes, stopThr=0, log=True, warn=False)
    return epsilon * np.log(log["v"]), epsilon * np.log(log["u"])


def _fewest_passes(x: np.ndarray, y: np.ndarray, epsilon: float, settled: np.ndarray, unit: float) -> int:
    """Count the passes that bring POT's prices within the accuracy, so that it is timed for none in vain."""
    a, b, cost = _problem(x, y)
    kernel, u = np.exp(-cost / epsilon), np.full(len(x), 1 / len(x))
    for passes in range(1, MOST_PASSES):
        v = b / (u @ kernel)
        u = a / (kernel @ v)
        if _error(epsilon * np.log(v), settled, unit) <= ACCURACY:
            return passes
    return MOST_PASSES


def _problem(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y = (rows.astype(np.float64) / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (x, y))
    return np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y)), (1 - x @ y.T) / 2


def _error(prices: np.ndarray, settled: np.ndarray, unit: float) -> float:
    """Return the largest difference but for a constant, over the mean cost."""
    apart = prices - settled
    return float(np.abs(apart - apart.mean()).max() / unit)


def _tsds_row(settings: Settings) -> Row:
    n = settings.choose(N_TSDS, N_TSDS // 5)
    x, y = subjects(n, seed=1), targets(TSDS_TARGETS)
    x, y = (values / np.linalg.norm(values, axis=1, keepdims=True) for values in (x, y))
    wall, processor = wall_and_processor_seconds(lambda: knn_transport_select(x, y, 100, k=1000), repeats=1)
    size = f"{n:,} x {N_DIMENSIONS}, {TSDS_TARGETS} targets, k = 1000"
    return lasts("TSDS, kde, exact neighbours", size, wall, processor, under_s=TSDS_S)
