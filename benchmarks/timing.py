"""Times that can be compared on a busy machine: ours and the reference in turn, the median of the ratios."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import threadpoolctl
import torch


@dataclass(frozen=True)
class Times:
    """Medians over rounds in which both were timed.

    Attributes:
        ours_s: Our seconds.
        theirs_s: The reference's seconds.
        ratio: The median over rounds of ours / theirs, which is not the ratio of the medians.
    """

    ours_s: float
    theirs_s: float
    ratio: float

    def scaled(self, theirs: float) -> "Times":
        """Return the same with the reference's time multiplied: a sample told as the whole."""
        return Times(self.ours_s, self.theirs_s * theirs, self.ratio / theirs)


def in_turn(ours: Callable[[], object], *others: Callable[[], object], repeats: int, warm: bool = True) -> list[Times]:
    """Time our call and then each other one, round after round.

    Args:
        ours: The call that is measured.
        others: What it is compared with.
        repeats: How many rounds.
        warm: Begin with one untimed round.

    Returns:
        Our times beside those of each other call.
    """
    calls = [ours, *others]
    if warm:
        for call in calls:
            call()
    rounds = [[seconds_of(call) for call in calls] for _ in range(repeats)]
    return [_beside(rounds, i) for i in range(1, len(calls))]


def _beside(rounds: list[list[float]], i: int) -> Times:
    return Times(median(r[0] for r in rounds), median(r[i] for r in rounds), median(r[0] / r[i] for r in rounds))


def side_by_side(ours: Callable[[], object], theirs: Callable[[], object], *, repeats: int, warm: bool = True) -> Times:
    """Time two calls in turn; as `in_turn` with one other."""
    return in_turn(ours, theirs, repeats=repeats, warm=warm)[0]


def wall_and_processor_seconds(call: Callable[[], object], *, repeats: int) -> tuple[float, float]:
    """Return the median time of a call after one untimed call, and the processor time all its threads took.

    On a busy machine the two part: the second still says what the call costs.
    """
    call()
    rounds = [_wall_and_processor(call) for _ in range(repeats)]
    return median(wall for wall, _ in rounds), median(processor for _, processor in rounds)


def _wall_and_processor(call: Callable[[], object]) -> tuple[float, float]:
    started = time.process_time()
    wall = seconds_of(call)
    return wall, time.process_time() - started


def seconds_of(call: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


@contextlib.contextmanager
def threads_set(n: int) -> Iterator[None]:
    """Give torch and every loaded BLAS and OpenMP library n threads.

    Libraries that are loaded later take the number from the environment, which `benchmarks.__main__` sets.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        with threadpoolctl.threadpool_limits(limits=n):
            yield
    finally:
        torch.set_num_threads(before)
