"""Languages, probes and numbers as pictures and pages print them."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

import numpy as np

from xalign.measures import MEASURES


def probe_title(probe: str) -> str:
    """Name a probe as a figure does; one that is not in the table keeps its own name, underscores as spaces."""
    return MEASURES[probe].title if probe in MEASURES else probe.replace("_", " ")


def model_title(model: str) -> str:
    """Shorten a local path to its last part; a hub name (`owner/name`) stays whole."""
    path = PurePath(model)
    return path.name if path.is_absolute() or len(path.parts) > 2 else model


def name_languages(languages: Iterable[str]) -> dict[str, str]:
    """Give each language code its name in words; two codes with one name keep the code beside it.

    A code that is no language (a dialect label of the caller's own) stands for itself.
    """
    names = {language: _one_name(language) for language in dict.fromkeys(languages)}
    shared = {name for name, count in Counter(names.values()).items() if count > 1}
    return {language: f"{name} ({language})" if name in shared else name for language, name in names.items()}


def two_decimals(value: float) -> str:
    """Two decimals without the leading zero and with a true minus, as in the tables of papers; a dash for NaN."""
    if not np.isfinite(value):
        return "–"
    digits = f"{abs(value):.2f}"
    return ("−" if value < 0 and float(digits) else "") + (digits[1:] if digits.startswith("0") else digits)


def _one_name(language: str) -> str:
    from xalign.corpora.languages import language_name

    try:
        return language_name(language)
    except ValueError:
        return language
