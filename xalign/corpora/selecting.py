"""What a caller asks of a corpus by name or number, or an error that names the nearest."""

import difflib
from collections.abc import Mapping, Sequence

from xalign.corpora.languages import language_name, resolve_language
from xalign.errors import CorpusError, UnknownNameError
from xalign.names import nearest


def pick_languages(
    wanted: str | Sequence[str], codes: Sequence[str], resolution: Mapping[str, str], corpus: str
) -> tuple[str, ...]:
    """Turn any spelling of languages into codes of the corpus.

    Args:
        wanted: Codes, names, or the spellings of the source; a single string is one language.
        codes: The codes that the corpus has.
        resolution: The source's own spellings and their codes; these go first.
        corpus: The corpus' name, for messages.

    Returns:
        The codes, without repeats, in the order of `wanted`.

    Raises:
        UnknownNameError: If a language is unknown or not in the corpus.
        CorpusError: If `wanted` is empty.
    """
    names = language_list(wanted)
    return tuple(dict.fromkeys(_pick(name, codes, resolution, corpus) for name in names))


def language_list(languages: str | Sequence[str]) -> list[str]:
    """What was asked for as a list: a single string is one language; an empty list is refused."""
    if isinstance(languages, str):
        return [languages]
    if not languages:
        raise CorpusError(
            f"languages must name at least one language, such as ['deu_Latn', 'swh_Latn'], got {languages!r}; "
            "leave it out (None) for all of the corpus"
        )
    return list(languages)


def only_pivot(pivot: str, corpus: str) -> CorpusError:
    """Say that a language is missing beside the pivot of bitexts."""
    return CorpusError(
        f"languages must name another language of {corpus} beside the pivot, got {pivot} alone; "
        "every bitext has it anyway: name another language too, or leave languages out (None) for all bitexts"
    )


def pivot_among(pivot: str, codes: Sequence[str], corpus: str) -> str:
    """The code of the pivot, which the corpus must have."""
    code = resolve_language(pivot).code
    if code not in codes:
        raise CorpusError(f"pivot must be a language of {corpus}, got {pivot!r}; it has {some_of(codes)}")
    return code


def pick_split(split: str, splits: Sequence[str] | None, corpus: str) -> str:
    """The split, which the corpus must have."""
    if splits is None:
        raise UnknownNameError(f"split must be None, got {split!r}: {corpus} has no splits")
    names = list(dict.fromkeys(splits))
    if split not in names:
        raise UnknownNameError(f"split must be one of {', '.join(names)}, got {split!r}{nearest(split, names)}")
    return split


def first_rows(limit: int, n: int) -> int:
    """The number of rows that `limit` leaves."""
    if limit < 4:
        raise CorpusError(f"limit must be at least 4, got {limit}; nothing can be measured on fewer sentences")
    return min(limit, n)


def some_of(codes: Sequence[str]) -> str:
    """The first codes, and how many more there are."""
    return ", ".join(codes[:8]) + (f" and {len(codes) - 8} more" if len(codes) > 8 else "")


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
