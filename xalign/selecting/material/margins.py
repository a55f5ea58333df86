"""How near rows are to their translations: what a pool says itself of how far its vectors can be trusted."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from tqdm.auto import tqdm

from selection.data.transport.costs import directions
from xalign.selecting.material.compact import PoolArrays

ENOUGH = 20
"""Rows with a translation that a language must have, so that there are neighbours to compare with."""
NEIGHBOURS = 4096
"""Rows of a language among which neighbours are looked for; a sample of more."""


def measure_margins(
    pool: PoolArrays, *, align: bool = True, k: int = 4, seed: int = 0, progress: bool = False
) -> Float[np.ndarray, " n"]:
    """The ratio margin of each row and its translation, among rows of its language and their translations.

    Args:
        pool: With translations.
        align: Take the means of rows and of translations away first, by language: where all vectors of a model lie in
            one cone, cosines are all alike, and so are margins.
        k: Neighbours on each side.
        seed: Of the sample of a language of more than 4,096 rows with a translation.
        progress: Show a bar.

    Returns:
        NaN where a row has no translation, its language fewer than 20 of them, or neighbours have no ratio.
    """
    if pool.translations is None:
        raise ValueError("pool must have translations, got none")
    there = np.concatenate([block.any(axis=1) for _, block in pool.translations.blocks()])
    margins = np.full(pool.n, np.nan)
    for code in tqdm(range(len(pool.language_names)), desc="margins", disable=not progress):
        rows = np.flatnonzero(there & (pool.languages == code))
        if len(rows) >= ENOUGH:
            margins[rows] = _margins(pool, rows, _sample(pool, rows, seed), align=align, k=k)
    return margins


def _sample(pool: PoolArrays, rows: Int[np.ndarray, " n"], seed: int) -> Int[np.ndarray, " m"]:
    """Some texts, one row of each, drawn by the seed, so that places in the pool decide nothing; all where few."""
    key = np.random.default_rng(seed).integers(1 << 64, dtype=np.uint64)
    _, first = np.unique((pool.texts[rows] ^ key) * np.uint64(0x9E3779B97F4A7C15), return_index=True)
    return np.sort(rows[first[:NEIGHBOURS]])


def _margins(
    pool: PoolArrays,
    rows: Int[np.ndarray, " n"],
    sample: Int[np.ndarray, " m"],
    *,
    align: bool,
    k: int,
) -> Float[np.ndarray, " n"]:
    """Margins of rows of one language with neighbours of a sample of them, block by block."""
    from selection.data.transport import pair_margins

    sides = [side for side in (pool.vectors, pool.translations) if side is not None]
    means = [side.rows(sample).mean(axis=0) * align for side in sides]

    def pairs(some: Int[np.ndarray, " _"]) -> list[np.ndarray]:
        vectors = [side.rows(some) for side in sides]
        return [directions(side, side - mean) for side, mean in zip(vectors, means, strict=True)]

    near_x, near_y = pairs(sample)
    found = []
    for start in range(0, len(rows), 4096):
        x, y = pairs(some := rows[start : start + 4096])
        same = pool.texts[some][:, None] == pool.texts[sample]
        found.append(pair_margins(x, y, near_x, near_y, same=same, k=k))
    return np.concatenate(found)


def describe_margins(margins: Float[np.ndarray, " n"]) -> str:
    """What a reader must know of the margins."""
    known = margins[np.isfinite(margins)]
    if not known.size:
        return f"translation: no language has {ENOUGH} rows with a translation, no row is weighed by it"
    low, middle, high = np.percentile(known, [10, 50, 90])
    return (
        f"translation: {len(known)} of {len(margins)} rows are weighed by their translation, whose margin is "
        f"{low:.2f}, {middle:.2f}, {high:.2f} (10th, 50th, 90th percentile); 1 is no nearer than neighbours are, 1.3 "
        "counts in full"
    )
