"""Contextual word vectors: the mean of the tokens that a word overlaps, at every layer, in one forward pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from tqdm import tqdm

from xalign.encoders.encoder import Encoder
from xalign.encoders.layered import LayeredModel, hook_inputs
from xalign.encoders.pooling import pool
from xalign.encoders.request import Request, make_request
from xalign.encoders.tokenizing import Tokens
from xalign.errors import ModelError, UnknownNameError

Span = tuple[int, int]
SPACE_MARKER = "▁"


@dataclass(frozen=True)
class MissingWord:
    """A word without a vector.

    Attributes:
        sentence: Its sentence, from 0.
        span: Which of the sentence's spans it is, from 0.
        reason: Why: cut off, or without a token of its own.
    """

    sentence: int
    span: int
    reason: str


@dataclass(frozen=True, eq=False)
class WordVectors:
    """The vectors of some words in their sentences; rows are words, sentence by sentence in the order of the spans.

    Attributes:
        layer_numbers: Which layers, ascending.
        vectors: Their values.
        sentence: Sentence of each word, from 0.
        span: Which of its sentence's spans each word is, from 0.
        number: Which of all spans each word is, from 0, counted through all sentences; equal to the row where none is
            missing.
        missing: The words that have no vector.
    """

    layer_numbers: tuple[int, ...]
    vectors: Float[np.ndarray, "layers words d"]
    sentence: Int[np.ndarray, " words"]
    span: Int[np.ndarray, " words"]
    number: Int[np.ndarray, " words"]
    missing: tuple[MissingWord, ...]

    @property
    def n_words(self) -> int:
        """How many words have a vector."""
        return self.number.size

    def layer(self, number: int) -> Float[np.ndarray, "words d"]:
        """Return the words' vectors at one layer.

        Raises:
            UnknownNameError: If that layer was not kept.
        """
        if number not in self.layer_numbers:
            raise UnknownNameError(f"layer must be one of {list(self.layer_numbers)}, got {number}; encode it too")
        return self.vectors[self.layer_numbers.index(number)]


@dataclass(frozen=True, eq=False)
class _SentenceTokens:
    """One sentence as the model sees it, and which tokens each span overlaps.

    Attributes:
        ids: What the model sees.
        spans: Which of the sentence's spans have tokens.
        overlap: For each of these, its tokens.
        missing: The number of each other span, and why it has none.
    """

    ids: list[int]
    spans: list[int]
    overlap: Bool[np.ndarray, "words tokens"]
    missing: list[tuple[int, str]]


def encode_words(
    encoder: Encoder,
    sentences: Sequence[str],
    spans: Sequence[Sequence[Span]],
    *,
    layers: Sequence[int] | None = None,
    batch_tokens: int | None = None,
    progress: bool = True,
) -> WordVectors:
    """Read the vectors of words in their sentences, every layer in one forward pass.

    A word's vector is the mean of the hidden states of all tokens that share a character with it. A token's leading
    space is no part of it, and a token that is nothing but a space marker belongs to no word, although tokenizers of
    sentencepiece's kind say that the one they put at the beginning covers the first character. A word's numbers do not
    depend on its batch (1e-5 in float32). Sentences without a word are not run.

    Args:
        encoder: Made by `load_encoder`, with a tokenizer that knows offsets.
        sentences: Any number of them, none blank.
        spans: For each sentence its words, as ranges of characters: `sentence[start:end]`. May overlap, in any order.
        layers: Layer numbers in 0..n_layers, kept in ascending order; all if None.
        batch_tokens: Padded tokens of a batch, as in `Encoder.encode`.
        progress: Show a bar on stderr.

    Returns:
        The vectors in float32, which word each row is, and the words that have none: those cut off, wholly or in part,
        at the encoder's maximum length, and those of which the tokenizer keeps nothing.

    Raises:
        UnknownNameError: If a layer does not exist.
        ValueError: If sentences and spans differ in number, there is no span, or one is out of its sentence or blank.
        ModelError: If the tokenizer gives no offsets, or the weights cannot be loaded.
        ActivationError: If a value is NaN or infinite.

    References:
        Cao et al. (2020), Multilingual Alignment of Contextual Word Representations, arXiv:2002.03518, for the use.
    """
    _check_spans(sentences, spans)
    request = make_request(encoder.n_layers, layers, "mean", None)
    found = _find_tokens(encoder, sentences, spans)
    vectors = _run_all(encoder, request, found, batch_tokens=batch_tokens, progress=progress)
    firsts = np.cumsum([0, *(len(row) for row in spans)])
    words = [(sentence, span) for sentence, row in enumerate(found) for span in row.spans]
    sentence, span = np.array(words, dtype=np.int64).reshape(-1, 2).T
    missing = [MissingWord(i, span, reason) for i, row in enumerate(found) for span, reason in row.missing]
    return WordVectors(request.layers, vectors, sentence, span, firsts[sentence] + span, tuple(missing))


def _check_spans(sentences: Sequence[str], spans: Sequence[Sequence[Span]]) -> None:
    if len(sentences) != len(spans):
        raise ValueError(
            f"spans must hold a list for each of the {len(sentences)} sentences, got {len(spans)}; give an empty list "
            "for a sentence without words"
        )
    if not any(len(row) for row in spans):
        raise ValueError("spans must hold at least one word, got none; give (start, end) for each word")
    for i, (text, row) in enumerate(zip(sentences, spans, strict=True)):
        for j, (start, end) in enumerate(row):
            if not 0 <= start < end <= len(text):
                raise ValueError(
                    f"spans[{i}][{j}] must lie in the {len(text)} characters of its sentence, start before end, got "
                    f"({start}, {end})"
                )
            if not text[start:end].strip():
                raise ValueError(f"spans[{i}][{j}] must hold a word, got blank characters at ({start}, {end})")


def _find_tokens(encoder: Encoder, sentences: Sequence[str], spans: Sequence[Sequence[Span]]) -> list[_SentenceTokens]:
    tokens = encoder.tokenize(sentences)
    offsets = _read_offsets(encoder, sentences, tokens.rows)
    reason = f"cut off: its sentence is longer than {encoder.max_length} tokens"
    found = []
    for i, (text, row) in enumerate(zip(sentences, spans, strict=True)):
        limit = int(offsets[i][:, 1].max(initial=0)) if tokens.truncated[i] else len(text)
        words = _trim(np.array(row, dtype=np.int64).reshape(-1, 2), text)
        found.append(_match(tokens.rows[i], offsets[i], words, limit, reason))
    return found


def _read_offsets(encoder: Encoder, sentences: Sequence[str], rows: list[list[int]]) -> list[Int[np.ndarray, "_ 2"]]:
    """Return the characters of each token, without white space; empty for special tokens and lone space markers."""
    tokenizer, lowercase = encoder.tokenizer, encoder.source.lowercase
    if not tokenizer.is_fast:
        raise ModelError(
            f"{encoder.name}: words need a tokenizer that says which characters a token covers, and "
            f"{type(tokenizer).__name__} does not; save the model with its fast tokenizer (tokenizer.json)"
        )
    encoded = tokenizer(
        [text.lower() for text in sentences] if lowercase else list(sentences),
        padding=False, truncation=True, max_length=encoder.max_length, return_offsets_mapping=True,
        return_special_tokens_mask=True, verbose=False,
    )  # fmt: skip
    if encoded["input_ids"] != rows:
        raise ModelError(f"{encoder.name}: its tokenizer gives other tokens with offsets than without; words need both")
    found = []
    for text, ids, ranges, special in zip(
        sentences, rows, encoded["offset_mapping"], encoded["special_tokens_mask"], strict=True
    ):
        offsets = np.array(ranges, dtype=np.int64).reshape(-1, 2)
        offsets = _trim(_undo_lowering(offsets, text) if lowercase else offsets, text)
        pieces = tokenizer.convert_ids_to_tokens(ids)
        offsets[[bool(mark) or not piece.strip(SPACE_MARKER) for mark, piece in zip(special, pieces, strict=True)]] = 0
        found.append(offsets)
    return found


def _undo_lowering(offsets: Int[np.ndarray, "tokens 2"], text: str) -> Int[np.ndarray, "tokens 2"]:
    """Turn offsets in the lowered text into offsets in the text itself: one letter may become two (İ)."""
    origin = np.repeat(np.arange(len(text)), [len(letter.lower()) for letter in text])
    start, end = offsets.T
    inside = end > start
    last = np.where(inside, end - 1, 0)
    return np.stack([np.where(inside, origin[np.where(inside, start, 0)], 0), (origin[last] + 1) * inside], axis=1)


def _trim(offsets: Int[np.ndarray, "tokens 2"], text: str) -> Int[np.ndarray, "tokens 2"]:
    """Take white space from both ends of ranges of characters; a range of nothing else becomes empty."""
    trimmed = []
    for start, end in offsets.tolist():
        inside = text[start:end]
        start += len(inside) - len(inside.lstrip())
        trimmed.append((start, max(start, end - len(inside) + len(inside.rstrip()))))
    return np.array(trimmed, dtype=np.int64).reshape(-1, 2)


def _match(
    ids: list[int], offsets: Int[np.ndarray, "tokens 2"], spans: Int[np.ndarray, "spans 2"], limit: int, reason: str
) -> _SentenceTokens:
    """Say which tokens each span overlaps; spans that end behind `limit`, the last character read, are missing."""
    starts, ends = offsets.T
    overlap = (starts < spans[:, 1:]) & (ends > spans[:, :1]) & (ends > starts)
    cut, empty = spans[:, 1] > limit, ~overlap.any(axis=1)
    missing = [(int(i), reason if cut[i] else "the tokenizer keeps none of it") for i in np.flatnonzero(cut | empty)]
    kept = np.flatnonzero(~(cut | empty))
    return _SentenceTokens(ids, kept.tolist(), overlap[kept], missing)


def _run_all(
    encoder: Encoder, request: Request, found: list[_SentenceTokens], *, batch_tokens: int | None, progress: bool
) -> Float[np.ndarray, "layers words d"]:
    counts = np.array([len(row.spans) for row in found])
    firsts = np.cumsum(counts) - counts
    vectors = np.empty((len(request.layers), int(counts.sum()), encoder.hidden_size), dtype=np.float32)
    chosen = np.flatnonzero(counts)
    if not chosen.size:
        return vectors
    tokens = Tokens([found[i].ids for i in chosen], [], np.zeros(chosen.size, dtype=bool))
    bar = tqdm(total=chosen.size, desc=encoder.name, unit=" sentences", disable=not progress, leave=False)
    with bar, torch.inference_mode():
        for batch, ids, mask in encoder.batches(tokens, batch_tokens):
            rows = chosen[batch]
            values = _run(encoder.layered, request, (ids, mask), [found[i].overlap for i in rows])
            encoder.check_finite("mean", values, request, np.repeat(rows, counts[rows]))
            vectors[:, np.concatenate([firsts[i] + np.arange(counts[i]) for i in rows])] = values
            bar.update(rows.size)
    return vectors


def _run(
    layered: LayeredModel,
    request: Request,
    inputs: tuple[torch.Tensor, torch.Tensor],
    overlaps: list[Bool[np.ndarray, "_ _"]],
) -> Float[np.ndarray, "layers words d"]:
    """Run one batch, and pool each layer the moment it passes."""
    ids, mask = inputs
    weights, real = _word_weights(overlaps, ids.shape[1])
    weights, real = weights.to(ids.device), real.to(ids.device)
    kept: dict[int, torch.Tensor] = {}

    def receive(number: int, states: torch.Tensor) -> None:
        if number in request.layers:
            pooled = pool(weights, states)
            kept[number] = pooled[real.to(pooled.device)].to(ids.device)

    handles: list[Any] = hook_inputs(layered.blocks, receive)
    try:
        layered.forward(ids, mask, receive)
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack([kept[number] for number in request.layers]).cpu().numpy()


def _word_weights(overlaps: list[Bool[np.ndarray, "_ _"]], n_tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the weight of each token in each word, (batch, words, tokens), and which words are there."""
    most = max(overlap.shape[0] for overlap in overlaps)
    weights = np.zeros((len(overlaps), most, n_tokens), dtype=np.float32)
    for i, overlap in enumerate(overlaps):
        weights[i, : overlap.shape[0], : overlap.shape[1]] = overlap / overlap.sum(axis=1, keepdims=True)
    return torch.from_numpy(weights), torch.from_numpy(weights.any(axis=2))
