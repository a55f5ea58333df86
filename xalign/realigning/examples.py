"""From sentences and links to what training sees: tokens, and which of them each aligned vector is the mean of."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool

from xalign.corpora.parallel import Pair
from xalign.encoders.encoder import Encoder
from xalign.encoders.pooling import token_weights
from xalign.encoders.words import _find_tokens
from xalign.realigning.collating import Example, Side
from xalign.realigning.word_pairs import WordLinks


def sentence_examples(encoder: Encoder, pair: Pair, *, pooling: str) -> list[Example]:
    """Return an example for each pair of sentences, with one vector on each side.

    Args:
        encoder: Tokenises; its `max_length` holds.
        pair: The sentences.
        pooling: How tokens become the sentence's vector.
    """
    sides = [
        [_pooled(ids, pooling) for ids in encoder.tokenize(sentences).rows]
        for sentences in (pair.source_sentences, pair.target_sentences)
    ]
    return [Example(source, pivot, 1) for source, pivot in zip(*sides, strict=True)]


def _pooled(ids: list[int], pooling: str) -> Side:
    weights = token_weights(torch.ones(1, len(ids), dtype=torch.int64), [pooling])[0, 0].numpy()
    return Side(ids, np.arange(len(ids)), np.zeros(len(ids), dtype=np.int64), weights)


def word_examples(encoder: Encoder, pair: Pair, links: WordLinks) -> tuple[list[Example], list[int]]:
    """Return an example for each pair of sentences with linked words.

    A word's vector is the mean over all tokens that it overlaps. Links with a word that is cut off at `max_length`, or
    of which the tokenizer keeps nothing, are left out, and sentences without any link.

    Args:
        encoder: Tokenises; its `max_length` holds.
        pair: The sentences.
        links: Linked words of each pair of sentences.

    Returns:
        The examples, and the number of the pair of sentences that each is of.

    Raises:
        ValueError: If there are not as many lists of links as pairs of sentences.
        ModelError: If the tokenizer does not say which characters its tokens cover.
    """
    if len(links) != len(pair.source_sentences):
        raise ValueError(
            f"links must hold a list for each of the {len(pair.source_sentences)} pairs of sentences of {pair.source}, "
            f"got {len(links)}; give an empty list for a pair without links"
        )
    sides = []
    for which, sentences in enumerate((pair.source_sentences, pair.target_sentences)):
        sides.append(_find_tokens(encoder, sentences, [[link[which] for link in row] for row in links]))
    examples, numbers = [], []
    for number, (source, pivot) in enumerate(zip(*sides, strict=True)):
        kept = sorted(set(source.spans) & set(pivot.spans))
        if kept:
            parts = [_words(side.ids, side.overlap[np.isin(side.spans, kept)]) for side in (source, pivot)]
            examples.append(Example(parts[0], parts[1], len(kept)))
            numbers.append(number)
    return examples, numbers


def _words(ids: list[int], overlap: Bool[np.ndarray, "words tokens"]) -> Side:
    owner, tokens = np.nonzero(overlap)
    weights = (1 / overlap.sum(axis=1))[owner].astype(np.float32)
    return Side(ids, tokens, owner, weights)


def pivot_groups(pairs: Sequence[Pair], numbers: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Number the pivot sentences of the pairs that are used, over all languages; equal sentences share a number."""
    known: dict[str, int] = {}
    return [
        np.array([known.setdefault(pair.target_sentences[number], len(known)) for number in used], dtype=np.int64)
        for pair, used in zip(pairs, numbers, strict=True)
    ]
