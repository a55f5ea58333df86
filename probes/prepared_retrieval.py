"""Retrieval measures that are ready to be judged.

Permuting the rows of `y` changes no similarity: it only names other answers right. So the nearest candidates that were
found once serve every permutation. In a bootstrap queries are drawn and the pool of candidates stays as it is: a
sentence drawn twice asks twice, and is not its own rival.
"""

from collections.abc import Iterator
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
    in float32 are called there at the precision of the block: neighbours in falling order less than a tenth of the
    coarse tolerance apart are level.

    Attributes:
        a: One language.
        b: The other.
        forward: The reciprocal rank of each row of `x`.
        backward: That of each row of `y`.
    """

    a: RetrievalSide
    b: RetrievalSide
    forward: Float[np.ndarray, " n"]
    backward: Float[np.ndarray, " n"]

    @cached_property
    def score(self) -> float:
        """The mean over rows and directions."""
        return float((self.forward + self.backward).mean() / 2)

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score of x with y[p] for each permutation p."""
        members, inverses = self.a.members, inverse(permutations)
        total = np.zeros(permutations.shape[0])
        for rows, ranks in row_ranks(self.a, self.b):
            right = members[self.a.labels[rows]]
            for part in row_chunks(total.size, right.size):
                total[part] += ranks.reciprocals(_moved(permutations[part], right)).sum(axis=1)
        for rows, ranks in row_ranks(self.b, self.a):
            for part in row_chunks(total.size, members.shape[1] * (rows.stop - rows.start)):
                total[part] += ranks.reciprocals(members[self.a.labels[inverses[part, rows]]]).sum(axis=1)
        return total / (2 * self.a.n)

    @property
    def chance(self) -> float:
        """The expected score when every order of the candidates is equally likely."""
        return reciprocal_chance(self.a.labels)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score when query i is drawn counts[., i] times from the same candidates."""
        return counts @ (self.forward + self.backward) / (2 * counts.sum(axis=1))


def _moved(permutations: Int[np.ndarray, "m n"], rows: Int[np.ndarray, "r g"]) -> Int[np.ndarray, "m r g"]:
    """Return where permutations take rows; -1 stays -1."""
    return np.where(rows < 0, -1, permutations[:, rows])


@dataclass(frozen=True, eq=False)
class RowRanks:
    """Where every candidate stands in its row of a block of similarities.

    Attributes:
        above: How many candidates of the row lie above it.
        level: How many are level with it, itself included; a single 1 if no two candidates of any row are level.
    """

    above: Int[np.ndarray, "r n"]
    level: Int[np.ndarray, "_r _n"]

    def at(self, places: Int[np.ndarray, "*m r R"]) -> tuple[Int[np.ndarray, "*m r R"], Int[np.ndarray, "*m r R"]]:
        """Return how many candidates are above, and level with, chosen ones of each row."""
        places = places + (np.arange(self.above.shape[0]) * self.above.shape[1])[:, None]
        above = self.above.reshape(-1).take(places)
        if self.level.size == 1:
            return above, np.broadcast_to(self.level[0, 0], above.shape)
        return above, self.level.reshape(-1).take(places)

    def reciprocals(self, right: Int[np.ndarray, "m r g"]) -> Float[np.ndarray, "m r"]:
        """Return 1 / mid-rank of the best of each row's right candidates; -1 stands for none."""
        above, level = self.at(right)
        if right.shape[2] == 1:
            return 2 / (2 * above[:, :, 0] + level[:, :, 0] + 1)
        above = np.where(right < 0, self.above.shape[1], above)
        best = above.min(axis=2)
        level = np.take_along_axis(level, above.argmin(axis=2)[:, :, None], axis=2)[:, :, 0]
        return 1 / (best + (level + 1) / ((above == best[:, :, None]).sum(axis=2) + 1))


def row_ranks(asking: RetrievalSide, asked: RetrievalSide) -> Iterator[tuple[slice, RowRanks]]:
    """Rank all of `asked` for every row of `asking`, block after block of rows."""
    near = asking.tolerance if asking.tolerance <= FINE else COARSE / 10
    for rows in row_chunks(asking.n, asked.n):
        yield rows, rank_rows(to_host(asking.unit[rows, :] @ asked.unit.T), near)


def rank_rows(block: Float[np.ndarray, "r n"], near: float) -> RowRanks:
    """Rank every candidate in its row; neighbours in falling order at most `near` apart are level."""
    order = np.argsort(-block, axis=1)
    order += (np.arange(block.shape[0]) * block.shape[1])[:, None]
    falling = block.reshape(-1).take(order)
    first, above = np.broadcast_to(np.arange(block.shape[1]), block.shape), np.empty(block.shape, dtype=np.int32)
    level = np.ones((1, 1), dtype=np.int32)
    later = np.flatnonzero(falling[:, :-1] - falling[:, 1:] <= near)
    if later.size:
        level = np.empty(block.shape, dtype=np.int32)
        first, level.reshape(-1)[order] = _runs(later + later // (block.shape[1] - 1) + 1, first)
    above.reshape(-1)[order] = first
    return RowRanks(above, level)


def _runs(
    later: Int[np.ndarray, " e"], places: Int[np.ndarray, "r n"]
) -> tuple[Int[np.ndarray, "r n"], Int[np.ndarray, "r n"]]:
    """Return, of every place in falling rows, where its run of level values begins and how long it is.

    Args:
        later: Places, counted through all rows, that are level with the one before.
        places: Of each place, its number in its row.
    """
    begins = np.diff(later, prepend=-1) != 1
    heads, run = later[begins] - 1, np.cumsum(begins) - 1
    members, run = np.concatenate([heads, later]), np.concatenate([np.arange(heads.size), run])
    first, level = places.copy(), np.ones(places.shape, dtype=np.int32)
    first.reshape(-1)[members] = first.reshape(-1)[heads][run]
    level.reshape(-1)[members] = np.bincount(run)[run]
    return first, level
