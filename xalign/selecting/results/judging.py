"""A choice beside random draws of its size: how it covers the target, how varied it is, what it repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from xalign.selecting.material.compact import PoolArrays
from xalign.selecting.material.spaces import Space

MEASURES = (
    "cost", "coverage", "label_entropy", "language_entropy", "duplicates", "near_duplicates", "mean_quality",
    "mean_length",
)  # fmt: skip
LOWER_IS_BETTER = ("cost", "duplicates", "near_duplicates")
RANDOM = "random draws"
TABLE_COLUMNS = ["arm", "n_sets", "rows", *(f"{name}{end}" for name in MEASURES for end in ("", "_sd", "_percentile"))]
SHARE_COLUMNS = ["language", "pool", "target"]
CURVE_COLUMNS = ["budget", "cost", "random_cost", "random_sd"]
SAMPLE, TARGET_SAMPLE = 1000, 1024
"""Rows of a set, and of the target, that costs are measured on; all if there are fewer, and of a target of the pool's
own rows always: half of it would have rows that were chosen for the other half serve what others serve better."""
COVERING = 20_000
"""Rows of a set that coverage is measured on."""
BLOCK = 4096
"""Rows that are compared with the target at once."""
FORBIDDEN = 1000.0
"""What a pair costs that no plan uses if it can be helped; others cost 1 at most."""
NEAR = 0.95
"""Cosine, in the model's own space, from which two rows are near-duplicates."""
CURVE_DRAWS = 5


@dataclass(frozen=True, eq=False)
class Judge:
    """Measures any set of rows of one pool on the same axes.

    Attributes:
        space: Pool and target.
        quality: Of every row; None where it is not known.
        seed: Of samples.
    """

    space: Space
    quality: Float[np.ndarray, " n"] | None
    seed: int = 0

    @property
    def pool(self) -> PoolArrays:
        """The pool's arrays."""
        return self.space.pool

    def measure(self, rows: Int[np.ndarray, " b"]) -> dict[str, float]:
        """Every figure of one set.

        Args:
            rows: Of the pool, each once.

        Returns:
            By name of `MEASURES`; NaN where there is nothing to measure it by. Cost is the mean of (1 - cos) / 2 over
            the exact transport plan from the set to the target, both sampled if large; coverage the mean over targets
            of the cosine to the nearest row of the set. Where targets are rows of the pool, a row serves all of them
            but itself: else a set would cost the less the more targets it holds, whatever it is to the others.
            Entropies are in nats, of the set's labels (clusters of vectors where there are none) and languages;
            duplicates the share of rows whose text, but for case and white space, stands in an earlier row of the set;
            near-duplicates the share of a sample of rows of which an earlier one has a cosine of 0.95 or more.
        """
        return {
            "cost": self.cost(rows),
            "coverage": self._coverage(rows),
            "label_entropy": self._label_entropy(rows),
            "language_entropy": entropy(np.bincount(self.pool.languages[rows])),
            "duplicates": 1 - len(np.unique(self.pool.texts[rows])) / len(rows),
            "near_duplicates": self._near_duplicates(rows),
            "mean_quality": float("nan") if self.quality is None else float(self.quality[rows].mean()),
            "mean_length": float(self.pool.lengths[rows].mean()),
        }

    def cost(self, rows: Int[np.ndarray, " b"]) -> float:
        """The exact cost of moving a set to the target, both sampled if large; NaN where no row may serve a target."""
        import ot

        sample = self._sample(rows, SAMPLE)
        costs = (1 - self._cosines(sample, self._few_targets).astype(np.float64)) / 2
        served = np.isfinite(costs)  # a lone row leaves out the target that it is, a lone target the row that it is
        costs = costs[served.any(axis=1)][:, served.any(axis=0)]
        if not costs.size:
            return float("nan")
        return float(ot.emd2([], [], np.minimum(costs, FORBIDDEN), numItermax=1_000_000))

    def nearest_targets(self, rows: Int[np.ndarray, " b"]) -> tuple[Int[np.ndarray, " b"], Float[np.ndarray, " b"]]:
        """For each row the target of the highest cosine, other than itself if there is another, and that cosine."""
        found = [self._cosines(rows[start : start + BLOCK]) for start in range(0, len(rows), BLOCK)]
        best = [part.argmax(axis=1) for part in found]
        cosines = [part[np.arange(len(part)), places] for part, places in zip(found, best, strict=True)]
        similarity = np.concatenate(cosines).astype(np.float64)
        return np.concatenate(best), np.where(np.isfinite(similarity), similarity, 1.0)

    def _coverage(self, rows: Int[np.ndarray, " b"]) -> float:
        best = np.full(len(self.space.target), -np.inf)
        sample = self._sample(rows, COVERING)
        for start in range(0, len(sample), BLOCK):
            best = np.maximum(best, self._cosines(sample[start : start + BLOCK]).max(axis=0))
        served = best[np.isfinite(best)]
        return float(served.mean()) if len(served) else float("nan")

    def _cosines(
        self, rows: Int[np.ndarray, " b"], targets: Int[np.ndarray, " t"] | None = None
    ) -> Float[np.ndarray, "b t"]:
        """Cosines of rows and targets, None for all of these; minus infinity of a row with itself."""
        wanted = self.space.target if targets is None else self.space.target[targets]
        cosines = self.space.rows(rows) @ wanted.T
        cosines[self.space.themselves(rows, targets)] = -np.inf
        return cosines

    def _near_duplicates(self, rows: Int[np.ndarray, " b"]) -> float:
        vectors = self.pool.vectors.rows(self._sample(rows, SAMPLE)).astype(np.float64)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        earlier = np.tril(vectors @ vectors.T, -1)
        return float((earlier >= NEAR).any(axis=1).mean())

    def _label_entropy(self, rows: Int[np.ndarray, " b"]) -> float:
        if self.pool.tags is not None:
            return entropy(np.asarray(self.pool.tags[rows].sum(axis=0)).ravel())
        labels = self._clusters.predict(self.space.rows(self._sample(rows, COVERING)))
        return entropy(np.bincount(labels))

    @cached_property
    def _clusters(self) -> Any:
        """Clusters of a sample of the pool, which stand for labels."""
        from sklearn.cluster import KMeans

        sample = self.space.rows(self._sample(np.arange(self.pool.n), 4 * SAMPLE))
        k = min(32, len(np.unique(sample.round(4), axis=0)))
        return KMeans(k, n_init=1, random_state=self.seed).fit(sample)

    @cached_property
    def _few_targets(self) -> Int[np.ndarray, " t"]:
        return self._sample(np.arange(len(self.space.target)), TARGET_SAMPLE)

    def _sample(self, rows: Int[np.ndarray, " b"], most: int) -> Int[np.ndarray, " k"]:
        """A seeded sample, the same for the same set in whatever order."""
        ordered = np.sort(rows)
        if len(rows) <= most:
            return ordered
        return np.sort(np.random.default_rng(self.seed).choice(ordered, most, replace=False))


