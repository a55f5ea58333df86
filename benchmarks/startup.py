"""How long one waits: for the import, and for the first report."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.rows import Row, lasts
from benchmarks.settings import Settings
from benchmarks.timing import seconds_of

IMPORT = """
import time
wall, processor = time.perf_counter(), time.process_time()
import {name}
print(time.perf_counter() - wall, time.process_time() - processor)
"""
COMMAND = "from xalign.cli import app; app()"


def rows(settings: Settings) -> Iterator[Row]:
    """Time imports in fresh processes, and the demo from an empty cache."""
    for name in ("xalign", "probes", "selection"):
        rounds = [_import_seconds(name) for _ in range(settings.repeats)]
        wall, processor = (median(column) for column in zip(*rounds, strict=True))
        yield lasts(f"import {name}", "fresh process", wall, processor, under_s=0.3)
    yield lasts("make demo, once installed", "24 languages x 100 sentences", *_demo_seconds(), under_s=60)


def _import_seconds(name: str) -> tuple[float, float]:
    command = [sys.executable, "-c", IMPORT.format(name=name)]
    wall, processor = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(wall), float(processor)


def _demo_seconds() -> tuple[float, float]:
    before = _children_processor_seconds()
    wall = seconds_of(_demo)
    return wall, _children_processor_seconds() - before


def _children_processor_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _demo() -> None:
    """Run what `make demo` runs."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"XALIGN_CACHE": str(Path(folder, "cache"))}
        command = [sys.executable, "-c", COMMAND, "probe", "--out", str(Path(folder, "report"))]
        subprocess.run(command, check=True, capture_output=True, env=environment)
