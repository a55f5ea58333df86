"""Why each language was chosen: what it added, whom it covers, who could take its place, who comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from jaxtyping import Bool, Float, Int

from selection.languages.choice import LanguageReason
from selection.languages.limits import Limits
from selection.languages.objectives import Objective

N_NEXT, N_NAMED = 5, 4
NO_LOSS = 1e-12
OF_PAIRS = ("max_sum", "max_min", "min_sum", "random")
ADDED = {
    "max_sum": "adds {0:.4g} to the sum of {1}s",
    "random": "adds {0:.4g} to the sum of {1}s",
    "min_sum": "adds {0:.4g} to the sum of {1}s",
    "max_min": "changes the smallest {1} by {0:+.4g}",
    "facility_location": "adds {0:.4g} to how closely all languages are covered",
    "k_medoids": "saves {0:.4g} of all languages' {1}s to their nearest chosen one",
}
"""What `added` says of each objective, and of what; of min_sum with the sign turned."""


@dataclass(frozen=True, eq=False)
class Explained:
    """A chosen set beside what it was chosen from.

    Attributes:
        chosen: Indices, in the order of the choice.
        objective: What was maximised.
        name: Its name.
        limits: What was kept.
        distances: Between languages.
        languages: Their names.
    """

    chosen: Int[np.ndarray, " k"]
    objective: Objective
    name: str
    limits: Limits
    distances: Float[np.ndarray, "m m"]
    languages: Sequence[str]

    def reasons(self) -> tuple[LanguageReason, ...]:
        """Return a reason for each chosen language."""
        return tuple(self._reason(place) for place in range(len(self.chosen)))

    def next_languages(self) -> tuple[tuple[str, float], ...]:
        """Return who would come next if k grew, within the limits by group."""
        gains = np.where(self.limits.additions(self.chosen), self.objective.gains(self.chosen), -np.inf)
        best = np.argsort(-gains, kind="stable")[:N_NEXT]
        return tuple((self.languages[i], float(gains[i])) for i in best if gains[i] > -np.inf)

    @cached_property
    def _covered_by(self) -> Int[np.ndarray, " m"]:
        """The place, in the choice, of the nearest chosen language of each."""
        return self.distances[:, self.chosen].argmin(1)

    @cached_property
    def _losses(self) -> Float[np.ndarray, "k m"]:
        return np.where(self.limits.replacements(self.chosen), -self.objective.swaps(self.chosen), np.inf)

    def _reason(self, place: int) -> LanguageReason:
        index = int(self.chosen[place])
        covered = np.setdiff1d(np.flatnonzero(self._covered_by == place), self.chosen)
        covered = covered[np.argsort(self.distances[covered, index], kind="stable")]
        added = float(self.objective.gains(self.chosen[:place])[index])
        nearest, distance = self._nearest(place)
        covers = tuple(self.languages[i] for i in covered)
        reason = LanguageReason(
            language=self.languages[index],
            included=bool(self.limits.required[index]),
            added=added,
            covers=covers,
            nearest=nearest,
            distance=distance,
            runner_up=self._runner_up(place),
            text="",
        )
        return LanguageReason(**vars(reason) | {"text": sentence(reason, self.name, first=place == 0)})

    def _nearest(self, place: int) -> tuple[str | None, float]:
        others = np.delete(self.chosen, place)
        if not others.size:
            return None, float("nan")
        distances = self.distances[self.chosen[place], others]
        return self.languages[int(others[distances.argmin()])], float(distances.min())

    def _runner_up(self, place: int) -> tuple[str, float] | None:
        best = int(self._losses[place].argmin())
        loss = float(self._losses[place, best])
        return None if loss == np.inf else (self.languages[best], loss + 0.0)


def sentence(
    reason: LanguageReason, objective: str, *, first: bool, summed: str = "distance", apart: str = "distance"
) -> str:
    """Say a reason in words and numbers.

    Args:
        reason: What is said; its text is not read.
        objective: What was asked for.
        first: Whether the language came first, with no pair to add.
        summed: What the objective is made of, in one word or two.
        apart: What `reason.distance` is.
    """
    required = " (required)" if reason.included else ""
    parts = [f"{reason.language}{required} {_added(reason.added, objective, first=first, summed=summed)}"]
    if reason.nearest is not None:
        parts.append(f"the nearest other chosen one is {reason.nearest} at {apart} {reason.distance:.4g}")
    parts.append(_covers(reason.covers))
    if reason.runner_up is not None:
        parts.append(_replaced(*reason.runner_up))
    return "; ".join(parts) + "."


def _added(added: float, objective: str, *, first: bool, summed: str) -> str:
    if first and added == 0 and objective in OF_PAIRS:
        return "comes first, with no pair yet"
    return ADDED[objective].format(-added if objective == "min_sum" else added, summed)


def _replaced(name: str, loss: float) -> str:
    if abs(loss) <= NO_LOSS:
        return f"{name} could take its place at no loss"
    return f"{name} in its place would {'lose' if loss > 0 else 'gain'} {abs(loss):.4g}"


def order_by_gain(chosen: Int[np.ndarray, " k"], objective: Objective) -> Int[np.ndarray, " k"]:
    """Order a set so that each language adds most to those before it.

    Where several add the same, as single languages do to a sum over pairs, the one comes first after which another can
    add most; where that is the same too, as for the two ends of the longest distance, the one that the whole set would
    miss most.
    """
    left, ordered = np.sort(chosen), np.empty(0, dtype=np.int64)
    while left.size:
        gains = objective.gains(ordered)[left]
        equal = np.flatnonzero(_largest(gains))
        for key in (partial(_ahead, ordered, left, objective), partial(_missed, chosen, objective)):
            if equal.size > 1 and left.size > 1:
                equal = equal[_largest([key(int(left[i])) for i in equal])]
        ordered = np.append(ordered, left[equal[0]])
        left = np.delete(left, equal[0])
    return ordered


def _largest(values: Sequence[float] | Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Say which are the largest, up to rounding."""
    numbers = np.array(values)
    return numbers >= numbers.max() - 1e-12 * np.abs(numbers).max()


def _ahead(ordered: Int[np.ndarray, " c"], left: Int[np.ndarray, " l"], objective: Objective, language: int) -> float:
    """What the best language after this one would add."""
    return float(objective.gains(np.append(ordered, language))[left[left != language]].max())


def _missed(chosen: Int[np.ndarray, " k"], objective: Objective, language: int) -> float:
    """What a set would lose without this one."""
    return -objective.total(chosen[chosen != language])


def _covers(covers: Sequence[str]) -> str:
    if not covers:
        return "it is nearest to no language left out"
    more = f" and {len(covers) - N_NAMED} more" if len(covers) > N_NAMED else ""
    number = f"{len(covers)} language{'s' if len(covers) > 1 else ''}"
    return f"it is nearest to {number} left out ({', '.join(covers[:N_NAMED])}{more})"