def entropy(counts: np.ndarray) -> float:
    """Shannon entropy of counts, in nats."""
    shares = counts[counts > 0] / counts.sum()
    return float(max(0.0, -(shares * np.log(shares)).sum()))


def draw_sets(
    pool: PoolArrays, budget: int, quotas: Mapping[str, int] | None, *, n_draws: int, seed: int
) -> list[Int[np.ndarray, " _"]]:
    """Draw random sets that keep the quotas."""
    from selection.data.baselines import random_select

    limits: dict[str, Any] = {} if quotas is None else {"groups": pool.groups, "quotas": dict(quotas)}
    seeds = np.random.SeedSequence(seed).generate_state(n_draws).tolist()
    return [random_select(pool.n, budget, seed=int(one), **limits).indices for one in seeds]


@dataclass(frozen=True, eq=False)
class RandomDraws:
    """Random sets like any set: as many rows, and where there are quotas, as many of each language as it has.

    Attributes:
        judge: Of the pool.
        within_quotas: Whether languages have quotas.
        n_draws: Sets to draw.
        seed: Of the draws.
    """

    judge: Judge
    within_quotas: bool = False
    n_draws: int = 30
    seed: int = 0
    _figures: dict[tuple[int, ...], pd.DataFrame] = field(default_factory=dict, repr=False)

    def like(self, rows: Int[np.ndarray, " b"]) -> list[Int[np.ndarray, " _"]]:
        """Draw sets like one; what a method lacks of its quotas, they lack too."""
        quotas = None
        if self.within_quotas:
            names = self.judge.pool.language_names
            quotas = dict(zip(names, self._shape(rows), strict=True))
        return draw_sets(self.judge.pool, len(rows), quotas, n_draws=self.n_draws, seed=self.seed)

    def figures(self, rows: Int[np.ndarray, " b"]) -> pd.DataFrame:
        """Every measure of sets like one, a row per draw; sets of the same shape are drawn and measured once."""
        shape = self._shape(rows)
        if shape not in self._figures:
            self._figures[shape] = pd.DataFrame([self.judge.measure(draw) for draw in self.like(rows)])
        return self._figures[shape]

    def _shape(self, rows: Int[np.ndarray, " b"]) -> tuple[int, ...]:
        """What draws share with a set: its rows of each language, or how many it has."""
        if not self.within_quotas:
            return (len(rows),)
        return tuple(np.bincount(self.judge.pool.languages[rows], minlength=len(self.judge.pool.counts)).tolist())


