"""How often the better of two responses is ranked above the worse, and whether length alone would have known it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from probes.judging import interval_of
from xalign.quality.pairs import PreferencePairs
from xalign.quality.scoring import QualityModel

N_RESAMPLES = 2000


@dataclass(frozen=True)
class Ranking:
    """How often a model, and length, rank the better response above the worse.

    Intervals are of 95 %, over instructions: all pairs at one position are drawn together, as in parallel data they
    are translations of one another.

    Attributes:
        accuracy: Share of pairs that the model ranks rightly; a tie counts half.
        low: Of its interval.
        high: Of its interval.
        length_accuracy: Share of pairs whose better response is the longer one, in characters.
        length_low: Of its interval.
        length_high: Of its interval.
        gain: `accuracy - length_accuracy`.
        gain_low: Of its interval.
        gain_high: Of its interval.
        shorter_accuracy: The model's share among pairs whose better response is the shorter one, where length is always
            wrong; None where there are none.
        n_shorter: How many these are.
        n: How many pairs in all.
        by_language: The model's share in each language.
    """

    accuracy: float
    low: float
    high: float
    length_accuracy: float
    length_low: float
    length_high: float
    gain: float
    gain_low: float
    gain_high: float
    shorter_accuracy: float | None
    n_shorter: int
    n: int
    by_language: Mapping[str, float]


def rank_pairs(model: QualityModel, pairs: PreferencePairs, *, progress: bool = False, seed: int = 0) -> Ranking:
    """Rank the two responses of each pair.

    Args:
        model: Trained, or any encoder as a baseline.
        pairs: Best of languages and instructions that the model has not seen.
        progress: Show a bar on stderr.
        seed: Of the resamples.

    Returns:
        Shares and intervals.

    """
    return summarise_ranking(margins_of(model, pairs, progress=progress), pairs, seed=seed)


def margins_of(model: QualityModel, pairs: PreferencePairs, *, progress: bool = False) -> Float[np.ndarray, " n"]:
    """Return the quality of each better response less that of the worse: above 0 where the model ranks rightly."""
    scores = model.score([*pairs.instructions, *pairs.instructions], [*pairs.better, *pairs.worse], progress=progress)
    return scores[: pairs.n] - scores[pairs.n :]


def compare_margins(
    after: Float[np.ndarray, " n"], before: Float[np.ndarray, " n"], pairs: PreferencePairs, *, seed: int = 0
) -> tuple[float, float, float]:
    """Say by how much one model ranks more pairs rightly than another.

    Returns:
        The difference of the shares and its 95 % interval over instructions.
    """
    return _interval(_wins(after) - _wins(before), _positions(pairs), seed)


def summarise_ranking(margins: Float[np.ndarray, " n"], pairs: PreferencePairs, *, seed: int = 0) -> Ranking:
    """Turn margins, quality of the better less quality of the worse, into shares with intervals."""
    longer = np.array([len(b) - len(w) for b, w in zip(pairs.better, pairs.worse, strict=True)])
    right, by_length = _wins(margins), _wins(longer)
    positions = _positions(pairs)
    own = _interval(right, positions, seed)
    length = _interval(by_length, positions, seed)
    gain = _interval(right - by_length, positions, seed)
    languages = np.array(pairs.languages)
    shorter = longer < 0
    return Ranking(
        *own,
        *length,
        *gain,
        shorter_accuracy=float(right[shorter].mean()) if shorter.any() else None,
        n_shorter=int(shorter.sum()),
        n=pairs.n,
        by_language={name: float(right[languages == name].mean()) for name in dict.fromkeys(pairs.languages)},
    )


def _positions(pairs: PreferencePairs) -> np.ndarray:
    return np.unique(pairs.positions, return_inverse=True)[1]


def _wins(margins: np.ndarray) -> Float[np.ndarray, " n"]:
    return (np.sign(margins) + 1) / 2


def _interval(values: Float[np.ndarray, " n"], positions: np.ndarray, seed: int) -> tuple[float, float, float]:
    """The mean and its percentile interval over draws of positions, each with all its pairs."""
    sums, sizes = np.bincount(positions, values), np.bincount(positions)
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, len(sums), len(sums)) for _ in range(N_RESAMPLES))
    means = np.array([sums[rows].sum() / sizes[rows].sum() for rows in drawn])
    found = interval_of(float(values.mean()), means)
    return found.score, found.low, found.high
