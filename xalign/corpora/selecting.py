"""What a caller asks of a corpus by name or number, or an error that names the nearest."""

import difflib
from collections.abc import Mapping, Sequence

from xalign.corpora.languages import language_name, resolve_language
from xalign.errors import CorpusError, UnknownNameError


def pick_languages(
    wanted: Sequence[str], codes: Sequence[str], resolution: Mapping[str, str], corpus: str
) -> tuple[str, ...]:
    """Turn any spelling of languages into codes of the corpus.

    Args:
        wanted: Codes, names, or the spellings of the source.
        codes: The codes that the corpus has.
        resolution: The source's own spellings and their codes; these go first.
        corpus: The corpus' name, for messages.

    Returns:
        The codes, without repeats, in the order of `wanted`.

    Raises:
        UnknownNameError: If a language is unknown or not in the corpus.
        CorpusError: If `wanted` is empty or a single string.
    """
    if isinstance(wanted, str) or not wanted:
        raise CorpusError(f"languages must be a non-empty list such as ['deu_Latn', 'swh_Latn'], got {wanted!r}")
    return tuple(dict.fromkeys(_pick(name, codes, resolution, corpus) for name in wanted))


def pivot_among(pivot: str, codes: Sequence[str], corpus: str) -> str:
    """The code of the pivot, which the corpus must have."""
    code = resolve_language(pivot).code
    if code not in codes:
        raise CorpusError(f"pivot must be a language of {corpus}, got {pivot!r}; it has {_some(codes)}")
    return code


def pick_split(split: str, splits: Sequence[str] | None, corpus: str) -> str:
    """The split, which the corpus must have."""
    if splits is None:
        raise UnknownNameError(f"split must be None, got {split!r}: {corpus} has no splits")
    names = list(dict.fromkeys(splits))
    if split not in names:
        raise UnknownNameError(f"split must be one of {', '.join(names)}, got {split!r}{nearest_hint(split, names)}")
    return split


def first_rows(limit: int, n: int) -> int:
    """The number of rows that `limit` leaves."""
    if limit < 4:
        raise CorpusError(f"limit must be at least 4, got {limit}; nothing can be measured on fewer sentences")
    return min(limit, n)


def nearest_hint(name: str, names: Sequence[str]) -> str:
    """`; nearest: a, b`, or nothing when nothing is near."""
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"; nearest: {', '.join(close)}" if close else ""


def _pick(name: str, codes: Sequence[str], resolution: Mapping[str, str], corpus: str) -> str:
    code = resolution[name] if name in resolution else resolve_language(name).code
    if code in codes:
        return code
    raise UnknownNameError(
        f"languages must be among those of {corpus}, got {name!r} ({code}); nearest: {', '.join(_nearest(code, codes))}"
    )


def _nearest(code: str, codes: Sequence[str]) -> list[str]:
    """Same language in another script first, then near codes and near names."""
    names = {language_name(other): other for other in codes}
    same = [other for other in codes if other.split("_")[0] == code.split("_")[0]]
    near = difflib.get_close_matches(code, codes, n=3, cutoff=0.5)
    named = [names[name] for name in difflib.get_close_matches(language_name(code), names, n=2, cutoff=0.5)]
    return list(dict.fromkeys(same + near + named))[:4] or list(codes[:4])


def _some(codes: Sequence[str]) -> str:
    return ", ".join(codes[:8]) + (f" and {len(codes) - 8} more" if len(codes) > 8 else "")
