"""Moses pairs: `tatoeba.deu-eng.deu` beside `tatoeba.deu-eng.eng`, any prefix, many pairs in a folder."""

import re
from collections.abc import Sequence
from glob import escape
from pathlib import Path

from xalign.corpora.languages import is_code_like
from xalign.corpora.naming import NamedFile
from xalign.corpora.places import Place
from xalign.corpora.readers.line_files import part_from_lines
from xalign.corpora.sources import Column, Found
from xalign.errors import CorpusError

_NAME = re.compile(r"(?P<stem>(?:.*\.)?(?P<first>[A-Za-z_]+)-(?P<second>[A-Za-z_]+))\.(?P<side>[A-Za-z_]+)")


def detects(place: Place) -> bool:
    """Whether files are named as pairs."""
    return any(_parse(path) for path in _files(place))


def reads(place: Place) -> Found:
    """Find the two sides of every pair.

    Raises:
        CorpusError: If a side is missing, or a file is no side of a pair.
    """
    pairs: dict[str, dict[str, Path]] = {}
    for path in _files(place):
        match = _parse(path)
        if match is None:
            raise CorpusError(f"{path}: a side of a pair was expected, such as x.deu-eng.deu, as the other files are")
        pairs.setdefault(match["stem"], {})[match["side"]] = path
    return Found(bitexts=tuple(_sides(stem, sides, place.root) for stem, sides in sorted(pairs.items())))


def _files(place: Place) -> Sequence[Path]:
    """The files; one side alone brings the other."""
    match = _parse(place.path) if place.path.is_file() else None
    return place.files if match is None else sorted(place.root.glob(f"{escape(match['stem'])}.*"))


def _parse(path: Path) -> re.Match[str] | None:
    match = _NAME.fullmatch(path.name)
    if match is None or match["side"] not in (match["first"], match["second"]):
        return None
    return match if is_code_like(match["first"]) and is_code_like(match["second"]) else None


def _sides(stem: str, sides: dict[str, Path], root: Path) -> tuple[Column, Column]:
    first, second = stem.split(".")[-1].split("-")
    for language in (first, second):
        if language not in sides:
            other = next(iter(sides.values()))
            raise CorpusError(
                f"{root / stem}.{language}: the other side of {other.name} was expected, got no such file"
            )
    return _column(first, sides[first]), _column(second, sides[second])


def _column(language: str, path: Path) -> Column:
    return Column(language, str(path), lambda: [part_from_lines(NamedFile(path, language, None))])
