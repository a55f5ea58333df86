"""What the methods ask of their options."""

import math

from xalign.errors import SettingError


def require_share(name: str, value: float, *, include_zero: bool = False) -> None:
    """Refuse what is not in (0, 1], or [0, 1].

    Raises:
        SettingError: If it is outside.
    """
    if not (0 <= value <= 1 if include_zero else 0 < value <= 1):
        raise SettingError(f"{name} must lie in {'[' if include_zero else '('}0, 1], got {value}")


def require_positive(name: str, value: float) -> None:
    """Refuse what is not above 0 and finite.

    Raises:
        SettingError: If it is not.
    """
    if not (value > 0 and math.isfinite(value)):
        raise SettingError(f"{name} must be above 0 and finite, got {value}")


def require_threshold(value: float) -> None:
    """Refuse a threshold that is not in [0, 1).

    Raises:
        SettingError: If it is outside.
    """
    if not 0 <= value < 1:
        raise SettingError(f"threshold must lie in [0, 1), got {value}; links are what lies above it")
