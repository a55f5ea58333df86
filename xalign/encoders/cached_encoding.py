"""Encode what the cache does not hold, a block of sentences at a time, and read the rest from files."""

from collections.abc import Mapping, Sequence
from typing import Any

from xalign.encoders.activations import Activations, Block
from xalign.encoders.cache import ActivationCache
from xalign.encoders.cache_entries import FORMAT
from xalign.encoders.encoder import Encoder
from xalign.encoders.fingerprints import digest_texts
from xalign.encoders.request import Request, make_request

BLOCK_SENTENCES = 2048


def cached_encode(  # noqa: PLR0913 - the options of Encoder.encode, and the cache
    encoder: Encoder,
    sentences: Sequence[str],
    *,
    cache: ActivationCache | None,
    layers: Sequence[int] | None = None,
    pooling: str | Sequence[str] = "mean",
    neurons: str | Sequence[str] | None = None,
    batch_tokens: int | None = None,
    progress: bool = True,
    label: str = "",
) -> Activations:
    """Do what `Encoder.encode` does, once: what was encoded before is read from the cache.

    Sentences are kept in blocks of 2048, each written whole before the next is encoded, so that a killed run goes on
    where it was. When everything is there, no weight is loaded. The key is the content of weights, config, tokenizer
    and sentences, with poolings, statistics, layers, maximum length, dtype and the versions of torch and transformers
    (an upgrade computes again); neither names nor batches matter. While neurons are `intervened` upon, the cache is
    neither read nor written.

    Args:
        encoder: What to encode with.
        sentences: What to encode.
        cache: Where to keep it; None to keep nothing.
        layers: As in `Encoder.encode`; a part of what is kept for all layers is read from there.
        pooling: As in `Encoder.encode`.
        neurons: As in `Encoder.encode`.
        batch_tokens: As in `Encoder.encode`.
        progress: As in `Encoder.encode`.
        label: A word for the progress bar and for the listing of the cache, such as the language.

    Raises:
        CacheError: If the cache cannot be written, for one because the disk is full.
        XalignError: As in `Encoder.encode`.
    """
    request = make_request(encoder.n_layers, layers, pooling, neurons)
    options: dict[str, Any] = {"batch_tokens": batch_tokens, "progress": progress, "label": label}
    blocks: list[Block] = []
    if cache is None or len(sentences) == 0 or encoder.n_interventions:
        blocks.append(encoder.encode_request(sentences, request, **options))
        return Activations(request.layers, request.poolings, request.statistics, tuple(blocks))
    for start in range(0, len(sentences), BLOCK_SENTENCES):
        part = sentences[start : start + BLOCK_SENTENCES]
        block = _find(encoder, part, request, cache)
        blocks.append(block if block is not None else _make(encoder, part, request, cache, options))
    return Activations(request.layers, request.poolings, request.statistics, tuple(blocks))


def entry_key(encoder: Encoder, sentences: Sequence[str], request: Request) -> str:
    """Hash everything that decides an entry's numbers; needs the model's files, not its weights in memory."""
    asked = (request.layers, sorted(request.poolings), sorted(request.statistics))
    model = (encoder.fingerprint, encoder.tokenizer_fingerprint, *encoder.numerics)
    return digest_texts([FORMAT, *model, repr(asked), *sentences])


def _find(encoder: Encoder, part: Sequence[str], request: Request, cache: ActivationCache) -> Block | None:
    whole = Request(tuple(range(encoder.n_layers + 1)), request.poolings, request.statistics)
    for stored in dict.fromkeys((request, whole)):
        key = entry_key(encoder, part, stored)
        if cache.has(key):
            return cache.read(key, _rows(request, stored))
    return None


def _make(
    encoder: Encoder, part: Sequence[str], request: Request, cache: ActivationCache, options: Mapping[str, Any]
) -> Block:
    block = encoder.encode_request(part, request, **options)
    key = entry_key(encoder, part, request)
    cache.write(key, block, model=encoder.name, label=options["label"])
    return cache.read(key, _rows(request, request))


def _rows(request: Request, stored: Request) -> dict[str, tuple[int, ...]]:
    layers = tuple(stored.layers.index(number) for number in request.layers)
    neurons = tuple(stored.neuron_layers.index(number) for number in request.neuron_layers)
    return {**dict.fromkeys(request.poolings, layers), **dict.fromkeys(request.statistics, neurons)}
