"""Where a realigned model goes: beside its checkpoints until it is whole, then into its folder."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xalign.files import write_text
from xalign.realigning.checkpoints import Run, refuse_other_run
from xalign.realigning.errors import DivergedError, RealignmentError

RECORD = "training_run.json"
BESIDE = ("before", "after", "choice", "chosen.json", "realign.json", "report.html")
"""What a study of a realignment writes beside the model."""
HARMLESS = (".", "lost+found")
"""How names begin that a fresh volume or a file that was being written may leave in a folder."""


@dataclass(frozen=True)
class TrainingOutcome:
    """A model that was trained.

    Attributes:
        folder: Where it is, as an ordinary model folder.
        best_step: The step whose weights it has; 0 are the starting model's.
        log: What was seen at each look: step, loss (mean since the look before), retrieval (P@1 of the held-out
            sentences, mean over languages and aligned layers), and the same by_language.
        n_pairs: Sentence pairs trained on, by language.
        n_vectors: Aligned words among them, or sentences, by language.
        n_trained: How many numbers of the model (with low rank, of the updates) were trained.
        seconds: What the training took, the last time that it ran.
    """

    folder: Path
    best_step: int
    log: tuple[Mapping[str, Any], ...]
    n_pairs: Mapping[str, int]
    n_vectors: Mapping[str, int]
    n_trained: int
    seconds: float


def work_folder(out: Path) -> Path:
    """Return the folder of a training's checkpoints."""
    return out.with_name(out.name + ".work")


def finished(out: Path, run: Run, *, resume: bool) -> TrainingOutcome | None:
    """Return the outcome of the same training if it is done already.

    Args:
        out: The model's folder.
        run: What decides the result.
        resume: Take the finished model up; otherwise it will be replaced.

    Raises:
        DivergedError: If that training ended so.
        RealignmentError: If the folder holds something else, or a model that was trained in another way.
    """
    if out.exists() and not out.is_dir():
        raise RealignmentError(f"out must be a folder, got the file {out}")
    if not (out / RECORD).is_file():
        names = sorted(path.name for path in out.iterdir()) if out.exists() else []
        strange = [name for name in names if name not in BESIDE and not name.startswith(HARMLESS)]
        if strange and not work_folder(out).exists():
            raise RealignmentError(
                f"out must be a new or empty folder, got {out}, which holds {', '.join(strange[:3])}; give another"
            )
        return None
    return read_outcome(out, run) if resume else None


def read_outcome(out: Path, run: Run) -> TrainingOutcome:
    """Read what was written down of a training.

    Raises:
        DivergedError: If it ended in a loss that is not finite.
        RealignmentError: If it was another training.
    """
    record = json.loads((out / RECORD).read_text(encoding="utf-8"))
    refuse_other_run(record["run"], run, f"{out} holds a model that was realigned")
    outcome = record["outcome"]
    if (step := outcome.pop("diverged_at")) is not None:
        raise DivergedError(step, outcome["best_step"], out)
    return TrainingOutcome(folder=out, **{**outcome, "log": tuple(outcome["log"])})


def publish(model: Path, out: Path, run: Run, facts: Mapping[str, Any]) -> None:
    """Put a whole model into its folder; the record of its training comes last, and says that it is whole.

    Args:
        model: Where it was written.
        out: Where it goes.
        run: What decided it.
        facts: The fields of the outcome besides the folder, and `diverged_at`, the step or None.
    """
    (out / RECORD).unlink(missing_ok=True)
    for path in sorted(model.rglob("*")):
        if path.is_file():
            target = out / path.relative_to(model)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)  # `out` may be a volume of its own, onto which nothing can be renamed
    write_text(out / RECORD, json.dumps({"run": run, "outcome": facts}, indent=2, ensure_ascii=False))
