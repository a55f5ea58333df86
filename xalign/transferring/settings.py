"""The arguments of a study of transfer, as one value that is checked once and written down with the result."""

from __future__ import annotations

from dataclasses import dataclass

from xalign.errors import SettingError, UnknownNameError
from xalign.measures import find_measures

BEST = "best"


@dataclass(frozen=True)
class TransferSettings:
    """What decides the numbers beside model and text; see `xalign.transfer` for each.

    Raises:
        SettingError: If a number cannot be used.
        UnknownNameError: If a probe or the pivot is unknown, or the layer neither "best" nor a number.
    """

    probes: tuple[str, ...]
    languages: tuple[str, ...] | None
    layer: int | str
    pivot: str
    pooling: str
    n_resamples: int
    seed: int

    def __post_init__(self) -> None:
        if self.n_resamples < 1:
            raise SettingError(f"n_resamples must be at least 1, got {self.n_resamples}")
        if self.seed < 0:
            raise SettingError(f"seed must be 0 or more, got {self.seed}")
        if self.languages == ():
            raise SettingError("languages must name at least one, got none; leave it out for all")
        if isinstance(self.layer, str) and self.layer != BEST:
            raise UnknownNameError(f"layer must be {BEST!r} or a number, got {self.layer!r}")
        find_measures(self.probes)

    def require_layer(self, n_layers: int) -> None:
        """Refuse a layer that the model does not have.

        Raises:
            UnknownNameError: If it has no such layer.
        """
        if not isinstance(self.layer, str) and self.layer not in range(n_layers + 1):
            raise UnknownNameError(f"layer must be {BEST!r} or in 0 to {n_layers}, got {self.layer}")
