"""One pass over the similarities of two languages, from which every retrieval measure is read.

    statistics = RetrievalStatistics(retrieval_side(x), retrieval_side(y), neighbours=10, ranks=True)
    statistics.accuracy().score, statistics.mutual().score, statistics.csls(10).permuted(orders), ...

The pass takes blocks of `x y'` and keeps, in both directions, the nearest candidates with their ties and (if `ranks`)
where the right answer stands; no n x n matrix is held. Strong alignment adds half of `x x'` and of `y y'`, once per
side, whatever it is paired with; CSLS, whose penalties are known only after the pass, takes the blocks a second time.
Sides of different sizes have neighbours, `margins` and `csls_answers`; what names right answers needs matched rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import CHUNK_ELEMENTS, Array, namespace, require_neighbours, to_device_of, to_host
from probes.chances import hit_chance, mutual_chance, strong_chance
from probes.neighbours import FINE, MANY, Answers, Exact, Neighbours, NeighbourSearch, settled, tiles
from probes.prepared_retrieval import PreparedAnswers, PreparedCosine, PreparedRanks
from probes.retrieval_sides import RetrievalSide, exact_similarities

COMPARISONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ratio": np.divide,
    "distance": np.subtract,
    "absolute": lambda cosines, around: cosines,
}
MARGINS = tuple(COMPARISONS)


@dataclass(frozen=True, eq=False)
class RetrievalStatistics:
    """Two sides of retrieval: `a` asks forward, `b` backward.

    Attributes:
        a: One language.
        b: The other; with the same labels, where right answers are asked for.
        neighbours: How many nearest candidates to keep: at least the largest k that will be asked for.
        ranks: Whether to count, in the same pass, where right answers stand (for the reciprocal rank).
        block_elements: How many similarities a block holds.
    """

    a: RetrievalSide
    b: RetrievalSide
    neighbours: int = 1
    ranks: bool = False
    block_elements: int = CHUNK_ELEMENTS

    def __post_init__(self) -> None:
        """Refuse more neighbours than there are rows."""
        require_neighbours(self.neighbours, min(self.a.n, self.b.n))

    def gold(self) -> PreparedCosine:
        """Return the mean cosine of matched rows."""
        return PreparedCosine(self.a, self.b)

    def accuracy(self, k: int = 1) -> PreparedAnswers:
        """Return the expected hit of a right answer among the k nearest, in both directions."""
        forward, backward = self.nearest
        return PreparedAnswers(forward.answers(k), backward.answers(k), self.a.labels, hit_chance(self.a.labels, k))

    def mutual(self) -> PreparedAnswers:
        """Return the share of rows that are each other's strict nearest."""
        forward, backward = self.nearest
        chance = mutual_chance(self.a.labels)
        return PreparedAnswers(forward.answers(), backward.answers(), self.a.labels, chance, combine="both")

    def reciprocal_rank(self) -> PreparedRanks:
        """Return the mean reciprocal rank in both directions."""
        forward, backward = self._ranked
        return PreparedRanks(self.a, self.b, forward, backward)

    def strong(self) -> PreparedAnswers:
        """Return the accuracy with the sentences of the own language among the candidates."""
        forward, backward = self.nearest
        answers = _against_rivals(forward, self.a.rivals), _against_rivals(backward, self.b.rivals)
        return PreparedAnswers(*answers, self.a.labels, strong_chance(self.a.labels))

    def csls(self, k: int = 10) -> PreparedAnswers:
        """Return the accuracy of the nearest by `2 c - r_x - r_y`, r the mean cosine of the k nearest."""
        return PreparedAnswers(*self.csls_answers(k), self.a.labels, hit_chance(self.a.labels))

    def csls_answers(self, k: int = 10) -> tuple[Answers, Answers]:
        """Return who is nearest by CSLS to each row, forward and backward."""
        means = [found.means(k) for found in self.nearest]
        searches = self._searches(1)
        for rows, columns, block in self._blocks():
            block *= 2.0
            block -= to_device_of(means[0][rows], block, dtype=block.dtype)[:, None]
            block -= to_device_of(means[1][columns], block, dtype=block.dtype)[None, :]
            _add_both(searches, rows, columns, block)

        def exact(i: Int[np.ndarray, " e"], j: Int[np.ndarray, " e"]) -> Float[np.ndarray, " e"]:
            return 2 * self._exact(i, j) - 2 * self._around(i, j, k, again=True)

        return searches[0].finish(exact).answers(), searches[1].finish(lambda j, i: exact(i, j)).answers()

    def margin(self, k: int = 4, margin: str = "ratio") -> PreparedAnswers:
        """Return the forward accuracy of the best margin among the k nearest only.

        Raises:
            ValueError: If a ratio would be taken of a neighbourhood that is not positive.
        """
        answers, chance = self.margins(k, margin).answers(), hit_chance(self.a.labels)
        return PreparedAnswers(answers, None, self.a.labels, chance, combine="forward")

    def margins(self, k: int = 4, margin: str = "ratio", *, backward: bool = False) -> Neighbours:
        """Return the k nearest of every row of `a` (or, backward, of `b`) in falling order of their margin.

        Raises:
            ValueError: If a ratio would be taken of a neighbourhood that is not positive.
        """
        found = self.nearest[backward]
        kept = found.within(k)
        queries, candidates, cosines = found.queries[kept], found.candidates[kept], found.similarities[kept]
        around = self._around(*((candidates, queries) if backward else (queries, candidates)), k)
        if margin == "ratio":
            _require_positive(queries, around, (self.a, self.b)[backward].name)

        def exact(q: Int[np.ndarray, " e"], c: Int[np.ndarray, " e"]) -> Float[np.ndarray, " e"]:
            return self.exact_margins(*((c, q) if backward else (q, c)), k, margin)

        values = COMPARISONS[margin](cosines, around)
        return settled(queries, candidates, values, found.n_queries, self.a.tolerance, exact)

    def exact_margins(
        self, i: Int[np.ndarray, " e"], j: Int[np.ndarray, " e"], k: int = 4, margin: str = "ratio"
    ) -> Float[np.ndarray, " e"]:
        """Return the margins of pairs (row of a, row of b) in float64, whatever the vectors' type."""
        return COMPARISONS[margin](self._exact(i, j), self._around(i, j, k, again=True))

    def _around(
        self, i: Int[np.ndarray, " e"], j: Int[np.ndarray, " e"], k: int, *, again: bool = False
    ) -> Float[np.ndarray, " e"]:
        """Return (A_x + A_y) / 2 for pairs of rows, `again` in float64."""
        forward, backward = self.nearest
        if not again:
            return (forward.means(k)[i] + backward.means(k)[j]) / 2
        mean_i = forward.means_again(k, i, self._exact)
        return (mean_i + backward.means_again(k, j, lambda q, c: self._exact(c, q))) / 2

    def _exact(self, i: Int[np.ndarray, " e"], j: Int[np.ndarray, " e"]) -> Float[np.ndarray, " e"]:
        return exact_similarities(self.a, self.b, i, j)

    def _blocks(self) -> Iterator[tuple[slice, slice, Float[Array, "r c"]]]:
        for rows, columns in tiles(self.a.n, self.b.n, elements=self.block_elements):
            yield rows, columns, self.a.unit[rows, :] @ self.b.unit[columns, :].T

    def _searches(self, k: int) -> list[NeighbourSearch]:
        return [NeighbourSearch(side.n, k, tolerance=self.a.tolerance) for side in (self.a, self.b)]

    @cached_property
    def nearest(self) -> tuple[Neighbours, Neighbours]:
        """The nearest of every row of `a` in `b`, and of `b` in `a`."""
        return self._pass[0]

    @cached_property
    def _ranked(self) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        if self.ranks:
            return self._pass[1]
        return RetrievalStatistics(self.a, self.b, 1, True, self.block_elements)._pass[1]

    @cached_property
    def _pass(self) -> tuple:
        searches = self._searches(self.neighbours)
        counters = self._counters() if self.ranks else []
        for rows, columns, block in self._blocks():
            _add_both(searches, rows, columns, block)
            for counter, by_column in zip(counters, (False, True), strict=False):
                counter.add(block, rows, columns, by_column=by_column)
        exacts: list[Exact] = [self._exact, lambda j, i: self._exact(i, j)]
        found = tuple(search.finish(exact) for search, exact in zip(searches, exacts, strict=True))
        ranked = tuple(counter.reciprocal(exact) for counter, exact in zip(counters, exacts, strict=False))
        return found, ranked

    def _counters(self) -> "list[RankCounter]":
        first, second = self.a.same
        similarities = self._exact(first, second)
        make = partial(RankCounter, labels=self.a.labels, tolerance=self.a.tolerance)
        return [make(first, similarities), make(second, similarities)]


