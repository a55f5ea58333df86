"""The ways to extract word alignments from similarity matrices, by name."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xalign.errors import UnknownNameError
from xalign.word_alignment.iterating import itermax_links
from xalign.word_alignment.links import Links
from xalign.word_alignment.matching import argmax_links, matching_links
from xalign.word_alignment.softening import entmax_links, softmax_links
from xalign.word_alignment.transporting import partial_transport_links, transport_links, unbalanced_transport_links


@dataclass(frozen=True)
class ExtractionMethod:
    """A way to extract links.

    Attributes:
        batched: From many matrices, with options; what the options mean is told there.
        similarity: What it takes: `cosine`, or `inner_product` of the vectors as the model gives them.
    """

    batched: Callable[..., list[Links]]
    similarity: str = "cosine"

    def __call__(self, similarity: Any, **options: Any) -> Links:
        """Extract the links of one sentence pair; `masses`, if given, is a list of one."""
        return self.batched([similarity], **options)[0]

    @property
    def options(self) -> dict[str, Any]:
        """The names of the options, and their defaults."""
        parameters = inspect.signature(self.batched).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}


METHODS = {
    "argmax": ExtractionMethod(argmax_links),
    "itermax": ExtractionMethod(itermax_links),
    "mwmf": ExtractionMethod(matching_links),
    "softmax": ExtractionMethod(softmax_links, "inner_product"),
    "entmax": ExtractionMethod(entmax_links, "inner_product"),
    "ot": ExtractionMethod(transport_links),
    "partial_ot": ExtractionMethod(partial_transport_links),
    "unbalanced_ot": ExtractionMethod(unbalanced_transport_links),
}


def extract(method: str, similarities: Sequence[Any], **options: Any) -> list[Links]:
    """Extract word alignments from the similarity matrices of many sentence pairs.

    Args:
        method: argmax | itermax | mwmf | softmax | entmax | ot | partial_ot | unbalanced_ot.
        similarities: One (source words, target words) matrix per sentence pair, numpy or torch: cosines, or inner
            products for softmax and entmax (`METHODS[method].similarity`). A side without words gives no links.
        **options: Those of the method (`METHODS[method].options`).

    Returns:
        The links of each pair, in the same order; words are counted from 0. They do not depend on what else is in the
        list, but for rounding and, in entropic transport, for what is left when iterations stop (up to .002 of a
        confidence was seen).

    Raises:
        UnknownNameError: If the method, or an option of it, does not exist.
        ValueError: If a matrix has not two axes, a value is not finite or no cosine, or an option is out of range.
    """
    if method not in METHODS:
        raise UnknownNameError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    known = METHODS[method].options
    if unknown := sorted(set(options) - set(known)):
        raise UnknownNameError(f"options of {method} are {', '.join(known)}, got {', '.join(unknown)}")
    return METHODS[method].batched(similarities, **options)
