"""What a selector may look at, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from xalign.selecting.material.compact import PoolArrays
from xalign.selecting.material.reliability import Reliability
from xalign.selecting.material.spaces import Space
from xalign.selecting.material.targets import Target


@dataclass(frozen=True, eq=False)
class Material:
    """What a selector may look at.

    Attributes:
        pool: Arrays of the pool.
        target: What the choice shall be like.
        space: Pool and target as comparable vectors.
        budget: Rows to choose.
        quotas: Rows of each language; None for no quota.
        reliability: Of each language; None without a report.
        seed: Of samples, clusters and ties.
        options: Arguments of the selector itself, by its own words.
        encode: Texts to vectors by the model that embedded the pool; None where there is none at hand.
        margins: Of each row and its translation, NaN where it has none; None where translations were not asked for.
        base: The pool beside examples of what a model has been trained on; None where no method asks for it.
        notes: What a reader must know; adapters add to it.
    """

    pool: PoolArrays
    target: Target
    space: Space
    budget: int
    quotas: Mapping[str, int] | None = None
    reliability: Reliability | None = None
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    encode: Callable[[Sequence[str]], Float[np.ndarray, "k d"]] | None = None
    margins: Float[np.ndarray, " n"] | None = None
    base: Space | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def trust(self) -> Mapping[str, float] | None:
        """Reliability by language; None without a report."""
        return None if self.reliability is None else self.reliability.by_language

    @property
    def limits(self) -> dict[str, Any]:
        """Groups and quotas as selectors take them: both or neither."""
        return {} if self.quotas is None else {"groups": self.pool.groups, "quotas": dict(self.quotas)}

    @cached_property
    def vectors(self) -> Float[np.ndarray, "n d"]:
        """Directions of all rows, weighed by reliability where that is known."""
        return self.space.matrix(self.trust)

    @cached_property
    def weights(self) -> Float[np.ndarray, " n"]:
        """The reliability of each row: of its language by a report, times that by its translation; 1 without either."""
        from selection.data.transport import margin_reliability

        trust = np.ones(self.pool.n) if self.margins is None else margin_reliability(self.margins)
        if self.trust is None:
            return trust
        return trust * np.array([self.trust[name] for name in self.pool.language_names])[self.pool.languages]

    @property
    def is_weighed(self) -> bool:
        """Whether rows of equal quality may weigh differently."""
        return self.trust is not None or self.margins is not None

    @cached_property
    def quality(self) -> Float[np.ndarray, " n"] | None:
        """Quality, at least 0, times the reliability of the row."""
        values = self.pool.quality
        if values is None:
            return None
        if values.min() < 0:
            from selection.data.stratified import from_zero

            self.tell("quality has values below 0: a row weighs by its place between the 1st and the 99th percentile")
            values = from_zero(values)
        return values * self.weights

    def tell(self, note: str) -> None:
        """Add a note, once."""
        if note not in self.notes:
            self.notes.append(note)

    @cached_property
    def drawn_order(self) -> Int[np.ndarray, " n"]:
        """All rows, ordered by the seed and their texts: for ties, which a row's place in the pool must not decide."""
        key = np.random.default_rng(self.seed).integers(1 << 64, dtype=np.uint64)
        drawn = (self.pool.texts ^ key) * np.uint64(0x9E3779B97F4A7C15)
        return np.lexsort((self.pool.lengths, self.pool.languages, drawn))  # one text may stand in several languages

    def ranks(self, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """How many rows are no better than each: all different, ties by the drawn order."""
        place, ranks = np.empty(self.pool.n, dtype=np.int64), np.empty(self.pool.n)
        place[self.drawn_order] = np.arange(self.pool.n)
        ranks[np.lexsort((place, -values))] = np.arange(self.pool.n, 0, -1)
        return ranks

    def cluster(self, k: int, *, weighed: bool = True) -> Int[np.ndarray, " n"]:
        """Clusters of the rows' directions, fitted in an order in which a row's place in the pool decides nothing.

        Weighed by reliability, a language of little of it has its own.
        """
        from selection.data.clustering import cluster_rows

        vectors = self.vectors if weighed else self.space.matrix()
        labels = np.empty(self.pool.n, dtype=np.int64)
        found = cluster_rows(vectors, min(k, self.pool.n), rows=self.drawn_order, seed=self.seed)
        labels[self.drawn_order] = found.labels
        return labels


@dataclass(frozen=True, eq=False)
class Chosen:
    """What a selector chose.

    Attributes:
        rows: In order of choice.
        scores: By which each was chosen; what they mean is the method's own.
        facts: What the selector says of itself.
    """

    rows: Int[np.ndarray, " b"]
    scores: Float[np.ndarray, " b"]
    facts: Mapping[str, Any] = field(default_factory=dict)
