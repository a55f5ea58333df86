"""Where a block's FFN neurons are read: one line per family of architectures, or the only activation module."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from xalign.errors import ModelError, UnknownNameError

SITES = ("gate", "product")


class Family(NamedTuple):
    """Two paths inside a block.

    Attributes:
        names: Models built so.
        activation: The module whose output is the activation after the non-linearity; in a gated FFN act(gate).
        down: The linear module whose input is what the FFN projects down; in a gated FFN act(gate) * up.
    """

    names: str
    activation: str
    down: str


FAMILIES = (
    Family("BERT, RoBERTa, XLM-R, ELECTRA, DeBERTa", "intermediate.intermediate_act_fn", "output.dense"),
    Family("DistilBERT", "ffn.activation", "ffn.lin2"),
    Family("ModernBERT", "mlp.act", "mlp.Wo"),
    Family("T5, mT5, UMT5", "layer.1.DenseReluDense.act", "layer.1.DenseReluDense.wo"),
    Family("BART, mBART, M2M, NLLB, OPT", "activation_fn", "fc2"),
    Family("GPT-2", "mlp.act", "mlp.c_proj"),
    Family("GPT-NeoX", "mlp.act", "mlp.dense_4h_to_h"),
    Family("BLOOM", "mlp.gelu_impl", "mlp.dense_4h_to_h"),
    Family("Llama, Mistral, Qwen2, Qwen3, Gemma, OLMo", "mlp.act_fn", "mlp.down_proj"),
    Family("Phi", "mlp.activation_fn", "mlp.fc2"),
    Family("Phi-3", "mlp.activation_fn", "mlp.down_proj"),
)


class NeuronSite(NamedTuple):
    """A module, and which end of it to read."""

    module: nn.Module
    end: str


def find_neuron_sites(
    model: nn.Module, blocks: Sequence[nn.Module], *, site: str = "gate", pattern: str | None = None
) -> tuple[NeuronSite, ...]:
    """Find where each block's neurons are read.

    Args:
        model: The layered model.
        blocks: Its blocks in order.
        site: `gate` for the activation's output, `product` for the input of the down projection; the same if ungated.
        pattern: A module's path with `{}` for the block's number (from 0), read at its output, or at its input if
            it ends in `:input`.

    Raises:
        ModelError: If no site is found; the message says how to name the module.
        UnknownNameError: If `site` is neither.
    """
    if site not in SITES:
        raise UnknownNameError(f"neuron_site must be 'gate' or 'product', got {site!r}")
    if pattern is not None:
        return _named_sites(model, pattern, len(blocks))
    for family in FAMILIES:
        path, end = (family.activation, "output") if site == "gate" else (family.down, "input")
        if all(_has(block, family.activation) and _has(block, family.down) for block in blocks):
            return tuple(NeuronSite(block.get_submodule(path), end) for block in blocks)
    return _lone_activations(model, blocks, site)


def _named_sites(model: nn.Module, pattern: str, n_blocks: int) -> tuple[NeuronSite, ...]:
    path, _, end = pattern.partition(":")
    if path.count("{}") != 1 or end not in ("", "input", "output"):
        raise ModelError(
            f"neuron_modules must hold '{{}}' once, for the block's number, and may end in ':input'; got {pattern!r}"
        )
    parts = path.split(".")
    for start in range(parts.index(next(part for part in parts if "{}" in part)) + 1):
        names = [".".join(parts[start:]).format(number) for number in range(n_blocks)]
        if n_blocks and all(_has(model, name) for name in names):
            return tuple(NeuronSite(model.get_submodule(name), end or "output") for name in names)
    raise ModelError(
        f"neuron_modules {pattern!r} names no module in all {n_blocks} blocks of {type(model).__name__}; {_hint(model)}"
    )


def _lone_activations(model: nn.Module, blocks: Sequence[nn.Module], site: str) -> tuple[NeuronSite, ...]:
    found = [[module for module in block.modules() if _is_activation(module)] for block in blocks]
    if site == "gate" and found and all(len(modules) == 1 for modules in found):
        return tuple(NeuronSite(modules[0], "output") for modules in found)
    raise ModelError(f"the FFN neurons of {type(model).__name__} are at no place xalign knows; {_hint(model)}")


def _is_activation(module: nn.Module) -> bool:
    home = type(module).__module__
    known = home in ("transformers.activations", "torch.nn.modules.activation")
    leaf = next(module.children(), None) is None and next(module.parameters(), None) is None
    return known and leaf and not isinstance(module, nn.Softmax | nn.LogSoftmax)


def _hint(model: nn.Module) -> str:
    inside = [name for name, _ in model.named_modules() if ".0." in name and "att" not in name.lower()]
    listed = ", ".join(inside[:12]) or "(no numbered modules)"
    return (
        'name the module after the non-linearity, as in neuron_modules="layers.{}.mlp.act_fn" '
        f'("...:input" reads what goes into it). Modules of its first block: {listed}'
    )


def _has(module: nn.Module, path: str) -> bool:
    try:
        module.get_submodule(path)
    except AttributeError:
        return False
    return True


def as_tokens(states: torch.Tensor, batch: int, tokens: int) -> torch.Tensor:
    """Return neuron activations as (batch, tokens, neurons).

    Raises:
        ModelError: If there is not one row per token, as in a mixture of experts.
    """
    if states.dim() == 2 and states.shape[0] == batch * tokens:
        return states.reshape(batch, tokens, -1)
    if states.dim() == 3 and tuple(states.shape[:2]) == (batch, tokens):
        return states
    raise ModelError(
        f"a neuron module must give (batch {batch}, tokens {tokens}, neurons), got {tuple(states.shape)}; "
        "name another with neuron_modules (a mixture of experts has no such place)"
    )
