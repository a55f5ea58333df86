"""The table of benchmarks: each name, where its text comes from, how it is asked, and who has seen it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xalign.embedded import CORPUS_NAME, MODEL_NAME, model_folder
from xalign.errors import UnknownNameError
from xalign.names import nearest

if TYPE_CHECKING:
    from xalign.encoders import Encoder

#: The languages of Tatoeba in XTREME, as the files spell them.
XTREME_TATOEBA = (
    *("afr", "ara", "ben", "bul", "cmn", "deu", "ell", "est", "eus", "fin", "fra", "heb", "hin", "hun", "ind", "ita"),
    *("jav", "jpn", "kat", "kaz", "kor", "mal", "mar", "nld", "pes", "por", "rus", "spa", "swh", "tam", "tel", "tgl"),
    *("tha", "tur", "urd", "vie"),
)


@dataclass(frozen=True)
class Task:
    """How one benchmark is read and asked.

    Attributes:
        name: What users type.
        title: What pages and pictures call it.
        kind: `matched` (row i of every language says the same), `questions` (a question's paragraph in another
            language), `pool` (among the paragraphs of all languages), or `mined` (which sentences match is unknown).
        folder: Its folder inside the data folder; empty for text of the user's own.
        files: A pattern that its files match, by which a folder given directly is known.
        source: Where to get it.
        seen_by: Models whose training text it is known to be.
        subsets: Languages, as the source spells them, that are averaged beside all.
    """

    name: str
    title: str
    kind: str
    folder: str = ""
    files: str = ""
    source: str = ""
    seen_by: tuple[str, ...] = ()
    subsets: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_paired(self) -> bool:
        """Whether questions look for paragraphs, rather than sentences for sentences."""
        return self.kind in ("questions", "pool")


TABLE = (
    Task(
        "tatoeba", "Tatoeba", "matched", "tatoeba", "tatoeba.*-eng.*", seen_by=(MODEL_NAME,),
        source="https://github.com/facebookresearch/LASER/tree/main/data/tatoeba/v1",
        subsets={"XTREME": XTREME_TATOEBA},
    ),
    Task(
        "flores", "FLORES-200", "matched", "flores200", "eng_Latn*",
        source="https://huggingface.co/datasets/Davlan/sib200, a file per language (index_id, split, text)",
    ),
    Task(
        "nusax", "NusaX", "matched", "nusax/mt", "valid.csv", seen_by=(MODEL_NAME,),
        source="https://github.com/IndoNLP/nusax, datasets/mt",
    ),
    Task(
        "xquad", "XQuAD, question to paragraph", "questions", "xquad", "xquad.*.json", seen_by=(MODEL_NAME,),
        source="https://github.com/google-deepmind/xquad",
    ),
    Task(
        "xquad-pool", "XQuAD, pool of all languages", "pool", "xquad", "xquad.*.json", seen_by=(MODEL_NAME,),
        source="https://github.com/google-deepmind/xquad",
    ),
    Task(
        "bucc", "BUCC", "mined", "bucc", "*.gold",
        source="https://comparable.limsi.fr/bucc2018/bucc2018-task.html",
    ),
    Task(CORPUS_NAME, CORPUS_NAME, "matched"),
)  # fmt: skip
TASKS = {task.name: task for task in TABLE}
OWN_FOLDERS = {"tatoeba": "tatoeba", "nusax": "nusax", "mt": "nusax", "xquad": "xquad"}


def find_task(name: str | Path | None) -> Task:
    """Look a task up by name; a path or a hub dataset is a task of its own, and None the embedded corpus.

    Args:
        name: A name of the table, `"folder"`, `"owner/name"`, or None.

    Raises:
        UnknownNameError: If it is none of these; the nearest name is told.
    """
    if name is None:
        return TASKS[CORPUS_NAME]
    text = str(name)
    if text in TASKS:
        return TASKS[text]
    path = Path(text.partition("#")[0]).expanduser()
    if "/" not in text and not path.exists():
        raise UnknownNameError(
            f"task must be one of {', '.join(TASKS)}, a folder or file, or a dataset owner/name, got {text!r}"
            f"{nearest(text, TASKS)}"
        )
    mined = any(path.glob("*.gold")) or any(path.glob("*/*.gold"))
    return Task(text, path.name, "mined" if mined else "matched")


def is_embedded(encoder: Encoder) -> bool:
    """Whether this is xalign-mini, by whatever name it was loaded."""
    return encoder.name == MODEL_NAME or Path(encoder.name) == model_folder()


def seen_in_training(task: Task, encoder: Encoder) -> bool:
    """Whether the task's text is known to have trained the model; a folder is known by its name."""
    named = TASKS.get(OWN_FOLDERS.get(Path(task.name).name, task.name), task)
    return MODEL_NAME in named.seen_by and is_embedded(encoder)
