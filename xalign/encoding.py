"""From a corpus to activations: every language through the model once, or out of the cache."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from tqdm import tqdm

from xalign.corpora import BitextCorpus, Corpus, ParallelCorpus
from xalign.encoders import ActivationCache, Activations, Encoder, cached_encode
from xalign.errors import ActivationError
from xalign.word_groups import LanguageWords, encode_group_words


@dataclass(frozen=True)
class EncodingRequest:
    """What is wanted of every forward pass.

    Attributes:
        layers: Layer numbers, None for all.
        pooling: mean, cls, last or weighted.
        neurons: Neuron statistics, of "nas" and "nav".
        cache: Where activations are kept; None to keep them in memory.
        progress: Show a bar.
        romanised: Whether the texts are also wanted in Latin letters (layers alone).
        words: Whether the lexicon's words are wanted in their sentences.
    """

    layers: Sequence[int] | None
    pooling: str
    neurons: tuple[str, ...]
    cache: ActivationCache | None
    progress: bool
    romanised: bool = False
    words: bool = False


@runtime_checkable
class LayerStates(Protocol):
    """What probes read of one language: `Activations`, or a view of them."""

    @property
    def layer_numbers(self) -> tuple[int, ...]:
        """The layers kept."""

    @property
    def n_read(self) -> Int[np.ndarray, " n"]:
        """Tokens the model read of each sentence."""

    def layer(self, number: int) -> Float[np.ndarray, "n d"]:
        """Return the sentence vectors of a layer."""

    def neuron_layer(self, statistic: str, number: int) -> Float[np.ndarray, "n neurons"]:
        """Return a statistic of a layer's neurons."""


S = TypeVar("S", bound=LayerStates, covariant=True)


@dataclass(frozen=True)
class EncodedGroup(Generic[S]):
    """Languages whose rows translate each other.

    Attributes:
        sentences: The texts by language.
        activations: What the model makes of them.
        romanised: The same of the texts in Latin letters, where a probe reads both.
        words: The lexicon's words in these texts, where a probe reads them.
    """

    sentences: Mapping[str, Sequence[str]]
    activations: Mapping[str, S]
    romanised: Mapping[str, S] = field(default_factory=dict)
    words: Mapping[str, LanguageWords] = field(default_factory=dict)

    @property
    def languages(self) -> list[str]:
        """The languages, in the corpus' order."""
        return list(self.activations)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that were encoded."""
        return next(iter(self.activations.values())).layer_numbers


def encode_corpus(encoder: Encoder, corpus: Corpus, request: EncodingRequest) -> Iterator[EncodedGroup[Activations]]:
    """Encode a corpus, one group of mutually parallel languages after another.

    Yields:
        One group for a multi-parallel corpus; one per pair for a set of bitexts, whose pivot sentences differ.

    Raises:
        ActivationError: If the model gives NaN or infinite values; names model, layer and language.
    """
    groups = groups_of(corpus)
    with tqdm(
        total=sum(len(group.languages) for group in groups), desc="encoding", disable=not request.progress
    ) as bar:
        for group in groups:
            activations = {}
            for language in group.languages:
                bar.set_postfix_str(language)
                activations[language] = _encode(encoder, group.sentences[language], language, request)
                bar.update()
            words = encode_group_words(encoder, group, request.layers, progress=False) if request.words else {}
            yield EncodedGroup(group.sentences, activations, _romanised(encoder, group, request), words)


def _romanised(encoder: Encoder, group: ParallelCorpus, request: EncodingRequest) -> dict[str, Activations]:
    """Encode every language of a group in Latin letters, if that is asked for."""
    if not request.romanised:
        return {}
    from xalign.romanising import romanise

    plain = replace(request, neurons=())
    return {
        language: _encode(encoder, romanise(texts, language, progress=request.progress), f"{language} romanised", plain)
        for language, texts in group.sentences.items()
    }


def groups_of(corpus: Corpus) -> list[ParallelCorpus]:
    """The sets of mutually parallel languages: one, or one per bitext."""
    return list(corpus.bitexts.values()) if isinstance(corpus, BitextCorpus) else [corpus]


def _encode(encoder: Encoder, sentences: Sequence[str], language: str, request: EncodingRequest) -> Activations:
    try:
        return cached_encode(
            encoder,
            sentences,
            cache=request.cache,
            layers=request.layers,
            pooling=request.pooling,
            neurons=request.neurons or None,
            progress=request.progress and len(sentences) > 5000,
            label=language,
        )
    except ActivationError as error:
        raise ActivationError(f"{language}: {error}") from error
