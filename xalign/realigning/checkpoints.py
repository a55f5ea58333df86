"""Checkpoints that are whole, that hold all it takes to go on, and that no other run takes up."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from xalign.files import write_text, write_whole
from xalign.realigning.errors import RealignmentError
from xalign.realigning.watching import LogEntry

RUN_FILE = "run.json"
WEIGHTS_FILE = "model.safetensors"
BEST_FILE = "best.safetensors"
PROGRESS_FILE = "progress.json"
KEPT = 2
NAME = re.compile(r"checkpoint-(\d+)")
HASH = re.compile(r"[0-9a-f]{32,}")

Run = Mapping[str, Any]


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def open_work_folder(work: Path, run: Run, *, resume: bool) -> None:
    """Prepare the folder of checkpoints for a run.

    Args:
        work: The folder.
        run: What decides the result.
        resume: Take up what an interrupted run of the same kind left; otherwise it is deleted.

    Raises:
        RealignmentError: If another run left checkpoints there that are whole, or the folder holds something else.
    """
    if work.exists() and not (work / RUN_FILE).is_file() and any(work.iterdir()):
        raise RealignmentError(f"{work} is needed for checkpoints, but holds something else; move it, or change out")
    if work.exists() and not resume:
        shutil.rmtree(work)
    if (work / RUN_FILE).is_file() and last_checkpoint(work) is not None:
        before = json.loads((work / RUN_FILE).read_text(encoding="utf-8"))
        refuse_other_run(before, run, f"{work} holds the checkpoints of an interrupted run")
    write_text(work / RUN_FILE, json.dumps(run, indent=2, sort_keys=True))


def refuse_other_run(before: Run, run: Run, what: str) -> None:
    """Compare a run with one that was written down.

    Raises:
        RealignmentError: If they differ; says in what.
    """
    there, now = _flat(before), _flat(json.loads(json.dumps(run)))
    changed = [name for name in {**there, **now} if there.get(name) != now.get(name)]
    if changed:
        listed = ", ".join(f"{name} ({_told(there, name)} there, {_told(now, name)} now)" for name in changed[:3])
        raise RealignmentError(
            f"{what} with other settings or data: {listed}; pass resume=False (--no-resume) to begin again, or change "
            "out"
        )


def _flat(run: Run) -> dict[str, Any]:
    """Put settings, and what is kept by language, beside the rest, so that a difference is named by its own name."""
    found: dict[str, Any] = {"languages": sorted(run["text"])} if "text" in run else {}
    for name, value in run.items():
        if isinstance(value, Mapping):
            found |= {inner if name == "settings" else f"{name} of {inner}": part for inner, part in value.items()}
        else:
            found[name] = value
    return found


def _told(flat: Mapping[str, Any], name: str) -> str:
    """A value in a message: of a hash its beginning, which is enough to tell two apart."""
    value = flat.get(name)
    if isinstance(value, str) and HASH.fullmatch(value):
        return value[:8]
    return "none" if value is None else repr(value)


def last_checkpoint(work: Path) -> Path | None:
    """Return the last checkpoint that is whole; None if there is none."""
    numbered = _checkpoints(work)
    whole = [number for number, path in numbered.items() if _is_whole(path)]
    return numbered[max(whole)] if whole else None


def drop_old_checkpoints(work: Path) -> None:
    """Keep the last two whole checkpoints, should the last be damaged; the rest goes."""
    numbered = _checkpoints(work)
    whole = sorted(number for number, path in numbered.items() if _is_whole(path))
    for number in numbered.keys() - set(whole[-KEPT:]):
        shutil.rmtree(numbered[number])


def _checkpoints(work: Path) -> dict[int, Path]:
    return {int(match[1]): path for path in work.iterdir() if (match := NAME.fullmatch(path.name))}


def _is_whole(checkpoint: Path) -> bool:
    return (checkpoint / PROGRESS_FILE).is_file()


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors, whole or not at all."""
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(path, lambda file: file.write(safetensors.torch.save(ready, metadata={"format": "pt"})))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read safetensors into memory."""
    return safetensors.torch.load_file(path)


def save_progress(folder: Path, entries: list[LogEntry], **facts: Any) -> None:
    """Write the log and facts beside it; a checkpoint with this file is whole."""
    progress = {"log": [entry.as_json() for entry in entries], **facts}
    write_text(folder / PROGRESS_FILE, json.dumps(progress))


def load_progress(folder: Path) -> tuple[list[LogEntry], dict[str, Any]]:
    """Read what `save_progress` wrote."""
    progress = json.loads((folder / PROGRESS_FILE).read_text(encoding="utf-8"))
    return [LogEntry(**entry) for entry in progress.pop("log")], progress
