"""Margin retrieval of 100,000 rows among 100,000: beside LASER's procedure on faiss, and the memory at its peak."""

from collections.abc import Callable, Iterator

from benchmarks.memory import can_measure, peak_memory
from benchmarks.retrieval_peers import K, faiss_margin_errors
from benchmarks.rows import Row, agrees, outruns, skipped, stays_under
from benchmarks.settings import Settings
from benchmarks.timing import side_by_side
from benchmarks.vectors import languages
from probes import margin_retrieval

N_ROWS, N_DIMENSIONS, NOISE = 100_000, 256, 0.5
LIMIT_GB = 2.0


def rows(settings: Settings) -> Iterator[Row]:
    """Measure agreement and time in one round each (both take minutes), then memory in a process of its own."""
    n = settings.choose(N_ROWS, 15_000)
    size = f"{n} x {n} x {N_DIMENSIONS}, k = {K}, ratio"
    yield from _beside_faiss(n, size, settings)
    what = "memory of margin retrieval, beyond the vectors"
    if not can_measure():
        yield skipped(what, "this system has no /proc")
        return
    peak = peak_memory("benchmarks.margin_at_scale", "prepare_margins", n)
    yield stays_under(what, size, peak.beyond_gb, LIMIT_GB, "GB")


def _beside_faiss(n: int, size: str, settings: Settings) -> Iterator[Row]:
    what, peer = "margin retrieval at scale beside faiss", "LASER's procedure on faiss-cpu"
    x, y = languages(2, n, N_DIMENSIONS, noise=NOISE)
    errors: dict[str, float] = {}

    def ours() -> None:
        errors["ours"] = margin_retrieval(x, y, k=K).n_errors

    def theirs() -> None:
        errors["theirs"] = faiss_margin_errors(x, y, settings.threads)

    try:
        times = side_by_side(ours, theirs, repeats=settings.choose(1, 2), warm=False)
    except ImportError as error:
        yield skipped(what, str(error))
        return
    yield agrees(f"{what}: errors", size, [errors["ours"]], peer, [errors["theirs"]], within=0)
    yield outruns(what, size, times, peer, at_least=1)


def prepare_margins(n: int) -> Callable[[], object]:
    """Make vectors, and return the computation."""
    x, y = languages(2, n, N_DIMENSIONS, noise=NOISE)
    return lambda: margin_retrieval(x, y, k=K)
