"""The reduce: from sidecars of all shards to compact arrays of the pool, some 40 bytes a row; no text, no ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from xalign.selecting.material.matrices import ShardedMatrix
from xalign.selecting.material.usable import count_outside, faults_of, repeated, require_usable
from xalign.selecting.models.embedders import sum_known
from xalign.selecting.phases.mapped import MappedShard
from xalign.selecting.phases.routing import RouteTask
from xalign.selecting.phases.scoring import ScoreTask
from xalign.selecting.phases.tagging import TagTask
from xalign.selecting.pools.faults import Fault
from xalign.selecting.pools.sidecars import ROWS, SCORES, TAGS, VECTORS

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class PoolArrays:
    """What a choice is made from: an entry a usable row, in the pool's order.

    Attributes:
        shards: Where rows came from.
        vectors: On disk.
        places: Which record of its shard each row is.
        lines: Line or row in its file.
        lengths: Characters of its text.
        texts: Hash of its normalised text: equal for duplicates.
        languages: Number of its language.
        language_names: By that number, sorted.
        quality: Its score; None where none was asked for. Where categories have scorers of their own, each is in units
            of the way from its 1st to its 99th percentile, so that rows can be compared.
        tags: Its labels, 0 or 1; None where none were asked for.
        labels: Names of the columns of `tags`.
        categories: Its category; None where none was asked for.
        faults: Rows left out.
        n_cut: Rows whose text is longer than the model of `quality` reads.
        scorers: Number of the scorer that gave its quality; None where one gave all.
        difficulty: How hard it is; None where that was not asked for.
        translations: Vectors of translations, on disk, zeros where a row has none; None where none were asked for.
        n_read_in_part: Rows whose text is longer than the model of `vectors` reads; None where that was not counted.
        n_labels_dropped: Labels that its rows had and the list of labels has not.
    """

    shards: tuple[MappedShard, ...]
    vectors: ShardedMatrix
    places: Int[np.ndarray, " n"]
    lines: Int[np.ndarray, " n"]
    lengths: Int[np.ndarray, " n"]
    texts: UInt64[np.ndarray, " n"]
    languages: Int[np.ndarray, " n"]
    language_names: tuple[str, ...]
    quality: Float[np.ndarray, " n"] | None
    tags: csr_array | None
    labels: tuple[str, ...]
    categories: np.ndarray | None
    faults: tuple[Fault, ...]
    n_cut: int = 0
    scorers: Int[np.ndarray, " n"] | None = None
    difficulty: Float[np.ndarray, " n"] | None = None
    translations: ShardedMatrix | None = None
    n_read_in_part: int | None = 0
    n_labels_dropped: int = 0

    @property
    def n(self) -> int:
        """Usable rows."""
        return len(self.places)

    @cached_property
    def groups(self) -> np.ndarray:
        """The language of every row, as objects that share their text."""
        return np.array(self.language_names, dtype=object)[self.languages]

    @property
    def counts(self) -> dict[str, int]:
        """Rows by language."""
        counts = np.bincount(self.languages, minlength=len(self.language_names)).tolist()
        return dict(zip(self.language_names, counts, strict=True))

    def shard_of(self, rows: Int[np.ndarray, " k"]) -> Int[np.ndarray, " k"]:
        """Which shard each row is of."""
        return np.searchsorted(self.vectors.offsets, rows, side="right") - 1

    def ids(self, rows: Int[np.ndarray, " k"]) -> list[str]:
        """The ids of some rows, read from their sidecars; where data have none, the file and line."""
        found = [""] * len(rows)
        homes = self.shard_of(rows)
        for home in np.unique(homes):
            task, here = self.shards[home].reading, np.flatnonzero(homes == home)
            names = task.sidecars.read_table(ROWS, task.key).column("id").to_pylist()
            kept = np.flatnonzero(self.vectors.kept[home])[rows[here] - self.vectors.offsets[home]]
            for place, row in zip(here.tolist(), kept.tolist(), strict=True):
                found[place] = names[row] or f"{task.shard.path.name}:{self.lines[rows[place]]}"
        return found


def gather_pool(shards: Sequence[MappedShard], *, skip_bad: bool, what: str = "pool") -> PoolArrays:
    """Put the arrays of all shards together.

    Args:
        shards: With all their sidecars.
        skip_bad: Leave out rows that cannot be used.
        what: What is gathered, for errors.

    Returns:
        The arrays; rows left out are listed.

    Raises:
        CorpusError: If a row cannot be used and `skip_bad` is not set, or none can.
    """
    tables = [shard.reading.sidecars.read_table(ROWS, shard.reading.key) for shard in shards]
    faults, kept = [], []
    for shard, table in zip(shards, tables, strict=True):
        found, keep = faults_of(shard, table, skip_bad=skip_bad)
        faults += found
        kept.append(keep)
    faults += repeated(shards, tables, kept)
    require_usable(faults, sum(int(keep.sum()) for keep in kept), skip_bad=skip_bad, what=what)
    return _put_together(tuple(shards), tables, kept, tuple(faults))


def _put_together(
    shards: tuple[MappedShard, ...],
    tables: Sequence[pa.Table],
    kept: Sequence[Bool[np.ndarray, " _"]],
    faults: tuple[Fault, ...],
) -> PoolArrays:
    store = shards[0].reading.sidecars
    paths = tuple(store.path(VECTORS, shard.embedding.key) for shard in shards)
    translated = tuple(store.path(VECTORS, shard.translation.key) for shard in shards if shard.translation is not None)
    width = int(store.facts(VECTORS, shards[0].embedding.key)["width"])
    languages, names = _coded([table.column("language") for table in tables], kept)
    tags, labels = _tags([shard.tagging for shard in shards], kept)
    categories, kinds = _tags([shard.category for shard in shards], kept)
    quality, scorers = _quality([shard.scoring for shard in shards], kept)
    return PoolArrays(
        shards=shards,
        vectors=ShardedMatrix(paths, tuple(kept), width),
        translations=ShardedMatrix(translated, tuple(kept), width) if translated else None,
        **{
            mine: _column(tables, name, kept)
            for mine, name in (("places", "place"), ("lines", "line"), ("lengths", "length"), ("texts", "text"))
        },
        languages=languages,
        language_names=names,
        quality=quality,
        scorers=scorers,
        difficulty=_difficulty([shard.difficulty for shard in shards], kept),
        tags=tags,
        labels=labels,
        categories=None if categories is None else _first_labels(categories, kinds),
        faults=faults,
        n_cut=sum(int(store.facts(SCORES, task.key)["cut"]) for shard in shards for task in shard.scoring),
        n_read_in_part=sum_known(store.facts(VECTORS, shard.embedding.key).get("cut") for shard in shards),
        n_labels_dropped=sum(count_outside(shard, keep) for shard, keep in zip(shards, kept, strict=True)),
    )


def _column(tables: Sequence[pa.Table], name: str, kept: Sequence[Bool[np.ndarray, " _"]]) -> np.ndarray:
    parts = [table.column(name).to_numpy()[keep] for table, keep in zip(tables, kept, strict=True)]
    return np.concatenate(parts)


def _coded(columns: Sequence[Any], kept: Sequence[Bool[np.ndarray, " _"]]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Languages as numbers of sorted names; names that no row is left of are dropped."""
    parts = [column.combine_chunks() for column in columns]
    parts = [
        part.unify_dictionaries().combine_chunks() if hasattr(part, "unify_dictionaries") else part for part in parts
    ]
    pairs = [
        (part.dictionary.to_pylist(), part.indices.to_numpy()[keep]) for part, keep in zip(parts, kept, strict=True)
    ]
    names = sorted({local[code] for local, codes in pairs for code in np.unique(codes)})
    number = {name: place for place, name in enumerate(names)}
    coded = [np.array([number.get(name, -1) for name in local] or [0], dtype=np.int32)[codes] for local, codes in pairs]
    return np.concatenate(coded), tuple(names)


