"""From a row's fields to its text, whatever it is called: plain text, an instruction and its answer, a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xalign.corpora.layouts import LANGUAGE_COLUMNS, TEXT_COLUMNS
from xalign.errors import CorpusError, SettingError

CONVERSATIONS = ("messages", "dialogs", "conversations", "conversation")
PROMPTS = ("instruction", "prompt", "question", "query")
INPUTS = ("input", "context")
RESPONSES = ("response", "output", "completion", "answer")
PARTS = ("all", "prompt", "response")
USERS = ("user", "human", "prompter")
SYSTEMS = ("system", "developer")
IDS = ("id", "uuid")
NONE = "none"


@dataclass(frozen=True)
class Turns:
    """A row's text in parts; plain text is all prompt.

    Attributes:
        prompt: What is asked: the turns of the user, or instruction and input.
        response: What is answered.
        system: What the system says before it is asked; nothing where there is no conversation.
        asked: The turns of the user one by one; one where there is no conversation.
    """

    prompt: str
    response: str = ""
    system: str = ""
    asked: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """All parts, a line each at least: system, prompt, response."""
        return "\n".join(text for text in (self.system, self.prompt, self.response) if text)

    def part(self, name: str) -> str:
        """The text of `PARTS`: all, prompt or response."""
        return {"all": self.whole, "prompt": self.prompt, "response": self.response}[name]


def guess_text_field(fields: Mapping[str, Any], where: str) -> str:
    """Find where the text of a row is.

    Args:
        fields: Of the pool's first row.
        where: File and line of it, for the error.

    Returns:
        A conversation's field; fields with `+` between whose texts are joined, those of the answer after a `>`, as in
        "instruction+input>output"; or one field of text.

    Raises:
        CorpusError: If no field is called like any of these.
    """
    known = {name.lower(): name for name in fields}
    for name in CONVERSATIONS:
        if name in known:
            return known[name]
    asked = next((known[name] for name in PROMPTS if name in known), None)
    if asked is not None:
        parts = [asked, *(known[name] for name in INPUTS if name in known)]
        answer = next((known[name] for name in RESPONSES if name in known), None)
        return "+".join(parts) + (f">{answer}" if answer else "")
    plain = next((known[name] for name in (*TEXT_COLUMNS, "content") if name in known), None)
    if plain is None:
        raise CorpusError(
            f"{where}: a field of text was expected ({', '.join((*TEXT_COLUMNS, *CONVERSATIONS, *PROMPTS))}), got "
            f"{', '.join(fields) or 'no field'}; name it with --text-field (text_field), such as 'title+body'"
        )
    return plain


def guess_field(fields: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The first of some names that a row has."""
    known = {name.lower(): name for name in fields}
    return next((known[name] for name in names if name in known), None)


def guess_language_field(fields: Mapping[str, Any]) -> str | None:
    """The field that says the language, where it is called so."""
    return guess_field(fields, LANGUAGE_COLUMNS)


def columns_of(text_field: str) -> list[str]:
    """The columns that a text field reads."""
    return [name.split(".")[0] for name in split_fields(text_field)]


def split_fields(text_field: str) -> list[str]:
    """The fields that a text field joins."""
    return [name for name in text_field.replace(">", "+").split("+") if name]


def look_up(fields: Mapping[str, Any], name: str) -> Any:
    """The value of a field; dots lead into objects, as in "annotation.instag.content". None if it is not there."""
    if name in fields:
        return fields[name]
    value: Any = fields
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def has_field(fields: Mapping[str, Any], name: str) -> bool:
    """Whether a row has a field, be it empty."""
    if name in fields:
        return True
    head, dot, rest = name.partition(".")
    return bool(dot) and isinstance(fields.get(head), Mapping) and has_field(fields[head], rest)


def read_turns(fields: Mapping[str, Any], text_field: str) -> Turns:
    """Read the text of a row.

    Args:
        fields: Of the row.
        text_field: As `guess_text_field` says it.

    Returns:
        Prompt and response; empty where there is none.

    Raises:
        SettingError: If a field holds neither text nor a conversation; the message says what.
    """
    asked, _, answered = text_field.partition(">")
    first = look_up(fields, asked)
    if isinstance(first, list) and not answered:
        return _conversation(first, asked)
    prompt = _joined(fields, asked)
    return Turns(prompt, _joined(fields, answered), asked=(prompt,) if prompt else ())


def _joined(fields: Mapping[str, Any], names: str) -> str:
    texts = [(name, look_up(fields, name)) for name in names.split("+") if name]
    for name, text in texts:
        if text is not None and not isinstance(text, str):
            raise SettingError(f"field {name!r} must hold text, got {type(text).__name__}")
    return "\n".join(text.strip() for _, text in texts if isinstance(text, str) and text.strip())


def _conversation(turns: Sequence[Any], name: str) -> Turns:
    """Turns as {role, content}, {from, value}, or plain strings of user and assistant in turn."""
    said: dict[str, list[str]] = {"system": [], "user": [], "other": []}
    for place, turn in enumerate(turns):
        role, text = _turn(turn, place, name)
        if text.strip():
            said["user" if role in USERS else "system" if role in SYSTEMS else "other"].append(text.strip())
    system, asked, answered = ("\n".join(texts) for texts in (said["system"], said["user"], said["other"]))
    return Turns(asked, answered, system, tuple(said["user"]))


def _turn(turn: Any, place: int, name: str) -> tuple[str, str]:
    if isinstance(turn, str):
        return "user" if place % 2 == 0 else "assistant", turn
    if not isinstance(turn, Mapping):
        raise SettingError(f"field {name!r} must hold turns with role and content, got {type(turn).__name__}")
    role = turn.get("role", turn.get("from"))
    text = turn.get("content", turn.get("value"))
    if isinstance(text, list):
        text = "\n".join(str(part.get("text", "")) for part in text if isinstance(part, Mapping))
    if text is None and ("content" in turn or "value" in turn):
        text = ""  # as in a turn that only calls a tool
    if role is None or not isinstance(text, str):
        raise SettingError(
            f"field {name!r} must hold turns with role and content (or from and value), got turn {place} with "
            f"{', '.join(map(str, turn))}"
        )
    return str(role).lower(), text
