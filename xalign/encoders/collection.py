"""Pools every layer and neuron the moment it passes, so that no layer is kept longer than its block runs."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
import torch

from xalign.encoders.layered import LayeredModel, hook_inputs, hook_neurons
from xalign.encoders.neuron_sites import as_tokens
from xalign.encoders.pooling import pool, position_weights, token_weights


class Collector:
    """Hooks on a model for the time of one `encode`; a context manager.

    Args:
        model: What to hook.
        layers: Layer numbers to keep.
        poolings: Poolings to keep.
        statistics: `nas` (share of firing) and `nav` (mean size), both weighted by position; may be empty.
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
        self._shape, self._kept = tuple(ids.shape), {}
        self._weights = token_weights(mask, self.poolings)
        self._positions = position_weights(mask)[:, None, :]
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
        states = as_tokens(states, *self._shape)
        for name in self.statistics:
            values = states > 0 if name == "nas" else states.abs()
            self._kept.setdefault(name, {})[number] = pool(self._positions, values)[:, 0]


def _gather(by_layer: dict[int, torch.Tensor], device: torch.device) -> np.ndarray:
    return torch.stack([by_layer[number].to(device) for number in sorted(by_layer)]).cpu().numpy()
