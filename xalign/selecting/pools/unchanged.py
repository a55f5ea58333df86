"""The rows of a shard once more, for a phase after reading: those that were read then, or none is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xalign.selecting.pools.reading import ReadTask, Row, TextsDigest, in_blocks, usable_rows
from xalign.selecting.pools.shards import changed
from xalign.selecting.pools.sidecars import ROWS


def rows_again(task: ReadTask, columns: Sequence[str] | None = (), *, whole: bool = True) -> Iterator[list[Row]]:
    """Read the usable rows of a shard anew, block by block.

    Args:
        task: How they were read before, with its sidecar.
        columns: Columns wanted besides those of text, language and id; None for all.
        whole: Whether more than the texts counts: further columns, or turns that are not part of the text.

    Raises:
        CorpusError: After the last block at the latest, if texts or their number are not those that were read before,
            or, where more counts, if the file is another.
    """
    facts = task.sidecars.facts(ROWS, task.key)
    digest, n = TextsDigest(), 0
    items = usable_rows(task.shard, task.settings, columns)
    for block in in_blocks(item for item in items if isinstance(item, Row)):
        for row in block:
            digest.add(row.text)
        n += len(block)
        if n > facts["n"]:
            raise changed(task.shard.path)
        yield block
    if n != facts["n"] or digest.hexdigest() != facts["texts"]:
        raise changed(task.shard.path)
    if whole:  # what is not of the text may change alone
        task.shard.require_unchanged()
