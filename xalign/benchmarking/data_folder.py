"""Where the texts of the benchmarks are: a folder that the user names, a variable, or the folder beside the project."""

import os
from pathlib import Path

from xalign.benchmarking.tasks import Task
from xalign.errors import CorpusError

VARIABLE = "XALIGN_DATA"
BESIDE = Path("../shared/data")


def find_data(task: Task, data: str | Path | None) -> Path:
    """Find the folder of a task's text.

    Args:
        task: A task that has a folder.
        data: The folder that holds the task's folder, or that folder itself; by default `$XALIGN_DATA`, else
            `../shared/data`.

    Returns:
        The folder with the files.

    Raises:
        CorpusError: If it is not there; the message says where to get the text.
    """
    root = Path(data or os.environ.get(VARIABLE) or BESIDE).expanduser()
    for folder in (root / task.folder, root):
        if any(folder.glob(task.files)) or (task.kind == "mined" and any(folder.glob(f"*/{task.files}"))):
            return folder
    raise CorpusError(
        f"data must be a folder with {task.folder}/ in it, or that folder itself, with files like {task.files}, got "
        f"{root}{'' if root.is_dir() else ', which is not there'}; get {task.title} from {task.source} and pass data= "
        f"(--data), or set {VARIABLE}"
    )
