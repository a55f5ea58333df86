"""What the names of files and folders say: which language, which split."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xalign.corpora.languages import is_code_like
from xalign.errors import CorpusError

SPLITS = ("train", "valid", "validation", "dev", "devtest", "test")
_ENDINGS = ("txt", "tsv", "csv", "jsonl", "ndjson", "json", "parquet", "text", "raw")
_SHARD = re.compile(r"-[0-9]+-of-[0-9]+")


@dataclass(frozen=True)
class NamedFile:
    """A file whose name, or whose folder's name, says its language and perhaps its split."""

    path: Path
    spelling: str
    split: str | None


def name_files(paths: Sequence[Path], root: Path) -> list[NamedFile]:
    """Read language and split from `eng_Latn.devtest`, `newstest.deu.txt`, `eng_Latn/train.tsv`, `dev/eng_Latn.dev`.

    Args:
        paths: The files; what all their names share is not the language.
        root: The folder they are in; names of folders below it count.

    Raises:
        CorpusError: If a name holds no language, or could be read in two ways.
    """
    words = [_words(path, root) for path in paths]
    shared = set.intersection(*map(set, words)) if len(words) > 1 else set()
    split_varies = len({_split(names) for names in words}) > 1
    own = [[word for word in names if word not in shared and word not in SPLITS] or names for names in words]
    return [
        NamedFile(path, _spelling(path, candidates), _split(names, split_varies))
        for path, names, candidates in zip(paths, words, own, strict=True)
    ]


def split_of(path: Path) -> str | None:
    """The split that a file's name says: `test.csv`, `test-00000-of-00001.parquet`."""
    return _split(_words(path, path.parent))


def split_order(split: str | None) -> int:
    """Where a split goes among the others: train first, test last."""
    return SPLITS.index(split) if split in SPLITS else -1


def _words(path: Path, root: Path) -> list[str]:
    parts = path.relative_to(root).parts
    words = [word for part in parts for word in _SHARD.sub("", part).split(".")]
    return words[:-1] if words[-1].lower() in _ENDINGS and len(words) > 1 else words


def _split(words: Sequence[str], varies: bool = True) -> str | None:
    return next((word for word in words if word in SPLITS), None) if varies else None


def _spelling(path: Path, words: Sequence[str]) -> str:
    candidates = list(dict.fromkeys(word for word in words if word not in SPLITS))
    codes = [word for word in candidates if is_code_like(word)] or candidates
    if len(codes) == 1:
        return codes[0]
    came = f"got {' and '.join(codes)}" if codes else "got none"
    raise CorpusError(f"{path}: one language was expected in the name, such as eng_Latn.txt, {came}")
