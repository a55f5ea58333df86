"""Which words are brought together: those that a dictionary or the starting model links in a pair of sentences."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xalign.corpora.bitexts import Corpus
from xalign.corpora.parallel import Pair
from xalign.encoders.encoder import Encoder
from xalign.encoders.words import Span
from xalign.errors import CorpusError
from xalign.lexicon_words import LexiconWords, find_words
from xalign.realigning.sentence_pairs import sentence_pairs

WordLink = tuple[Span, Span]
WordLinks = Sequence[Sequence[WordLink]]
"""For each pair of sentences, which characters of the one translate which of the other."""


@dataclass(frozen=True)
class _Forms:
    """The words of one side of a dictionary, each a concept of its own."""

    language: str
    concepts: tuple[str, ...]

    @property
    def languages(self) -> tuple[str, ...]:
        return (self.language,)

    @property
    def words(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        return {self.language: tuple((form,) for form in self.concepts)}


def read_dictionary(path: str | Path) -> list[tuple[str, str]]:
    """Read a dictionary: a word and its translation in the pivot on each line, with a tab between them.

    A word may stand on several lines. UTF-8, no header, blank lines are passed over.

    Raises:
        CorpusError: If the file is missing or empty, is not UTF-8, or a line is not two words; names file and line.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise CorpusError(f"no dictionary at {path}; give a TSV file: word, tab, its translation") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} must be UTF-8, got byte {error.object[error.start]:#x} at {error.start}") from error
    entries = []
    for number, line in enumerate(lines, start=1):
        cells = [cell.strip() for cell in line.split("\t")]
        if not any(cells):
            continue
        if len(cells) != 2 or not all(cells):
            raise CorpusError(f"{path}:{number} must hold a word, a tab and its translation, got {line!r}")
        entries.append((cells[0], cells[1]))
    if not entries:
        raise CorpusError(f"{path} must hold at least one word and its translation, got none")
    return entries


def links_by_dictionary(pair: Pair, entries: Iterable[tuple[str, str]]) -> WordLinks:
    """Link the words of a dictionary that stand in both sentences of a pair.

    Words are found as `find_words` finds them. A link is left out where it is not the only one for both of its words,
    or a word stands twice in its sentence: which translates which is then not known. Identical words are left out.

    Args:
        pair: The sentences; the target is the pivot.
        entries: Words of the source and their translations in the pivot.

    Returns:
        For each pair of sentences its links, in the order of the source.
    """
    entries = list(dict.fromkeys(entries))
    sides = (pair.source, pair.source_sentences), (pair.target, pair.target_sentences)
    found = [_find(column, *side) for column, side in zip(zip(*entries, strict=True), sides, strict=True)]
    translations: dict[str, set[str]] = defaultdict(set)
    for word, translation in entries:
        translations[_key(word)].add(_key(translation))
    rows = zip(*found, pair.source_sentences, pair.target_sentences, strict=True)
    return [_linked(row, translations) for row in rows]


def _key(word: str) -> str:
    return word.casefold()


def _find(words: Iterable[str], language: str, sentences: Sequence[str]) -> list[dict[str, Span]]:
    """Return, for each sentence, the place of each word that stands in it once."""
    forms = tuple({_key(word): word for word in words}.values())
    found = find_words(sentences, _Forms(language, forms), language)
    return _single(found, [_key(form) for form in forms])


def _single(found: LexiconWords, keys: Sequence[str]) -> list[dict[str, Span]]:
    places: list[dict[str, Span]] = [{} for _ in range(found.n_sentences)]
    rows = list(zip(found.sentence.tolist(), found.concept.tolist(), strict=True))
    counts = Counter(rows)
    for row, start, end in zip(rows, found.start.tolist(), found.end.tolist(), strict=True):
        if counts[row] == 1:
            places[row[0]][keys[row[1]]] = (start, end)
    return places


def _linked(
    row: tuple[dict[str, Span], dict[str, Span], str, str], translations: Mapping[str, set[str]]
) -> list[WordLink]:
    here, there, source, target = row
    links = [(word, other) for word in here for other in translations[word] if other in there]
    source_counts, target_counts = Counter(word for word, _ in links), Counter(word for _, word in links)
    spans = [
        (here[word], there[other])
        for word, other in links
        if source_counts[word] == target_counts[other] == 1
        and not same_word((here[word], there[other]), source, target)
    ]
    return sorted(spans)


def same_word(link: WordLink, source: str, target: str) -> bool:
    """Say whether both words of a link are written alike, upper or lower case."""
    (start, end), (other_start, other_end) = link
    return source[start:end].casefold() == target[other_start:other_end].casefold()


def links_by_model(encoder: Encoder, pair: Pair, *, layer: int | None = None) -> WordLinks:
    """Link words that are each other's most similar by the starting model (the intersection of both directions).

    Args:
        encoder: The starting model.
        pair: The sentences; the target is the pivot.
        layer: Whose vectors are compared; None for the word aligner's own choice.

    Returns:
        For each pair of sentences its 1-1 links without identical words, in the order of the source.
    """
    from xalign.word_alignment.word_pairs import word_pairs_of

    found = word_pairs_of(encoder, pair.source_sentences, pair.target_sentences, method="argmax", layer=layer)
    return [[(source[i], target[j]) for i, j in links] for source, target, links in found]


def link_corpus(
    encoder: Encoder, corpus: Corpus, languages: Sequence[str], *, pivot: str = "eng_Latn", layer: int | None = None
) -> dict[str, WordLinks]:
    """Link the words of several languages by a model, to give them to several trainings.

    Args:
        encoder: The starting model.
        corpus: What will be trained on.
        languages: Those to train on, in any spelling.
        pivot: The language that they are aligned with.
        layer: As in `links_by_model`.

    Returns:
        By language code what `train` takes as `word_pairs`.

    Raises:
        CorpusError: If the corpus lacks the pivot.
        UnknownNameError: If it lacks a language.
    """
    pairs = sentence_pairs(corpus, languages, pivot=pivot)
    return {language: links_by_model(encoder, pair, layer=layer) for language, pair in pairs.items()}
