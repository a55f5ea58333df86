"""Words of a lexicon in parallel sentences: where they stand, and which of them translate each other."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int

from xalign.corpora import ParallelCorpus
from xalign.errors import UnknownNameError
from xalign.names import nearest

SCRIPTS_WITHOUT_SPACES = ("Hani", "Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai")
"""Where any syllable may begin a word. Tibetan is none of them: a mark ends each syllable, and forms end there too."""

JOINERS = "\u200c\u200d_"
VOWELS_BEFORE = "เแโใไເແໂໃໄ"
VOWELS_BEHIND = "ะาำๅະາຳ"
VIRAMA = 9


@runtime_checkable
class WordLists(Protocol):
    """What is asked of a lexicon; `xalign.embedded.lexicon.Lexicon` is one."""

    @property
    def concepts(self) -> tuple[str, ...]:
        """The concepts, each by its English key."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it has words in."""

    @property
    def words(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        """For each language and concept one or more forms."""


@dataclass(frozen=True, eq=False)
class LexiconWords:
    """The words of a lexicon that were found in the sentences of one language.

    Attributes:
        language: Which language.
        n_sentences: In how many sentences they were sought.
        sentence: Sentence of each word, from 0, ascending.
        start: Where it begins, in characters.
        end: Where it ends.
        concept: Which concept of the lexicon it is, from 0.
        ambiguous: The forms that stand for several concepts; these were not sought.
    """

    language: str
    n_sentences: int
    sentence: Int[np.ndarray, " words"]
    start: Int[np.ndarray, " words"]
    end: Int[np.ndarray, " words"]
    concept: Int[np.ndarray, " words"]
    ambiguous: tuple[str, ...]

    @property
    def n_words(self) -> int:
        """How many words were found."""
        return self.sentence.size

    @property
    def n_concepts(self) -> int:
        """How many of the concepts were found at least once."""
        return np.unique(self.concept).size

    @property
    def spans(self) -> list[list[tuple[int, int]]]:
        """For each sentence the places of its words: what `encode_words` takes."""
        spans: list[list[tuple[int, int]]] = [[] for _ in range(self.n_sentences)]
        for sentence, start, end in zip(self.sentence.tolist(), self.start.tolist(), self.end.tolist(), strict=True):
            spans[sentence].append((start, end))
        return spans


def find_corpus_words(
    corpus: ParallelCorpus, lexicon: WordLists, *, languages: Sequence[str] | None = None
) -> dict[str, LexiconWords]:
    """Find the words of a lexicon in every language that corpus and lexicon share.

    Args:
        corpus: Parallel sentences.
        lexicon: Concepts and their words by language code.
        languages: Only these codes; None for all that both have, in the order of the corpus.

    Returns:
        The words by language; languages that the lexicon does not have are left out unless they are named.

    Raises:
        UnknownNameError: If a named language is missing from one of the two, or they share none.
        ValueError: If an entry of the lexicon is empty.
    """
    shared = [code for code in corpus.languages if code in lexicon.languages]
    for code in languages or ():
        if code not in shared:
            where = "the lexicon" if code in corpus.languages else f"the corpus {corpus.name}"
            raise UnknownNameError(f"language {code!r} is not in {where}{nearest(code, shared)}; both have {shared}")
    if not shared:
        raise UnknownNameError(f"{corpus.name} and the lexicon share no language; the lexicon has {lexicon.languages}")
    return {code: find_words(corpus.sentences[code], lexicon, code) for code in (languages or shared)}


def find_words(sentences: Sequence[str], lexicon: WordLists, language: str) -> LexiconWords:
    """Find the words of a lexicon in sentences of one language.

    Case does not matter, nor the dot of an i, nor the way accents are composed. From left to right the longest form is
    taken, and words do not overlap. Where a script puts spaces between words, only whole words count: neither letters,
    marks nor digits on either side; inflected forms are found only where the lexicon lists them. In scripts without
    spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) a form is found wherever it stands, inside a longer word too,
    but never cut from its vowels and marks; in Tibetan between the marks that end syllables. A form that stands for
    several concepts is not sought.

    Args:
        sentences: Any number of them.
        lexicon: Concepts and their words.
        language: Its code, such as `swh_Latn`: the script decides how words are found.

    Raises:
        UnknownNameError: If the lexicon has no words in that language.
        ValueError: If one of its entries is empty; the message names concept and language.
    """
    forms, ambiguous = _forms(lexicon, language)
    whole = language.rsplit("_", 1)[-1] not in SCRIPTS_WITHOUT_SPACES
    lengths = sorted({len(form) for form in forms}, reverse=True)
    rows = [
        (i, start, end, concept)
        for i, text in enumerate(sentences)
        for start, end, concept in _search(text, forms, lengths, whole)
    ]
    sentence, start, end, concept = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return LexiconWords(language, len(sentences), sentence, start, end, concept, ambiguous)


def link_words(x: LexiconWords, y: LexiconWords) -> Int[np.ndarray, "links 2"]:
    """Pair the words of two languages that name the same concept in the same sentence.

    A concept that stands twice in a sentence, in either language, gives no pair there: which word translates which is
    not known.

    Returns:
        For each pair the word's number in `x` and in `y`, ascending in `x`.

    Raises:
        ValueError: If the two were found in different numbers of sentences.
    """
    if x.n_sentences != y.n_sentences:
        raise ValueError(
            f"y must be of the {x.n_sentences} sentences of x, got {y.n_sentences}; sentences are matched by position"
        )
    in_x, in_y = _single_words(x), _single_words(y)
    links = [(number, in_y[place]) for place, number in in_x.items() if place in in_y]
    return np.array(sorted(links), dtype=np.int64).reshape(-1, 2)


def keep_links(
    links: Int[np.ndarray, "links 2"], x_numbers: Int[np.ndarray, " m"], y_numbers: Int[np.ndarray, " n"]
) -> Int[np.ndarray, "kept 2"]:
    """Renumber links for words of which some have no vector.

    Args:
        links: As `link_words` gives them.
        x_numbers: `WordVectors.number` of one language: which word each of its rows is.
        y_numbers: The same of the other.

    Returns:
        The links both of whose words have a vector, by their rows.
    """
    (x_rows, x_there), (y_rows, y_there) = _find(links[:, 0], x_numbers), _find(links[:, 1], y_numbers)
    return np.stack([x_rows, y_rows], axis=1)[x_there & y_there]


def _find(
    wanted: Int[np.ndarray, " links"], numbers: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " links"], Bool[np.ndarray, " links"]]:
    rows = np.searchsorted(numbers, wanted)
    there = rows < numbers.size
    there[there] = numbers[rows[there]] == wanted[there]
    return rows, there


