"""Real sentences: FLORES-200 where it lies, else the embedded corpus."""

from collections.abc import Sequence
from pathlib import Path

from xalign import ParallelCorpus, load_corpus

FLORES = "flores200"


def parallel_text(data: Path, languages: Sequence[str], *, limit: int | None = None) -> tuple[str, list[list[str]]]:
    """Return the name of a corpus, and its sentences in each language."""
    found = (data / FLORES).is_dir()
    corpus = load_corpus(data / FLORES if found else None, languages=languages, limit=limit)
    if not isinstance(corpus, ParallelCorpus):
        raise TypeError(f"{data / FLORES} must be parallel throughout, got a {type(corpus).__name__}")
    return "FLORES-200" if found else corpus.name, [list(corpus.sentences[language]) for language in languages]
