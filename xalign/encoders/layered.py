"""A loaded model seen as a stack of blocks, checked once against what transformers itself calls its hidden states."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from xalign.encoders.neuron_sites import NeuronSite, find_neuron_sites
from xalign.errors import ModelError

Receive = Callable[[int, torch.Tensor], None]


@dataclass(frozen=True)
class LayeredModel:
    """A model and the places where its layers and neurons pass.

    Attributes:
        module: The model, or the encoder of an encoder-decoder.
        blocks: Its blocks; empty where they were not found or do not give transformers' hidden states, in which case
            the hidden states are taken from the model's output instead, at the price of holding all of a batch.
        n_layers: Number of hidden states less one.
        sites: Where each block's neurons are; empty where not known.
        n_neurons: Neurons of a block; None where not known.
        neuron_error: Why the neurons are not known.
    """

    module: nn.Module
    blocks: tuple[nn.Module, ...]
    n_layers: int
    sites: tuple[NeuronSite, ...]
    n_neurons: int | None
    neuron_error: str

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, receive: Receive) -> None:
        """Run one batch; hands the last layer to `receive`, or every layer if there are no blocks to hook."""
        output = self.module(input_ids=ids, attention_mask=mask, return_dict=True, **self._states_wanted())
        if self.blocks:
            receive(self.n_layers, output[0])
        else:
            for number, states in enumerate(output.hidden_states):
                receive(number, states)

    def _states_wanted(self) -> dict[str, bool]:
        return {} if self.blocks else {"output_hidden_states": True}


def hook_inputs(blocks: tuple[nn.Module, ...], receive: Receive) -> list[Any]:
    """Hand what enters block l (the hidden states of layer l) to `receive` as layer l; returns the hook handles."""

    def make(number: int) -> Callable[..., None]:
        def hook(_module: nn.Module, args: tuple, kwargs: dict) -> None:
            receive(number, args[0] if args else kwargs["hidden_states"])

        return hook

    return [block.register_forward_pre_hook(make(number), with_kwargs=True) for number, block in enumerate(blocks)]


def hook_neurons(sites: tuple[NeuronSite, ...], receive: Receive) -> list[Any]:
    """Hand the neuron activations of block l (from 1) to `receive` as layer l; returns the hook handles."""

    def make(number: int, end: str) -> Callable[..., None]:
        def before(_module: nn.Module, args: tuple) -> None:
            receive(number, args[0])

        def after(_module: nn.Module, _args: tuple, output: torch.Tensor) -> None:
            receive(number, output)

        return before if end == "input" else after

    handles = []
    for number, site in enumerate(sites, start=1):
        hook = make(number, site.end)
        register = site.module.register_forward_pre_hook if site.end == "input" else site.module.register_forward_hook
        handles.append(register(hook))
    return handles


def examine(module: nn.Module, ids: torch.Tensor, *, site: str, pattern: str | None) -> LayeredModel:
    """Find a model's blocks and neurons, and check them in one short forward pass.

    Args:
        module: The model in evaluation mode.
        ids: (1, tokens) ids of any sentence.
        site: `gate` or `product`.
        pattern: The user's own name of the neuron module, or None.

    Raises:
        ModelError: If the model returns no hidden states, or a module the user named is not there.
    """
    blocks = find_blocks(module)
    seen: dict[int, torch.Tensor] = {}
    shapes: dict[int, list[torch.Size]] = {}
    sites, reason = _sites_or_reason(module, blocks, site, pattern)

    handles = hook_inputs(blocks, lambda number, states: seen.update({number: states}))
    handles += hook_neurons(sites, lambda number, states: shapes.setdefault(number, []).append(states.shape))
    try:
        last, states = _reference_states(module, ids)
    finally:
        for handle in handles:
            handle.remove()
    found = [*(seen.get(number) for number in range(len(blocks))), last]
    hooks_agree = len(blocks) == len(states) - 1 and all(map(_same, found, states))
    if sites:
        reason = _unfit(shapes, len(states) - 1, tuple(ids.shape))
    n_neurons = None if reason else shapes[1][0][-1]
    return LayeredModel(
        module, blocks if hooks_agree else (), len(states) - 1, sites if n_neurons else (), n_neurons, reason
    )


def find_blocks(module: nn.Module) -> tuple[nn.Module, ...]:
    """Return the blocks: the ModuleList that holds the most parameters; empty if there is none."""
    lists = [child for child in module.modules() if isinstance(child, nn.ModuleList) and len(child)]
    sizes = [sum(parameter.numel() for parameter in child.parameters()) for child in lists]
    return tuple(lists[sizes.index(max(sizes))]) if lists else ()


def _sites_or_reason(
    module: nn.Module, blocks: tuple[nn.Module, ...], site: str, pattern: str | None
) -> tuple[tuple[NeuronSite, ...], str]:
    try:
        return find_neuron_sites(module, blocks, site=site, pattern=pattern), ""
    except ModelError as error:
        if pattern is not None:
            raise
        return (), str(error)


def _reference_states(module: nn.Module, ids: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    with torch.inference_mode():
        output = module(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True, return_dict=True)
    states = getattr(output, "hidden_states", None)
    if not states:
        raise ModelError(f"{type(module).__name__} returns no hidden states (output_hidden_states=True gave none)")
    return output[0], tuple(states)


def _same(found: torch.Tensor | None, expected: torch.Tensor) -> bool:
    if found is None or found.shape != expected.shape:
        return False
    return torch.allclose(found.to(expected.device).float(), expected.float(), rtol=1e-4, atol=1e-5, equal_nan=True)


def _unfit(shapes: dict[int, list[torch.Size]], n_layers: int, expected: tuple[int, ...]) -> str:
    """Say why the neuron modules cannot serve: not once in each block, not by token, or of several widths."""
    calls = [shape for by_layer in shapes.values() for shape in by_layer]
    by_token = all(tuple(shape[:-1]) in (expected, (expected[0] * expected[1],)) for shape in calls)
    if len(shapes) == len(calls) == n_layers and by_token and len({shape[-1] for shape in calls}) == 1:
        return ""
    listed = sorted({tuple(shape) for shape in calls})
    return (
        f"the neuron modules must run once in each of {n_layers} blocks and give one row per token and one width; "
        f"for input {expected} {len(calls)} calls gave {listed}; name others with neuron_modules"
    )