def _add_both(searches: Sequence[NeighbourSearch], rows: slice, columns: slice, block: Float[Array, "r c"]) -> None:
    searches[0].add(block, rows.start, columns.start)
    searches[1].add(block, columns.start, rows.start, by_column=True)


def _require_positive(rows: Int[np.ndarray, " e"], around: Float[np.ndarray, " e"], name: str) -> None:
    bad = np.flatnonzero(around <= 0)
    if bad.size:
        raise ValueError(
            f"margin='ratio' must divide by a positive mean cosine of neighbours, got {around[bad[0]]:.4g} for row "
            f"{rows[bad[0]]} of {name}; use margin='distance'"
        )


def _against_rivals(found: Neighbours, rivals: Neighbours) -> Answers:
    """Return the best answers of a query when rivals of its own language are candidates that are never right."""
    answers = found.answers()
    best, n = found.values(1)[:, 0], found.n_queries
    strongest = np.full(n, -np.inf)
    np.maximum.at(strongest, rivals.queries, rivals.similarities)
    tolerance = max(found.tolerance, rivals.tolerance)
    ties = rivals.similarities >= np.maximum(strongest, best)[rivals.queries] - tolerance
    n_tied = answers.n_tied + np.bincount(rivals.queries[ties], minlength=n)
    places = np.where(strongest > best + tolerance, 0.0, answers.places)
    return Answers(answers.queries, answers.candidates, answers.tied, places, n_tied)


