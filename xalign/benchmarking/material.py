"""What every kind of benchmark offers to the run: texts to encode, and a trial that scores layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from xalign.benchmarking.judged import Draws
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.benchmarking.splitting import Plan
from xalign.benchmarking.vectors import Text, Vectors


@runtime_checkable
class Trial(Protocol):
    """Encoded texts, ready to be scored layer by layer."""

    def selection_score(self, layer: int) -> float:
        """Return the mean score at a layer on the rows that choose it."""

    def rows(self, layer: int, draws: Draws) -> Iterator[dict[str, Any]]:
        """Yield the reported rows of the table at a layer, without model, task, layer and split."""

    @property
    def warnings(self) -> Sequence[str]:
        """What scoring came upon."""


@runtime_checkable
class Material(Protocol):
    """The texts of a benchmark, divided into rows that choose and rows that are scored."""

    @property
    def name(self) -> str:
        """What the text is called."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The language codes."""

    @property
    def n(self) -> int:
        """How many sentences, or questions, a language has; of bitexts, pairs in all."""

    @property
    def fingerprint(self) -> str:
        """A hash of the content."""

    @property
    def resolution(self) -> Mapping[str, str]:
        """How names in the source became codes."""

    @property
    def pivot(self) -> str | None:
        """The language that all others are compared with; None where there is no such one."""

    @property
    def plans(self) -> tuple[Plan, ...]:
        """How the rows are divided: one plan, or one for every bitext, all of which name their parts alike."""

    def notes(self) -> tuple[str, ...]:
        """Say what a reader should know of the text."""

    def smallest(self) -> tuple[str, int]:
        """Return the name and size of the smallest set of candidates that is scored."""

    def texts(self) -> list[Text]:
        """Return what has to be encoded."""

    def trial(self, vectors: Vectors, settings: BenchmarkSettings) -> Trial:
        """Return the trial of these vectors."""
