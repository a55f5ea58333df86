"""How a quality model is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from xalign.errors import SettingError


@dataclass(frozen=True)
class QualitySettings:
    """All that decides a training besides its model and pairs.

    Attributes:
        margin: By how much the worse response shall lie further from its instruction than the better, in the distance
            of the model's vectors.
        steps: Updates of the weights.
        batch_size: Pairs of an update.
        learning_rate: Its highest.
        warmup: Share of the steps over which it rises to that, in [0, 1).
        max_length: Tokens read of a text; None for what the model allows.
        save_every: Steps between two checkpoints.
        seed: Of the order of pairs.
    """

    margin: float = 1.0
    steps: int = 1000
    batch_size: int = 16
    learning_rate: float = 5e-5
    warmup: float = 0.1
    max_length: int | None = None
    save_every: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "save_every"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("margin", "learning_rate"):
            if not getattr(self, name) > 0:
                raise SettingError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.warmup < 1:
            raise SettingError(f"warmup must be in [0, 1), the share of the steps, got {self.warmup}")
        if self.seed < 0:
            raise SettingError(f"seed must be at least 0, got {self.seed}")

    def as_json(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them."""
        return asdict(self)
