"""Similarity matrices of many sentence pairs, padded into few arrays of about equal sizes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import to_host
from xalign.word_alignment.links import Links, no_links

BLOCK_ELEMENTS = 1 << 15
"""How many similarities a block holds at most (one pair may hold more): a few arrays of it stay in the cache."""

ROUNDING = 1e-3
"""How far above 1 a cosine may lie: half precision rounds so."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some sentence pairs as one array.

    Attributes:
        values: Their similarities; 0 outside a pair's own words.
        n_source: How many source words each has, at least 1.
        n_target: How many target words each has, at least 1.
        places: Where each stands in the caller's list.
    """

    values: Float[np.ndarray, "b s t"]
    n_source: Int[np.ndarray, " b"]
    n_target: Int[np.ndarray, " b"]
    places: Int[np.ndarray, " b"]

    @property
    def own_source(self) -> Bool[np.ndarray, "b s"]:
        """Which rows are source words of a pair."""
        return np.less(np.arange(self.values.shape[1]), self.n_source[:, None])

    @property
    def own_target(self) -> Bool[np.ndarray, "b t"]:
        """Which columns are target words of a pair."""
        return np.less(np.arange(self.values.shape[2]), self.n_target[:, None])

    @cached_property
    def inside(self) -> Bool[np.ndarray, "b s t"]:
        """Which entries belong to a pair's own words."""
        return np.logical_and(self.own_source[:, :, None], self.own_target[:, None, :])

    def filled(self, values: Float[np.ndarray, "b s t"], fill: float) -> Float[np.ndarray, "b s t"]:
        """Return values with `fill` outside the pairs' own words."""
        return np.where(self.inside, values, fill).astype(values.dtype, copy=False)

    def matrices(self, values: Float[np.ndarray, "b s t"]) -> Iterator[Float[np.ndarray, "m n"]]:
        """Yield the part of each pair."""
        for matrix, m, n in zip(values, self.n_source.tolist(), self.n_target.tolist(), strict=True):
            yield matrix[:m, :n]


Found = tuple[Bool[np.ndarray, "b s t"], Float[np.ndarray, "b s t"]]
"""Which words of a block are linked, and how surely."""


def extract_blockwise(
    similarities: Sequence[Any], find: Callable[[Block], Found], *, cosines: bool = True
) -> list[Links]:
    """Run a method over blocks of sentence pairs.

    Args:
        similarities: One (source words, target words) matrix per sentence pair, numpy or torch; either may be 0 long.
        find: The method; what it says of words outside a pair must be False.
        cosines: Whether values beyond -1 and 1 are refused.

    Returns:
        The links of each pair, in the caller's order.

    Raises:
        ValueError: If a matrix has not two axes, or a value is not finite or no cosine; the matrix and words are named.
    """
    matrices = [_as_matrix(i, to_host(matrix)) for i, matrix in enumerate(similarities)]
    links = [no_links((matrix.shape[0], matrix.shape[1])) for matrix in matrices]
    for block in _blocks(matrices):
        _require_usable(block, cosines=cosines)
        linked, confidence = find(block)
        k, i, j = np.nonzero(linked)
        pairs, sure = np.stack([i, j], axis=1), np.clip(confidence[k, i, j].astype(np.float64), 0.0, 1.0)
        ends = np.searchsorted(k, np.arange(block.places.size + 1)).tolist()
        for row, place in enumerate(block.places.tolist()):
            part = slice(ends[row], ends[row + 1])
            links[place] = Links(pairs[part], sure[part], links[place].shape)
    return links


def half_cosines(block: Block, *, distortion: float = 0.0) -> Float[np.ndarray, "b s t"]:
    """Return (1 + cosine) / 2, in [0, 1], lowered where words stand at different places of their sentences.

    Args:
        block: Cosines.
        distortion: Times this, the squared difference of the words' relative places (0 first, 1 last) is taken off: 0
            takes nothing, 1 takes all from a first word and a last one. Sentences of one word are left alone.

    References:
        Jalili Sabet et al. (2020), SimAlign: High Quality Word Alignments without Parallel Training Data using Static
            and Contextualized Embeddings, arXiv:2004.08728 (distortion correction, after Dyer et al. 2013).
    """
    similarity = (block.values + 1) / 2
    if not distortion:
        return similarity
    rows = np.arange(similarity.shape[1]) / np.maximum(block.n_source - 1, 1)[:, None]
    columns = np.arange(similarity.shape[2]) / np.maximum(block.n_target - 1, 1)[:, None]
    corrected = (np.minimum(block.n_source, block.n_target) > 1)[:, None, None]
    apart = np.where(corrected, columns[:, None, :] - rows[:, :, None], 0.0)
    return similarity * (1.0 - apart**2 * distortion)


def _as_matrix(index: int, matrix: np.ndarray) -> np.ndarray:
    if matrix.ndim != 2:
        raise ValueError(
            f"similarities[{index}] must have two axes, source words and target words, got shape {matrix.shape}"
        )
    if matrix.dtype.kind not in "fiu":
        raise ValueError(f"similarities[{index}] must hold real numbers, got {matrix.dtype}")
    return matrix


def _blocks(matrices: list[np.ndarray]) -> Iterator[Block]:
    """Pad matrices of about equal sizes together; empty ones are left out."""
    sizes = [matrix.shape for matrix in matrices]
    chosen: list[int] = []
    widest = 0
    for place in sorted((place for place, size in enumerate(sizes) if min(size)), key=lambda place: sizes[place]):
        m, n = sizes[place]
        if chosen and (len(chosen) + 1) * m * max(widest, n) > BLOCK_ELEMENTS:
            yield _padded(matrices, chosen)
            chosen, widest = [], 0
        chosen.append(place)
        widest = max(widest, n)
    if chosen:
        yield _padded(matrices, chosen)


def _padded(matrices: list[np.ndarray], places: list[int]) -> Block:
    sizes = np.array([matrices[place].shape for place in places])
    kind = np.result_type(np.float32, *{matrices[place].dtype for place in places})
    values = np.zeros((len(places), *sizes.max(axis=0)), dtype=kind)
    for padded, place, (m, n) in zip(values, places, sizes.tolist(), strict=True):
        padded[:m, :n] = matrices[place]
    return Block(values, sizes[:, 0], sizes[:, 1], np.array(places))


def _require_usable(block: Block, *, cosines: bool) -> None:
    bad = ~(np.abs(block.values) <= (1 + ROUNDING if cosines else np.finfo(block.values.dtype).max))
    if not bad.any():
        return
    k, i, j = np.argwhere(bad)[0].tolist()
    expected, remedy = "finite numbers", "leave this pair out"
    if cosines:
        expected, remedy = "cosines, between -1 and 1", "divide inner products by the norms of both vectors"
    raise ValueError(
        f"similarities[{block.places[k]}] must hold {expected}, got {block.values[k, i, j]} between source word {i} "
        f"and target word {j}; {remedy}"
    )
