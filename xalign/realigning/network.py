"""A model that gives its states at the aligned layers, and computes nothing above the deepest."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from xalign.encoders.layered import LayeredModel, hook_inputs
from xalign.errors import ModelError


class _Reached(Exception):  # noqa: N818 - no error: the deepest layer is there
    """Ends a forward pass."""


class AlignedLayers(nn.Module):
    """A model seen through the layers that are aligned.

    The forward pass ends where the deepest of them enters the block above it. All chunks of a batch go through one
    call, so that DistributedDataParallel sees one forward pass for one backward pass.

    Args:
        layered: The model; it is trained in place.
        layers: Layer numbers in 0..n_layers, ascending.
    """

    def __init__(self, layered: LayeredModel, layers: tuple[int, ...]):
        super().__init__()
        self.model, self.layers = layered.module, layers
        self._hooked, self._n_layers = bool(layered.blocks), layered.n_layers
        self._seen: dict[int, Tensor] = {}
        self._handles: list[Any] = hook_inputs(layered.blocks[: layers[-1] + 1], self._receive)

    def forward(self, ids: list[Int[Tensor, "_ _"]], mask: list[Int[Tensor, "_ _"]]) -> list[Float[Tensor, "tokens d"]]:
        """Return, for each layer, the states of all chunks' tokens, padding too, one chunk after the other."""
        chunks = [self._states(*chunk) for chunk in zip(ids, mask, strict=True)]
        return [torch.cat([states.flatten(0, 1) for states in layer]) for layer in zip(*chunks, strict=True)]

    def close(self) -> None:
        """Take the hooks off the model."""
        for handle in self._handles:
            handle.remove()

    def _receive(self, number: int, states: Tensor) -> None:
        if number in self.layers:
            self._seen[number] = states
        if number == self.layers[-1]:
            raise _Reached

    def _states(self, ids: Tensor, mask: Tensor) -> list[Tensor]:
        self._seen.clear()
        try:
            output = self.model(input_ids=ids, attention_mask=mask, return_dict=True, **self._wanted())
        except _Reached:
            return [self._seen[number] for number in self.layers]
        if not self._hooked:
            return [output.hidden_states[number] for number in self.layers]
        if self.layers[-1] != self._n_layers:
            raise ModelError(f"{type(self.model).__name__} passed layer {self.layers[-1]} by; align its last layer")
        return [*(self._seen[number] for number in self.layers[:-1]), output[0]]

    def _wanted(self) -> dict[str, bool]:
        return {} if self._hooked else {"output_hidden_states": True}


def mean_of_tokens(
    states: Float[Tensor, "tokens d"], batch: dict[str, Any], n_vectors: int
) -> Float[Tensor, "n_vectors d"]:
    """Return each vector as the weighted mean of its tokens, in float32.

    Args:
        states: States of all tokens of the batch.
        batch: As `Collator` makes it.
        n_vectors: How many vectors there are.
    """
    chosen = states.float().index_select(0, batch["tokens"]) * batch["weights"][:, None]
    return chosen.new_zeros(n_vectors, states.shape[1]).index_add(0, batch["owner"], chosen)
