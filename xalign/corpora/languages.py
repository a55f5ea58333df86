"""Any spelling of a language becomes one code, `swh_Latn`: ISO 639-3, underscore, ISO 15924."""

import difflib
import logging
import re
from dataclasses import dataclass
from functools import cache

from xalign.corpora.language_tables import (
    AMBIGUOUS,
    CONVENTIONAL_MEMBER,
    NAMES,
    SCRIPT_NAMES,
    STYLES,
    USUAL_SCRIPT,
)
from xalign.errors import UnknownNameError

logger = logging.getLogger(__name__)

_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{4}|[-_][A-Za-z]{2}|[-_][0-9]{3}){0,2}")
_NAME_WITH_SCRIPT = re.compile(r"(?P<language>.+) \((?P<script>.+?)(?: script)?\)")


@dataclass(frozen=True)
class Language:
    """A language in a script.

    Attributes:
        code: ISO 639-3 code, underscore, ISO 15924 script: `swh_Latn`.
        name: In words, with the script where it is not the usual one: `Arabic (Latin script)`.
        script: The script in words: `Latin`.
    """

    code: str
    name: str
    script: str


@cache
def resolve_language(name: str) -> Language:
    """Find the language that a code or an English name means.

    Args:
        name: `swh_Latn`, `swh`, `sw`, `zh-Hans`, `zh-TW` (the region chooses the script), `Swahili`,
            `Chinese (Simplified)`; case and `_` for a space do not matter. A macrolanguage stands for its usual member
            (`ar` for `arb_Arab`), a language without a script for its usual one.

    Returns:
        The language; resolving its code or its name again gives the same.

    Raises:
        UnknownNameError: If nothing is called that, or several things are; the message names the nearest.
    """
    text = name.strip()
    code = _code_of_tag(text) or _code_of_name(text)
    if code is None:
        raise UnknownNameError(
            f"language must be a code such as swh_Latn, swh or sw, or an English name, got {name!r}; "
            f"nearest: {', '.join(_nearest(text)) or 'none'}"
        )
    return Language(code, language_name(code), script_of(code))


def language_name(code: str) -> str:
    """Say a code in words: `Swahili`, `Chinese (Simplified)`, `Arabic (Latin script)`."""
    language, script = code.split("_")
    name = NAMES.get(language) or _english(_short(language)) or language
    if script == _usual_script(language) and language != "zho":
        return name
    return f"{name} ({STYLES.get(script) or script_of(code) + ' script'})"


def script_of(code: str) -> str:
    """Name the script of a code in words: `Latin` for `swh_Latn`."""
    script = code.split("_")[1]
    return SCRIPT_NAMES.get(script) or _english(script) or script


def is_code_like(name: str) -> bool:
    """Whether `name` is a code, not a word, that `resolve_language` knows: file names are searched for these."""
    try:
        return _code_of_tag(name) is not None
    except UnknownNameError:
        return False


def _code_of_tag(text: str) -> str | None:
    """Read `sw`, `swh_Latn`, `zh-TW`; None if `text` is no tag of a known language."""
    if not _TAG.fullmatch(text):
        return None
    head, *rest = re.split("[-_]", text)
    script = next((part.title() for part in rest if len(part) == 4), None)
    region = next((part.upper() for part in rest if len(part) < 4), None)
    language = _alpha3(head.lower())
    if language is None or (script is not None and not _english(script)):
        return None
    return _code(language, script, region)


def _code_of_name(text: str) -> str | None:
    """Read `Swahili`, `toba_batak`, `Chinese (Simplified)`; None if no language is called that."""
    words = text.replace("_", " ")
    found = _by_english_name(words)
    if found is not None:
        return found
    parts = _NAME_WITH_SCRIPT.fullmatch(words)
    script = _script_called(parts["script"]) if parts else None
    language = _by_english_name(parts["language"]) if parts else None
    return f"{language.split('_')[0]}_{script}" if language and script else None


def _code(language: str, script: str | None, region: str | None) -> str:
    if language in AMBIGUOUS:
        instead = ", ".join(AMBIGUOUS[language]) or "the code of one language"
        raise UnknownNameError(f"language must be one written language, got {language!r}; write {instead}")
    language = CONVENTIONAL_MEMBER.get(language, language)
    return f"{language}_{script or _usual_script(language, region)}"


def _usual_script(language: str, region: str | None = None) -> str:
    """The script by table, else by CLDR's likely subtags of the language or of its macrolanguage, else Latin."""
    from langcodes import Language as Tag
    from langcodes.data_dicts import LIKELY_SUBTAGS, MACROLANGUAGES

    if language in USUAL_SCRIPT:
        return USUAL_SCRIPT[language]
    short = _short(language)
    for subtag in (short, MACROLANGUAGES.get(short)):
        if subtag in LIKELY_SUBTAGS:
            return str(Tag.make(language=subtag, territory=region).maximize().script)
    logger.warning("no usual script is known for %s; Latin is assumed: write %s_Xxxx for another", language, language)
    return "Latn"


def _alpha3(subtag: str) -> str | None:
    """The ISO 639-3 code of a known 2- or 3-letter subtag, the bibliographic ones (`ger`) included."""
    from langcodes.data_dicts import LANGUAGE_ALPHA3, LANGUAGE_ALPHA3_BIBLIOGRAPHIC

    bibliographic = {code: LANGUAGE_ALPHA3[short] for short, code in LANGUAGE_ALPHA3_BIBLIOGRAPHIC.items()}
    code = LANGUAGE_ALPHA3.get(subtag) if len(subtag) == 2 else bibliographic.get(subtag, subtag)
    return code if code is not None and _english(_short(code)) else None


@cache
def _short_codes() -> dict[str, str]:
    from langcodes.data_dicts import LANGUAGE_ALPHA3, LANGUAGE_REPLACEMENTS

    current_last = sorted(LANGUAGE_ALPHA3.items(), key=lambda pair: pair[0] not in LANGUAGE_REPLACEMENTS)
    return {code: short for short, code in current_last if len(short) == 2}


def _short(language: str) -> str:
    """The subtag under which registries keep a language: two letters where there are two."""
    return _short_codes().get(language, language)


@cache
def _english(code: str) -> str | None:
    """The English name of a language subtag or a script."""
    from language_data.names import code_to_names

    name = code_to_names(code).get("en")
    return str(name) if name else None


@cache
def _codes_by_english_name() -> dict[str, str]:
    """Every English name of a language, folded, and its subtag."""
    from language_data.names import load_trie
    from language_data.util import data_filename

    trie = load_trie(data_filename("trie/en/name_to_language.marisa"))
    return {name: value.decode("utf-8") for name, value in trie.items()}


def _by_english_name(words: str) -> str | None:
    from language_data.names import normalize_name

    folded = normalize_name(words)
    own = {normalize_name(name): language for language, name in NAMES.items()}
    if folded in own:
        return _code(own[folded], None, None)
    tag = _codes_by_english_name().get(folded)
    return _code_of_tag(tag) if tag is not None else None


def _script_called(words: str) -> str | None:
    from langcodes.data_dicts import ALL_SCRIPTS

    names = {**{script: _english(script) for script in ALL_SCRIPTS}, **SCRIPT_NAMES, **STYLES}
    return next((script for script, name in names.items() if name and name.casefold() == words.casefold()), None)


def _nearest(text: str) -> list[str]:
    names = _codes_by_english_name()
    close = difflib.get_close_matches(text.replace("_", " ").casefold(), names, n=3, cutoff=0.6)
    return [f"{name.title()} ({names[name]})" for name in close]
