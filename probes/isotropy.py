"""Isotropy: do the vectors of a language point everywhere alike, or into a narrow cone?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, checked, require_whole, to_host
from probes.judging import judged_by
from probes.language_judging import LanguagePreparation
from probes.language_vectors import checked_languages

N_SHARES = 3
"""Of how many leading directions, or dimensions, the share of variance is reported."""

CHANCE_DRAWS = 19
"""How many draws of the null the chance level is the mean of."""

LARGEST_EXPONENT = 600.0
"""Below this exponentials are summed as they are; above it each direction is shifted by its largest first."""

TINY = 1e-290
"""Below this a sum of exponentials has lost digits to underflow and is taken again, shifted by its own largest term."""


@dataclass(frozen=True)
class Isotropy:
    """How evenly vectors spread over directions.

    Attributes:
        score: min Z / max Z, between 0 (a narrow cone) and 1 (no direction is preferred); 0 also where it is less than
            the smallest double, which long vectors soon reach: read `log_score` then.
        log_score: Its natural logarithm, at most 0.
        mean_cosine: Exact mean cosine of all pairs of different rows; 0 for random directions.
        share: Share of the variance in the first 1, 2 and 3 principal components; NaN where nothing varies.
        n: How many vectors were given.
    """

    score: float
    log_score: float
    mean_cosine: float
    share: Float[np.ndarray, " shares"]
    n: int


@dataclass(frozen=True, eq=False)
class IsotropySide:
    """What one language contributes.

    Attributes:
        lengths: Length of each row.
        emptiest: Component of each row along the direction with the smallest partition function.
        fullest: The same along the direction with the largest.
    """

    lengths: Float[np.ndarray, " n"]
    emptiest: Float[np.ndarray, " n"]
    fullest: Float[np.ndarray, " n"]

    @cached_property
    def log_score(self) -> float:
        """Logarithm of min Z / max Z."""
        whole = np.ones((1, self.lengths.size))
        return float((log_sums(self.emptiest, whole) - log_sums(self.fullest, whole))[0])


@dataclass(frozen=True, eq=False)
class PreparedIsotropy:
    """All languages, ready to be judged.

    The null draws directions at random, for rows as long as those of the language. A language by itself keeps every
    row's length. Of several, each keeps its mean square length and takes the spread of lengths around it from all: the
    sorted relative lengths, their median over languages. Draws and their eigenvectors then serve every language, since
    scaling changes no eigenvector. No closed form is known: chance is the mean of `CHANCE_DRAWS` such draws. A trained
    model lies below its null nearly always: read the share of draws that are as low.

    In a bootstrap the two directions that gave the smallest and the largest Z are held, and only the sums over
    sentences are drawn again: new eigenvectors would follow the copies of sentences, and a new minimum and maximum
    their noise, so that every resample would look less isotropic than the sample.
    """

    sides: tuple[IsotropySide, ...]
    width: int

    @cached_property
    def scores(self) -> Float[np.ndarray, " languages"]:
        """The score of each language."""
        return np.exp([side.log_score for side in self.sides])

    @cached_property
    def chances(self) -> Float[np.ndarray, " languages"]:
        """The mean score of random directions."""
        return self._usual_null.mean(axis=1)

    def null(self, n_draws: int, *, seed: int = 0) -> Float[np.ndarray, "languages draws"]:
        """Return the scores of rows of the same lengths in random directions."""
        require_whole("n_draws", n_draws, minimum=1)
        return self._usual_null.copy() if (n_draws, seed) == (CHANCE_DRAWS, 0) else self._drawn(n_draws, seed)

    @cached_property
    def _usual_null(self) -> Float[np.ndarray, "languages draws"]:
        return self._drawn(CHANCE_DRAWS, 0)

    def _drawn(self, n_draws: int, seed: int) -> Float[np.ndarray, "languages draws"]:
        scales, lengths = self._lengths()
        rng, logs = np.random.default_rng(seed), np.empty((len(self.sides), n_draws))
        for draw in range(n_draws):
            directions = rng.standard_normal((lengths.size, self.width))
            directions *= (lengths / np.linalg.norm(directions, axis=1))[:, None]
            components = _components(directions)
            room = np.empty_like(components)
            logs[:, draw] = [_log_score(np.multiply(scale, components, out=room)) for scale in scales]
        return np.exp(logs)

    def _lengths(self) -> tuple[Float[np.ndarray, " languages"], Float[np.ndarray, " n"]]:
        """Return the root mean square length of every language, and the relative lengths that all share."""
        lengths = np.sort([side.lengths for side in self.sides], axis=1)
        scales = np.sqrt(np.mean(lengths**2, axis=1))
        typical = np.median(lengths / scales[:, None], axis=0)
        return scales, typical / np.sqrt(np.mean(typical**2))

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, "languages m"]:
        """Return the scores when sentence i is drawn counts[., i] times, along the directions of the whole sample."""
        drawn = [log_sums(side.emptiest, counts) - log_sums(side.fullest, counts) for side in self.sides]
        return np.exp(drawn)


@dataclass(frozen=True)
class IsotropyPreparation(LanguagePreparation):
    """Isotropy of every language by itself."""

    def of(self, x_by_language: Mapping[str, Float[Array, "n d"]]) -> PreparedIsotropy:
        """Return all languages, ready to be judged.

        Raises:
            ValueError: If there is no language, shapes differ, or vectors are unfit (see `isotropy`).
        """
        vectors = checked_languages(x_by_language)
        sides = tuple(_side(x, name=f"x_by_language[{language!r}]") for language, x in vectors.items())
        return PreparedIsotropy(sides, next(iter(vectors.values())).shape[1])


@judged_by(IsotropyPreparation)
def isotropy(x: Float[Array, "n d"]) -> Isotropy:
    """Measure how evenly the vectors of a language spread over directions.

    The partition function Z(c) = sum_i exp(c'x_i) would be the same for every unit vector c if no direction were
    preferred. Score: the smallest Z over the largest, c running over the eigenvectors of X'X in both their signs.
    Neither centred nor scaled: a common offset is the usual reason of a low score, and doubling all vectors lowers it
    too, so compare layers of different lengths by `mean_cosine`, or each with its null.

    Args:
        x: Sentence vectors of one language, at least 4. They are brought to the host for its eigenvectors.

    Returns:
        The score and its logarithm (taken in log space: it never overflows), the mean cosine of random pairs, and the
        share of variance of the leading components.

    Raises:
        ValueError: If there are fewer than 4 rows, a value is not finite, or a row is zero.

    References:
        Mu & Viswanath (2018), All-but-the-Top, arXiv:1702.01417, eq. 1-2 and section 2.3 (both signs are ours).
        Ethayarajh (2019), How Contextual are Contextualized Word Representations?, arXiv:1909.00512 (mean cosine).
    """
    rows = to_host(checked(x)).astype(np.float64)
    side = _side(rows, name="x")
    return Isotropy(
        score=float(np.exp(side.log_score)),
        log_score=side.log_score,
        mean_cosine=_mean_cosine(rows / side.lengths[:, None]),
        share=_component_shares(rows),
        n=rows.shape[0],
    )


def leading_shares(variances: Float[np.ndarray, " d"]) -> Float[np.ndarray, " shares"]:
    """Return the share of the 1, 2 and 3 largest variances in their sum; NaN where the sum is not positive."""
    total = variances.sum()
    if total <= 0:
        return np.full(N_SHARES, np.nan)
    leading = np.sort(variances)[::-1][:N_SHARES]
    return np.minimum(np.cumsum(np.pad(leading, (0, N_SHARES - leading.size))) / total, 1.0)


def log_sums(values: Float[np.ndarray, " n"], counts: Int[np.ndarray, "m n"] | Float[np.ndarray, "m n"]) -> np.ndarray:
    """Return log sum_i counts[., i] exp(values_i): no overflow, and no underflow where the largest is not drawn."""
    top = values.max()
    sums = counts @ np.exp(values - top)
    logs = np.log(np.maximum(sums, TINY)) + top
    for row in np.flatnonzero(sums < TINY):
        drawn = values[counts[row] > 0]
        logs[row] = np.log(counts[row][counts[row] > 0] @ np.exp(drawn - drawn.max())) + drawn.max()
    return logs


def _side(x: Float[np.ndarray, "n d"], *, name: str) -> IsotropySide:
    rows = x.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    if not lengths.all():
        row = int(np.flatnonzero(lengths == 0)[0])
        raise ValueError(f"{name} must have a direction in every row, got zeros in row {row}; leave that sentence out")
    components = _components(rows)
    upward, downward = _log_partitions(components.copy())
    logs = np.concatenate([upward, downward])
    emptiest, fullest = (_along(components, int(i)) for i in (logs.argmin(), logs.argmax()))
    return IsotropySide(lengths, emptiest, fullest)


def _along(components: Float[np.ndarray, "n k"], index: int) -> Float[np.ndarray, " n"]:
    """Return the rows' part in one of the 2k signed directions: all k, then their opposites."""
    k = components.shape[1]
    return components[:, index] if index < k else -components[:, index - k]


def _components(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
    """Return the rows in the eigenvectors of X'X; of directions that no row has a part in, one stands for all."""
    n, d = x.shape
    if d <= n:
        return x @ np.linalg.eigh(x.T @ x)[1]
    values, vectors = np.linalg.eigh(x @ x.T)
    return np.pad(vectors * np.sqrt(np.maximum(values, 0)), ((0, 0), (0, 1)))


def _log_partitions(components: Float[np.ndarray, "n k"]) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Return log Z along each direction and against it; the components are overwritten."""
    top, bottom = components.max(axis=0), components.min(axis=0)
    if max(top.max(), -bottom.min()) > LARGEST_EXPONENT:
        upward = np.log(np.exp(components - top).sum(axis=0)) + top
        return upward, np.log(np.exp(bottom - components).sum(axis=0)) - bottom
    ones = np.ones(components.shape[0])
    np.exp(components, out=components)
    upward = np.log(ones @ components)
    np.reciprocal(components, out=components)
    return upward, np.log(ones @ components)


def _log_score(components: Float[np.ndarray, "n k"]) -> float:
    upward, downward = _log_partitions(components)
    return float(min(upward.min(), downward.min()) - max(upward.max(), downward.max()))


def _mean_cosine(unit: Float[np.ndarray, "n d"]) -> float:
    n = unit.shape[0]
    return float((np.sum(unit.sum(axis=0) ** 2) - np.sum(unit**2)) / (n * (n - 1)))


def _component_shares(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " shares"]:
    wide = x - x.mean(axis=0)
    gram = wide.T @ wide if wide.shape[1] <= wide.shape[0] else wide @ wide.T
    return leading_shares(np.maximum(np.linalg.eigvalsh(gram), 0))
