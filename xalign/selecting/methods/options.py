"""What may be asked of a selector by name: the arguments of its function that the pool does not fill, and its own."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from importlib import import_module

from xalign.errors import SettingError
from xalign.names import nearest
from xalign.selecting.methods.table import find_method

FILLED = (
    "budget", "categories", "clusters", "embeddings", "group_means", "groups", "keys", "languages", "n_diverse",
    "n_quality", "quality", "quotas", "reliability", "scores", "target_groups", "target_rows",
)  # fmt: skip
"""What a pool fills in itself."""
SEEDED = ("laser", "random")
"""Methods that have the seed of the selection and no other."""


def options_of(name: str) -> tuple[str, ...]:
    """The options of a method, sorted.

    Raises:
        UnknownNameError: If there is none of that name.
    """
    method = find_method(name)
    module, _, function = method.selector.partition(":")
    parameters = inspect.signature(getattr(import_module(f"selection.data.{module}"), function)).parameters
    filled = {*FILLED, *(["seed"] if name in SEEDED else [])}
    free = [option for option, one in parameters.items() if one.default is not one.empty]
    return tuple(sorted({*free, *method.own} - filled))


def require_options(method: str, options: Iterable[str]) -> None:
    """Refuse an option that a method does not have, before any work.

    Raises:
        SettingError: If there is one; says which there are.
    """
    known = options_of(method)
    for name in options:
        if name not in known:
            there = f"must be among {', '.join(known)}" if known else "are none"
            raise SettingError(f"options of {method!r} {there}, got {name!r}{nearest(name, known)}")
