"""Read a lexicon: a file of concepts, and a file of their words for each language."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from xalign.errors import CorpusError, UnknownNameError
from xalign.names import nearest

CONCEPTS_FILE = "concepts.tsv"
HEADERS = {CONCEPTS_FILE: ("concept", "category")}
WORDS_HEADER = ("concept", "forms")


@dataclass(frozen=True)
class Lexicon:
    """Words for the same concepts in several languages.

    Attributes:
        concepts: An English key for each concept.
        categories: What it belongs to, such as "animals".
        languages: Language codes.
        words: By language, for each concept one or more forms, the citation form first.
    """

    concepts: tuple[str, ...]
    categories: tuple[str, ...]
    languages: tuple[str, ...]
    words: Mapping[str, tuple[tuple[str, ...], ...]]

    def select(self, languages: Sequence[str]) -> "Lexicon":
        """Keep these languages, in this order.

        Raises:
            UnknownNameError: If one is not there; the nearest is told.
        """
        for language in languages:
            if language not in self.words:
                raise UnknownNameError(
                    f"the lexicon has no language {language!r}{nearest(language, self.languages)}; it has "
                    f"{', '.join(self.languages)}"
                )
        kept = {language: self.words[language] for language in languages}
        return Lexicon(self.concepts, self.categories, tuple(languages), kept)


def load_lexicon(folder: str | Path | None = None) -> Lexicon:
    """Read a lexicon from a folder.

    Args:
        folder: Holds `concepts.tsv` (columns concept, category) and a file `<language code>.tsv` per language (columns
            concept, forms), all with the same concepts in the same order; forms stand between `|`. UTF-8, with or
            without a BOM, any line ends. None is the embedded lexicon.

    Raises:
        CorpusError: If a file is missing, has another header or another concept than `concepts.tsv`, an entry is empty,
            or a text is not in Unicode's NFC; names file and line.
    """
    place = Path(str(files(__package__))) if folder is None else Path(folder)
    concepts = _read(place / CONCEPTS_FILE, HEADERS[CONCEPTS_FILE])
    keys = tuple(key for key, _ in concepts)
    paths = sorted(path for path in place.glob("*.tsv") if path.name != CONCEPTS_FILE)
    if not paths:
        raise CorpusError(f"{place} must hold a file of words per language, such as deu_Latn.tsv; got none")
    words = {path.stem: tuple(_forms(path, keys)) for path in paths}
    return Lexicon(keys, tuple(category for _, category in concepts), tuple(words), words)


def _forms(path: Path, keys: Sequence[str]) -> Iterator[tuple[str, ...]]:
    rows = _read(path, WORDS_HEADER)
    if len(rows) != len(keys):
        raise CorpusError(f"{path} must have a line for each of {len(keys)} concepts, got {len(rows)}")
    for number, ((key, cell), expected) in enumerate(zip(rows, keys, strict=True), start=2):
        if key != expected:
            raise CorpusError(f"{path}:{number} must be of concept {expected!r}, as in {CONCEPTS_FILE}, got {key!r}")
        forms = tuple(form.strip() for form in cell.split("|"))
        if not all(forms):
            raise CorpusError(f"{path}:{number}: concept {key!r} must have a word between its bars, got {cell!r}")
        yield forms


def _read(path: Path, header: tuple[str, str]) -> list[tuple[str, str]]:
    if not path.is_file():
        raise CorpusError(f"{path} is missing; a lexicon is a folder with {CONCEPTS_FILE} and a file per language")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} must be UTF-8, got byte {error.object[error.start]:#x} at {error.start}") from error
    rows = [tuple(line.split("\t")) for line in lines]
    if not rows or rows[0] != header:
        raise CorpusError(f"{path}:1 must name the columns {header[0]} and {header[1]}, got {lines[:1]}")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != 2 or not all(cell.strip() for cell in row):
            raise CorpusError(f"{path}:{number} must hold {header[0]} and {header[1]}, neither empty, got {list(row)}")
        if not all(unicodedata.is_normalized("NFC", cell) for cell in row):
            raise CorpusError(f"{path}:{number} must be in Unicode's NFC, got {list(row)}; normalise the file")
    return [(first, second) for first, second in rows[1:]]
