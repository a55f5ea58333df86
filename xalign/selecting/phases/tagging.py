"""A map phase: labels for every usable row, and the one of them that is its category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool

from xalign.encoders.fingerprints import digest_texts
from xalign.selecting.phases.routing import RouteTask
from xalign.selecting.pools.fields import look_up
from xalign.selecting.pools.reading import ReadTask
from xalign.selecting.pools.sidecars import TAGS
from xalign.selecting.pools.unchanged import rows_again
from xalign.selecting.settings import FORM

if TYPE_CHECKING:
    import pyarrow as pa

NO_CATEGORY = "none"
"""Of rows whose field of categories is empty."""


@dataclass(frozen=True)
class TagTask:
    """Read the labels of the usable rows of one shard.

    Attributes:
        reading: How its rows were read.
        field: Where labels are: a list of strings, of {name/label/tag: ...}, or one string.
        known: The labels there may be; none for any.
    """

    reading: ReadTask
    field: str
    known: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Of the sidecar; labels outside a list were faults once."""
        known = ["outside apart", *self.known] if self.known else []
        return digest_texts([FORM, self.reading.key, self.field, *known])

    @property
    def is_done(self) -> bool:
        """Whether the sidecar is there."""
        return self.reading.sidecars.has(TAGS, self.key)


def tag_shard(task: TagTask) -> int:
    """Write the labels of one shard that are known.

    The facts have `faults`, [row, reason] where labels are missing, and `outside`, [row, reason, how many] where some
    are not known.

    Raises:
        CorpusError: If the shard's file changed since it was read.
    """
    import pyarrow as pa

    known, tables, start = frozenset(task.known), [], 0
    facts: dict[str, Any] = {"faults": [], "outside": []}
    for block in rows_again(task.reading, [task.field.split(".")[0]]):
        found = [_labels(look_up(row.fields, task.field)) for row in block]
        for place, labels in enumerate(found):
            outside = [label for label in labels or [] if known and label not in known]
            if labels is None:
                reason = f"labels were expected in {task.field!r}, got none that can be read"
                facts["faults"].append([start + place, reason])
            if outside:
                reason = f"label {outside[0]!r} in {task.field!r} is not in the list of labels"
                facts["outside"].append([start + place, reason, len(outside)])
                found[place] = [label for label in labels or [] if label in known]
        start += len(block)
        tables.append(_table(found))
    table = pa.concat_tables(tables) if tables else _table([])
    task.reading.sidecars.write_table(TAGS, task.key, table, {"n": start, **facts})
    return start


def _labels(value: Any) -> list[str] | None:
    """Labels in the forms that annotators leave them; None where there are none to read."""
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    if not isinstance(value, list):
        return None
    labels = [_label(item) for item in value]
    return None if None in labels else list(dict.fromkeys(label for label in labels if label))


def _label(item: Any) -> str | None:
    if isinstance(item, str):
        return item.strip()
    if isinstance(item, dict):
        named = next((item[name] for name in ("tag", "label", "name") if isinstance(item.get(name), str)), None)
        return None if named is None else named.strip()
    return None


def _table(found: list[list[str] | None]) -> pa.Table:
    import pyarrow as pa

    return pa.table({"labels": pa.array([labels or [] for labels in found], pa.list_(pa.string()))})


@dataclass(frozen=True)
class Categories:
    """Rows of some categories, which have a scorer of their own.

    Attributes:
        task: Where the category of each row was found.
        names: Those meant.
        but: Whether all but these are meant.
    """

    task: TagTask | RouteTask
    names: tuple[str, ...]
    but: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """All that decides which rows they are."""
        return self.task.key, str(self.but), *self.names

    def rows(self) -> Bool[np.ndarray, " n"]:
        """Which usable rows of the shard they have."""
        return np.isin(read_categories(self.task), self.names, invert=self.but)


def find_categories(task: TagTask | RouteTask) -> set[str]:
    """The categories of a shard's rows, but of those that have none to read."""
    bad = {row for row, _ in task.reading.sidecars.facts(TAGS, task.key)["faults"]}
    return {name for row, name in enumerate(read_categories(task).tolist()) if row not in bad}


def read_categories(task: TagTask | RouteTask) -> np.ndarray:
    """The category of each usable row of a shard: of several labels the first by name, "none" where there is none."""
    labels = task.reading.sidecars.read_table(TAGS, task.key).column("labels").to_pylist()
    return np.array([min(found, default=NO_CATEGORY) for found in labels], dtype=object)
