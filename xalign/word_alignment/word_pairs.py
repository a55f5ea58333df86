"""Raw parallel sentences become pairs of words that translate each other, as training data for realignment."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from xalign.encoders import Encoder
from xalign.word_alignment.alignment import Link
from xalign.word_alignment.settings_checks import check_settings, choose_layers
from xalign.word_alignment.similarities import read_batches
from xalign.word_alignment.splitting import Span, tokenize_sentences
from xalign.word_alignment.word_links import link_words, similarity_kind

PairedWords = tuple[list[Span], list[Span], list[Link]]


def word_pairs_of(
    encoder: Encoder,
    source_sentences: Sequence[str],
    target_sentences: Sequence[str],
    *,
    method: str = "argmax",
    layer: int | None = None,
    batch_size: int = 64,
) -> list[PairedWords]:
    """Find words that translate each other in raw parallel sentences.

    Words are runs of letters and digits; in scripts without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) they
    are single characters, of which those that share a token are one. A word's vector is the mean of its tokens, in the
    sentence as it stands. Kept are the links of words that have no other link, less those of identical words (names and
    numbers, which a model knows to be alike). Sentences beyond the model's length are read in windows.

    Args:
        encoder: The model, with a tokenizer that knows which characters a token covers.
        source_sentences: Any number of them.
        target_sentences: Their translations.
        method: As in `align_words`.
        layer: As there.
        batch_size: As there.

    Returns:
        For each pair the words of the source and of the target as ranges of characters, and the links between them,
        counted from 0, rising.

    Raises:
        ValueError: If the sides differ in number, or a setting does not exist.
        ModelError: If the tokenizer gives no offsets.

    References:
        Wu & Dredze (2020), Do Explicit Alignments Robustly Improve Multilingual Encoders?, arXiv:2010.02537 (one-to-one
            links); Cao et al. (2020), arXiv:2002.03518 (identical words left out).
    """
    if len(source_sentences) != len(target_sentences):
        raise ValueError(
            f"target_sentences must translate the {len(source_sentences)} source_sentences, got "
            f"{len(target_sentences)}; they are matched by position"
        )
    check_settings([method], "word", batch_size, None, {})
    layers = choose_layers(encoder, None if layer is None else [layer])
    texts = [text for pair in zip(source_sentences, target_sentences, strict=True) for text in pair]
    spans, tokens = tokenize_sentences(encoder, texts)
    found: list[Any] = [None] * len(source_sentences)
    for batch in read_batches(encoder, tokens, layers=layers, unit="word", batch_size=batch_size):
        similarities = batch.similarities(0, kind=similarity_kind(method))
        words = [batch.words(k) for k in range(len(batch.pairs))]
        for pair, links in zip(batch.pairs, link_words(method, similarities, words), strict=True):
            sides = slice(2 * pair, 2 * pair + 2)
            found[pair] = (*spans[sides], _usable(links, spans[sides], texts[sides]))
    return found


def _usable(links: dict[Link, float], spans: list[list[Span]], texts: list[str]) -> list[Link]:
    """Keep one-to-one links of different words."""
    sources, targets = Counter(i for i, _ in links), Counter(j for _, j in links)
    kept = []
    for i, j in links:
        one, other = (text[slice(*words[k])].casefold() for text, words, k in zip(texts, spans, (i, j), strict=True))
        if sources[i] == targets[j] == 1 and one != other:
            kept.append((i, j))
    return sorted(kept)
