"""How a tokenizer treats a language: what a reader must know before comparing scores across languages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xalign.encoders.encoder import Encoder

SCRIPTS_WITHOUT_SPACES = {
    "Thai": ((0x0E00, 0x0E7F),),
    "Lao": ((0x0E80, 0x0EFF),),
    "Tibetan": ((0x0F00, 0x0FFF),),
    "Burmese": ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F)),
    "Khmer": ((0x1780, 0x17FF),),
    "Chinese or Japanese": ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)),
}


@dataclass(frozen=True)
class TokenizationStatistics:
    """How sentences of one language are cut.

    Attributes:
        n_sentences: How many sentences.
        tokens_per_sentence: Mean number of tokens, before truncation and without special tokens.
        fertility: Tokens per word between spaces; NaN where the script does not put spaces between words.
        fertility_reason: Why fertility is NaN; empty if it is not.
        n_truncated: Sentences longer than the model reads.
        unknown_share: Share of tokens that are the unknown token.
    """

    n_sentences: int
    tokens_per_sentence: float
    fertility: float
    fertility_reason: str
    n_truncated: int
    unknown_share: float


def tokenization_statistics(encoder: Encoder, sentences: Sequence[str]) -> TokenizationStatistics:
    """Count tokens, tokens per word, cut sentences and unknown tokens of one language. Loads no weights.

    Args:
        encoder: Whose tokenizer and maximum length to use.
        sentences: Sentences of one language.

    Raises:
        ValueError: If there is no sentence, or one is blank or gives no token.

    References:
        Rust et al. (2021), How Good is Your Tokenizer?, https://arxiv.org/abs/2012.15613, for fertility.
    """
    tokens = encoder.tokenize(sentences)
    n_tokens = int(tokens.n_tokens.sum())
    unknown = encoder.tokenizer.unk_token_id
    n_unknown = sum(row.count(unknown) for row in tokens.words) if unknown is not None else 0
    script = script_without_spaces(sentences)
    n_words = sum(len(text.split()) for text in sentences)
    return TokenizationStatistics(
        n_sentences=len(sentences),
        tokens_per_sentence=n_tokens / len(sentences),
        fertility=math.nan if script else n_tokens / n_words,
        fertility_reason=f"{script} script puts no spaces between words" if script else "",
        n_truncated=int(tokens.truncated.sum()),
        unknown_share=n_unknown / n_tokens if n_tokens else 0.0,
    )


def shared_token_share(encoder: Encoder, sentences_x: Sequence[str], sentences_y: Sequence[str]) -> float:
    """Return the mean Jaccard overlap of the token sets of paired sentences. Loads no weights.

    Special tokens and truncation are left out. Numbers, names and punctuation written alike raise it, and with it
    every similarity that a lexical match can explain.

    Args:
        encoder: Whose tokenizer to use.
        sentences_x: Sentences in one language.
        sentences_y: Sentences in another, row by row.

    Returns:
        |X ∩ Y| / |X ∪ Y| in [0, 1], averaged over pairs.

    Raises:
        ValueError: If the numbers of sentences differ, or as in `tokenization_statistics`.
    """
    if len(sentences_x) != len(sentences_y):
        raise ValueError(
            f"sentences_y must have the {len(sentences_x)} sentences of sentences_x, got {len(sentences_y)}; "
            "they are matched by position"
        )
    pairs = zip(encoder.tokenize(sentences_x).words, encoder.tokenize(sentences_y).words, strict=True)
    return math.fsum(_jaccard(set(x), set(y)) for x, y in pairs) / len(sentences_x)


def script_without_spaces(sentences: Sequence[str]) -> str:
    """Name the script without word spaces that most letters belong to; empty if there is none."""
    counts = dict.fromkeys(SCRIPTS_WITHOUT_SPACES, 0)
    n_letters = 0
    for character in "".join(sentences):
        name = _script(ord(character))
        if name:
            counts[name] += 1
        n_letters += bool(name) or character.isalpha()
    most = max(counts, key=lambda name: counts[name])
    return most if counts[most] > n_letters / 2 else ""


def _script(code: int) -> str:
    for name, ranges in SCRIPTS_WITHOUT_SPACES.items():
        if any(low <= code <= high for low, high in ranges):
            return name
    return ""


def _jaccard(x: set[int], y: set[int]) -> float:
    return len(x & y) / len(x | y) if x | y else 0.0
