"""A dataset that the `datasets` library saved with `save_to_disk`; what is chosen is saved in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from xalign.encoders.fingerprints import stamp_of
from xalign.errors import CorpusError
from xalign.selecting.pools.formats.parts import Format, Piece, Record, Span, cut_rows, unreadable

STATE, SPLITS = "state.json", "dataset_dict.json"
BATCH = 4096


def is_dataset(folder: Path) -> bool:
    """Whether a folder is one saved dataset."""
    return (folder / STATE).is_file()


def refuse_splits(folder: Path) -> None:
    """Refuse a folder of several splits: a pool is one of them."""
    if (folder / SPLITS).is_file():
        splits = sorted(path.name for path in folder.iterdir() if is_dataset(path))
        raise CorpusError(
            f"{folder}: one dataset was expected, got the splits {', '.join(splits)}; name one, like {folder / 'train'}"
        )


def load(folder: Path) -> Any:
    """Map a saved dataset into memory, and again if its files change."""
    return _load(folder, stamp_of(folder))


@lru_cache(maxsize=4)
def _load(folder: Path, _stamp: str) -> Any:
    import datasets

    try:
        return datasets.load_from_disk(str(folder))
    except (OSError, ValueError) as error:
        raise unreadable(folder, "a dataset saved with save_to_disk", error) from error


def cut(folder: Path, rows: int) -> Iterator[Span]:
    """Cut a dataset into spans of at most `rows` rows."""
    return cut_rows(len(load(folder)), rows)


def read(folder: Path, span: Span, columns: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield the rows of a span."""
    found = load(folder)
    names = None if columns is None else [name for name in found.column_names if name in columns]
    part = found if names is None else found.select_columns(names)
    stop = min(span.stop, len(part))
    for start in range(span.start, stop, BATCH):
        batch = part[start : min(start + BATCH, stop)]
        for index in range(min(BATCH, stop - start)):
            yield Record(start + index + 1, {name: values[index] for name, values in batch.items()})


def write(folder: Path, pieces: Sequence[Piece]) -> None:
    """Save the chosen rows as a dataset; `datasets` would leave a copy of them in the pool's folder."""
    source = load(pieces[0].path)
    rows = [piece.span.start + place for piece in pieces for place in piece.places]
    added = list(pieces[0].added)
    chosen = source.remove_columns([name for name in added if name in source.column_names]).select(rows)
    copy = folder.with_name(f".{folder.name}.arrow")
    chosen = chosen.flatten_indices(cache_file_name=str(copy))
    for name in added:
        chosen = chosen.add_column(name, [value for piece in pieces for value in piece.added[name]])
    chosen.save_to_disk(str(folder))
    copy.unlink(missing_ok=True)


DATASETS = Format("saved dataset", (), "row", cut, read, write)
