"""Rows whose text stands in another row too: how many, and which belong together."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from xalign.errors import CorpusError


def count_duplicates(sentences: Sequence[str]) -> int:
    """Count the rows whose text equals another row's; all of them, the first included."""
    return sum(count for count in Counter(sentences).values() if count > 1)


def duplicate_labels(*texts: Sequence[str]) -> Int[np.ndarray, " n"]:
    """Label rows such that two share a label when they are equal in any of the texts, directly or through others.

    Args:
        texts: One or more columns of n texts each; row i of all of them belongs together.

    Returns:
        The connected components of "equal in some column", numbered from 0 by first occurrence.

    Raises:
        CorpusError: If no texts are given, or they differ in length.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = _common_length(texts)
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    nodes: dict[tuple[int, str], int] = {}
    of_text = [nodes.setdefault((i, text), n + len(nodes)) for i, column in enumerate(texts) for text in column]
    rows = np.tile(np.arange(n), len(texts))
    graph = coo_array((np.ones(len(rows)), (rows, np.array(of_text))), shape=(n + len(nodes),) * 2)
    _, found = connected_components(graph, directed=False)
    return _by_first_occurrence(found[:n])


def _common_length(texts: Sequence[Sequence[str]]) -> int:
    lengths = [len(column) for column in texts]
    if len(set(lengths)) != 1:
        raise CorpusError(f"texts must be one or more columns of equal length, got lengths {lengths}")
    return lengths[0]


def _by_first_occurrence(labels: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels.tolist()], dtype=np.int64)
