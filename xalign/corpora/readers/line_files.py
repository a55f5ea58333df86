"""One file per language, one sentence per line: `eng_Latn.txt`, `deu`, `dev/eng_Latn.dev`, `newstest.deu.txt`."""

from collections.abc import Callable, Sequence

from xalign.corpora.lines import read_lines
from xalign.corpora.naming import NamedFile, name_files, split_order
from xalign.corpora.places import Place
from xalign.corpora.sources import Column, Found, Part
from xalign.corpora.tables import TABLE_ENDINGS

_OTHER_FORMATS = (*TABLE_ENDINGS, ".json", ".parquet", ".arrow", ".gz", ".zip", ".xz", ".bz2")


def detects(place: Place) -> bool:
    """Whether all files are of plain lines."""
    return not any(path.suffix.lower() in _OTHER_FORMATS for path in place.files)


def reads(place: Place) -> Found:
    """Find a column in every file, or in the files of every language."""
    return Found(columns=columns_by_language(name_files(place.files, place.root), part_from_lines))


def part_from_lines(named: NamedFile) -> Part:
    """Read a file of lines."""
    lines = read_lines(named.path)
    splits = [named.split] * len(lines) if named.split else None
    return Part(str(named.path), lines, range(1, len(lines) + 1), splits=splits)


def columns_by_language(named: Sequence[NamedFile], read: Callable[[NamedFile], Part]) -> tuple[Column, ...]:
    """Gather the files of each language; files of one split go to one language only once."""
    gathered: dict[str, list[NamedFile]] = {}
    for file in sorted(named, key=lambda file: (split_order(file.split), str(file.path))):
        gathered.setdefault(file.spelling, []).append(file)
    return tuple(
        Column(spelling, str(files[0].path), lambda files=files: [read(file) for file in files])  # type: ignore[misc]
        for spelling, files in sorted(gathered.items())
    )
