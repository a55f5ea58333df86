"""A table of features by language, and the language codes that it is asked for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from xalign.errors import UnknownNameError
from xalign.names import nearest

#: What a table can hold.
KINDS = (
    "uriel.syntax",
    "uriel.phonology",
    "uriel.inventory",
    "uriel.genetic",
    "uriel.geographic",
    "grambank",
    "wals",
    "script",
)

_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")


#: The way out of missing features that is always open.
LEAVE_OUT = "leave them out (select_languages does with drop_missing=True, xalign languages with --drop-missing)"


class MissingFeaturesError(UnknownNameError):
    """Languages have no features, or too few; `languages` names them, so that a caller can leave them out.

    Attributes:
        languages: Who lacks something.
        lack: What it is, as in "no wals features".
    """

    def __init__(self, message: str, languages: Sequence[str], *, lack: str):
        super().__init__(message)
        self.languages = tuple(languages)
        self.lack = lack


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of languages.

    Attributes:
        languages: Codes, a row each.
        features: Names, a column each.
        values: Numbers, NaN where missing. 0 or 1 for URIEL's features, ancestors and scripts; degrees for
            coordinates; the number of the category (in the source's or the alphabet's order) for Grambank and WALS.
        kind: One of `KINDS`.
        source: Where the values are from, in words.
        licence: Of the values.
        stand_ins: For each language that was read under another code, that code: `{"lvs_Latn": "lav"}`.
    """

    languages: tuple[str, ...]
    features: tuple[str, ...]
    values: Float[np.ndarray, "m f"]
    kind: str
    source: str
    licence: str
    stand_ins: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """One line: how much there is, how much of it is missing, and from where."""
        missing = np.isnan(self.values).mean()
        return (
            f"FeatureTable({self.kind}: {len(self.languages)} languages, {len(self.features)} features, "
            f"{missing:.0%} missing, {len(self.stand_ins)} read under another code, from {self.source})"
        )

    @property
    def coverage(self) -> Float[np.ndarray, " m"]:
        """The share of features that each language has."""
        return (~np.isnan(self.values)).mean(axis=1)


def is_code(name: str) -> bool:
    """Say whether a name is written as codes are: swh_Latn."""
    return _CODE.fullmatch(name) is not None


def checked_kind(kind: str) -> str:
    """Return `kind` if there is such a table."""
    if kind not in KINDS:
        raise UnknownNameError(f"unknown features {kind!r}{nearest(kind, KINDS)}; known are {', '.join(KINDS)}")
    return kind


def checked_languages(languages: Sequence[str]) -> tuple[str, ...]:
    """Return the codes of languages, none twice; names that are no codes are looked up.

    Raises:
        UnknownNameError: If a name is unknown, a language is given twice, or none is given.
    """
    from xalign.corpora.languages import resolve_language

    given = [languages] if isinstance(languages, str) else list(languages)
    codes = tuple(name if is_code(name) else resolve_language(name).code for name in given)
    if not codes:
        raise UnknownNameError("languages must name at least one language, got none")
    repeated = sorted({code for code in codes if codes.count(code) > 1})
    if repeated:
        raise UnknownNameError(f"languages must be named once each, got {', '.join(repeated)} again")
    return codes


def listed(names: Sequence[str], *, most: int = 12) -> str:
    """Join names for a message; a long list is cut and counted."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
