"""Weights into memory: the right class, the right dtype, the right device, and nothing left at random."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import nn

from xalign.encoders.sources import ModelSource
from xalign.errors import ModelError

logger = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
UNUSED = ("pooler", "decoder.", "lm_head")


@dataclass(frozen=True)
class Placement:
    """Where and how a model is held.

    Attributes:
        device: A torch device.
        dtype: `float32`, `bfloat16`, `float16`, or `auto` for the model's own.
        device_map: accelerate's device map, or None.
        trust_remote_code: Whether the model's own Python may run.
    """

    device: str
    dtype: str
    device_map: Any = None
    trust_remote_code: bool = False


def choose_device(device: str) -> str:
    """Resolve `auto` to cuda, mps or cpu, and check that any other device is there.

    Raises:
        ModelError: If the device has no meaning or is not on this machine.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModelError(f"device must be 'auto' or a torch device of this machine, got {device!r}: {error}") from error
    return device


def load_weights(source: ModelSource, config: Any, placement: Placement) -> nn.Module:
    """Load a model from safetensors, in evaluation mode; of an encoder-decoder the encoder.

    Args:
        source: The checked files.
        config: Their transformers config.
        placement: Device, dtype and device map.

    Raises:
        ModelError: If transformers cannot load it, weights that are needed are not in the files, or the files hold
            blocks that config.json leaves out.
    """
    model, report = read_weights(_model_class(config), source, config, placement)
    check_complete(source, report)
    check_whole(source, model, report)
    if placement.device_map is None:
        model = model.to(placement.device)
    return _encoder_part(model).eval().requires_grad_(False)


def read_weights(kind: Any, source: ModelSource, config: Any, placement: Placement) -> tuple[Any, dict[str, Any]]:
    """Load a model of some class from safetensors; not yet checked, not yet placed.

    Args:
        kind: A transformers class, or an auto class.
        source: The checked files.
        config: Their transformers config.
        placement: dtype and device map.

    Returns:
        The model, and transformers' report of the weights that it found.

    Raises:
        ModelError: If transformers cannot load it.
    """
    try:
        with quiet():
            return kind.from_pretrained(
                source.folder,
                config=config,
                dtype=DTYPES.get(placement.dtype, "auto"),
                device_map=placement.device_map,
                trust_remote_code=placement.trust_remote_code,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
    except Exception as error:
        raise ModelError(f"{source.name}: transformers cannot load the weights: {error}") from error


def _model_class(config: Any) -> Any:
    """Prefer a class that is the encoder alone (T5's kind), so that no decoder is read only to be dropped."""
    mapping = transformers.models.auto.modeling_auto.MODEL_FOR_TEXT_ENCODING_MAPPING
    encoder = mapping.get(type(config), None)
    return encoder if encoder is not None and encoder.__name__.endswith("EncoderModel") else transformers.AutoModel


def _encoder_part(model: Any) -> nn.Module:
    model.config.use_cache = False
    if getattr(model.config, "is_encoder_decoder", False) and hasattr(model, "get_encoder"):
        model = model.get_encoder()
        model.config.use_cache = False
    return model


def check_complete(source: ModelSource, report: dict[str, Any]) -> None:
    """Refuse weights of which some that the model needs are missing, or of another shape."""
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(UNUSED))
    wrong = sorted(str(name) for name in report.get("mismatched_keys", ()))
    if missing or wrong:
        raise ModelError(
            f"{source.name}: {len(missing)} weights are missing and {len(wrong)} have another shape than "
            f"config.json says (first: {(missing + wrong)[0]}); they would be random. Save the model "
            "again with save_pretrained"
        )


def check_whole(source: ModelSource, model: nn.Module, report: dict[str, Any]) -> None:
    """Refuse files with more blocks than the model was built with; heads and poolers that stay unread are no matter."""
    unread = sorted(report["unexpected_keys"])
    spare = int(getattr(model.config, "num_nextn_predict_layers", None) or 0)  # blocks that predict later tokens
    root = rf"(?:{re.escape(getattr(model, 'base_model_prefix', ''))}\.)?"
    for path, blocks in model.named_modules():
        if not isinstance(blocks, nn.ModuleList):
            continue
        inside = re.compile(rf"{root}{re.escape(path)}\.(\d+)\.")
        numbers = [int(match[1]) for name in unread if (match := inside.match(name))]
        if max(numbers, default=-1) >= len(blocks) + spare:
            raise ModelError(
                f"{source.name}: the weights hold {max(numbers) + 1} blocks of {path!r}, config.json speaks of "
                f"{len(blocks)}; the model would be cut. Correct config.json, or save what you cut with save_pretrained"
            )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' loading bar and its list of weights (heads) that nobody asked for."""
    log = transformers.utils.logging
    verbosity, bar = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(verbosity)
        if bar:
            log.enable_progress_bar()
