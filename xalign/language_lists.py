"""Lists of languages as commands take them: `a,b,c`, or `@chosen.json` for what a choice of languages wrote."""

import json
from pathlib import Path
from typing import Any

from xalign.errors import SettingError

CHOSEN = "chosen.json"


def read_languages(text: str) -> list[str]:
    """Read names of languages from an option's text.

    Args:
        text: Names with commas between, or `@` and the path of a JSON file: a list of names, or an object that has one
            under "languages", as `chosen.json` does. A folder stands for the `chosen.json` in it.

    Returns:
        The names as they are written, in their order.

    Raises:
        SettingError: If the file is missing, is not such JSON, or no language is named.
    """
    names = _listed(_document(text), "languages", text) if text.startswith("@") else _split(text)
    if not names:
        raise SettingError(
            f"languages must name at least one, such as deu_Latn,swh_Latn or @{CHOSEN}, got none in {text!r}"
        )
    return names


def candidates_of(text: str) -> list[str] | None:
    """Read what a choice was made from, where the option names the file of one.

    Args:
        text: As for `read_languages`.

    Returns:
        The languages under "candidates"; None for plain names, a list, or a file that tells none.

    Raises:
        SettingError: If the file is missing or is not such JSON.
    """
    document = _document(text) if text.startswith("@") else None
    if not isinstance(document, dict) or "candidates" not in document:
        return None
    return _listed(document, "candidates", text)


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _document(text: str) -> Any:
    """What the file behind `@` holds."""
    path = Path(text[1:]).expanduser()
    path = path / CHOSEN if path.is_dir() else path
    if not path.is_file():
        raise SettingError(
            f"{text} must be @ and a JSON file of languages, but there is no {path}; `xalign languages --out DIR` "
            f"writes DIR/{CHOSEN}"
        )
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SettingError(
            f'{path} must be JSON, such as {{"languages": ["deu_Latn", "swh_Latn"]}}: {error}'
        ) from error


def _listed(document: Any, key: str, text: str) -> list[str]:
    """The names in a document: itself, or what it has under `key`."""
    names = document.get(key) if isinstance(document, dict) else document
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        held = f"an object with {', '.join(map(str, document)) or 'nothing'}" if isinstance(document, dict) else names
        raise SettingError(
            f'{text[1:]} must hold a list of languages, or an object with one under "{key}", got {str(held)[:80]}'
        )
    return names
