"""What sidecars are kept, and away with them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from xalign.encoders.cache import STALE_AFTER, Cleared, days_ago
from xalign.errors import CacheError
from xalign.selecting.pools.sidecars import ROWS, SCORES, TAGS, VECTORS, default_folder

PLACES = {
    "cuts": "cuts/??/*",
    ROWS: f"{ROWS}/??/*",
    VECTORS: f"{VECTORS}/??/*",
    SCORES: f"{SCORES}/??/*",
    TAGS: f"{TAGS}/??/*",
    "joined": "joined/*",
    "datasets": "datasets/*",
}
"""Where each kind stands in the folder of sidecars."""


@dataclass(frozen=True)
class Kept:
    """One sidecar, of one shard; a dataset that was saved to be read, or a matrix joined of many, counts as one.

    Attributes:
        kind: A name of `PLACES`.
        model: What made the vectors or scores; empty for other kinds.
        n_rows: Rows in it; 0 where that is not written beside it.
        n_bytes: Its size on disk.
        created: When, UTC.
        paths: Its files, the one that says that it is whole first.
    """

    kind: str
    model: str
    n_rows: int
    n_bytes: int
    created: datetime
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class KeptGroup:
    """All sidecars of a kind and model.

    Attributes:
        kind: What they are.
        model: As in `Kept`.
        n_sidecars: How many.
        n_rows: Rows in all.
        n_bytes: Bytes in all.
        created: When the newest was made, UTC.
    """

    kind: str
    model: str
    n_sidecars: int
    n_rows: int
    n_bytes: int
    created: datetime


def list_sidecars(folder: str | Path | None = None) -> tuple[KeptGroup, ...]:
    """List what `xalign select` keeps, by kind and model.

    Args:
        folder: Of the sidecars; None for that in the cache.
    """
    kept = sorted(_kept(_folder(folder)), key=lambda one: (list(PLACES).index(one.kind), one.model))
    groups = groupby(kept, key=lambda one: (one.kind, one.model))
    return tuple(_group(kind, model, list(found)) for (kind, model), found in groups)


def _group(kind: str, model: str, found: list[Kept]) -> KeptGroup:
    rows, n_bytes = sum(one.n_rows for one in found), sum(one.n_bytes for one in found)
    return KeptGroup(kind, model, len(found), rows, n_bytes, max(one.created for one in found))


def clear_sidecars(
    folder: str | Path | None = None, *, model: str | None = None, older_than_days: int | float | None = None
) -> Cleared:
    """Remove sidecars: all of them, what one model made, those older than some days, or those that are both.

    Raises:
        CacheError: If they cannot be removed, or the number of days is negative or beyond a hundred years.
    """
    limit = None if older_than_days is None else days_ago(older_than_days)
    n_entries = n_bytes = 0
    try:
        for one in _kept(_folder(folder)):
            if (model is None or one.model == model) and (limit is None or one.created < limit):
                for path in one.paths:
                    _remove(path)
                n_entries, n_bytes = n_entries + 1, n_bytes + one.n_bytes
        _sweep(_folder(folder), timedelta(0) if model is None and limit is None else STALE_AFTER)
    except OSError as error:
        raise CacheError(f"sidecars in {_folder(folder)} cannot be removed: {error}") from error
    return Cleared(n_entries, n_bytes)


def _folder(folder: str | Path | None) -> Path:
    return default_folder() if folder is None else Path(folder)


def _kept(folder: Path) -> Iterator[Kept]:
    for kind, pattern in PLACES.items():
        paths = sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
        for _, found in groupby(paths, key=lambda path: path.parent / path.stem):
            yield _describe(kind, tuple(sorted(found, key=lambda path: path.suffix != ".json")))


def _describe(kind: str, paths: tuple[Path, ...]) -> Kept:
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
    facts = _facts(paths[0]) if kind in (ROWS, VECTORS, SCORES, TAGS) else {}
    status = [file.stat() for file in files] or [paths[0].stat()]
    created = datetime.fromtimestamp(max(one.st_mtime for one in status), UTC)
    n_bytes = sum(one.st_size for one in status)
    return Kept(kind, str(facts.get("model", "")), int(facts.get("n", 0)), n_bytes, created, paths)


def _facts(path: Path) -> dict:
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sweep(folder: Path, age: timedelta) -> None:
    """Remove what killed runs left unfinished."""
    limit = (datetime.now(UTC) - age).timestamp()
    for pattern in PLACES.values():
        for path in folder.glob(pattern.replace("/*", "/.*")):
            if path.stat().st_mtime <= limit:
                _remove(path)
