"""Average precision of lists with ties: its value, its expectation when labels are shuffled, and what moves it.

A list is told by places: of each item, how many items are at least as large. Tied items share the last of their places,
so no order is made up among them, and a list of equal items has the base rate.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

N_BINS = 64


def places(values: Float[np.ndarray, " items"]) -> Int[np.ndarray, " items"]:
    """Return how many items are at least as large as each: 1 for the largest, the number of items for the smallest."""
    order = _ascending(values)
    ordered = values[order]
    found, at_least = np.empty(values.size, dtype=np.int32), np.arange(values.size, 0, -1, dtype=np.int32)
    tied = 1 + np.flatnonzero(ordered[1:] == ordered[:-1])
    first, _ = _runs(tied)
    at_least[tied] = at_least[first - 1]
    found[order] = at_least
    return found


def _ascending(values: Float[np.ndarray, " items"]) -> Int[np.ndarray, " items"]:
    """Return `argsort(values)`; in float32 by sorting numbers that hold value and index, which takes half the time."""
    if values.dtype != np.float32:
        return np.argsort(values)
    bits = values.view(np.int32)
    keys = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64)  # whole numbers in the order of the values
    keys <<= 32
    keys |= np.arange(values.size)
    keys.sort()
    keys &= 0xFFFFFFFF
    return keys


def average_precision(positive: Int[np.ndarray, "*lists n"]) -> Float[np.ndarray, "*lists"]:
    """Return the mean, over a list's positive items, of the share of positives among the items at least as large.

    Args:
        positive: Places of the positive items, in any order.
    """
    ordered, n = np.sort(positive, axis=-1), positive.shape[-1]
    found = (1.0 / ordered) @ np.arange(1, n + 1)
    same = np.zeros(ordered.shape, dtype=bool)
    np.equal(ordered[..., :-1], ordered[..., 1:], out=same[..., :-1])
    tied = np.flatnonzero(same)
    _, last = _runs(tied)
    later = (last - tied + 1) / ordered.ravel()[tied]  # a tied item has as many more positives beside it
    return (found + np.bincount(tied // n, weights=later, minlength=found.size).reshape(found.shape)) / n


def _runs(numbers: Int[np.ndarray, " m"]) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Return the first and the last of the run of consecutive numbers that each of some ascending numbers is in."""
    starts = np.flatnonzero(np.diff(numbers, prepend=-2) > 1)
    lengths = np.diff(starts, append=numbers.size)
    first = np.repeat(numbers[starts], lengths)
    return first, first + np.repeat(lengths, lengths) - 1


def expected_average_precision(items: Int[np.ndarray, "*lists items"], n_positive: int) -> Float[np.ndarray, "*lists"]:
    """Return the mean of the average precision over all choices of the positive items.

    A positive at place e has e - 1 others at least as large, each positive with probability (P - 1) / (N - 1): so the
    expectation is c + (1 - c) mean(1 / e) with c = (P - 1) / (N - 1). Without ties mean(1 / e) = H_N / N.

    Args:
        items: Places of all N items of each list.
        n_positive: P, at least 1.

    References:
        Bestgen (2015), Exact Expected Average Precision of the Random Baseline for System Evaluation, The Prague
            Bulletin of Mathematical Linguistics 103, for lists without ties.
    """
    n = items.shape[-1]
    other = (n_positive - 1) / max(1, n - 1)
    return other + (1 - other) * np.mean(1.0 / items, axis=-1)


def expected_within_sentences(items: Int[np.ndarray, "*lists languages n"]) -> Float[np.ndarray, "*lists"]:
    """Return the mean of a language's average precision over all shuffles of the languages within each sentence.

    Of the e items at least as large as a positive one, those of other sentences are positive with probability 1 / L,
    those of its own are not. Where s of the e are of its own sentence that is 1 / L + mean(1 / e) - mean(s / e) / L,
    and mean(s / e) is the average precision of the items as detectors of their sentence.

    Args:
        items: Places of all items of each list, by language and sentence.
    """
    by_sentence = average_precision(np.swapaxes(items, -1, -2)).mean(axis=-1)
    return (1 - by_sentence) / items.shape[-2] + np.mean(1.0 / items, axis=(-1, -2))


class _Binned(NamedTuple):
    """Lists whose places are told by bins of near equal logarithm.

    Attributes:
        own: Index of each item's language and bin among all lists.
        by_language: How many items each language has in each bin.
        by_sentence: How many each sentence has.
        inverse: Mean 1 / place in each bin.
        within: Of the items in an item's own bin, the share that is at least as large.
    """

    own: Int[np.ndarray, "lists languages n"]
    by_language: Float[np.ndarray, "lists languages bins"]
    by_sentence: Float[np.ndarray, "lists n bins"]
    inverse: Float[np.ndarray, "lists 1 bins"]
    within: Float[np.ndarray, "lists 1 bins"]


