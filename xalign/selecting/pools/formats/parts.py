"""What every format of a pool gives: spans of its files, records of a span, and the chosen records in a new file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xalign.errors import CorpusError

ADDED = ("xalign_score", "xalign_rank", "xalign_language", "xalign_reason")
"""Columns that a chosen row gains."""


@dataclass(frozen=True)
class Span:
    """A run of consecutive records of one file, small enough for one task.

    Attributes:
        start: Where it starts: bytes for text, rows for tables.
        stop: Where it ends, itself left out.
        line: Line (of text) or row (of a table) of its first record, from 1.
    """

    start: int
    stop: int
    line: int


@dataclass(frozen=True)
class Record:
    """One row as it stands in a file.

    Attributes:
        line: Line or row in the file, from 1.
        fields: By name; empty where it cannot be read.
        fault: Why it cannot be read; empty where it can.
    """

    line: int
    fields: Mapping[str, Any]
    fault: str = ""


@dataclass(frozen=True)
class Piece:
    """The chosen records of one span.

    Attributes:
        path: The file.
        span: Which part of it.
        places: Which records of the span, counted from 0, ascending.
        added: What each gains, by name of `ADDED`, a value a place; nothing for rows that stay as they are.
    """

    path: Path
    span: Span
    places: tuple[int, ...]
    added: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def row(self, index: int) -> dict[str, Any]:
        """What one chosen record gains."""
        return {name: values[index] for name, values in self.added.items()}


@dataclass(frozen=True)
class Format:
    """One way in which a pool is stored.

    Attributes:
        name: In words.
        suffixes: File endings, the first for what is written; empty for a folder.
        unit: What a record's number counts: "line" or "row".
        cut: Path and rows of a span to the spans of a file, found as they are asked for.
        read: Path, span and the columns wanted (None for all) to its records, blank lines left out.
        write: Pieces in the pool's order into one new file or folder.
    """

    name: str
    suffixes: tuple[str, ...]
    unit: str
    cut: Callable[[Path, int], Iterator[Span]]
    read: Callable[[Path, Span, Sequence[str] | None], Iterator[Record]]
    write: Callable[[Path, Sequence[Piece]], None]

    def suffix_of(self, path: Path) -> str:
        """The ending by which a file is of this format; empty where it is a folder, or of another."""
        return next((suffix for suffix in self.suffixes if path.name.lower().endswith(suffix)), "")


def cut_rows(n: int, rows: int) -> Iterator[Span]:
    """Cut a table of `n` rows into spans of at most `rows`."""
    return (Span(start, min(start + rows, n), start + 1) for start in range(0, n, rows))


def unreadable(path: Path, what: str, error: Exception) -> CorpusError:
    """The error for a file that is not what its name says."""
    return CorpusError(f"{path}: {what} was expected, got {type(error).__name__}: {error}")
