"""What is put before a text: the prompts that a sentence-transformers model declares, or the caller's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xalign.errors import SettingError, UnknownNameError
from xalign.names import nearest

QUERY = ("query",)
PASSAGE = ("passage", "document", "corpus")
NONE = "none"


@dataclass(frozen=True)
class Prompts:
    """The text put before every sentence of a role.

    Attributes:
        sentence: Before sentences that translate each other.
        query: Before questions.
        passage: Before paragraphs.
        origin: Where they come from, in words.
    """

    sentence: str = ""
    query: str = ""
    passage: str = ""
    origin: str = "none"

    def of(self, role: str) -> str:
        """The prompt of `sentence`, `query` or `passage`."""
        return str(getattr(self, role))


def choose_prompts(asked: str | None, declared: Mapping[str, str], default: str | None, *, paired: bool) -> Prompts:
    """Decide on prompts.

    Args:
        asked: None for the model's own; "none" for none; a declared name or a literal text that ends with a space or a
            colon; for questions and paragraphs two of these with a comma between.
        declared: The model's prompts by name.
        default: The name of the one that its makers apply by default.
        paired: Whether the task has questions and paragraphs.

    Returns:
        The prompts. Of the model's own, questions take `query`, paragraphs `passage` (`document`, `corpus`), and
        whatever has none the default. Sentences take the default, else `query` where `passage` stands beside it: that
        is how the E5 models want bitexts.

    Raises:
        UnknownNameError: If a name is not declared.
        SettingError: If two prompts are given where all texts are of one kind.
    """
    if asked is None:
        return _own(declared, default)
    parts = [_text(part, declared) for part in _split(asked, declared)]
    if len(parts) == 2 and not paired:
        raise SettingError(f"prompt must be one where all texts are sentences of one kind, got {asked!r}")
    query, passage = parts if len(parts) == 2 else (parts[0], parts[0])
    return Prompts(query, query, passage, "argument" if any(parts) else NONE)


def _own(declared: Mapping[str, str], default: str | None) -> Prompts:
    usual = declared.get(default or "", "")
    query = next((declared[name] for name in QUERY if name in declared), usual)
    passage = next((declared[name] for name in PASSAGE if name in declared), usual)
    pair = any(name in declared for name in QUERY) and any(name in declared for name in PASSAGE)
    sentence = usual or (query if pair else "")
    return Prompts(sentence, query, passage, "model" if sentence or query or passage else NONE)


def _split(asked: str, declared: Mapping[str, str]) -> list[str]:
    """Two prompts at the comma, if each side is one; a literal may have commas of its own."""
    left, comma, right = asked.partition(",")
    return [left, right] if comma and all(_is_prompt(part, declared) for part in (left, right)) else [asked]


def _is_prompt(part: str, declared: Mapping[str, str]) -> bool:
    name = part.strip()
    return bool(name) and (name in declared or name == NONE or part.endswith((" ", ":")))


def _text(asked: str, declared: Mapping[str, str]) -> str:
    name = asked.strip()
    if name in declared:
        return declared[name]
    if name == NONE or not name:
        return ""
    if _is_prompt(asked, declared):
        return asked
    raise UnknownNameError(
        f"prompt must be {NONE!r}, one of the model's ({', '.join(declared) or 'it has none'}), or a text that ends "
        f"with a space or a colon, got {asked!r}{nearest(name, declared)}"
    )