class RankCounter:
    """Counts, block by block, the candidates above and level with the best right answer of each query."""

    def __init__(
        self,
        queries: Int[np.ndarray, " e"],
        similarities: Float[np.ndarray, " e"],
        *,
        labels: Int[np.ndarray, " n"],
        tolerance: float,
    ) -> None:
        n = labels.size
        self.labels = labels
        self.best = np.full(n, -np.inf)
        np.maximum.at(self.best, queries, similarities)
        level = similarities >= self.best[queries] - FINE
        self.n_right = np.bincount(queries[level], minlength=n)
        self.above = np.zeros(n)
        self.tolerance = tolerance
        self._near: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, block: Float[Array, "r c"], rows: slice, columns: slice, *, by_column: bool) -> None:
        """Count in a block of `x y'`; queries lie along its rows, or along its columns."""
        xp = namespace(block)
        queries = columns if by_column else rows
        bounds = [self.best[queries] + shift * self.tolerance for shift in (1, -1)]
        upper, lower = (to_device_of(b[None, :] if by_column else b[:, None], block, dtype=block.dtype) for b in bounds)
        over = block > upper
        self.above[queries] += _count(over, axis=0 if by_column else 1)
        near = (block >= lower) ^ over
        i, j = np.divmod(to_host(xp.nonzero(xp.reshape(near, (-1,)))[0]), block.shape[1])
        i, j = i + rows.start, j + columns.start
        self._near.append((j, i) if by_column else (i, j))

    def reciprocal(self, exact: Exact) -> Float[np.ndarray, " n"]:
        """Return the reciprocal of the mid-rank: 1 / (above + (t + 1) / (r + 1)) with r of t level candidates right."""
        queries, candidates = (np.concatenate(part) for part in zip(*self._near, strict=True))
        wrong = self.labels[queries] != self.labels[candidates]
        queries, candidates, n = queries[wrong], candidates[wrong], self.best.size
        if self.tolerance > FINE and queries.size <= MANY * n:
            gaps = exact(queries, candidates) - self.best[queries]
            self.above += np.bincount(queries[gaps > FINE], minlength=n)
            queries = queries[np.abs(gaps) <= FINE]
        level = self.n_right + np.bincount(queries, minlength=n)
        return 1 / (self.above + (level + 1) / (self.n_right + 1))


def _count(mask: Bool[Array, "r c"], axis: int) -> Int[np.ndarray, " k"]:
    """Count what is true along an axis; numpy sums bytes faster than it sums truth values."""
    xp = namespace(mask)
    if isinstance(mask, np.ndarray):
        return np.add.reduce(mask.view(np.uint8), axis=axis, dtype=np.int32)
    return to_host(xp.sum(mask, axis=axis))
