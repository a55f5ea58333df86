"""Any script in Latin letters, so that the same sentence can be compared in two scripts."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from tqdm import tqdm

from xalign.corpora import resolve_language
from xalign.errors import CorpusError

MACROLANGUAGES = {"ar": "ara", "fa": "fas", "lv": "lav", "ps": "pus", "yi": "yid"}
"""Languages by whose macrolanguage uroman's rules go."""


def romanise(sentences: Sequence[str], language: str, *, progress: bool = True) -> list[str]:
    """Write sentences in Latin letters with uroman, the universal romaniser.

    Romanised text is written, not spoken: Arabic keeps its missing vowels, Japanese kanji are read as if they were
    Chinese, number words of Chinese and Japanese become digits. What is ASCII stays as it is. The same sentence is
    romanised once.

    Args:
        sentences: Any number of them, none blank.
        language: Their language, in any spelling that `resolve_language` knows; a few scripts are read in more ways
            than one.
        progress: Show a bar on stderr.

    Returns:
        The sentences in their order; about 2.5 ms each.

    Raises:
        TypeError: If `sentences` is one string.
        UnknownNameError: If nothing is called `language`.
        CorpusError: If a sentence is romanised to nothing; the message names the row.

    References:
        Hermjakob, May & Knight (2018), Out-of-the-box Universal Romanization Tool uroman, ACL demo track,
            https://aclanthology.org/P18-4003.
    """
    if isinstance(sentences, str):
        raise TypeError("sentences must be a list of strings, got one string; put it into a list")
    code = resolve_language(language).code
    known: dict[str, str] = {}
    bar = tqdm(sentences, desc=f"romanising {code}", unit=" sentences", disable=not progress, leave=False)
    with bar:
        for row, text in enumerate(bar):
            if text not in known:
                known[text] = _romanise(text, code, row)
    return [known[text] for text in sentences]


def _romanise(text: str, code: str, row: int) -> str:
    romanised = str(_uroman().romanize_string(text, lcode=uroman_code(code))).strip()
    if not romanised:
        raise CorpusError(
            f"sentences[{row}] ({code}) must have letters that can be romanised, but {text!r} becomes nothing; leave "
            "the row out in every language"
        )
    return romanised


def uroman_code(code: str) -> str:
    """Return the ISO 639-3 code by which uroman's rules know a language: `fas` for `pes_Arab`."""
    from langcodes.data_dicts import MACROLANGUAGES as MEMBER_OF

    language = code.split("_")[0]
    return MACROLANGUAGES.get(str(MEMBER_OF.get(language)), language)


@cache
def _uroman() -> Any:
    """Load uroman's tables once (2 s). Its own cache stays off: with it, Chinese and Thai come out otherwise."""
    from uroman import Uroman

    return Uroman()
