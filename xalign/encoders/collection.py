"""Pools every layer and neuron the moment it passes, so that no layer is kept longer than its block runs."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from xalign.encoders.layered import LayeredModel, hook_inputs, hook_neurons
from xalign.encoders.neuron_sites import as_tokens
from xalign.encoders.pooling import pool, position_weights, token_weights


class RealTokens(NamedTuple):
    """The tokens of a batch that count.

    Attributes:
        mask: 1 at real tokens.
        positions: The position weight of each; 0 at padding.
    """

    mask: Int[torch.Tensor, "batch tokens"]
    positions: Float[torch.Tensor, "batch tokens"]


class Collector:
    """Hooks on a model for the time of one `encode`; a context manager.

    Args:
        model: What to hook.
        layers: Layer numbers to keep.
        poolings: Poolings to keep.
        statistics: Those of `summarise_neurons`; may be empty.
    """

    def __init__(
        self, model: LayeredModel, *, layers: Sequence[int], poolings: Sequence[str], statistics: Sequence[str]
    ) -> None:
        self.model, self.layers = model, tuple(layers)
        self.poolings, self.statistics = tuple(poolings), tuple(statistics)
        self._kept: dict[str, dict[int, torch.Tensor]] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> "Collector":
        """Set the hooks."""
        self._handles = hook_inputs(self.model.blocks, self._take_states)
        if self.statistics:
            self._handles += hook_neurons(self.model.sites, self._take_neurons)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()

    def run(self, ids: torch.Tensor, mask: torch.Tensor) -> Mapping[str, np.ndarray]:
        """Run one batch.

        Args:
            ids: Token ids (batch, tokens).
            mask: Attention mask of that shape.

        Returns:
            For each pooling and statistic (layers, batch, d) float32.
        """
        self._kept = {}
        self._weights = token_weights(mask, self.poolings)
        self._tokens = RealTokens(mask, position_weights(mask))
        self.model.forward(ids, mask, self._take_states)
        return {name: _gather(by_layer, ids.device) for name, by_layer in self._kept.items()}

    def _take_states(self, number: int, states: torch.Tensor) -> None:
        if number not in self.layers:
            return
        pooled = pool(self._weights, states)
        for index, name in enumerate(self.poolings):
            self._kept.setdefault(name, {})[number] = pooled[:, index]

    def _take_neurons(self, number: int, states: torch.Tensor) -> None:
        if number not in self.layers:
            return
        states = as_tokens(states, *self._tokens.mask.shape)
        for name, values in summarise_neurons(states, self._tokens, self.statistics).items():
            self._kept.setdefault(name, {})[number] = values


class FiringCounter:
    """Hooks that count in how many real tokens each neuron fires, over all batches; a context manager.

    Args:
        model: What to hook.
        layers: Layer numbers to count, all above 0.

    Attributes:
        n_tokens: Real tokens seen, special tokens included.
    """

    def __init__(self, model: LayeredModel, *, layers: Sequence[int]) -> None:
        self.model, self.layers, self.n_tokens = model, tuple(layers), 0
        self._counts: dict[int, torch.Tensor] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> "FiringCounter":
        """Set the hooks."""
        self._handles = hook_neurons(self.model.sites, self._count)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()

    def run(self, ids: torch.Tensor, mask: torch.Tensor) -> Float[np.ndarray, "batch d"]:
        """Count one batch, and return the mean of its last layer: whatever went wrong on the way shows there."""
        self._mask = mask
        self._weights = token_weights(mask, ("mean",))
        self._last: torch.Tensor | None = None
        self.model.forward(ids, mask, self._take_states)
        if self._last is None:
            raise RuntimeError("the model handed over no last layer")
        self.n_tokens += int(mask.sum())
        return self._last.cpu().numpy()

    @property
    def counts(self) -> Int[np.ndarray, "layers neurons"]:
        """How many tokens fired each neuron so far."""
        return np.stack([self._counts[number].cpu().numpy() for number in self.layers])

    def _take_states(self, number: int, states: torch.Tensor) -> None:
        if number == self.model.n_layers:
            self._last = pool(self._weights, states)[:, 0]

    def _count(self, number: int, states: torch.Tensor) -> None:
        if number not in self.layers:
            return
        mask = self._mask.to(states.device, non_blocking=True)
        fired = fires(as_tokens(states, *mask.shape))
        counts = (mask.reshape(1, -1).float() @ fired.flatten(0, 1))[0].long()
        self._counts[number] = counts + self._counts[number] if number in self._counts else counts


def fires(states: torch.Tensor) -> torch.Tensor:
    """Return 1.0 where a neuron's activation is above 0, else 0.0; written at once as what a product can sum."""
    return torch.gt(states, 0, out=torch.empty(states.shape, dtype=torch.float32, device=states.device))


def summarise_neurons(
    states: Float[torch.Tensor, "batch tokens neurons"], tokens: RealTokens, names: Sequence[str]
) -> dict[str, Float[torch.Tensor, "batch neurons"]]:
    """Return statistics of each neuron over the real tokens of each sentence, float32, where the states are.

    Args:
        states: Activations.
        tokens: Which tokens are real.
        names: Among `nas` (position-weighted share of tokens with act > 0), `nav` (position-weighted mean of |act|),
            `share` (plain share of tokens with act > 0) and `max` (largest act).
    """
    found = _summarise_firing(states, tokens, [name for name in names if name in ("nas", "share")])
    if "nav" in names:
        found["nav"] = pool(tokens.positions[:, None], states.abs())[:, 0]
    if "max" in names:
        padding = tokens.mask.to(states.device, non_blocking=True)[:, :, None] == 0
        found["max"] = states.masked_fill(padding, -torch.inf).amax(dim=1).float()
    return found


def _summarise_firing(states: torch.Tensor, tokens: RealTokens, names: Sequence[str]) -> dict[str, torch.Tensor]:
    """Count first and divide then, so that share x tokens is a whole number up to one rounding."""
    if not names:
        return {}
    weights = torch.stack([tokens.positions if name == "nas" else tokens.mask.float() for name in names], dim=1)
    found = dict(zip(names, pool(weights, fires(states)).unbind(dim=1), strict=True))
    if "share" in found:
        found["share"] = found["share"] / tokens.mask.sum(dim=1, keepdim=True).to(states.device)
    return found


def _gather(by_layer: dict[int, torch.Tensor], device: torch.device) -> np.ndarray:
    return torch.stack([by_layer[number].to(device) for number in sorted(by_layer)]).cpu().numpy()
