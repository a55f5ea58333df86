"""Where a pool is: files of one format, in order, one or thousands; or a dataset in memory, which is saved first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from glob import has_magic
from os.path import commonpath
from pathlib import Path
from typing import Any

from xalign.encoders.fingerprints import digest_file, digest_texts
from xalign.errors import CorpusError
from xalign.selecting.pools.formats import DATASETS, FORMATS, Format
from xalign.selecting.pools.formats.dataset_folders import STATE, is_dataset, refuse_splits

SHOWN = 3
"""Names of files that an error lists."""
Source = str | Path | Sequence[str | Path] | Any


@dataclass(frozen=True)
class PoolFiles:
    """The files of a pool.

    Attributes:
        name: As it was asked for.
        paths: Sorted by name where a folder or a pattern was given, else in the order given.
        format_name: Their format, by its name in `FORMATS`.
    """

    name: str
    paths: tuple[Path, ...]
    format_name: str

    @property
    def format(self) -> Format:
        """The format itself."""
        return next(known for known in FORMATS if known.name == self.format_name)


def find_pool(source: Source, *, spool: Path) -> PoolFiles:
    """Find the files of a pool.

    Args:
        source: A file, a folder (searched through all its levels), a pattern such as "pool/*.jsonl.gz", several of
            these, a folder that `datasets` saved, a `datasets.Dataset`, or "xalign-100" for the embedded sentences.
        spool: Where a dataset in memory is saved, so that other processes can read it.

    Returns:
        Its files and their format.

    Raises:
        CorpusError: If nothing is there, formats are mixed, or a file's ending is none of the known ones.
    """
    if hasattr(source, "save_to_disk"):
        return _spooled(source, spool)
    given = [source] if isinstance(source, str | Path) else list(source) if isinstance(source, list | tuple) else []
    if not given or not all(isinstance(one, str | Path) for one in given):
        raise CorpusError(
            f"a pool must be paths, patterns or a dataset that can be saved (datasets.Dataset), got "
            f"{type(source).__name__}; save what is streamed as JSON lines or Parquet first"
        )
    paths = [path for one in given for path in _paths(one)]
    name = ", ".join(str(one) for one in given[:3]) + (f" and {len(given) - 3} more" if len(given) > 3 else "")
    by_format: dict[str, list[Path]] = {}
    for path in paths:
        by_format.setdefault(_format_of(path).name, []).append(path)
    if len(by_format) > 1:
        raise _mixed(name, by_format)
    return PoolFiles(name, tuple(paths), next(iter(by_format)))


def _mixed(name: str, by_format: Mapping[str, list[Path]]) -> CorpusError:
    """Say which files are of which format, and the pattern that names those of one."""
    told = [
        f"{len(paths)} of {kind} ({', '.join(path.name for path in paths[:SHOWN])}{', ...' * (len(paths) > SHOWN)})"
        for kind, paths in by_format.items()
    ]
    patterns = " or ".join(repr(_pattern(paths)) for paths in by_format.values())
    return CorpusError(
        f"{name}: files of one format were expected, got {' and '.join(told)}; choose those of one, as with {patterns}"
    )


def _pattern(paths: Sequence[Path]) -> str:
    """What names the files of one format: themselves where it is one, else the ending in the folder of them all."""
    if len(paths) == 1:
        return str(paths[0])
    folders = {path.parent for path in paths}
    ending = "*" + _format_of(paths[0]).suffix_of(paths[0])
    return str(Path(commonpath(folders)) / (ending if len(folders) == 1 else f"**/{ending}"))


def fingerprint_of(path: Path) -> str:
    """Hash what a pool's file, or a saved dataset's folder, holds; not what `datasets` keeps beside its rows."""
    if is_dataset(path):
        files = sorted(
            found
            for found in path.iterdir()
            if found.suffix in (".arrow", ".json") and not found.name.startswith(("cache-", "."))
        )
        return digest_texts([digest_file(found) for found in files])
    return digest_file(path)


def _paths(one: str | Path) -> list[Path]:
    """The files that one path, pattern or name stands for."""
    from xalign.embedded import CORPUS_NAME, corpus_folder

    if str(one) == CORPUS_NAME:
        return sorted(corpus_folder().glob("*.tsv"))
    path = Path(one).expanduser()
    if path.is_dir():
        return _in_folder(path)
    if path.exists():
        return [path]
    found = sorted(_matching(path)) if has_magic(str(path)) else []
    if not found:
        raise CorpusError(f"{one}: a file, a folder or a pattern of files was expected, got nothing of that name")
    return found


def _matching(pattern: Path) -> list[Path]:
    """The files that a pattern names, `**` for folders of any depth."""
    parts = pattern.parts
    first = next(place for place, name in enumerate(parts) if has_magic(name))
    return [path for path in Path(*parts[:first]).glob(str(Path(*parts[first:]))) if path.is_file() or is_dataset(path)]


def _in_folder(folder: Path) -> list[Path]:
    if is_dataset(folder):
        return [folder]
    refuse_splits(folder)
    known = tuple(suffix for found in FORMATS for suffix in found.suffixes)
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.name.lower().endswith(known) and not path.name.startswith((".", "_"))
    )
    if not paths:
        raise CorpusError(f"{folder}: files ending in {', '.join(known)} were expected, got none")
    return paths


def _format_of(path: Path) -> Format:
    if is_dataset(path):
        return DATASETS
    found = next((known for known in FORMATS if known.suffix_of(path)), None)
    if found is None:
        endings = ", ".join(suffix for known in FORMATS for suffix in known.suffixes)
        raise CorpusError(f"{path}: a name ending in {endings} was expected, got {path.suffix or 'none'}")
    return found


def _spooled(dataset: Any, spool: Path) -> PoolFiles:
    """Save a dataset once, under the fingerprint that `datasets` keeps of it."""
    if not hasattr(dataset, "column_names") or isinstance(dataset, dict):
        raise CorpusError(
            f"pool must be one dataset, got {type(dataset).__name__}; name a split, as in dataset['train']"
        )
    folder = spool / f"dataset-{dataset._fingerprint}"
    if not (folder / STATE).is_file():
        save_folder(folder, partial(_save, dataset))
    return PoolFiles(f"dataset {dataset._fingerprint}", (folder,), DATASETS.name)


def _save(dataset: Any, folder: Path) -> None:
    dataset.save_to_disk(str(folder))


def save_folder(folder: Path, fill: Any) -> Path:
    """Fill a folder aside, then put it in place in one step; a folder of that name must be absent or empty."""
    import shutil
    import tempfile

    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.unfinished-"))
    try:
        fill(aside)
        aside.chmod(0o755)
        aside.replace(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return folder
