"""What ships with the project, so that everything can be tried without a download."""

from importlib.resources import files
from pathlib import Path

MODEL_NAME = "xalign-mini"
CORPUS_NAME = "xalign-100"


def model_folder() -> Path:
    """The folder of xalign-mini, in the standard transformers format."""
    return Path(str(files(__name__))) / "model"


def corpus_folder() -> Path:
    """The folder of xalign-100: one `<language>.tsv` per language, with `index_id`, `category` and `text`."""
    return Path(str(files(__name__))) / "corpus"


def routing_examples() -> Path:
    """Requests of each of LASER's categories: a table of `category` and `text`."""
    return Path(str(files(__name__))) / "routing" / "examples.tsv"
