"""From a corpus to what training sees of each language, made once before it begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from xalign.corpora.parallel import Pair, fingerprint_of
from xalign.encoders.encoder import Encoder
from xalign.errors import CorpusError, UnknownNameError
from xalign.realigning.checkpoints import digest
from xalign.realigning.collating import Example
from xalign.realigning.errors import RealignmentError
from xalign.realigning.examples import pivot_groups, sentence_examples, word_examples
from xalign.realigning.settings import RealignmentSettings
from xalign.realigning.word_pairs import WordLinks, links_by_dictionary, links_by_model, read_dictionary

WordPairs = str | Path | Mapping[str, str | Path | WordLinks]
"""A folder of dictionaries `<language>.tsv`, or the file of a single language; or for each language its dictionary, or
the links of each of its sentence pairs."""


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What is trained on.

    Attributes:
        languages: Their codes.
        examples: Pairs of sentences of each language that have something to align.
        groups: Their pivot sentences as numbers; equal sentences share one.
    """

    languages: tuple[str, ...]
    examples: tuple[list[Example], ...]
    groups: tuple[Int[np.ndarray, " _"], ...]

    @property
    def n_pairs(self) -> dict[str, int]:
        """Sentence pairs of each language."""
        return {language: len(some) for language, some in zip(self.languages, self.examples, strict=True)}

    @property
    def n_vectors(self) -> dict[str, int]:
        """Aligned words of each language; sentences, where these are aligned."""
        counts = [sum(example.n_vectors for example in some) for some in self.examples]
        return dict(zip(self.languages, counts, strict=True))


def find_links(encoder: Encoder, pairs: Mapping[str, Pair], word_pairs: WordPairs | None) -> dict[str, WordLinks]:
    """Return the linked words of each language's sentence pairs.

    Args:
        encoder: The starting model, which links words where nothing else does.
        pairs: The sentences of each language.
        word_pairs: Dictionaries or ready links; None aligns words with the starting model.

    Raises:
        CorpusError: If a dictionary is missing or cannot be read.
        UnknownNameError: If `word_pairs` leaves out a language.
    """
    if word_pairs is None:
        return {language: links_by_model(encoder, pair) for language, pair in pairs.items()}
    sources = _sources(pairs, word_pairs)
    return {
        language: links_by_dictionary(pair, read_dictionary(source)) if isinstance(source, str | Path) else source
        for (language, pair), source in zip(pairs.items(), sources.values(), strict=True)
    }


def prepare(
    encoder: Encoder, pairs: Mapping[str, Pair], settings: RealignmentSettings, links: Mapping[str, WordLinks]
) -> TrainingData:
    """Tokenise all sentences, and say which tokens make up each vector.

    Args:
        encoder: Tokenises; its `max_length` holds.
        pairs: The sentences of each language.
        settings: Say what is aligned.
        links: Linked words, where these are.

    Raises:
        RealignmentError: If a language has nothing to align.
    """
    examples, numbers = [], []
    for language, pair in pairs.items():
        if settings.aligns_words:
            some, used = word_examples(encoder, pair, links[language])
        else:
            some, used = _different_sentences(sentence_examples(encoder, pair, pooling=settings.pooling), pair)
        if not some:
            what = "linked words (identical ones do not count)" if settings.aligns_words else "sentences that differ"
            raise RealignmentError(f"{language} has no {what}; leave it out, or give other data")
        examples.append(some)
        numbers.append(used)
    groups = pivot_groups(list(pairs.values()), numbers)
    return TrainingData(tuple(pairs), tuple(examples), tuple(groups))


def describe_links(pairs: Mapping[str, Pair], word_pairs: WordPairs | None) -> Any:
    """Return what tells one source of word pairs from another, as JSON can hold it."""
    if word_pairs is None:
        return "the starting model"
    sources = _sources(pairs, word_pairs).items()
    return {
        language: digest(read_dictionary(source) if isinstance(source, str | Path) else [list(row) for row in source])
        for language, source in sources
    }


def name_links(word_pairs: WordPairs | None, *, settings: RealignmentSettings) -> str:
    """Say in words where the pairs of words come from."""
    if not settings.aligns_words:
        return "none: whole sentences are aligned"
    if word_pairs is None:
        return "linked by the starting model"
    sources = word_pairs.values() if isinstance(word_pairs, Mapping) else [word_pairs]
    return "from dictionaries" if all(isinstance(source, str | Path) for source in sources) else "given as links"


def describe_text(pairs: Mapping[str, Pair]) -> dict[str, str]:
    """Return a hash of each language's sentence pairs."""
    return {
        language: fingerprint_of([*pair.source_sentences, *pair.target_sentences]) for language, pair in pairs.items()
    }


def _sources(pairs: Mapping[str, Pair], word_pairs: WordPairs) -> dict[str, str | Path | WordLinks]:
    if isinstance(word_pairs, str | Path):
        place = Path(word_pairs)
        if place.is_dir():
            return {language: place / f"{language}.tsv" for language in pairs}
        if len(pairs) > 1 or not place.is_file():
            raise CorpusError(
                "word_pairs must be a folder of dictionaries <language>.tsv, or a file for one language only, "
                f"got {place} for {', '.join(pairs)}"
            )
        return dict.fromkeys(pairs, place)
    missing = [language for language in pairs if language not in word_pairs]
    if missing:
        raise UnknownNameError(f"word_pairs must have every language by its code, got none for {', '.join(missing)}")
    return {language: word_pairs[language] for language in pairs}


def _different_sentences(examples: Sequence[Example], pair: Pair) -> tuple[list[Example], list[int]]:
    """Leave out sentences that are the same in both languages, which there is nothing to learn from."""
    rows = zip(pair.source_sentences, pair.target_sentences, strict=True)
    kept = [number for number, (source, target) in enumerate(rows) if source != target]
    return [examples[number] for number in kept], kept
