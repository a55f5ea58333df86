"""Which sentences a model is realigned on, which watch the training, and which measure what it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xalign.corpora import BitextCorpus, Corpus, ParallelCorpus
from xalign.corpora.parallel import MINIMUM_SENTENCES
from xalign.errors import CorpusError

TRAIN, DEV, TEST = SPLITS = ("train", "dev", "test")
SHARES = (0.7, 0.1, 0.2)
FEWEST = 20
"""Rows a corpus without splits must have, so that 4 are left to watch and 4 to measure on."""


@dataclass(frozen=True)
class Division:
    """A corpus whose every row has a split.

    Attributes:
        corpus: The whole of it.
        fingerprint: Of the text as it was given.
        words: What serves for what, for a reader.
        is_given: Whether the splits are the corpus' own.
        n_leaks: Measured rows whose pivot text also stands among those trained on.
    """

    corpus: Corpus
    fingerprint: str
    words: str
    is_given: bool
    n_leaks: int

    @property
    def train(self) -> Corpus:
        """What the model is realigned on."""
        return self.part(TRAIN)

    @property
    def dev(self) -> Corpus:
        """What watches the training."""
        return self.part(DEV)

    @property
    def test(self) -> Corpus:
        """What is measured before and after."""
        return self.part(TEST)

    def fewest(self, split: str) -> int:
        """Return how many rows of a split there are: of bitexts, in the smallest."""
        return min(_count(bitext, split) for bitext in _parts(self.corpus).values())

    def part(self, split: str) -> Corpus:
        """Return the rows of one split."""
        return _each(self.corpus, lambda bitext: bitext.in_split(split))


def divide(corpus: Corpus, *, pivot: str, seed: int) -> Division:
    """Take the corpus' own splits train, dev and test; without all three, deal its rows out at random.

    Random rows go 70, 10 and 20 % to the three, topic by topic where there are topics, so that each split has its share
    of each.

    Args:
        corpus: The sentences; of bitexts, each is divided by itself.
        pivot: The language whose texts are searched for repeats.
        seed: Of the dealing.

    Raises:
        CorpusError: If a split has fewer than 4 rows, or a corpus without splits fewer than 20.
    """
    bitexts, fingerprint = _parts(corpus), corpus.fingerprint
    given = all(_has_splits(bitext) for bitext in bitexts.values())
    if not given:
        corpus = _each(corpus, lambda bitext: _deal(bitext, seed))
        bitexts = _parts(corpus)
    sizes = {split: [_count(bitext, split) for bitext in bitexts.values()] for split in SPLITS}
    _require_enough(sizes, bitexts, corpus.name)
    n_leaks = sum(_count_leaks(bitext, pivot) for bitext in bitexts.values())
    return Division(corpus, fingerprint, _describe(sizes, given=given, seed=seed), given, n_leaks)


def _parts(corpus: Corpus) -> Mapping[str, ParallelCorpus]:
    return corpus.bitexts if isinstance(corpus, BitextCorpus) else {corpus.name: corpus}


def _each(corpus: Corpus, change: Callable[[ParallelCorpus], ParallelCorpus]) -> Corpus:
    """Change a corpus, or each bitext of a set."""
    if isinstance(corpus, BitextCorpus):
        return replace(corpus, bitexts={language: change(bitext) for language, bitext in corpus.bitexts.items()})
    return change(corpus)


def _has_splits(corpus: ParallelCorpus) -> bool:
    return corpus.splits is not None and set(SPLITS) <= set(corpus.splits)


def _deal(corpus: ParallelCorpus, seed: int) -> ParallelCorpus:
    """Give every row a split, evenly within each topic and exactly over all."""
    if corpus.n < FEWEST:
        raise CorpusError(
            f"corpus {corpus.name} must have {FEWEST} sentences to be divided into train, dev and test, got "
            f"{corpus.n}; give more, or splits train, dev and test"
        )
    rng = np.random.default_rng(seed)
    topics = np.unique(corpus.labels, return_inverse=True)[1] if corpus.labels is not None else np.zeros(corpus.n)
    order = np.lexsort((rng.random(corpus.n), topics))
    splits = np.empty(corpus.n, dtype=object)
    splits[order] = _pattern(corpus.n)
    return replace(corpus, splits=tuple(splits.tolist()))


def _pattern(n: int) -> list[str]:
    """Name n splits in their shares, each spread as evenly as can be, so that any stretch has its share of each."""
    held_out = [max(MINIMUM_SENTENCES, round(share * n)) for share in SHARES[1:]]
    sizes = [n - sum(held_out), *held_out]
    places = [((i + 0.5) / size, split) for split, size in zip(SPLITS, sizes, strict=True) for i in range(size)]
    return [split for _, split in sorted(places)]


def _count(corpus: ParallelCorpus, split: str) -> int:
    return (corpus.splits or ()).count(split)


def _require_enough(sizes: Mapping[str, Sequence[int]], bitexts: Mapping[str, ParallelCorpus], name: str) -> None:
    for split, counts in sizes.items():
        for part, n in zip(bitexts, counts, strict=True):
            if n < MINIMUM_SENTENCES:
                where = f" in bitext {part}" if part != name else ""
                raise CorpusError(
                    f"corpus {name} must have at least {MINIMUM_SENTENCES} sentences in its split {split}{where}, got "
                    f"{n}; give more, or leave the splits out to have the rows divided at random"
                )


def _count_leaks(corpus: ParallelCorpus, pivot: str) -> int:
    if pivot not in corpus.sentences:
        return 0
    rows = list(zip(corpus.splits or (), corpus.sentences[pivot], strict=True))
    trained = {text for split, text in rows if split == TRAIN}
    return sum(text in trained for split, text in rows if split == TEST)


def _describe(sizes: Mapping[str, Sequence[int]], *, given: bool, seed: int) -> str:
    train, dev, test = (_range(sizes[split]) for split in SPLITS)
    how = "the corpus' own splits" if given else f"random rows, 70, 10 and 20 %, seed {seed}"
    each = " each" if len(sizes[TRAIN]) > 1 else ""
    return f"realigned on {train} sentences{each}, watched on {dev}, measured on {test} others ({how})"


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
