"""Rows that nothing tells apart, linked: of rows alike in tags and quality a greedy choice need look at the first only.

Imported where it is used, because numba takes seconds to load.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, UInt64

from selection.data.compiling import compiled
from selection.data.information.kernels import Pool


def link_alike(pool: Pool) -> tuple[Int[np.ndarray, " c"], Int[np.ndarray, " n"]]:
    """Link rows that have the same tags, quality, language and group, in increasing order.

    Args:
        pool: What is chosen from.

    Returns:
        The first row of each set of rows that are alike, increasing, and of every row the next that is like it or -1.
    """
    keys = _keys(pool, pool.quality.view(np.uint64))
    firsts, following = _link(pool, keys, np.argsort(keys, kind="stable"))
    firsts.sort()
    return firsts, following


@compiled
def _keys(pool: Pool, quality_bits: UInt64[np.ndarray, " n"]) -> UInt64[np.ndarray, " n"]:
    """A hash of all that tells rows apart."""
    keys = np.empty(pool.quality.size, dtype=np.uint64)
    for row in range(keys.size):
        key = _mixed(quality_bits[row])
        if pool.codes.size:
            key = _mixed(key ^ np.uint64(pool.codes[row]))
        if pool.offsets.size:
            key = _mixed(key ^ np.uint64(pool.offsets[row]))
        for tag in range(pool.starts[row], pool.starts[row + 1]):
            key = _mixed(key ^ np.uint64(pool.labels[tag]))
        keys[row] = key
    return keys


@compiled
def _mixed(word: np.uint64) -> np.uint64:
    """SplitMix64's step and finaliser."""
    word = word + np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@compiled
def _link(
    pool: Pool, keys: UInt64[np.ndarray, " n"], order: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " c"], Int[np.ndarray, " n"]]:
    """Link neighbours in the order of their hashes that are alike indeed."""
    firsts, following = np.empty(order.size, dtype=np.int32), np.full(order.size, -1, dtype=np.int32)
    n = 0
    for place in range(order.size):
        row, before = order[place], order[place - 1]
        if place and keys[row] == keys[before] and _is_alike(pool, row, before):
            following[before] = row
        else:
            firsts[n] = row
            n += 1
    return firsts[:n], following


@compiled
def _is_alike(pool: Pool, row: int, other: int) -> bool:
    if pool.quality[row] != pool.quality[other]:
        return False
    if pool.codes.size and pool.codes[row] != pool.codes[other]:
        return False
    if pool.offsets.size and pool.offsets[row] != pool.offsets[other]:
        return False
    starts, labels = pool.starts, pool.labels
    return np.array_equal(labels[starts[row] : starts[row + 1]], labels[starts[other] : starts[other + 1]])
