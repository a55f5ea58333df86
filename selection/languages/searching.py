"""Good sets fast: add the best language until there are k, then swap while a swap helps."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from selection.languages.drawing import draw_sets
from selection.languages.limits import Limits
from selection.languages.objectives import Objective
from selection.languages.programmes import best_set

N_STARTS = 40
"""From how many sets swaps begin: the greedy one and random ones."""
LEAST_GAIN = 1e-12
"""What a swap must gain, as a share of the largest change: below that it is rounding, and might go round in circles."""


def search(objective: Objective, limits: Limits, seed: int, *, n_starts: int = N_STARTS) -> Int[np.ndarray, " k"]:
    """Swap from the greedy set and from random ones, and keep the best.

    Args:
        objective: What is maximised.
        limits: What every set keeps.
        seed: Of the random sets.
        n_starts: How many sets to start from.

    Returns:
        Indices in which no single swap helps.
    """
    starts = [add_greedily(objective, limits), *draw_sets(limits, n_starts - 1, seed)]
    found = [swap_to_the_end(objective, limits, start) for start in starts]
    return max(found, key=objective.total)


def add_greedily(objective: Objective, limits: Limits) -> Int[np.ndarray, " k"]:
    """Add the language with the largest gain, the required ones first, until there are k.

    Several groupings can leave nobody to add; then HiGHS takes the set whose gains, each beside the required ones,
    have the largest sum.
    """
    chosen = np.flatnonzero(limits.required)
    while len(chosen) < limits.k:
        gains = np.where(limits.additions(chosen), objective.gains(chosen), -np.inf)
        best = int(gains.argmax())
        if gains[best] == -np.inf:
            return _solved_start(objective, limits)
        chosen = np.append(chosen, best)
    return chosen


def _solved_start(objective: Objective, limits: Limits) -> Int[np.ndarray, " k"]:
    found = best_set(objective.gains(np.flatnonzero(limits.required)), limits)
    if found is None:
        raise ValueError("limits must let some set of k languages be chosen; read them with read_limits")
    return np.flatnonzero(found)


def swap_to_the_end(objective: Objective, limits: Limits, chosen: Int[np.ndarray, " k"]) -> Int[np.ndarray, " k"]:
    """Make the best swap again and again until none helps."""
    chosen = chosen.copy()
    while True:
        changes = objective.swaps(chosen)
        least = LEAST_GAIN * float(np.abs(changes).max())
        changes = np.where(limits.replacements(chosen), changes, -np.inf)
        leaving, coming = np.unravel_index(int(changes.argmax()), changes.shape)
        if not changes[leaving, coming] > least:
            return chosen
        chosen[leaving] = coming
