"""Lists of words become token ids, every different word once, with the word that each token belongs to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from xalign.encoders import Encoder

SAMPLE = ("a", "b")
"""Two words by which a tokenizer shows what it does with a space."""


@dataclass(frozen=True, eq=False)
class WordTokens:
    """The tokens of some sentences, special tokens left out.

    Attributes:
        ids: Of each sentence, its tokens, uncut.
        words: Of each sentence, the word that each token belongs to, from 0, or -1 for none. A word of which the
            tokenizer keeps nothing has no token.
        prefix: The special tokens that the model wants before a sentence.
        suffix: Those behind it.
    """

    ids: list[list[int]]
    words: list[Int[np.ndarray, " _"]]
    prefix: list[int]
    suffix: list[int]

    @property
    def n_special(self) -> int:
        """How many special tokens a sentence gets."""
        return len(self.prefix) + len(self.suffix)


def tokenize_words(encoder: Encoder, sentences: Sequence[Sequence[str]]) -> WordTokens:
    """Tokenise lists of words, word by word.

    Each word is tokenised by itself, as with `is_split_into_words=True`, so that no token reaches into two words. Where
    a tokenizer tells a word behind a space from the same word at the beginning (byte-level BPE without a prefix space:
    GPT-2, Llama 3), all words but a sentence's first are given a space.

    Args:
        encoder: Whose tokenizer to take; its special tokens are those it puts around any text.
        sentences: Lists of words, none blank; a list may be empty.

    Returns:
        The tokens of each sentence.
    """
    prefix, suffix = special_tokens(encoder)
    if space := _space_between(encoder):
        firsts = _vocabulary(encoder, (row[0] for row in sentences if row))
        others = _vocabulary(encoder, (word for row in sentences for word in row[1:]), before=space)
    else:
        firsts = others = _vocabulary(encoder, (word for row in sentences for word in row))
    ids, words = [], []
    for row in sentences:
        pieces = [others[word] if i else firsts[word] for i, word in enumerate(row)]
        ids.append([token for piece in pieces for token in piece])
        words.append(np.repeat(np.arange(len(row)), [len(piece) for piece in pieces]))
    return WordTokens(ids, words, prefix, suffix)


def _vocabulary(encoder: Encoder, words: Iterable[str], *, before: str = "") -> dict[str, list[int]]:
    """Return the tokens of every different word."""
    different = list(dict.fromkeys(words))
    return dict(zip(different, _encode(encoder, [before + word for word in different]), strict=True))


def _encode(encoder: Encoder, texts: list[str]) -> list[list[int]]:
    if not texts:
        return []
    lowered = [text.lower() for text in texts] if encoder.source.lowercase else texts
    return _call(encoder, lowered, add_special_tokens=False)["input_ids"]


def _call(encoder: Encoder, texts: list[str], **options: Any) -> Any:
    return encoder.tokenizer(
        texts, padding=False, truncation=False, verbose=False, return_attention_mask=False,
        return_token_type_ids=False, **options,
    )  # fmt: skip


def special_tokens(encoder: Encoder) -> tuple[list[int], list[int]]:
    """Return what the tokenizer puts before and behind any text."""
    encoded = _call(encoder, [SAMPLE[0]], return_special_tokens_mask=True)
    ids, special = encoded["input_ids"][0], encoded["special_tokens_mask"][0]
    own = [place for place, mark in enumerate(special) if not mark]
    return ids[: own[0]], ids[own[-1] + 1 :]


def _space_between(encoder: Encoder) -> str:
    """Return what a word needs before it to be tokenised as it is inside a sentence: a space, or nothing."""
    first, second = SAMPLE
    together, alone, spaced = (_encode(encoder, [text])[0] for text in (f"{first} {second}", second, f" {second}"))
    start = _encode(encoder, [first])[0]
    return " " if together != start + alone and together == start + spaced else ""
