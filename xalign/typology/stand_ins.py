"""Under which code a source keeps a language, where that is not the language's own.

Sources disagree on what gets a code: WALS keeps Latvian as `lav`, FLORES-200 as `lvs`; URIEL gives `zho` one ancestor
and `cmn` four. Every exception stands here, by hand; nothing else is ever substituted, and a table lists those it used.
A language is read under another code only if that code is the same written language, its macrolanguage, a member of
that, or the variety it is a standard of, and the source knows nothing, or next to nothing, under its own.
"""

from collections.abc import Mapping

_MEMBER_OF: Mapping[str, str] = {
    "dik": "din",  # Southwestern Dinka is the written Dinka of FLORES
    "ltg": "lav",  # Latgalian: the macrolanguage is all that sources have
    "lvs": "lav",
    "nno": "nor",
}
_STANDARD_OF: Mapping[str, str] = {"est": "ekk", "grn": "gug", "zho": "cmn"}
_SERBO_CROATIAN: Mapping[str, str] = {"bos": "hbs", "hrv": "hbs", "srp": "hbs"}

#: URIEL's predicted (and attested) features: own rows of these rest on no observation, or (gaz, npi) on under twenty.
_URIEL: Mapping[str, str] = {**_MEMBER_OF, "gaz": "orm", "npi": "nep", "nqo": "emk", "ory": "ori", "pbt": "pus"}

#: URIEL's families: these have no ancestor under their own code (zho: one), and are no isolates.
_GENETIC: Mapping[str, str] = {
    "ekk": "est",
    "ltg": "lav",
    "lvs": "lav",
    "nno": "nor",
    "nob": "nor",
    "nqo": "emk",  # N'Ko writes Manding; Eastern Maninka is its base
    "twi": "aka",
    "zho": "cmn",
}

#: Glottocodes and coordinates: macrolanguages have none.
_GLOTTOLOG: Mapping[str, str] = {
    **_STANDARD_OF,
    "kon": "kng",
    "nqo": "emk",
    "srd": "src",  # Logudorese; Campidanese is 160 km south
}

_GRAMBANK: Mapping[str, str] = {**_STANDARD_OF, **_SERBO_CROATIAN, "lvs": "lav", "twi": "aka"}

_WALS: Mapping[str, str] = {
    **_STANDARD_OF,
    **_SERBO_CROATIAN,
    "als": "sqi",
    "dik": "din",
    "lvs": "lav",
    "nno": "nor",
    "nob": "nor",
    "twi": "aka",
}

STAND_INS: Mapping[str, Mapping[str, str]] = {
    "uriel.syntax": _URIEL,
    "uriel.phonology": _URIEL,
    "uriel.inventory": _URIEL,
    "uriel.genetic": _GENETIC,
    "uriel.geographic": _GLOTTOLOG,
    "grambank": _GRAMBANK,
    "wals": _WALS,
    "resources": _GLOTTOLOG,
}

#: Languages without known relatives: URIEL gives them no ancestor, as it does those that it merely does not place.
ISOLATES: Mapping[str, str] = {
    "bsk": "Burushaski",
    "eus": "Basque",
    "ito": "Itonama",
    "kgg": "Kusunda",
    "niv": "Nivkh",
    "sux": "Sumerian",
    "tun": "Tunica",
    "yuc": "Yuchi",
    "zun": "Zuni",
}


def read_as(kind: str, code: str) -> str:
    """The ISO 639-3 code under which a source keeps a language: its own, but for the exceptions."""
    language = code.split("_")[0]
    return STAND_INS[kind].get(language, language)


def all_stand_ins() -> set[str]:
    """Every code that stands in for another."""
    return {code for exceptions in STAND_INS.values() for code in exceptions.values()}
