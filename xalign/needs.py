"""What a probe cannot be taken without, checked before anything is encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xalign.errors import ModelError, ProbeError

if TYPE_CHECKING:
    from xalign.corpora import ParallelCorpus
    from xalign.encoders import Encoder
    from xalign.measure import Measure


@dataclass(frozen=True)
class Circumstances:
    """What a run has to offer to its probes.

    Attributes:
        n: Sentences of the smallest group of languages.
        languages: Languages of the largest group.
        encoder: The model.
        corpus: The largest group.
        transformed: Whether vectors are transformed before they are compared.
    """

    n: int
    languages: tuple[str, ...]
    encoder: Encoder
    corpus: ParallelCorpus
    transformed: bool


Need = Callable[[Circumstances], str]
"""Says why a probe cannot be taken; nothing where it can."""


def circumstances_of(encoder: Encoder, groups: Sequence[ParallelCorpus], *, halved: bool = False) -> Circumstances:
    """Describe a run by model and groups of mutually parallel languages; `halved` if half the sentences are scored."""
    largest = max(groups, key=lambda group: len(group.languages))
    n = min(group.n for group in groups)
    return Circumstances(n - n // 2 if halved else n, tuple(largest.languages), encoder, largest, halved)


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
    """Need two languages that share enough of the embedded lexicon's words in the same sentences."""
    from xalign.word_groups import MINIMUM_LINKS, most_links, words_found

    found = words_found(given.corpus)
    n = most_links(found)
    if n >= MINIMUM_LINKS:
        return ""
    return (
        f"needs two languages of the lexicon with {MINIMUM_LINKS} of its words in the same sentences, got {n} in "
        f"{len(found)} languages; give more sentences"
    )


def no_transform(given: Circumstances) -> str:
    """A transform is fitted on sentence vectors, and would not fit words or other versions of the text."""
    return "cannot be taken after a transform of sentence vectors" if given.transformed else ""


def a_decoder(given: Circumstances) -> str:
    """Need a model that predicts the next token."""
    from xalign.encoders.decoder_heads import check_decoder

    try:
        check_decoder(given.encoder)
    except ModelError as error:
        return f"needs a decoder: {error}"
    return ""


def missing(measure: Measure, given: Circumstances, *, spare: bool = False) -> str:
    """Return the first reason why a probe cannot be taken, or is spared, or nothing."""
    needs = (*measure.needs, *([measure.spared] if spare and measure.spared else []))
    return next((reason for need in needs if (reason := need(given))), "")


def choose_measures(
    measures: Iterable[Measure], given: Circumstances, *, drop: bool
) -> tuple[tuple[Measure, ...], dict[str, str]]:
    """Keep the probes that can be taken.

    Args:
        measures: What is asked for.
        given: What there is.
        drop: Leave out what cannot be taken, as where all probes are asked for, instead of refusing the run.

    Returns:
        The probes, and the reason for each that was left out.

    Raises:
        ProbeError: If a probe that was asked for by name cannot be taken, or none is left.
    """
    asked = tuple(measures)
    skipped = {measure.name: reason for measure in asked if (reason := missing(measure, given, spare=drop))}
    if drop and any(measure.reads_neurons for measure in asked) and (reason := known_neurons(given)):
        skipped |= {measure.name: reason for measure in asked if measure.reads_neurons}
    kept = tuple(measure for measure in asked if measure.name not in skipped)
    if (skipped and not drop) or not kept:
        name, reason = next(iter(skipped.items()))
        raise ProbeError(f"{name} {reason}")
    return kept, skipped
