"""A parallel corpus: row i of every language says the same."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from xalign.corpora.duplicates import count_duplicates, duplicate_labels
from xalign.corpora.notes import describe_corpus, notes_of
from xalign.corpora.selecting import first_rows, pick_languages, pivot_among
from xalign.errors import CorpusError

MINIMUM_SENTENCES = 4


class Pair(NamedTuple):
    """Two languages, row by row translations; the target is the pivot where there is one."""

    source: str
    target: str
    source_sentences: tuple[str, ...]
    target_sentences: tuple[str, ...]


@dataclass(frozen=True)
class ParallelCorpus:
    """n aligned sentences in several languages.

    Attributes:
        name: What the corpus is called in reports.
        sentences: The texts by language code, all of one length; row i translates row i.
        resolution: How each name in the source became a code.
        ids: What the source calls each row, if it says.
        labels: The topic of each row, if the source has one.
        splits: The split of each row, if the source has them.
        load_arguments: What `load_corpus` was asked for (`languages`, `limit`, `split`, `normalise`, `pivot`), as JSON
            can hold it; empty if built by hand. Neither equality nor the fingerprint counts it.

    Raises:
        CorpusError: If lengths differ, or there are fewer than 4 sentences.
    """

    name: str
    sentences: Mapping[str, tuple[str, ...]]
    resolution: Mapping[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None
    load_arguments: Mapping[str, object] = field(default_factory=dict, compare=False)

    is_multiparallel = True

    def __post_init__(self) -> None:
        """Refuse what is not parallel."""
        if not self.sentences:
            raise CorpusError(f"{self.name}: sentences must hold at least one language, got none")
        for what, values in self._rows().items():
            if len(values) != self.n:
                raise CorpusError(f"{self.name}: {what} must have the {self.n} rows of the others, got {len(values)}")
        if self.n < MINIMUM_SENTENCES:
            raise CorpusError(
                f"{self.name}: a corpus must have at least {MINIMUM_SENTENCES} sentences, got {self.n}; "
                "nothing can be measured on fewer"
            )

    @property
    def languages(self) -> tuple[str, ...]:
        """The language codes, in the order of the source or of the request."""
        return tuple(self.sentences)

    @property
    def n(self) -> int:
        """The number of sentences in each language."""
        return len(next(iter(self.sentences.values())))

    @cached_property
    def fingerprint(self) -> str:
        """A hash of texts, codes, ids, labels and splits; name, folder and order of languages do not count."""
        parts = [f"{language} {self.fingerprint_of(language)}" for language in sorted(self.sentences)]
        extras = [("ids", self.ids), ("labels", self.labels), ("splits", self.splits)]
        return fingerprint_of(parts + [f"{what} {fingerprint_of(rows)}" for what, rows in extras if rows is not None])

    def fingerprint_of(self, language: str) -> str:
        """Hash the sentences of one language, the same in whatever corpus they stand."""
        return fingerprint_of(self._texts(language))

    def pairs(self, pivot: str | None = "eng_Latn") -> Iterator[Pair]:
        """Iterate over every language with the pivot, or over all pairs.

        Args:
            pivot: The target of every pair, in any spelling; None for each pair of languages once.

        Raises:
            CorpusError: If the pivot is not in the corpus.
        """
        if pivot is not None:
            target = pivot_among(pivot, self.languages, self.name)
            codes = [(language, target) for language in self.languages if language != target]
        else:
            codes = [(a, b) for i, a in enumerate(self.languages) for b in self.languages[i + 1 :]]
        return (Pair(a, b, self.sentences[a], self.sentences[b]) for a, b in codes)

    def select(self, languages: str | Sequence[str]) -> "ParallelCorpus":
        """Keep these languages (or the one), in this order, in any spelling.

        Raises:
            UnknownNameError: If one is not in the corpus; the message names the nearest.
        """
        codes = pick_languages(languages, self.languages, self.resolution, self.name)
        resolution = {source: code for source, code in self.resolution.items() if code in codes}
        return replace(self, sentences={code: self.sentences[code] for code in codes}, resolution=resolution)

    def take(self, limit: int) -> "ParallelCorpus":
        """Keep the first `limit` rows (all, if there are fewer)."""
        return self._keep(range(first_rows(limit, self.n)))

    def at(self, rows: Iterable[int]) -> "ParallelCorpus":
        """Keep these rows, in this order."""
        return self._keep([int(row) for row in rows])

    def in_split(self, split: str) -> "ParallelCorpus":
        """Keep the rows of one split; `load_corpus` has checked that it exists."""
        return self._keep([i for i, name in enumerate(self.splits or ()) if name == split])

    def duplicates(self, language: str) -> int:
        """Count the rows whose text equals another row's."""
        return count_duplicates(self._texts(language))

    def duplicate_groups(self, language: str) -> Int[np.ndarray, " n"]:
        """Number the texts by first occurrence: rows with equal text share a number."""
        return duplicate_labels(self._texts(language))

    def notes(self) -> tuple[str, ...]:
        """Say what a reader of a report should know: texts that are not NFC, duplicates, spaces at the ends."""
        return notes_of(self.sentences)

    def describe(self) -> str:
        """Describe the corpus in words: languages, rows, splits, topics, how names were resolved, notes."""
        counts = {"splits": self.splits, "topics": self.labels}
        lines = [f"{what}: {_counted(values)}" for what, values in counts.items() if values is not None]
        return describe_corpus(self, f"{self.n} sentences in {len(self.languages)} languages", lines)

    def _texts(self, language: str) -> tuple[str, ...]:
        (code,) = pick_languages([language], self.languages, self.resolution, self.name)
        return self.sentences[code]

    def _rows(self) -> dict[str, Sequence[str]]:
        extras = {"ids": self.ids, "labels": self.labels, "splits": self.splits}
        return {**self.sentences, **{what: rows for what, rows in extras.items() if rows is not None}}

    def _keep(self, rows: Sequence[int]) -> "ParallelCorpus":
        sentences = {language: _at(rows, texts) for language, texts in self.sentences.items()}
        beside = (None if values is None else _at(rows, values) for values in (self.ids, self.labels, self.splits))
        ids, labels, splits = beside
        return replace(self, sentences=sentences, ids=ids, labels=labels, splits=splits)


def fingerprint_of(sentences: Sequence[str]) -> str:
    """Hash texts, their number and their order (SHA-256, 64 hex digits)."""
    digest = hashlib.sha256()
    for sentence in sentences:
        encoded = sentence.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


def _at(rows: Sequence[int], values: Sequence[str]) -> tuple[str, ...]:
    return tuple(values[i] for i in rows)


def _counted(values: Sequence[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in Counter(values).most_common())
