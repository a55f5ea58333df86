"""Find translations in two lists that are not matched: the pairs whose margin is largest, and how many are right."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import Array, require_choice, require_neighbours, require_same_width
from probes.neighbours import Neighbours
from probes.retrieval_sides import retrieval_side
from probes.retrieval_statistics import MARGINS, RetrievalStatistics

STRATEGIES = ("max", "intersection", "forward", "backward")

Pairs = Int[np.ndarray, "m 2"] | Collection[tuple[int, int]]
"""Rows of `x` beside rows of `y`."""


@dataclass(frozen=True)
class MinedBitext:
    """Pairs that look like translations.

    Attributes:
        pairs: Row of `x`, row of `y`; the largest margin first, equal margins by row.
        margins: The margin of each, computed in float64.
        n: How many rows `x` and `y` have.
    """

    pairs: Int[np.ndarray, "m 2"]
    margins: Float[np.ndarray, " m"]
    n: tuple[int, int]


@dataclass(frozen=True)
class MiningScores:
    """Mined pairs against the true ones.

    Attributes:
        precision: Share of the kept pairs that are true; NaN if none is kept.
        recall: Share of the true pairs that are kept.
        f1: Their harmonic mean, 2 right / (kept + true).
        threshold: Pairs with a margin above it are kept: the one given, else the best.
        n_kept: How many pairs are kept.
        n_gold: How many pairs are true.
        best_threshold: Where F1 is largest on these very pairs: half way between two margins, below all of them if
            every pair is best kept.
        best_f1: F1 there.
    """

    precision: float
    recall: float
    f1: float
    threshold: float
    n_kept: int
    n_gold: int
    best_threshold: float
    best_f1: float


def mine_bitext(
    x: Float[Array, "n d"],
    y: Float[Array, "p d"],
    *,
    k: int = 4,
    margin: str = "ratio",
    strategy: str = "max",
    threshold: float | None = None,
) -> MinedBitext:
    """Mine the pairs of rows with the largest margins, from two lists of any sizes.

    Candidates of a row are its k nearest on the other side (and what ties with the k-th), judged by
    `probes.margin_retrieval`'s margin. Memory: blocks of similarities, no n x p matrix.

    Args:
        x: Sentence vectors of one language.
        y: Sentence vectors of the other.
        k: How many nearest are candidates, and make a neighbourhood; at most the rows of the shorter list.
        margin: ratio | distance | absolute.
        strategy: forward (the best of each row of `x`), backward (of each row of `y`), intersection (pairs that are
            best both ways), or max (both, in falling order of margin; a pair is taken while neither row is).
        threshold: Keep pairs with a margin above it; None keeps all.

    Returns:
        The pairs and their margins. Of equal margins the lower row comes first.

    Raises:
        TypeError: If k is no whole number.
        ValueError: If a list has fewer than k rows, columns differ, a value is not finite, a row is zero, an option is
            unknown, or `ratio` would divide by a mean cosine that is not positive: take `distance`.

    References:
        Artetxe & Schwenk (2019), Margin-based Parallel Corpus Mining with Multilingual Sentence Embeddings,
        arXiv:1811.01136, eq. 1-3 and its four strategies of candidate generation and filtering.
    """
    require_choice("margin", margin, MARGINS)
    require_choice("strategy", strategy, STRATEGIES)
    require_neighbours(k, min(x.shape[0], y.shape[0]))
    require_same_width(x, y)
    sides = retrieval_side(x, minimum=1), retrieval_side(y, name="y", minimum=1)
    statistics = RetrievalStatistics(*sides, neighbours=k)
    pairs = _candidates(statistics, k, margin, strategy)
    margins = statistics.exact_margins(pairs[:, 0], pairs[:, 1], k, margin)
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -margins))
    if threshold is not None:
        order = order[margins[order] > threshold]
    if strategy == "max":
        order = order[_unrivalled(pairs[order])]
    return MinedBitext(pairs[order], margins[order], (sides[0].n, sides[1].n))


def _candidates(statistics: RetrievalStatistics, k: int, margin: str, strategy: str) -> Int[np.ndarray, "m 2"]:
    """Return the distinct pairs that a strategy looks at."""
    found = []
    if strategy != "backward":
        found.append(_best(statistics.margins(k, margin)))
    if strategy != "forward":
        found.append(_best(statistics.margins(k, margin, backward=True))[:, ::-1])
    distinct, times = np.unique(np.concatenate(found), axis=0, return_counts=True)
    return distinct[times == 2] if strategy == "intersection" else distinct


def _best(found: Neighbours) -> Int[np.ndarray, "q 2"]:
    """Return every query with the candidate of its largest margin."""
    return np.stack([np.arange(found.n_queries), found.candidates[found.starts]], axis=1)


def _unrivalled(pairs: Int[np.ndarray, "m 2"]) -> Bool[np.ndarray, " m"]:
    """Say which pairs are taken if each is, in this order, unless one of its rows already is."""
    taken: tuple[set[int], set[int]] = (set(), set())
    kept = np.zeros(len(pairs), dtype=bool)
    for place, (i, j) in enumerate(pairs.tolist()):
        if i not in taken[0] and j not in taken[1]:
            kept[place] = True
            taken[0].add(i)
            taken[1].add(j)
    return kept


def mining_scores(
    pairs: Pairs, margins: Float[np.ndarray, " m"], gold: Pairs, *, threshold: float | None = None
) -> MiningScores:
    """Score mined pairs by precision, recall and F1, and find the threshold where F1 is largest.

    Pairs of equal margin are kept or left together, so the answer does not depend on their order; of equally good
    thresholds the highest is told. A threshold chosen on the pairs it is scored on flatters: choose it on a training
    list (`best_threshold`) and give it as `threshold` on the test list, as BUCC does.

    Args:
        pairs: Row of `x`, row of `y`; none twice.
        margins: The margin of each, larger is surer.
        gold: The true pairs; none twice. Rows that are in none have no translation.
        threshold: Keep pairs with a margin above it; None takes the best.

    Returns:
        The three scores at the threshold, and the best threshold with its F1.

    Raises:
        ValueError: If there is not one finite margin per pair, a pair stands twice, or `gold` is empty.

    References:
        Zweigenbaum, Sharoff & Rapp (2017), Overview of the Second BUCC Shared Task: Spotting Parallel Sentences in
            Comparable Corpora (precision, recall and F1 of the set of mined pairs).
        Artetxe & Schwenk (2019), arXiv:1811.01136 (the threshold with the best F1 on BUCC's training data).
    """
    true, mined = _distinct("gold", gold), pair_array("pairs", pairs)
    _distinct("pairs", mined)
    if not true:
        raise ValueError("gold must hold at least one true pair, got none; recall has no meaning without")
    n_gold, right = len(true), np.array([tuple(pair) in true for pair in mined.tolist()], dtype=bool)
    margins = np.asarray(margins, dtype=float)
    if margins.shape != right.shape or not np.isfinite(margins).all():
        raise ValueError(
            f"margins must hold one finite number for each of the {right.size} pairs, got shape {margins.shape} with "
            f"{int((~np.isfinite(margins)).sum())} not finite; leave out pairs without a margin"
        )
    best_threshold, best_f1 = _best_threshold(margins, right, n_gold)
    chosen = best_threshold if threshold is None else float(threshold)
    kept = margins > chosen
    n_right, n_kept = int((right & kept).sum()), int(kept.sum())
    return MiningScores(
        precision=n_right / n_kept if n_kept else float("nan"),
        recall=n_right / n_gold,
        f1=2 * n_right / (n_kept + n_gold),
        threshold=chosen,
        n_kept=n_kept,
        n_gold=n_gold,
        best_threshold=best_threshold,
        best_f1=best_f1,
    )


def pair_array(name: str, pairs: Pairs) -> Int[np.ndarray, "m 2"]:
    """Return pairs of rows as an array of whole numbers.

    Raises:
        ValueError: If they are not pairs of whole numbers.
    """
    array = np.asarray(pairs if isinstance(pairs, np.ndarray) else list(pairs))
    if not array.size:
        return np.zeros((0, 2), dtype=np.int64)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be pairs of whole numbers, (row of x, row of y), got {array.dtype} of shape {array.shape}"
        )
    return array.astype(np.int64)


def _distinct(name: str, pairs: Pairs) -> set[tuple[int, int]]:
    array = pair_array(name, pairs)
    distinct = set(map(tuple, array.tolist()))
    if len(distinct) < len(array):
        raise ValueError(f"{name} must not hold a pair twice, got {len(array)} of {len(distinct)}; drop repeated ones")
    return distinct


def _best_threshold(
    margins: Float[np.ndarray, " m"], right: Bool[np.ndarray, " m"], n_gold: int
) -> tuple[float, float]:
    """Return the highest threshold with the largest F1, and that F1; with no pair right, one above all margins."""
    if not right.any():
        return float(margins.max(initial=0.0)), 0.0
    order = np.argsort(-margins, kind="stable")
    falling = margins[order]
    ends = np.append(np.flatnonzero(falling[1:] < falling[:-1]), falling.size - 1)
    f1 = 2 * np.cumsum(right[order])[ends] / (ends + 1 + n_gold)
    at = int(ends[int(np.argmax(f1))])
    below = falling[at + 1] if at + 1 < falling.size else np.nextafter(falling[at], -np.inf)
    return _between(float(falling[at]), float(below)), float(f1.max())


def _between(above: float, below: float) -> float:
    """Return the middle, or the lower end where rounding would take the middle to the upper."""
    middle = (above + below) / 2
    return middle if middle < above else below
