"""What a report knows of a probe: the function behind it, what it reads, and how to read its score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from probes.judging import Preparation
    from probes.language_judging import LanguagePreparation
    from xalign.needs import Need

NEURON_STATISTICS = ("nas", "nav", "share", "max")


@dataclass(frozen=True)
class Measure:
    """How a report computes and explains one probe.

    Attributes:
        name: What users type, and the table's `probe`.
        function: The measure in `probes`.
        title: Its name in pictures and pages.
        asks: The question it answers.
        bounds: The range of its score, in words.
        fooled_by: What makes it high or low for another reason.
        chance: What a model that knows nothing scores, in words.
        options: Arguments of the function.
        reads: What it reads: "layer" (pooled hidden states), "nas", "nav", "share" or "max" (neuron states),
            "romanised" (layers of the text as it is and in Latin letters), "words" (of a lexicon, in their sentences)
            or "lens" (next-token predictions of a decoder).
        all_pairs: A function that scores all pairs of languages at once, where there is one.
        symmetric: Whether two languages have one score whichever comes first.
        lower: Whether a smaller score means that languages are closer; decides the best layer.
        below: Whether the p-value asks for a score below the null instead of above.
        at_most: Permutations of its null at most, where one costs as much as the score; None for as many as asked.
        needs: What it cannot be taken without, beside 4 sentences.
        spared: Why it is left out of "all" in large runs; asked for by name it is taken there too.
        chance_is_floor: Whether the score runs from chance up to a best value that is known: 1, or 0 where lower is
            closer. Only then does it say how far a language still has to go.
    """

    name: str
    function: Callable[..., Any]
    title: str
    asks: str
    bounds: str
    fooled_by: str
    chance: str
    options: Mapping[str, Any] = field(default_factory=dict)
    reads: str = "layer"
    all_pairs: Callable[..., Any] | None = None
    symmetric: bool = True
    lower: bool = False
    below: bool = False
    at_most: int | None = None
    needs: tuple[Need, ...] = ()
    spared: Need | None = None
    chance_is_floor: bool = True

    @property
    def preparation(self) -> Preparation | LanguagePreparation:
        """The measure with its options, ready to prepare vectors."""
        return self.function.preparation(**self.options)  # type: ignore[attr-defined]

    @property
    def reads_neurons(self) -> bool:
        """Whether it reads a statistic of the model's neurons."""
        return self.reads in NEURON_STATISTICS

    @property
    def sees_pairs(self) -> bool:
        """Whether it compares two languages, rather than seeing each by itself or among all."""
        from probes.judging import Preparation

        return self.reads in ("words", "lens") or isinstance(self.preparation, Preparation)

    def n_draws(self, asked: int) -> int:
        """How many permutations its null takes where `asked` are wanted."""
        return asked if self.at_most is None else min(asked, self.at_most)
