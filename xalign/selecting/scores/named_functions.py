"""Functions of a caller's own, named by module and name, so that a command line and other processes find them alike."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from xalign.encoders.fingerprints import digest_file, digest_texts
from xalign.errors import SettingError


def find_function(name: str, *, argument: str) -> Callable[..., Any]:
    """Import a function.

    Args:
        name: "package.module.function"; the module must be importable, as from a folder in PYTHONPATH.
        argument: What named it, for errors.

    Raises:
        SettingError: If there is no such module, or no such function in it.
    """
    module_name, _, function_name = name.rpartition(".")
    try:
        module = import_module(module_name) if module_name else None
    except ImportError as error:
        raise SettingError(
            f"{argument}: {name!r} must be a function of a module that can be imported, got: {error}; name it "
            "'module.function', and the module's folder in PYTHONPATH"
        ) from error
    found = getattr(module, function_name, None)
    if not callable(found):
        raise SettingError(f"{argument}: {name!r} must be a function, as in 'module.function', got {found!r}")
    return found


def hash_function(name: str, *, argument: str) -> str:
    """Hash a function's name and the file that it stands in: what it imports in turn is not seen.

    Raises:
        SettingError: If there is no such function.
    """
    code = getattr(find_function(name, argument=argument), "__code__", None)
    path = None if code is None else Path(code.co_filename)
    return digest_texts([name, digest_file(path) if path is not None and path.is_file() else ""])