def _scores(tasks: Sequence[ScoreTask], kept: Sequence[Bool[np.ndarray, " _"]]) -> Float[np.ndarray, " n"]:
    pairs = zip(tasks, kept, strict=True)
    parts = [np.asarray(task.reading.sidecars.map_array(SCORES, task.key))[keep] for task, keep in pairs]
    return np.concatenate(parts).astype(np.float64)


def _difficulty(
    tasks: Sequence[ScoreTask | None], kept: Sequence[Bool[np.ndarray, " _"]]
) -> Float[np.ndarray, " n"] | None:
    there = [task for task in tasks if task is not None]
    return _scores(there, kept) if there else None


def _quality(
    tasks: Sequence[tuple[ScoreTask, ...]], kept: Sequence[Bool[np.ndarray, " _"]]
) -> tuple[Float[np.ndarray, " n"] | None, Int[np.ndarray, " n"] | None]:
    """The score of each row by the scorer that scored it, and which that was; by one scorer, as it is."""
    from selection.data.stratified import from_zero

    found = [_scores(own, kept) for own in zip(*tasks, strict=True)]
    if len(found) < 2:
        return (found[0] if found else None), None
    quality = np.empty(sum(int(keep.sum()) for keep in kept))
    scorers = np.empty(len(quality), dtype=np.int32)
    for number, scores in enumerate(found):
        rows = np.flatnonzero(np.isfinite(scores))
        scorers[rows] = number
        quality[rows] = from_zero(scores[rows])
    return quality, scorers


def _tags(
    tasks: Sequence[TagTask | RouteTask | None], kept: Sequence[Bool[np.ndarray, " _"]]
) -> tuple[csr_array | None, tuple[str, ...]]:
    """Labels of all rows as a matrix of 0 and 1, columns sorted by name."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from scipy.sparse import csr_array

    done = [(task, keep) for task, keep in zip(tasks, kept, strict=True) if task is not None]
    if not done:
        return None, ()
    lists = [
        task.reading.sidecars.read_table(TAGS, task.key).column("labels").filter(keep).combine_chunks()
        for task, keep in done
    ]
    flat = [pc.list_flatten(found) for found in lists]
    names = sorted({name for found in flat for name in pc.unique(found).to_pylist()})
    known = pa.array(names, pa.string())
    columns = np.concatenate([pc.index_in(found, value_set=known).to_numpy(zero_copy_only=False) for found in flat])
    sizes = np.concatenate([pc.list_value_length(found).to_numpy(zero_copy_only=False) for found in lists])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    whole = np.int32 if ends[-1] < 1 << 31 else np.int64
    parts = np.ones(len(columns), dtype=np.int8), columns.astype(whole), ends.astype(whole)
    matrix = csr_array(parts, shape=(len(sizes), max(1, len(names))))
    matrix.sort_indices()
    return matrix, tuple(names)


def _first_labels(tags: csr_array, names: tuple[str, ...]) -> np.ndarray:
    """The one category of each row; "none" where it has none."""
    ends = np.asarray(tags.indptr)
    has = np.diff(ends) > 0
    categories = np.full(tags.shape[0], "none", dtype=object)
    categories[has] = np.array(names, dtype=object)[np.asarray(tags.indices)[ends[:-1][has]]]
    return categories
