"""What a reader found becomes a corpus: languages resolved and chosen, rows read, checked and matched."""

import logging
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from xalign.corpora.bitexts import BitextCorpus, Corpus
from xalign.corpora.languages import resolve_language
from xalign.corpora.matching import Rows, join_parts, match_ids, match_positions
from xalign.corpora.parallel import MINIMUM_SENTENCES, ParallelCorpus
from xalign.corpora.selecting import only_pivot, pick_languages, pivot_among, some_of
from xalign.corpora.sources import Column, Found
from xalign.errors import CorpusError, UnknownNameError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wishes:
    """What a caller asked of the corpus while it is read.

    Attributes:
        languages: Which languages to read, in any spelling; None for all.
        pivot: The common side of bitexts.
        normalise: A Unicode form, or None.
        progress: Whether to show a bar.
    """

    languages: Sequence[str] | None = None
    pivot: str | None = "eng_Latn"
    normalise: str | None = None
    progress: bool = True


@dataclass(frozen=True)
class _Chosen:
    code: str
    column: Column


_Pair = tuple[_Chosen, ...]


def assemble(found: Found, name: str, wishes: Wishes) -> Corpus:
    """Read what was found.

    Args:
        found: Columns, or bitexts.
        name: What the corpus will be called.
        wishes: What to read, and how.

    Raises:
        CorpusError: If a text, an id or a language is not as it must be, or rows do not match.
    """
    return _bitexts(found, name, wishes) if found.bitexts else _parallel(found, name, wishes)


def _parallel(found: Found, name: str, wishes: Wishes) -> ParallelCorpus:
    resolved = [_Chosen(_resolve(column), column) for column in found.columns]
    chosen = _choose(resolved, wishes.languages, name)
    shown = tqdm(chosen, desc=f"reading {name}", disable=not wishes.progress, leave=False, delay=1.0)
    rows = [_read(each.column, wishes.normalise) for each in shown]
    matched = match_ids(rows) if found.by_id else match_positions(rows)
    corpus = _joined(name, chosen, matched)
    return corpus.select(wishes.languages) if wishes.languages is not None else corpus


def _bitexts(found: Found, name: str, wishes: Wishes) -> BitextCorpus:
    pairs = [tuple(_Chosen(_resolve(column), column) for column in pair) for pair in found.bitexts]
    pivot = _pivot_of(pairs, name, wishes)
    wanted = _without(pivot, wishes.languages, name)
    having = _with_pivot(pairs, pivot, all_must=wanted is None)
    others = {id(pair): next(each for each in pair if each.code != pivot) for pair in having}
    kept = _choose(list(others.values()), wanted, name)
    chosen = [pair for pair in having if others[id(pair)] in kept]
    shown = tqdm(chosen, desc=f"reading {name}", disable=not wishes.progress, leave=False, delay=1.0)
    bitexts = {others[id(pair)].code: _bitext(name, pair, wishes.normalise) for pair in shown}
    resolution = {each.column.spelling: each.code for pair in chosen for each in pair}
    corpus = BitextCorpus(name, pivot, bitexts, resolution)
    return corpus if wanted is None else corpus.select(wanted)


def _bitext(name: str, pair: Sequence[_Chosen], form: str | None) -> ParallelCorpus:
    rows = match_positions([_read(each.column, form) for each in pair])
    return _joined(f"{name} {'-'.join(each.column.spelling for each in pair)}", pair, rows)


def _joined(name: str, chosen: Sequence[_Chosen], rows: Sequence[Rows]) -> ParallelCorpus:
    sentences = {each.code: column.texts for each, column in zip(chosen, rows, strict=True)}
    resolution = {each.column.spelling: each.code for each in chosen}
    first = rows[0]
    labels = next((column.labels for column in rows if column.labels is not None), None)
    splits = next((column.splits for column in rows if column.splits is not None), None)
    if len(first.texts) < MINIMUM_SENTENCES:
        raise CorpusError(f"{first.file}: at least {MINIMUM_SENTENCES} sentences were expected, got {len(first.texts)}")
    return ParallelCorpus(name, sentences, resolution, first.ids, labels, splits)


def _resolve(column: Column) -> str:
    try:
        return resolve_language(column.spelling).code
    except UnknownNameError as error:
        raise CorpusError(f"{column.file}: {error}") from error


