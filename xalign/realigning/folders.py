"""What stands where in the folder of a realigned model; light, so that any command can ask."""

from pathlib import Path

RECORD = "realign.json"
"""Comes last and marks the folder whole."""
PAGE = "report.html"
BEFORE, AFTER = SIDES = ("before", "after")


def is_realignment(folder: Path) -> bool:
    """Say whether a folder holds a realignment, rather than another result."""
    return (folder / RECORD).is_file()


def report_folder(folder: Path) -> Path:
    """Return where a folder's own report of probes stands: of a realigned model in a part of it."""
    return folder / AFTER if is_realignment(folder) else folder
