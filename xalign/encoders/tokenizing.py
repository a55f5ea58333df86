"""Sentences to token ids, once, with what is needed to say how each sentence was cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from xalign.errors import ModelError


@dataclass(frozen=True)
class Tokens:
    """The token ids of some sentences.

    Attributes:
        rows: What the model sees: special tokens included, cut to the maximum length.
        words: The sentence's own tokens: special tokens left out, uncut.
        truncated: Which sentences were cut.
    """

    rows: list[list[int]]
    words: list[list[int]]
    truncated: Bool[np.ndarray, " n"]

    @property
    def n_tokens(self) -> Int[np.ndarray, " n"]:
        """Tokens of each sentence before truncation, special tokens left out."""
        return np.array([len(row) for row in self.words], dtype=np.int64)


def tokenize(tokenizer: Any, sentences: Sequence[str], *, max_length: int, lowercase: bool = False) -> Tokens:
    """Tokenise sentences as the model's tokenizer does, and cut those that are too long.

    Args:
        tokenizer: A transformers tokenizer.
        sentences: At least one, none blank.
        max_length: Tokens kept of a sentence, special tokens included.
        lowercase: Lower the text first, as some sentence-transformers models ask.

    Raises:
        TypeError: If `sentences` is one string, or holds something else than strings.
        ValueError: If there is no sentence, one is blank, or one gives no token; the message names it.
        ModelError: If the tokenizer does not cut to `max_length`.
    """
    _check_sentences(sentences)
    texts = [text.lower() for text in sentences] if lowercase else list(sentences)
    encoded = _call(tokenizer, texts, return_special_tokens_mask=True)
    words = [
        [token for token, special in zip(row, mask, strict=True) if not special]
        for row, mask in zip(encoded["input_ids"], encoded["special_tokens_mask"], strict=True)
    ]
    rows = list(encoded["input_ids"])
    truncated = np.array([len(row) > max_length for row in rows])
    if truncated.any():
        _cut(tokenizer, texts, rows, np.flatnonzero(truncated), max_length)
    empty = [number for number, row in enumerate(rows) if not row]
    if empty:
        raise ValueError(f"sentences[{empty[0]}] gives no token: {sentences[empty[0]]!r}; leave it out")
    return Tokens(rows, words, truncated)


def _call(tokenizer: Any, texts: list[str], **options: Any) -> Any:
    return tokenizer(
        texts, padding=False, verbose=False, return_attention_mask=False, return_token_type_ids=False, **options
    )


def _cut(tokenizer: Any, texts: list[str], rows: list[list[int]], which: np.ndarray, max_length: int) -> None:
    long = _call(tokenizer, [texts[number] for number in which], truncation=True, max_length=max_length)
    for number, row in zip(which, long["input_ids"], strict=True):
        if len(row) > max_length:
            raise ModelError(
                f"the tokenizer {type(tokenizer).__name__} must cut a sentence to max_length={max_length} tokens, but "
                f"left {len(row)}; give a larger max_length"
            )
        rows[number] = row


def _check_sentences(sentences: Sequence[str]) -> None:
    if isinstance(sentences, str):
        raise TypeError("sentences must be a list of strings, got one string; put it into a list")
    if len(sentences) == 0:
        raise ValueError("sentences must hold at least one sentence, got none")
    for number, text in enumerate(sentences):
        if not isinstance(text, str):
            raise TypeError(f"sentences[{number}] must be a string, got {type(text).__name__}")
        if not text.strip():
            raise ValueError(f"sentences[{number}] is blank; a sentence without words has no place in a comparison")
