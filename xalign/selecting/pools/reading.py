"""First map phase: what is known of every row without its text, and which rows cannot be used."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from unicodedata import category

from xalign.corpora import resolve_language
from xalign.encoders.fingerprints import digest_texts
from xalign.errors import SettingError, UnknownNameError
from xalign.selecting.pools.fields import Turns, columns_of, has_field, look_up, read_turns, split_fields
from xalign.selecting.pools.formats import Record
from xalign.selecting.pools.shards import Shard
from xalign.selecting.pools.sidecars import ROWS, Sidecars
from xalign.selecting.settings import DETECT, FILE, NONE, ReadingSettings

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 2048
T = TypeVar("T")
UNSEEN = ("Zs", "Zl", "Zp", "Cc", "Cf")
"""Unicode categories of characters that alone make no text."""
UNKNOWN = "und"
"""The group of rows whose language nothing tells: ISO 639-3 for undetermined."""
FORM = "2"
"""Changes when the same file is read otherwise; vectors, which hang on texts alone, stay."""


@dataclass(frozen=True, eq=False)
class Row:
    """A usable row.

    Attributes:
        place: Which record of its shard, from 0, unusable ones counted.
        line: Line or row of its file.
        fields: By name.
        turns: Prompt and response.
        text: The part that is embedded.
    """

    place: int
    line: int
    fields: Any
    turns: Turns
    text: str


class TextsDigest:
    """A hash of texts that come one by one, each with its length, so that no two sequences run together."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=20)

    def add(self, text: str) -> None:
        """Go on by one text."""
        data = text.encode("utf-8")
        self._digest.update(len(data).to_bytes(8, "little") + data)

    def hexdigest(self) -> str:
        """The hash so far."""
        return self._digest.hexdigest()


@dataclass(frozen=True)
class ReadTask:
    """Read one shard.

    Attributes:
        shard: Which.
        settings: How.
        sidecars: Where its rows are kept.
    """

    shard: Shard
    settings: ReadingSettings
    sidecars: Sidecars

    @property
    def key(self) -> str:
        """Of the sidecar; with languages from file names, the name counts."""
        named = self.shard.path.name if self.settings.language_field == FILE else ""
        return digest_texts([FORM, self.shard.key, self.settings.key, named])

    @property
    def is_done(self) -> bool:
        """Whether the sidecar is there."""
        return self.sidecars.has(ROWS, self.key)


def read_shard(task: ReadTask) -> int:
    """Write the rows of one shard; returns how many are usable.

    The table has a row per usable record: place, line, language, id, length in characters, a hash of the normalised
    text. The facts have `texts`, the hash of all texts in order, and `faults`, [line, reason] of each record left out.

    Raises:
        CorpusError: If the shard's file changed since it was cut.
    """
    import pyarrow as pa

    digest, faults, tables = TextsDigest(), [], []
    for block in in_blocks(usable_rows(task.shard, task.settings)):
        rows = [item for item in block if isinstance(item, Row)]
        faults += [list(item) for item in block if not isinstance(item, Row)]
        for row in rows:
            digest.add(row.text)
        tables.append(_table(rows, _languages(task, rows), task.settings.id_field))
    table = pa.concat_tables(tables) if tables else _table([], [], NONE)
    facts = {"n": table.num_rows, "texts": digest.hexdigest(), "faults": faults}
    task.shard.require_unchanged()
    task.sidecars.write_table(ROWS, task.key, table.unify_dictionaries(), facts)
    return table.num_rows


def usable_rows(
    shard: Shard, settings: ReadingSettings, columns: Sequence[str] | None = ()
) -> Iterator[Row | tuple[int, str]]:
    """Read a shard anew: usable rows, and (line, reason) for the others.

    Args:
        shard: Which.
        settings: How.
        columns: Columns wanted besides those of text, language and id; None for all.
    """
    wanted = None if columns is None else [*columns, *_columns(settings)]
    for place, record in enumerate(shard.format.read(shard.path, shard.span, wanted)):
        yield _usable(place, record, settings)


