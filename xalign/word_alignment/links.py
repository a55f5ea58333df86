"""The words of a sentence pair that translate each other, and those that nothing translates."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, eq=False)
class Links:
    """What a method found in one similarity matrix.

    Attributes:
        pairs: Source word, target word, both from 0; sorted, none twice.
        confidence: How sure each link is, in [0, 1]; what it measures is told by the method that gave it.
        shape: How many source and target words there are.
    """

    pairs: Int[np.ndarray, "n 2"]
    confidence: Float[np.ndarray, " n"]
    shape: tuple[int, int]

    @property
    def unaligned_source(self) -> Int[np.ndarray, " words"]:
        """The source words without a link (null alignments), rising."""
        return np.setdiff1d(np.arange(self.shape[0]), self.pairs[:, 0])

    @property
    def unaligned_target(self) -> Int[np.ndarray, " words"]:
        """The target words without a link (null alignments), rising."""
        return np.setdiff1d(np.arange(self.shape[1]), self.pairs[:, 1])


def no_links(shape: tuple[int, int]) -> Links:
    """Return the links of a sentence pair in which nothing is linked."""
    return Links(np.zeros((0, 2), dtype=np.int64), np.zeros(0), shape)
