"""Measures that add up over shards: ANC and CKA of more sentences than fit into memory, as all at once would give.

Each state follows `probes.moments`: `accumulate(x, y)` rows that are matched, `merge` states, `finish` to the result of
`average_neuronwise_correlation` or `linear_cka`. `MinibatchCKA` is another measure: it never compares sentences of two
batches, and its value depends on how they were cut.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from probes.arrays import Array, centred, inner_product, require_choice, require_matching, require_same_width, to_host
from probes.cka import CKA
from probes.cka_sides import ESTIMATORS, cka_side
from probes.moments import require_rows, require_shards_of_one_width, shard
from probes.neuronwise import NeuronCorrelation

MINIMUM = 4
"""How many rows every measure asks for."""

ROUNDING = 8 * np.finfo(np.float64).eps
"""A deviation below this share of the mean is rounding, as in `probes.arrays.centred`."""

NOT_POSITIVE = "the debiased HSIC of x or y with itself is not positive: too few rows for what varies; accumulate more"


@dataclass(frozen=True, eq=False)
class CorrelationSums:
    """Sums behind average neuron-wise correlation; without arguments, of no rows.

    Attributes:
        n: How many matched rows were seen.
        means: Mean of each neuron in either language.
        squares: Sum of squares of each neuron about its mean, in either language.
        products: Sum of products of each neuron across languages, about the means.
    """

    n: int = 0
    means: Float[np.ndarray, "2 d"] = field(default_factory=lambda: np.zeros((2, 0)))
    squares: Float[np.ndarray, "2 d"] = field(default_factory=lambda: np.zeros((2, 0)))
    products: Float[np.ndarray, " d"] = field(default_factory=lambda: np.zeros(0))

    def accumulate(self, x: Float[Array, "n d"], y: Float[Array, "n d"]) -> "CorrelationSums":
        """Return the sums with matched rows of `x` and `y`, at least 1; computed on the host in float64.

        Raises:
            ValueError: If shapes differ, from each other or from the shards before, or a value is not finite.
        """
        require_matching(x, y)
        require_same_width(x, y)
        seen = self.products.size if self.n else None
        rows = [shard(x, seen=seen), shard(y, name="y", seen=seen)]
        wide = [centred(z)[0] for z in rows]
        means, squares = np.stack([z.mean(axis=0) for z in rows]), np.stack([np.sum(z**2, axis=0) for z in wide])
        return self.merge(CorrelationSums(rows[0].shape[0], means, squares, np.sum(wide[0] * wide[1], axis=0)))

    def merge(self, other: "CorrelationSums") -> "CorrelationSums":
        """Return the sums of the rows of both.

        Raises:
            ValueError: If their rows differ in width.
        """
        if not self.n or not other.n:
            return self if self.n else other
        require_shards_of_one_width(self.products.size, other.products.size)
        n, shifts = self.n + other.n, other.means - self.means
        weight = self.n / n * other.n
        return CorrelationSums(
            n=n,
            means=self.means + shifts * (other.n / n),
            squares=self.squares + other.squares + weight * shifts**2,
            products=self.products + other.products + weight * shifts[0] * shifts[1],
        )

    def finish(self, *, absolute: bool = False) -> NeuronCorrelation:
        """Return what `average_neuronwise_correlation` gives on all rows in float64.

        Args:
            absolute: Average |r| instead of r.

        Raises:
            ValueError: If fewer than 4 rows were accumulated.
        """
        require_rows(self.n, minimum=MINIMUM)
        constant = np.any(np.sqrt(self.squares / self.n) <= ROUNDING * np.abs(self.means), axis=0)
        norms = np.sqrt(self.squares[0]) * np.sqrt(self.squares[1])
        r = np.where(constant, 0.0, self.products / np.where(constant, 1.0, norms))
        floor = np.sqrt(2 / (np.pi * (self.n - 1))) * (1 - constant.mean()) if absolute else 0.0
        score = float(np.mean(np.abs(r) if absolute else r))
        return NeuronCorrelation(score, r, int(constant.sum()), float(floor), self.n, absolute)


@dataclass(frozen=True, eq=False)
class CKASums:
    """Sums behind linear CKA, biased and debiased; without arguments, of no rows.

    With z = (x, y) about its mean and lengths (|x|^2, |y|^2), all that CKA needs of n rows is their scatter, and for
    the debiased estimator the sums of lengths times z and of products of lengths. Each is moved to a new mean exactly.
    Memory: the square of both widths together, whatever the number of rows.

    Attributes:
        n: How many matched rows were seen.
        split: How many of the columns are those of x.
        mean: Mean of z.
        scatter: Sum of z z'.
        weighted: Sum of lengths times z, a row for either language's lengths.
        lengths: Sum of the products of the lengths of either language.
    """

    n: int = 0
    split: int = 0
    mean: Float[np.ndarray, " w"] = field(default_factory=lambda: np.zeros(0))
    scatter: Float[np.ndarray, "w w"] = field(default_factory=lambda: np.zeros((0, 0)))
    weighted: Float[np.ndarray, "2 w"] = field(default_factory=lambda: np.zeros((2, 0)))
    lengths: Float[np.ndarray, "2 2"] = field(default_factory=lambda: np.zeros((2, 2)))

    def accumulate(self, x: Float[Array, "n d"], y: Float[Array, "n e"]) -> "CKASums":
        """Return the sums with matched rows of `x` and `y`, at least 1; computed on the host in float64.

        Raises:
            ValueError: If rows differ in number, a width from that of the shards before, or a value is not finite.
        """
        require_matching(x, y)
        known = self.n > 0
        rows = [
            shard(x, seen=self.split if known else None),
            shard(y, name="y", seen=self.mean.size - self.split if known else None),
        ]
        split, joint = rows[0].shape[1], np.concatenate(rows, axis=1)
        wide, _ = centred(joint)
        lengths = np.stack([np.sum(part**2, axis=1) for part in (wide[:, :split], wide[:, split:])])
        mean = joint.mean(axis=0)
        return self.merge(CKASums(len(wide), split, mean, wide.T @ wide, lengths @ wide, lengths @ lengths.T))

    def merge(self, other: "CKASums") -> "CKASums":
        """Return the sums of the rows of both.

        Raises:
            ValueError: If their rows differ in width.
        """
        if not self.n or not other.n:
            return self if self.n else other
        require_shards_of_one_width(self.split, other.split)
        require_shards_of_one_width(self.mean.size - self.split, other.mean.size - other.split)
        n = self.n + other.n
        mean = self.mean + (other.mean - self.mean) * (other.n / n)
        moved = [self._about(mean), other._about(mean)]
        scatter, weighted, lengths = (a + b for a, b in zip(*moved, strict=True))
        return CKASums(n, self.split, mean, scatter, weighted, lengths)

    def _about(self, mean: Float[np.ndarray, " w"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return scatter, weighted sums and lengths about another point than the rows' own mean.

        For z - s with s the shift, whose parts in either language are the rows of `parts`: |x - s|^2 = |x|^2 - 2 x's +
        |s|^2, multiplied out; terms in the sum of z vanish.
        """
        shift = mean - self.mean
        parts = np.zeros((2, shift.size))
        parts[0, : self.split], parts[1, self.split :] = shift[: self.split], shift[self.split :]
        squares, along = np.sum(parts**2, axis=1), parts @ self.scatter
        traces = self._traces()
        crossed = self.weighted @ parts.T
        levelled = np.outer(traces, squares)
        weighted = self.weighted - 2 * along - np.outer(traces + self.n * squares, shift)
        lengths = self.lengths - 2 * (crossed + crossed.T) + levelled + levelled.T
        lengths = lengths + 4 * along @ parts.T + self.n * np.outer(squares, squares)
        return self.scatter + self.n * np.outer(shift, shift), weighted, lengths

    def _traces(self) -> Float[np.ndarray, " 2"]:
        own = np.diag(self.scatter)
        return np.array([own[: self.split].sum(), own[self.split :].sum()])

    def finish(self, *, estimator: str = "debiased") -> CKA:
        """Return what `linear_cka` gives on all rows in float64.

        Args:
            estimator: debiased | biased; the sums serve both.

        Raises:
            ValueError: If fewer than 4 rows were accumulated, or the estimator is unknown.
        """
        require_choice("estimator", estimator, ESTIMATORS)
        require_rows(self.n, minimum=MINIMUM)
        reason = self._undefined()
        products = self._products(estimator)
        if not reason and min(products[0, 0], products[1, 1]) <= 0:
            reason = NOT_POSITIVE
        if reason:
            return CKA(np.nan, 0.0 if estimator == "debiased" else np.nan, self.n, estimator, reason)
        norm = np.sqrt(products[0, 0]) * np.sqrt(products[1, 1])
        chance = 0.0 if estimator == "debiased" else float(np.prod(self._traces()) / ((self.n - 1) * norm))
        return CKA(float(products[0, 1] / norm), chance, self.n, estimator)

    def _products(self, estimator: str) -> Float[np.ndarray, "2 2"]:
        """Return the inner products of the centred Grams of x and y, as `probes.cka_sides.feature_product` does."""
        n, parts = self.n, (slice(0, self.split), slice(self.split, None))
        traces = np.array([[np.sum(self.scatter[a, b] ** 2) for b in parts] for a in parts])
        if estimator == "biased":
            return traces
        totals = np.outer(self._traces(), self._traces())
        return traces - self.lengths * (n / (n - 2)) + totals / ((n - 1) * (n - 2))

    def _undefined(self) -> str:
        deviations = np.sqrt(np.diag(self.scatter) / self.n)
        constant = deviations <= ROUNDING * np.abs(self.mean)
        for name, part in (("x", constant[: self.split]), ("y", constant[self.split :])):
            if part.all():
                return f"{name} has the same vector in every row, so nothing varies that could be compared"
        return ""


