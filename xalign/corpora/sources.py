"""What readers hand over: columns of text, each in one language, with the place of every row for messages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """The rows of one language from one file.

    Attributes:
        file: The file, with the column where it has several: what a message names.
        texts: The sentences.
        lines: The line of each, from 1.
        ids: What the file calls each row, if it does.
        labels: The topic of each row, if the file has one.
        splits: The split of each row, if known.
    """

    file: str
    texts: Sequence[str]
    lines: Sequence[int]
    ids: Sequence[str] | None = None
    labels: Sequence[str] | None = None
    splits: Sequence[str] | None = None

    def place(self, row: int) -> str:
        """Where a row stands: `deu.txt, line 3`."""
        return f"{self.file}, line {self.lines[row]}"


@dataclass(frozen=True)
class Column:
    """One language of a source, read on demand.

    Attributes:
        spelling: What the source calls the language.
        file: Where it is, for messages.
        read: Reads it; several parts where several files (splits) make up the language.
    """

    spelling: str
    file: str
    read: Callable[[], Sequence[Part]]


@dataclass(frozen=True)
class Found:
    """What a reader found: columns that are parallel, or bitexts of two columns each.

    Attributes:
        columns: One for each language.
        bitexts: Two columns for each pair of languages.
        by_id: Rows are matched by id; otherwise by position.
    """

    columns: tuple[Column, ...] = ()
    bitexts: tuple[tuple[Column, Column], ...] = ()
    by_id: bool = False
