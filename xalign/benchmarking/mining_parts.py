"""Which of BUCC's sentences choose the threshold and the layer, and which are scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from xalign.benchmarking.settings import BenchmarkSettings
from xalign.benchmarking.splitting import SELECTING, Part, Plan, Round, halves
from xalign.errors import SettingError, UnknownNameError
from xalign.names import nearest

REPORTED_FIRST = ("test", "training", "train", "sample")
TUNED_FIRST = ("training", *SELECTING)


@dataclass(frozen=True, eq=False)
class MinedPart:
    """Some sentences of both languages of a split.

    Attributes:
        x: Those of the first language.
        y: Those of the second.
        gold: Which rows of these match, counted within the part.
    """

    x: Part
    y: Part
    gold: Int[np.ndarray, "g 2"]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.x.name

    @property
    def n(self) -> tuple[int, int]:
        """How many sentences of each language."""
        return self.x.n, self.y.n


@dataclass(frozen=True, eq=False)
class MiningPlan:
    """What tunes and what is scored.

    Attributes:
        tuning: Chooses threshold and layer, and fits a transform; None where the threshold is the best on what is
            scored.
        choosing: Where a layer is chosen after a transform: what it is fitted on, and what chooses.
        scored_part: What is reported.
        fits: Whether a transform is fitted.
    """

    tuning: MinedPart | None
    choosing: tuple[MinedPart | None, MinedPart] | None
    scored_part: MinedPart
    fits: bool = False

    @property
    def scored(self) -> tuple[MinedPart, ...]:
        """Every part that is mined."""
        return (self.scored_part, *([self.tuning] if self.tuning else []))

    @property
    def units(self) -> tuple[str, ...]:
        """The splits that have to be encoded."""
        return tuple(dict.fromkeys(str(part.x.unit) for part in self.scored))

    def as_plan(self) -> Plan:
        """The same in numbers of sentences of both languages together."""
        tuning = None if self.tuning is None else _both(self.tuning)
        chosen = Round(None, tuning) if tuning is not None and self.choosing else None
        return Plan(chosen, Round(tuning if self.fits else None, _both(self.scored_part)))


def plan_mining(
    sizes: Mapping[str, tuple[int, int, Int[np.ndarray, "g 2"]]], settings: BenchmarkSettings, *, name: str
) -> MiningPlan:
    """Divide the splits of a pair of languages.

    Args:
        sizes: Sentences of the first and second language and the gold pairs, by split.
        settings: What is asked of splits; whether a layer is chosen or a transform fitted.
        name: The pair, for messages.

    Returns:
        The plan. Where there is one split, and a layer or a transform wants other sentences, its sentences are halved,
        gold pairs together.

    Raises:
        UnknownNameError: If a split that is asked for is not there.
        SettingError: If one split is asked to tune and to be reported.
    """
    reported = _named(settings.split, sizes, "split", name) or _first(REPORTED_FIRST, sizes)
    others = {split: size for split, size in sizes.items() if split != reported}
    tuned = _named(settings.select, sizes, "select", name) or (_first(TUNED_FIRST, others) if others else None)
    if tuned == reported:
        raise SettingError(f"select must be another split of {name} than the one reported, got {tuned!r}")
    scored = _whole(reported, sizes[reported])
    tuning = _whole(tuned, sizes[tuned]) if tuned else None
    if tuning is None and (settings.chooses or settings.fits):
        tuning, scored = _halved(scored, settings.seed)
    choosing = None
    if settings.chooses and tuning is not None:
        choosing = _halved(tuning, settings.seed) if settings.fits else (None, tuning)
    return MiningPlan(tuning, choosing, scored, settings.fits)


def _first(order: tuple[str, ...], sizes: Mapping[str, object]) -> str:
    return next((split for split in order if split in sizes), next(iter(sizes)))


def _named(split: str | None, sizes: Mapping[str, object], argument: str, name: str) -> str | None:
    if split is not None and split not in sizes:
        raise UnknownNameError(
            f"{argument} must be a split of {name} with a gold file ({', '.join(sizes)}), got {split!r}"
            f"{nearest(split, sizes)}"
        )
    return split


def _whole(split: str, size: tuple[int, int, Int[np.ndarray, "g 2"]]) -> MinedPart:
    return MinedPart(Part(split, split, None, size[0]), Part(split, split, None, size[1]), size[2])


def _halved(part: MinedPart, seed: int) -> tuple[MinedPart, MinedPart]:
    """Two halves of both lists; a gold pair goes to one of them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_x, n = part.x.n, sum(part.n)
    matched = coo_array((np.ones(len(part.gold)), (part.gold[:, 0], n_x + part.gold[:, 1])), shape=(n, n))
    labels = connected_components(matched, directed=False)[1].astype(np.int64)
    return tuple(
        _half(part, rows[rows < n_x], rows[rows >= n_x] - n_x, number)
        for number, rows in enumerate(halves(labels, seed), start=1)
    )  # type: ignore[return-value]


def _half(part: MinedPart, x: Int[np.ndarray, " a"], y: Int[np.ndarray, " b"], number: int) -> MinedPart:
    kept = part.gold[np.isin(part.gold[:, 0], x)]
    gold = np.stack([np.searchsorted(x, kept[:, 0]), np.searchsorted(y, kept[:, 1])], axis=1)
    name = f"{part.name}, half {number}"
    return MinedPart(_rows(part.x, name, x), _rows(part.y, name, y), gold)


def _rows(whole: Part, name: str, rows: Int[np.ndarray, " k"]) -> Part:
    return Part(name, whole.unit, rows if whole.rows is None else whole.rows[rows], rows.size)


def _both(part: MinedPart) -> Part:
    return Part(part.name, part.x.unit, None, sum(part.n))
