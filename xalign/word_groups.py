"""The words of a lexicon in the sentences of a corpus, with their vectors in context."""

from collections.abc import Iterable, Mapping, Sequence
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


def most_links(found: Mapping[str, LexiconWords], pivot: str | None) -> int:
    """Return how many words the pair of languages shares that shares most; 0 without a pair."""
    return max((len(link_words(found[a], found[b])) for a, b in pairs_of(found, pivot)), default=0)


def pairs_of(languages: Iterable[str], pivot: str | None) -> list[tuple[str, str]]:
    """List the pivot with every other language, or every two; nothing if the pivot is not there."""
    codes = list(languages)
    if pivot is None:
        return list(combinations(codes, 2))
    return [(pivot, code) for code in codes if code != pivot] if pivot in codes else []


def links_between(x: LanguageWords, y: LanguageWords) -> Int[np.ndarray, "links 2"]:
    """Return the rows of two languages' vectors that name the same concept in the same sentence."""
    return keep_links(link_words(x.found, y.found), x.vectors.number, y.vectors.number)


def linked_pairs(words: Mapping[str, LanguageWords], pivot: str | None) -> list[tuple[str, str]]:
    """List the pairs of languages, with the pivot or all, that share at least 20 words."""
    return [(a, b) for a, b in pairs_of(words, pivot) if len(links_between(words[a], words[b])) >= MINIMUM_LINKS]


def words_missing(
    groups: Sequence[tuple[Sequence[str], Mapping[str, LanguageWords]]], pivot: str | None
) -> dict[str, str]:
    """Say which languages of some groups are in no pair that is compared by words: the languages, and why."""
    unknown: list[str] = []
    few: list[str] = []
    for languages, words in groups:
        linked = {language for pair in linked_pairs(words, pivot) for language in pair}
        unknown += [language for language in languages if language not in words]
        few += [language for language in languages if language in words and language not in linked]
    reasons = {
        "the lexicon has no word of theirs in the text": unknown,
        f"fewer than {MINIMUM_LINKS} words of the lexicon stand in the same sentences": few,
    }
    return {", ".join(dict.fromkeys(found)): reason for reason, found in reasons.items() if found}


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
