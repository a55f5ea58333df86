"""The rows of a shard once more, for a phase after reading: those that were read then, or none is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xalign.encoders.fingerprints import digest_texts
from xalign.errors import CorpusError
from xalign.selecting.places import fingerprint_of
from xalign.selecting.reading import ReadTask, Row, TextsDigest, in_blocks, usable_rows
from xalign.selecting.shards import Shard
from xalign.selecting.sidecars import ROWS


def rows_again(task: ReadTask, columns: Sequence[str] | None = ()) -> Iterator[list[Row]]:
    """Read the usable rows of a shard anew, block by block.

    Args:
        task: How they were read before, with its sidecar.
        columns: Columns wanted besides those of text, language and id; None for all.

    Raises:
        CorpusError: After the last block at the latest, if texts or their number are not those that were read before,
            or, where further columns are wanted, if the file is another.
    """
    facts = task.sidecars.facts(ROWS, task.key)
    digest, n = TextsDigest(), 0
    items = usable_rows(task.shard, task.settings, columns)
    for block in in_blocks(item for item in items if isinstance(item, Row)):
        for row in block:
            digest.add(row.text)
        n += len(block)
        if n > facts["n"]:
            raise _changed(task.shard)
        yield block
    same = n == facts["n"] and digest.hexdigest() == facts["texts"]
    if not same or (columns != () and not _is_whole(task.shard)):
        raise _changed(task.shard)


def _is_whole(shard: Shard) -> bool:
    """Whether the file still is the one that was cut; other columns than the text may change alone."""
    return digest_texts([fingerprint_of(shard.path), shard.format_name, str(shard.span)]) == shard.key


def _changed(shard: Shard) -> CorpusError:
    return CorpusError(
        f"{shard.path}: the rows that were read first were expected, got others: it changed while it was read; run "
        "again"
    )
