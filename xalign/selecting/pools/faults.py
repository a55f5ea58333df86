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


def require_none(faults: Sequence[Fault], what: str, *, n: int | None = None) -> None:
    """Refuse unusable rows.

    Args:
        faults: All of them.
        what: What they are of: "pool" or "target".
        n: Rows in all, where they are counted.

    Raises:
        CorpusError: If there is one. The message is one line for one; of more it lists the first five below.
    """
    if not faults:
        return
    if len(faults) == 1:
        raise CorpusError(f"{faults[0]}; mend this row of the {what}, or leave it out with --skip-bad (skip_bad=True)")
    if len(faults) == n:
        raise CorpusError(f"{faults[0]}; none of the {n} rows of the {what} can be used")
    listed = "".join(f"\n  {fault}" for fault in faults[1:SHOWN])
    more = f"\n  and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    raise CorpusError(
        f"{faults[0]}; {len(faults)} rows of the {what} cannot be used: mend them, or leave them out with --skip-bad "
        f"(skip_bad=True). The others:{listed}{more}"
    )
