"""What is asked of a forward pass, checked and in one form."""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from xalign.encoders.pooling import POOLINGS
from xalign.errors import UnknownNameError
from xalign.names import nearest

STATISTICS = ("nas", "nav", "share", "max")


@dataclass(frozen=True)
class Request:
    """Layers, poolings and neuron statistics.

    Attributes:
        layers: Layer numbers, ascending.
        poolings: At least one.
        statistics: Among `STATISTICS`; may be none.
    """

    layers: tuple[int, ...]
    poolings: tuple[str, ...]
    statistics: tuple[str, ...]

    @property
    def neuron_layers(self) -> tuple[int, ...]:
        """The layers that have neurons."""
        return tuple(number for number in self.layers if number > 0)


def make_request(
    n_layers: int, layers: Sequence[int] | None, pooling: str | Sequence[str], neurons: str | Sequence[str] | None
) -> Request:
    """Check what a user asks and bring it into one form.

    Args:
        n_layers: Blocks of the model; layers are 0..n_layers.
        layers: Layer numbers, or None for all.
        pooling: One or several.
        neurons: One, several or None.

    Raises:
        UnknownNameError: If one does not exist, if none is left, if layers are no whole numbers, or if neurons are
            asked of layer 0 alone.
    """
    poolings = _names("pooling", pooling, tuple(POOLINGS))
    statistics = _names("neurons", neurons, STATISTICS) if neurons else ()
    request = Request(_numbers(n_layers, layers), poolings, statistics)
    if request.statistics and not request.neuron_layers:
        raise UnknownNameError(
            f"layers must hold a layer above 0 where neurons are asked, got {list(request.layers)}: layer 0 has no "
            "neurons; drop the neuron probes or add a layer above 0"
        )
    return request


def _numbers(n_layers: int, layers: Sequence[int] | None) -> tuple[int, ...]:
    numbers = tuple(range(n_layers + 1)) if layers is None else _whole_numbers(layers)
    wrong = [number for number in numbers if not 0 <= number <= n_layers]
    if wrong or not numbers:
        got = wrong[0] if wrong else "no layer"
        raise UnknownNameError(
            f"layers must be in 0..{n_layers} (0 is the embeddings, {n_layers} the last block), got {got}"
        )
    return numbers


def _whole_numbers(layers: Any) -> tuple[int, ...]:
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        raise UnknownNameError(f"layers must be a list of layer numbers such as [0, 2], got {layers!r}")
    return tuple(sorted({_whole_number(number) for number in layers}))


def _whole_number(number: Any) -> int:
    try:
        if not isinstance(number, bool):
            return operator.index(number)
    except TypeError:
        pass
    raise UnknownNameError(f"layers must be whole numbers, got {number!r}")


def _names(argument: str, asked: str | Iterable[str], known: tuple[str, ...]) -> tuple[str, ...]:
    names = (asked,) if isinstance(asked, str) else tuple(dict.fromkeys(asked))
    for name in names:
        if name not in known:
            raise UnknownNameError(
                f"{argument} must be among {', '.join(known)}, got {name!r}{nearest(str(name), known)}"
            )
    if not names:
        raise UnknownNameError(f"{argument} must name at least one of {', '.join(known)}, got none")
    return names
