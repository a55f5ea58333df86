"""Retrieval beside what people use: LASER's margin procedure on faiss, sentence-transformers' TranslationEvaluator."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rows import Row, agrees, costs, outruns, skipped
from benchmarks.settings import Settings
from benchmarks.text import parallel_text
from benchmarks.timing import side_by_side
from benchmarks.vectors import languages
from probes import margin_retrieval, retrieval_accuracy
from xalign import Encoder, load_encoder

N_DIMENSIONS, K = 768, 4


def rows(settings: Settings) -> Iterator[Row]:
    """Measure agreement and time with each peer that is installed."""
    yield from _margin_rows(settings)
    yield from _translation_rows(settings)


def _margin_rows(settings: Settings) -> Iterator[Row]:
    n = settings.choose(10_000, 3_000)
    x, y = languages(2, n, N_DIMENSIONS, noise=0.9)
    what, size = "margin retrieval beside faiss", f"{n} x {n} x {N_DIMENSIONS}, k = {K}, ratio"
    try:
        theirs = faiss_margin_errors(x, y, settings.threads)
    except ImportError as error:
        yield skipped(what, str(error))
        return
    ours = margin_retrieval(x, y, k=K).n_errors
    yield agrees(f"{what}: errors", size, [ours], "LASER's procedure on faiss-cpu", [theirs], within=0)
    times = side_by_side(
        lambda: margin_retrieval(x, y, k=K),
        lambda: faiss_margin_errors(x, y, settings.threads),
        repeats=settings.choose(3, 2),
        warm=False,
    )
    yield outruns(what, size, times, "LASER's procedure on faiss-cpu")


def faiss_margin_errors(x: np.ndarray, y: np.ndarray, threads: int) -> int:
    """Count the rows of `x` whose best margin among their k nearest is not their translation's, by exact search."""
    faiss: Any = importlib.import_module("faiss")
    faiss.omp_set_num_threads(threads)
    x, y = x.copy(), y.copy()
    faiss.normalize_L2(x)
    faiss.normalize_L2(y)
    forward, candidates = _nearest(faiss, x, y)
    backward, _ = _nearest(faiss, y, x)
    around = (forward.mean(axis=1)[:, None] + backward.mean(axis=1)[candidates]) / 2
    best = np.argmax(forward / around, axis=1)
    return int(np.sum(candidates[np.arange(len(x)), best] != np.arange(len(x))))


def _nearest(faiss: Any, queries: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    index = faiss.IndexFlatIP(candidates.shape[1])
    index.add(candidates)
    return index.search(queries, K)


def _translation_rows(settings: Settings) -> Iterator[Row]:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import TranslationEvaluator

    import xalign.embedded

    corpus, texts = parallel_text(settings.data, ["eng_Latn", "deu_Latn"], limit=settings.choose(1004, 200))
    folder = Path(xalign.embedded.__file__).parent / "model"
    peer = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": "float32"})
    encoder = load_encoder(dtype="float32", device="cpu")
    evaluator = TranslationEvaluator(*texts, write_csv=False)
    theirs = evaluator(peer)
    ours = _accuracies(encoder, texts)
    what, size = "P@1 beside TranslationEvaluator", f"{len(texts[0])} English-German pairs of {corpus}, {encoder.name}"
    reference = "sentence-transformers"
    yield agrees(what, size, ours, reference, [theirs["src2trg_accuracy"], theirs["trg2src_accuracy"]], within=1e-9)
    times = side_by_side(
        lambda: _accuracies(encoder, texts), lambda: evaluator(peer), repeats=settings.choose(3, 2), warm=False
    )
    yield costs(f"{what}, encoding included", size, times, reference)


def _accuracies(encoder: Encoder, texts: list[list[str]]) -> list[float]:
    last = encoder.n_layers
    x, y = (encoder.encode(text, layers=[last], progress=False).layer(last) for text in texts)
    found = retrieval_accuracy(x, y)
    return [found.forward, found.backward]
