"""Which rows of the shards can be used: what reading, models and labels found wrong, and ids that stand twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from xalign.errors import CorpusError
from xalign.selecting.phases.mapped import MappedShard
from xalign.selecting.pools.faults import Fault, require_none
from xalign.selecting.pools.reading import ReadTask
from xalign.selecting.pools.sidecars import ROWS, SCORES, TAGS, VECTORS

if TYPE_CHECKING:
    import pyarrow as pa


def count_rows(read: Sequence[ReadTask], *, skip_bad: bool, what: str = "pool") -> dict[str, int]:
    """Count the rows that were read, by language, before models see them.

    Args:
        read: With their sidecars.
        skip_bad: Leave out rows that cannot be used.
        what: What is counted, for errors.

    Returns:
        Rows by language, sorted; models, and ids that repeat, may leave out some of them.

    Raises:
        CorpusError: If a row cannot be used and `skip_bad` is not set, or none can.
    """
    import pyarrow.compute as pc

    faults = [fault for task in read for fault in unread(task)]
    counts: Counter[str] = Counter()
    for task in read:
        spoken = task.sidecars.read_table(ROWS, task.key, columns=["language"]).column("language")
        counts.update({one["values"].as_py(): one["counts"].as_py() for one in pc.value_counts(spoken)})
    require_usable(faults, counts.total(), skip_bad=skip_bad, what=what)
    return dict(sorted(counts.items()))


def require_usable(faults: Sequence[Fault], n_left: int, *, skip_bad: bool, what: str) -> None:
    """Refuse unusable rows unless they may be left out, and a pool in which there are no others."""
    if not skip_bad:
        require_none(faults, what, n=n_left + len(faults))
    if not n_left:
        raise CorpusError(f"the {what} must have a usable row, got none" + (f"; {faults[0]}" if faults else ""))


def unread(task: ReadTask) -> list[Fault]:
    """The rows of a shard that were not read."""
    place, found = task.shard, task.sidecars.facts(ROWS, task.key)["faults"]
    return [Fault(str(place.path), place.format.unit, int(line), reason) for line, reason in found]


def faults_of(shard: MappedShard, table: pa.Table, *, skip_bad: bool) -> tuple[list[Fault], Bool[np.ndarray, " n"]]:
    """The unusable rows of one shard, and which of the others stay.

    A label outside the list makes a row unusable, unless what is bad may be left out: then it goes alone.
    """
    reading, place = shard.reading, shard.reading.shard
    store, lines = reading.sidecars, table.column("line").to_numpy()
    faults = unread(reading)
    keep = np.ones(len(lines), dtype=bool)
    scores = [(SCORES, task) for task in (*shard.scoring, shard.difficulty)]
    later = [(VECTORS, shard.embedding), *scores, (TAGS, shard.tagging), (TAGS, shard.category)]
    for kind, task in later:
        if task is None:
            continue
        facts = store.facts(kind, task.key)
        outside = [] if skip_bad else [found[:2] for found in facts.get("outside", [])]
        for row, reason in [*facts["faults"], *outside]:
            if keep[row]:
                faults.append(Fault(str(place.path), place.format.unit, int(lines[row]), reason))
            keep[row] = False
    return sorted(faults, key=lambda fault: fault.line), keep


def count_outside(shard: MappedShard, keep: Bool[np.ndarray, " n"]) -> int:
    """How many labels outside the list the rows had that stay."""
    if shard.tagging is None:
        return 0
    facts = shard.reading.sidecars.facts(TAGS, shard.tagging.key)
    return sum(n for row, _, n in facts.get("outside", []) if keep[row])


def repeated(
    shards: Sequence[MappedShard], tables: Sequence[pa.Table], kept: list[Bool[np.ndarray, " _"]]
) -> list[Fault]:
    """Rows whose id stood before: found by hash, settled by text; they are taken out of `kept`."""
    import pandas as pd

    hashes = [pd.util.hash_array(table.column("id").to_numpy(zero_copy_only=False)) for table in tables]
    flat = np.concatenate(hashes) if hashes else np.empty(0, dtype=np.uint64)
    empty = pd.util.hash_array(np.array([""], dtype=object))[0]
    order = np.argsort(flat, kind="stable")
    again = np.zeros(len(flat), dtype=bool)
    again[order[1:]] = flat[order[1:]] == flat[order[:-1]]
    suspects = set(flat[again & (flat != empty)].tolist())
    if not suspects:
        return []
    found: list[Fault] = []
    first: dict[str, str] = {}
    for shard, table, keep, codes in zip(shards, tables, kept, hashes, strict=True):
        place, names, lines = shard.reading.shard, table.column("id"), table.column("line")
        for row in np.flatnonzero(np.isin(codes, list(suspects)) & keep):
            name, line = names[int(row)].as_py(), lines[int(row)].as_py()
            if name in first:
                reason = (
                    f"id {name!r} stands already at {first[name]}; ids must differ (--id-field none: there are none)"
                )
                found.append(Fault(str(place.path), place.format.unit, line, reason))
                keep[row] = False
            else:
                first[name] = f"{place.path}, {place.format.unit} {line}"
    return found
