"""Links between the rows of similarity matrices, which are sub-words or words, become links between words."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from xalign.word_alignment.alignment import Link
from xalign.word_alignment.extraction import METHODS, extract
from xalign.word_alignment.links import Links
from xalign.word_alignment.symmetrising import symmetrise

Words = tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]]
"""The word of each row and of each column, from 0."""


def link_words(
    method: str, similarities: Sequence[Float[np.ndarray, "_ _"]], words: Sequence[Words], **options: object
) -> list[dict[Link, float]]:
    """Extract links, and join those between the sub-words of the same two words.

    Two words are linked if any of their sub-words are, as in the simalign package; the confidence is the highest.

    Args:
        method: A name of `METHODS`.
        similarities: Matrices as the method takes them.
        words: The words of their rows and columns.
        **options: The method's.

    Returns:
        The links of each pair with their confidence, sorted.
    """
    return _join(extract(method, similarities, **options), words)


def link_words_both_ways(
    similarities: Sequence[Float[np.ndarray, "_ _"]], words: Sequence[Words], symmetrisation: str
) -> list[dict[Link, float]]:
    """Link each word to its most similar, from source to target and back, and put the two directions together.

    Args:
        similarities: Cosines.
        words: The words of their rows and columns.
        symmetrisation: A name that `symmetrise` knows; between words, not sub-words.

    Returns:
        The links of each pair; the confidence is (1 + cosine) / 2 of the most similar sub-words in a direction.
    """
    forward = _join([_nearest(matrix, axis=1) for matrix in similarities], words)
    backward = _join([_nearest(matrix, axis=0) for matrix in similarities], words)
    found = []
    for there, back in zip(forward, backward, strict=True):
        sure = {link: max(there.get(link, 0.0), back.get(link, 0.0)) for link in (*there, *back)}
        found.append({link: sure[link] for link in sorted(symmetrise(list(there), list(back), symmetrisation))})
    return found


def similarity_kind(method: str) -> str:
    """Return what a method takes: cosine, or inner_product."""
    return METHODS[method].similarity


def _nearest(similarity: Float[np.ndarray, "s t"], *, axis: int) -> Links:
    """Link each row to its first largest column (axis 1), or each column to its first largest row (axis 0)."""
    if not min(similarity.shape):
        return Links(np.zeros((0, 2), dtype=np.int64), np.zeros(0), similarity.shape)
    best, each = similarity.argmax(axis=axis), np.arange(similarity.shape[1 - axis])
    pairs = np.stack([each, best] if axis == 1 else [best, each], axis=1)
    sure = (1 + similarity[tuple(pairs.T)].astype(np.float64)) / 2
    return Links(pairs, np.clip(sure, 0.0, 1.0), similarity.shape)


def _join(found: Sequence[Links], words: Sequence[Words]) -> list[dict[Link, float]]:
    """Rename rows and columns to words in all pairs at once; of equal links the surest stays."""
    counts = [len(links.pairs) for links in found]
    if not sum(counts):
        return [{} for _ in found]
    number = np.repeat(np.arange(len(found)), counts)
    rows, columns = ([side[k][links.pairs[:, k]] for links, side in zip(found, words, strict=True)] for k in (0, 1))
    keys = np.stack([number, np.concatenate(rows), np.concatenate(columns)], axis=1)
    sure = np.concatenate([links.confidence for links in found])
    order = np.lexsort((-sure, keys[:, 2], keys[:, 1], keys[:, 0]))
    keys, sure = keys[order], sure[order]
    first = np.ones(len(keys), dtype=bool)
    first[1:] = (np.diff(keys, axis=0) != 0).any(axis=1)
    joined: list[dict[Link, float]] = [{} for _ in found]
    for (k, i, j), confidence in zip(keys[first].tolist(), sure[first].tolist(), strict=True):
        joined[k][i, j] = confidence
    return joined
