"""Distances and weights that an objective is asked to maximise: diversity, need and coverage in one product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from xalign.choosing.evidence import Evidence
from xalign.choosing.settings import UNWEIGHED, ChoosingSettings
from xalign.errors import ProbeError


@dataclass(frozen=True, eq=False)
class Weighed:
    """What `selection.choose_languages` is given.

    Attributes:
        distances: Between candidates, zero on the diagonal.
        weights: Of each candidate, with mean 1; None where all count alike.
        stands_in: Of each candidate, the share of the others' need that the model sees as like it; NaN where the report
            tells no similarity.
        words: What is multiplied.
    """

    distances: Float[np.ndarray, "m m"]
    weights: Float[np.ndarray, " m"] | None
    stands_in: Float[np.ndarray, " m"]
    words: str


def weigh(
    distances: Float[np.ndarray, "m m"],
    evidence: Evidence | None,
    settings: ChoosingSettings,
    *,
    included: Sequence[int] = (),
) -> Weighed:
    """Weigh distances by what the probes say.

    With d the distance over its maximum, c = 1 - d, s the probe similarity, n the need, and the arguments `diversity`,
    `coverage` and `need` as powers, of which 0 makes a factor 1; w = (n (1 - n)^grasp)^need is what a language has to
    gain:

    - Objectives that cover (facility_location, k_medoids): candidate j asks to be covered with weight w_j, and i covers
      it as far as both are close and alike to the model: the product of the powers of c_ij and s_ij, the powers divided
      by their sum. That is a weighted geometric mean, so more factors do not make all languages strangers. Where both
      are off, a language covers nobody but itself.
    - Objectives that spread (max_sum, max_min): i has the weight w_i t_i, t_i being its mean similarity to the others,
      weighted by theirs; pairs have the distance d_ij. Who is included has the mean weight of those who are not: it is
      not weighed whether to choose them, and the pivot, which lacks nothing, would take every pair of its to 0.
    - min_sum, the least diverse set, and random leave all of it out.

    Args:
        distances: Between candidates.
        evidence: What the report says; None for the plain objective.
        settings: Objective and powers.
        included: Indices of those who are chosen in any case.

    Returns:
        The distances and weights; untouched distances and no weights where neither need nor coverage counts.

    Raises:
        ProbeError: If coverage is asked for and the report has no similarity between languages.
    """
    stands_in = _stands_in(evidence, settings, len(distances))
    if evidence is None or settings.is_plain or settings.objective in UNWEIGHED:
        return Weighed(distances, None, stands_in, "the distances alone")
    if settings.coverage and evidence.similarity is None:
        raise ProbeError(
            "coverage needs scores between all languages, but the report has them against the pivot only; run "
            "xalign.probe(..., pivot=None), add a probe that gets all pairs from one product (cka, anc, cosine), or "
            "set coverage=0 and name features, such as features='uriel.syntax'"
        )
    if settings.covers:
        return _for_covering(distances, evidence, stands_in, settings)
    return _for_spreading(distances, evidence, stands_in, settings, included)


def _for_covering(
    distances: Float[np.ndarray, "m m"],
    evidence: Evidence,
    stands_in: Float[np.ndarray, " m"],
    settings: ChoosingSettings,
) -> Weighed:
    top = float(distances.max()) or 1.0
    total = settings.diversity + settings.coverage
    alike = (1 - distances / top) ** (settings.diversity / total) if total else np.eye(len(distances))
    if settings.coverage and evidence.similarity is not None:
        alike = alike * evidence.similarity ** (settings.coverage / total)
    factors = (*_named("closeness", settings.diversity), *_named("probe similarity", settings.coverage))
    words = f"covering {_demand_words(settings)} by {' x '.join(factors) or 'itself alone'}"
    return Weighed(top * (1 - alike), _mean_one(_demand(evidence, settings)), stands_in, words)


def _for_spreading(
    distances: Float[np.ndarray, "m m"],
    evidence: Evidence,
    stands_in: Float[np.ndarray, " m"],
    settings: ChoosingSettings,
    included: Sequence[int],
) -> Weighed:
    top = float(distances.max()) or 1.0
    apart = top * (distances / top) ** settings.diversity
    np.fill_diagonal(apart, 0.0)
    weights = _demand(evidence, settings)
    if settings.coverage:
        weights = weights * stands_in**settings.coverage
    factors = (*_named("distance", settings.diversity), *_named("standing in for others", settings.coverage))
    words = "pairs weigh " + " x ".join([*factors, *([_demand_words(settings)] if settings.need else [])])
    words += "; the included weigh the mean" if included else ""
    return Weighed(apart, _mean_one(weights, included), stands_in, words)


def _demand(evidence: Evidence, settings: ChoosingSettings) -> Float[np.ndarray, " m"]:
    """What each language has to gain: it lacks something, and the model has hold of it."""
    return (evidence.need * (1 - evidence.need) ** settings.grasp) ** settings.need


def _stands_in(evidence: Evidence | None, settings: ChoosingSettings, m: int) -> Float[np.ndarray, " m"]:
    """The mean similarity of each to the others, weighted by what they have to gain."""
    if evidence is None or evidence.similarity is None or m < 2:
        return np.full(m, np.nan)
    demand = np.tile(_mean_one(_demand(evidence, settings)), (m, 1))
    np.fill_diagonal(demand, 0.0)
    total = demand.sum(axis=1)
    return np.divide((demand * evidence.similarity).sum(axis=1), total, out=np.zeros(m), where=total > 0)


def _mean_one(weights: Float[np.ndarray, " m"], included: Sequence[int] = ()) -> Float[np.ndarray, " m"]:
    """Rescale to a mean of 1, which the included have; where nobody else has any weight, all have the same."""
    free = ~np.isin(np.arange(len(weights)), list(included))
    mean = float(weights[free].mean()) if free.any() else 0.0
    return np.where(free, weights / mean, 1.0) if mean > 0 else np.ones_like(weights)


def _named(name: str, power: float) -> tuple[str, ...]:
    """Name a factor that is switched on, with a power other than 1."""
    return (name if power == 1 else f"{name}^{power:g}",) if power else ()


def _demand_words(settings: ChoosingSettings) -> str:
    """Name what a language counts by."""
    if not settings.need:
        return "all alike"
    inner = " x ".join((*_named("need", 1.0), *_named("grasp", settings.grasp)))
    return f"({inner})^{settings.need:g}" if settings.need != 1 else inner
