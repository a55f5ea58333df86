"""Raw sentences become words: at spaces and punctuation, and at the model's tokens where a script has no spaces."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Int

from xalign.encoders import Encoder
from xalign.errors import ModelError
from xalign.word_alignment.tokens import WordTokens, special_tokens

Span = tuple[int, int]
NO_WORD = -1
SCRIPTS_WITHOUT_SPACES = ("Han", "Hiragana", "Katakana", "Thai", "Khmer", "Lao", "Myanmar")
SPACE_MARKERS = ("▁", "Ġ")


def split_sentence(text: str) -> list[Span]:
    r"""Find the words of a sentence by rules that need neither dictionary nor model.

    A word is a run of letters, marks and digits, with apostrophes and hyphens between them ("don't", "well-known"). In
    scripts written without spaces (Han, Hiragana, Katakana, Thai, Khmer, Lao, Myanmar) each user-perceived character
    (`\X`, a letter with its marks) is a word. Punctuation and symbols are no words.

    Args:
        text: Any sentence.

    Returns:
        Ranges of characters, `text[start:end]`, rising.

    References:
        Unicode Standard Annex 29, Unicode Text Segmentation (grapheme clusters); Annex 24 for scripts.
    """
    return [match.span() for match in _pattern().finditer(text)]


def tokenize_sentences(encoder: Encoder, sentences: Sequence[str]) -> tuple[list[list[Span]], WordTokens]:
    """Find the words of raw sentences, and the tokens of the sentence as it stands that belong to each.

    Words are those of `split_sentence`, but characters of a script without spaces that share a token are one word: the
    tokenizer's pieces stand for the words that nothing separates. A token belongs to the word that its last letter is
    in.

    Args:
        encoder: With a tokenizer that knows which characters a token covers.
        sentences: Any number of them.

    Returns:
        For each sentence its words as ranges of characters, and the tokens; those of no word are marked -1.

    Raises:
        ModelError: If the tokenizer gives no offsets.
    """
    if not encoder.tokenizer.is_fast:
        raise ModelError(
            f"{encoder.name}: words of raw sentences need a tokenizer that says which characters a token covers, and "
            f"{type(encoder.tokenizer).__name__} does not; save the model with its fast tokenizer (tokenizer.json)"
        )
    prefix, suffix = special_tokens(encoder)
    markers = [encoder.tokenizer.get_vocab().get(marker, NO_WORD) for marker in SPACE_MARKERS]
    spans, ids, words = [], [], []
    for text, row, ranges in zip(sentences, *_encode(encoder, sentences), strict=True):
        offsets = np.array(ranges, dtype=np.int64).reshape(-1, 2)
        found = _merged(text, split_sentence(text), offsets)
        belonging = _words_of_tokens(len(text), found, offsets)
        belonging[np.isin(row, markers)] = NO_WORD
        spans.append(found)
        ids.append(row)
        words.append(belonging)
    return spans, WordTokens(ids, words, prefix, suffix)


def _encode(encoder: Encoder, sentences: Sequence[str]) -> tuple[list[list[int]], list[list[Span]]]:
    if not sentences:
        return [], []
    texts = [_lowered(text) for text in sentences] if encoder.source.lowercase else list(sentences)
    encoded = encoder.tokenizer(
        texts, add_special_tokens=False, padding=False, truncation=False, verbose=False, return_offsets_mapping=True
    )
    return encoded["input_ids"], encoded["offset_mapping"]


def _lowered(text: str) -> str:
    """Lower a text without moving its characters: what becomes two letters stays."""
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)


def _merged(text: str, spans: list[Span], offsets: Int[np.ndarray, "tokens 2"]) -> list[Span]:
    """Join neighbouring characters of scripts without spaces where a token reaches over the border."""
    found: list[Span] = []
    for start, end in spans:
        touches = (
            bool(found) and found[-1][1] == start and _has_no_spaces(text[start]) and _has_no_spaces(text[start - 1])
        )
        if touches and ((offsets[:, 0] < start) & (offsets[:, 1] > start)).any():
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _words_of_tokens(
    n_characters: int, spans: list[Span], offsets: Int[np.ndarray, "tokens 2"]
) -> Int[np.ndarray, " tokens"]:
    owner = np.full(n_characters + 1, NO_WORD)
    for word, (start, end) in enumerate(spans):
        owner[start:end] = word
    start, end = offsets.T
    last = owner[np.maximum(end - 1, 0)]
    return np.where(end > start, np.where(last >= 0, last, owner[start]), NO_WORD)


def _has_no_spaces(letter: str) -> bool:
    return _spaceless().match(letter) is not None


@cache
def _spaceless() -> Any:
    import regex  # type: ignore[import-untyped]

    return regex.compile(rf"[{_spaceless_scripts()}\p{{M}}]", flags=regex.V1)


@cache
def _pattern() -> Any:
    import regex

    spaceless = _spaceless_scripts()
    alone = rf"(?=[[{spaceless}]&&[\p{{L}}\p{{N}}]])\X"
    letter = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{spaceless}]]"
    joined = rf"[\p{{L}}\p{{N}}--[{spaceless}]]{letter}*(?:['’\-‐]{letter}+)*"
    return regex.compile(rf"{alone}|{joined}", flags=regex.V1)


def _spaceless_scripts() -> str:
    return "".join(rf"\p{{Script={script}}}" for script in SCRIPTS_WITHOUT_SPACES)
