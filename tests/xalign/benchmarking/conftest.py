"""Quick runs on a few languages of the embedded corpus."""

from collections.abc import Callable
from pathlib import Path

import pytest

from xalign.benchmarking import Retrieval, benchmark
from xalign.corpora import load_corpus

QUIET = {"progress": False, "n_permutations": 19, "n_resamples": 20}


@pytest.fixture(scope="session")
def quiet() -> dict[str, object]:
    """Options that make a run short."""
    return dict(QUIET)


@pytest.fixture(scope="session")
def run_once() -> Callable[..., Retrieval]:
    """Run on German, Swahili and Yoruba against English; the same options give the same result object."""
    made: dict[str, Retrieval] = {}

    def run(**options: object) -> Retrieval:
        key = repr(sorted(options.items()))
        if key not in made:
            made[key] = benchmark(None, None, **({"languages": ["deu", "swh", "yor"]} | QUIET | options))
        return made[key]

    return run


@pytest.fixture(scope="session")
def tatoeba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two bitexts in Tatoeba's layout."""
    data = tmp_path_factory.mktemp("data")
    (data / "tatoeba").mkdir()
    text = load_corpus(languages=["eng", "deu", "swh"])
    for spelled, code in (("deu", "deu_Latn"), ("swh", "swh_Latn")):
        for side, language in ((spelled, code), ("eng", "eng_Latn")):
            lines = "".join(f"{sentence}\n" for sentence in text.sentences[language][:40])
            (data / "tatoeba" / f"tatoeba.{spelled}-eng.{side}").write_text(lines, encoding="utf-8")
    return data
