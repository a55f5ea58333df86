"""What a null and an interval cost beside the score they judge: 200 permutations and 200 bootstraps."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.rows import Row, costs, lasts, seconds
from benchmarks.settings import Settings
from benchmarks.timing import side_by_side, wall_and_processor_seconds
from benchmarks.vectors import languages
from probes import average_neuronwise_correlation, linear_cka, mean_reciprocal_rank, retrieval_accuracy
from probes.cka_sides import CKASide
from probes.judging import Preparation, Prepared, draw_permutations, draw_resamples
from probes.retrieval import retrieval_statistics
from probes.retrieval_sides import retrieval_side
from probes.retrieval_statistics import RetrievalStatistics

N_SENTENCES, N_DIMENSIONS, N_DRAWS, N_LANGUAGES = 1004, 768, 200, 24
ORDERS = draw_permutations(N_SENTENCES, N_DRAWS)
COUNTS = draw_resamples(N_SENTENCES, N_DRAWS)


def rows(settings: Settings) -> Iterator[Row]:
    """Measure CKA and retrieval against their scores, and neuron-wise correlation against the clock."""
    stack = languages(settings.choose(N_LANGUAGES, 6), N_SENTENCES, N_DIMENSIONS, noise=1.0)
    x, y = stack[:2]
    size = f"{N_SENTENCES} x {N_DIMENSIONS}, one pair"
    for measure in (linear_cka, retrieval_accuracy, mean_reciprocal_rank):
        yield _one_pair(measure, x, y, size, settings)
    yield _pivot_with_many(stack, settings)
    yield _all_retrieval(x, y, size, settings)
    for absolute in (False, True):
        yield _correlation(x, y, size, absolute, settings)


def judge(prepared: Prepared) -> None:
    """Take the permuted and the resampled scores of what is prepared."""
    prepared.permuted(ORDERS)
    prepared.resampled(COUNTS)


def _one_pair(measure: Callable, x: np.ndarray, y: np.ndarray, size: str, settings: Settings) -> Row:
    prepared = measure.preparation().of(x, y)  # type: ignore[attr-defined]
    prepared.score  # noqa: B018 - kept by what is prepared, as a report does
    times = side_by_side(lambda: judge(prepared), lambda: measure(x, y), repeats=settings.repeats)
    name = measure.__name__
    return costs(f"judging {name}, {N_DRAWS} + {N_DRAWS}", size, times, "the score from the vectors", at_most=10)


def _pivot_with_many(stack: list[np.ndarray], settings: Settings) -> Row:
    preparation: Preparation = linear_cka.preparation()  # type: ignore[attr-defined]
    sides = [_with_gram(preparation.side(x)) for x in stack]

    def judged() -> None:
        preparation.permuted_many(sides[0], sides[1:], ORDERS)
        preparation.resampled_many(sides[0], sides[1:], COUNTS)

    def scored() -> None:
        fresh = [preparation.side(x) for x in stack]
        for side in fresh[1:]:
            preparation.pair(fresh[0], side).score  # noqa: B018 - what is timed

    times = side_by_side(judged, scored, repeats=settings.choose(3, 2))
    size = f"{N_SENTENCES} x {N_DIMENSIONS}, pivot with {len(stack) - 1}"
    return costs(f"judging CKA, {N_DRAWS} + {N_DRAWS}", size, times, "the scores from the vectors", at_most=10)


def _with_gram(side: CKASide) -> CKASide:
    side.self_similarity  # noqa: B018 - computed for the score, kept by the side
    return side


def _all_retrieval(x: np.ndarray, y: np.ndarray, size: str, settings: Settings) -> Row:
    statistics = retrieval_statistics(retrieval_side(x), retrieval_side(y), neighbours=10, ranks=True)
    measures = _measures(statistics)

    def judged() -> None:
        for measure in measures:
            judge(measure)

    def scored() -> None:
        fresh = retrieval_statistics(retrieval_side(x), retrieval_side(y), neighbours=10, ranks=True)
        for measure in _measures(fresh):
            measure.score  # noqa: B018 - what is timed

    times = side_by_side(judged, scored, repeats=settings.repeats)
    what = f"judging all retrieval measures, {N_DRAWS} + {N_DRAWS}"
    return costs(what, size, times, "the scores from the vectors", at_most=10)


def _measures(statistics: RetrievalStatistics) -> list[Prepared]:
    return [
        statistics.accuracy(),
        statistics.mutual(),
        statistics.reciprocal_rank(),
        statistics.strong(),
        statistics.csls(),
        statistics.margin(),
        statistics.gold(),
    ]


def _correlation(x: np.ndarray, y: np.ndarray, size: str, absolute: bool, settings: Settings) -> Row:
    preparation = average_neuronwise_correlation.preparation(absolute=absolute)  # type: ignore[attr-defined]
    prepared = preparation.of(x, y)
    wall, processor = wall_and_processor_seconds(lambda: judge(prepared), repeats=settings.repeats)
    what = f"judging ANC{' of |r|' if absolute else ''}, {N_DRAWS} + {N_DRAWS}"
    if absolute:
        return Row(what, size, seconds(wall), "its processor time", seconds(processor))
    return lasts(what, size, wall, processor, under_s=0.1)
