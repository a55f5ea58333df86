"""Checks on a model's folder: config, weights and tokenizer are there, whole, and safe to read."""

import json
import struct
from pathlib import Path
from typing import Any

from xalign.errors import ModelError

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "tekken.json", "*.tiktoken", "*.vocab")
TOKENIZER_SETTINGS = (
    *VOCABULARIES,
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
BYTE_TOKENIZERS = ("ByT5Tokenizer", "CanineTokenizer", "PerceiverTokenizer")


def read_json(path: Path) -> dict[str, Any] | list[Any]:
    """Read a JSON file, or say what is wrong with it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{path} must be JSON, but {error}; fetch the model again") from error


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """Read config.json, which must be there."""
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(
            f"{name}: config.json is missing from {folder}; a model folder holds config, weights and tokenizer"
        )
    config = read_json(path)
    if not isinstance(config, dict):
        raise ModelError(f"{path} must hold a JSON object, got {type(config).__name__}")
    return config


def find_weights(folder: Path, name: str) -> tuple[Path, ...]:
    """Return the safetensors files, each of the size that its header promises.

    Raises:
        ModelError: If one is missing or torn, or only other formats are there; pickles are named and refused.
    """
    index, whole = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if whole.is_file():
        files = [whole]
    elif index.is_file():
        files = [folder / shard for shard in _shards(index)]
    else:
        raise ModelError(_missing_weights(folder, name))
    for path in files:
        _check_safetensors(path)
    return tuple(files)


def _shards(index: Path) -> list[str]:
    content = read_json(index)
    places = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(places, dict) or not places or not all(isinstance(shard, str) for shard in places.values()):
        raise ModelError(f"{index} must map weights to files under 'weight_map', and does not; fetch the model again")
    return sorted(set(places.values()))


def _missing_weights(folder: Path, name: str) -> str:
    pickles = sorted({path.name for pattern in PICKLES for path in folder.glob(pattern)})
    if pickles:
        return (
            f"{name}: the weights are pickled ({', '.join(pickles[:3])}) and are refused, because unpickling runs "
            "whatever code the file holds; if you trust them, load them with transformers and save_pretrained() them"
        )
    if (folder / "adapter_config.json").is_file():
        return f"{name}: only an adapter is in {folder}; merge it into its base model and save that"
    return (
        f"{name}: model.safetensors is missing from {folder}; xalign reads safetensors only "
        "(no pickle, TensorFlow, Flax or ONNX weights)"
    )


def _check_safetensors(path: Path) -> None:
    """Compare the size that the header promises with the size on disk; reads the header alone."""
    if not path.is_file():
        raise ModelError(f"{path} is missing, though the index of the weights names it; fetch the model again")
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length)) if length < size else {}
        promised = 8 + length + max(part["data_offsets"][1] for key, part in header.items() if key != "__metadata__")
    except (struct.error, ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} is not a safetensors file ({size} bytes; a Git LFS pointer?); fetch the model again"
        ) from error
    if promised != size:
        raise ModelError(f"{path} must have {promised} bytes by its header, got {size}; fetch the model again")


def check_tokenizer(folder: Path, name: str) -> None:
    """Check that the folder holds a vocabulary, without which transformers would make up an empty one."""
    if any(path.is_file() for pattern in VOCABULARIES for path in folder.glob(pattern)):
        return
    settings = folder / "tokenizer_config.json"
    if settings.is_file() and _tokenizer_class(settings) in BYTE_TOKENIZERS:
        return
    raise ModelError(
        f"{name}: the tokenizer is missing from {folder} (tokenizer.json, vocab.txt, vocab.json or a *.model file); "
        "save it there with tokenizer.save_pretrained(folder)"
    )


def _tokenizer_class(settings: Path) -> str:
    content = read_json(settings)
    return str(content.get("tokenizer_class", "")) if isinstance(content, dict) else ""


def read_optional_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty if there is none."""
    content = read_json(path) if path.is_file() else {}
    return content if isinstance(content, dict) else {}
