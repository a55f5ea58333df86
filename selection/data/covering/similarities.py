"""Similarities of covered rows and candidates: given as a table, or worked out of embeddings a block at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from selection.data.covering.unit_rows import unit_rows


@dataclass(frozen=True, eq=False)
class CosineSimilarities:
    """`(1 + cos) / 2`, worked out when it is asked for.

    Attributes:
        covered: Vectors of length 1/2 with a column of 1/2, so that one product gives the similarity.
        candidates: Vectors of length 1 with a column of 1.
    """

    covered: Float[np.ndarray, "m e"]
    candidates: Float[np.ndarray, "n e"]

    @property
    def shape(self) -> tuple[int, int]:
        """How many are covered, and how many may cover."""
        return len(self.covered), len(self.candidates)

    @property
    def dtype(self) -> Any:
        """Of the similarities."""
        return self.candidates.dtype

    def totals(self) -> Float[np.ndarray, " n"]:
        """Sum over covered rows by one product."""
        return (self.candidates @ self.covered.sum(axis=0, dtype=np.float64).astype(self.dtype)).astype(np.float64)

    def rows(self, covered: Int[np.ndarray, " b"]) -> Float[np.ndarray, "b n"]:
        """Multiply."""
        return self.covered[covered] @ self.candidates.T

    def column(self, candidate: int) -> Float[np.ndarray, " m"]:
        """Multiply."""
        return self.covered @ self.candidates[candidate]


@dataclass(frozen=True, eq=False)
class GivenSimilarities:
    """A table; what is below 0 counts as 0.

    Attributes:
        table: Rows are covered, columns cover.
        drawn: Which rows are covered.
    """

    table: Any
    drawn: Int[np.ndarray, " m"]

    @property
    def shape(self) -> tuple[int, int]:
        """How many are covered, and how many may cover."""
        return len(self.drawn), self.table.shape[1]

    @property
    def dtype(self) -> Any:
        """Of the similarities."""
        return self.table.dtype

    def totals(self) -> Float[np.ndarray, " n"]:
        """Sum over covered rows."""
        positive = self.table[self.drawn]
        positive = positive.maximum(0) if hasattr(positive, "maximum") else np.maximum(positive, 0)
        return np.asarray(positive.sum(axis=0, dtype=np.float64)).ravel()

    def rows(self, covered: Int[np.ndarray, " b"]) -> Float[np.ndarray, "b n"]:
        """Look up."""
        return _dense(self.table[self.drawn[covered]])

    def column(self, candidate: int) -> Float[np.ndarray, " m"]:
        """Look up."""
        return np.maximum(_dense(self.table[:, [candidate]]).ravel()[self.drawn], 0)


Similarities = CosineSimilarities | GivenSimilarities
"""What a facility location asks: totals by candidate, rows by covered row, columns by candidate."""


def of_cosines(embeddings: Any, drawn: Int[np.ndarray, " m"]) -> CosineSimilarities:
    """Build similarities of embeddings.

    Args:
        embeddings: A vector for each candidate.
        drawn: Which of them are covered.

    Raises:
        ValueError: If a vector is zero or not finite.
    """
    units = unit_rows(embeddings, name="similarity_or_embeddings")
    candidates = np.concatenate([units, np.ones((len(units), 1), dtype=units.dtype)], axis=1)
    return CosineSimilarities(candidates[drawn] / 2, candidates)


def _dense(part: Any) -> np.ndarray:
    return part.toarray() if hasattr(part, "toarray") else part
