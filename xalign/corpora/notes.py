"""What a reader should know about the texts of a corpus, and the corpus in words."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from xalign.corpora.duplicates import count_duplicates
from xalign.corpora.languages import language_name

_PROBED = 50
#: How Unicode's character names begin in each script; only scripts that are told apart this way.
_ALPHABETS = {
    "Arab": "ARABIC",
    "Armn": "ARMENIAN",
    "Beng": "BENGALI",
    "Cyrl": "CYRILLIC",
    "Deva": "DEVANAGARI",
    "Ethi": "ETHIOPIC",
    "Geor": "GEORGIAN",
    "Grek": "GREEK",
    "Hebr": "HEBREW",
    "Latn": "LATIN",
    "Tfng": "TIFINAGH",
}


@runtime_checkable
class Described(Protocol):
    """What `describe_corpus` reads."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The language codes."""

    @property
    def resolution(self) -> Mapping[str, str]:
        """How names in the source became codes."""

    @property
    def fingerprint(self) -> str:
        """A hash of the content."""

    def notes(self) -> tuple[str, ...]:
        """Say what a reader should know."""


def notes_of(sentences: Mapping[str, Sequence[str]], *, check_scripts: bool = True) -> tuple[str, ...]:
    """List, with counts by language, what is unusual: not NFC, duplicates, spaces at the ends, another script.

    Args:
        sentences: The texts by language code.
        check_scripts: Whether to compare the alphabet with the code.

    Returns:
        One sentence for each kind that occurs.
    """
    kinds = {
        "sentences are not NFC (normalise='NFC' makes them)": not_nfc(sentences),
        "sentences equal another of their language": _count(sentences, count_duplicates),
        "sentences begin or end with white space": _count(sentences, _with_space),
    }
    counted = [f"{sum(by.values())} {what}: {_listed(by)}" for what, by in kinds.items() if by]
    return tuple(counted + (_other_scripts(sentences) if check_scripts else []))


def not_nfc(sentences: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Count by language the sentences that NFC would change; languages without any are left out."""
    return _count(sentences, lambda texts: sum(not unicodedata.is_normalized("NFC", text) for text in texts))


def describe_corpus(corpus: Described, size: str, details: Sequence[str]) -> str:
    """Put a corpus in words, a fact to a line.

    Args:
        corpus: What is described.
        size: The line on how much there is.
        details: Further lines.
    """
    named = ", ".join(f"{language_name(code)} [{code}]" for code in corpus.languages)
    changed = [f"{source} -> {code}" for source, code in corpus.resolution.items() if source != code]
    lines = [f"{corpus.name}: {size}", f"languages: {named}", *details]
    lines += [f"resolved: {', '.join(changed)}"] if changed else []
    lines += [f"note: {note}" for note in corpus.notes()]
    return "\n".join([*lines, f"fingerprint: {corpus.fingerprint[:16]}"])


def _count(sentences: Mapping[str, Sequence[str]], how: Callable[[Sequence[str]], int]) -> dict[str, int]:
    counts = {language: how(texts) for language, texts in sentences.items()}
    return {language: count for language, count in counts.items() if count}


def _with_space(texts: Sequence[str]) -> int:
    return sum(text != text.strip() for text in texts)


def _listed(by_language: Mapping[str, int]) -> str:
    most = sorted(by_language.items(), key=lambda pair: -pair[1])
    rest = f" and {len(most) - 6} more languages" if len(most) > 6 else ""
    return ", ".join(f"{language} {count}" for language, count in most[:6]) + rest


def _other_scripts(sentences: Mapping[str, Sequence[str]]) -> list[str]:
    """A note for each language whose first sentences are written in another alphabet than its code says."""
    found = {language: _alphabet(texts[:_PROBED]) for language, texts in sentences.items()}
    expected = {language: _ALPHABETS.get(language.split("_")[1]) for language in sentences}
    return [
        f"{language} is mostly written in {found[language].title()} letters"
        for language in sentences
        if expected[language] and found[language] and expected[language] != found[language]
    ]


def _alphabet(texts: Sequence[str]) -> str:
    letters = Counter(character for text in texts for character in text if character.isalpha())
    words: Counter[str] = Counter()
    for letter, count in letters.items():
        words[unicodedata.name(letter, "UNNAMED").split()[0]] += count
    return words.most_common(1)[0][0] if words else ""
