"""Functions that numba turns into machine code. Import this where it is used: numba takes seconds to load."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function on its first call, without what checks its arguments: numba reads neither checks nor types."""
    machine_code: Any = njit(nogil=True)(inspect.unwrap(function))
    return machine_code
