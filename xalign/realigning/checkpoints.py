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
INTERRUPTED = "{} holds the checkpoints of an interrupted run"
NAME = re.compile(r"checkpoint-(\d+)")
OTHERS = {
    "model": "another model",
    "tokenizer": "another tokenizer",
    "text": "other sentences",
    "held_out": "other held-out text",
    "pairs": "other pairs to train on",
    "n_pairs": "other pairs to train on",
    "fingerprint": "another model",
    "word_pairs": "other pairs of words",
}
"""What differs, in words, where the value is but a hash."""

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
    before = interrupted(work)
    if work.exists() and not resume:
        shutil.rmtree(work)
    elif before is not None:
        refuse_other_run(before, run, INTERRUPTED.format(work))
    write_text(work / RUN_FILE, json.dumps(run, indent=2, sort_keys=True))


def interrupted(work: Path) -> Run | None:
    """Return the run that left checkpoints that are whole in their folder; None if there is none.

    Raises:
        RealignmentError: If the folder holds something else.
    """
    if work.exists() and not (work / RUN_FILE).is_file() and any(work.iterdir()):
        raise RealignmentError(f"{work} is needed for checkpoints, but holds something else; move it, or change out")
    if not (work / RUN_FILE).is_file() or last_checkpoint(work) is None:
        return None
    return json.loads((work / RUN_FILE).read_text(encoding="utf-8"))


def refuse_other_run(before: Run, run: Run, what: str) -> None:
    """Compare a run with one that was written down.

    Raises:
        RealignmentError: If they differ; says in what.
    """
    there, now = _flat(before), _flat(json.loads(json.dumps(run)))
    if changed := _differences(there, now):
        raise RealignmentError(
            f"{what} with other settings or data: {', '.join(changed[:3])}; pass resume=False (--no-resume) to begin "
            "again, or change out"
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


def _differences(there: Run, now: Run) -> list[str]:
    """Say each difference once; what only one of two lists of languages can have is told by the lists."""
    found: dict[str, None] = {}
    same_languages = there.get("languages") == now.get("languages")
    for name in {**there, **now}:
        kind, _, language = name.partition(" of ")
        if there.get(name) == now.get(name) or (language and not same_languages and (name in there) != (name in now)):
            continue
        found[OTHERS.get(kind, f"{name} ({_told(there, name)} there, {_told(now, name)} now)")] = None
    return list(found)


def _told(flat: Run, name: str) -> str:
    value = flat.get(name)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


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
