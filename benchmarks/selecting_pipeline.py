"""The whole of `select_data` on pools of ten sizes apart: read, embedded, chosen by seven methods and judged."""

import atexit
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.memory import can_measure, peak_memory
from benchmarks.rows import Row, seconds, skipped
from benchmarks.settings import Settings

WORDS, D, LANGUAGES, ROWS_PER_FILE = 20_000, 256, ("eng_Latn", "deu_Latn", "swh_Latn", "tam_Taml", "tur_Latn"), 50_000
COMPARED = "random,mig,mdaq,laser,deita,round_robin"


def rows(settings: Settings) -> Iterator[Row]:
    """Time a pool and one ten times as large, embedded and not, and take the memory of the larger."""
    few, many = (settings.choose(n, n // 20) for n in (100_000, 1_000_000))
    taken = [_times(n) for n in (few, many)]
    for place, what in enumerate(("select, transport and six others", "the same, embedded before")):
        grown = float(np.log10(taken[1][place] / taken[0][place]))
        size = f"{many:,} rows x {D}, budget {many // 100:,}"
        told = [seconds(times[place]) for times in taken]
        yield Row(f"{what}: time ~ n^{grown:.2f}", size, told[1], f"{few:,} rows", told[0])
    if can_measure():
        peak = peak_memory("benchmarks.selecting_pipeline", "prepare", many)
        yield Row("the same at its peak", f"{many:,} rows x {D}", f"{peak.beyond_gb:.2f} GB", "", "")
    else:
        yield skipped("select at its peak", "this system does not tell a process its peak")


def _times(n: int) -> tuple[float, float]:
    """Seconds of a first run and of a second, for which every row has its vector."""
    with tempfile.TemporaryDirectory() as folder:
        call, found = prepare(n, folder), []
        for _ in range(2):
            started = time.perf_counter()
            call()
            found.append(time.perf_counter() - started)
    return found[0], found[1]


def prepare(n: int, folder: str = "") -> Callable[[], object]:
    """Write a pool and a model that only looks words up, so that what is measured is not the model."""
    from xalign import select_data

    home = Path(folder or tempfile.mkdtemp())
    if not folder:
        atexit.register(shutil.rmtree, home)
    _write_pool(home / "pool", n)
    _save_model(home / "model")
    return partial(
        select_data, home / "pool", f"lang:{LANGUAGES[2]},{LANGUAGES[3]}", n // 100, compare=COMPARED,
        model=home / "model", quality="column:score", quotas="target", sidecars=home / "sidecars", progress=False,
    )  # fmt: skip


def _write_pool(folder: Path, n: int) -> None:
    """Rows of a dozen words, those of one topic in ten drawn from a few hundred."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for start in range(0, n, ROWS_PER_FILE):
        size = min(ROWS_PER_FILE, n - start)
        words = (rng.integers(0, WORDS // 50, (size, 12)) + rng.integers(0, 49, (size, 1)) * (WORDS // 50)).tolist()
        scores = rng.random(size).tolist()
        with (folder / f"part-{start:08d}.jsonl").open("w", encoding="utf-8") as file:
            for place, (row, score) in enumerate(zip(words, scores, strict=True), start=start):
                text = " ".join(f"w{word}" for word in row)
                language = LANGUAGES[place % len(LANGUAGES)]
                file.write(json.dumps({"id": place, "language": language, "text": text, "score": score}) + "\n")


def _save_model(folder: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({f"w{word}": word for word in range(WORDS)}, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    rng = np.random.default_rng(1)
    topics = np.repeat(rng.standard_normal((50, D)), WORDS // 50, axis=0)
    weights = (topics + 2 * rng.standard_normal((WORDS, D))).astype(np.float32)
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu").save(str(folder))
