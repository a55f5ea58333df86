"""The target: examples of what is wanted, or languages that are cared for; always a few thousand vectors at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from xalign.corpora import resolve_language
from xalign.errors import SettingError
from xalign.language_lists import read_languages
from xalign.selecting.compact import PoolArrays, gather_pool
from xalign.selecting.engines import Engine
from xalign.selecting.faults import Fault
from xalign.selecting.mapping import Asked, MapPlan, map_shards, resolve_reading
from xalign.selecting.places import find_pool
from xalign.selecting.reading import UNKNOWN
from xalign.selecting.settings import ChoiceSettings

MOST, MOST_OF_POOL = 4096, 1024
"""Rows of a target of examples, and of one that is the pool's own; of more, a sample is taken."""
BY_LANGUAGE = "lang:"


@dataclass(frozen=True, eq=False)
class Target:
    """What a choice shall be like.

    Attributes:
        vectors: One a row.
        languages: Of each row; "und" where nothing tells.
        places: Where each row stands, for reasons.
        words: What it is.
        faults: Rows left out.
        is_pool: Whether its rows are the pool's own.
    """

    vectors: Float[np.ndarray, "m d"]
    languages: tuple[str, ...]
    places: tuple[str, ...]
    words: str
    faults: tuple[Fault, ...] = ()
    is_pool: bool = False

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.languages)


def find_target(
    target: Any, pool: PoolArrays, plan: MapPlan, engine: Engine, settings: ChoiceSettings, asked: Asked
) -> Target:
    """Read and embed a target.

    Args:
        target: Whatever can be a pool; or "lang:swh_Latn,tam_Taml" or "@chosen.json" for the pool's own rows of
            these languages; None for a sample of the whole pool.
        pool: For its languages and rows.
        plan: How vectors are made.
        engine: Where.
        settings: Seed, and what is allowed.
        asked: About the fields of the target.

    Returns:
        At most 4,096 examples or 1,024 rows of the pool, a seeded sample of more.

    Raises:
        SettingError: If it has a language that the pool lacks and that is not allowed.
        CorpusError: If it cannot be read.
    """
    if target is None:
        return _of_pool(pool, np.arange(pool.n), "a sample of the pool", settings.seed)
    if isinstance(target, str) and target.startswith((BY_LANGUAGE, "@")):
        return _of_languages(target, pool, settings.seed)
    return _examples(target, pool, plan, engine, settings, asked)


def _of_languages(text: str, pool: PoolArrays, seed: int) -> Target:
    wanted = [resolve_language(name).code for name in read_languages(text.removeprefix(BY_LANGUAGE))]
    _require_languages(wanted, pool)
    codes = [pool.language_names.index(code) for code in dict.fromkeys(wanted)]
    rows = np.flatnonzero(np.isin(pool.languages, codes))
    return _of_pool(pool, rows, f"the pool's rows in {', '.join(dict.fromkeys(wanted))}", seed)


def _of_pool(pool: PoolArrays, rows: np.ndarray, words: str, seed: int) -> Target:
    rows = _sample(rows, MOST_OF_POOL, seed)
    groups = pool.groups[rows].tolist()
    return Target(pool.vectors.rows(rows), tuple(groups), tuple(pool.ids(rows)), words, is_pool=True)


def _examples(
    target: Any, pool: PoolArrays, plan: MapPlan, engine: Engine, settings: ChoiceSettings, asked: Asked
) -> Target:
    files = find_pool(target, spool=plan.sidecars.folder / "datasets")
    shards = map_shards(files, resolve_reading(files, asked), plan.vectors_only(), engine)
    found = gather_pool(shards, skip_bad=settings.skip_bad, what="target")
    if not settings.across_languages:
        _require_languages([name for name in found.language_names if name != UNKNOWN], pool)
    rows = _sample(np.arange(found.n), MOST, settings.seed)
    places = [f"{_file_of(found, row)}:{found.lines[row]}" for row in rows.tolist()]
    return Target(found.vectors.rows(rows), tuple(found.groups[rows].tolist()), tuple(places), files.name, found.faults)


def _file_of(pool: PoolArrays, row: int) -> str:
    return Path(pool.shards[int(pool.shard_of(np.array([row]))[0])].reading.shard.path).name


def _require_languages(wanted: Sequence[str], pool: PoolArrays) -> None:
    lacking = sorted(set(wanted) - set(pool.language_names))
    if lacking:
        shown = ", ".join(pool.language_names[:12]) + (" ..." if len(pool.language_names) > 12 else "")
        raise SettingError(
            f"target must be in languages of the pool, got {', '.join(lacking)}; the pool has {shown}. To choose rows "
            "that mean the same in other languages give --across-languages (across_languages=True)"
        )


def _sample(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
