"""The words of a lexicon in the sentences of a corpus, with their vectors in context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Int

from xalign.corpora import ParallelCorpus
from xalign.encoders import Encoder
from xalign.encoders.words import WordVectors, encode_words
from xalign.lexicon_words import LexiconWords, find_words, keep_links, link_words

MINIMUM_LINKS = 20
"""Words that two languages must share in the same sentences to be compared by words."""


@dataclass(frozen=True)
class LanguageWords:
    """The words of a lexicon in one language.

    Attributes:
        found: Where they stand.
        vectors: Their vectors at every layer; of those that were not cut off.
    """

    found: LexiconWords
    vectors: WordVectors

    @property
    def concepts(self) -> Int[np.ndarray, " words"]:
        """The concept of each vector."""
        return self.found.concept[self.vectors.number]


def words_found(corpus: ParallelCorpus) -> dict[str, LexiconWords]:
    """Find the embedded lexicon's words in the languages that it shares with a corpus."""
    from xalign.embedded.lexicon import load_lexicon

    lexicon = load_lexicon()
    shared = [language for language in corpus.languages if language in lexicon.languages]
    return {language: find_words(corpus.sentences[language], lexicon, language) for language in shared}


def most_links(found: dict[str, LexiconWords]) -> int:
    """Return how many words the two languages share that share most; 0 without two languages."""
    words = list(found.values())
    return max((len(link_words(x, y)) for i, x in enumerate(words) for y in words[i + 1 :]), default=0)


def links_between(x: LanguageWords, y: LanguageWords) -> Int[np.ndarray, "links 2"]:
    """Return the rows of two languages' vectors that name the same concept in the same sentence."""
    return keep_links(link_words(x.found, y.found), x.vectors.number, y.vectors.number)


def linked_pairs(words: Mapping[str, LanguageWords], pivot: str | None) -> list[tuple[str, str]]:
    """List the pairs of languages, with the pivot or all, that share at least 20 words."""
    codes = list(words)
    if pivot is None:
        pairs = list(combinations(codes, 2))
    else:
        pairs = [(pivot, code) for code in codes if pivot in words and code != pivot]
    return [(a, b) for a, b in pairs if len(links_between(words[a], words[b])) >= MINIMUM_LINKS]


def encode_group_words(
    encoder: Encoder, corpus: ParallelCorpus, layers: Sequence[int] | None, *, progress: bool
) -> dict[str, LanguageWords]:
    """Encode the words that are found, in their sentences; they are not cached."""
    found = words_found(corpus)
    return {
        language: LanguageWords(
            words, encode_words(encoder, corpus.sentences[language], words.spans, layers=layers, progress=progress)
        )
        for language, words in found.items()
        if words.n_words
    }
