"""Examples of categories, and rows that come to the category whose examples are nearest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from xalign.encoders.fingerprints import digest_texts
from xalign.errors import CorpusError
from xalign.selecting.pools.fields import guess_text_field, look_up, read_turns
from xalign.selecting.pools.places import find_pool
from xalign.selecting.settings import ModelSettings

if TYPE_CHECKING:
    from selection.data.stratified.routing import Classifier
    from xalign.selecting.pools.formats import Record

CATEGORY = "category"
"""The column of examples that names what they are of."""


def read_examples(path: str) -> dict[str, list[str]]:
    """Read examples of categories from a file of any format that a pool may have.

    Returns:
        Texts by category, in the order in which these first stand.

    Raises:
        CorpusError: If there is no such file, a row has no text or no category, there are fewer than two categories, or
            one has fewer than two examples.
    """
    found: dict[str, list[str]] = {}
    for where, record in _records(Path(path)):
        category, text = _example(where, record)
        found.setdefault(category, []).append(text)
    few = [name for name, texts in found.items() if len(texts) < 2]
    if few or len(found) < 2:
        told = f"one example of {few[0]!r}" if few else f"{len(found)} categories"
        raise CorpusError(f"{path}: two categories or more with two examples or more each were expected, got {told}")
    return found


def _example(where: str, record: Record) -> tuple[str, str]:
    if record.fault:
        raise CorpusError(f"{where}: {record.fault}")
    category = look_up(record.fields, CATEGORY)
    text = read_turns(record.fields, guess_text_field(record.fields, where)).prompt
    if not text or not isinstance(category, str) or not category.strip():
        raise CorpusError(f"{where}: text and {CATEGORY!r} were expected, got {', '.join(map(str, record.fields))}")
    return category.strip(), text


def _records(path: Path) -> Iterator[tuple[str, Record]]:
    files = find_pool(path, spool=path.parent)
    for one in files.paths:
        for span in files.format.cut(one, 1 << 16):
            for record in files.format.read(one, span, None):
                yield f"{one}, {files.format.unit} {record.line}", record


def hash_examples(path: str, _: str = "") -> str:
    """Hash categories and texts."""
    return digest_texts(part for name, texts in read_examples(path).items() for part in (name, *texts, ""))


def classify_by_examples(texts: Sequence[str], path: str, model: ModelSettings) -> Sequence[str]:
    """The category whose examples have the nearest mean vector, by cosine."""
    from xalign.selecting.models.embedders import load_embedder

    return _classifier(path, hash_examples(path), load_embedder(model).key, model)(texts)


@lru_cache(maxsize=2)
def _classifier(path: str, _content: str, _key: str, model: ModelSettings) -> Classifier:
    from selection.data.stratified import nearest_category_classifier
    from xalign.selecting.models.embedders import load_embedder

    return nearest_category_classifier(load_embedder(model).encode, read_examples(path))


def describe_examples(path: str, model: ModelSettings) -> str:
    """How well examples tell their categories apart, which is all that is known of rows without one."""
    from selection.data.stratified import held_out_accuracy
    from xalign.selecting.models.embedders import load_embedder

    examples = read_examples(path)
    share, n = held_out_accuracy(load_embedder(model).encode, examples), sum(map(len, examples.values()))
    return (
        f"rows have the categories of the nearest examples: of {n}, held out one at a time, {share:.0%} come to their "
        f"own ({1 / len(examples):.0%} by chance)"
    )
