"""Lazy greedy over tags, compiled: a heap of stale gains, of which only the largest are worked out anew.

Imported where it is used, because numba takes seconds to load.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from selection.data.compiling import compiled

SHIFT = 1e-6
"""Keeps the slope of a power finite at 0, as in the published code."""


class Pool(NamedTuple):
    """What is chosen from.

    Attributes:
        starts, labels: Tags as CSR.
        quality: Of each row.
        offsets: Where each row's language begins in `Labels.totals`; empty for one language.
        codes: The group of each row; empty for one group.
    """

    starts: Int[np.ndarray, " n+1"]
    labels: Int[np.ndarray, " tags"]
    quality: Float[np.ndarray, " n"]
    offsets: Int[np.ndarray, " _"]
    codes: Int[np.ndarray, " _"]


class Graph(NamedTuple):
    """How information spreads, as CSR with a symmetric pattern, and how it counts.

    Attributes:
        starts, labels, weights: Row p holds what each label receives of tag p.
        is_power: Whether phi is `x ** rate` rather than `1 - exp(-rate x)`.
        rate: The exponent or the rate.
        is_exact: Whether rows are ranked by their gain rather than by the slope.
    """

    starts: Int[np.ndarray, " k+1"]
    labels: Int[np.ndarray, " edges"]
    weights: Float[np.ndarray, " edges"]
    is_power: bool
    rate: float
    is_exact: bool


class Labels(NamedTuple):
    """What the chosen rows have come to; the first four by language and label.

    Attributes:
        totals: `z`.
        levels: `phi(z)`.
        slopes: `phi'(z)`.
        pulls: `P phi'(z)`, what one unit of a tag is worth.
        mass: Scratch by label, zero between calls.
        touched: Scratch: the labels whose mass is not zero.
        stale: Scratch by label, false between calls.
    """

    totals: Float[np.ndarray, " lk"]
    levels: Float[np.ndarray, " lk"]
    slopes: Float[np.ndarray, " lk"]
    pulls: Float[np.ndarray, " lk"]
    mass: Float[np.ndarray, " k"]
    touched: Int[np.ndarray, " k"]
    stale: Bool[np.ndarray, " k"]


def empty_labels(n_languages: int, k: int) -> Labels:
    """Return labels that nothing has reached."""
    totals, levels, slopes, pulls = np.zeros((4, n_languages * k))
    return Labels(totals, levels, slopes, pulls, np.zeros(k), np.zeros(k, dtype=np.int64), np.zeros(k, dtype=np.bool_))


@compiled
def slope_at(graph: Graph, x: float) -> float:
    """phi'(x)."""
    if graph.is_power:
        return graph.rate * (x + SHIFT) ** (graph.rate - 1.0)
    return graph.rate * math.exp(-graph.rate * x)


@compiled
def rise(graph: Graph, x: float, level: float, more: float) -> float:
    """phi(x + more) - phi(x), without cancellation; `level` is phi(x)."""
    if not graph.is_power:
        return -math.exp(-graph.rate * x) * math.expm1(-graph.rate * more)
    if x == 0.0:
        return more**graph.rate
    return level * math.expm1(graph.rate * math.log1p(more / x))


@compiled
def spread(pool: Pool, graph: Graph, labels: Labels, row: int) -> int:
    """Put the row's share of each label into `mass`, for a quality of 1, and return how many labels it reaches."""
    n = 0
    for tag in range(pool.starts[row], pool.starts[row + 1]):
        label = pool.labels[tag]
        for edge in range(graph.starts[label], graph.starts[label + 1]):
            receiver = graph.labels[edge]
            if labels.mass[receiver] == 0.0:
                labels.touched[n] = receiver
                n += 1
            labels.mass[receiver] += graph.weights[edge]
    return n


@compiled
def gain_of(pool: Pool, graph: Graph, labels: Labels, row: int) -> float:
    """What the row is ranked by: its marginal gain, or the slope of the information along it."""
    offset = pool.offsets[row] if pool.offsets.size else 0
    total = 0.0
    if not graph.is_exact:
        for tag in range(pool.starts[row], pool.starts[row + 1]):
            total += labels.pulls[offset + pool.labels[tag]]
        return total * pool.quality[row]
    for i in range(spread(pool, graph, labels, row)):
        label = labels.touched[i]
        at = offset + label
        total += rise(graph, labels.totals[at], labels.levels[at], pool.quality[row] * labels.mass[label])
        labels.mass[label] = 0.0
    return total


@compiled
def pull_of(graph: Graph, labels: Labels, offset: int, label: int) -> float:
    """What one unit of a tag is worth now."""
    total = 0.0
    for edge in range(graph.starts[label], graph.starts[label + 1]):
        total += graph.weights[edge] * labels.slopes[offset + graph.labels[edge]]
    return total


