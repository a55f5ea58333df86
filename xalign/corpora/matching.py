"""Rows of different files are put beside each other, by id or by position, or it is said which do not match."""

from collections.abc import Sequence
from dataclasses import dataclass

from xalign.corpora.sources import Part
from xalign.errors import CorpusError

_SHOWN = 5


@dataclass(frozen=True)
class Rows:
    """All rows of one language, in order, with where each came from."""

    parts: tuple[Part, ...]
    texts: tuple[str, ...]
    ids: tuple[str, ...] | None
    labels: tuple[str, ...] | None
    splits: tuple[str, ...] | None

    @property
    def file(self) -> str:
        """The files, for messages."""
        return " + ".join(part.file for part in self.parts)

    def place(self, row: int) -> str:
        """Where a row stands: `deu.txt, line 3`."""
        for part in self.parts:
            if row < len(part.texts):
                return part.place(row)
            row -= len(part.texts)
        raise IndexError(row)


def join_parts(parts: Sequence[Part]) -> Rows:
    """Put the parts of one language one after the other.

    Where every split numbers its rows anew, an id becomes `train:0`.

    Raises:
        CorpusError: If an id comes twice; the message names both lines.
    """
    texts = tuple(text for part in parts for text in part.texts)
    ids, labels, splits = (_joined(parts, what) for what in ("ids", "labels", "splits"))
    rows = Rows(tuple(parts), texts, _told_apart(ids, splits), labels, splits)
    _check_unique(rows)
    return rows


def match_positions(columns: Sequence[Rows]) -> list[Rows]:
    """Check that all languages have as many rows, file by file.

    Raises:
        CorpusError: If not; the message names both files, their lengths and the first line that is missing.
    """
    first = columns[0]
    for other in columns[1:]:
        for a, b in zip(first.parts, other.parts, strict=False):
            _same_length(a, b)
        if len(first.parts) != len(other.parts):
            raise CorpusError(f"{other.file}: the {len(first.parts)} files of {first.file} were expected")
    return list(columns)


def match_ids(columns: Sequence[Rows]) -> list[Rows]:
    """Put all languages in one order of ids: by number where all are numbers, else as in the first column.

    Raises:
        CorpusError: If an id is missing, or some columns have ids and others have none, or rows of
            one id have different topics or splits.
    """
    if all(rows.ids is None for rows in columns):
        return match_positions(columns)
    for rows in columns:
        _check_has_ids(rows, columns)
    order = _order(columns[0].ids or ())
    matched = [_arranged(rows, order, columns[0]) for rows in columns]
    for rows in matched[1:]:
        _same_labels(rows, matched[0])
    return matched


def _joined(parts: Sequence[Part], what: str) -> tuple[str, ...] | None:
    values = [getattr(part, what) for part in parts]
    return None if any(value is None for value in values) else tuple(each for value in values for each in value)


def _same_length(a: Part, b: Part) -> None:
    if len(a.texts) == len(b.texts):
        return
    long, short = (a, b) if len(a.texts) > len(b.texts) else (b, a)
    raise CorpusError(
        f"{short.file}: the {len(long.texts)} lines of {long.file} were expected, got {len(short.texts)}; the first "
        f"without a counterpart is {long.place(len(short.texts))}: {long.texts[len(short.texts)][:60]!r}"
    )


def _told_apart(ids: tuple[str, ...] | None, splits: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if ids is None or splits is None or len(set(ids)) == len(ids):
        return ids
    return tuple(f"{split}:{key}" for split, key in zip(splits, ids, strict=True))


def _check_unique(rows: Rows) -> None:
    seen: dict[str, int] = {}
    for row, key in enumerate(rows.ids or ()):
        if key in seen:
            raise CorpusError(f"{rows.place(row)}: ids must be unique, got {key} again, first {rows.place(seen[key])}")
        seen[key] = row


def _check_has_ids(rows: Rows, columns: Sequence[Rows]) -> None:
    if rows.ids is None:
        other = next(rows for rows in columns if rows.ids is not None)
        raise CorpusError(f"{rows.file}: a column of ids such as index_id was expected, as in {other.file}, got none")


def _order(ids: Sequence[str]) -> list[str]:
    return sorted(ids, key=int) if all(key.isascii() and key.isdigit() for key in ids) else list(ids)


def _arranged(rows: Rows, order: Sequence[str], first: Rows) -> Rows:
    where = {key: row for row, key in enumerate(rows.ids or ())}
    _no_missing([key for key in order if key not in where], rows, first)
    if len(where) != len(order):
        expected = set(order)
        _no_missing([key for key in where if key not in expected], first, rows)
    return _reordered(rows, [where[key] for key in order])


def _no_missing(missing: Sequence[str], lacking: Rows, having: Rows) -> None:
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", .." if len(missing) > _SHOWN else "")
        raise CorpusError(
            f"{lacking.file}: the ids of {having.file} were expected, got none of {shown} ({len(missing)})"
        )


def _reordered(rows: Rows, order: Sequence[int]) -> Rows:
    values = [rows.texts, rows.ids, rows.labels, rows.splits]
    texts, ids, labels, splits = (None if value is None else tuple(value[i] for i in order) for value in values)
    return Rows(rows.parts, texts or (), ids, labels, splits)


def _same_labels(rows: Rows, first: Rows) -> None:
    for what, own, other in (("topic", rows.labels, first.labels), ("split", rows.splits, first.splits)):
        if own is None or other is None or own == other:
            continue
        row = next(i for i, pair in enumerate(zip(own, other, strict=True)) if pair[0] != pair[1])
        key = (rows.ids or ())[row]
        raise CorpusError(
            f"{rows.file}: {what} of id {key} must be {other[row]!r} as in {first.file}, got {own[row]!r}"
        )
