"""Low-rank updates instead of whole weights, through peft, and merged into the weights that are written."""

import importlib.util
from typing import Any

import torch
from torch import nn

from xalign.encoders.layered import LayeredModel
from xalign.errors import ModelError
from xalign.realigning.errors import RealignmentError
from xalign.realigning.freezing import trained_blocks

SCALE = 2
"""What the update is multiplied by (lora_alpha / r)."""


def require_peft() -> None:
    """Refuse to go on without the peft package.

    Raises:
        RealignmentError: If it is not installed.
    """
    if importlib.util.find_spec("peft") is None:
        raise RealignmentError(
            "lora_rank needs the peft package, which is not installed; install it with pip install "
            "'xalign-toolkit[lora]', or leave lora_rank out to train all weights"
        )


def add_low_rank(layered: LayeredModel, layers: tuple[int, ...], *, rank: int, freeze: str | None, seed: int) -> Any:
    """Give every linear map of the trained blocks a low-rank update, and let nothing else be trained.

    Args:
        layered: The model; its linear maps are replaced by those with updates.
        layers: The aligned layers, ascending.
        rank: Of the updates.
        freeze: The half without updates, or None.
        seed: Of the updates' first values (they begin with no effect).

    Returns:
        What `merge_low_rank` takes.

    Raises:
        RealignmentError: If peft is not installed.
        ModelError: If the model has no linear maps in known blocks.

    References:
        Hu et al. (2021), LoRA: Low-Rank Adaptation of Large Language Models, arXiv:2106.09685.
    """
    require_peft()
    from peft import LoraConfig, LoraModel

    names = _linear_names(layered, trained_blocks(layered, layers, freeze=freeze))
    if not names:
        raise ModelError(
            f"lora_rank must be None for {type(layered.module).__name__}: no linear maps were found in the blocks that "
            f"are to be trained (layers {layers}, freeze={freeze!r})"
        )
    config = LoraConfig(r=rank, lora_alpha=SCALE * rank, target_modules=names, bias="none")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LoraModel(layered.module, config, "default")


def merge_low_rank(adapted: Any) -> nn.Module:
    """Add the updates to the weights; returns the ordinary model."""
    return adapted.merge_and_unload()


def _linear_names(layered: LayeredModel, blocks: tuple[nn.Module, ...]) -> list[str]:
    """Return the paths of the linear maps, GPT-2's transposed ones too."""
    from transformers.pytorch_utils import Conv1D

    inside = {module for block in blocks for module in block.modules() if isinstance(module, nn.Linear | Conv1D)}
    return [path for path, module in layered.module.named_modules() if module in inside]
