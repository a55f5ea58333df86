"""Sentence pairs with gold links, and what other systems found in them, read and checked against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xalign.errors import SettingError
from xalign.word_alignment.alignment import Link
from xalign.word_alignment.floors import FLOORS
from xalign.word_alignment.pharaoh import GoldLinks, read_gold, read_links
from xalign.word_alignment.reading import find_gold_sets, read_pairs


@dataclass(frozen=True, eq=False)
class GoldSet:
    """Sentence pairs whose word links people have marked.

    Attributes:
        name: What the set is called.
        pairs: (source words, target words).
        gold: Their links, counted from 0.
        hypotheses: Links that other systems found, by the system's name.
    """

    name: str
    pairs: Sequence[tuple[Sequence[str], Sequence[str]]]
    gold: GoldLinks
    hypotheses: Mapping[str, Sequence[Mapping[Link, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse systems that would stand in a row of the floors'.

        Raises:
            SettingError: If one is called as a floor.
        """
        if taken := sorted(set(FLOORS) & set(self.hypotheses)):
            raise SettingError(f"hypotheses must not be named {taken[0]}, which is a floor; rename that file or system")

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """How many source and target words each pair has."""
        return _shapes(self.pairs)


def read_gold_set(
    pairs: str | Path,
    gold: str | Path,
    *,
    name: str | None = None,
    index_base: int = 1,
    hypotheses: Sequence[str | Path] = (),
    hypothesis_base: int = 0,
) -> GoldSet:
    """Read sentence pairs, their gold links, and what other systems found.

    Args:
        pairs: As `read_pairs` takes it.
        gold: As `read_gold` takes it.
        name: What to call the set; by default the file of pairs, without ending.
        index_base: What the gold file calls the first word: 1 or 0.
        hypotheses: Files of other systems' links; a system is called what its file is, without ending.
        hypothesis_base: What these files call the first word: 0 or 1.

    Raises:
        CorpusError: If a file cannot be read, or a link leads outside its sentences.
        SettingError: If two systems have the same name, or one that of a floor.
    """
    found = read_pairs(pairs)
    shapes = _shapes(found)
    links: dict[str, list[dict[Link, float]]] = {}
    for path in map(Path, hypotheses):
        if path.stem in links:
            raise SettingError(f"hypotheses must differ in the names of their files, got {path.stem} twice; rename one")
        links[path.stem] = read_links(path, index_base=hypothesis_base, shapes=shapes)
    known = read_gold(gold, index_base=index_base, shapes=shapes)
    return GoldSet(name or Path(pairs).stem, found, known, links)


def _shapes(pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> list[tuple[int, int]]:
    return [(len(source), len(target)) for source, target in pairs]


def read_gold_sets(place: str | Path, *, index_base: int = 1) -> list[GoldSet]:
    """Read every `NAME.src-tgt` with `NAME.gold` of a folder, or the one of a prefix such as `folder/enfr`.

    Raises:
        CorpusError: If there is none, or a file cannot be read.
    """
    return [read_gold_set(pairs, gold, name=name, index_base=index_base) for name, pairs, gold in find_gold_sets(place)]
