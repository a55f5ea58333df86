"""Nearest neighbours within a language as a sparse matrix, and two of them compared, permuted and resampled.

A row holds a number for each of its neighbours: the chance of being one of the k where ties are broken at random, or
that times a centred cosine. Mutual kNN and CKNNA are the cosine of two such matrices, taken entry by entry.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, namespace, require_matching, require_whole, row_chunks, to_host
from probes.judging import Preparation
from probes.neighbours import Answers, NeighbourSearch
from probes.retrieval_sides import RetrievalSide, exact_similarities, retrieval_side

FLAT = 1e-12
"""Centred cosines no larger than this are rounding."""


@dataclass(frozen=True, eq=False)
class NeighbourSide:
    """A number for each neighbour of each row.

    Attributes:
        queries: Which row each entry belongs to, rising.
        candidates: Which row is its neighbour, rising within a row.
        values: The number.
        own: Of each row, what its entries add to the square of the matrix' length.
        name: What errors and reasons call the vectors.
    """

    queries: Int[np.ndarray, " e"]
    candidates: Int[np.ndarray, " e"]
    values: Float[np.ndarray, " e"]
    own: Float[np.ndarray, " n"]
    name: str

    @property
    def n(self) -> int:
        """How many rows."""
        return self.own.size

    @property
    def keys(self) -> Int[np.ndarray, " e"]:
        """The place of each entry in the flattened n x n matrix, rising."""
        return self.queries * self.n + self.candidates


MakeSide = Callable[[RetrievalSide, int], NeighbourSide]
"""Makes a side from unit rows and the number of neighbours."""


def overlap_side(rows: RetrievalSide, k: int) -> NeighbourSide:
    """Return the neighbours of each row, each with its chance of being one of the k."""
    queries, candidates, shares = shared_neighbours(rows, k)
    return NeighbourSide(queries, candidates, shares, np.full(rows.n, float(k)), rows.name)


def kernel_side(rows: RetrievalSide, k: int) -> NeighbourSide:
    """Return the neighbours of each row, each with that chance times its centred cosine, computed in float64."""
    queries, candidates, shares = shared_neighbours(rows, k)
    cosines = exact_similarities(rows, rows, queries, candidates) - mean_cosines(rows)[queries]
    cosines = np.where(np.abs(cosines) > FLAT, cosines, 0.0)
    own = summed(queries, shares * cosines**2, rows.n)
    return NeighbourSide(queries, candidates, shares * cosines, own, rows.name)


def shared_neighbours(
    rows: RetrievalSide, k: int
) -> tuple[Int[np.ndarray, " e"], Int[np.ndarray, " e"], Float[np.ndarray, " e"]]:
    """Return, by row, the k nearest other rows and all tied with the last, and the chance of each to be one of k."""
    answers = nearest_others(rows, k)
    queries, candidates = answers.queries, answers.candidates
    shares = np.where(answers.tied, (answers.places / answers.n_tied.clip(1.0))[queries], 1.0)
    order = np.argsort(queries * rows.n + candidates)
    return queries[order], candidates[order], shares[order]


def nearest_others(rows: RetrievalSide, k: int) -> Answers:
    """Return the rows that hold, or share, the k places next to each row, from blocks of cosines."""
    search = NeighbourSearch(rows.n, k, tolerance=rows.tolerance)
    for part in row_chunks(rows.n, rows.n):
        block = rows.unit[part, :] @ rows.unit.T
        within = namespace(block).arange(block.shape[0], device=block.device)
        block[within, within + part.start] = -np.inf
        search.add(block, part.start, 0)
    return search.finish(lambda i, j: exact_similarities(rows, rows, i, j)).answers(k)


def mean_cosines(rows: RetrievalSide) -> Float[np.ndarray, " n"]:
    """Return the mean cosine of each row with all rows, in float64."""
    xp = namespace(rows.rows)
    unit = xp.astype(rows.rows, xp.float64) / rows.lengths[:, None]
    return to_host(unit @ xp.mean(unit, axis=0))


@dataclass(frozen=True, eq=False)
class PreparedNeighbours:
    """Two sides of mutual kNN or CKNNA.

    A permutation renames the neighbours that were found once: each of the about n k entries of one side looks up
    whether the renamed pair is an entry of the other, in a table of n x n bytes. In a bootstrap sentences are drawn and
    their neighbours stay: a sentence drawn twice counts twice, and is not its own neighbour.
    """

    a: NeighbourSide
    b: NeighbourSide

    @cached_property
    def per_row(self) -> Float[np.ndarray, " n"]:
        """What each row adds to the inner product."""
        hits, products = matches(self.a, self.b, self.a.keys[None, :])
        return summed(self.a.queries[hits], products, self.a.n)

    @cached_property
    def norm(self) -> float:
        """Product of the lengths of both matrices; NaN where one is zero."""
        return float(np.sqrt(self.a.own.sum() * self.b.own.sum())) or float("nan")

    @cached_property
    def score(self) -> float:
        """The cosine of both matrices."""
        return float(self.per_row.sum()) / self.norm

    @property
    def chance(self) -> float:
        """The exact mean over all permutations: every pair of rows is equally often every other."""
        n = self.a.n
        return float(self.a.values.sum() * self.b.values.sum()) / (n * (n - 1)) / self.norm

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score of x with y[p] for each permutation p."""
        return permuted_products(self.a, [self.b], permutations)[0] / self.norm

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score when sentence i is drawn counts[., i] times, its neighbours as they are."""
        squares = (counts @ self.a.own) * (counts @ self.b.own)
        return counts @ self.per_row / np.sqrt(np.where(squares > 0, squares, np.nan))


def matches(
    a: NeighbourSide, b: NeighbourSide, keys: Int[np.ndarray, "m e"]
) -> tuple[Int[np.ndarray, " h"], Float[np.ndarray, " h"]]:
    """Return which keys, of a's entries in flattened order, are entries of `b`, and the products of both values."""
    table = np.zeros(b.n * b.n, dtype=bool)
    table[b.keys] = True
    hits = np.flatnonzero(table[keys])
    found = np.searchsorted(b.keys, keys.ravel()[hits])
    return hits, a.values[hits % a.values.size] * b.values[found]


