"""One alignment from two directions: what both say, and what grows from it."""

import heapq
from collections.abc import Callable, Collection
from functools import partial

from xalign.errors import UnknownNameError

Pairs = set[tuple[int, int]]

NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
"""Steps (source, target) to the links beside a link, in the order in which they are tried."""


def symmetrise(forward: Collection[tuple[int, int]], backward: Collection[tuple[int, int]], method: str) -> Pairs:
    """Combine the links that were found from source to target and from target to source.

    intersection, union: what both, or either, hold. grow_diag: the intersection, and from each of its links those of
    the union beside it (diagonals too) whose source word or target word has no link yet; and so on from what is added.
    grow_diag_final: then every link of `forward`, then of `backward`, whose source word or target word has no link yet;
    grow_diag_final_and: whose source word and target word have none. Links are visited by source word, then by target
    word; one that is added further on is visited in the same round, one further back in the next. Neighbours are tried
    in the order of `NEIGHBOURS`: source word before, target word before, source word after, target word after, then
    the diagonals. The order decides which of two links comes first where either forbids the other; published tools
    differ in it.

    Args:
        forward: Links (source word, target word), counted from 0.
        backward: Links of the other direction, as (source word, target word) too.
        method: intersection | union | grow_diag | grow_diag_final | grow_diag_final_and.

    Returns:
        The combined links.

    Raises:
        UnknownNameError: If the method does not exist.

    References:
        Koehn et al. (2005), Edinburgh System Description for the 2005 IWSLT Speech Translation Evaluation, section 3
            (grow-diag-final and its pseudocode); Och & Ney (2003) for intersection, union and growing.
    """
    if method not in METHODS:
        raise UnknownNameError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    there, back = ({(int(i), int(j)) for i, j in links} for links in (forward, backward))
    return METHODS[method](there, back)


class _Growing:
    """Links, and the words that have one."""

    def __init__(self, links: Pairs) -> None:
        self.links = set(links)
        self.sources = {i for i, _ in links}
        self.targets = {j for _, j in links}

    def add(self, link: tuple[int, int]) -> None:
        self.links.add(link)
        self.sources.add(link[0])
        self.targets.add(link[1])

    def leaves(self, link: tuple[int, int]) -> int:
        """Return how many of its two words have no link."""
        return (link[0] not in self.sources) + (link[1] not in self.targets)

    def add_lacking(self, links: Pairs, *, words: int) -> None:
        """Add, in order, those of which at least so many words have no link."""
        for link in sorted(links):
            if self.leaves(link) >= words:
                self.add(link)


def _grown(forward: Pairs, backward: Pairs) -> _Growing:
    union, growing = forward | backward, _Growing(forward & backward)
    # A refused neighbour stays refused, as words only gain links: every link is visited once.
    waiting, later = sorted(growing.links), list[tuple[int, int]]()
    while waiting:
        i, j = heapq.heappop(waiting)
        for di, dj in NEIGHBOURS:
            link = (i + di, j + dj)
            if link in union and growing.leaves(link):
                growing.add(link)
                heapq.heappush(waiting if link > (i, j) else later, link)
        if not waiting:
            waiting, later = later, []
    return growing


def _finished(forward: Pairs, backward: Pairs, *, words: int) -> Pairs:
    growing = _grown(forward, backward)
    for links in (forward, backward):
        growing.add_lacking(links, words=words)
    return growing.links


METHODS: dict[str, Callable[[Pairs, Pairs], Pairs]] = {
    "intersection": lambda forward, backward: forward & backward,
    "union": lambda forward, backward: forward | backward,
    "grow_diag": lambda forward, backward: _grown(forward, backward).links,
    "grow_diag_final": partial(_finished, words=1),
    "grow_diag_final_and": partial(_finished, words=2),
}
