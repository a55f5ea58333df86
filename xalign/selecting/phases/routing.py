"""Categories for rows that have none: what most of the user's turns ask for, told by ways that stand in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xalign.encoders.fingerprints import digest_texts
from xalign.errors import ModelError, SettingError, UnknownNameError
from xalign.names import nearest
from xalign.selecting.pools.reading import ReadTask, Row
from xalign.selecting.pools.sidecars import TAGS
from xalign.selecting.pools.unchanged import rows_again
from xalign.selecting.scores.category_examples import (
    classify_by_examples,
    describe_examples,
    hash_examples,
    read_examples,
)
from xalign.selecting.scores.named_functions import find_function, hash_function
from xalign.selecting.settings import FORM, ModelSettings

NOT_ASKED = "a turn of the user was expected, by which its category is told, got none"
NOT_TOLD = "a category was expected of one of the user's turns, got none"
MARK = "@"
"""Before a way; what has none is a field of the data."""


@dataclass(frozen=True)
class Way:
    """How texts come to categories.

    Attributes:
        name: What stands behind the mark.
        takes: What stands behind that, in words; in brackets what may be left out.
        classify: Texts, what stands behind the colon and the model of the vectors, to a category a text.
        check: Refuses what cannot be used behind the colon, given it and a device, before any work; the hash of what it
            names.
        names: The categories that it may give, of what stands behind the colon and a device; None where nobody knows.
        needs_vectors: Whether it encodes with the model that embeds.
    """

    name: str
    takes: str
    classify: Callable[[Sequence[str], str, ModelSettings], Sequence[Any]]
    check: Callable[[str, str], str]
    names: Callable[[str, str], Sequence[str] | None] = lambda _, __: None
    needs_vectors: bool = False


@dataclass(frozen=True)
class Router:
    """A way with what it takes.

    Attributes:
        text: As it was written: "@route", "@classifier:FOLDER".
        name: A name of `WAYS`.
        argument: What stood behind the colon; a file or a folder by its whole path, which other processes see alike.
        content: Hash of what it names.
    """

    text: str
    name: str
    argument: str
    content: str

    @property
    def needs_vectors(self) -> bool:
        """Whether it encodes with the model that embeds."""
        return WAYS[self.name].needs_vectors

    def names(self, device: str) -> Sequence[str] | None:
        """The categories that it may give; None where nobody knows."""
        return WAYS[self.name].names(self.argument, device)

    def classify(self, texts: Sequence[str], model: ModelSettings) -> list[str]:
        """A category for each text; an empty name where it has none.

        Raises:
            SettingError: If it does not give a name for each.
        """
        given = WAYS[self.name].classify(texts, self.argument, model)
        found = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
        if len(found) != len(texts) or not all(isinstance(name, str) for name in found):
            raise SettingError(
                f"category {self.text!r} must give a name for each of {len(texts)} texts, got {found[:3]}; "
                "it is called with a list"
            )
        return [name.strip() for name in found]

    def describe(self, model: ModelSettings) -> str:
        """What a reader must know of the categories."""
        if self.needs_vectors:
            return describe_examples(self.argument, model)
        return f"rows have the categories that {self.text} gives most of their user's turns"


def parse_category(text: str | None, *, device: str = "auto") -> str | Router | None:
    """Read where categories are from.

    Args:
        text: A field; "@route" for the examples of LASER's categories that ship, "@route:FILE" for others (`category`
            and text); "@classifier:MODEL"; "@function:MODULE.NAME" for a function from texts to names; None for none.
        device: Where a model of it will run.

    Returns:
        A field as it is, or a way to find what is in none.

    Raises:
        UnknownNameError: If there is no such way.
        SettingError: If what it takes is missing or cannot be used.
        CorpusError: If examples cannot be read.
        ModelError: If there is no such model, or it does not classify.
    """
    if text is None or not text.startswith(MARK):
        return text
    name, _, argument = text.removeprefix(MARK).partition(":")
    if name not in WAYS:
        known = ", ".join(f"{MARK}{way.name}{way.takes}" for way in WAYS.values())
        close = nearest(MARK + name, [MARK + way for way in WAYS])
        raise UnknownNameError(f"category must be a field or one of {known}, got {text!r}{close}")
    way = WAYS[name]
    if not argument and not way.takes.startswith("["):
        raise SettingError(f"category {text!r} must name what decides, as in {MARK}{name}{way.takes}")
    argument = _whole(way, argument)
    try:
        return Router(text, name, argument, way.check(argument, device))
    except ModelError as error:
        raise ModelError(f"category {text!r}: {str(error).removeprefix('name_or_path').lstrip(': ')}") from error


def _whole(way: Way, argument: str) -> str:
    """What is named, a file or a folder by its whole path; the examples that ship where nothing is."""
    from xalign.embedded import routing_examples

    if not argument:
        return str(routing_examples())
    path = Path(argument).expanduser()
    return str(path.resolve()) if way.needs_vectors or path.is_dir() else argument


@dataclass(frozen=True)
class RouteTask:
    """Find the category of the usable rows of one shard.

    Attributes:
        reading: How its rows were read.
        router: What tells the category.
        model: For routers that encode.
        model_key: Of its embedder.
    """

    reading: ReadTask
    router: Router
    model: ModelSettings
    model_key: str = ""

    @property
    def key(self) -> str:
        """Of the sidecar."""
        vectors = self.model_key if self.router.needs_vectors else ""
        return digest_texts([FORM, "category", self.reading.key, self.router.name, self.router.content, vectors])

    @property
    def is_done(self) -> bool:
        """Whether the sidecar is there."""
        return self.reading.sidecars.has(TAGS, self.key)


def route_shard(task: RouteTask) -> int:
    """Write the categories of one shard as labels, one a row; rows without a turn of the user are faults.

    Raises:
        CorpusError: If the shard's file changed since it was read.
        SettingError: If what tells categories does not.
    """
    import pyarrow as pa

    facts: dict[str, Any] = {"n": 0, "faults": []}
    found = [name for block in _categories(task, facts) for name in block]
    labels = pa.array([[name] if name else [] for name in found], pa.list_(pa.string()))
    task.reading.sidecars.write_table(TAGS, task.key, pa.table({"labels": labels}), facts)
    return len(found)


def _categories(task: RouteTask, facts: dict[str, Any]) -> Iterator[list[str]]:
    """Categories block by block, none for a row that cannot be routed."""
    from selection.data.stratified import route_conversations

    for block in rows_again(task.reading):
        there = [place for place, row in enumerate(block) if row.turns.asked]
        routed = route_conversations(
            [_as_conversation(block[place]) for place in there], lambda texts: task.router.classify(texts, task.model)
        )
        found = [""] * len(block)
        for place, name in zip(there, routed, strict=True):
            found[place] = name
        facts["faults"] += [
            [facts["n"] + place, NOT_TOLD if block[place].turns.asked else NOT_ASKED]
            for place, name in enumerate(found)
            if not name
        ]
        facts["n"] += len(block)
        yield found


def _as_conversation(row: Row) -> list[dict[str, str]]:
    return [{"role": "user", "content": text} for text in row.turns.asked]


def _classify_by_model(texts: Sequence[str], name: str, model: ModelSettings) -> Sequence[str]:
    from xalign.selecting.scores.model_scores import likeliest_labels

    return likeliest_labels(texts, name, device=model.device)


def _check_classifier(name: str, device: str) -> str:
    from xalign.selecting.scores.model_scores import content_of, open_classifier

    return content_of(open_classifier(name, device))


def _labels(name: str, device: str) -> Sequence[str]:
    from xalign.selecting.scores.model_scores import open_classifier

    return [str(label) for label in open_classifier(name, device).config.id2label.values()]


def _call(texts: Sequence[str], name: str, _: ModelSettings) -> Sequence[Any]:
    return find_function(name, argument="category")(texts)


WAYS: dict[str, Way] = {
    way.name: way
    for way in (
        Way("route", "[:FILE]", classify_by_examples, hash_examples, lambda path, _: list(read_examples(path)), True),
        Way("classifier", ":MODEL", _classify_by_model, _check_classifier, _labels),
        Way("function", ":MODULE.NAME", _call, lambda name, _: hash_function(name, argument="category")),
    )
}
