"""Choose a small set of languages: most or least diverse, or one that covers all; proven where it can be."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import require_choice, to_host
from selection.languages.branching import PairSearch
from selection.languages.choice import LanguageChoice
from selection.languages.covering import prove_covering
from selection.languages.drawing import draw_sets
from selection.languages.limits import Limits, read_limits
from selection.languages.objectives import (
    OBJECTIVES,
    Covering,
    Objective,
    PairSum,
    SmallestPair,
    build_objective,
)
from selection.languages.programmes import Effort
from selection.languages.reading import read_distances, read_indices, read_names, read_per_language
from selection.languages.reasons import Explained, order_by_gain
from selection.languages.results import TIGHTNESS, Proven
from selection.languages.searching import search
from selection.languages.spreading import ThresholdSearch

METHODS = ("auto", "exact", "greedy")
AUTO_NUMBERS = 64_000_000
"""How many numbers `auto` lets the branches of a sum over pairs hold: 40,000 branches of 40 languages, 1523 of 205."""
AUTO_PAIRS = 12_000
"""How many pairs of a language and an undecided cover `auto` gives to the integer programme of a covering."""
AUTO_NODES, GREEDY_NODES = 800_000, 20_000
"""How many languages the nodes of each threshold of max_min may hold: 20,000 nodes of 40 languages, 3902 of 205."""


def choose_languages(  # noqa: PLR0913 - the arguments are the public interface
    distances: Float[Any, "m m"],
    k: int,
    *,
    languages: Sequence[str],
    objective: str = "max_sum",
    method: str = "auto",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    groups: Sequence[Hashable] | Mapping[str, Sequence[Hashable]] | None = None,
    max_per_group: int | Mapping[str, int] | None = None,
    utility: Float[Any, " m"] | None = None,
    weights: Float[Any, " m"] | None = None,
    seed: int = 0,
    time_limit: float = 60.0,
) -> LanguageChoice:
    """Choose k languages, and say why each, how good the set is, and how good any set could be.

    With S the set, d the distances, w the weights and u the utility, `value` is:

    - max_sum: the sum over pairs of S of `d_ij (w_i + w_j) / 2`, in units of distance; the most diverse set.
    - min_sum: the sum over pairs of S of `d_ij`, to be small; the least diverse set. Weights do not count: languages of
      little weight would pass for near ones.
    - max_min: the smallest `d_ij min(w_i, w_j)` over pairs of S, in units of distance; 0 for k = 1.
    - facility_location: the sum over all m languages i of `w_i max_{j in S} (1 - d_ij / max d)`, from 0 to sum(w).
    - k_medoids: the sum over all m languages i of `w_i min_{j in S} d_ij`, in units of distance, to be small.
    - random: nothing is sought; one set of `draw_sets`, told in the unit of max_sum.

    To it, `sum of u over S` is added where it is maximised and taken off where it is minimised, so that utility is
    always wanted, in the unit of the objective. Covering counts excluded languages too: they are not chosen, but are to
    be covered; a weight of 0 leaves them out.

    Every method begins with 40 sets (the greedy one and random ones) and swaps languages until no swap helps.
    "greedy" stops there, and bounds what any set could reach. "exact" goes on until the set is proven optimal or
    `time_limit` has passed. "auto" goes on as long as that is fast, by counts that depend on the input alone, never on
    the clock unless the limit passes: sums over pairs are branched 64,000,000 / m^2 times (40 languages are nearly
    always proven, in about a second), max_min opens 800,000 / m nodes per threshold, coverings solve the integer
    programme if prices leave at most 12,000 pairs of a language and a cover that may be chosen or not.
    Whatever stops the search, `bound` and `gap` say what is proven.

    Args:
        distances: Between languages: symmetric, at least 0, 0 on the diagonal.
        k: How many to choose, 1 to m.
        languages: The name of each row.
        objective: max_sum | max_min | facility_location | k_medoids | min_sum | random.
        method: auto | exact | greedy.
        include: Who is always chosen.
        exclude: Who is never chosen.
        groups: A label for each language, such as its family; None as a label means no group and no limit. Or several
            such lists by name: `{"family": [...], "script": [...]}`. Only with `max_per_group`.
        max_per_group: At most so many of each group; with several groupings one number for all, or one by name.
        utility: What each language is worth by itself, in the unit of `value`; may be negative.
        weights: How much each language counts, at least 0; None counts all as 1. In coverings it is how much there is
            to be covered, else how much the language's pairs count (not in min_sum).
        seed: Of random sets. The same call gives the same choice.
        time_limit: Seconds for the search after the swaps.

    Returns:
        The choice, most valuable language first.

    Raises:
        TypeError: If k or a limit is no whole number.
        ValueError: If arguments do not match, a distance is missing, negative or asymmetric, a name is unknown, or
            limits contradict; the message names the languages.

    References:
        Kuo, Glover & Dhir (1993), Analyzing and modeling the maximum diversity problem, Decision Sciences 24 (max_sum,
            max_min).
        Kaufman & Rousseeuw (1990), Finding Groups in Data, ch. 2 (k_medoids; swaps).
        Ploeger et al. (2025), A Principled Framework for Evaluating on Typologically Diverse Languages,
            arXiv:2407.05022 (max_sum and max_min over typological distances).
    """
    require_choice("objective", objective, OBJECTIVES)
    require_choice("method", method, METHODS)
    names = read_names(languages)
    values = read_distances(_host(distances), names)
    limits = read_limits(
        k,
        names,
        read_indices("include", include, names),
        read_indices("exclude", exclude, names),
        groups,
        max_per_group,
    )
    wanted = read_per_language("weights", _host(weights), names, 1.0, least=0.0)
    worth = read_per_language("utility", _host(utility), names, 0.0)
    sought = build_objective(objective, values, wanted, worth)
    if objective == "random":
        drawn = draw_sets(limits, 1, seed)[0]
        proven = Proven(drawn, sought.total(drawn), float("nan"))
    else:
        proven = prove(sought, limits, search(sought, limits, seed), method, time_limit)
    explained = Explained(proven.chosen, sought, objective, limits, values, names)
    return _choice(explained, proven, method)


def prove(objective: Objective, limits: Limits, start: Int[np.ndarray, " k"], method: str, time_limit: float) -> Proven:
    """Improve a good set until it is proven optimal, or as far as the method goes.

    Args:
        objective: What is maximised.
        limits: What every set keeps.
        start: A good set.
        method: auto | exact | greedy; greedy keeps the set and takes the bound alone.
        time_limit: Seconds.

    Returns:
        The set, most valuable language first, and a bound that no set exceeds.
    """
    found = _search_further(objective, limits, start, method, time_limit)
    chosen = order_by_gain(start if method == "greedy" else found.chosen, objective)
    return Proven(chosen, objective.total(chosen), found.bound)


def _search_further(
    objective: Objective, limits: Limits, start: Int[np.ndarray, " k"], method: str, time_limit: float
) -> Proven:
    if isinstance(objective, PairSum):
        budget = {"auto": AUTO_NUMBERS // limits.m**2, "exact": None, "greedy": 0}
        return PairSearch(objective, limits, start).run(n_branches=budget[method], seconds=time_limit)
    if isinstance(objective, SmallestPair):
        nodes = {"auto": AUTO_NODES // limits.m, "exact": None, "greedy": GREEDY_NODES // limits.m}
        return ThresholdSearch(objective, limits, start).run(n_nodes=nodes[method], seconds=time_limit)
    if isinstance(objective, Covering):
        pairs = {"auto": AUTO_PAIRS, "exact": None, "greedy": 0}
        effort = Effort(seconds=time_limit)
        return prove_covering(objective, limits, start, most_pairs=pairs[method], effort=effort)
    raise TypeError(f"objective must be one that can be proven, got {type(objective).__name__}")


def _choice(explained: Explained, proven: Proven, method: str) -> LanguageChoice:
    objective, chosen = explained.objective, explained.chosen
    value, bound = objective.told(proven.total), objective.told(proven.bound)
    largest = max(abs(proven.total), abs(proven.bound))
    optimal = bool(proven.bound - proven.total <= TIGHTNESS * max(largest, float(explained.distances.max())))
    if optimal:
        bound = value
    return LanguageChoice(
        languages=tuple(explained.languages[i] for i in chosen),
        indices=chosen,
        value=value,
        bound=bound,
        gap=0.0 if optimal else abs(bound - value) / max(abs(bound), abs(value)),
        optimal=optimal,
        objective=explained.name,
        method=method,
        reasons=explained.reasons(),
        next_languages=explained.next_languages(),
    )


def _host(values: Any) -> Any:
    return values if values is None or isinstance(values, (list, tuple)) else to_host(values)
