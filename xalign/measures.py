"""Probes by name: `TABLE` lists them, `find_measures` looks them up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xalign.errors import UnknownNameError
from xalign.measure import Measure
from xalign.measure_table import TABLE
from xalign.names import nearest

if TYPE_CHECKING:
    from xalign.report_page import GuideRow

MEASURES = {measure.name: measure for measure in TABLE}
DEFAULT = ("cka", "anc", "retrieval", "neurons")
ALL = "all"


def find_measures(names: Iterable[str]) -> tuple[Measure, ...]:
    """Look probes up by name; `all` stands for every one.

    Raises:
        UnknownNameError: If a name is unknown (the nearest is told), or none is given.
    """
    wanted = list(dict.fromkeys([names] if isinstance(names, str) else names))
    if not wanted:
        raise UnknownNameError(f"probes must name at least one of {', '.join(MEASURES)}")
    for name in wanted:
        if name != ALL and name not in MEASURES:
            raise UnknownNameError(f"unknown probe {name!r}{nearest(name, MEASURES)}; known are {', '.join(MEASURES)}")
    return TABLE if ALL in wanted else tuple(MEASURES[name] for name in wanted)


def guide(names: Iterable[str]) -> tuple[GuideRow, ...]:
    """How to read each named probe, for the report's page."""
    from xalign.report_page import GuideRow

    rows = [MEASURES[name] for name in names if name in MEASURES]
    return tuple(GuideRow(row.name, row.asks, row.bounds, row.chance, row.fooled_by) for row in rows)


def counts_words(name: str) -> bool:
    """Say whether a probe's n counts words or prompts rather than sentences."""
    return name in MEASURES and MEASURES[name].reads in ("words", "lens")


def is_symmetric(name: str) -> bool:
    """Say whether a probe gives two languages one score whichever comes first; yes for a name that is not ours."""
    return name not in MEASURES or MEASURES[name].symmetric


def lower_is_closer(name: str) -> bool:
    """Say whether a smaller score of this probe means that languages are closer; no for a name that is not ours."""
    return name in MEASURES and MEASURES[name].lower
