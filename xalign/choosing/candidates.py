"""The pool that languages are chosen from: a known list, a file, a corpus, or names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xalign.choosing.flores import FLORES
from xalign.corpora import Corpus, load_corpus, resolve_language
from xalign.embedded import CORPUS_NAME, corpus_folder
from xalign.errors import SettingError, UnknownNameError
from xalign.language_lists import read_languages

LISTED = (".json", ".txt", ".list")
NAMED = ("flores", "embedded")
Candidates = str | Path | Sequence[str] | Corpus


def find_candidates(candidates: Candidates) -> tuple[str, ...]:
    """Find the languages that a choice is made from.

    Args:
        candidates: "flores" (the 205 of FLORES-200), "embedded" (the 24 of xalign-100), names in any spelling as a list
            or with commas between, a list in a file (`.json` as `xalign languages` writes it, `.txt` with a name a
            line), or a corpus: what `load_corpus` returned, or its file, folder or name.

    Returns:
        Codes, each once, in the order given.

    Raises:
        SettingError: If none is named, or a list cannot be read.
        UnknownNameError: If a name is no language.
        CorpusError: If a corpus cannot be read.
    """
    names = _names(candidates)
    codes = tuple(dict.fromkeys(resolve_language(name).code for name in names))
    if not codes:
        raise SettingError(f"candidates must name languages, got none in {str(candidates)!r}")
    return codes


def resolve_all(languages: str | Sequence[str]) -> tuple[str, ...]:
    """Turn names in any spelling, as a list or with commas between, into codes, each once; none stays none."""
    names = languages.split(",") if isinstance(languages, str) else languages
    return tuple(dict.fromkeys(resolve_language(name).code for name in names if name.strip()))


def _names(candidates: Candidates) -> Sequence[str]:
    if isinstance(candidates, Corpus):
        return candidates.languages
    if isinstance(candidates, str | Path):
        return _found_by_name(str(candidates))
    return list(candidates)


def _found_by_name(text: str) -> Sequence[str]:
    """What one word or path stands for."""
    if text in NAMED:
        return FLORES if text == "flores" else tuple(sorted(path.stem for path in corpus_folder().glob("*.tsv")))
    if text.startswith("@"):
        return read_languages(text)
    path = Path(text).expanduser()
    if path.suffix in LISTED and path.is_file():
        return read_languages(f"@{path}") if path.suffix == ".json" else _lines(path)
    if path.exists() or text == CORPUS_NAME or "/" in text:
        return load_corpus(text, limit=4).languages
    return _spelled(text)


def _lines(path: Path) -> list[str]:
    """A name a line; what follows a # is a remark."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def _spelled(text: str) -> Sequence[str]:
    try:
        return resolve_all(text)
    except UnknownNameError as error:
        raise UnknownNameError(
            f"candidates must be {', '.join(NAMED)}, names of languages, or a file or corpus that is there, got "
            f"{text!r}: {error}"
        ) from error
