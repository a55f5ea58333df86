"""Functions of a caller's own, named by module and name, so that a command line and other processes find them alike."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from importlib.util import cache_from_source
from pathlib import Path
from types import ModuleType
from typing import Any

from xalign.encoders.fingerprints import digest_file, digest_texts
from xalign.errors import SettingError

_LOADED: dict[str, str] = {}
"""The hash of each module's file as it was when it was loaded."""


def find_function(name: str, *, argument: str) -> Callable[..., Any]:
    """Import a function; a module whose file has changed since it was loaded is loaded again.

    Args:
        name: "package.module.function"; the module must be importable, as from a folder in PYTHONPATH.
        argument: What named it, for errors.

    Raises:
        SettingError: If there is no such module, it cannot be loaded, or it has no such function.
    """
    module_name, _, function_name = name.rpartition(".")
    try:
        module = _as_it_stands(module_name)
    except (ImportError, SyntaxError, TypeError, ValueError) as error:
        raise SettingError(
            f"{argument}: {name!r} must be a function of a module that can be imported, got: {error}; name it "
            "'module.function', and the module's folder in PYTHONPATH"
        ) from error
    found = getattr(module, function_name, None)
    if not callable(found):
        raise SettingError(f"{argument}: {name!r} must be a function, as in 'module.function', got {found!r}")
    return found


def hash_function(name: str, *, argument: str) -> str:
    """Hash a function's name, the file of its module and, where it is from another, that one's: no more is seen.

    Raises:
        SettingError: If there is no such function, or its module is no file.
    """
    found = find_function(name, argument=argument)
    module = sys.modules[name.rpartition(".")[0]]
    code = getattr(inspect.unwrap(found), "__code__", None)
    named = [getattr(module, "__file__", None), None if code is None else code.co_filename]
    paths = [Path(path) for path in dict.fromkeys(named) if path is not None and Path(path).is_file()]
    if not paths:
        raise SettingError(
            f"{argument}: {name!r} must stand in a file, whose content tells scores of before from new ones"
        )
    return digest_texts([name, *(digest_file(path) for path in paths)])


def _as_it_stands(name: str) -> ModuleType:
    """A module as its file is now.

    One that was imported before this was asked may be older than its file, and is loaded again, unless it is installed.
    """
    was_there = name in sys.modules
    module = importlib.import_module(name)
    path = getattr(module, "__file__", None)
    if path is None or name == "__main__":
        return module
    content = digest_file(Path(path))
    is_own = not path.startswith(sys.base_prefix) and "site-packages" not in path
    if _LOADED.get(name, content if not was_there or not is_own else "") != content:
        Path(cache_from_source(path)).unlink(missing_ok=True)  # it knows its source by seconds and size alone
        module = importlib.reload(module)
    _LOADED[name] = content
    return module
