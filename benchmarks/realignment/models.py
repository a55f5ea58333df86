"""The two starting models; the copy is trained where it is absent."""

import logging
import subprocess
import sys
from pathlib import Path

from benchmarks.realignment.languages import UNSEEN
from benchmarks.realignment.settings import MINI, Experiment
from xalign.encoders.encoder import Encoder
from xalign.encoders.loading import load_encoder

logger = logging.getLogger(__name__)
RECIPE = (
    *("--monolingual", "--without", ",".join(UNSEEN)),
    *("--static-steps", "400", "--steps", "700", "--every", "100"),
)
"""How xalign-mini's own training makes the copy; about 20 minutes on two cores."""


def starting_model(name: str, copy: Path, *, dtype: str = "float32") -> Encoder:
    """Load one of the two, on the CPU, where all runs are made."""
    return load_encoder(None if name == MINI else copy, device="cpu", dtype=dtype)


def ensure_copy(experiment: Experiment) -> None:
    """Train the copy if it is not there; an interrupted training goes on where it stopped."""
    if (experiment.copy / "config.json").is_file():
        return
    logger.info("training a model without translations, to %s", experiment.copy)
    module = (sys.executable, "-m", "xalign.embedded.training")
    places = ("--data", str(experiment.data), "--out", str(experiment.copy))
    subprocess.run([*module, *places, *RECIPE], check=True)
