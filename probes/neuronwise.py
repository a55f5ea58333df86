"""Average neuron-wise correlation: does each neuron say the same about the same sentence in two languages?"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import (
    Array,
    as_stack,
    centred,
    checked,
    namespace,
    require_matching,
    require_same_width,
    row_chunks,
    to_device_of,
    to_host,
    working_dtype,
)
from probes.judging import Preparation, centred_on, judged_by


@dataclass(frozen=True)
class NeuronCorrelation:
    """Each neuron's correlation with itself across two languages.

    Attributes:
        score: Their mean over all neurons, of |r| if `absolute`.
        per_neuron: r of each neuron, with its sign; 0 for a neuron without variance in either language.
        n_constant: How many neurons had no variance.
        chance: The expected score of unrelated rows: 0, or sqrt(2 / (pi (n - 1))) per varying neuron if `absolute`.
        n: How many sentences were compared.
        absolute: Whether |r| was averaged.
    """

    score: float
    per_neuron: Float[np.ndarray, " d"]
    n_constant: int
    chance: float
    n: int
    absolute: bool


@dataclass(frozen=True)
class PairwiseNeuronCorrelation:
    """Average neuron-wise correlation of every two matrices of a stack.

    Attributes:
        scores: Symmetric; the diagonal is the share of neurons that vary.
        n: How many sentences were compared.
        absolute: Whether |r| was averaged.
    """

    scores: Float[np.ndarray, "m m"]
    n: int
    absolute: bool


@dataclass(frozen=True, eq=False)
class NeuronSide:
    """Standardised columns: mean 0, mean square 1, or all 0 where a neuron does not vary."""

    columns: Float[Array, "n d"]
    constant: np.ndarray

    @property
    def n(self) -> int:
        """How many rows."""
        return self.columns.shape[0]


@dataclass(frozen=True, eq=False)
class PreparedCorrelation:
    """Two sides of neuron-wise correlation.

    Signed: the mean over neurons is the mean diagonal of one n x n product of rows, taken in blocks; a permutation
    picks other entries of it. Absolute: every permutation needs every neuron's correlation, one pass over the data
    each. In a bootstrap means, variances and covariances of every neuron are weighted by how often each sentence is
    drawn; a neuron without variance in the resample counts as 0. Signed, this is the plain bootstrap. Absolute, noise
    alone makes |r| and the draw adds noise to the sample's: unrelated rows would score about sqrt 2 times their floor,
    so the resampled scores are moved back onto the score by `probes.judging.centred_on`.
    """

    a: NeuronSide
    b: NeuronSide
    absolute: bool = False

    @cached_property
    def per_neuron(self) -> Float[np.ndarray, " d"]:
        """The correlation of each neuron."""
        xp = namespace(self.a.columns)
        return to_host(xp.mean(xp.astype(self.a.columns * self.b.columns, xp.float64), axis=0))

    @cached_property
    def score(self) -> float:
        """The mean of r, or of |r|."""
        return float(np.mean(np.abs(self.per_neuron) if self.absolute else self.per_neuron))

    @property
    def n_constant(self) -> int:
        """How many neurons do not vary in one language or the other."""
        return int(np.sum(self.a.constant | self.b.constant))

    @property
    def chance(self) -> float:
        """The expected score of unrelated rows."""
        if not self.absolute:
            return 0.0
        varying = 1 - self.n_constant / self.per_neuron.size
        return float(np.sqrt(2 / (np.pi * (self.a.n - 1))) * varying)

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score of x with y[p] for each permutation p."""
        if self.absolute:
            return np.array([self._absolute_under(p) for p in permutations])
        xp, total = namespace(self.a.columns), np.zeros(permutations.shape[0])
        for rows in row_chunks(self.a.n, self.a.n):
            products = self.a.columns[rows, :] @ self.b.columns.T
            index = xp.arange(products.shape[0], device=products.device)[:, None]
            picked = products[index, to_device_of(permutations[:, rows].T, products)]
            total += to_host(xp.sum(xp.astype(picked, xp.float64), axis=0))
        return total / (self.a.n * self.per_neuron.size)

    def _absolute_under(self, permutation: Int[np.ndarray, " n"]) -> float:
        xp = namespace(self.a.columns)
        moved = self.b.columns[to_device_of(permutation, self.b.columns)]
        correlations = xp.mean(xp.astype(self.a.columns * moved, xp.float64), axis=0)
        return float(xp.mean(xp.abs(correlations)))

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score when sentence i is drawn counts[., i] times."""
        return self.resampled_with(counts, weighted_moments(self.a, counts))

    def resampled_with(
        self, counts: Int[np.ndarray, "m n"], moments: tuple[Float[Array, "m d"], Float[Array, "m d"]]
    ) -> Float[np.ndarray, " m"]:
        """Return the same, given the weighted moments of side a."""
        xp, weights = namespace(self.a.columns), _weights(counts, self.a.columns)
        (mean_a, sd_a), (mean_b, sd_b) = moments, weighted_moments(self.b, counts)
        covariance = xp.astype(weights @ (self.a.columns * self.b.columns), xp.float64) - mean_a * mean_b
        varying = (sd_a > 0) & (sd_b > 0)
        divisors = xp.where(varying, sd_a * sd_b, xp.ones_like(sd_a))
        r = xp.where(varying, xp.clip(covariance / divisors, -1.0, 1.0), xp.zeros_like(divisors))
        scores = to_host(xp.mean(xp.abs(r) if self.absolute else r, axis=1))
        return centred_on(self.score, scores) if self.absolute else scores


def _weights(counts: Int[np.ndarray, "m n"], like: Float[Array, "n d"]) -> Float[Array, "m n"]:
    return to_device_of(counts / counts.sum(axis=1, keepdims=True), like, dtype=like.dtype)


def weighted_moments(
    side: NeuronSide, counts: Int[np.ndarray, "m n"]
) -> tuple[Float[Array, "m d"], Float[Array, "m d"]]:
    """Return each neuron's mean and standard deviation in each resample; a deviation within rounding of 0 is 0."""
    xp, weights = namespace(side.columns), _weights(counts, side.columns)
    mean = xp.astype(weights @ side.columns, xp.float64)
    mean_square = xp.astype(weights @ (side.columns**2), xp.float64)
    variance = mean_square - mean**2
    rounding = 16 * xp.finfo(side.columns.dtype).eps
    variance = xp.where(variance > rounding * mean_square, variance, xp.zeros_like(variance))
    return mean, xp.sqrt(variance)


