"""Neurons: what counting how often they fire adds to a forward pass, and what judging them costs a report."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.encoding import BATCH_TOKENS, bare_loop
from benchmarks.memory import can_measure, peak_memory
from benchmarks.rows import Row, costs, lasts, skipped, stays_under
from benchmarks.settings import Settings
from benchmarks.text import parallel_text
from benchmarks.timing import in_turn, wall_and_processor_seconds
from probes.expertise import ExpertisePreparation
from probes.judging import draw_resamples
from probes.language_judging import PreparedLanguages
from probes.language_ownership import OwnershipPreparation
from xalign import load_encoder

N_NEURONS, N_DRAWS = 1024, 200
MEMORY_GB = 2.5


def rows(settings: Settings) -> Iterator[Row]:
    """Measure counting on the embedded model, then both judged measures of neurons at two sizes."""
    yield from _counting(settings)
    yield from _judging(24, 100, 0.5, settings)
    if not settings.quick:
        yield from _judging(205, 1004, 20, settings)
    yield from _memory(settings.choose(205, 60))


def _counting(settings: Settings) -> Iterator[Row]:
    encoder = load_encoder(dtype="float32", device="cpu")
    corpus, (sentences,) = parallel_text(settings.data, ["deu_Latn"], limit=settings.choose(300, 100))
    options = {"batch_tokens": BATCH_TOKENS, "progress": False}
    bare, encoded = in_turn(
        lambda: encoder.count_firing(sentences, **options),
        bare_loop(encoder, sentences),
        lambda: encoder.encode(sentences, neurons=("nas", "nav", "share", "max"), **options),
        repeats=settings.choose(15, 5),
    )
    size = f"{len(sentences)} German sentences of {corpus}, {encoder.n_layers} x {encoder.n_neurons} neurons"
    yield costs("counting firing neurons", size, bare, "bare forward passes over the same batches", at_most=1.15)
    yield costs("counting firing neurons", size, encoded, "encoding with all four neuron statistics")


def _judging(n_languages: int, n: int, under_s: float, settings: Settings) -> Iterator[Row]:
    size = f"{n_languages} x {n} x {N_NEURONS}, one layer"
    total_wall = total_processor = 0.0
    for name, run in zip(("LAPE", "expertise"), judged(n_languages, n), strict=True):
        wall, processor = wall_and_processor_seconds(run, repeats=settings.choose(3, 1))
        total_wall, total_processor = total_wall + wall, total_processor + processor
        yield lasts(f"judging {name}, {N_DRAWS} + {N_DRAWS}", size, wall, processor, under_s=under_s)
    yield lasts("judging both", size, total_wall, total_processor, under_s=under_s)


def _memory(n_languages: int) -> Iterator[Row]:
    if not can_measure():
        yield skipped("memory of judging neurons", "this system has no /proc")
        return
    for name in ("prepare_ownership", "prepare_expertise"):
        peak = peak_memory("benchmarks.neurons", name, n_languages, 1004)
        size = f"{n_languages} x 1004 x {N_NEURONS}; {peak.inputs_gb:.2f} GB are the responses"
        yield stays_under(f"memory, {name.removeprefix('prepare_')}", size, peak.total_gb, MEMORY_GB, "GB")


def judged(n_languages: int, n: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return the judging of LAPE and of expertise, on firing that differs a little between languages."""
    return prepare_ownership(n_languages, n), prepare_expertise(n_languages, n)


def prepare_ownership(n_languages: int, n: int) -> Callable[[], object]:
    """Make shares of firing tokens, and return their judging."""
    rng = np.random.default_rng(0)
    tokens = {str(k): rng.integers(15, 60, n) for k in range(n_languages)}
    rate = rng.beta(1, 4, N_NEURONS)
    shares = {k: _fired(rng, rate, numbers[:, None]) for k, numbers in tokens.items()}
    return lambda: judge(OwnershipPreparation().of(shares, n_tokens=tokens), n)


def _fired(rng: np.random.Generator, rate: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    moved = np.clip(rate + 0.05 * rng.standard_normal(rate.size), 0, 1)
    return (rng.binomial(tokens, moved) / tokens).astype(np.float32)


def prepare_expertise(n_languages: int, n: int) -> Callable[[], object]:
    """Make largest activations, and return their judging."""
    rng = np.random.default_rng(0)
    said = rng.standard_normal((n, N_NEURONS), dtype=np.float32)
    x = {}
    for k in range(n_languages):
        x[str(k)] = rng.standard_normal(said.shape, dtype=np.float32)
        x[str(k)] += said
    return lambda: judge(ExpertisePreparation().of(x), n)


def judge(prepared: PreparedLanguages, n: int) -> None:
    """Take scores, null and resamples, as a report does."""
    prepared.scores  # noqa: B018 - what is timed
    prepared.null(N_DRAWS)
    prepared.resampled(draw_resamples(n, N_DRAWS))