@dataclass(frozen=True)
class MinibatchCKA:
    """CKA from HSIC_1 summed over batches and divided once; without arguments, of no batch.

    For widths whose square does not fit into memory. Each sum is unbiased whatever the size of batches, but only
    sentences of one batch are compared: the value depends on how rows were cut and is noisier the smaller the batches
    are. With a single batch it is debiased `linear_cka`. Never average the CKA of batches instead.

    Attributes:
        n: How many rows were seen.
        n_batches: In how many batches.
        xy: Sum of HSIC_1 of x with y.
        xx: Sum of HSIC_1 of x with itself.
        yy: Sum of HSIC_1 of y with itself.

    References:
        Nguyen, Raghu & Kornblith (2021), Do Wide and Deep Networks Learn the Same Things?, arXiv:2010.15327, eq. 2-3.
    """

    n: int = 0
    n_batches: int = 0
    xy: float = 0.0
    xx: float = 0.0
    yy: float = 0.0

    def accumulate(self, x: Float[Array, "n d"], y: Float[Array, "n e"]) -> "MinibatchCKA":
        """Return the sums with one more batch of at least 4 matched rows.

        Raises:
            ValueError: If rows differ in number, there are fewer than 4, or a value is not finite.
        """
        require_matching(x, y)
        a, b, n = cka_side(x), cka_side(y, name="y"), x.shape[0]
        scales = [float(np.mean(to_host(centred(z)[1]) ** 2)) for z in (x, y)]
        per_pair = 1 / (n * (n - 3))
        return self.merge(
            MinibatchCKA(
                n=n,
                n_batches=1,
                xy=inner_product(a.gram, b.gram) * scales[0] * scales[1] * per_pair,
                xx=a.self_similarity * scales[0] ** 2 * per_pair,
                yy=b.self_similarity * scales[1] ** 2 * per_pair,
            )
        )

    def merge(self, other: "MinibatchCKA") -> "MinibatchCKA":
        """Return the sums over the batches of both."""
        return MinibatchCKA(
            n=self.n + other.n,
            n_batches=self.n_batches + other.n_batches,
            xy=self.xy + other.xy,
            xx=self.xx + other.xx,
            yy=self.yy + other.yy,
        )

    def finish(self) -> CKA:
        """Return the ratio of the sums; its `estimator` is "minibatch" and its chance 0.

        Raises:
            ValueError: If no batch was accumulated.
        """
        require_rows(self.n, minimum=MINIMUM)
        if min(self.xx, self.yy) <= 0:
            return CKA(np.nan, 0.0, self.n, "minibatch", NOT_POSITIVE)
        return CKA(self.xy / (np.sqrt(self.xx) * np.sqrt(self.yy)), 0.0, self.n, "minibatch")
