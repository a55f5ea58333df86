"""SQuAD-format JSON in several languages (XQuAD): its questions, or its paragraphs with `path#paragraphs`."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from xalign.corpora.lines import read_text
from xalign.corpora.naming import NamedFile, name_files
from xalign.corpora.places import Place
from xalign.corpora.readers.line_files import columns_by_language
from xalign.corpora.sources import Found, Part
from xalign.errors import CorpusError, UnknownNameError
from xalign.names import nearest


def detects(place: Place) -> bool:
    """Whether all files are JSON."""
    return place.all_end_in(".json")


def reads(place: Place) -> Found:
    """Find a column in every file; questions are matched by id, paragraphs by the id of their first question."""
    field = place.option or "questions"
    if field not in _FIELDS:
        known = ", ".join(_FIELDS)
        raise UnknownNameError(f"field (after #) must be one of {known}, got {field!r}{nearest(field, _FIELDS)}")
    named = name_files(place.files, place.root)
    return Found(columns=columns_by_language(named, lambda file: _part(file, _FIELDS[field])), by_id=True)


def _part(named: NamedFile, rows: Callable[[Any], Iterator[tuple[str, str]]]) -> Part:
    found = list(rows(_load(named.path)))
    ids, texts = [key for key, _ in found], [text for _, text in found]
    return Part(f"{named.path} (rows counted)", texts, range(1, len(texts) + 1), ids=ids)


def _load(path: Path) -> list[Mapping[str, Any]]:
    try:
        articles = json.loads(read_text(path))["data"]
        list(_paragraphs(articles)), list(_questions(articles))
    except json.JSONDecodeError as error:
        raise CorpusError(f"{path}, line {error.lineno}: JSON was expected, got {error.msg}") from error
    except (KeyError, TypeError, IndexError) as error:
        raise CorpusError(
            f"{path}: SQuAD format was expected (data, paragraphs, context, qas, id, question), got {error!r}"
        ) from error
    return articles


def _questions(articles: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for article in articles:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield str(question["id"]), question["question"]


def _paragraphs(articles: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for article in articles:
        for paragraph in article["paragraphs"]:
            yield str(paragraph["qas"][0]["id"]), paragraph["context"]


_FIELDS = {"questions": _questions, "paragraphs": _paragraphs}
