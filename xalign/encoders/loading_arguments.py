"""How a model was asked for, kept as it was passed, so that a run can be written down and made again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class LoadingArguments:
    """The arguments of `load_encoder` besides the name, not yet resolved.

    Attributes:
        device: `auto` or a torch device.
        dtype: `float32`, `bfloat16`, `float16` or `auto`.
        revision: Branch, tag or commit.
        trust_remote_code: Whether the model's own Python may run.
        max_length: Tokens read of a sentence; None for what model and tokenizer allow.
        device_map: accelerate's map, or None.
        neuron_modules: The neuron module's path with `{}` for the block's number, or None to find it.
        neuron_site: `gate`, or `product` (act(gate) * up).
    """

    device: str = "auto"
    dtype: str = "auto"
    revision: str | None = None
    trust_remote_code: bool = False
    max_length: int | None = None
    device_map: str | Mapping[str, Any] | None = None
    neuron_modules: str | None = None
    neuron_site: str = "gate"

    def as_json(self) -> dict[str, Any]:
        """Return the arguments as JSON can hold them: torch devices become their names."""
        values = {**vars(self), "device": str(self.device), "dtype": str(self.dtype)}
        if isinstance(self.device_map, Mapping):
            values["device_map"] = {module: _plain(place) for module, place in self.device_map.items()}
        return values


def _plain(place: Any) -> int | str:
    return place if isinstance(place, int) else str(place)
