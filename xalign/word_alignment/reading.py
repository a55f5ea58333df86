"""Files of sentence pairs become pairs of word lists."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xalign.corpora.lines import read_lines
from xalign.errors import CorpusError
from xalign.word_alignment.settings_checks import ASCII_SPACE

WordPair = tuple[list[str], list[str]]
BARS = "|||"
SIDES = ("source", "target")
JSON_ENDINGS = (".jsonl", ".ndjson")


def read_pairs(path: str | Path) -> list[WordPair]:
    """Read sentence pairs as word lists; a line is a pair, also where a side, or both, are empty.

    Three formats, told apart by the file's ending and its lines: `source words ||| target words`; two columns with a
    tab between (no header); JSONL (.jsonl, .ndjson), objects with `source` and `target`, each a string or a list of
    words. Strings are split at spaces and tabs and nowhere else, so that words stay those that gold links count: the
    ideographic space of a Japanese file may be one.

    Args:
        path: A UTF-8 file.

    Returns:
        (source words, target words) of each line.

    Raises:
        CorpusError: If the file cannot be read, is empty, or a line is no pair; the message has the line, from 1.
    """
    path = Path(path)
    lines = read_lines(path)
    if not any(line.strip() for line in lines):
        raise CorpusError(f"{path}: sentence pairs were expected, a line each, got an empty file")
    split = _from_json if path.suffix.lower() in JSON_ENDINGS else _from_text(lines)
    return [split(path, number, line) for number, line in enumerate(lines, start=1)]


def split_words(text: str) -> list[str]:
    """Split at ASCII white space only."""
    return [word for word in re.split(f"[{ASCII_SPACE}]+", text) if word]


def _from_text(lines: list[str]) -> Any:
    return _from_bars if any(BARS in line for line in lines) else _from_tabs


def _from_bars(path: Path, number: int, line: str) -> WordPair:
    sides = line.split(BARS)
    if len(sides) != 2:
        raise CorpusError(
            f"{path}, line {number}: source words {BARS} target words was expected, got {len(sides) - 1} times {BARS} "
            f"in {line!r:.80}"
        )
    return split_words(sides[0]), split_words(sides[1])


def _from_tabs(path: Path, number: int, line: str) -> WordPair:
    cells = line.split("\t")
    if len(cells) != 2:
        raise CorpusError(
            f"{path}, line {number}: two sides were expected, source and target, with {BARS} or one tab between, got "
            f"{line!r:.80}; JSONL files must end in .jsonl"
        )
    return split_words(cells[0]), split_words(cells[1])


def _from_json(path: Path, number: int, line: str) -> WordPair:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise CorpusError(f"{path}, line {number}: one JSON object was expected, got {line!r:.80} ({error})") from error
    if not isinstance(found, dict) or not all(side in found for side in SIDES):
        raise CorpusError(f"{path}, line {number}: an object with source and target was expected, got {line!r:.80}")
    source, target = (_json_words(path, number, side, found[side]) for side in SIDES)
    return source, target


def _json_words(path: Path, number: int, side: str, value: Any) -> list[str]:
    if isinstance(value, str):
        return split_words(value)
    if not isinstance(value, list) or not all(isinstance(word, str) and word.strip(ASCII_SPACE) for word in value):
        raise CorpusError(
            f"{path}, line {number}: {side} must be a string or a list of words, none blank, got {value!r:.80}"
        )
    return value


def find_gold_sets(place: str | Path) -> Iterator[tuple[str, Path, Path]]:
    """Find sentence pairs with gold links: `NAME.src-tgt` beside `NAME.gold`.

    Args:
        place: A folder, all of whose sets are taken; or a prefix such as `folder/enfr`.

    Yields:
        Name, file of pairs, file of gold links; by name.

    Raises:
        CorpusError: If there is none, or a file is without its other half.
    """
    place = Path(place)
    pairs = sorted(place.glob("*.src-tgt")) if place.is_dir() else [place.with_name(f"{place.name}.src-tgt")]
    if not pairs:
        raise CorpusError(f"{place}: NAME.src-tgt beside NAME.gold were expected, got a folder without *.src-tgt")
    for path in pairs:
        name = path.name.removesuffix(".src-tgt")
        gold = path.with_name(f"{name}.gold")
        for needed in (path, gold):
            if not needed.is_file():
                raise CorpusError(
                    f"{needed}: this file was expected, for {place} is neither a folder nor a prefix of files "
                    "NAME.src-tgt and NAME.gold that are there; files of other names go with --gold"
                )
        yield name, path, gold
