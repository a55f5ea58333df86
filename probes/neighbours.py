"""The nearest candidates of every query, ties included, from one pass over blocks of similarities.

Cosines closer than arithmetic can tell apart are ties. In float64 that is 1e-12. In float32 a block is only precise to
about 1e-6, so whatever lies that close is computed again in float64 before a tie is called. Where very many candidates
are that close (constant vectors) they are tied as they are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import isqrt

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import Array, is_float64, namespace, row_chunks, to_device_of, to_host

FINE = 1e-12
COARSE = 4e-6
MANY = 64
"""Close pairs per query beyond which nothing is computed again."""

Exact = Callable[[Int[np.ndarray, " e"], Int[np.ndarray, " e"]], Float[np.ndarray, " e"]]
"""Similarities of (query, candidate) pairs in float64."""


def tiles(n_rows: int, n_columns: int, *, elements: int) -> Iterator[tuple[slice, slice]]:
    """Cut a matrix into blocks of at most `elements`, as square as they can be: flat ones multiply slowly."""
    rows = row_chunks(n_rows, min(n_columns, isqrt(elements)), elements=elements)
    columns = row_chunks(n_columns, rows[0].stop, elements=elements)
    return product(rows, columns)


def tolerance_of(x: Array) -> float:
    """Return how far apart two computed similarities of this type must lie to be told apart."""
    return FINE if is_float64(x) else COARSE


@dataclass(frozen=True, eq=False)
class Neighbours:
    """For every query its candidates in falling order: at least the k nearest, and all tied with the k-th.

    Attributes:
        queries: Which query each entry belongs to, rising.
        candidates: Which candidate it is.
        similarities: How near, falling within a query.
        n_queries: How many queries; each has an entry unless it had no candidate at all.
        tolerance: How close two similarities are tied.
    """

    queries: Int[np.ndarray, " e"]
    candidates: Int[np.ndarray, " e"]
    similarities: Float[np.ndarray, " e"]
    n_queries: int
    tolerance: float

    @cached_property
    def starts(self) -> Int[np.ndarray, " q"]:
        """The first entry of each query."""
        return np.searchsorted(self.queries, np.arange(self.n_queries))

    def values(self, k: int) -> Float[np.ndarray, "q k"]:
        """Return the k largest similarities of each query."""
        return self.similarities[self.starts[:, None] + np.arange(k)]

    def means(self, k: int) -> Float[np.ndarray, " q"]:
        """Return the mean similarity of the k nearest."""
        return self.values(k).mean(axis=1)

    def means_again(self, k: int, chosen: Int[np.ndarray, " c"], exact: Exact) -> Float[np.ndarray, " c"]:
        """Return the mean similarity of the k nearest of chosen queries, computed again by `exact`."""
        distinct, place = np.unique(chosen, return_inverse=True)
        entries = (self.starts[distinct][:, None] + np.arange(k)).ravel()
        return exact(self.queries[entries], self.candidates[entries]).reshape(-1, k).mean(axis=1)[place]

    def within(self, k: int) -> Bool[np.ndarray, " e"]:
        """Say which entries are among the k nearest or tied with the k-th."""
        return self.similarities >= (self.values(k)[:, -1] - self.tolerance)[self.queries]

    def answers(self, k: int = 1) -> "Answers":
        """Return who holds the k places of every query, ties at the last place sharing what is left."""
        last = self.values(k)[:, -1][self.queries]
        kept, sure = self.within(k), self.similarities > last + self.tolerance
        n_sure = np.bincount(self.queries[sure], minlength=self.n_queries)
        n_tied = np.bincount(self.queries[kept & ~sure], minlength=self.n_queries)
        places = (k - n_sure).astype(float)
        return Answers(self.queries[kept], self.candidates[kept], ~sure[kept], places, n_tied.astype(float))


@dataclass(frozen=True, eq=False)
class Answers:
    """The candidates that hold, or share, the places of every query.

    Attributes:
        queries: Which query each entry belongs to, rising; every query has one.
        candidates: Which candidate it is.
        tied: Whether it shares the last places rather than holding one.
        places: Of each query, how many places are shared.
        n_tied: Of each query, how many candidates share them.
    """

    queries: Int[np.ndarray, " e"]
    candidates: Int[np.ndarray, " e"]
    tied: Bool[np.ndarray, " e"]
    places: Float[np.ndarray, " q"]
    n_tied: Float[np.ndarray, " q"]

    @cached_property
    def starts(self) -> Int[np.ndarray, " q"]:
        """The first entry of each query."""
        return np.searchsorted(self.queries, np.arange(self.places.size))

    def shares(self, right: Bool[np.ndarray, "m e"]) -> Float[np.ndarray, "m q"]:
        """Return the probability, ties broken at random, that a right candidate holds a place.

        With r right among t tied for p places: 1 - C(t - r, p) / C(t, p); p / t for a single right one.
        """
        held = np.logical_or.reduceat(right & ~self.tied, self.starts, axis=1)
        right_tied = np.add.reduceat(right & self.tied, self.starts, axis=1, dtype=np.int64)
        shares = np.where(right_tied > 0, self.places / self.n_tied, 0.0)
        if right_tied.max(initial=0) > 1:
            shares = np.where(right_tied > 1, 1 - self._missed(right_tied), shares)
        return np.where(held, 1.0, shares)

    def _missed(self, right_tied: Int[np.ndarray, "m q"]) -> Float[np.ndarray, "m q"]:
        missed = np.ones(right_tied.shape)
        for i in range(int(right_tied.max())):
            left = np.maximum(self.n_tied - i, 1.0)
            factor = np.clip((left - self.places) / left, 0.0, 1.0)
            missed *= np.where(i < right_tied, factor, 1.0)
        return missed


class NeighbourSearch:
    """Collects the k nearest candidates of queries from blocks of similarities.

    A query's bound is a similarity that at least k candidates seen so far reach; only what reaches it is kept, and what
    is kept raises it. The first bounds come from groups of candidates: the k-th largest of their maxima. So a block is
    compared once, and no row is ever sorted.
    """

    def __init__(self, n_queries: int, k: int, *, tolerance: float) -> None:
        self.n_queries, self.k, self.tolerance = n_queries, k, tolerance
        self._largest = np.full((n_queries, k), -np.inf)
        self._entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(
        self, block: Float[Array, "r c"], first_query: int, first_candidate: int, *, by_column: bool = False
    ) -> None:
        """Look through a block whose rows (or columns) are queries; no pair may come twice.

        Args:
            block: Similarities; -inf for a pair that is no candidate.
            first_query: The query of its first row (or column).
            first_candidate: The candidate of its first column (or row).
            by_column: Whether queries lie along columns.
        """
        n_queries = block.shape[1] if by_column else block.shape[0]
        largest = self._largest[first_query : first_query + n_queries, :]
        unknown = np.isneginf(largest.min(axis=1)).any()
        if unknown:
            maxima = to_host(_group_maxima(block, self.k, by_column))
            largest[:] = _largest(np.concatenate([largest, maxima], axis=1), self.k)
        queries, candidates, values = _reaching(block, largest.min(axis=1) - self.tolerance, by_column)
        if not unknown:
            _raise(largest, queries, values)
        self._entries.append((queries + first_query, candidates + first_candidate, values))

    def finish(self, exact: Exact) -> Neighbours:
        """Return what was found; entries too close to be told apart are computed again by `exact`."""
        queries, candidates, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        bounds = self._largest.min(axis=1)
        kept = (values >= bounds[queries] - self.tolerance) & (values > -np.inf)
        return settled(queries[kept], candidates[kept], values[kept], self.n_queries, self.tolerance, exact)


def settled(
    queries: Int[np.ndarray, " e"],
    candidates: Int[np.ndarray, " e"],
    values: Float[np.ndarray, " e"],
    n_queries: int,
    tolerance: float,
    exact: Exact,
) -> Neighbours:
    """Sort entries by query and falling value; those too close to be told apart are computed again by `exact`."""
    queries, candidates, values = _sorted(queries, candidates, values)
    close = _close(queries, values, tolerance) if tolerance > FINE else np.zeros(0, dtype=bool)
    if tolerance > FINE and close.sum() <= MANY * n_queries:
        values[close] = exact(queries[close], candidates[close])
        queries, candidates, values = _sorted(queries, candidates, values)
        tolerance = FINE
    return Neighbours(queries, candidates, values, n_queries, tolerance)


def _sorted(
    queries: Int[np.ndarray, " e"], candidates: Int[np.ndarray, " e"], values: Float[np.ndarray, " e"]
) -> tuple[Int[np.ndarray, " e"], Int[np.ndarray, " e"], Float[np.ndarray, " e"]]:
    order = np.lexsort((candidates, -values, queries))
    return queries[order], candidates[order], values[order]


def _close(queries: Int[np.ndarray, " e"], values: Float[np.ndarray, " e"], tolerance: float) -> Bool[np.ndarray, " e"]:
    """Say which entries have a neighbour in falling order that cannot be told apart."""
    gaps = (queries[1:] == queries[:-1]) & (values[:-1] - values[1:] <= tolerance)
    close = np.zeros(values.size, dtype=bool)
    close[:-1] |= gaps
    close[1:] |= gaps
    return close


def _group_maxima(block: Float[Array, "r c"], k: int, by_column: bool) -> Float[Array, "q g"]:
    """Return, per query, maxima of disjoint groups of candidates: at least 4k groups where there are as many."""
    xp = namespace(block)
    n_candidates = block.shape[0] if by_column else block.shape[1]
    size = max(1, min(32, n_candidates // (4 * k)))
    whole = n_candidates // size * size
    if by_column:
        grouped = xp.max(xp.reshape(block[:whole, :], (whole // size, size, block.shape[1])), axis=1)
        return xp.concat([grouped.T, block[whole:, :].T], axis=1)
    grouped = xp.max(xp.reshape(block[:, :whole], (block.shape[0], size, whole // size)), axis=1)
    return xp.concat([grouped, block[:, whole:]], axis=1)


def _largest(values: Float[np.ndarray, "q g"], k: int) -> Float[np.ndarray, "q k"]:
    if k == 1:
        return values.max(axis=1, keepdims=True)
    return -np.partition(-values, k - 1, axis=1)[:, :k]


def _reaching(
    block: Float[Array, "r c"], bounds: Float[np.ndarray, " q"], by_column: bool
) -> tuple[Int[np.ndarray, " e"], Int[np.ndarray, " e"], Float[np.ndarray, " e"]]:
    """Return query, candidate and similarity of whatever in a block reaches its query's bound."""
    xp = namespace(block)
    limits = to_device_of(bounds, block, dtype=block.dtype)
    mask = block >= (limits[None, :] if by_column else limits[:, None])
    flat = xp.nonzero(xp.reshape(mask, (-1,)))[0]
    values = to_host(xp.reshape(block, (-1,))[flat]).astype(np.float64)
    rows, columns = np.divmod(to_host(flat), block.shape[1])
    return (columns, rows, values) if by_column else (rows, columns, values)


def _raise(largest: Float[np.ndarray, "q k"], queries: Int[np.ndarray, " e"], values: Float[np.ndarray, " e"]) -> None:
    """Put new similarities among the k largest of their queries, in place."""
    k = largest.shape[1]
    order = np.lexsort((-values, queries))
    raised, starts = np.unique(queries[order], return_index=True)
    place = np.arange(order.size) - np.repeat(starts, np.diff(np.append(starts, order.size)))
    kept = place < k
    new = np.full((raised.size, k), -np.inf)
    new[np.searchsorted(raised, queries[order][kept]), place[kept]] = values[order][kept]
    largest[raised] = _largest(np.concatenate([largest[raised], new], axis=1), k)