def permuted_products(
    a: NeighbourSide, sides: Sequence[NeighbourSide], permutations: Int[np.ndarray, "m n"]
) -> Float[np.ndarray, "s m"]:
    """Return the inner products of `a` with each permuted side; the entries of `a` are renamed once for all."""
    products = np.zeros((len(sides), permutations.shape[0]))
    for part in row_chunks(permutations.shape[0], a.values.size):
        renamed = permutations[part]
        keys = renamed[:, a.queries] * a.n + renamed[:, a.candidates]
        for i, side in enumerate(sides):
            hits, values = matches(a, side, keys)
            products[i, part] = summed(hits // a.values.size, values, renamed.shape[0])
    return products


def summed(groups: Int[np.ndarray, " e"], values: Float[np.ndarray, " e"], n: int) -> Float[np.ndarray, " n"]:
    """Return the sum of the values of each of n groups."""
    return np.bincount(groups, weights=values, minlength=n).astype(np.float64)  # numpy counts nothing in whole numbers


@dataclass(frozen=True)
class NeighbourPreparation(Preparation[PreparedNeighbours]):
    """Mutual kNN or CKNNA.

    Attributes:
        make: Gives neighbours their numbers.
        k: How many neighbours a row has.
    """

    make: MakeSide
    k: int = 10

    @property
    def neighbours(self) -> int:
        """How many rows are needed at least: a row is not its own neighbour."""
        return self.k + 1

    def side(self, x: Float[Array, "n d"], *, name: str = "x") -> NeighbourSide:
        """Return the neighbours of one language.

        Raises:
            TypeError: If k is no whole number.
            ValueError: If `x` has no more than k rows, fewer than 4, a value that is not finite or a row of zeros.
        """
        require_whole("k", self.k, minimum=1)
        rows = retrieval_side(x, name=name)
        if self.k >= rows.n:
            raise ValueError(
                f"k must be below the {rows.n} rows of {name}, which are not their own neighbours, got {self.k}; lower "
                "k or give more sentences"
            )
        return self.make(rows, self.k)

    def pair(self, a: NeighbourSide, b: NeighbourSide) -> PreparedNeighbours:
        """Return two languages paired."""
        require_matching(a.own, b.own)
        return PreparedNeighbours(a, b)

    def permuted_many(
        self, pivot: NeighbourSide, sides: Sequence[NeighbourSide], permutations: Int[np.ndarray, "m n"]
    ) -> Float[np.ndarray, "s m"]:
        """Return the scores of many languages with one pivot under each permutation; the pivot is renamed once."""
        norms = [[self.pair(pivot, side).norm] for side in sides]
        return permuted_products(pivot, sides, permutations) / np.array(norms)
