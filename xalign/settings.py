"""The arguments of a run of probes, as one value that is checked once and written down with the result."""

from __future__ import annotations

from dataclasses import dataclass

from xalign.errors import SettingError
from xalign.judging.rows import Judging
from xalign.measure import Measure
from xalign.measures import ALL, find_measures
from xalign.transforming import require_transform


@dataclass(frozen=True)
class ProbeSettings:
    """What decides the numbers beside model and text; see `xalign.probe` for each.

    Raises:
        SettingError: If a number of permutations or resamples is below 1, the seed negative or a list empty.
        UnknownNameError: If a probe is unknown.
    """

    probes: tuple[str, ...]
    languages: tuple[str, ...] | None
    layers: tuple[int, ...] | None
    pivot: str | None
    pooling: str
    transform: str
    n_permutations: int
    n_resamples: int
    seed: int

    def __post_init__(self) -> None:
        for name in ("n_permutations", "n_resamples"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.seed < 0:
            raise SettingError(f"seed must be 0 or more, got {self.seed}")
        for name in ("layers", "languages"):
            if getattr(self, name) == ():
                raise SettingError(f"{name} must name at least one, got none; leave it out for all")
        require_transform(self.transform)
        _ = self.measures

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The rows of the table of probes that are asked for."""
        return find_measures(self.probes)

    @property
    def judging(self) -> Judging:
        """How scores are judged."""
        return Judging(self.n_permutations, self.n_resamples, self.seed)

    @property
    def takes_all(self) -> bool:
        """Whether every probe that applies is asked for, rather than some by name."""
        return ALL in self.probes
