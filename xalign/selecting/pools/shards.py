"""A pool cut into shards: spans of its files under content keys, so that neither place nor name decides."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from xalign.encoders.fingerprints import digest_texts
from xalign.errors import CorpusError
from xalign.files import write_text
from xalign.selecting.pools.formats import FORMATS, Format, Span
from xalign.selecting.pools.places import PoolFiles, fingerprint_of
from xalign.selecting.pools.sidecars import Sidecars


@dataclass(frozen=True)
class Shard:
    """A span of a file, and what it is known by.

    Attributes:
        path: The file.
        format_name: Its format.
        span: Which records.
        key: Hash of the file's content and the span.
    """

    path: Path
    format_name: str
    span: Span
    key: str

    @property
    def format(self) -> Format:
        """The format itself."""
        return next(known for known in FORMATS if known.name == self.format_name)

    def where(self, line: int) -> str:
        """A place in the file, for a person."""
        return f"{self.path}, {self.format.unit} {line}"

    def require_unchanged(self) -> None:
        """Refuse a file that is not the one that was cut; it is read again only if its size or time of change differs.

        Raises:
            CorpusError: If it has another content, or is gone.
        """
        try:
            same = digest_texts([fingerprint_of(self.path), self.format_name, str(self.span)]) == self.key
        except OSError:
            same = False
        if not same:
            raise changed(self.path)


def changed(path: Path) -> CorpusError:
    """The error for a file whose rows are not those that were read first."""
    return CorpusError(
        f"{path}: the rows that were read first were expected, got others: it changed while it was selected from; run "
        "again"
    )


@dataclass(frozen=True)
class CutTask:
    """Cut one file.

    Attributes:
        path: The file.
        format_name: Its format.
        rows: At most so many records a shard.
        sidecars: Where the cuts are kept.
    """

    path: Path
    format_name: str
    rows: int
    sidecars: Sidecars


def cut_file(task: CutTask) -> list[Shard]:
    """Cut one file into shards; a file that was cut before is not read again.

    Raises:
        CorpusError: If it cannot be read.
    """
    found = next(known for known in FORMATS if known.name == task.format_name)
    content = fingerprint_of(task.path)
    key = digest_texts([content, task.format_name, str(task.rows)])
    kept = task.sidecars.folder / "cuts" / key[:2] / f"{key}.json"
    if kept.is_file():
        spans = [Span(*values) for values in json.loads(kept.read_text(encoding="utf-8"))]
    else:
        spans = list(found.cut(task.path, task.rows))
        write_text(kept, json.dumps([(span.start, span.stop, span.line) for span in spans]))
    return [
        Shard(task.path, task.format_name, span, digest_texts([content, task.format_name, str(span)])) for span in spans
    ]


def cut_tasks(files: PoolFiles, rows: int, sidecars: Sidecars) -> list[CutTask]:
    """A task per file."""
    return [CutTask(path, files.format_name, rows, sidecars) for path in files.paths]
