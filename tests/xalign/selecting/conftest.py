"""Small pools of real sentences, one folder of sidecars for the session, and a model that costs nothing."""

import inspect
import json
import subprocess
import sys
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import xalign.selecting.models.embedders
import xalign.selecting.phases.embedding
import xalign.selecting.phases.mapping
import xalign.selecting.results.describing
from xalign.corpora import load_corpus
from xalign.selecting import select_data
from xalign.selecting.models.embedders import Embedder

LANGUAGES = ("eng_Latn", "deu_Latn", "swh_Latn", "tam_Taml")


def make_rows(languages=LANGUAGES, n=12):
    """Rows of id, language, text, score and labels; row k of each language translates row k of the others."""
    corpus = load_corpus(languages=list(languages)).take(n)
    return [
        {
            "id": f"{language[:3]}-{row}",
            "language": language,
            "text": corpus.sentences[language][row],
            "score": float((7 * row + 3 * place) % 11),
            "labels": [corpus.labels[row], "all"],
            "topic": corpus.labels[row],
        }
        for place, language in enumerate(languages)
        for row in range(n)
    ]


def save_jsonl(path: Path, rows) -> Path:
    """A JSON object a line; a row that is text already stands as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def write_jsonl():
    """The writer of JSON lines."""
    return save_jsonl


@pytest.fixture(scope="session")
def rows():
    """48 rows: 12 of each of four languages."""
    return make_rows()


@pytest.fixture(scope="session")
def pool(rows, tmp_path_factory) -> Path:
    """The rows as one file of JSON lines."""
    return save_jsonl(tmp_path_factory.mktemp("pool") / "pool.jsonl", rows)


@pytest.fixture(scope="session")
def target(rows, tmp_path_factory) -> Path:
    """Six of the English rows and six of the Swahili ones."""
    chosen = [{"text": row["text"], "language": row["language"]} for row in [*rows[:6], *rows[24:30]]]
    return save_jsonl(tmp_path_factory.mktemp("target") / "target.jsonl", chosen)


def letters(texts):
    """Vectors that count pairs of letters, by hash; a text with the word zero is nowhere."""
    found = np.zeros((len(texts), 24), dtype=np.float32)
    for place, text in enumerate(texts):
        for pair in pairwise(text):
            found[place, zlib.crc32("".join(pair).encode()) % 24] += 1
        if "zero" in text:
            found[place] = 0
    return found


QUICKLY = """
arguments = json.loads(sys.argv[1])
slow, patience = arguments.pop("slow", 0), arguments.pop("patience", 0)


def embed_quickly(task):
    time.sleep(slow)  # so that there is time to be killed between two shards
    embedding.load_embedder = load_letters
    return embedding.embed_shard(task)


def load_letters(_):
    return embedding.Embedder("letters", "letters", 24, lambda texts: (letters(texts), 0))


if __name__ == "__main__":
    mapping.load_embedder = describing.load_embedder = load_letters
    mapping.embed_shard = embed_quickly
    if patience:
        import ray

        start = ray.init

        def start_soon(**options):  # a machine on which Ray cannot start would wait for minutes
            signal.alarm(patience)
            start(**options)
            signal.alarm(0)

        ray.init = start_soon
    select_data(**arguments, budget=10, n_draws=2, device="cpu", method="round_robin", progress=False)
"""


@pytest.fixture(scope="session")
def start_quickly(tmp_path_factory):
    """Start `select_data` with the quick model as a process of its own; other processes that it starts have it too."""
    imports = (
        "import json, signal, sys, time, zlib", "from itertools import pairwise", "import numpy as np",
        "import xalign.selecting.results.describing as describing",
        "import xalign.selecting.phases.embedding as embedding",
        "import xalign.selecting.phases.mapping as mapping", "from xalign.selecting import select_data",
    )  # fmt: skip
    script = tmp_path_factory.mktemp("script") / "run.py"
    script.write_text("\n".join([*imports, inspect.getsource(letters), QUICKLY]), encoding="utf-8")

    def start(**arguments):
        told = json.dumps(arguments, default=str)
        return subprocess.Popen([sys.executable, script, told], stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def quick_model(monkeypatch):
    """A model that counts letters instead of reading, in this process."""
    counted = Embedder("letters", "letters", 24, lambda texts: (letters(texts), 0))
    for module in (
        xalign.selecting.models.embedders,
        xalign.selecting.results.describing,
        xalign.selecting.phases.embedding,
        xalign.selecting.phases.mapping,
    ):
        monkeypatch.setattr(module, "load_embedder", lambda settings: counted)


@pytest.fixture(scope="session")
def sidecars(tmp_path_factory) -> Path:
    """One folder for all tests: a sentence is embedded once."""
    return tmp_path_factory.mktemp("sidecars")


@pytest.fixture(scope="session")
def select(sidecars):
    """`select_data` with few draws, small shards and the session's sidecars."""

    def run(pool, target=None, budget=12, **arguments):
        fast = {"n_draws": 3, "shard_rows": 20, "sidecars": sidecars, "device": "cpu", "progress": False}
        return select_data(pool, target, budget, **(fast | arguments))

    return run


@pytest.fixture
def make_pool(tmp_path):
    """Compact arrays around made vectors, without files of text; languages are called l0, l1, ..."""
    from xalign.selecting.material.compact import PoolArrays
    from xalign.selecting.material.matrices import ShardedMatrix

    def make(vectors, *, languages=None, texts=None, tags=None, quality=None, categories=None, n_shards=1):
        n = len(vectors)
        parts = np.array_split(np.asarray(vectors, dtype=np.float32), n_shards)
        paths = tuple(tmp_path / f"{place}.npy" for place in range(n_shards))
        for path, part in zip(paths, parts, strict=True):
            np.save(path, part)
        codes = np.zeros(n, dtype=np.int32) if languages is None else np.asarray(languages, dtype=np.int32)
        return PoolArrays(
            shards=(),
            vectors=ShardedMatrix(paths, tuple(np.ones(len(part), dtype=bool) for part in parts), parts[0].shape[1]),
            places=np.arange(n),
            lines=np.arange(n),
            lengths=np.arange(1, n + 1)[::-1].copy(),
            texts=np.arange(n, dtype=np.uint64) if texts is None else np.asarray(texts, dtype=np.uint64),
            languages=codes,
            language_names=tuple(f"l{code}" for code in range(int(codes.max()) + 1)),
            quality=quality,
            tags=tags,
            labels=(),
            categories=categories,
            faults=(),
        )

    return make


@pytest.fixture
def make_space_of(make_pool, tmp_path):
    """A space of made vectors and targets."""
    from xalign.selecting.material.spaces import make_space
    from xalign.selecting.material.targets import Target

    def make(vectors, target, *, spoken=None, align=False, **arguments):
        languages = tuple(spoken or ["l0"] * len(target))
        places = tuple(f"t{place}" for place in range(len(target)))
        wanted = Target(np.asarray(target, dtype=np.float32), languages, places, "made")
        return make_space(make_pool(vectors, **arguments), wanted, align=align, folder=tmp_path / "joined")

    return make
