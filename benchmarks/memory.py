"""The memory a computation takes at its peak, in a process of its own.

    peak = peak_memory("benchmarks.cka", "prepare_all_pairs", 205)

The named function makes the inputs and returns the computation as a call without arguments.
"""

import importlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

STATUS = Path("/proc/self/status")
GIGABYTE = 1e9


@dataclass(frozen=True)
class PeakMemory:
    """Resident memory, in gigabytes.

    Attributes:
        inputs_gb: What the inputs took, beyond the process with its libraries loaded.
        beyond_gb: What the computation took at its peak beyond them.
    """

    inputs_gb: float
    beyond_gb: float

    @property
    def total_gb(self) -> float:
        """Both."""
        return self.inputs_gb + self.beyond_gb


def can_measure() -> bool:
    """Say whether this system tells a process its peak."""
    return STATUS.exists()


def peak_memory(module: str, function: str, *arguments: int) -> PeakMemory:
    """Run a computation in a fresh process and return what it took."""
    command = [sys.executable, "-m", "benchmarks.memory", module, function, *map(str, arguments)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return PeakMemory(**json.loads(answer.stdout))


def _measure(module: str, function: str, *arguments: str) -> PeakMemory:
    prepare = getattr(importlib.import_module(module), function)
    empty = _resident("VmRSS")
    compute = prepare(*map(int, arguments))
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    compute()
    return PeakMemory(before - empty, _resident("VmHWM") - before)


def _resident(field: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024 / GIGABYTE


if __name__ == "__main__":
    print(json.dumps(vars(_measure(*sys.argv[1:]))))
