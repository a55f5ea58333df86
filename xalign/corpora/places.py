"""Where a corpus is: a path (with an option after `#`), or a name on the hub."""

from dataclasses import dataclass
from functools import cached_property
from glob import escape
from pathlib import Path

from xalign.embedded import CORPUS_NAME, corpus_folder
from xalign.errors import CorpusError
from xalign.names import nearest


@dataclass(frozen=True)
class Place:
    """What a caller asked for.

    Attributes:
        name: What the corpus will be called.
        path: The file or folder, or the beginning of the names of files.
        option: What stood after `#`.
    """

    name: str
    path: Path
    option: str | None = None

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The data files: of the folder, else of its folders; or the file; or those whose names begin so."""
        if self.path.is_file():
            return (self.path,)
        if self.path.is_dir():
            return _data_files(self.path, "*") or _data_files(self.path, "*/*")
        return _data_files(self.path.parent, f"{escape(self.path.name)}.*")

    @property
    def root(self) -> Path:
        """The folder below which names of folders mean something."""
        return self.path if self.path.is_dir() else self.path.parent

    def all_end_in(self, *endings: str) -> bool:
        """Whether every data file has one of these endings."""
        return all(path.suffix.lower() in endings for path in self.files)


def find_place(name_or_path: str | Path | None) -> Place | None:
    """Find what a caller asked for on this machine; None if there is nothing there.

    Raises:
        CorpusError: If it is a folder without data files.
    """
    if name_or_path is None or str(name_or_path) == CORPUS_NAME:
        return Place(CORPUS_NAME, corpus_folder())
    whole = Path(name_or_path).expanduser()
    before, mark, option = str(whole).rpartition("#")
    place = Place(whole.name, Path(before), option) if mark and not whole.exists() else Place(whole.name, whole)
    if place.path.is_dir() and not place.files:
        raise CorpusError(
            f"{place.path}: a folder with data files was expected, got none; README and *.md do not count"
        )
    return place if place.files else None


def no_such_place(name_or_path: str | Path) -> CorpusError:
    """Say that nothing is there, and what is near."""
    path = Path(str(name_or_path).partition("#")[0]).expanduser()
    folder = path.parent
    beside = [str(folder / other.name) for other in folder.iterdir()] if folder.is_dir() else []
    hint = nearest(str(path), [*beside, CORPUS_NAME])
    return CorpusError(
        f"corpus must be a path that exists, {CORPUS_NAME!r} or a dataset's name, got {name_or_path!s}{hint}"
    )


def _data_files(folder: Path, pattern: str) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    return tuple(sorted(path for path in folder.glob(pattern) if path.is_file() and not _is_about(path)))


def _is_about(path: Path) -> bool:
    name = path.name.upper()
    return name.startswith((".", "README", "LICENSE", "LICENCE", "CITATION", "METADATA")) or name.endswith(
        (".MD", ".PY")
    )
