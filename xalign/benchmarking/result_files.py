"""A result as a folder: tables, mteb's JSON, pictures, one page and the facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from xalign.benchmarking.columns import SELECTION_COLUMNS, TABLE_COLUMNS
from xalign.benchmarking.contests import write_leaderboard
from xalign.benchmarking.mteb_format import as_mteb
from xalign.benchmarking.pictures import PICTURES, draw_result
from xalign.files import write_text
from xalign.result_folders import filling, read_folder, write_facts, write_frames, write_pictures

if TYPE_CHECKING:
    from xalign.benchmarking.results import Retrieval

FRAMES = {"table": TABLE_COLUMNS, "selection": SELECTION_COLUMNS}
PAGE, MTEB = "retrieval.html", "results.json"


def save_result(result: Retrieval, folder: Path) -> Path:
    """Write every part; each file is whole or absent, and `run.json`, which marks the folder whole, comes last.

    Raises:
        XalignError: If the folder cannot be written or the disk is full.
    """
    with filling(folder, what="retrieval result", pictures=PICTURES):
        write_frames(folder, {name: getattr(result, name) for name in (*FRAMES, "summary")})
        write_text(folder / MTEB, json.dumps(as_mteb(result), indent=2, ensure_ascii=False) + "\n")
        pictures = draw_result(result)
        write_pictures(folder, pictures)
        write_leaderboard(folder / PAGE, [result], pictures=pictures)
        write_facts(folder, result.run, result.warnings)
    return folder


def load_result(folder: Path) -> Retrieval:
    """Read what `save_result` wrote; no pickle is involved.

    Raises:
        XalignError: If a file is missing or not a result's.
    """
    from xalign.benchmarking.results import Retrieval

    frames, run, warnings = read_folder(folder, FRAMES, what="retrieval result")
    return Retrieval(**frames, run=run, warnings=warnings)
