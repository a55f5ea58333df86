"""Where a model's files are, and whether they are all there, before anything is loaded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xalign.embedded import MODEL_NAME, model_folder
from xalign.encoders.model_files import TOKENIZER_SETTINGS, check_tokenizer, find_weights, read_config
from xalign.encoders.sentence_settings import read_sentence_settings
from xalign.errors import ModelError

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class ModelSource:
    """The checked files of one model.

    Attributes:
        name: As the user gave it; a folder by its path.
        folder: Where config, weights and tokenizer are.
        revision: The commit, for a model from the hub.
        config: `config.json`.
        weights: The safetensors files.
        max_length: What a sentence-transformers folder sets, else None.
        lowercase: Whether a sentence-transformers folder lowers the text first.
        default_pooling: Its own pooling, where xalign has it; `mean` for other models.
        prompts: Its prompts by name; xalign never applies them unasked.
        default_prompt_name: The prompt its makers apply by default.
    """

    name: str
    folder: Path
    revision: str | None
    config: Mapping[str, Any] = field(repr=False)
    weights: tuple[Path, ...] = field(repr=False)
    max_length: int | None = None
    lowercase: bool = False
    default_pooling: str = "mean"
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt_name: str | None = None

    @property
    def tokenizer_files(self) -> tuple[Path, ...]:
        """The files that decide how text is cut, sorted by name."""
        return tuple(sorted({path for pattern in TOKENIZER_SETTINGS for path in self.folder.glob(pattern)}))

    @property
    def code_files(self) -> tuple[Path, ...]:
        """Python files beside the weights, sorted by name."""
        return tuple(sorted(self.folder.glob("*.py")))


def find_source(name_or_path: str | Path | None, *, revision: str | None = None, code: bool = False) -> ModelSource:
    """Find and check a model's files: a folder, a hub name, or the embedded model.

    Args:
        name_or_path: A folder, a hub name, or `"xalign-mini"` or None for the embedded model.
        revision: Branch, tag or commit on the hub.
        code: Whether to fetch the repository's Python files too.

    Raises:
        ModelError: If nothing is there, a part is missing or torn, or the weights are pickled.
    """
    name = MODEL_NAME if name_or_path is None else str(name_or_path)
    root = _root(name, revision, code)
    settings = read_sentence_settings(root)
    folder = root / settings.pop("path", "")
    commit = root.name if root.parent.name == "snapshots" and COMMIT.fullmatch(root.name) else None
    config = read_config(folder, name)
    weights = find_weights(folder, name)
    check_tokenizer(folder, name)
    return ModelSource(name, folder, commit, config, weights, **settings)


def _root(name: str, revision: str | None, code: bool) -> Path:
    if name == MODEL_NAME:
        return model_folder()
    path = Path(name).expanduser()
    if path.is_dir():
        return path.resolve()
    if path.exists():
        raise ModelError(f"name_or_path must be a folder or a hub name, got the file {path}; give the folder it is in")
    if not HUB_NAME.fullmatch(name):
        raise ModelError(
            f"name_or_path must be a folder or a hub name such as 'FacebookAI/xlm-roberta-base': no folder {name}"
        )
    return _fetch(name, revision, code)


def _fetch(name: str, revision: str | None, code: bool) -> Path:
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.txt", "*.model", "*.tiktoken", "model*.safetensors", "*/model*.safetensors"]
    unwanted = ["onnx/*", "openvino/*", "original/*", "*.fp16*"]
    try:
        return Path(
            snapshot_download(
                name, revision=revision, allow_patterns=wanted + ["*.py"] * code, ignore_patterns=unwanted
            )
        )
    except Exception as error:
        if partial := getattr(error, "snapshot_path", None):
            return Path(partial)
        at = f" at revision {revision!r}" if revision else ""
        raise ModelError(
            f"name_or_path: no folder {name!r} here, and the hub gave no model of that name{at} "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}); "
            "check the spelling and the network, log in for gated models, or give the path of a downloaded folder"
        ) from error
