"""A trained model as a folder like the one it came from: the same files, weight names and dtypes, with new values."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from xalign.encoders.model_files import PICKLES, read_json
from xalign.encoders.sources import ModelSource

MODEL_FILES = (
    *("config.json", "generation_config.json", "sentence_bert_config.json", "model.safetensors.index.json"),
    *("chat_template.*", "*.py", "LICENSE*", "NOTICE*"),
)
SENTENCE_FILES = ("modules.json", "config_sentence_transformers.json")


def write_model(source: ModelSource, values: Mapping[str, Tensor], folder: Path) -> Path:
    """Write a model folder like the source's, with new values for some weights.

    Heads and decoders that were not trained are kept as they are, sentence-transformers files too; what a maker wrote
    about his own model (its card, its scores) is left behind. No pickle is copied.

    Args:
        source: The files that the model came from.
        values: New values by stored name; they are written in the dtype that is stored.
        folder: To be made; whatever is there is removed first.

    Returns:
        `folder`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    root = sentence_root(source)
    inside = folder / source.folder.relative_to(root)
    inside.mkdir(parents=True)
    if (root / "modules.json").is_file():
        _copy_modules(source, root, folder)
    for path in sorted({*source.tokenizer_files, *_matching(source.folder, MODEL_FILES)}):
        shutil.copyfile(path, inside / path.name)
    for path in source.weights:
        _write_weights(path, values, inside / path.name)
    return folder


def sentence_root(source: ModelSource) -> Path:
    """Return the folder with `modules.json` of a sentence-transformers model; of another the model's own."""
    for root in (source.folder, source.folder.parent):
        if (root / "modules.json").is_file() and source.folder in [root / path for path in _module_paths(root)]:
            return root
    return source.folder


def _module_paths(root: Path) -> list[str]:
    modules: Any = read_json(root / "modules.json")
    return [str(module["path"]) for module in modules]


def _matching(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return [path for pattern in patterns for path in folder.glob(pattern) if path.is_file()]


def _copy_modules(source: ModelSource, root: Path, folder: Path) -> None:
    """Copy what a sentence-transformers model has beside its transformer: the list of modules, poolings, maps."""
    for path in _matching(root, SENTENCE_FILES):
        shutil.copyfile(path, folder / path.name)
    for name in _module_paths(root):
        if name and root / name != source.folder and (root / name).is_dir():
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns(*PICKLES))


def _write_weights(path: Path, values: Mapping[str, Tensor], target: Path) -> None:
    with safetensors.safe_open(path, "pt") as file:
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        metadata = file.metadata() or {"format": "pt"}
    for name in stored.keys() & values.keys():
        stored[name] = values[name].detach().cpu().to(stored[name].dtype).contiguous()
    safetensors.torch.save_file(stored, target, metadata=metadata)
    shutil.copymode(target.with_name("config.json"), target)  # safetensors' own mode lets only the owner read
