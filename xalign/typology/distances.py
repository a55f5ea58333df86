"""From features to distances: over shared features, with their count, and never with a guess in place of a value."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from xalign.errors import SettingError
from xalign.names import nearest
from xalign.typology.metrics import DEFAULT_METRICS, METRICS, shared_counts
from xalign.typology.tables import LEAVE_OUT, FeatureTable, MissingFeaturesError, listed


@dataclass(frozen=True, eq=False)
class LanguageDistances:
    """Distances between every two languages.

    Attributes:
        languages: Codes, in the order of rows and columns.
        values: Symmetric, with a zero diagonal.
        shared: How many features two languages were compared by.
        coverage: The share of features that each language has.
        name: Of what they are: "uriel.syntax".
        source: How they came about, in words.
    """

    languages: tuple[str, ...]
    values: Float[np.ndarray, "m m"]
    shared: Int[np.ndarray, "m m"]
    coverage: Float[np.ndarray, " m"]
    name: str
    source: str

    def __repr__(self) -> str:
        """One line."""
        off = ~np.eye(len(self.languages), dtype=bool)
        mean = f", mean {self.values[off].mean():.3f}" if off.any() else ""
        return f"LanguageDistances({self.name}: {len(self.languages)} languages{mean}, from {self.source})"


def typology_distances(
    table: FeatureTable, *, metric: str | None = None, minimum_shared: int = 10, minimum_coverage: float = 0.1
) -> LanguageDistances:
    """Compare languages by their features.

    Two languages are compared by the features that both have; nothing is filled in. Distance 0 does not mean one
    language: by family, all languages of one lowest group are at 0, and so are two that were read under one code.

    Args:
        table: Features.
        metric: "angular" (2 / pi arccos of the cosine; for URIEL's features), "cosine" (1 - cosine; for scripts, where
            it is 0 or 1, and for ancestors: 1 - how many are shared, over the geometric mean of how many each has),
            "jaccard" (1 - shared over all their ancestors), "hamming" (share of features that differ; for Grambank
            and WALS) or "great_circle" (only for coordinates: share of half the Earth's circumference). All lie in
            [0, 1]. None is the one named for this kind of table.
        minimum_shared: How many features every two languages must share; where a table has fewer, all of them.
        minimum_coverage: The share of features, from 0 to 1, that every language must have.

    Returns:
        Distances, with the counts of shared features and the coverage by language.

    Raises:
        MissingFeaturesError: If languages have or share too few features; names them.
        SettingError: If the metric is unknown, or does not suit the table.

    References:
        Littell et al. (2017), URIEL and lang2vec, aclanthology.org/E17-2002; Khan et al. (2025), URIEL+,
            arXiv:2409.18472 (its code takes the angle over the features that both languages have).
    """
    chosen = _checked_metric(metric, table.kind)
    shared = shared_counts(table.values)
    _require_coverage(table, minimum_coverage)
    _require_shared(table, shared, min(minimum_shared, len(table.features)))
    values = METRICS[chosen](table.values)
    values = np.clip((values + values.T) / 2, 0.0, None)
    np.fill_diagonal(values, 0.0)
    source = f"{table.source}, {chosen.replace('_', ' ')} distance{_told(table)}"
    return LanguageDistances(table.languages, values, shared, table.coverage, table.kind, source)


def _told(table: FeatureTable) -> str:
    pairs = [f"{language} as {code}" for language, code in table.stand_ins.items()]
    return f" (read under another code: {', '.join(pairs)})" if pairs else ""


def _checked_metric(metric: str | None, kind: str) -> str:
    chosen = DEFAULT_METRICS[kind] if metric is None else metric
    if chosen not in METRICS:
        raise SettingError(f"unknown metric {chosen!r}{nearest(chosen, METRICS)}; known are {', '.join(METRICS)}")
    if (chosen == "great_circle") != (kind == "uriel.geographic"):
        raise SettingError(
            f"metric must suit {kind}, got {chosen!r}; great_circle is for uriel.geographic, and the only one for it"
        )
    return chosen


def _require_coverage(table: FeatureTable, floor: float) -> None:
    if not 0 <= floor <= 1:
        raise SettingError(f"minimum_coverage must be a share from 0 to 1, got {floor}")
    below = np.flatnonzero(table.coverage < floor)
    if below.size:
        names = [f"{table.languages[i]} ({table.coverage[i]:.0%})" for i in below]
        raise MissingFeaturesError(
            f"every language must have {floor:.0%} of the {len(table.features)} {table.kind} features, got "
            f"{listed(names)} in {table.source}; {LEAVE_OUT}, lower minimum_coverage, or take another source",
            [table.languages[i] for i in below],
            lack=f"less than {floor:.0%} of the {table.kind} features",
        )


def _require_shared(table: FeatureTable, shared: Int[np.ndarray, "m m"], floor: int) -> None:
    off = ~np.eye(len(shared), dtype=bool)
    few = (shared < max(floor, 1)) & off
    if few.any():
        worst = _fewest_to_leave_out(few)
        i = worst[0]
        j = int(np.argmin(np.where(off[i], shared[i], shared.max() + 1)))
        names = [table.languages[row] for row in worst]
        raise MissingFeaturesError(
            f"every two languages must share at least {max(floor, 1)} {table.kind} features, got {shared[i, j]} for "
            f"{table.languages[i]} and {table.languages[j]} in {table.source}; without {listed(names)} all do: "
            f"{LEAVE_OUT}, lower minimum_shared, or take another source",
            names,
            lack=f"too few {table.kind} features in common with others",
        )


def _fewest_to_leave_out(few: Bool[np.ndarray, "m m"]) -> list[int]:
    """Drop the language with most pairs below the floor until none is left."""
    left, dropped = few.copy(), []
    while left.any():
        worst = int(left.sum(axis=1).argmax())
        dropped.append(worst)
        left[worst] = left[:, worst] = False
    return dropped
