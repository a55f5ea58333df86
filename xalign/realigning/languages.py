"""Which languages a model is realigned on, which it could have been, and which nobody thought of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xalign.corpora import Corpus, language_name
from xalign.corpora.selecting import pick_languages, some_of
from xalign.errors import CorpusError, SettingError
from xalign.names import nearest

if TYPE_CHECKING:
    from xalign.choosing import LanguageSelection

ALL = "all"
CHOSEN, OTHER, UNSEEN = GROUPS = ("chosen", "other", "unseen")


@dataclass(frozen=True)
class Wanted:
    """What was asked for, before a corpus is known.

    Attributes:
        languages: In any spelling; None for all of the corpus.
        candidates: What they were chosen from, where that is known.
        is_choice: Whether they come from a choice that was made before, rather than from a list written here.
    """

    languages: tuple[str, ...] | None
    candidates: tuple[str, ...] | None
    is_choice: bool


@dataclass(frozen=True)
class LanguageGroups:
    """The languages of a corpus beside the pivot, each in one group.

    Attributes:
        pivot: The language that all others are realigned with.
        chosen: The model is realigned on these.
        other: It could have been realigned on these.
        unseen: These were not to be chosen: they stand for languages that no parallel text is at hand for.
        words: How the groups came about, for a reader.
        warnings: What was left out.
    """

    pivot: str
    chosen: tuple[str, ...]
    other: tuple[str, ...]
    unseen: tuple[str, ...]
    words: str
    warnings: tuple[str, ...] = ()

    @property
    def by_language(self) -> dict[str, str]:
        """The group of each language, groups in their order."""
        return {language: group for group, languages in self.items() for language in languages}

    @property
    def languages(self) -> tuple[str, ...]:
        """The pivot, then all others, group by group."""
        return (self.pivot, *self.by_language)

    def items(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The groups that have languages, by name."""
        groups = zip(GROUPS, (self.chosen, self.other, self.unseen), strict=True)
        return tuple((name, languages) for name, languages in groups if languages)


@dataclass(frozen=True)
class Asked:
    """The languages as a caller asks for them.

    Attributes:
        wanted: To realign on; with `choose`, the pool to choose from.
        choose: How many to choose first; None for none.
        unseen: Languages to call unseen, in any spelling.
    """

    wanted: Wanted
    choose: int | None
    unseen: tuple[str, ...]


def read_languages(languages: str | Sequence[str] | LanguageSelection | None, *, choose: int | None = None) -> Wanted:
    """Read an argument `languages`.

    Args:
        languages: Names; one string with commas between; "all"; "@chosen.json" as `xalign languages` writes it; what
            `xalign.select_languages` returned; or None, which means "all" where some are to be chosen from them.
        choose: How many are to be chosen from them.

    Raises:
        SettingError: If it names nothing, or what was chosen already is to be chosen from.
    """
    if languages is None and choose is None:
        raise SettingError(
            "languages must name those to realign on ('all' for every one), or choose how many to choose"
        )
    wanted = Wanted(None, None, is_choice=False) if languages is None else _read(languages)
    if choose is not None and wanted.is_choice:
        raise SettingError(
            "choose chooses languages itself, but languages are a choice already; leave one of the two out, or name "
            "the pool to choose from"
        )
    return wanted


def _read(languages: str | Sequence[str] | LanguageSelection) -> Wanted:
    if isinstance(languages, str):
        return _read_text(languages)
    if hasattr(languages, "languages"):
        candidates = getattr(languages, "candidates", None)
        return Wanted(tuple(languages.languages), None if candidates is None else tuple(candidates), is_choice=True)
    if not languages:
        raise SettingError(f"languages must name at least one to realign on, got {languages!r}; 'all' takes every one")
    return Wanted(tuple(languages), None, is_choice=False)


def _read_text(text: str) -> Wanted:
    from xalign import language_lists

    if text.strip().lower() == ALL:
        return Wanted(None, None, is_choice=False)
    if text.endswith(".json") or (Path(text) / language_lists.CHOSEN).is_file():
        _require_sign(text)
    candidates = language_lists.candidates_of(text)
    names = tuple(language_lists.read_languages(text))
    return Wanted(names, None if candidates is None else tuple(candidates), is_choice=text.startswith("@"))


