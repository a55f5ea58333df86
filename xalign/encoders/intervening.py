"""Set neurons to fixed values while a model encodes: does a language live in them?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from xalign.encoders.encoder import Encoder
from xalign.encoders.neuron_sites import NeuronSite
from xalign.errors import UnknownNameError


@contextmanager
def intervened(encoder: Encoder, neurons: Any, values: Any) -> Iterator[None]:
    """Set neurons to given values at every token, for as long as the `with` lasts.

        with intervened(encoder, counts.finish().neurons["deu_Latn"], 0.0):
            encoder.encode(sentences)

    Values are set where neuron statistics are read (`neuron_site`), before them, so these show the values. Nothing that
    is encoded meanwhile enters the activation cache or is read from it. Several may be nested; the innermost wins.

    Args:
        encoder: Whose neurons to set.
        neurons: Rows of layer (1..n_layers) and neuron (from 0), each once.
        values: One for each of them, such as the median of its largest activations in a language; or one for all.

    Raises:
        ModelError: If the model's FFN is not known.
        UnknownNameError: If a layer or neuron does not exist.
        ValueError: If `neurons` are no rows of two whole numbers, one stands twice, or `values` are not as many or not
            finite.

    References:
        Suau et al. (2022), Self-conditioning Pre-Trained Language Models, https://arxiv.org/abs/2110.02802.
    """
    sites = encoder.neuron_sites
    places = _checked_neurons(neurons, encoder.n_layers, encoder.n_neurons or 0)
    numbers = _checked_values(values, len(places))
    handles = []
    for layer in np.unique(places[:, 0]):
        here = places[:, 0] == layer
        handles.append(_set(sites[layer - 1], places[here, 1], numbers[here]))
    encoder.n_interventions += 1
    try:
        yield
    finally:
        encoder.n_interventions -= 1
        for handle in handles:
            handle.remove()


def _set(site: NeuronSite, neurons: np.ndarray, values: np.ndarray) -> Any:
    index, numbers = torch.from_numpy(neurons), torch.from_numpy(values)

    def replaced(states: torch.Tensor) -> torch.Tensor:
        changed = states.clone()
        changed[..., index.to(states.device)] = numbers.to(states.device, states.dtype)
        return changed

    def before(_module: nn.Module, args: tuple) -> tuple:
        return (replaced(args[0]), *args[1:])

    def after(_module: nn.Module, _args: tuple, output: torch.Tensor) -> torch.Tensor:
        return replaced(output)

    if site.end == "input":
        return site.module.register_forward_pre_hook(before)
    return site.module.register_forward_hook(after)


def _checked_neurons(neurons: Any, n_layers: int, n_neurons: int) -> np.ndarray:
    places = np.asarray(neurons) if len(neurons) else np.zeros((0, 2), dtype=np.int64)
    if places.ndim != 2 or places.shape[1] != 2 or not np.issubdtype(places.dtype, np.integer):
        raise ValueError(
            f"neurons must be rows of layer and neuron, whole numbers, got shape {places.shape} of {places.dtype}"
        )
    wrong = ((places < [1, 0]) | (places > [n_layers, n_neurons - 1])).any(axis=1)
    if wrong.any():
        layer, neuron = places[wrong][0]
        raise UnknownNameError(
            f"neurons must have layers in 1..{n_layers} and numbers in 0..{n_neurons - 1}, got layer {layer}, "
            f"neuron {neuron}"
        )
    distinct, counts = np.unique(places, axis=0, return_counts=True)
    if (counts > 1).any():
        layer, neuron = distinct[counts > 1][0]
        raise ValueError(f"neurons must name each neuron once, got layer {layer}, neuron {neuron} more often")
    return places


def _checked_values(values: Any, n: int) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape not in ((), (n,)) or not np.isfinite(numbers).all():
        raise ValueError(
            f"values must be one finite number, or one for each of {n} neurons, got shape {numbers.shape}"
            + ("" if np.isfinite(numbers).all() else " with NaN or infinity")
        )
    return np.broadcast_to(numbers, (n,)).copy()
