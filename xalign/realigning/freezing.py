"""Which parameters are trained: not those above the aligned layers, and not those of a frozen half."""

from collections.abc import Iterable

import torch
from torch import nn

from xalign.encoders.layered import LayeredModel
from xalign.errors import ModelError, SettingError
from xalign.realigning.network import AlignedLayers

N_TOKENS = 3


def set_trained(layered: LayeredModel, layers: tuple[int, ...], *, freeze: str | None) -> int:
    """Let those parameters be trained that the aligned layers depend on, but for those of a frozen half.

    The lower half is what leads to layer 0 (embeddings and their norm) and the blocks up to n_layers // 2; the upper
    half is the rest: the blocks above, and the final norm. Poolers are never trained.

    Args:
        layered: The model; its parameters' `requires_grad` is set.
        layers: The aligned layers, ascending.
        freeze: `lower`, `upper` or None.

    Returns:
        How many numbers are trained.

    Raises:
        ModelError: If a half is to be frozen of a model whose blocks are not known.
        SettingError: If nothing is left to train.

    References:
        Bakos et al. (2025), AlignFreeze, arXiv:2502.12959.
    """
    if freeze is not None and not layered.blocks:
        raise ModelError(
            f"freeze must be None for {type(layered.module).__name__}: it is not known which of its parts are blocks"
        )
    layered.module.requires_grad_(True)
    reached = _parameters(layered.blocks[: layers[-1]]) | _leading_to(layered, layers)
    frozen = _half(layered, reached, freeze)
    n_trained = 0
    for parameter in layered.module.parameters():
        parameter.requires_grad_(parameter in reached and parameter not in frozen)
        n_trained += parameter.numel() * parameter.requires_grad
    if not n_trained:
        raise SettingError(
            f"freeze must leave something to train below the deepest aligned layer, {layers[-1]} of "
            f"{layered.n_layers}, got {freeze!r}"
        )
    return n_trained


def trained_blocks(layered: LayeredModel, layers: tuple[int, ...], *, freeze: str | None) -> tuple[nn.Module, ...]:
    """Return the blocks that are trained: below the deepest aligned layer, and not in the frozen half."""
    half = layered.n_layers // 2
    first, last = (half if freeze == "lower" else 0), (half if freeze == "upper" else layered.n_layers)
    return layered.blocks[first : min(last, layers[-1])]


def _half(layered: LayeredModel, reached: set[nn.Parameter], freeze: str | None) -> set[nn.Parameter]:
    if freeze is None:
        return set()
    lower = _parameters(layered.blocks[: layered.n_layers // 2]) | _leading_to(layered, (0,))
    return lower if freeze == "lower" else reached - lower


def _parameters(modules: Iterable[nn.Module]) -> set[nn.Parameter]:
    return {parameter for module in modules for parameter in module.parameters()}


def _leading_to(layered: LayeredModel, layers: tuple[int, ...]) -> set[nn.Parameter]:
    """Return the parameters that some layer's states depend on: those that get a gradient in a short pass."""
    network = AlignedLayers(layered, layers)
    parameters = list(layered.module.parameters())
    ids = torch.zeros(1, N_TOKENS, dtype=torch.int64, device=parameters[0].device)
    try:
        states = network([ids], [torch.ones_like(ids)])
    finally:
        network.close()
    total = torch.stack([layer.float().sum() for layer in states]).sum()
    gradients = torch.autograd.grad(total, parameters, allow_unused=True)
    return {parameter for parameter, gradient in zip(parameters, gradients, strict=True) if gradient is not None}
