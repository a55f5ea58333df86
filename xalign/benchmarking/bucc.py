"""Texts in BUCC's format: `de-en.training.de` and `.en` with `id<TAB>sentence`, `.gold` with `id<TAB>id`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from xalign.benchmarking.mining_parts import MiningPlan, plan_mining
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.benchmarking.splitting import Plan
from xalign.benchmarking.vectors import SENTENCE, Text, Vectors
from xalign.corpora import fingerprint_of, resolve_language
from xalign.corpora.lines import read_lines
from xalign.errors import CorpusError, SettingError

if TYPE_CHECKING:
    from xalign.benchmarking.material import Trial

NAME = re.compile(r"(?P<stem>(?P<first>[A-Za-z_]+)-(?P<second>[A-Za-z_]+)\.(?P<split>[^.]+))\.gold")


@dataclass(frozen=True, eq=False)
class MiningSplit:
    """Two lists of sentences, and which of them translate each other.

    Attributes:
        x: Sentences of one language.
        y: Sentences of the other; not matched with those of `x`, and of another number.
        gold: Rows of `x` beside rows of `y`.
    """

    x: tuple[str, ...]
    y: tuple[str, ...]
    gold: Int[np.ndarray, "g 2"]


@dataclass(frozen=True, eq=False)
class MiningPair:
    """Two languages with their splits, and how these are used.

    Attributes:
        source: Code of the first language.
        target: Code of the second.
        spelled: How the files spell the two.
        splits: Those that have a gold file.
        plan: Which part chooses the threshold (and layer), and which is scored.
    """

    source: str
    target: str
    spelled: tuple[str, str]
    splits: Mapping[str, MiningSplit]
    plan: MiningPlan


@dataclass(frozen=True, eq=False)
class MiningMaterial:
    """All pairs of languages in a folder."""

    name: str
    pairs: tuple[MiningPair, ...]
    ungraded: tuple[str, ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        """The language codes."""
        return tuple(dict.fromkeys(code for pair in self.pairs for code in (pair.source, pair.target)))

    @property
    def n(self) -> int:
        """How many sentences there are in all."""
        return sum(len(split.x) + len(split.y) for pair in self.pairs for split in pair.splits.values())

    @property
    def fingerprint(self) -> str:
        """A hash of the content."""
        splits = [(pair, name, pair.splits[name]) for pair in self.pairs for name in sorted(pair.splits)]
        return fingerprint_of([
            part
            for pair, name, split in splits
            for part in (
                f"{pair.source} {pair.target} {name}", fingerprint_of(split.x), fingerprint_of(split.y),
                " ".join(map(str, split.gold.ravel())),
            )
        ])  # fmt: skip

    @property
    def resolution(self) -> Mapping[str, str]:
        """How names in the source became codes."""
        both = [zip(pair.spelled, (pair.source, pair.target), strict=True) for pair in self.pairs]
        return {spelled: code for pair in both for spelled, code in pair}

    @property
    def pivot(self) -> str | None:
        """The one language that every pair has as its target."""
        targets = {pair.target for pair in self.pairs}
        return targets.pop() if len(targets) == 1 else None

    @property
    def plans(self) -> tuple[Plan, ...]:
        """How the rows of each pair are divided, in sentences of both languages."""
        return tuple(pair.plan.as_plan() for pair in self.pairs)

    def notes(self) -> tuple[str, ...]:
        """Which splits have no gold file, and so cannot be scored."""
        return (f"without a gold file, and passed over: {', '.join(self.ungraded)}",) if self.ungraded else ()

    def smallest(self) -> tuple[str, int]:
        """The smallest list that is mined."""
        parts = [(pair, part) for pair in self.pairs for part in pair.plan.scored]
        sizes = [(f"{pair.source} and {pair.target} ({part.name})", min(part.n)) for pair, part in parts]
        return min(sizes, key=lambda found: found[1])

    def texts(self) -> list[Text]:
        """Both lists of every split that is used."""
        return [
            Text((number, side, unit), code, SENTENCE, getattr(pair.splits[unit], side))
            for number, pair in enumerate(self.pairs)
            for unit in pair.plan.units
            for side, code in (("x", pair.source), ("y", pair.target))
        ]

    def trial(self, vectors: Vectors, settings: BenchmarkSettings) -> Trial:
        """Return the trial of these vectors."""
        from xalign.benchmarking.mined import MiningTrial

        return MiningTrial(self, vectors, settings)


def load_bucc(folder: Path, settings: BenchmarkSettings) -> MiningMaterial:
    """Read every pair of languages with a gold file in a folder or the folders in it.

    Raises:
        CorpusError: If there is none, or a file is missing or malformed; names file and line.
        SettingError: If a transform is asked that needs matched rows, or a score other than the margin's.
    """
    _check(settings)
    found: dict[tuple[str, str], dict[str, MiningSplit]] = {}
    for gold in sorted(folder.rglob("*.gold")):
        match = NAME.fullmatch(gold.name)
        if match is None:
            raise CorpusError(f"{gold}: a name such as de-en.training.gold was expected")
        languages = (match["first"], match["second"])
        if _wanted(languages, settings.languages):
            found.setdefault(languages, {})[match["split"]] = _read_split(gold, match["stem"], languages)
    if not found:
        wanted = f" in {', '.join(settings.languages)}" if settings.languages else ""
        raise CorpusError(f"{folder}: gold files such as de-en.training.gold{wanted} were expected, got none")
    pairs = tuple(_pair(languages, splits, settings) for languages, splits in found.items())
    return MiningMaterial(folder.name, pairs, _ungraded(folder, found))


def _check(settings: BenchmarkSettings) -> None:
    if settings.transform in ("orthogonal", "linear"):
        raise SettingError(
            f"transform must be one that is fitted on a language by itself where sentences are not matched, got "
            f"{settings.transform!r}"
        )
    if settings.score == "csls":
        raise SettingError("score must be margin (or cosine, which is margin='absolute') for mining, got 'csls'")


def _wanted(languages: Sequence[str], asked: Sequence[str] | None) -> bool:
    """Whether all of the pair but English, or all of it, is asked for."""
    if asked is None:
        return True
    codes = {resolve_language(name).code for name in asked} | {"eng_Latn"}
    return {resolve_language(name).code for name in languages} <= codes


def _pair(languages: tuple[str, str], splits: Mapping[str, MiningSplit], settings: BenchmarkSettings) -> MiningPair:
    source, target = (resolve_language(name).code for name in languages)
    sizes = {name: (len(split.x), len(split.y), split.gold) for name, split in splits.items()}
    return MiningPair(source, target, languages, splits, plan_mining(sizes, settings, name="-".join(languages)))


def _ungraded(folder: Path, found: Mapping[tuple[str, str], Mapping[str, MiningSplit]]) -> tuple[str, ...]:
    """Splits with sentences but no gold."""
    stems = {
        ".".join(path.name.split(".")[:2]) for first, second in found for path in folder.rglob(f"{first}-{second}.*")
    }
    return tuple(sorted(stems - {f"{a}-{b}.{split}" for (a, b), splits in found.items() for split in splits}))


def _read_split(gold: Path, stem: str, languages: Sequence[str]) -> MiningSplit:
    (x_ids, x), (y_ids, y) = (_read_sentences(gold.parent / f"{stem}.{language}") for language in languages)
    pairs = [_gold_pair(gold, line, cells, (x_ids, y_ids)) for line, cells in _rows(gold)]
    if len(set(pairs)) < len(pairs):
        raise CorpusError(f"{gold}: a pair may stand once, got {len(pairs) - len(set(pairs))} again")
    if not pairs:
        raise CorpusError(f"{gold}: at least one pair of ids was expected, got none")
    return MiningSplit(x, y, np.array(pairs, dtype=np.int64))


def _read_sentences(path: Path) -> tuple[dict[str, int], tuple[str, ...]]:
    """The row of each id, and the sentences."""
    ids: dict[str, int] = {}
    texts = []
    for line, (key, text) in _rows(path):
        if key in ids:
            raise CorpusError(f"{path}, line {line}: ids must be unique, got {key} again")
        if not text.strip():
            raise CorpusError(f"{path}, line {line}: a sentence was expected, got a blank")
        ids[key] = len(ids)
        texts.append(text)
    if not texts:
        raise CorpusError(f"{path}, line 1: id<TAB>sentence was expected, got an empty file")
    return ids, tuple(texts)


def _rows(path: Path) -> list[tuple[int, tuple[str, str]]]:
    rows = []
    for line, text in enumerate(read_lines(path), start=1):
        first, tab, second = text.partition("\t")
        if not tab:
            raise CorpusError(f"{path}, line {line}: two cells with a tab between were expected, got {text[:60]!r}")
        rows.append((line, (first, second)))
    return rows


def _gold_pair(path: Path, line: int, cells: tuple[str, str], ids: Sequence[Mapping[str, int]]) -> tuple[int, int]:
    for cell, known in zip(cells, ids, strict=True):
        if cell not in known:
            raise CorpusError(f"{path}, line {line}: an id of the sentences was expected, got {cell!r}")
    return ids[0][cells[0]], ids[1][cells[1]]
