"""Rows that cannot be used: told with file and line, and left out only where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xalign.errors import CorpusError

SHOWN = 5
KEPT = 10_000
"""Faults listed; more are only counted."""


@dataclass(frozen=True)
class Fault:
    """One row that cannot be used.

    Attributes:
        file: Where it stands.
        unit: What `line` counts: "line" or "row".
        line: Its number in the file, from 1.
        reason: What is wrong.
    """

    file: str
    unit: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, {self.unit} {self.line}: {self.reason}"


def require_none(faults: Sequence[Fault], what: str) -> None:
    """Refuse unusable rows.

    Args:
        faults: All of them.
        what: What they are of: "pool" or "target".

    Raises:
        CorpusError: If there is one; the message lists the first five.
    """
    if not faults:
        return
    more = f"\n  and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    listed = "".join(f"\n  {fault}" for fault in faults[:SHOWN])
    raise CorpusError(
        f"{faults[0]}\n{len(faults)} row{'s' * (len(faults) > 1)} of the {what} cannot be used; with --skip-bad "
        f"(skip_bad=True) they are left out and listed:{listed}{more}"
    )
