"""A score of one pair of languages with what judges it, as a row of the table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Int

from probes.judging import draw_permutations, draw_resamples, interval_of, null_of
from xalign.judging.rows import Judged


@dataclass(frozen=True)
class Draws:
    """The permutations and resamples of n rows that a run judges by; the same for the same n.

    Attributes:
        n_permutations: Shuffles behind each null.
        n_resamples: Resamples behind each interval.
        seed: Of both.
    """

    n_permutations: int
    n_resamples: int
    seed: int

    def permutations(self, n: int) -> Int[np.ndarray, "m n"]:
        """Return the shuffles of n rows."""
        return _permutations(n, self.n_permutations, self.seed)

    def counts(self, n: int) -> Int[np.ndarray, "m n"]:
        """Return how often each resample holds each of n rows."""
        return _counts(n, self.n_resamples, self.seed)

    def counts_among(self, n_shown: int, n: int) -> Int[np.ndarray, "m k"]:
        """Return how often each resample of n rows holds n_shown of them, without counting the others one by one."""
        shares = np.append(np.full(n_shown, 1 / n), 1 - n_shown / n)
        drawn = np.random.default_rng(self.seed).multinomial(n, np.clip(shares, 0, 1), size=self.n_resamples)
        return drawn[:, :n_shown]


def score_columns(judged: Judged, *, below: bool = False) -> dict[str, Any]:
    """Return the columns `score` to `ci_high`; `below` where less is better, so that the p-value looks down."""
    null = null_of(judged.score, judged.permuted, below=below)
    interval = interval_of(judged.score, judged.resampled)
    return {
        "score": judged.score,
        "chance": judged.chance,
        "null_mean": null.mean,
        "null_sd": null.sd,
        "p_value": null.p_value,
        "ci_low": interval.low,
        "ci_high": interval.high,
    }


def complement(judged: Judged) -> Judged:
    """Return 1 less everything: the error rate of an accuracy."""
    return Judged(1 - judged.score, 1 - judged.chance, 1 - judged.permuted, 1 - judged.resampled)


def undefined() -> dict[str, Any]:
    """The same columns for a score that cannot be taken."""
    names = ("score", "chance", "null_mean", "null_sd", "p_value", "ci_low", "ci_high")
    return dict.fromkeys(names, float("nan"))


@lru_cache(maxsize=16)
def _permutations(n: int, m: int, seed: int) -> Int[np.ndarray, "m n"]:
    return draw_permutations(n, m, seed=seed)


@lru_cache(maxsize=16)
def _counts(n: int, m: int, seed: int) -> Int[np.ndarray, "m n"]:
    return draw_resamples(n, m, seed=seed)
