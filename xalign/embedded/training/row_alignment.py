"""Which row of one list translates which row of another, when a few rows are missing."""

from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np


def align_equal_keys(a: Sequence[str], b: Sequence[str]) -> dict[int, int]:
    """Match rows of `a` to rows of `b` in order, where their keys are equal (longest common blocks)."""
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return {block.a + k: block.b + k for block in blocks for k in range(block.size)}


def align_lengths(a: Sequence[str], b: Sequence[str], *, skip_cost: float = 2.0, band: int = 8) -> dict[int, int]:
    """Match rows of `a` to rows of `b` in order by their lengths, skipping rows on either side.

    Args:
        a: Texts in one language.
        b: Texts in another, in the same order, a few of them absent.
        skip_cost: Price of leaving a row unmatched; matching costs the absolute log ratio of lengths, corrected for the
            languages' own ratio.
        band: Largest difference of row numbers.

    References:
        Gale & Church (1993), A Program for Aligning Sentences in Bilingual Corpora.
    """
    x, y = (np.log([len(text) + 5.0 for text in texts]) for texts in (a, b))
    x, y = x - np.median(x), y - np.median(y)
    cost = np.full((len(x) + 1, len(y) + 1), np.inf)
    cost[0, : band + 1] = skip_cost * np.arange(min(band, len(y)) + 1)
    for i in range(1, len(x) + 1):
        for j in range(max(0, i - band), min(len(y), i + band) + 1):
            both = cost[i - 1, j - 1] + abs(x[i - 1] - y[j - 1]) if j else np.inf
            left = cost[i, j - 1] + skip_cost if j else np.inf
            cost[i, j] = min(both, cost[i - 1, j] + skip_cost, left)
    return _trace(cost, skip_cost)


def _trace(cost: np.ndarray, skip_cost: float) -> dict[int, int]:
    i, j = cost.shape[0] - 1, cost.shape[1] - 1
    matched = {}
    while i and j:
        if np.isclose(cost[i, j], cost[i - 1, j] + skip_cost):
            i -= 1
        elif np.isclose(cost[i, j], cost[i, j - 1] + skip_cost):
            j -= 1
        else:
            i, j = i - 1, j - 1
            matched[i] = j
    return matched
