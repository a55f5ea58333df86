"""The arguments of a benchmark, as one value that is checked once and written down with the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from probes.transforms import TRANSFORMS
from xalign.errors import SettingError, UnknownNameError
from xalign.names import nearest

BEST, EVERY = "best", "all"
SCORES = {"cosine": 1, "csls": 10, "margin": 4}
"""How candidates are compared, and the usual number of neighbours."""
MARGINS = ("ratio", "distance", "absolute")
NO_TRANSFORM = "none"


@dataclass(frozen=True)
class Comparison:
    """How candidates are compared.

    Attributes:
        score: cosine, csls or margin.
        k: Neighbours of csls and margin; None for the usual number.
        margin: ratio, distance or absolute.

    Raises:
        SettingError: If k cannot be used.
        UnknownNameError: If a score or margin does not exist; the nearest is told.
    """

    score: str = "cosine"
    k: int | None = None
    margin: str = "ratio"

    def __post_init__(self) -> None:
        require_name("score", self.score, tuple(SCORES))
        require_name("margin", self.margin, MARGINS)
        if self.k is not None and self.k < 1:
            raise SettingError(f"k must be at least 1, got {self.k}")
        if self.k is not None and self.score == "cosine":
            raise SettingError(f"k is the neighbourhood of csls and margin; score='cosine' has none, got k={self.k}")

    @property
    def neighbours(self) -> int:
        """How many nearest candidates the score looks at."""
        return SCORES[self.score] if self.k is None else self.k


def require_name(argument: str, value: str, known: Sequence[str]) -> None:
    """Refuse a name that is not known.

    Raises:
        UnknownNameError: Names the nearest.
    """
    if value not in known:
        raise UnknownNameError(f"{argument} must be one of {', '.join(known)}, got {value!r}{nearest(value, known)}")


@dataclass(frozen=True)
class BenchmarkSettings:
    """What decides the numbers beside model and text; see `xalign.benchmark` for each.

    Raises:
        SettingError: If a value cannot be used.
        UnknownNameError: If a score, margin or transform does not exist; the nearest is told.
    """

    task: str
    languages: tuple[str, ...] | None
    layer: str | int
    pooling: str
    score: str
    k: int | None
    margin: str
    transform: str
    prompt: str | None
    pivot: str | None
    split: str | None
    select: str | None
    n_permutations: int
    n_resamples: int
    seed: int

    def __post_init__(self) -> None:
        _ = self.comparison
        require_name("transform", self.transform, (NO_TRANSFORM, *TRANSFORMS))
        self._check_numbers()
        if self.languages == ():
            raise SettingError("languages must name at least one, got none; leave it out for all")

    def _check_numbers(self) -> None:
        for name in ("n_permutations", "n_resamples"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.seed < 0:
            raise SettingError(f"seed must be 0 or more, got {self.seed}")
        if isinstance(self.layer, str) and self.layer not in (BEST, EVERY):
            raise UnknownNameError(f"layer must be a number, {BEST!r} or {EVERY!r}, got {self.layer!r}")

    @property
    def comparison(self) -> Comparison:
        """How candidates are compared."""
        return Comparison(self.score, self.k, self.margin)

    @property
    def neighbours(self) -> int:
        """How many nearest candidates the score looks at."""
        return self.comparison.neighbours

    @property
    def layers(self) -> tuple[int, ...] | None:
        """What has to be encoded; None for every layer."""
        return None if isinstance(self.layer, str) else (self.layer,)

    @property
    def chooses(self) -> bool:
        """Whether the layer is chosen."""
        return self.layer == BEST

    @property
    def fits(self) -> bool:
        """Whether a transform is fitted."""
        return self.transform != NO_TRANSFORM