def judge_arms(arms: Mapping[str, Int[np.ndarray, " _"]], draws: RandomDraws) -> pd.DataFrame:
    """Measure arms, each against random draws like it.

    Args:
        arms: Rows by name, the choice first.
        draws: Of the same pool.

    Returns:
        A row per arm and one for the draws like the choice: each measure, its sd over draws, the percent of draws of
        the arm's own size below it, ties counted half.
    """
    measure, first = draws.judge.measure, next(iter(arms.values()))
    rows = [_arm_row(name, len(chosen), measure(chosen), draws.figures(chosen)) for name, chosen in arms.items()]
    return pd.DataFrame([*rows, _random_row(draws.figures(first), len(first))])[TABLE_COLUMNS]


def _arm_row(name: str, n: int, figures: Mapping[str, float], random: pd.DataFrame) -> dict[str, object]:
    row: dict[str, object] = {"arm": name, "n_sets": 1, "rows": n}
    for measure, value in figures.items():
        row |= {measure: value, f"{measure}_sd": np.nan}
        row[f"{measure}_percentile"] = percentile(value, random[measure].to_numpy(float))
    return row


def _random_row(random: pd.DataFrame, n: int) -> dict[str, object]:
    row: dict[str, object] = {"arm": RANDOM, "n_sets": len(random), "rows": n}
    for measure in MEASURES:
        values = random[measure]
        row |= {measure: float(values.mean()), f"{measure}_sd": float(values.std(ddof=1))}
        row[f"{measure}_percentile"] = np.nan
    return row


def percentile(value: float, draws: Float[np.ndarray, " n"]) -> float:
    """Percent of draws below a value, ties counted half; NaN where either is not known."""
    if np.isnan(value) or np.isnan(draws).any():
        return float("nan")
    equal = np.isclose(draws, value, rtol=1e-12, atol=1e-12)
    return float(100 * ((draws < value) & ~equal).mean() + 50 * equal.mean())


def language_shares(
    pool: PoolArrays, target_languages: Sequence[str], arms: Mapping[str, Int[np.ndarray, " _"]]
) -> pd.DataFrame:
    """Say each language's share of the pool, the target and every arm."""
    names = [*pool.language_names, *sorted(set(target_languages) - set(pool.language_names))]
    of_target = pd.Series(list(target_languages)).value_counts(normalize=True)
    columns: dict[str, object] = {
        "language": names,
        "pool": [pool.counts.get(name, 0) / pool.n for name in names],
        "target": [float(of_target.get(name, 0.0)) for name in names],
    }
    for arm, rows in arms.items():
        counts = np.bincount(pool.languages[rows], minlength=len(names))
        columns[arm] = (counts / len(rows)).tolist()
    return pd.DataFrame(columns)


def cost_curve(
    judge: Judge, chosen: Int[np.ndarray, " b"], draws: Sequence[Int[np.ndarray, " _"]], *, n_points: int = 6
) -> pd.DataFrame:
    """Measure cost against budget: the beginnings of a choice, and random sets of the same sizes.

    Args:
        judge: Of the pool.
        chosen: In order of choice.
        draws: Random sets as large; their first rows are random sets too.
        n_points: Budgets, evenly spaced on a logarithmic scale.

    Returns:
        A row per budget.
    """
    sizes = np.unique(np.geomspace(max(1, len(chosen) // 32), len(chosen), n_points).round().astype(int))
    rows = []
    for size in sizes.tolist():
        random = [judge.cost(draw[:size]) for draw in draws[:CURVE_DRAWS]]
        rows.append((size, judge.cost(chosen[:size]), float(np.mean(random)), float(np.std(random, ddof=1))))
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)
