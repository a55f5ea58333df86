"""Arm against arm, language by language: paired tests that count languages, trainings and random sets as drawn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from benchmarks.realignment.languages import POOL
from benchmarks.realignment.planning import ALL, AWARE, LEAST, MOST, NEEDY, RANDOM
from benchmarks.realignment.rows import OTHER, OUTSIDE
from benchmarks.realignment.summarising import LEVEL, WHOLE_POOL, changes_of, in_group
from xalign.transferring.estimating import holm

CONTRASTS = ((MOST, LEAST), (AWARE, RANDOM), (NEEDY, RANDOM), (MOST, RANDOM), (LEAST, RANDOM), (ALL, RANDOM))
GROUPS = (WHOLE_POOL, OUTSIDE, OTHER)
TOGETHER = 0
"""Stands for k where the sizes are taken together."""

Cube = Float[np.ndarray, "draws seeds languages"]
"""The changes of one arm at one size; NaN where a language is not of the group, or a run is not there."""


@dataclass(frozen=True)
class Source:
    """One reason why a mean difference would come out otherwise another time.

    Attributes:
        variance: Squared standard error by this source alone.
        freedom: Its degrees of freedom.
    """

    variance: float
    freedom: int


@dataclass(frozen=True, eq=False)
class Pair:
    """Two arms at one size, over the same seeds and languages."""

    first: Cube
    second: Cube

    @property
    def languages(self) -> Float[np.ndarray, " languages"]:
        """The difference in each language; NaN where an arm has none."""
        return _mean(self.first, (0, 1)) - _mean(self.second, (0, 1))

    @property
    def seeds(self) -> Float[np.ndarray, " seeds"]:
        """The difference in each training, over the languages both arms have."""
        first, second = self._shared
        return _mean(_mean(first, 0) - _mean(second, 0), 1)

    @property
    def draws(self) -> list[Source]:
        """What random sets add to the error of the mean."""
        return [_source(_mean(cube, (1, 2))) for cube in self._shared if len(cube) > 1]

    @property
    def _shared(self) -> tuple[Cube, Cube]:
        known = ~np.isnan(self.languages)
        return self.first[..., known], self.second[..., known]

    @property
    def n_beaten(self) -> int:
        """Above how many sets of the second arm the first one's mean lies, over the languages that both have."""
        first = _mean(self.first, (0, 1))
        gaps = [_mean(first - own, 0) for own in _mean(self.second, 1)]
        return sum(bool(gap > 0) for gap in gaps)


def compare(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare arms over the same languages and seeds.

    A language's difference is that of its changes, each averaged over seeds and draws. Among `other`, only languages
    count that neither arm chose (of random sets, in the draws that did not choose it), so that they differ from row to
    row; `n` counts them. The squared error of the mean is the sum of what languages, trainings and random sets each
    add, its degrees of freedom those of Welch and Satterthwaite: testing over languages alone would take what one
    training happened to do to all of them for an effect of the set.

    Args:
        rows: What `collect_rows` or `read_rows` returned.

    Returns:
        A row per model, outcome, group, contrast and k (0: the sizes together, each language's differences averaged):
        the mean difference, its 95 % interval and p; `p_holm`, corrected within model and outcome for all contrasts and
        groups, the sizes together apart from single ones; `above`, of how many random sets the first arm is above.

    References:
        Clark (1973), The language-as-fixed-effect fallacy, Journal of Verbal Learning and Verbal Behavior 12.
    """
    changes = changes_of(rows)
    found = [
        {"model": model, "outcome": outcome, "group": group, **row}
        for (model, outcome), part in changes.groupby(["model", "outcome"], sort=False)
        for group in GROUPS
        for row in _contrast_rows(_cubes(in_group(part, group)))
    ]
    tests = pd.DataFrame(found)
    families = tests.groupby(["model", "outcome", tests["k"] == TOGETHER], sort=False)["p"]
    return tests.assign(p_holm=families.transform(lambda p: holm(p.to_numpy(float))))


def _contrast_rows(cubes: Mapping[tuple[str, int], Cube]) -> Iterator[dict[str, Any]]:
    for first, second in CONTRASTS:
        pairs = {}
        for k in sorted(k for arm, k in cubes if arm == second):
            own = cubes.get((first, len(POOL) if first == ALL else k))
            pair = None if own is None else Pair(own, cubes[second, k])
            if pair is not None and not np.isnan(pair.languages).all():
                pairs[k] = pair
        tried = [(k, [pair]) for k, pair in pairs.items()]
        if len(pairs) > 1:
            tried.append((TOGETHER, list(pairs.values())))
        for k, some in tried:
            above = f"{sum(pair.n_beaten for pair in some)} of {sum(len(pair.second) for pair in some)}"
            yield {"first": first, "second": second, "k": k, **_test(some), "above": above if second == RANDOM else ""}


def _cubes(changes: pd.DataFrame) -> dict[tuple[str, int], Cube]:
    """Return every arm's changes at every size, over the same seeds and languages."""
    seeds, languages = (sorted(changes[name].unique()) for name in ("seed", "language"))
    found = {}
    for (arm, k), own in changes.groupby(["arm", "k"]):
        draws = sorted(own["draw"].unique())
        cube = np.full((len(draws), len(seeds), len(languages)), np.nan)
        places = [
            np.searchsorted(names, own[name])
            for names, name in ((draws, "draw"), (seeds, "seed"), (languages, "language"))
        ]
        cube[tuple(places)] = own["change"]
        found[str(arm), int(str(k))] = cube
    return found


def _test(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Test one contrast at one size, or at several together."""
    found = _mean(np.stack([pair.languages for pair in pairs]), 0)
    found = found[~np.isnan(found)]
    sources = [_source(found), *_seed_sources(pairs), *_divided([one for pair in pairs for one in pair.draws], pairs)]
    sources = [one for one in sources if one.freedom > 0 and one.variance > 0]
    mean, nothing = float(found.mean()), float("nan")
    told = {"n": found.size, "difference": mean}
    if not sources:
        return told | {"low": nothing, "high": nothing, "p": nothing}
    error = float(np.sqrt(sum(one.variance for one in sources)))
    freedom = error**4 / sum(one.variance**2 / one.freedom for one in sources)
    reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * error
    p = 2 * float(stats.t.sf(abs(mean) / error, freedom))
    return told | {"low": mean - reach, "high": mean + reach, "p": p}


def _seed_sources(pairs: Sequence[Pair]) -> list[Source]:
    """What trainings add: those of an arm that is the same at all sizes count once, not once a size."""
    if len(pairs) > 1 and all(np.array_equal(pair.first, pairs[0].first, equal_nan=True) for pair in pairs):
        return [_source(_mean(np.stack([pair.seeds for pair in pairs]), 0))]
    return _divided([_source(pair.seeds) for pair in pairs], pairs)


def _divided(sources: Sequence[Source], pairs: Sequence[Pair]) -> list[Source]:
    """Of the mean over pairs."""
    return [Source(one.variance / len(pairs) ** 2, one.freedom) for one in sources]


def _source(values: np.ndarray) -> Source:
    """What draws of one kind add to the error of their mean."""
    known = values[~np.isnan(values)]
    return Source(float(known.var(ddof=1) / known.size) if known.size > 1 else 0.0, known.size - 1)


def _mean(values: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """The mean of what is there; NaN, without a warning, where nothing is."""
    there = ~np.isnan(values)
    count = there.sum(axis=axis)
    total = np.where(there, values, 0.0).sum(axis=axis)
    return np.divide(total, count, out=np.full(np.shape(count), np.nan), where=count > 0)