def _require_sign(text: str) -> None:
    if not text.startswith("@"):
        raise SettingError(f"languages must be names, or @ and a file, got {text!r}; did you mean '@{text}'?")


def require_pivot(corpus: Corpus, pivot: str) -> None:
    """Refuse a corpus that cannot be realigned with the pivot.

    Raises:
        CorpusError: If it lacks the pivot, its bitexts have another one, or there is no other language.
    """
    able = corpus.languages if corpus.is_multiparallel else corpus.languages[:1]
    if pivot not in able:
        raise CorpusError(
            f"pivot {pivot!r} is not in corpus {corpus.name}, or not the side that its bitexts share"
            f"{nearest(pivot, able)}; name one of {some_of(able)}"
        )
    if len(corpus.languages) < 2:
        raise CorpusError(f"corpus {corpus.name} must have a language beside the pivot {pivot}, got that alone")


def group_languages(wanted: Wanted, corpus: Corpus, *, pivot: str, unseen: Sequence[str] = ()) -> LanguageGroups:
    """Put every language of a corpus beside the pivot into one group.

    Args:
        wanted: What `read_languages` read.
        corpus: The text; it has the pivot.
        pivot: Its code.
        unseen: Languages to call unseen, in any spelling; none for those of the corpus that were not candidates.

    Raises:
        SettingError: If the pivot is among the languages, or one is to be chosen and unseen at once.
        UnknownNameError: If a language is not in the corpus.
    """
    pool = [language for language in corpus.languages if language != pivot]
    hidden = _codes(unseen, corpus)
    chosen, warnings = _chosen(wanted, corpus, pivot, hidden)
    _require_apart(chosen, hidden, pivot)
    beyond, words = _unseen(wanted, pool, chosen, hidden)
    rest = tuple(language for language in pool if language not in {*chosen, *beyond})
    return LanguageGroups(pivot, chosen, rest, beyond, words, warnings)


def _codes(names: Sequence[str], corpus: Corpus) -> tuple[str, ...]:
    return pick_languages(list(names), corpus.languages, corpus.resolution, corpus.name) if names else ()


def _chosen(
    wanted: Wanted, corpus: Corpus, pivot: str, hidden: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The languages to realign on, and a warning if the pivot was chosen with them."""
    if wanted.languages is None:
        return tuple(code for code in corpus.languages if code != pivot and code not in hidden), ()
    chosen = _codes(wanted.languages, corpus)
    if pivot not in chosen:
        return chosen, ()
    without = tuple(code for code in chosen if code != pivot)
    if not wanted.is_choice or not without:
        raise SettingError(
            f"languages must be others than the pivot {pivot}, which is one side of every pair anyway; leave it out"
            + ("" if without else ", and name at least one other")
        )
    return without, (f"{language_name(pivot)} was chosen too; as the pivot it is one side of every pair anyway",)


def _require_apart(chosen: Sequence[str], hidden: Sequence[str], pivot: str) -> None:
    if both := [code for code in hidden if code in chosen or code == pivot]:
        raise SettingError(
            f"unseen must name languages that are neither chosen nor the pivot, got {', '.join(both)}; leave them out "
            "of one of the two"
        )
    if not chosen:
        raise SettingError("languages must leave at least one to realign on, got none; name fewer as unseen")


def _unseen(
    wanted: Wanted, pool: Sequence[str], chosen: Sequence[str], hidden: tuple[str, ...]
) -> tuple[tuple[str, ...], str]:
    """Those named; else those of the corpus that were not candidates; else none; and words that say which."""
    if hidden:
        return hidden, f"{len(hidden)} of the corpus named as unseen"
    if wanted.candidates is None:
        return (), "no language counts as unseen: none was named so, and what else could have been chosen is not known"
    candidates = {_resolved(name) for name in wanted.candidates}
    beyond = tuple(code for code in pool if code not in candidates and code not in chosen)
    if not beyond:
        return (), "no language counts as unseen: all of the corpus were candidates"
    return beyond, f"{len(beyond)} of the corpus unseen, as no candidates of the choice"


def _resolved(name: str) -> str:
    """The code of a language in any spelling."""
    from xalign.corpora import resolve_language

    return resolve_language(name).code
