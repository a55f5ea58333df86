"""Labelled sentences by split and language, with wrong labels and near-duplicates planted in those to choose from."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from benchmarks.data_selection.settings import COPIES, COPY_SHARE, WRONG_SHARE
from xalign.corpora import ParallelCorpus, load_corpus
from xalign.errors import CorpusError

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Labelled:
    """Sentences of one split, with a label each; in parallel data, row i of every language says the same."""

    texts: Mapping[str, Sequence[str]]
    labels: Mapping[str, Sequence[str]]


@dataclass(frozen=True, eq=False)
class Planted:
    """What was planted in rows.

    Attributes:
        labels: Of every row, the copies at the end; some are wrong.
        wrong: Which.
        origin: The row that each is a copy of; its own number where it is none.
        copies: The texts of the copies.
    """

    labels: np.ndarray
    wrong: Bool[np.ndarray, " n"]
    origin: Int[np.ndarray, " n"]
    copies: tuple[str, ...]

    def take(self, rows: Int[np.ndarray, " m"]) -> "Planted":
        """Return the same of some rows, in the order given; the copies' texts stay."""
        return Planted(self.labels[rows], self.wrong[rows], self.origin[rows], self.copies)


def read_flores(data: Path) -> dict[str, Labelled]:
    """Read FLORES-200 in all languages with the topics of SIB-200, by split."""
    corpus = load_corpus(data / "flores200", progress=False)
    if not isinstance(corpus, ParallelCorpus):
        raise CorpusError(f"{data / 'flores200'} must be parallel throughout, got a {type(corpus).__name__}")
    parts = {split: corpus.in_split(split) for split in SPLITS}
    return {
        split: Labelled(part.sentences, dict.fromkeys(part.languages, part.labels or ()))
        for split, part in parts.items()
    }


def read_nusax(data: Path) -> dict[str, Labelled]:
    """Read NusaX' sentiments in all languages, by split."""
    folders = sorted(path for path in (data / "nusax" / "sentiment").iterdir() if path.is_dir())
    files = dict(zip(SPLITS, ("train.csv", "valid.csv", "test.csv"), strict=True))
    found = {}
    for split, name in files.items():
        rows = {folder.name: list(_lines(folder / name)) for folder in folders}
        texts, labels = (
            {language: [row[column] for row in own] for language, own in rows.items()} for column in ("text", "label")
        )
        found[split] = Labelled(texts, labels)
    return found


def plant(texts: Sequence[str], labels: Sequence[str], *, seed: int = 0) -> Planted:
    """Copy some rows several times, each time less one word, and then give a share of all rows a wrong label.

    Args:
        texts: Of the rows.
        labels: Of the rows.
        seed: Of what is drawn.

    Returns:
        Labels and origins of the rows and, after them, of the copies.
    """
    rng = np.random.default_rng(seed)
    n_origins = round(COPY_SHARE * len(texts) / COPIES)
    origins = np.repeat(np.sort(rng.choice(len(texts), n_origins, replace=False)), COPIES)
    copies = tuple(_without_a_word(texts[row], i % COPIES) for i, row in enumerate(origins.tolist()))
    origin = np.concatenate([np.arange(len(texts)), origins])
    known = np.array(labels)[origin]
    names = np.unique(known)
    wrong = np.zeros(len(known), dtype=bool)
    wrong[rng.choice(len(known), round(WRONG_SHARE * len(known)), replace=False)] = True
    places = np.searchsorted(names, known)
    shifts = rng.integers(1, len(names), len(known))
    return Planted(np.where(wrong, names[(places + shifts) % len(names)], known), wrong, origin, copies)


def _without_a_word(text: str, i: int) -> str:
    """A text less its i-th word, or less its i-th letter where there are no more words."""
    words = text.split()
    if i < len(words) > 1:
        return " ".join([*words[:i], *words[i + 1 :]])
    return text[:i] + text[i + 1 :] if len(text) > i + 1 else text


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
