"""Word links in files, `0-0 1-2 2-1`: ours count words from 0, gold files often from 1; every function says which."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xalign.corpora.lines import read_lines
from xalign.errors import CorpusError, SettingError
from xalign.files import write_text
from xalign.word_alignment.alignment import Link, Shapes, WordAlignment

BASE_OPTIONS = "on the command line --gold-base or --hypothesis-base"
LINK = re.compile(r"(\d+)([-p])(\d+)(?::(\d*\.?\d+(?:e-?\d+)?))?", re.ASCII)


@dataclass(frozen=True)
class GoldLinks:
    """What people found; words are counted from 0, whatever the file's base was.

    Attributes:
        sure: Of each sentence pair, the links that must be found.
        possible: Those that are not wrong; includes the sure ones.
    """

    sure: tuple[frozenset[Link], ...]
    possible: tuple[frozenset[Link], ...]

    @property
    def n(self) -> int:
        """How many sentence pairs."""
        return len(self.sure)


def links_as_text(alignment: WordAlignment, *, confidence: bool = False) -> str:
    """Write the links of one pair: `0-0 1-2`, words from 0, by source word.

    Args:
        alignment: The links.
        confidence: Write how sure each is behind it: `0-0:0.9312`.

    Raises:
        SettingError: If confidence is asked and the method told none.
    """
    if not confidence:
        return " ".join(f"{i}-{j}" for i, j in sorted(alignment.confidence))
    if any(map(math.isnan, alignment.confidence.values())):
        raise SettingError("confidence was asked of links that have none (backend simalign tells none); leave it out")
    return " ".join(f"{i}-{j}:{sure:.4f}" for (i, j), sure in sorted(alignment.confidence.items()))


def write_links(alignments: Iterable[WordAlignment], path: str | Path, *, confidence: bool = False) -> Path:
    """Write a line of links per pair, words counted from 0; the file is whole or absent.

    Args:
        alignments: In the order of their pairs; one without links becomes an empty line.
        path: Where to.
        confidence: As in `links_as_text`.

    Returns:
        The path.

    Raises:
        SettingError: If confidence is asked and the method told none.
        OSError: If it cannot be written.
    """
    lines = [f"{links_as_text(alignment, confidence=confidence)}\n" for alignment in alignments]
    return write_text(Path(path), "".join(lines))


def read_links(path: str | Path, *, index_base: int = 0, shapes: Shapes | None = None) -> list[dict[Link, float]]:
    """Read what a system found, a line per pair: `i-j`, with or without `:confidence`.

    Args:
        path: The file.
        index_base: What the file calls the first word: 0 (fast_align, awesome-align, ours) or 1.
        shapes: How many words each pair has; links are checked against it.

    Returns:
        The links of each pair with their confidence (1 where none is given), words counted from 0.

    Raises:
        CorpusError: If a line holds something else, `p` among it, or a link leads outside its sentences; the message
            has the line, from 1.
    """
    found: list[dict[Link, float]] = [
        {(i, j): sure for mark, i, j, sure in _parsed(Path(path), number, line, index_base, marks="-")}
        for number, line in enumerate(read_lines(Path(path)), start=1)
    ]
    _check_range(Path(path), found, shapes, index_base)
    return found


def read_gold(path: str | Path, *, index_base: int = 1, shapes: Shapes | None = None) -> GoldLinks:
    """Read gold links, a line per pair: `i-j` sure, `ipj` possible.

    Args:
        path: The file.
        index_base: What the file calls the first word: 1 (the shared tasks', awesome-align's) or 0.
        shapes: How many words each pair has; links are checked against it.

    Returns:
        Sure and possible links, words counted from 0.

    Raises:
        CorpusError: If a line holds something else, or a link leads outside its sentences; the message has the line,
            from 1.
    """
    lines = [_parsed(Path(path), number, line, index_base) for number, line in enumerate(read_lines(Path(path)), 1)]
    possible = tuple(frozenset((i, j) for _, i, j, _ in line) for line in lines)
    _check_range(Path(path), possible, shapes, index_base)
    return GoldLinks(tuple(frozenset((i, j) for mark, i, j, _ in line if mark == "-") for line in lines), possible)


def _parsed(
    path: Path, number: int, line: str, index_base: int, *, marks: str = "-p"
) -> list[tuple[str, int, int, float]]:
    if index_base not in (0, 1):
        raise SettingError(f"index_base must be 0 or 1, what the file calls the first word, got {index_base}")
    found = []
    for text in line.split():
        match = LINK.fullmatch(text)
        if match is None or match[2] not in marks:
            kinds = "i-j (sure) or ipj (possible)" if "p" in marks else "i-j, with or without :confidence,"
            raise CorpusError(f"{path}, line {number}: links {kinds} were expected, got {text!r}")
        i, j = int(match[1]) - index_base, int(match[3]) - index_base
        if min(i, j) < 0:
            raise CorpusError(
                f"{path}, line {number}: words must be counted from {index_base}, got the link {text}; a file that "
                f"counts from 0 needs index_base 0 ({BASE_OPTIONS})"
            )
        found.append((match[2], i, j, float(match[4] or 1)))
    return found


def _check_range(path: Path, found: Sequence[Iterable[Link]], shapes: Shapes | None, index_base: int) -> None:
    if shapes is None:
        return
    if len(found) != len(shapes):
        raise CorpusError(f"{path}: the {len(shapes)} sentence pairs need a line of links each, got {len(found)} lines")
    for number, (links, (m, n)) in enumerate(zip(found, shapes, strict=True), start=1):
        for i, j in sorted(links):
            if i >= m or j >= n:
                raise CorpusError(
                    f"{path}, line {number}: links must lead to {m} source and {n} target words, counted from "
                    f"{index_base}, got {i + index_base}-{j + index_base}{_base_hint(found, shapes, index_base)}"
                )


def _base_hint(found: Sequence[Iterable[Link]], shapes: Shapes, index_base: int) -> str:
    """Say so where every link fits if the file counts from 1 instead of 0."""
    fits: Callable[[Link, tuple[int, int]], bool] = lambda link, shape: all(0 < k <= n for k, n in zip(link, shape))  # noqa: E731, B905
    if index_base == 0 and all(fits(link, shape) for links, shape in zip(found, shapes, strict=True) for link in links):
        return f"; every link fits if the file counts from 1: index_base 1 ({BASE_OPTIONS})"
    return "; words are what a space separates"