def neuron_side(x: Float[Array, "n d"], *, name: str = "x") -> NeuronSide:
    """Return the standardised columns of `x`, computed in float64.

    Raises:
        ValueError: If `x` has fewer than 4 rows or a value that is not finite.
    """
    x = checked(x, name=name)
    xp = namespace(x)
    wide, deviations = centred(x)
    constant = deviations == 0
    columns = wide / xp.where(constant, xp.ones_like(deviations), deviations)
    return NeuronSide(xp.astype(columns, working_dtype(x)), to_host(constant))


@dataclass(frozen=True)
class CorrelationPreparation(Preparation[PreparedCorrelation]):
    """Average neuron-wise correlation, signed or absolute."""

    absolute: bool = False

    def side(self, x: Float[Array, "n d"], *, name: str = "x") -> NeuronSide:
        """Return the standardised columns of one language."""
        return neuron_side(x, name=name)

    def pair(self, a: NeuronSide, b: NeuronSide) -> PreparedCorrelation:
        """Return two languages paired."""
        require_matching(a.columns, b.columns)
        require_same_width(a.columns, b.columns)
        return PreparedCorrelation(a, b, self.absolute)

    def resampled_many(
        self, pivot: NeuronSide, sides: Sequence[NeuronSide], counts: Int[np.ndarray, "m n"]
    ) -> Float[np.ndarray, "s m"]:
        """Return the scores of many languages with one pivot under each resample; the pivot's moments once."""
        moments = weighted_moments(pivot, counts)
        return np.stack([self.pair(pivot, side).resampled_with(counts, moments) for side in sides])


