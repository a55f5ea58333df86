"""The arguments of a choice of languages, as one value that is checked once and written down with the result."""

from __future__ import annotations

from dataclasses import dataclass

from xalign.errors import SettingError, UnknownNameError
from xalign.names import nearest

COVERING = ("facility_location", "k_medoids")
SPREADING = ("max_sum", "max_min")
UNWEIGHED = ("min_sum", "random")
OBJECTIVES = ("max_sum", "max_min", "min_sum", *COVERING, "random")
METHODS = ("auto", "exact", "greedy")
WEIGHTS = ("need", "grasp", "coverage", "diversity")


@dataclass(frozen=True)
class ChoosingSettings:
    """What decides a choice beside the candidates and what is known of them; see `select_languages` for each.

    Raises:
        SettingError: If a number cannot be used.
        UnknownNameError: If objective or method does not exist.
    """

    k: int
    objective: str = "facility_location"
    method: str = "auto"
    features: str | None = None
    pivot: str = "eng_Latn"
    probes: tuple[str, ...] | None = None
    layer: int | None = None
    need: float = 1.0
    grasp: float = 1.0
    coverage: float = 1.0
    diversity: float = 1.0
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_per_family: int | None = None
    max_per_script: int | None = None
    n_draws: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("objective", OBJECTIVES), ("method", METHODS)):
            if (value := getattr(self, name)) not in known:
                raise UnknownNameError(
                    f"{name} must be one of {', '.join(known)}, got {value!r}{nearest(value, known)}"
                )
        for name, least in (("k", 1), ("n_draws", 1), ("seed", 0), ("max_per_family", 1), ("max_per_script", 1)):
            if (value := getattr(self, name)) is not None and value < least:
                raise SettingError(f"{name} must be at least {least}, got {value}")
        for name in WEIGHTS:
            if not 0 <= getattr(self, name) < float("inf"):
                raise SettingError(
                    f"{name} must be 0 or a positive number, got {getattr(self, name)}; 0 switches it off"
                )
        if self.probes == ():
            raise SettingError("probes must name at least one, got none; leave it out for all that the report has")

    @property
    def is_plain(self) -> bool:
        """Whether the distances alone decide: both other factors are off, or all three."""
        return self.need == 0 and self.coverage == 0 and self.diversity in (0, 1)

    @property
    def covers(self) -> bool:
        """Whether the objective asks that every candidate is near a chosen one, rather than the chosen ones apart."""
        return self.objective in COVERING
