"""Mining: which sentences of two lists translate each other, at the threshold that other sentences chose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.mining import MinedBitext, MiningScores, mine_bitext, mining_scores
from probes.transforms import TRANSFORMS
from xalign.benchmarking.bucc import MiningMaterial, MiningPair
from xalign.benchmarking.judged import Draws, score_columns
from xalign.benchmarking.mining_parts import MinedPart
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.benchmarking.splitting import Part
from xalign.benchmarking.vectors import Vectors
from xalign.errors import ProbeError
from xalign.judging.rows import Judged


@dataclass(frozen=True, eq=False)
class MinedScores:
    """Kept pairs against the true ones, ready to be judged.

    The null shuffles which target belongs to which true source; a resample draws source sentences with all that was
    kept, or is true, of them.

    Attributes:
        kept: Rows of the first list beside rows of the second.
        gold: The true pairs.
        n_sources: How many sentences the first list has.
    """

    kept: Int[np.ndarray, "k 2"]
    gold: Int[np.ndarray, "g 2"]
    n_sources: int

    def judged(self, draws: Draws) -> dict[str, Judged]:
        """Judge F1, precision and recall."""
        observed, chance = self._scores(*self._observed()), self._scores(*self._chance())
        null, drawn = self._scores(*self._null(draws)), self._scores(*self._draws(draws))
        return {
            name: Judged(float(observed[name][0]), float(chance[name][0]), null[name], drawn[name])
            for name in ("f1", "precision", "recall")
        }

    @property
    def right(self) -> Bool[np.ndarray, " k"]:
        """Which of the kept pairs are true."""
        true = set(map(tuple, self.gold.tolist()))
        return np.array([tuple(pair) in true for pair in self.kept.tolist()], dtype=bool)

    def _scores(self, right: np.ndarray, kept: np.ndarray, true: np.ndarray) -> dict[str, Float[np.ndarray, " m"]]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"f1": 2 * right / (kept + true), "precision": right / kept, "recall": right / true}

    def _observed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return np.array([self.right.sum()]), np.array([float(len(self.kept))]), np.array([float(len(self.gold))])

    def _places(self) -> Int[np.ndarray, "k 2"]:
        """Which true pair's source, and which one's target, each kept pair has; -1 for none."""
        places = [{row: i for i, row in enumerate(side)} for side in self.gold.T.tolist()]
        return np.array(
            [[places[s].get(row, -1) for s, row in enumerate(pair)] for pair in self.kept.tolist()]
        ).reshape(-1, 2)

    def _chance(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The exact mean over all shuffles: a kept pair of a true source and a true target is right once in n_gold."""
        able = (self._places() >= 0).all(axis=1).sum()
        return np.array([able / len(self.gold)]), *self._observed()[1:]

    def _null(self, draws: Draws) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        places, orders = self._places(), draws.permutations(len(self.gold))
        places = places[(places >= 0).all(axis=1)]
        return (orders[:, places[:, 0]] == places[:, 1]).sum(axis=1), *self._observed()[1:]

    def _draws(self, draws: Draws) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sources, place = np.unique(np.concatenate([self.kept[:, 0], self.gold[:, 0]]), return_inverse=True)
        counts = draws.counts_among(sources.size, self.n_sources)
        kept, true = counts[:, place[: len(self.kept)]], counts[:, place[len(self.kept) :]]
        return kept @ self.right.astype(float), kept.sum(axis=1), true.sum(axis=1)


@dataclass(frozen=True, eq=False)
class MiningTrial:
    """Encoded lists, mined layer by layer."""

    material: MiningMaterial
    vectors: Vectors
    settings: BenchmarkSettings
    warnings: list[str] = field(default_factory=list)

    def selection_score(self, layer: int) -> float:
        """Return the mean over pairs of the best F1 on the sentences that choose."""
        scores = []
        for number, pair in enumerate(self.material.pairs):
            if pair.plan.choosing is not None:
                fit, part = pair.plan.choosing
                scores.append(_scored(self._mine(number, pair, part, fit, layer), part).best_f1)
        return float(np.mean(scores))

    def rows(self, layer: int, draws: Draws) -> Iterator[dict[str, Any]]:
        """Yield F1, precision and recall of every pair at its threshold, and the highest F1 of any threshold."""
        for number, pair in enumerate(self.material.pairs):
            part = pair.plan.scored_part
            mined = self._mine(number, pair, part, self._fitted_on(pair), layer)
            found = _scored(mined, part, self._threshold(number, pair, layer))
            self.warnings.append(_told(pair, found, layer))
            kept = mined.pairs[mined.margins > found.threshold]
            named = {"source": pair.source, "target": pair.target, "n": part.n[0], "n_candidates": part.n[1]}
            for name, judged in MinedScores(kept, part.gold, part.n[0]).judged(draws).items():
                yield {"metric": name} | named | score_columns(judged)
            best = mined.pairs[mined.margins > found.best_threshold]
            judged = MinedScores(best, part.gold, part.n[0]).judged(draws)["f1"]
            yield {"metric": "f1_best_threshold"} | named | score_columns(judged)

    def _threshold(self, number: int, pair: MiningPair, layer: int) -> float | None:
        """The best on the part that tunes; None for the best on what is scored."""
        tuning = pair.plan.tuning
        if tuning is None:
            return None
        return _scored(self._mine(number, pair, tuning, self._fitted_on(pair), layer), tuning).best_threshold

    def _fitted_on(self, pair: MiningPair) -> MinedPart | None:
        return pair.plan.tuning if self.settings.fits else None

    def _mine(self, number: int, pair: MiningPair, part: MinedPart, fit: MinedPart | None, layer: int) -> MinedBitext:
        margin = self.settings.margin if self.settings.score == "margin" else "absolute"
        try:
            x = self._moved(number, "x", part.x, fit.x if fit else None, layer)
            y = self._moved(number, "y", part.y, fit.y if fit else None, layer)
            return mine_bitext(x, y, k=self.settings.neighbours, margin=margin)
        except ValueError as error:
            raise ProbeError(f"{pair.source} to {pair.target} ({part.name}), layer {layer}: {error}") from error

    def _moved(self, number: int, side: str, part: Part, fit: Part | None, layer: int) -> Float[np.ndarray, "n d"]:
        rows = self.vectors.read(number, side, part=part, layer=layer)
        if fit is None:
            return rows
        kind = TRANSFORMS[self.settings.transform]
        return kind.fit(self.vectors.read(number, side, part=fit, layer=layer)).apply(rows)


def _scored(mined: MinedBitext, part: MinedPart, threshold: float | None = None) -> MiningScores:
    gold = [(int(i), int(j)) for i, j in part.gold]
    return mining_scores(mined.pairs, mined.margins, gold, threshold=threshold)


def _told(pair: MiningPair, found: MiningScores, layer: int) -> str:
    where = pair.plan.tuning.name if pair.plan.tuning else "the sentences that are scored, which flatters F1"
    return (
        f"{'-'.join(pair.spelled)}, layer {layer}: pairs with a margin above {found.threshold:.4f} are kept "
        f"({found.n_kept}, {found.n_gold} are true); the threshold is the best on {where}"
    )
