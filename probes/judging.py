"""Judge a score by what chance gives (a permutation null) and by how far sentences move it (a bootstrap interval).

A measure that is prepared once can be judged many times from what it already computed. Three words:

    side         what one set of vectors contributes to a measure, whatever it is compared with (a centred Gram,
                 standardised columns, unit rows). In a report: one side per language and layer.
    Prepared     two sides, paired: the score, and the scores under permutations or resamples of the rows.
    Preparation  how a measure with its options makes both: `preparation.side(x)`, `preparation.pair(a, b)`, and for
                 many sides against one pivot `permuted_many`, `resampled_many`.

    preparation = linear_cka.preparation(estimator="debiased")
    pivot = preparation.side(english)
    sides = [preparation.side(x) for x in others]
    scores = [preparation.pair(pivot, side).score for side in sides]
    orders = draw_permutations(n, 200, seed=0)
    nulls = preparation.permuted_many(pivot, sides, orders)         # (len(sides), 200)

Every function with the attribute `preparation` (set by `judged_by`) takes part; any other callable `(x, y) -> score` is
called again on permuted or resampled rows. Where a measure's own form departs from calling it again (copies of a
sentence in a bootstrap, resampled scores that `centred_on` moves), its docstring says how.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, require_matching, require_whole, to_device_of

Measure = Callable[..., Any]
"""A function of two matrices that returns a number or a result with `.score`."""

TIE = 1e-12
"""A permuted score this close below the observed one counts as equal: both are the same sum in another order."""


@runtime_checkable
class Prepared(Protocol):
    """Two sides of a measure, ready to be judged."""

    @property
    def score(self) -> float:
        """The score of the rows as they are matched."""

    @property
    def chance(self) -> float:
        """What the measure gives when nothing is matched; NaN where no such level is known."""

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score of x with y[p] for each permutation p."""

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score when sentence i is drawn counts[., i] times."""


P = TypeVar("P", bound=Prepared)


class Preparation(ABC, Generic[P]):
    """A measure with its options: makes sides, and pairs them."""

    @abstractmethod
    def side(self, x: Float[Array, "n *d"], *, name: str = "x") -> Any:
        """Return what `x` contributes to the measure; `name` is what errors call it."""

    @abstractmethod
    def pair(self, a: Any, b: Any) -> P:
        """Return the two sides paired, row by row."""

    def of(self, x: Float[Array, "n *d"], y: Float[Array, "n *e"]) -> P:
        """Return two matrices paired.

        Raises:
            ValueError: If their rows differ in number, or one is unfit.
        """
        require_matching(x, y)
        return self.pair(self.side(x), self.side(y, name="y"))

    def permuted_many(
        self, pivot: Any, sides: Sequence[Any], permutations: Int[np.ndarray, "m n"]
    ) -> Float[np.ndarray, "s m"]:
        """Return, for each side, its scores with the pivot under each permutation of the rows."""
        return np.stack([self.pair(pivot, side).permuted(permutations) for side in sides])

    def resampled_many(
        self, pivot: Any, sides: Sequence[Any], counts: Int[np.ndarray, "m n"]
    ) -> Float[np.ndarray, "s m"]:
        """Return, for each side, its scores with the pivot under each resample of the sentences."""
        return np.stack([self.pair(pivot, side).resampled(counts) for side in sides])


def judged_by(preparation: Callable[..., object]) -> Callable[[Measure], Measure]:
    """Attach to a measure the way it is prepared: `measure.preparation(**options)`.

    It makes a `Preparation`, or a `probes.language_judging.LanguagePreparation` where there are no pairs to shuffle.
    """

    def attach(measure: Measure) -> Measure:
        measure.preparation = preparation  # type: ignore[attr-defined]
        return measure

    return attach


@dataclass(frozen=True)
class PermutationNull:
    """The scores that chance gives when the rows of `y` are shuffled.

    Attributes:
        score: The observed score.
        mean: Mean of the permuted scores.
        sd: Their standard deviation.
        p_value: (1 + number of permuted scores >= the observed) / (1 + number of permutations); NaN without a score.
        n_permutations: How many permutations were scored.
        n_undefined: How many gave NaN; these are left out of mean and sd, and count as >= in the p-value.
    """

    score: float
    mean: float
    sd: float
    p_value: float
    n_permutations: int
    n_undefined: int


@dataclass(frozen=True)
class BootstrapInterval:
    """The range of the score over resampled sentences: how far it would move with other sentences, as many as these.

    It says nothing of the distance to chance by itself: a score with a chance level above 0 (biased CKA, absolute ANC)
    has an interval around that level when nothing is matched. Compare with `chance` or the null.

    Attributes:
        score: The observed score.
        low: Lower percentile of the resampled scores, centred on the score for biased CKA and absolute ANC; NaN if all
            are.
        high: Upper percentile of the same.
        level: Share of resampled scores between the two.
        n_resamples: How many resamples were scored.
        n_undefined: How many gave NaN; these are left out.
    """

    score: float
    low: float
    high: float
    level: float
    n_resamples: int
    n_undefined: int


def permutation_null(
    measure: Measure,
    x: Float[Array, "n *d"],
    y: Float[Array, "n *e"],
    *,
    n_permutations: int = 1000,
    seed: int = 0,
) -> PermutationNull:
    """Score `x` against `y` with shuffled rows: what the measure gives when nothing is matched.

    Args:
        measure: Any measure of this package, `functools.partial` of one, or a callable `(x, y)` that returns a number
            or a result with `.score`. The former are judged from one computation, the latter are called again.
        x: Vectors whose row i is matched with row i of `y`.
        y: The other vectors.
        n_permutations: How many shuffles; the smallest p-value is 1 / (1 + n_permutations).
        seed: Seed of the shuffles; the same seed and number of rows give the same ones.

    Returns:
        Mean and standard deviation of the null, and the one-sided p-value (larger is closer).

    Raises:
        TypeError: If `n_permutations` or `seed` is no whole number.
        ValueError: If the rows differ in number, fewer than 1 permutation is asked for, the seed is negative, or the
            measure refuses the input.

    References:
        Phipson & Smyth (2010), Permutation P-values should never be zero.
    """
    prepared = prepare(measure, x, y)
    permutations = draw_permutations(x.shape[0], n_permutations, seed=seed)
    return null_of(prepared.score, prepared.permuted(permutations))


def bootstrap_interval(
    measure: Measure,
    x: Float[Array, "n *d"],
    y: Float[Array, "n *e"],
    *,
    n_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> BootstrapInterval:
    """Draw sentences with replacement, score each draw, and return the percentile interval.

    Args:
        measure: As in `permutation_null`.
        x: Vectors whose row i is matched with row i of `y`.
        y: The other vectors.
        n_resamples: How many draws of n sentences.
        level: Share of the resampled scores inside the interval, between 0 and 1.
        seed: Seed of the draws.

    Returns:
        The interval. What a sentence drawn twice means is the measure's own: in CKA two copies of a sentence form no
        pair, in retrieval queries are drawn and the candidates stay; a plain callable sees the rows twice. Biased CKA
        and absolute ANC grow with any noise, so their resamples all but surely lie above the score: they are moved by
        the bootstrap's estimate of bias, the mean of the resampled scores less the score (`centred_on`). Their interval
        is one for the mean of the score over samples of n sentences, and keeps the bias of the score itself at that n.
        No such move is made for a plain callable, whose bias is not known.

    Raises:
        TypeError: If `n_resamples` or `seed` is no whole number.
        ValueError: If the rows differ in number, `level` is not between 0 and 1, fewer than 1 resample is asked for,
            the seed is negative, or the measure refuses the input.

    References:
        Efron (1979), Bootstrap methods: another look at the jackknife.
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 10 (the bootstrap estimate of bias).
    """
    prepared = prepare(measure, x, y)
    counts = draw_resamples(x.shape[0], n_resamples, seed=seed)
    return interval_of(prepared.score, prepared.resampled(counts), level=level)


def prepare(measure: Measure, x: Float[Array, "n *d"], y: Float[Array, "n *e"]) -> Prepared:
    """Return the prepared form of a measure on two matrices; for a plain callable, one that calls it again.

    Raises:
        ValueError: If the rows differ in number.
    """
    require_matching(x, y)
    base: Any = measure
    options: dict[str, Any] = {}
    while isinstance(base, partial) and not base.args:
        base, options = base.func, {**base.keywords, **options}
    if hasattr(base, "preparation"):
        preparation = base.preparation(**options)
        if not isinstance(preparation, Preparation):
            raise TypeError(f"{base.__name__} compares no pairs; judge it with {base.__name__}.preparation().of(...)")
        return preparation.of(x, y)
    return Recomputed(measure, x, y)


@dataclass(frozen=True)
class Recomputed:
    """A plain callable, judged by calling it on permuted or repeated rows."""

    measure: Measure
    x: Float[Array, "n *d"]
    y: Float[Array, "n *e"]

    @property
    def score(self) -> float:
        """The score of the rows as they are matched."""
        return self._call(self.x, self.y)

    @property
    def chance(self) -> float:
        """Not known for a plain callable."""
        return float("nan")

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score of x with y[p] for each permutation p."""
        return np.array([self._call(self.x, _rows(self.y, p)) for p in permutations])

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score of the rows, row i repeated counts[., i] times."""
        drawn = [np.repeat(np.arange(count.size), count) for count in counts]
        return np.array([self._call(_rows(self.x, rows), _rows(self.y, rows)) for rows in drawn])

    def _call(self, x: Float[Array, "n *d"], y: Float[Array, "n *e"]) -> float:
        result = self.measure(x, y)
        return float(result.score if hasattr(result, "score") else result)


def _rows(x: Float[Array, "n *d"], rows: Int[np.ndarray, " k"]) -> Float[Array, "k *d"]:
    return x[to_device_of(rows, x)]


def draw_permutations(n: int, m: int, *, seed: int = 0) -> Int[np.ndarray, "m n"]:
    """Draw m permutations of n rows.

    Raises:
        TypeError: If m or the seed is no whole number.
        ValueError: If m < 1, or the seed is negative.
    """
    require_whole("n_permutations", m, minimum=1)
    require_whole("seed", seed, minimum=0)
    return np.random.default_rng(seed).permuted(np.tile(np.arange(n), (m, 1)), axis=1)


def draw_resamples(n: int, m: int, *, seed: int = 0) -> Int[np.ndarray, "m n"]:
    """Draw m times n of n sentences with replacement, as counts.

    Raises:
        TypeError: If m or the seed is no whole number.
        ValueError: If m < 1, or the seed is negative.
    """
    require_whole("n_resamples", m, minimum=1)
    require_whole("seed", seed, minimum=0)
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=m)


def centred_on(score: float, resampled: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """Take the bootstrap's estimate of bias, mean(resampled) - score, from every resampled score in [0, 1].

    For measures that grow with noise (a sum of squares, of absolute values): a resample carries the noise of the sample
    and that of the draw, so its scores lie above the observed one, as that lies above the value of infinitely many
    sentences. Spread and shape are kept, undefined scores too; what would leave [0, 1] is set to its end.

    References:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, eq. 10.1-10.2.
    """
    defined = ~np.isnan(resampled)
    if np.isnan(score) or not defined.any():
        return resampled
    return np.clip(resampled - (resampled[defined].mean() - score), 0.0, 1.0)


def null_of(score: float, permuted: Float[np.ndarray, " m"], *, below: bool = False) -> PermutationNull:
    """Summarise permuted scores as the null of an observed score; `below` counts those that are as small or smaller."""
    defined = permuted[~np.isnan(permuted)]
    n_undefined = permuted.size - defined.size
    above = (score - defined) if below else (defined - score)
    reached = int(np.sum(above >= -TIE * max(1.0, abs(score)))) + n_undefined
    return PermutationNull(
        score=score,
        mean=float(defined.mean()) if defined.size else float("nan"),
        sd=float(defined.std(ddof=1)) if defined.size > 1 else float("nan"),
        p_value=float("nan") if np.isnan(score) else (1 + reached) / (1 + permuted.size),
        n_permutations=permuted.size,
        n_undefined=n_undefined,
    )


def interval_of(score: float, resampled: Float[np.ndarray, " m"], *, level: float = 0.95) -> BootstrapInterval:
    """Summarise resampled scores as a percentile interval.

    Raises:
        ValueError: If `level` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    defined = resampled[~np.isnan(resampled)]
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(defined, tails) if defined.size else (np.nan, np.nan)
    return BootstrapInterval(
        score=score,
        low=float(low),
        high=float(high),
        level=level,
        n_resamples=resampled.size,
        n_undefined=resampled.size - defined.size,
    )