def _choose(resolved: Sequence[_Chosen], languages: Sequence[str] | None, name: str) -> list[_Chosen]:
    """The columns that are wanted; none may be a language that another is already."""
    chosen = list(resolved)
    if languages is not None:
        resolution = {each.column.spelling: each.code for each in resolved}
        codes = pick_languages(languages, [each.code for each in resolved], resolution, name)
        spelled = {resolution[each] for each in languages if each in resolution}
        chosen = [each for each in resolved if each.code in codes]
        chosen = [each for each in chosen if each.code not in spelled or each.column.spelling in languages]
    by_code: dict[str, _Chosen] = {}
    for each in chosen:
        _no_collision(by_code.setdefault(each.code, each), each)
    return chosen


def _no_collision(first: _Chosen, second: _Chosen) -> None:
    if first is not second:
        raise CorpusError(
            f"{second.column.file}: {second.column.spelling} is {second.code}, and so is {first.column.spelling} "
            f"({first.column.file}); a language may come once: write the script (xxx_Xxxx), or choose with languages="
        )


def _without(pivot: str, languages: Sequence[str] | None, name: str) -> Sequence[str] | None:
    """The languages without the pivot; None for all bitexts."""
    if languages is None:
        return None
    others = [language for language in languages if resolve_language(language).code != pivot]
    if not others:
        raise only_pivot(pivot, name)
    return others


def _with_pivot(pairs: Sequence[_Pair], pivot: str, *, all_must: bool) -> Sequence[_Pair]:
    """The pairs of the pivot and another language; the first pair that is none is an error if all must be."""
    having = [pair for pair in pairs if pivot in _codes(pair) and len(_codes(pair)) == 2]
    if len(having) < len(pairs) and (all_must or not having):
        bad = next(pair for pair in pairs if pair not in having)
        raise CorpusError(
            f"{bad[0].column.file}: a bitext of {pivot} and another language was expected, got "
            f"{' and '.join(each.code for each in bad)}; pass pivot=, or languages= to choose bitexts"
        )
    return having


def _pivot_of(pairs: Sequence[_Pair], name: str, wishes: Wishes) -> str:
    """The pivot that was asked for; for None the one that all pairs, or else all that are asked for, leave."""
    if wishes.pivot is not None:
        return pivot_among(wishes.pivot, sorted(set.union(*map(_codes, pairs))), name)
    asked = _asked(pairs, wishes.languages)
    pivot = _only_candidate(pairs) or _only_candidate(asked)
    if pivot is None:
        common = set.intersection(*map(_codes, asked))
        raise CorpusError(
            f"{name}: pivot must be named where bitexts have {len(common)} languages in common, got None; "
            f"name one of {some_of(sorted(common or set.union(*map(_codes, asked))))}, and with languages= its bitexts"
        )
    return pivot


def _asked(pairs: Sequence[_Pair], languages: Sequence[str] | None) -> Sequence[_Pair]:
    """The pairs whose two languages are wanted, else those with one that is, else all."""
    wanted = {resolve_language(language).code for language in languages or ()}
    both = [pair for pair in pairs if _codes(pair) <= wanted]
    return both or [pair for pair in pairs if _codes(pair) & wanted] or pairs


def _only_candidate(pairs: Sequence[_Pair]) -> str | None:
    """English or else the second language of a single pair; the only language that several have in common."""
    if len(pairs) == 1:
        return "eng_Latn" if "eng_Latn" in _codes(pairs[0]) else pairs[0][1].code
    common = set.intersection(*map(_codes, pairs))
    return common.pop() if len(common) == 1 else None


def _codes(pair: _Pair) -> set[str]:
    return {each.code for each in pair}


def _read(column: Column, form: str | None) -> Rows:
    rows = join_parts(column.read())
    for row, text in enumerate(rows.texts):
        if not _is_sentence(text):
            raise CorpusError(_not_a_sentence(rows.place(row), text))
    if form is None:
        return rows
    texts = tuple(unicodedata.normalize(form, text) for text in rows.texts)  # type: ignore[arg-type]
    return Rows(rows.parts, texts, rows.ids, rows.labels, rows.splits)


def _is_sentence(text: object) -> bool:
    if not isinstance(text, str) or not any(map(_is_visible, text)):
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _is_visible(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf")


def _not_a_sentence(place: str, text: object) -> str:
    if not isinstance(text, str):
        return f"{place}: a sentence was expected, got {text!r}"
    if any(map(_is_visible, text)):
        return f"{place}: valid Unicode was expected, got a lone surrogate in {text[:60]!r}; correct the source"
    return (
        f"{place}: a sentence was expected, got a blank ({text[:20]!r}); remove the row in every language, or fill it"
    )
