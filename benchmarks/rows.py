"""A line of the table: our number, the reference's, their ratio, and the bar it is held to."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from benchmarks.timing import Times

HEADER = ("what", "size", "ours", "reference", "reference's", "ratio", "bar", "met")


@dataclass(frozen=True)
class Row:
    """One measured promise, in words.

    Attributes:
        what: What was measured.
        size: Of what.
        ours: Our number with its unit.
        reference: What it is compared with.
        theirs: The reference's number with its unit.
        ratio: How they compare.
        bar: What is promised; empty where nothing is.
        met: yes, MISSED, or skipped with the reason; empty without a bar.
    """

    what: str
    size: str
    ours: str = ""
    reference: str = ""
    theirs: str = ""
    ratio: str = ""
    bar: str = ""
    met: str = ""


def costs(what: str, size: str, times: Times, reference: str, *, at_most: float | None = None) -> Row:
    """Return a row that says how many times the reference's time ours is."""
    bar = "" if at_most is None else f"<= {at_most:g} x the time"
    met = "" if at_most is None else verdict(times.ratio <= at_most)
    return Row(
        what, size, seconds(times.ours_s), reference, seconds(times.theirs_s), f"{times.ratio:.2f} x the time", bar, met
    )


def outruns(what: str, size: str, times: Times, reference: str, *, at_least: float | None = None) -> Row:
    """Return a row that says how many times as fast as the reference ours is."""
    speed = 1 / times.ratio
    bar = "" if at_least is None else f">= {at_least:g} x as fast"
    met = "" if at_least is None else verdict(speed >= at_least)
    return Row(
        what, size, seconds(times.ours_s), reference, seconds(times.theirs_s), f"{speed:.3g} x as fast", bar, met
    )


def agrees(
    what: str, size: str, numbers: Sequence[float], reference: str, peers: Sequence[float], within: float
) -> Row:
    """Return a row that says how far our numbers lie from a peer's; the first of each is shown."""
    gap = max(abs(a - b) for a, b in zip(numbers, peers, strict=True))
    met = verdict(gap <= within)
    ours, theirs = f"{numbers[0]:.6g}", f"{peers[0]:.6g}"
    return Row(what, size, ours, reference, theirs, f"{gap:.1e} apart", f"<= {within:.0e} apart", met)


def stays_under(what: str, size: str, value: float, limit: float, unit: str, *, reference: str = "") -> Row:
    """Return a row that says whether a number of seconds or gigabytes stays under its limit."""
    theirs = f"{limit:g} {unit}" if reference else ""
    bar, met = f"< {limit:g} {unit}", verdict(value < limit)
    return Row(what, size, f"{value:.3g} {unit}", reference, theirs, f"{value / limit:.2f} of it", bar, met)


def lasts(what: str, size: str, wall_s: float, processor_s: float, *, under_s: float) -> Row:
    """Return a row that says whether a wait stays under its limit, with the processor time beside it."""
    bar, met, ratio = f"< {under_s:g} s", verdict(wall_s < under_s), f"{wall_s / under_s:.2f} of it"
    return Row(what, size, seconds(wall_s), "its processor time", seconds(processor_s), ratio, bar, met)


def skipped(what: str, reason: str) -> Row:
    """Return a row for what could not be measured here."""
    return Row(what, "", met=f"skipped: {reason}")


def verdict(holds: bool) -> str:
    """Say whether a bar is met."""
    return "yes" if holds else "MISSED"


def seconds(value: float) -> str:
    """Write a time in the unit that suits it."""
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def table_text(rows: Sequence[Row]) -> str:
    """Return rows as one aligned table."""
    cells = [HEADER, *(astuple(row) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
