"""What every benchmark is told: how many threads, how thorough, where real text lies."""

import os
from dataclasses import dataclass, field
from pathlib import Path

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def data_folder() -> Path:
    """Return where the data sets of the tests and benchmarks lie."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("XALIGN_DATA", beside))


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        threads: Of torch, BLAS and OpenMP alike, ours and the reference's.
        quick: Smaller sizes and fewer repeats; bars are told all the same, though they were set for the full sizes.
        data: The folder with flores200.
    """

    threads: int = 2
    quick: bool = False
    data: Path = field(default_factory=data_folder)

    def choose(self, full: int, quick: int) -> int:
        """Return one number for a full run and another for a quick one."""
        return quick if self.quick else full

    @property
    def repeats(self) -> int:
        """How many rounds a median is taken of."""
        return self.choose(5, 3)
