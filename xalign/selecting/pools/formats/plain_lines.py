"""Plain text: a row a line, written as JSON lines because a line of text has no room for a score."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from xalign.selecting.pools.formats.json_lines import cut_lines, raw_lines, write_lines
from xalign.selecting.pools.formats.parts import Format, Piece, Record, Span


def read(path: Path, span: Span, columns: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield each line as the field `text`."""
    for number, raw in raw_lines(path, span):
        try:
            yield Record(number, {"text": raw.decode("utf-8").rstrip("\r\n")})
        except UnicodeDecodeError as error:
            yield Record(number, {}, f"text must be UTF-8, got byte 0x{raw[error.start]:02x}")


def write(path: Path, pieces: Sequence[Piece]) -> None:
    """Write the chosen lines as JSON objects."""
    write_lines(path, pieces, _as_object)


def _as_object(raw: bytes, added: dict[str, Any]) -> bytes:
    fields = {"text": raw.decode("utf-8").rstrip("\r\n")} | added
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


PLAIN_LINES = Format("lines of text", (".txt", ".txt.gz"), "line", cut_lines, read, write)
