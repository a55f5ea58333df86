"""Word alignment with any encoder: word lists in, links with their confidence out."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from xalign.encoders import load_encoder
from xalign.encoders.encoder import Encoder
from xalign.errors import SettingError
from xalign.word_alignment.alignment import Link, WordAlignment
from xalign.word_alignment.settings_checks import (
    MASSES,
    check_settings,
    choose_layers,
    require_known,
    words_of_pairs,
)
from xalign.word_alignment.similarities import BatchVectors, read_batches
from xalign.word_alignment.tokens import tokenize_words
from xalign.word_alignment.word_links import link_words, link_words_both_ways, similarity_kind

BACKENDS = ("xalign", "simalign")
Model = Encoder | str | Path | None


def align_words(  # noqa: PLR0913 - the public signature
    model: Model,
    pairs: Sequence[Any],
    *,
    method: str = "itermax",
    layer: int | None = None,
    batch_size: int = 64,
    backend: str = "xalign",
    unit: str = "subword",
    symmetrisation: str | None = None,
    windows: bool = True,
    options: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> list[WordAlignment]:
    """Align the words of sentence pairs by the similarity of their vectors in a model.

    Links do not depend on how pairs are batched, but for ties within rounding. Those of argmax, itermax and mwmf are
    those of the simalign package, of its `token_type` "bpe" for unit subword and "word" for unit word.

    Args:
        model: An encoder, a folder or hub name, or None for the embedded model.
        pairs: (source words, target words) for each pair: two lists of words, none blank. A side without words gives no
            links.
        method: argmax | itermax | mwmf | softmax | entmax | ot | partial_ot | unbalanced_ot.
        layer: 0 (the embeddings) to the model's number of layers; by default `default_layer`, 8 of 12.
        batch_size: Pairs whose vectors are held at once. The forward passes take as many of their sentences together as
            suit the device, those of about equal length.
        backend: xalign, or simalign to run that package itself, a pair at a time.
        unit: What is compared: `subword`, two words being linked if any two of their sub-words are, or `word`, the mean
            of a word's sub-words. As in the package, a piece that is nothing but a space marker is a sub-word.
        symmetrisation: For argmax only: how the nearest words of both directions are put together, intersection,
            union, grow_diag, grow_diag_final or grow_diag_final_and, between words. Argmax itself is the intersection
            between units.
        windows: Read sentences that are longer than the model in overlapping windows, so that every word has a vector;
            False cuts them off, and the result says so (`truncated`, `unread_source`, `unread_target`).
        options: The method's own, such as {"epsilon": 0.1}; `METHODS[method].options` lists them. For transport,
            {"masses": "norm"} lets a word weigh as much as the norm of its vector.
        progress: Show a bar on stderr.

    Returns:
        An alignment per pair, in their order, words counted from 0.

    Raises:
        UnknownNameError: If a method, layer, backend or option does not exist.
        SettingError: If the settings contradict each other.
        TypeError: If a side is no list of words.
        ValueError: If a word is blank; the pair and the word are named.
        ModelError: If the model cannot be loaded.
        ActivationError: If a value is NaN or infinite.

    References:
        Jalili Sabet et al. (2020), SimAlign, arXiv:2004.08728; the methods name their own.
    """
    require_known("backend", backend, BACKENDS)
    layers = None if layer is None else [layer]
    if backend == "simalign":
        from xalign.word_alignment.simalign_backend import align_with_simalign

        if symmetrisation is not None or options:
            raise SettingError("backend simalign takes neither symmetrisation nor options; leave them out")
        return align_with_simalign(model, pairs, method=method, layer=layer, unit=unit, progress=progress)
    found = align_every(
        model, pairs, methods=[method], layers=layers, batch_size=batch_size, unit=unit,
        symmetrisation=symmetrisation, windows=windows, options=options, progress=progress,
    )  # fmt: skip
    return next(iter(found.values()))


def align_every(  # noqa: PLR0913 - align_words with lists
    model: Model,
    pairs: Sequence[Any],
    *,
    methods: Sequence[str] = ("itermax",),
    layers: Sequence[int] | None = None,
    batch_size: int = 64,
    unit: str = "subword",
    symmetrisation: str | None = None,
    windows: bool = True,
    options: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> dict[tuple[str, int], list[WordAlignment]]:
    """Align words by several methods at several layers, from one forward pass of each sentence.

    Args:
        model: As in `align_words`, and so all that is not named here.
        pairs: As there.
        methods: Several.
        layers: Several; by default the one of `default_layer`.
        batch_size: As there.
        unit: As there.
        symmetrisation: As there.
        windows: As there.
        options: Of all the methods.
        progress: As there.

    Returns:
        By method and layer, an alignment per pair.

    Raises:
        ValueError: As in `align_words`.
    """
    options = dict(options or {})
    check_settings(methods, unit, batch_size, symmetrisation, options)
    sentences = words_of_pairs(pairs)
    encoder = model if isinstance(model, Encoder) else load_encoder(model)
    numbers = choose_layers(encoder, layers)
    found: dict[tuple[str, int], list[Any]] = {
        (method, layer): [None] * len(pairs) for method in methods for layer in numbers
    }
    tokens = tokenize_words(encoder, sentences)
    bar = tqdm(total=len(pairs), desc=encoder.name, unit=" pairs", disable=not progress, leave=False)
    with bar:
        for batch in read_batches(
            encoder, tokens, layers=numbers, unit=unit, batch_size=batch_size, windows=windows
        ):  # fmt: skip
            make = _maker(batch, sentences)
            for (method, place), links in _links(batch, methods, len(numbers), symmetrisation, options):
                for k, pair in enumerate(batch.pairs):
                    found[method, numbers[place]][pair] = make(k, links[k])
            bar.update(len(batch.pairs))
    return found


def word_similarities(
    model: Model, pairs: Sequence[Any], *, layer: int | None = None, unit: str = "subword", batch_size: int = 64
) -> list[np.ndarray]:
    """Return how similar the words of each pair are: what links are found by, for pictures and for own methods.

    Args:
        model: As in `align_words`.
        pairs: As there.
        layer: As there.
        unit: word for the cosine of the words' vectors; subword for the highest cosine of any of their sub-words.
        batch_size: As there.

    Returns:
        For each pair a (source words, target words) matrix; NaN for words without a vector.

    Raises:
        ValueError: As in `align_words`.
    """
    check_settings(["argmax"], unit, batch_size, None, {})
    sentences = words_of_pairs(pairs)
    encoder = model if isinstance(model, Encoder) else load_encoder(model)
    numbers = choose_layers(encoder, None if layer is None else [layer])
    found: list[Any] = [None] * len(pairs)
    for batch in read_batches(
        encoder, tokenize_words(encoder, sentences), layers=numbers, unit=unit, batch_size=batch_size
    ):  # fmt: skip
        for k, (pair, matrix) in enumerate(zip(batch.pairs, batch.similarities(0), strict=True)):
            rows, columns = batch.words(k)
            words = np.full((len(sentences[2 * pair]), len(sentences[2 * pair + 1])), -np.inf)
            np.maximum.at(words, (rows[:, None], columns[None, :]), matrix)
            found[pair] = np.where(np.isfinite(words), words, np.nan)
    return found


def _links(
    batch: BatchVectors, methods: Sequence[str], n_layers: int, symmetrisation: str | None, options: dict[str, Any]
) -> Iterator[tuple[tuple[str, int], list[dict[Link, float]]]]:
    """Yield the links of a batch by method and layer; each kind of similarity is computed once."""
    words = [batch.words(k) for k in range(len(batch.pairs))]
    for place in range(n_layers):
        if MASSES in options:
            options = options | {MASSES: batch.norms(place)}
        for kind in sorted({similarity_kind(method) for method in methods}):
            similarities = batch.similarities(place, kind=kind)
            for method in (method for method in methods if similarity_kind(method) == kind):
                if symmetrisation is None:
                    yield (method, place), link_words(method, similarities, words, **options)
                else:
                    yield (method, place), link_words_both_ways(similarities, words, symmetrisation)


def _maker(batch: BatchVectors, sentences: list[tuple[str, ...]]) -> Any:
    """Return what makes the k-th alignment of a batch from its links; what is unread is found once for all."""
    unread = []
    for k, pair in enumerate(batch.pairs):
        sides = zip(sentences[2 * pair : 2 * pair + 2], batch.words(k), strict=True)
        unread.append([_without(len(words), rows) for words, rows in sides])

    def make(k: int, links: dict[Link, float]) -> WordAlignment:
        source, target = sentences[2 * batch.pairs[k] : 2 * batch.pairs[k] + 2]
        no_source, no_target = unread[k]
        return WordAlignment(source, target, links, no_source, no_target, any(batch.cut(k)))

    return make


def _without(n: int, rows: np.ndarray) -> tuple[int, ...]:
    """Return which of n words no row belongs to; rows rise."""
    if not n or (rows.size and rows[0] == 0 and rows[-1] == n - 1 and (np.diff(rows) <= 1).all()):
        return ()
    return tuple(sorted(set(range(n)) - set(rows.tolist())))
