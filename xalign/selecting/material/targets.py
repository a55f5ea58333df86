"""The target: examples of what is wanted, or languages that are cared for; always a few thousand vectors at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from xalign.corpora import resolve_language
from xalign.errors import CorpusError, SettingError, UnknownNameError
from xalign.language_lists import read_languages
from xalign.selecting.material.compact import PoolArrays, gather_pool
from xalign.selecting.material.usable import count_rows
from xalign.selecting.phases.engines import Engine
from xalign.selecting.phases.mapping import Asked, MapPlan, map_shards, read_shards, resolve_reading
from xalign.selecting.pools.faults import Fault
from xalign.selecting.pools.places import PoolFiles, find_pool
from xalign.selecting.pools.reading import UNKNOWN, ReadTask
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
        rows: Which rows of the pool they are; None where the target is not of the pool.
    """

    vectors: Float[np.ndarray, "m d"]
    languages: tuple[str, ...]
    places: tuple[str, ...]
    words: str
    faults: tuple[Fault, ...] = ()
    rows: Int[np.ndarray, " m"] | None = None

    @property
    def is_pool(self) -> bool:
        """Whether its rows are the pool's own."""
        return self.rows is not None

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
    if _is_by_language(target):
        return _of_languages(target, pool, settings.seed)
    return _examples(target, pool, plan, engine, settings, asked)


def require_target(
    target: Any, languages: Sequence[str], plan: MapPlan, engine: Engine, settings: ChoiceSettings, asked: Asked
) -> None:
    """Refuse, before models run, a target that cannot be read, or is in languages that the pool lacks.

    Args:
        target: As for `find_target`.
        languages: Of the pool.
        plan: How vectors will be made.
        engine: Where.
        settings: What is allowed.
        asked: About the fields of the target.

    Raises:
        SettingError: If it has a language that the pool lacks and that is not allowed.
        CorpusError: If it cannot be read.
    """
    if _is_by_language(target):
        _named_languages(target, languages)
    elif target is not None:
        _read_examples(target, languages, plan, engine, settings, asked)


def _is_by_language(target: Any) -> bool:
    """Whether a target is the pool's own rows of some languages."""
    return isinstance(target, str) and target.startswith((BY_LANGUAGE, "@"))


def _named_languages(text: str, languages: Sequence[str]) -> list[str]:
    """The languages whose rows stand for a target, each once."""
    try:
        wanted = [resolve_language(name).code for name in read_languages(text.removeprefix(BY_LANGUAGE))]
    except UnknownNameError as error:
        raise UnknownNameError(f"target: {error}") from error
    if lacking := sorted(set(wanted) - set(languages)):
        raise SettingError(
            f"target must name languages of the pool, as it stands for the pool's rows in them, got "
            f"{', '.join(lacking)}; the pool has {_shown(languages)}. Give examples for a language that the pool lacks"
        )
    return list(dict.fromkeys(wanted))


def _shown(names: Sequence[str]) -> str:
    if set(names) == {UNKNOWN}:
        return "rows whose language nothing tells (name its field with --language-field, or detect it with @detect)"
    return ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")


def _of_languages(text: str, pool: PoolArrays, seed: int) -> Target:
    wanted = _named_languages(text, pool.language_names)
    rows = np.flatnonzero(np.isin(pool.languages, [pool.language_names.index(code) for code in wanted]))
    return _of_pool(pool, rows, f"the pool's rows in {', '.join(wanted)}", seed)


def _of_pool(pool: PoolArrays, rows: np.ndarray, words: str, seed: int) -> Target:
    rows = _sample(rows, MOST_OF_POOL, seed)
    groups = pool.groups[rows].tolist()
    return Target(pool.vectors.rows(rows), tuple(groups), tuple(pool.ids(rows)), words, rows=rows)


def _examples(
    target: Any, pool: PoolArrays, plan: MapPlan, engine: Engine, settings: ChoiceSettings, asked: Asked
) -> Target:
    files, read = _read_examples(target, pool.language_names, plan, engine, settings, asked)
    found = gather_pool(map_shards(read, plan.vectors_only(), engine), skip_bad=settings.skip_bad, what="target")
    rows = _sample(np.arange(found.n), MOST, settings.seed)
    places = [f"{_file_of(found, row)}:{found.lines[row]}" for row in rows.tolist()]
    return Target(found.vectors.rows(rows), tuple(found.groups[rows].tolist()), tuple(places), files.name, found.faults)


def _read_examples(
    target: Any, languages: Sequence[str], plan: MapPlan, engine: Engine, settings: ChoiceSettings, asked: Asked
) -> tuple[PoolFiles, list[ReadTask]]:
    """Find and read examples, in languages of the pool unless others are allowed."""
    try:
        files = find_pool(target, spool=plan.sidecars.folder / "datasets")
    except CorpusError as error:
        raise CorpusError(f"{error}{_as_languages(target)}") from error
    read = read_shards(files, resolve_reading(files, asked), plan.vectors_only(), engine)
    spoken = set(count_rows(read, skip_bad=settings.skip_bad, what="target")) - {UNKNOWN}
    if not settings.across_languages and (lacking := sorted(spoken - set(languages))):
        raise SettingError(
            f"target must be in languages of the pool, got {', '.join(lacking)}; the pool has {_shown(languages)}. To "
            "choose rows that mean the same in other languages give --across-languages (across_languages=True)"
        )
    return files, read


def _as_languages(target: Any) -> str:
    """The hint for one who named languages where files are expected."""
    try:
        for name in str(target).split(","):
            resolve_language(name.strip())
    except UnknownNameError:
        return ""
    return f"; for the pool's rows in a language give {BY_LANGUAGE}{target}"


def _file_of(pool: PoolArrays, row: int) -> str:
    return Path(pool.shards[int(pool.shard_of(np.array([row]))[0])].reading.shard.path).name


def _sample(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
