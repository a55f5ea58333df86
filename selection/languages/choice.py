"""A chosen set of languages, and why each is in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int


@dataclass(frozen=True)
class LanguageReason:
    """Why one language was chosen.

    Attributes:
        language: Its name.
        included: Whether it was required.
        added: What it added to the objective when it was added, in the order of the choice; up is better, so it is
            minus the distances that it adds to min_sum, and the distance that it saves k_medoids. All of
            them sum to `value` (facility_location, max_sum, max_min), to minus `value` (min_sum), or to what `value`
            is below that of nothing chosen, where every language counts the largest distance (k_medoids).
        covers: Languages that were not chosen and have no nearer chosen one, excluded ones too; at equal distances the
            one that was added first covers.
        nearest: The nearest other chosen language; None where it is alone.
        distance: To the nearest; NaN where it is alone.
        runner_up: Who could best take its place, and what that would lose; None where nobody may. A random choice can
            lose less than 0.
        text: All this as one sentence.
    """

    language: str
    included: bool
    added: float
    covers: tuple[str, ...]
    nearest: str | None
    distance: float
    runner_up: tuple[str, float] | None
    text: str


@dataclass(frozen=True, eq=False)
class LanguageChoice:
    """A set of languages, how good it is, and how good any other could be.

    Attributes:
        languages: The chosen, most valuable first: each adds most to those before it.
        indices: Their places among the candidates, in the same order.
        value: Of the objective, in its unit, plus utility where it is maximised, minus utility where it is minimised.
        bound: The proven limit: no set has a larger value (a smaller one, for k_medoids and min_sum). NaN for random.
        gap: `|bound - value|` over the larger of the two; 0 if optimal, NaN for random.
        optimal: Whether it is proven that nothing is better.
        objective: What was asked for.
        method: What was asked for: auto | exact | greedy.
        reasons: Of each chosen language, in the same order.
        next_languages: Up to five who would come next, with what each would add.
    """

    languages: tuple[str, ...]
    indices: Int[np.ndarray, " k"]
    value: float
    bound: float
    gap: float
    optimal: bool
    objective: str
    method: str
    reasons: tuple[LanguageReason, ...]
    next_languages: tuple[tuple[str, float], ...]
