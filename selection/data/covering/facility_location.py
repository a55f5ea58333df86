"""Facility location: rows so that every row of the pool has one like it among them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import require_choice, require_whole, row_chunks, to_host
from selection.data.allowances import read_allowances
from selection.data.covering.results import FacilityChoice
from selection.data.covering.similarities import GivenSimilarities, Similarities, of_cosines
from selection.data.covering.unit_rows import require_embeddings

METRICS = ("auto", "cosine", "precomputed")
CAPACITY = 1 << 27
"""Pairs of a covered row and a candidate that are kept, 8 bytes each: 1 GB at most."""


def facility_location_select(  # noqa: PLR0913 (what covers, and what is covered)
    similarity_or_embeddings: Any,
    budget: int,
    *,
    metric: str = "auto",
    n_covered: int | None = None,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    quotas: Mapping[Any, float | int] | str | None = None,
    seed: int = 0,
) -> FacilityChoice:
    """Choose rows greedily by how much they add to `sum_i max_{j chosen} s_ij`.

    Every candidate's gain is kept up to date: when a row is covered better than before, and only then, its similarities
    to all candidates are worked out anew, until so few candidates could cover it better that they are kept. No table
    of all pairs is held. Up to rounding, ties go to the smaller row.

    Args:
        similarity_or_embeddings: A vector for each row (n, d), none zero, compared by `s = (1 + cos) / 2`; or a
            table of similarities (n, n), dense or sparse, in which row i is covered by column j as well as `s_ij` says,
            and what is below 0 counts as 0.
        budget: How many rows, 1 to n.
        metric: cosine for embeddings | precomputed for a table | auto: a table where it is square.
        n_covered: Cover so many rows, drawn at random, instead of all; cost is in proportion to it, and the gains
            are of the drawn. None for all.
        groups: The group of each row, with `quotas`.
        quotas: Group to share or to count, "proportional" or "equal"; None for none.
        seed: Of the rows drawn.

    Returns:
        The rows in order of choice, with what each added: at least 1 - 1/e of what any set can cover, where there are
        no quotas.

    Raises:
        ValueError: If a vector is zero or a value not finite, the table is not square, or a number is out of range.

    References:
        Nemhauser, Wolsey & Fisher (1978), An analysis of approximations for maximizing submodular set functions I.
        Lin & Bilmes (2011), A class of submodular functions for document summarization, ACL.
        Bukharin et al. (2024), Data Diversity Matters for Robust Instruction Tuning, arXiv:2311.14736 (QDIT).
    """
    require_choice("metric", metric, METRICS)
    n = similarity_or_embeddings.shape[0]
    allowances = read_allowances(n, budget, groups=groups, quotas=quotas)
    source = _read(similarity_or_embeddings, metric, _draw(n, n_covered, seed))
    left, open_rows = allowances.counts.copy(), allowances.open_rows(n)
    coverage = _Coverage(source)
    indices, gains = np.empty(budget, dtype=np.int64), np.empty(budget)
    for place in range(budget):
        row = int(np.argmax(np.where(open_rows, coverage.gains(), -1.0)))
        indices[place], gains[place] = row, coverage.add(row)
        allowances.take(row, left, open_rows)
    return FacilityChoice(indices, gains, source.shape[0])


class _Coverage:
    """How well every row is covered, and what every candidate would add."""

    def __init__(self, source: Similarities) -> None:
        from selection.data.covering.banking import empty_bank

        m, n = source.shape
        self._source = source
        self._best = np.zeros(m, dtype=source.dtype)
        self._outside, self._banked = source.totals(), np.zeros(n)
        self._bank = empty_bank(m, n, CAPACITY, source.dtype)
        self._full = self._bank.candidates.size // 2
        self._rounding = 1e-12 * float(self._outside.max(initial=0.0))

    def gains(self) -> Float[np.ndarray, " n"]:
        """Return what each candidate would add."""
        total = self._outside + self._banked
        total[total < self._rounding] = 0.0
        return total

    def add(self, candidate: int) -> float:
        """Choose a candidate, and return what it adds."""
        from selection.data.covering.banking import raise_banked

        column = self._source.column(candidate)
        better = np.flatnonzero(column > self._best)
        before, after = self._best[better], column[better]
        in_bank = self._bank.starts[better] >= 0
        raise_banked(self._bank, better[in_bank], before[in_bank], after[in_bank], self._banked)
        for part in _blocks(np.flatnonzero(~in_bank), self._source.shape[1]):
            self._raise(better[part], before[part], after[part])
        self._best[better] = after
        self._tidy()
        if better.size and (self._bank.starts >= 0).all():
            self._outside[:] = 0.0
        return float(np.sum(after.astype(np.float64) - before))

    def _tidy(self) -> None:
        """Close the gaps that shorter lists leave, whenever half the room that was free is used up."""
        from selection.data.covering.banking import close_gaps

        if self._bank.used[0] > self._full:
            banked = np.flatnonzero(self._bank.starts >= 0)
            close_gaps(self._bank, banked[np.argsort(self._bank.starts[banked], kind="stable")])
            self._full = (int(self._bank.used[0]) + self._bank.candidates.size) // 2

    def _raise(self, covered: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
        from selection.data.covering.banking import raise_rows

        rows = self._source.rows(covered)
        raise_rows(self._bank, covered, rows, before, after, self._outside, self._banked)


def _blocks(places: Int[np.ndarray, " b"], width: int) -> Iterator[Int[np.ndarray, " _"]]:
    for part in row_chunks(len(places), width):
        yield places[part]


def _draw(n: int, n_covered: int | None, seed: int) -> Int[np.ndarray, " m"]:
    if n_covered is None:
        return np.arange(n)
    require_whole("n_covered", n_covered, minimum=1)
    if n_covered > n:
        raise ValueError(f"n_covered must be at most the {n} rows, got {n_covered}; None covers all")
    return np.sort(np.random.default_rng(seed).choice(n, n_covered, replace=False))


def _read(given: Any, metric: str, drawn: Int[np.ndarray, " m"]) -> Similarities:
    square = given.ndim == 2 and given.shape[0] == given.shape[1]
    if metric == "cosine" or (metric == "auto" and not square):
        require_embeddings(given, name="similarity_or_embeddings")
        return of_cosines(given, drawn)
    if not square:
        raise ValueError(
            f"similarity_or_embeddings must be square where it is precomputed, got shape {tuple(given.shape)}"
        )
    table = given.tocsr() if hasattr(given, "tocsr") else to_host(given)
    table = table if table.dtype in (np.float32, np.float64) else table.astype(np.float64)
    values = table.data if hasattr(given, "tocsr") else table
    if not np.isfinite(values).all():
        raise ValueError("similarity_or_embeddings must be finite, got NaN or infinity; leave such rows out")
    return GivenSimilarities(table, drawn)
