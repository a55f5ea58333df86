"""Which sentences choose the layer and fit the transform, and which others are scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from xalign.errors import CorpusError, SettingError, UnknownNameError
from xalign.names import nearest

SELECTING = ("dev", "valid", "validation", "train", "training", "sample")
REPORTING = ("test", "devtest")
ALL = "all"
MINIMUM = 4


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of a corpus.

    Attributes:
        name: What tables and sentences call it: `dev`, `all`, `half 1`.
        unit: The split whose rows are encoded together; None for the whole corpus.
        rows: Which of the unit's rows; None for all.
        n: How many.
    """

    name: str
    unit: str | None
    rows: Int[np.ndarray, " k"] | None
    n: int

    def halves(self, labels: Int[np.ndarray, " n"], seed: int) -> tuple[Part, Part]:
        """Cut in two; rows of the unit with one label stay together."""
        own = np.arange(labels.size) if self.rows is None else self.rows
        whole = "" if self.name == ALL else f"{self.name}, "
        return tuple(
            Part(f"{whole}half {number}", self.unit, own[rows], rows.size)
            for number, rows in enumerate(halves(labels[own], seed), start=1)
        )  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class Round:
    """One round of scoring: the rows a transform is fitted on (None without one), and those that are scored."""

    fit: Part | None
    score: Part


@dataclass(frozen=True, eq=False)
class Plan:
    """The round that chooses the layer, where one is chosen, and the round that is reported."""

    choosing: Round | None
    reporting: Round

    @property
    def units(self) -> tuple[str | None, ...]:
        """What has to be encoded, each once."""
        rounds = [self.reporting, *([self.choosing] if self.choosing else [])]
        parts = [part for each in rounds for part in (each.fit, each.score) if part is not None]
        return tuple(dict.fromkeys(part.unit for part in parts))


@dataclass(frozen=True)
class SplitWishes:
    """What a run needs of splits.

    Attributes:
        choose: Whether a layer is chosen.
        fit: Whether a transform is fitted.
        report: The split to report; None for test, where there is one, else all rows.
        select: The split that chooses and fits; None for dev, where there is one.
        seed: Of halves.
    """

    choose: bool
    fit: bool
    report: str | None = None
    select: str | None = None
    seed: int = 0


def make_plan(splits: Sequence[str] | None, labels: Int[np.ndarray, " n"], wishes: SplitWishes, *, name: str) -> Plan:
    """Divide the rows of a corpus.

    Args:
        splits: The split of each row, or None.
        labels: Equal for rows that must not be parted.
        wishes: What is needed.
        name: The corpus, for messages.

    Raises:
        UnknownNameError: If a split that is asked for does not exist.
        SettingError: If one split is asked to choose and to be reported.
        CorpusError: If a part would have fewer than 4 rows.
    """
    report = _reported(splits, wishes, name)
    whole = Part(report or ALL, report, None, _size(splits, report, labels.size))
    if not (wishes.choose or wishes.fit):
        return Plan(None, Round(None, _large_enough(whole, name)))
    within = labels if splits is None or report is None else labels[np.asarray(splits) == report]
    select = _selecting(splits, report, wishes, name)
    if select is not None:
        selecting = Part(select, select, None, _size(splits, select, labels.size))
        own = labels[np.asarray(splits) == select]
    else:
        selecting, whole = whole.halves(within, wishes.seed)
        own = within
    choosing = _choosing(selecting, own, wishes) if wishes.choose else None
    for each in [whole, *([choosing.score] if choosing else [])]:
        _large_enough(each, name)
    return Plan(choosing, Round(selecting if wishes.fit else None, whole))


def _choosing(selecting: Part, labels: Int[np.ndarray, " n"], wishes: SplitWishes) -> Round:
    """With a transform, one half of the selecting rows fits it and the other chooses."""
    if not wishes.fit:
        return Round(None, selecting)
    fit, score = selecting.halves(labels, wishes.seed)
    return Round(fit, score)


def halves(labels: Int[np.ndarray, " n"], seed: int) -> tuple[Int[np.ndarray, " a"], Int[np.ndarray, " b"]]:
    """Draw two halves of about equal size, rows of one label in the same; both in rising order."""
    distinct, of_row, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(distinct.size)
    before = np.cumsum(sizes[order]) - sizes[order]
    first = np.zeros(distinct.size, dtype=bool)
    first[order[2 * before + sizes[order] <= labels.size]] = True
    return np.flatnonzero(first[of_row]), np.flatnonzero(~first[of_row])


def _reported(splits: Sequence[str] | None, wishes: SplitWishes, name: str) -> str | None:
    """The split to report; None for all rows."""
    if wishes.report == ALL or (wishes.report is None and splits is None):
        return None
    known = list(dict.fromkeys(splits or ()))
    if wishes.report is not None:
        return _known("split", wishes.report, known, name)
    return next((split for split in REPORTING if split in known), None)


def _selecting(splits: Sequence[str] | None, report: str | None, wishes: SplitWishes, name: str) -> str | None:
    """The split that chooses and fits; None where rows have to be cut in halves."""
    known = list(dict.fromkeys(splits or ()))
    if wishes.select is not None:
        select = _known("select", wishes.select, known, name)
        if select == report or report is None:
            raise SettingError(
                f"select must be another split of {name} than the one reported ({report or ALL}), got {select!r}"
            )
        return select
    return next((split for split in SELECTING if split in known and split != report), None) if report else None


def _known(argument: str, split: str, known: Sequence[str], name: str) -> str:
    if split not in known:
        has = f"has {', '.join(known)}" if known else "has no splits"
        raise UnknownNameError(
            f"{argument} must be a split of {name}, which {has}, or {ALL!r}, got {split!r}{nearest(split, known)}"
        )
    return split


def _size(splits: Sequence[str] | None, split: str | None, n: int) -> int:
    return n if split is None or splits is None else list(splits).count(split)


def _large_enough(part: Part, name: str) -> Part:
    if part.n < MINIMUM:
        raise CorpusError(
            f"{name}: at least {MINIMUM} sentences must be left in every part, got {part.n} in {part.name}; give more "
            "sentences, or a layer number and no transform, which need no other part"
        )
    return part
