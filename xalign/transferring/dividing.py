"""Which sentences train the topic probe, which test it, which choose the layer, and which the other probes score."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from xalign.corpora import ParallelCorpus
from xalign.errors import CorpusError

SPLITS = ("train", "dev", "test")
N_FOLDS = 5
FEWEST = 2
"""Training sentences a topic must have, so that folds can choose a penalty."""


@dataclass(frozen=True)
class Division:
    """Which sentences serve for what; rows of the corpus.

    Attributes:
        folds: Rows to train on, and rows to test on; one pair where the corpus has splits.
        choosing: Rows whose accuracy in the pivot chooses the layer; None for the tested rows.
        probed: Rows that probes score: neither trained on nor tested where the corpus has splits, else all.
        words: What it is, for a reader.
    """

    folds: tuple[tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]], ...]
    choosing: Int[np.ndarray, " dev"] | None
    probed: Int[np.ndarray, " probed"]
    words: str

    @property
    def tested(self) -> Int[np.ndarray, " tested"]:
        """All rows that are tested, fold after fold."""
        return np.concatenate([test for _, test in self.folds])


def divide(corpus: ParallelCorpus, *, seed: int) -> Division:
    """Take the corpus' own splits train, dev and test; without any, five folds over all sentences.

    Args:
        corpus: Sentences with topics.
        seed: Of the folds.

    Raises:
        CorpusError: If rows have no topics, a split is missing, or a topic has too few sentences to be learnt.
    """
    if corpus.labels is None:
        raise CorpusError(
            f"corpus {corpus.name} must have a topic for each sentence to train on; give one with a column of labels, "
            "such as FLORES-200 with the topics of SIB-200"
        )
    division = _in_folds(corpus, seed) if corpus.splits is None else _as_split(corpus, corpus.splits)
    for train, test in division.folds:
        _require_learnable(corpus.name, [corpus.labels[row] for row in train], [corpus.labels[row] for row in test])
    return division


def count_leaks(texts: Sequence[str], division: Division) -> int:
    """Count tested sentences whose text also stands among those that their probe was trained on."""
    return sum(
        texts[row] in trained
        for train, test in division.folds
        for trained in [{texts[row] for row in train}]
        for row in test
    )


def _as_split(corpus: ParallelCorpus, splits: Sequence[str]) -> Division:
    train, dev, test = (np.flatnonzero(np.array(splits) == split) for split in SPLITS)
    lacking = [split for split, rows in zip(SPLITS, (train, dev, test), strict=True) if rows.size < N_FOLDS]
    if lacking:
        have = ", ".join(sorted(set(splits)))
        raise CorpusError(
            f"corpus {corpus.name} must have {N_FOLDS} sentences in each of the splits train, dev and test, lacks "
            f"{', '.join(lacking)}; it has {have}. Load it whole, or without splits"
        )
    words = (
        f"trained on {train.size} sentences (train), tested on {test.size} others (test); layer chosen and probes "
        f"scored on {dev.size} more (dev)"
    )
    return Division(((train, test),), dev, dev, words)


def _in_folds(corpus: ParallelCorpus, seed: int) -> Division:
    from sklearn.model_selection import StratifiedKFold

    labels = np.array(corpus.labels)
    names, counts = np.unique(labels, return_counts=True)
    if counts.min() < N_FOLDS:
        raise CorpusError(
            f"corpus {corpus.name} must have {N_FOLDS} sentences of every topic where it has no splits, got "
            f"{counts.min()} of {str(names[counts.argmin()])!r}; give more, or splits train, dev and test"
        )
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(labels, labels)
    words = (
        f"{N_FOLDS} folds over {labels.size} sentences, each tested once by a topic probe trained on the others; the "
        "layer is chosen, and probes are scored, on these same sentences"
    )
    return Division(tuple(folds), None, np.arange(labels.size), words)


def _require_learnable(name: str, trained: Sequence[str], tested: Sequence[str]) -> None:
    topics, counts = np.unique(trained, return_counts=True)
    if topics.size < 2:
        raise CorpusError(f"corpus {name} must have at least 2 topics among its training sentences, got {topics[0]!s}")
    unknown = sorted(set(tested) - set(topics.tolist()))
    rare = [*unknown, *(str(topic) for topic in topics[counts < FEWEST])]
    if rare:
        raise CorpusError(
            f"corpus {name} must have {FEWEST} training sentences of every topic, has fewer of {', '.join(rare)}; "
            "give more of them, or leave their sentences out"
        )