def _single_words(words: LexiconWords) -> dict[tuple[int, int], int]:
    """Return the number of each word whose concept stands once in its sentence, by sentence and concept."""
    places = list(zip(words.sentence.tolist(), words.concept.tolist(), strict=True))
    counts = Counter(places)
    return {place: number for number, place in enumerate(places) if counts[place] == 1}


def entry(lexicon: WordLists, language: str, concept: int) -> tuple[str, ...]:
    """Return the forms of one concept in one language.

    Raises:
        UnknownNameError: If the lexicon has no words in that language.
        ValueError: If there is no form, or a blank one; the message names concept and language.
    """
    if language not in lexicon.words:
        raise UnknownNameError(
            f"language must be one of the lexicon's, {list(lexicon.languages)}, got {language!r}"
            f"{nearest(language, lexicon.languages)}"
        )
    forms = lexicon.words[language][concept]
    if not forms or not all(form.strip() for form in forms):
        raise ValueError(
            f"the lexicon's entry for {lexicon.concepts[concept]!r} in {language} must hold words, got {forms!r}; fill "
            "it, or leave the concept or the language out"
        )
    return forms


def _forms(lexicon: WordLists, language: str) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the concept of each folded form, and the forms that have several."""
    concepts: dict[str, set[int]] = {}
    for concept in range(len(lexicon.concepts)):
        for form in entry(lexicon, language, concept):
            concepts.setdefault(_fold(form.strip())[0], set()).add(concept)
    ambiguous = tuple(sorted(form for form, found in concepts.items() if len(found) > 1))
    return {form: min(found) for form, found in concepts.items() if len(found) == 1}, ambiguous


def _search(text: str, forms: Mapping[str, int], lengths: Sequence[int], whole: bool) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and concept of each form, longest first, from left to right."""
    folded, places = _fold(text)
    borders = _borders(folded, places, whole)
    at = 0
    while at < len(folded):
        ends = [at + n for n in lengths if at + n in borders] if at in borders else []
        end = next((end for end in ends if folded[at:end] in forms), None)
        if end is not None:
            yield places[at], places[end], forms[folded[at:end]]
        at = end or at + 1


def _borders(folded: str, places: Sequence[int], whole: bool) -> set[int]:
    """Return where a word may begin or end: between characters, and not inside a word or a syllable."""
    inside = _splits_word if whole else _splits_syllable
    inner = range(1, len(folded))
    borders = {at for at in inner if places[at - 1] < places[at] and not inside(folded[at - 1], folded[at])}
    return borders | {0, len(folded)}


def _splits_word(before: str, after: str) -> bool:
    return _in_word(before) and _in_word(after)


def _in_word(letter: str) -> bool:
    """Letters, marks and digits; Python's own word characters leave out the vowel signs of Indic scripts."""
    return letter in JOINERS or unicodedata.category(letter)[0] in "LMN"


def _splits_syllable(before: str, after: str) -> bool:
    """Say whether a vowel or a mark would be cut from its consonant, or a stacked consonant from the one above."""
    cut_behind = after in VOWELS_BEHIND or unicodedata.category(after)[0] == "M"
    return cut_behind or before in VOWELS_BEFORE or unicodedata.combining(before) == VIRAMA


def _fold(text: str) -> tuple[str, list[int]]:
    """Fold case, compose accents; returns the new text, and where each of its letters, and its end, was in `text`.

    The dots of i are let go, as which capital has which is a matter of the language.
    """
    folded: list[str] = []
    places: list[int] = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        piece = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text[start:end]).casefold())
        piece = piece.replace("i\u0307", "i").replace("ı", "i")
        folded.append(piece)
        places += [start] * len(piece)
        start = end
    return "".join(folded), [*places, len(text)]
