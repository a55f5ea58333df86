"""What a probe cannot be taken without, checked before anything is encoded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from xalign.errors import ModelError, ProbeError

if TYPE_CHECKING:
    from xalign.corpora import ParallelCorpus
    from xalign.encoders import Encoder
    from xalign.lexicon_words import LexiconWords
    from xalign.measure import Measure


@dataclass(frozen=True)
class Circumstances:
    """What a run has to offer to its probes.

    Attributes:
        encoder: The model.
        groups: Groups of mutually parallel languages.
        pivot: The language all others are compared with; None for all pairs.
        layers: Which layers are read; None for all.
        halved: Whether half the sentences are scored, after a transform that is fitted on the others.
    """

    encoder: Encoder
    groups: tuple[ParallelCorpus, ...]
    pivot: str | None
    layers: tuple[int, ...] | None
    halved: bool

    @property
    def n(self) -> int:
        """Scored sentences of the smallest group."""
        n = min(group.n for group in self.groups)
        return n - n // 2 if self.halved else n

    @property
    def n_in_all(self) -> int:
        """Sentences of all languages and groups together."""
        return sum(group.n * len(group.languages) for group in self.groups)

    @property
    def languages(self) -> tuple[str, ...]:
        """All languages, each once."""
        return tuple(dict.fromkeys(language for group in self.groups for language in group.languages))

    @cached_property
    def words(self) -> tuple[dict[str, LexiconWords], ...]:
        """The embedded lexicon's words in each group."""
        from xalign.word_groups import words_found

        return tuple(words_found(group) for group in self.groups)


Need = Callable[[Circumstances], str]
"""Says why a probe cannot be taken; nothing where it can."""


def more_sentences_than_dimensions(given: Circumstances) -> str:
    """Without them any two spaces correlate perfectly."""
    width = given.encoder.hidden_size
    if given.n > width:
        return ""
    return f"needs more sentences than the {width} dimensions, got {given.n}; give more sentences, or take svcca"


def sentences(minimum: int, why: str) -> Need:
    """Need at least `minimum` sentences; `why` says for what."""

    def need(given: Circumstances) -> str:
        if given.n >= minimum:
            return ""
        return f"needs at least {minimum} sentences {why}, got {given.n}; give more sentences or leave it out"

    return need


def many_sentences(maximum: int, why: str) -> Need:
    """Spare a run with more than `maximum` sentences in all languages together; `why` says what they cost."""

    def need(given: Circumstances) -> str:
        total = given.n * len(given.languages)
        return (
            ""
            if total <= maximum
            else f"is left out of so large a run ({total:,} sentences): {why}; ask for it by name"
        )

    return need


def known_neurons(given: Circumstances) -> str:
    """Need a model whose FFN neurons are found by its architecture; loads the weights."""
    if given.encoder.n_neurons is not None:
        return ""
    return f"reads neurons, whose place in {given.encoder.architecture} is not known; name it with neuron_modules"


def lexicon_words(given: Circumstances) -> str:
    """Need two languages, the pivot one of them, that share enough of the embedded lexicon's words in one sentence."""
    from xalign.word_groups import MINIMUM_LINKS, most_links

    n = max(most_links(found, given.pivot) for found in given.words)
    if n >= MINIMUM_LINKS:
        return ""
    whom = f"{given.pivot} and another language" if given.pivot else "two languages"
    return (
        f"needs {MINIMUM_LINKS} words of the lexicon that {whom} have in the same sentences, got {n}; give more "
        "sentences, or languages that the lexicon has"
    )


def no_transform(given: Circumstances) -> str:
    """A transform is fitted on sentence vectors, and would not fit words or other versions of the text."""
    return "cannot be taken after a transform of sentence vectors" if given.halved else ""


def a_decoder(given: Circumstances) -> str:
    """Need a model that predicts the next token."""
    from xalign.encoders.decoder_heads import check_decoder

    try:
        check_decoder(given.encoder)
    except ModelError as error:
        return f"needs a decoder: {error}"
    return ""


def neurons_to_read(given: Circumstances) -> str:
    """Need a layer above the embeddings, and a model whose FFN neurons are found; loads the weights."""
    if given.layers is not None and not any(given.layers):
        return "reads neurons, and layer 0 has none; add a layer above 0"
    return known_neurons(given)


def missing(measure: Measure, given: Circumstances, *, spare: bool = False) -> str:
    """Return the first reason why a probe cannot be taken, or is spared, or nothing."""
    needs = (*measure.needs, *([measure.spared] if spare and measure.spared else []))
    return next((reason for need in needs if (reason := need(given))), "")


def choose_measures(
    measures: Iterable[Measure], given: Circumstances, *, drop: bool, named: Collection[str] = ()
) -> tuple[tuple[Measure, ...], dict[str, str]]:
    """Keep the probes that can be taken.

    Args:
        measures: What is asked for.
        given: What there is.
        drop: Leave out what cannot be taken, as where all probes are asked for, instead of refusing the run.
        named: Probes that are asked for by name too; these are never spared.

    Returns:
        The probes, and the reason for each that was left out.

    Raises:
        ProbeError: If a probe that was asked for by name cannot be taken, or none is left.
    """
    asked = tuple(measures)
    skipped = {
        measure.name: reason
        for measure in asked
        if (reason := missing(measure, given, spare=drop and measure.name not in named))
    }
    if drop and any(measure.reads_neurons for measure in asked) and (reason := neurons_to_read(given)):
        skipped |= {measure.name: reason for measure in asked if measure.reads_neurons}
    kept = tuple(measure for measure in asked if measure.name not in skipped)
    if (skipped and not drop) or not kept:
        name, reason = next(iter(skipped.items()))
        raise ProbeError(f"{name} {reason}")
    return kept, skipped