def sentence_influence(items: Int[np.ndarray, "lists languages n"]) -> Float[np.ndarray, "languages n"]:
    """Return how each language's average precision, summed over lists, moves with the weight of each sentence.

    The derivative at equal weights of sum_i w_i (C_i / E_i) / sum_i w_i, where i runs over the language's items, and
    C_i and E_i add up the weights of the language's and of all items at least as large: a sentence of more weight
    counts its own precision more, is above others of its language, and is above them in every other language too.

    Places are put into 64 bins of near equal logarithm, so that languages and sentences meet in one product of their
    bins. Sentences of a language sum to 0. Within some parts in a hundred of the exact derivative.

    Args:
        items: Places of all items of each list, by language and sentence.

    References:
        Efron (1982), The Jackknife, the Bootstrap and Other Resampling Plans, ch. 6 (the infinitesimal jackknife).
    """
    lists = _binned(items)
    alone = 1 - lists.within  # an item is at least as large as itself: its own share of its bin is 1, not `within`
    rank = _before(lists.by_language) + lists.within * lists.by_language + alone
    later = lists.by_language * lists.inverse
    pull = later * rank * lists.inverse
    own = (
        rank * lists.inverse * (1 - alone * lists.inverse)
        + _after(later)
        + lists.within * later
        + alone * lists.inverse
    )
    shared = (_after(pull) + lists.within * pull).astype(np.float32)
    total = own.ravel()[lists.own].sum(axis=0)
    for one, sentences in zip(shared, lists.by_sentence, strict=True):
        total -= one @ sentences.T
    return (total - total.mean(axis=1, keepdims=True)) / items.shape[2]


def _binned(items: Int[np.ndarray, "lists languages n"]) -> _Binned:
    n_lists, n_languages, n = items.shape
    bins = log_bins(n_languages * n)
    lists, found = np.arange(n_lists)[:, None, None], bins.of_place[items]
    own = found + (lists * n_languages + np.arange(n_languages)[:, None]) * bins.n
    by_language = np.bincount(own.ravel(), minlength=n_lists * n_languages * bins.n)
    by_sentence = np.bincount((found + (lists * n + np.arange(n)) * bins.n).ravel(), minlength=n_lists * n * bins.n)
    inverse, within = _at_places(items, bins)
    return _Binned(
        own,
        by_language.reshape(n_lists, n_languages, bins.n).astype(float),
        by_sentence.reshape(n_lists, n, bins.n).astype(np.float32),
        inverse[:, None],
        within[:, None],
    )


class LogBins(NamedTuple):
    """Places cut into bins of near equal logarithm, none empty.

    Attributes:
        of_place: The bin of each place; place 0, which no item has, is in the first.
        firsts: The first place of each bin.
        inverse: 1 / place; at place 0, 1.
        n: How many bins.
    """

    of_place: Int[np.ndarray, " places"]
    firsts: Int[np.ndarray, " bins"]
    inverse: Float[np.ndarray, " places"]
    n: int


@lru_cache(maxsize=4)
def log_bins(n_items: int) -> LogBins:
    """Return the bins of the places 0 to n_items."""
    numbers = np.maximum(np.arange(n_items + 1), 1)
    logarithms = (N_BINS * np.log(numbers) / np.log(n_items)).astype(np.int64)
    _, firsts, of_place = np.unique(logarithms, return_index=True, return_inverse=True)
    return LogBins(of_place, firsts, 1 / numbers, firsts.size)


def _at_places(
    items: Int[np.ndarray, "lists languages n"], bins: LogBins
) -> tuple[Float[np.ndarray, "lists bins"], Float[np.ndarray, "lists bins"]]:
    """Return mean 1 / place in each bin, and the share of it that is at least as large as one of its items.

    Tied items are at least as large as each other, of others half are: (1 + sum of (items at a place)^2 / items^2) / 2.
    """
    n_lists, n_places = items.shape[0], bins.of_place.size
    flat = items + np.arange(n_lists)[:, None, None] * n_places
    at_place = np.bincount(flat.ravel(), minlength=n_lists * n_places).reshape(n_lists, n_places).astype(float)
    sizes = np.maximum(np.add.reduceat(at_place, bins.firsts, axis=1), 1)
    inverse = np.add.reduceat(at_place * bins.inverse, bins.firsts, axis=1) / sizes
    return inverse, (1 + np.add.reduceat(at_place**2, bins.firsts, axis=1) / sizes**2) / 2


def _before(values: np.ndarray) -> np.ndarray:
    return np.cumsum(values, axis=-1) - values


def _after(values: np.ndarray) -> np.ndarray:
    return np.cumsum(values[..., ::-1], axis=-1)[..., ::-1] - values
