"""The language of texts by a detector, for pools that do not say it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from xalign.corpora import resolve_language
from xalign.errors import SettingError, XalignError

LONGEST = 400
"""Characters read: more of a text tells a detector nothing new."""


def detect_languages(texts: Sequence[str], among: tuple[str, ...] = ()) -> list[str]:
    """Detect the language of every text, in low accuracy mode, which is fast and meant for sentences and longer.

    Args:
        texts: Any number.
        among: Codes to choose from; none for all that the detector knows.

    Returns:
        Codes; "und" where the detector cannot tell.

    Raises:
        XalignError: If lingua is not installed.
        SettingError: If the detector knows fewer than two of `among`.
    """
    from xalign.selecting.pools.reading import UNKNOWN

    codes = _codes()
    found = _detector(among).detect_languages_in_parallel_of([text[:LONGEST] for text in texts])
    return [UNKNOWN if language is None else codes[language] for language in found]


@lru_cache(maxsize=2)
def _detector(among: tuple[str, ...]) -> Any:
    lingua = _lingua()
    if not among:
        return lingua.LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().build()
    wanted = {resolve_language(code).code.split("_")[0] for code in among}
    known = [language for language, code in _codes().items() if code.split("_")[0] in wanted]
    if len(known) < 2:
        raise SettingError(f"detect must name two languages or more that the detector knows, got {', '.join(among)}")
    return lingua.LanguageDetectorBuilder.from_languages(*known).with_low_accuracy_mode().build()


@lru_cache(maxsize=1)
def _codes() -> dict[Any, str]:
    return {
        language: resolve_language(language.iso_code_639_3.name.lower()).code for language in _lingua().Language.all()
    }


def _lingua() -> Any:
    try:
        import lingua
    except ImportError as error:
        raise XalignError(
            "detecting languages needs lingua: pip install lingua-language-detector, or name the field that says the "
            "language with --language-field (language_field)"
        ) from error
    return lingua
