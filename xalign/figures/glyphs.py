"""Words in any script as labels: in a font that has their letters, or romanised where none is installed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from matplotlib import font_manager, ft2font, rcParams

from xalign.errors import CorpusError

NO_LETTERS = ("Last Resort", "cm", "STIX")
"""Fonts that draw boxes instead of letters, or mathematics."""

PREFERRED = ("Noto Sans", "Source Han Sans", "DejaVu Sans")
NO_GLYPH = "□"


@dataclass(frozen=True)
class Labels:
    """Words as they can be drawn.

    Attributes:
        words: In their order.
        families: Fonts to look for their letters in, in this order; for matplotlib's `fontfamily`.
        romanised: Which words are written in Latin letters because no installed font has theirs.
    """

    words: tuple[str, ...]
    families: tuple[str, ...]
    romanised: frozenset[int]


def label_words(words: Sequence[str]) -> Labels:
    """Find fonts for words in any script; those without one are romanised, and said to be.

    Args:
        words: The words of one sentence; what they are read as (Chinese, Japanese) depends on all of them.

    Returns:
        What to draw.
    """
    families = list(rcParams["font.family"])
    missing = _letters(words) - _covered(tuple(families))
    for family, path in _fonts():
        if missing and (has := missing & _charmap(path)):
            families.append(family)
            missing -= has
    odd = [k for k, word in enumerate(words) if missing.intersection(word)]
    written = list(words)
    for k, romanised in zip(odd, _romanise([words[k] for k in odd], words), strict=True):
        written[k] = romanised if _letters([romanised]) <= _covered(tuple(families)) else NO_GLYPH
    return Labels(tuple(written), tuple(families), frozenset(odd))


def _letters(words: Iterable[str]) -> set[str]:
    return {letter for word in words for letter in word if letter.isprintable() and not letter.isspace()}


@cache
def _covered(families: tuple[str, ...]) -> frozenset[str]:
    paths = [font_manager.findfont(font_manager.FontProperties(family=[family])) for family in families]
    return frozenset().union(*(_charmap(path) for path in paths))


@cache
def _charmap(path: str) -> frozenset[str]:
    try:
        return frozenset(map(chr, ft2font.FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):  # a font file that FreeType cannot read
        return frozenset()


@cache
def _fonts() -> tuple[tuple[str, str], ...]:
    """Every installed upright font of usual weight, well-known families first."""
    found = {
        (entry.name, str(entry.fname))
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal" and entry.weight in (400, "normal", "regular", "book")
    }
    fit = [font for font in found if not font[0].startswith(NO_LETTERS)]
    return tuple(sorted(fit, key=lambda font: (not font[0].startswith(PREFERRED), font)))


def _romanise(words: Sequence[str], sentence: Sequence[str]) -> list[str]:
    if not words:
        return []
    from xalign.romanising import romanise

    text, found = "".join(sentence), []
    kana, han = (any(low <= letter <= high for letter in text) for low, high in (("ぁ", "ヿ"), ("一", "鿿")))
    language = "jpn_Jpan" if kana else "zho_Hans" if han else "eng_Latn"
    for word in words:
        try:
            found += romanise([word], language, progress=False)
        except CorpusError:
            found.append(NO_GLYPH)
    return found
