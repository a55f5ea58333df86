"""The result: which words of a sentence pair translate each other, how surely, and which have no counterpart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Link = tuple[int, int]

Shapes = Sequence[tuple[int, int]]
"""How many source and target words each pair has."""


@dataclass(frozen=True)
class WordAlignment:
    """The word alignment of one sentence pair; words are counted from 0 on both sides.

    Attributes:
        source: The source words.
        target: The target words.
        confidence: How sure each link (source word, target word) is, in [0, 1]; what it measures is told by the method.
            NaN where the method tells none (backend simalign).
        unread_source: The source words that have no vector and so no link: cut off, or the tokenizer keeps nothing of
            them. Rising.
        unread_target: The same of the target words.
        truncated: Whether the model read a side in part only.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    confidence: Mapping[Link, float]
    unread_source: tuple[int, ...] = ()
    unread_target: tuple[int, ...] = ()
    truncated: bool = False

    @property
    def links(self) -> set[Link]:
        """The links (source word, target word), counted from 0."""
        return set(self.confidence)

    @property
    def unaligned_source(self) -> tuple[int, ...]:
        """The source words without a link (null alignments), rising; those without a vector among them."""
        linked = {i for i, _ in self.confidence}
        return tuple(i for i in range(len(self.source)) if i not in linked)

    @property
    def unaligned_target(self) -> tuple[int, ...]:
        """The target words without a link, rising."""
        linked = {j for _, j in self.confidence}
        return tuple(j for j in range(len(self.target)) if j not in linked)