@judged_by(CorrelationPreparation)
def average_neuronwise_correlation(
    x: Float[Array, "n d"], y: Float[Array, "n d"], *, absolute: bool = False
) -> NeuronCorrelation:
    """Correlate each neuron with itself across two languages, and average.

    Unlike CKA it is not carried by a few dimensions of large variance: every neuron counts the same.

    Args:
        x: Sentence vectors in one language, at least 4; row i translates row i of `y`.
        y: Sentence vectors in the other, from the same layer of the same model.
        absolute: Average |r| instead of r. Its floor under independence is sqrt(2 / (pi (n - 1))), not 0; its
            bootstrap is centred on the score (see `bootstrap_interval`).

    Returns:
        The mean, each neuron's correlation, and how many neurons had no variance (these count as 0).

    Raises:
        ValueError: If shapes differ, there are fewer than 4 rows, or a value is not finite.

    References:
        Del & Fishel (2022), Cross-lingual Similarity of Multilingual Representations Revisited, arXiv:2212.01924, eq.
            3.
    """
    prepared = CorrelationPreparation(absolute).of(x, y)
    return NeuronCorrelation(
        score=prepared.score,
        per_neuron=prepared.per_neuron,
        n_constant=prepared.n_constant,
        chance=prepared.chance,
        n=prepared.a.n,
        absolute=absolute,
    )


def pairwise_anc(
    stack: Float[Array, "m n d"] | Sequence[Float[Array, "n d"]], *, absolute: bool = False
) -> PairwiseNeuronCorrelation:
    """Average the neuron-wise correlations of every two of many languages.

    Memory: one standardised copy of the stack in its own type.

    Args:
        stack: An (m, n, d) array, or a list of m matrices of one shape with the same sentences in the same order.
        absolute: Average |r| instead of r.

    Returns:
        The symmetric matrix of scores.

    Raises:
        ValueError: If shapes differ, there are fewer than 4 rows, or a value is not finite.

    References:
        As `average_neuronwise_correlation`.
    """
    members = as_stack(stack)
    for member in members[1:]:
        require_same_width(members[0], member)
    sides = [neuron_side(x, name=f"stack[{i}]").columns for i, x in enumerate(members)]
    products = _absolute_products(sides) if absolute else _signed_products(sides)
    n, d = sides[0].shape
    return PairwiseNeuronCorrelation(to_host(products) / (n * d), n, absolute)


def _signed_products(sides: list[Float[Array, "n d"]]) -> Float[Array, "m m"]:
    xp, (n, d) = namespace(sides[0]), sides[0].shape
    total = xp.zeros((len(sides), len(sides)), dtype=xp.float64, device=sides[0].device)
    for rows in row_chunks(n, d, elements=1 << 16):
        block = xp.stack([xp.reshape(side[rows, :], (-1,)) for side in sides])
        total += xp.astype(block @ block.T, xp.float64)
    return (total + total.T) / 2


def _absolute_products(sides: list[Float[Array, "n d"]]) -> Float[Array, "m m"]:
    xp, (n, d) = namespace(sides[0]), sides[0].shape
    total = xp.zeros((len(sides), len(sides)), dtype=xp.float64, device=sides[0].device)
    for columns in row_chunks(d, len(sides) * max(n, len(sides))):
        by_neuron = xp.stack([side[:, columns].T for side in sides], axis=1)
        products = by_neuron @ xp.permute_dims(by_neuron, (0, 2, 1))
        total += xp.sum(xp.astype(xp.abs(products), xp.float64), axis=0)
    return (total + total.T) / 2
