"""What a forward pass leaves: pooled layers and neuron statistics, in memory or in files, one layer at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from xalign.errors import ActivationError, UnknownNameError
from xalign.names import nearest

SHARE_ROUNDING = 1e-6
"""How far a share may lie from a whole number of tokens over their number: float32 keeps 6e-8."""


@runtime_checkable
class Block(Protocol):
    """A run of consecutive sentences whose arrays can be read one layer at a time."""

    @property
    def n_tokens(self) -> Int[np.ndarray, " n"]:
        """Tokens of each sentence before truncation, special tokens left out."""

    @property
    def truncated(self) -> Bool[np.ndarray, " n"]:
        """Which sentences were cut to the maximum length."""

    @property
    def n_read(self) -> Int[np.ndarray, " n"]:
        """Tokens the model read of each sentence: after truncation, special tokens included."""

    def read(self, name: str, index: int) -> Float[np.ndarray, "n d"]:
        """Return layer `index` (a position, not a layer number) of the pooling or statistic `name`."""


@dataclass(frozen=True, eq=False)
class MemoryBlock:
    """A block held in memory.

    Attributes:
        arrays: Pooling or neuron statistic to a float32 array (layers, n, d).
        n_tokens: Tokens of each sentence before truncation, special tokens left out.
        truncated: Which sentences were cut.
        n_read: Tokens the model read of each sentence: after truncation, special tokens included.
    """

    arrays: Mapping[str, Float[np.ndarray, "_ n _"]]
    n_tokens: Int[np.ndarray, " n"]
    truncated: Bool[np.ndarray, " n"]
    n_read: Int[np.ndarray, " n"]

    def read(self, name: str, index: int) -> Float[np.ndarray, "n d"]:
        """Return one layer as a view."""
        return self.arrays[name][index]


class _Stacks(Mapping[str, np.ndarray]):
    """A mapping whose arrays are put together when they are asked for."""

    def __init__(self, names: tuple[str, ...], build: Callable[[str], np.ndarray]) -> None:
        self._names, self._build = names, build

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(name)
        return self._build(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, eq=False)
class Activations:
    """Sentence vectors and neuron states of one set of sentences, by layer.

    Read one layer with `layer` and `neuron_layer`; `layers`, `pooled` and `neurons` put whole stacks into memory.

    Attributes:
        layer_numbers: The layers kept; 0 is the embedding output, l the output of block l.
        poolings: The poolings kept; the first is the one that `layers` and `layer` speak of.
        statistics: The neuron statistics kept, of `nas`, `nav`, `share` and `max`; may be none.
        blocks: Where the numbers are; consecutive sentences.
    """

    layer_numbers: tuple[int, ...]
    poolings: tuple[str, ...]
    statistics: tuple[str, ...]
    blocks: tuple[Block, ...] = field(repr=False)

    def layer(self, number: int, pooling: str | None = None) -> Float[np.ndarray, "n d"]:
        """Return the sentence vectors of one layer, float32.

        Args:
            number: A layer number among `layer_numbers`.
            pooling: One of `poolings`; the first if None.

        Raises:
            UnknownNameError: If that layer or pooling was not kept.
        """
        name = self.poolings[0] if pooling is None else pooling
        _check_kept("pooling", name, self.poolings)
        return self._read(name, number, self.layer_numbers)

    def neuron_layer(self, statistic: str, number: int) -> Float[np.ndarray, "n neurons"]:
        """Return the neuron states of one block, float32.

        Args:
            statistic: One of `statistics`.
            number: A layer number among `neuron_layer_numbers`.

        Raises:
            UnknownNameError: If that statistic or layer was not kept.
        """
        _check_kept("neurons", statistic, self.statistics)
        return self._read(statistic, number, self.neuron_layer_numbers)

    def fire_counts(self, number: int) -> Int[np.ndarray, "n neurons"]:
        """Return how many of a sentence's tokens fire each neuron of one block: `share` x `n_read`, whole again.

        Args:
            number: A layer number among `neuron_layer_numbers`.

        Raises:
            UnknownNameError: If `share` or that layer was not kept.
            ActivationError: If shares are not of these numbers of tokens.
        """
        products = self.neuron_layer("share", number) * self.n_read[:, None].astype(np.float64)
        counts = np.rint(products)
        if np.abs(products - counts).max() > SHARE_ROUNDING * self.n_read.max():
            raise ActivationError(
                f"share x n_read must be whole numbers at layer {number}, got {products.flat[0]:.6g}; encode again"
            )
        return counts.astype(np.int64)

    @property
    def n(self) -> int:
        """How many sentences."""
        return sum(len(block.n_tokens) for block in self.blocks)

    @property
    def neuron_layer_numbers(self) -> tuple[int, ...]:
        """The layers that have neurons: all of `layer_numbers` but 0."""
        return tuple(number for number in self.layer_numbers if number > 0)

    @property
    def layers(self) -> Float[np.ndarray, "layers n d"]:
        """All layers under the first pooling."""
        return self.pooled[self.poolings[0]]

    @property
    def pooled(self) -> Mapping[str, Float[np.ndarray, "layers n d"]]:
        """Each pooling's layers, stacked on access."""
        return _Stacks(
            self.poolings, lambda name: np.stack([self.layer(number, name) for number in self.layer_numbers])
        )

    @property
    def neurons(self) -> Mapping[str, Float[np.ndarray, "n layers neurons"]]:
        """Each statistic's states (n, layers, neurons), stacked on access; layers as in `neuron_layer_numbers`."""
        numbers = self.neuron_layer_numbers
        return _Stacks(
            self.statistics, lambda name: np.stack([self.neuron_layer(name, number) for number in numbers], axis=1)
        )

    @property
    def n_tokens(self) -> Int[np.ndarray, " n"]:
        """Tokens of each sentence before truncation, special tokens left out."""
        return np.concatenate([block.n_tokens for block in self.blocks])

    @property
    def n_read(self) -> Int[np.ndarray, " n"]:
        """Tokens the model read of each sentence: after truncation, special tokens included."""
        return np.concatenate([block.n_read for block in self.blocks])

    @property
    def truncated(self) -> Bool[np.ndarray, " n"]:
        """Which sentences were cut to the model's maximum length."""
        return np.concatenate([block.truncated for block in self.blocks])

    @property
    def n_truncated(self) -> int:
        """How many sentences were cut."""
        return int(self.truncated.sum())

    def _read(self, name: str, number: int, numbers: tuple[int, ...]) -> Float[np.ndarray, "n d"]:
        if number not in numbers:
            raise UnknownNameError(f"layer must be one of those kept, {list(numbers)}, got {number!r}")
        parts = [block.read(name, numbers.index(number)) for block in self.blocks]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _check_kept(argument: str, name: str, kept: tuple[str, ...]) -> None:
    if name not in kept:
        held = ", ".join(kept) or "nothing"
        raise UnknownNameError(
            f"{argument} must be one of those encoded ({held}), got {name!r}{nearest(name, kept)}; "
            f"ask encode() for it with {argument}=..."
        )
