"""Where a realigned model goes: beside its checkpoints until it is whole, then into its folder."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xalign.files import write_text
from xalign.realigning.checkpoints import INTERRUPTED, Run, interrupted, refuse_other_run
from xalign.realigning.errors import DivergedError, RealignmentError
from xalign.result_folders import HARMLESS

RECORD = "training_run.json"
REALIGNED = "{} holds a model that was realigned"
BESIDE = ("before", "after", "choice", "chosen.json", "realign.json", "report.html")
"""What a study of a realignment writes beside the model."""


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
    _require_own(out)
    return read_outcome(out, run) if resume and (out / RECORD).is_file() else None


def _require_own(out: Path) -> None:
    """Refuse a folder that holds something else than a realigned model."""
    if out.exists() and not out.is_dir():
        raise RealignmentError(f"out must be a folder, got the file {out}")
    if (out / RECORD).is_file() or work_folder(out).exists():
        return
    names = sorted(path.name for path in out.iterdir()) if out.exists() else []
    if strange := [name for name in names if name not in BESIDE and not name.startswith(HARMLESS)]:
        raise RealignmentError(
            f"out must be a new or empty folder, got {out}, which holds {', '.join(strange[:3])}; give another"
        )


def require_free(out: Path, run: Run, *, resume: bool) -> None:
    """Refuse, before any work, a folder that holds another training or the checkpoints of one.

    Raises:
        DivergedError: If the same training ended so.
        RealignmentError: If `out` or `<out>.work` holds something else.
    """
    finished(out, run, resume=resume)
    before = interrupted(work_folder(out))
    if resume and before is not None:
        refuse_other_run(before, run, INTERRUPTED.format(work_folder(out)))


def require_free_for_choice(out: Path, pool: Run, n_languages: int, *, resume: bool) -> None:
    """Refuse, before languages are chosen, a folder with a training that no choice of them can lead to.

    Args:
        out: The model's folder.
        pool: What would decide the result if all languages were chosen.
        n_languages: How many will be.
        resume: As in `finished`.

    Raises:
        RealignmentError: If `out` or `<out>.work` holds something else.
    """
    _require_own(out)
    begun = interrupted(work_folder(out))
    if not resume:
        return
    if (out / RECORD).is_file():
        done = json.loads((out / RECORD).read_text(encoding="utf-8"))["run"]
        refuse_other_run(*_alike(done, pool, n_languages), REALIGNED.format(out))
    elif begun is not None:
        refuse_other_run(*_alike(begun, pool, n_languages), INTERRUPTED.format(work_folder(out)))


def _alike(before: Run, pool: Run, n_languages: int) -> tuple[Run, Run]:
    """Make a run and a pool comparable: as if the same languages had been chosen from it, and linked alike."""
    chosen = {
        name: {language: value for language, value in pool[name].items() if language in (before[name] or {})}
        for name in ("text", "held_out")
    }
    linked = {"word_pairs": before["word_pairs"]} if before["word_pairs"] and pool["word_pairs"] else {}
    return (
        dict(before) | {"choose": len(before["text"])},
        dict(pool) | chosen | linked | {"choose": n_languages},
    )


def read_outcome(out: Path, run: Run) -> TrainingOutcome:
    """Read what was written down of a training.

    Raises:
        DivergedError: If it ended in a loss that is not finite.
        RealignmentError: If it was another training.
    """
    record = json.loads((out / RECORD).read_text(encoding="utf-8"))
    refuse_other_run(record["run"], run, REALIGNED.format(out))
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
