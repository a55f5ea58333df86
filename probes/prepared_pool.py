"""A pool of all languages that is ready to be judged: ranks, average precision, and whose the first answer is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, require_whole, row_chunks, to_host
from probes.average_precision import expected_average_precision
from probes.neighbours import FINE
from probes.prepared_retrieval import RowRanks, rank_rows

NO_CANDIDATE = -2.0
"""The similarity of a query to what is no candidate of it: finite, and below every cosine."""

ABSENT = 1 << 30
"""How many candidates stand above a right one that there is not."""

KEPT_RANKS = 1 << 24
"""Up to how many ranks of a pool are kept for its null; those of a larger one are computed again."""


@dataclass(frozen=True, eq=False)
class PreparedPool:
    """A pool of all languages, ready to be judged.

    Similarities are products of float64. The null shuffles the candidates of every language, each by an order of its
    own: which are right changes, no similarity does, so a row is ranked once for all draws. In a bootstrap questions
    are drawn, in all languages alike, and the pool stays.

    Attributes:
        languages: In the order of everything else.
        queries: Unit rows of each language's queries.
        pool: Unit rows of all candidates, language after language.
        right: Of each query, its right candidates among the rows of one language, filled up with -1.
        own: Whether right candidates of the query's own language are right; else they are no candidates.
    """

    languages: tuple[str, ...]
    queries: list[Float[Array, "n d"]]
    pool: Float[Array, "mc d"]
    right: Int[np.ndarray, "n g"]
    own: bool

    @property
    def n_rows(self) -> int:
        """How many candidates a language gives."""
        return self.pool.shape[0] // len(self.languages)

    @property
    def scores(self) -> Float[np.ndarray, " m"]:
        """The mean average precision of each language's queries."""
        return self.average_precisions.mean(axis=1)

    @property
    def average_precisions(self) -> Float[np.ndarray, "m n"]:
        """The average precision of each query, in the mean over all orders of what is level."""
        return self._found[0]

    @property
    def top_language(self) -> Float[np.ndarray, "m m"]:
        """The share of each language's queries whose first answer is in each language; level answers share."""
        return self._found[1] / len(self.right)

    @cached_property
    def _found(self) -> tuple[Float[np.ndarray, "m n"], Float[np.ndarray, "m m"]]:
        m = len(self.languages)
        precisions, top = np.empty((m, len(self.right))), np.zeros((m, m))
        right = self._right_in_pool(np.broadcast_to(np.arange(self.n_rows), (m, 1, self.n_rows)))
        for language, rows, ranks in self._ranked():
            precisions[language, rows] = _precisions_at(ranks, right[:, rows, self._answering(language)])[0]
            first = ranks.above == 0
            sizes = first.sum(axis=1)
            languages = np.nonzero(first)[1] // self.n_rows
            top[language] += np.bincount(languages, weights=np.repeat(1 / sizes, sizes), minlength=m)
        return precisions, top

    def _ranked(self) -> Iterable[tuple[int, slice, RowRanks]]:
        """Give each language's queries, some rows at a time, with the ranks of all candidates."""
        n, n_pool = self.right.shape[0], self.pool.shape[0]
        return self._kept_ranks if len(self.languages) * n * n_pool <= KEPT_RANKS else self._rank()

    @cached_property
    def _kept_ranks(self) -> list[tuple[int, slice, RowRanks]]:
        return list(self._rank())

    def _rank(self) -> Iterator[tuple[int, slice, RowRanks]]:
        for language, queries in enumerate(self.queries):
            for rows in row_chunks(len(self.right), self.pool.shape[0]):
                block = to_host(queries[rows, :] @ self.pool.T)
                if not self.own:
                    row, place = np.nonzero(self.right[rows] >= 0)
                    block[row, self.right[rows][row, place] + language * self.n_rows] = NO_CANDIDATE
                yield language, rows, rank_rows(block, FINE)

    def _right_in_pool(self, orders: Int[np.ndarray, "m draws c"]) -> Int[np.ndarray, "draws n m g"]:
        """Return where in the pool each query's right candidates of each language are, in each draw of orders."""
        first = np.arange(len(self.languages)) * self.n_rows
        places = (orders + first[:, None, None])[:, :, self.right].transpose(1, 2, 0, 3)
        return np.where(self.right[:, None, :] < 0, -1, places)

    def _answering(self, language: int) -> Int[np.ndarray, " answering"]:
        """Return the languages whose candidates can be right for queries in one."""
        every = np.arange(len(self.languages))
        return every if self.own else np.delete(every, language)

    @cached_property
    def chances(self) -> Float[np.ndarray, " m"]:
        """The expected score when every order of the candidates is equally likely; the same for all languages."""
        m, sizes = len(self.languages), (self.right >= 0).sum(axis=1) * self._answering(0).size
        pairs, counts = np.unique(np.stack([sizes, self._n_candidates]), axis=1, return_counts=True)
        expected = [expected_average_precision(np.arange(1, n + 1)[None], int(n_right))[0] for n_right, n in pairs.T]
        return np.full(m, np.average(np.array(expected), weights=counts))

    @property
    def _n_candidates(self) -> Int[np.ndarray, " n"]:
        return self.pool.shape[0] - (0 if self.own else 1) * (self.right >= 0).sum(axis=1)

    @property
    def own_language_chance(self) -> float:
        """The chance that the first answer is in the query's language when every order is equally likely."""
        outside = self.pool.shape[0] - self.n_rows
        return float(np.mean(1 - outside / self._n_candidates))

    def null(self, n_draws: int, *, seed: int = 0) -> Float[np.ndarray, "m draws"]:
        """Return each language's score with the candidates of every language shuffled, n_draws times."""
        orders = draw_orders(len(self.languages), n_draws, self.n_rows, seed=seed)
        right, total = self._right_in_pool(orders), np.zeros(orders.shape[:2])
        for language, rows, ranks in self._ranked():
            answering = self._answering(language)
            for draws in row_chunks(n_draws, self.right[rows].size * answering.size):
                total[language, draws] += _precisions_at(ranks, right[draws, rows, answering]).sum(axis=1)
        return total / len(self.right)

    def resampled(self, counts: Int[np.ndarray, "k n"]) -> Float[np.ndarray, "m k"]:
        """Return each language's score when question i is drawn counts[., i] times."""
        return self.average_precisions @ counts.T / counts.sum(axis=1)


