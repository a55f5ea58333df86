"""Activations on disk: an entry is a folder that appears whole or not at all, and is checked before it is believed."""

import errno
import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from xalign.encoders.activations import MemoryBlock
from xalign.encoders.cache_entries import (
    FORMAT,
    FORMATS,
    CacheEntry,
    StoredBlock,
    describe_entry,
    entry_size,
    fill_entry,
    find_fault,
    sync_folder,
)
from xalign.encoders.fingerprints import cache_folder
from xalign.errors import CacheError

logger = logging.getLogger(__name__)

UNFINISHED = "unfinished-"
STALE_AFTER = timedelta(days=1)
LONGEST_DAYS = 36_500
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Cleared:
    """What was removed from the cache: entries, and bytes."""

    n_entries: int
    n_bytes: int


class ActivationCache:
    """A folder of encoded sentences.

    Several processes may share one: entries are written aside and moved into place in one step.

    Args:
        folder: Where; by default `$XALIGN_CACHE`, else the user's cache folder.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = cache_folder() if folder is None else Path(folder)

    def __repr__(self) -> str:
        return f"ActivationCache({str(self.folder)!r})"

    def has(self, key: str) -> bool:
        """Whether a whole, undamaged entry of that key is there; a damaged one is reported and counts as absent."""
        path = self._path(key)
        if not path.exists():
            return False
        fault = find_fault(path, key)
        if fault:
            logger.warning("the cache entry %s is damaged (%s) and will be computed again", path, fault)
        return not fault

    def read(self, key: str, rows: Mapping[str, tuple[int, ...]]) -> StoredBlock:
        """Return an entry that `has` found; `rows` as in `StoredBlock`."""
        return StoredBlock(self._path(key), rows)

    def write(self, key: str, block: MemoryBlock, *, model: str, label: str) -> None:
        """Store a block under a key; a sound entry that is already there stays.

        Raises:
            CacheError: If the disk is full or the folder cannot be written.
        """
        facts = {"n_tokens": block.n_tokens, "truncated": block.truncated, "n_read": block.n_read}
        arrays = {**block.arrays, **facts}
        about = {"model": model, "label": label, "n_sentences": len(block.n_tokens)}
        aside: Path | None = None
        try:
            aside = self._make_aside()
            fill_entry(aside, key, arrays, about)
            self._put(aside, key)
        except OSError as error:
            raise CacheError(self._complaint(error, sum(array.nbytes for array in arrays.values()))) from error
        finally:
            if aside is not None:
                shutil.rmtree(aside, ignore_errors=True)

    def entries(self) -> tuple[CacheEntry, ...]:
        """List the entries, oldest first, those of older formats too; damaged ones are left out."""
        found = [describe_entry(path) for path in self._entry_folders()]
        return tuple(sorted((entry for entry in found if entry is not None), key=lambda entry: entry.created))

    def clear(self, *, model: str | None = None, older_than_days: int | float | None = None) -> Cleared:
        """Remove entries: all of them, those of one model, those older than some days, or those that are both.

        Raises:
            CacheError: If they cannot be removed, or the number of days is negative or beyond a hundred years.
        """
        limit = None if older_than_days is None else days_ago(older_than_days)
        every = model is None and limit is None
        n_entries = n_bytes = 0
        for path in self._entry_folders():
            entry = describe_entry(path)
            if every or (entry is not None and _matches(entry, model, limit)):
                n_entries, n_bytes = n_entries + 1, n_bytes + entry_size(path)
                self._remove(path)
        self._sweep(timedelta(0) if every else STALE_AFTER)
        return Cleared(n_entries, n_bytes)

    @property
    def _root(self) -> Path:
        return self.folder / FORMAT

    def _path(self, key: str) -> Path:
        return self._root / key[:2] / key

    def _entry_folders(self) -> Iterator[Path]:
        """Those of older formats too: they are read no more, and only a listing tells the user that they are there."""
        yield from (path for path in sorted(self.folder.glob(f"{FORMATS}/??/*")) if path.is_dir())

    def _make_aside(self) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        self._sweep(STALE_AFTER)
        aside = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self._root))
        aside.chmod(self._root.stat().st_mode & 0o777)
        return aside

    def _put(self, aside: Path, key: str) -> None:
        path = self._path(key)
        path.parent.mkdir(exist_ok=True)
        try:
            aside.rename(path)
        except OSError:
            if not path.exists():
                raise
            if not find_fault(path, key):
                return
            self._remove(path)
            aside.rename(path)
        sync_folder(path.parent)

    def _remove(self, path: Path) -> None:
        """Take an entry out of sight in one step, then delete it."""
        try:
            gone = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=path.parents[1])) / path.name
            path.rename(gone)
            shutil.rmtree(gone.parent, ignore_errors=True)
        except FileNotFoundError:
            return
        except OSError as error:
            raise CacheError(f"the cache entry {path} cannot be removed: {error}") from error

    def _sweep(self, age: timedelta) -> None:
        """Delete what killed runs left unfinished."""
        limit = (datetime.now(UTC) - age).timestamp()
        for path in self.folder.glob(f"{FORMATS}/{UNFINISHED}*"):
            try:
                stale = path.stat().st_mtime <= limit
            except FileNotFoundError:
                continue
            if stale:
                shutil.rmtree(path, ignore_errors=True)

    def _complaint(self, error: OSError, n_bytes: int) -> str:
        ways = "free space, clear old entries (`xalign cache`), set XALIGN_CACHE to another folder, or pass cache=None"
        if error.errno in FULL:
            existing = next(path for path in (self.folder, *self.folder.parents) if path.exists())
            free = shutil.disk_usage(existing).free
            return (
                f"the disk of the activation cache {self.folder} is full: an entry of {n_bytes / 1e6:.1f} MB was to be "
                f"written and {free / 1e6:.1f} MB are free; {ways}. What was finished is kept"
            )
        return f"the activation cache {self.folder} cannot be written ({error}); {ways}"


def days_ago(days: int | float) -> datetime:
    """The time some days ago.

    Raises:
        CacheError: If the number is negative or beyond a hundred years.
    """
    if not 0 <= days <= LONGEST_DAYS:
        raise CacheError(f"older_than_days must be in 0..{LONGEST_DAYS}, got {days}; nothing was removed")
    return datetime.now(UTC) - timedelta(days=days)


def _matches(entry: CacheEntry, model: str | None, limit: datetime | None) -> bool:
    return (model is None or entry.model == model) and (limit is None or entry.created < limit)