def _columns(settings: ReadingSettings) -> list[str]:
    named = [name for name in (settings.language_field, settings.id_field) if name not in (FILE, DETECT, NONE)]
    return [*columns_of(settings.text_field), *(name.split(".")[0] for name in named)]


def _usable(place: int, record: Record, settings: ReadingSettings) -> Row | tuple[int, str]:
    if record.fault:
        return record.line, record.fault
    try:
        turns = read_turns(record.fields, settings.text_field)
    except SettingError as error:
        return record.line, str(error)
    text = turns.part(settings.part)
    if not is_unicode(turns.whole):
        return record.line, f"text must be Unicode, got half a surrogate pair in {settings.text_field!r}"
    if not has_words(text):
        return record.line, _no_text(record.fields, settings)
    if settings.language_field not in (FILE, DETECT, NONE):
        try:
            language_in(record.fields, settings.language_field)
        except SettingError as error:
            return record.line, str(error)
    return Row(place, record.line, record.fields, turns, text)


def _no_text(fields: Mapping[str, Any], settings: ReadingSettings) -> str:
    wanted = f"text was expected in {settings.text_field!r} ({settings.part}), got "
    if any(has_field(fields, name) for name in split_fields(settings.text_field)):
        return f"{wanted}none"
    return f"{wanted}a row with {', '.join(map(str, list(fields)[:8])) or 'no field'}"


def has_words(text: str) -> bool:
    """Whether a text has a character that is seen: neither white space nor one that only steers."""
    return any(category(character) not in UNSEEN for character in text)


def is_unicode(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, which no tokenizer takes."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def in_blocks(items: Iterable[T]) -> Iterator[list[T]]:
    """Gather what comes one by one into lists of 2048."""
    left = iter(items)
    while block := list(islice(left, BLOCK)):
        yield block


def normalised(text: str) -> str:
    """What duplicates share: case and white space do not count."""
    return re.sub(r"\s+", " ", text).strip().casefold()


def _short_hash(text: str) -> int:
    return int(digest_texts([text])[:16], 16)


def _identity(row: Row, field: str) -> str:
    if field == NONE:
        return ""
    value = look_up(row.fields, field)
    return "" if value is None else str(value)


@cache
def code_of(label: str) -> str:
    """The code of a language; a label that is no language stands for itself."""
    try:
        return resolve_language(label).code
    except UnknownNameError:
        return label


def _languages(task: ReadTask, rows: Sequence[Row]) -> list[str]:
    field = task.settings.language_field
    if field == NONE:
        return [UNKNOWN] * len(rows)
    if field == FILE:
        return [language_of_name(task.shard.path.name) or UNKNOWN] * len(rows)
    if field == DETECT:
        from xalign.selecting.pools.detecting import detect_languages

        return detect_languages([row.text for row in rows], task.settings.detect)
    return [language_in(row.fields, field) for row in rows]


def language_in(fields: Mapping[str, Any], name: str) -> str:
    """The language that a field says.

    Raises:
        SettingError: If it says none.
    """
    label = look_up(fields, name)
    if not isinstance(label, str) or not label.strip():
        raise SettingError(f"a language was expected in {name!r}, got {label!r}")
    return code_of(label.strip())


def language_of_name(name: str) -> str | None:
    """The language that a file's name says: `deu_Latn.tsv`, `train.de.jsonl`, `German.json`; None if none."""
    parts = name.split(".")[:-1]
    for part in (name.split(".")[0], *reversed(parts)):
        try:
            return resolve_language(part.replace("-", "_") if "_" in part else part).code
        except UnknownNameError:
            continue
    return None


def _table(rows: Sequence[Row], languages: Sequence[str], id_field: str) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            "place": pa.array([row.place for row in rows], pa.int32()),
            "line": pa.array([row.line for row in rows], pa.int64()),
            "length": pa.array([len(row.text) for row in rows], pa.int32()),
            "text": pa.array([_short_hash(normalised(row.text)) for row in rows], pa.uint64()),
            "language": pa.array(languages, pa.string()).cast(pa.dictionary(pa.int32(), pa.string())),
            "id": pa.array([_identity(row, id_field) for row in rows], pa.string()),
        }
    )