def draw_orders(m: int, n_draws: int, n: int, *, seed: int = 0) -> Int[np.ndarray, "m draws n"]:
    """Draw orders of n rows for each of m languages.

    Raises:
        TypeError: If `n_draws` or `seed` is no whole number.
        ValueError: If `n_draws` < 1, or the seed is negative.
    """
    require_whole("n_draws", n_draws, minimum=1)
    require_whole("seed", seed, minimum=0)
    return np.random.default_rng(seed).permuted(np.broadcast_to(np.arange(n), (m, n_draws, n)), axis=2)


def pool_seconds(
    n_languages: int, n_queries: int, d: int, *, n_candidates: int | None = None, n_draws: int = 0
) -> float:
    """Estimate the seconds that a pool takes on two threads of a server's processor, to about a factor of three.

    Products in float64 at 1e11 operations a second and 20 ns a similarity for its rank; a null of a pool that is too
    large for its ranks to be kept takes as long again, and 30 ns for each right candidate in each draw.

    Args:
        n_languages: How many languages.
        n_queries: How many queries each asks.
        d: How wide the vectors are.
        n_candidates: How many candidates each gives; as many as queries where None.
        n_draws: How many draws the null has.
    """
    asked = n_languages * n_queries
    similarities = asked * n_languages * (n_queries if n_candidates is None else n_candidates)
    passes = 2 if n_draws and similarities > KEPT_RANKS else 1
    return passes * similarities * (2 * d / 1e11 + 2e-8) + n_draws * asked * n_languages * 3e-8


def _precisions_at(ranks: RowRanks, right: Int[np.ndarray, "draws r a g"]) -> Float[np.ndarray, "draws r"]:
    """Return the average precision of each row when these candidates are right."""
    places = right.reshape(*right.shape[:2], -1)
    above, level = ranks.at(places)
    return tie_averaged_precision(above if places.min() >= 0 else np.where(places < 0, ABSENT, above), level)


def tie_averaged_precision(above: Int[np.ndarray, "*r R"], level: Int[np.ndarray, "*r R"]) -> Float[np.ndarray, "*r"]:
    """Return the mean, over right candidates, of the precision where each stands.

    What is level is in random order: the expectation over all its orders is returned. With a candidates above a run of
    t level ones, of which r are right, and A right ones above it, the run adds (r / t) times the sum over its places
    p = 1..t of (A + 1 + (p - 1) q) / (a + p), with q = (r - 1) / (t - 1).

    Args:
        above: How many candidates stand above each right one; ABSENT for none.
        level: How many are level with it, itself included.

    References:
        McSherry & Najork (2008), Computing Information Retrieval Performance Measures Efficiently in the Presence of
        Tied Scores.
    """
    shape, above, level = above.shape[:-1], above.reshape(-1, above.shape[-1]), level.reshape(-1, above.shape[-1])
    precisions = 1.0 / (np.sort(above, axis=1) + 1)
    n_right = np.full(len(above), above.shape[1])
    if above.max() >= ABSENT:
        n_right = (above < ABSENT).sum(axis=1)
        precisions[np.arange(above.shape[1]) >= n_right[:, None]] = 0.0
    found = precisions @ np.arange(1.0, above.shape[1] + 1)
    tied = np.flatnonzero((level > 1).any(axis=1))
    for part in row_chunks(tied.size, above.shape[1] ** 2):
        found[tied[part]] = _expected_precisions(above[tied[part]], level[tied[part]])
    return (found / n_right).reshape(shape)


def _expected_precisions(above: Int[np.ndarray, "r R"], level: Int[np.ndarray, "r R"]) -> Float[np.ndarray, " r"]:
    """Return the expected sum of precisions; every right candidate of a run adds the same."""
    right_above = (above[:, None, :] < above[:, :, None]).sum(axis=2)
    right_level = (above[:, None, :] == above[:, :, None]).sum(axis=2)
    present = above < ABSENT
    a, t = np.where(present, above, 0), np.where(present, level, 1)
    q = (right_level - 1) / np.maximum(t - 1, 1)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, (a + t).max() + 1))])
    means = q + (right_above + 1 - q * (a + 1)) * (harmonic[a + t] - harmonic[a]) / t
    return np.where(present, means, 0.0).sum(axis=1)
