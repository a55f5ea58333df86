"""From a corpus to activations: every language through the model once, or out of the cache."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from xalign.corpora import BitextCorpus, Corpus, ParallelCorpus
from xalign.encoders import ActivationCache, Activations, Encoder, cached_encode
from xalign.errors import ActivationError


@dataclass(frozen=True)
class EncodingRequest:
    """What is wanted of every forward pass.

    Attributes:
        layers: Layer numbers, None for all.
        pooling: mean, cls, last or weighted.
        neurons: Neuron statistics, of "nas" and "nav".
        cache: Where activations are kept; None to keep them in memory.
        progress: Show a bar.
    """

    layers: Sequence[int] | None
    pooling: str
    neurons: tuple[str, ...]
    cache: ActivationCache | None
    progress: bool


@dataclass(frozen=True)
class EncodedGroup:
    """Languages whose rows translate each other, with their sentences and activations."""

    sentences: Mapping[str, Sequence[str]]
    activations: dict[str, Activations]

    @property
    def languages(self) -> list[str]:
        """The languages, in the corpus' order."""
        return list(self.activations)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that were encoded."""
        return next(iter(self.activations.values())).layer_numbers


def encode_corpus(encoder: Encoder, corpus: Corpus, request: EncodingRequest) -> Iterator[EncodedGroup]:
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
            yield EncodedGroup(group.sentences, activations)


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