@compiled
def add(pool: Pool, graph: Graph, labels: Labels, row: int) -> float:
    """Choose the row, and return what it adds to the information."""
    offset = pool.offsets[row] if pool.offsets.size else 0
    gain = 0.0
    n = spread(pool, graph, labels, row)
    for i in range(n):
        label = labels.touched[i]
        at = offset + label
        more = pool.quality[row] * labels.mass[label]
        rises = rise(graph, labels.totals[at], labels.levels[at], more)
        gain += rises
        labels.levels[at] += rises
        labels.totals[at] += more
        labels.slopes[at] = slope_at(graph, labels.totals[at])
        labels.mass[label] = 0.0
    if not graph.is_exact:
        renew_pulls(graph, labels, offset, n)
    return gain


@compiled
def renew_pulls(graph: Graph, labels: Labels, offset: int, n: int) -> None:
    """Work out the worth of every tag that spreads to one of the first n touched labels."""
    for i in range(n):
        label = labels.touched[i]
        for edge in range(graph.starts[label], graph.starts[label + 1]):
            labels.stale[graph.labels[edge]] = True
    for i in range(n):
        label = labels.touched[i]
        for edge in range(graph.starts[label], graph.starts[label + 1]):
            near = graph.labels[edge]
            if labels.stale[near]:
                labels.pulls[offset + near] = pull_of(graph, labels, offset, near)
                labels.stale[near] = False


@compiled
def sift_down(keys: Float[np.ndarray, " n"], rows: Int[np.ndarray, " n"], at: int, size: int) -> None:
    """Let an entry of the heap sink: larger keys first, smaller rows first among equals."""
    key, row = keys[at], rows[at]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        other = child + 1
        if other < size and (keys[other] > keys[child] or (keys[other] == keys[child] and rows[other] < rows[child])):
            child = other
        if key > keys[child] or (key == keys[child] and row < rows[child]):
            break
        keys[at], rows[at] = keys[child], rows[child]
        at = child
    keys[at], rows[at] = key, row


@compiled
def choose(
    pool: Pool,
    graph: Graph,
    labels: Labels,
    left: Int[np.ndarray, " g"],
    heap: Int[np.ndarray, " c"],
    following: Int[np.ndarray, " n"],
) -> tuple[Int[np.ndarray, " b"], Float[np.ndarray, " b"]]:
    """Choose rows until no group may give more.

    Args:
        pool: What is chosen from.
        graph: How information spreads and counts.
        labels: Empty; filled.
        left: How many rows each group may still give; counted down.
        heap: The first row of each set of rows that are alike, in any order; used up.
        following: The next row that is like each; -1 for the last.

    Returns:
        The rows, and what each added.
    """
    keys = np.empty(heap.size)
    for at in range(labels.totals.size):
        labels.slopes[at] = slope_at(graph, 0.0)
    for at in range(labels.totals.size):
        label = at % labels.mass.size
        labels.pulls[at] = pull_of(graph, labels, at - label, label)
    for at in range(heap.size):
        keys[at] = gain_of(pool, graph, labels, heap[at])
    for at in range(heap.size // 2 - 1, -1, -1):
        sift_down(keys, heap, at, heap.size)
    return pick(pool, graph, labels, left, keys, heap, following)


@compiled
def pick(  # noqa: PLR0913 - numba knows no keywords
    pool: Pool,
    graph: Graph,
    labels: Labels,
    left: Int[np.ndarray, " g"],
    keys: Float[np.ndarray, " c"],
    heap: Int[np.ndarray, " c"],
    following: Int[np.ndarray, " n"],
) -> tuple[Int[np.ndarray, " b"], Float[np.ndarray, " b"]]:
    """Take the top of the heap whenever its gain, worked out anew, leaves it there: gains never increase.

    What is taken leaves its place to the next row that is like it.
    """
    size, n = heap.size, left.sum()
    chosen, gains = np.empty(n, dtype=np.int64), np.empty(n)
    taken = 0
    while taken < n:
        row = heap[0]
        code = pool.codes[row] if pool.codes.size else 0
        if left[code] > 0:
            keys[0] = gain_of(pool, graph, labels, row)
            sift_down(keys, heap, 0, size)
            if heap[0] != row:
                continue
            chosen[taken], gains[taken] = row, add(pool, graph, labels, row)
            left[code] -= 1
            taken += 1
            if following[row] >= 0:
                heap[0] = following[row]
                sift_down(keys, heap, 0, size)
                continue
        size -= 1
        keys[0], heap[0] = keys[size], heap[size]
        sift_down(keys, heap, 0, size)
    return chosen, gains
