"""Retrieval measures that are ready to be judged.

Permuting the rows of `y` changes no similarity: it only names other answers right. So the nearest candidates that were
found once serve every permutation. In a bootstrap queries are drawn and the pool of candidates stays as it is: a
sentence drawn twice asks twice, and is not its own rival.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import CHUNK_ELEMENTS, Array, inverse, namespace, row_chunks, to_device_of, to_host
from probes.chances import reciprocal_chance
from probes.neighbours import COARSE, FINE, Answers
from probes.retrieval_sides import RetrievalSide, exact_similarities


@dataclass(frozen=True, eq=False)
class PreparedAnswers:
    """Who answers each query, in both directions.

    Attributes:
        forward: Answers in `y` to each row of `x`.
        backward: Answers in `x` to each row of `y`; None where a measure asks in one direction.
        labels: A whole number per row; equal labels are right answers to each other.
        chance: The expected score when every order of the candidates is equally likely.
        combine: mean (of the directions), both (a row counts if it has no wrong answer in either), or forward.
    """

    forward: Answers
    backward: Answers | None
    labels: Int[np.ndarray, " n"]
    chance: float
    combine: str = "mean"

    @cached_property
    def hits(self) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """The share of each row's forward and of its backward query that is answered right."""
        identity = np.arange(self.labels.size)[None, :]
        forward, backward = self._shares(identity)
        return forward[0], backward[0]

    @cached_property
    def score(self) -> float:
        """The mean over rows."""
        return float(self._combined(*self.hits).mean())

    def _combined(self, forward: Float[np.ndarray, "*m n"], backward: Float[np.ndarray, "*m n"]) -> np.ndarray:
        if self.combine == "both":
            return ((forward == 1) & (backward == 1)).astype(float)
        return forward if self.combine == "forward" else (forward + backward) / 2

    def _shares(self, permutations: Int[np.ndarray, "m n"]) -> tuple[np.ndarray, np.ndarray]:
        """Return the hits of row i of x, and of row i of the permuted y."""
        labels = self.labels[inverse(permutations)]
        ask = self.forward
        forward = ask.shares(labels[:, ask.candidates] == self.labels[ask.queries])
        if self.backward is None:
            return forward, forward
        ask = self.backward
        backward = ask.shares(labels[:, ask.queries] == self.labels[ask.candidates])
        return forward, np.take_along_axis(backward, permutations, axis=1)

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score of x with y[p] for each permutation p."""
        entries = self.forward.queries.size + (0 if self.backward is None else self.backward.queries.size)
        scores = [
            self._combined(*self._shares(permutations[part])).mean(axis=1)
            for part in row_chunks(permutations.shape[0], entries, elements=CHUNK_ELEMENTS)
        ]
        return np.concatenate(scores)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score when query i is drawn counts[., i] times from the same candidates."""
        return counts @ self._combined(*self.hits) / counts.sum(axis=1)


@dataclass(frozen=True, eq=False)
class PreparedCosine:
    """Cosines of matched rows."""

    a: RetrievalSide
    b: RetrievalSide

    @cached_property
    def gold(self) -> Float[np.ndarray, " n"]:
        """The cosine of each matched pair."""
        rows = np.arange(self.a.n)
        return exact_similarities(self.a, self.b, rows, rows)

    @cached_property
    def score(self) -> float:
        """Their mean."""
        return float(self.gold.mean())

    @cached_property
    def random(self) -> float:
        """The exact mean cosine of all pairs that are not matched."""
        xp, n = namespace(self.a.unit), self.a.n
        sums = [xp.sum(xp.astype(side.unit, xp.float64), axis=0) for side in (self.a, self.b)]
        return (float(xp.sum(sums[0] * sums[1])) - float(self.gold.sum())) / (n * (n - 1))

    @property
    def chance(self) -> float:
        """The same: the exact mean over all pairs that are not matched."""
        return self.random

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the mean cosine of x with y[p] for each permutation p."""
        total = np.zeros(permutations.shape[0])
        for rows in row_chunks(self.a.n, self.a.n):
            block = self.a.unit[rows, :] @ self.b.unit.T
            total += to_host(picked(block, permutations[:, rows].T)).sum(axis=0, dtype=np.float64)
        return total / self.a.n

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the mean cosine when pair i is drawn counts[., i] times."""
        return counts @ self.gold / counts.sum(axis=1)


def picked(block: Float[Array, "r c"], columns: Int[np.ndarray, "r m"]) -> Float[Array, "r m"]:
    """Return chosen columns of every row."""
    rows = namespace(block).arange(block.shape[0], device=block.device)[:, None]
    return block[rows, to_device_of(columns, block)]


@dataclass(frozen=True, eq=False)
class PreparedRanks:
    """The reciprocal rank of each row's right answer in both directions.

    Permutations sort every row of similarities once (blocks are computed again) and look the permuted answers up. Ties
    in float32 are called there at the precision of the block. With groups every permutation is a pass of its own.

    Attributes:
        a: One language.
        b: The other.
        forward: The reciprocal rank of each row of `x`.
        backward: That of each row of `y`.
        again: Scores `a` against another side, for permutations with groups.
    """

    a: RetrievalSide
    b: RetrievalSide
    forward: Float[np.ndarray, " n"]
    backward: Float[np.ndarray, " n"]
    again: Callable[[RetrievalSide], float]

    @cached_property
    def score(self) -> float:
        """The mean over rows and directions."""
        return float((self.forward + self.backward).mean() / 2)

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score of x with y[p] for each permutation p."""
        if self.a.labels.max() < self.a.n - 1:
            return np.array([self.again(self.b.reordered(p)) for p in permutations])
        inverses = inverse(permutations)
        return (_mean_reciprocal(self.a, self.b, permutations) + _mean_reciprocal(self.b, self.a, inverses)) / 2

    @property
    def chance(self) -> float:
        """The expected score when every order of the candidates is equally likely."""
        return reciprocal_chance(self.a.labels)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score when query i is drawn counts[., i] times from the same candidates."""
        return counts @ (self.forward + self.backward) / (2 * counts.sum(axis=1))


def _mean_reciprocal(
    asking: RetrievalSide, asked: RetrievalSide, answers: Int[np.ndarray, "m n"]
) -> Float[np.ndarray, " m"]:
    total = np.zeros(answers.shape[0])
    for rows in row_chunks(asking.n, asked.n):
        block = asking.unit[rows, :] @ asked.unit.T
        right = to_host(picked(block, answers[:, rows].T))
        ordered = to_host(namespace(block).sort(block, axis=1))
        for row in range(right.shape[0]):
            total += _reciprocal_in(ordered[row], right[row], asking.tolerance)
    return total / asking.n


def _reciprocal_in(
    ordered: Float[np.ndarray, " n"], values: Float[np.ndarray, " m"], tolerance: float
) -> Float[np.ndarray, " m"]:
    """Return 1 / mid-rank of values among a rising row; float32 ties are called at a tenth of the coarse tolerance."""
    near = tolerance if tolerance <= FINE else COARSE / 10
    near = ordered.dtype.type(near)
    not_above = np.searchsorted(ordered, values + near, side="right")
    below = np.searchsorted(ordered, values - near, side="left")
    return 1 / (ordered.size - not_above + (not_above - below + 1) / 2)
