"""RBF-kernel CKA: linear CKA's question, asked of who is near to whom rather than of all distances alike."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from probes.arrays import (
    Array,
    centred,
    checked,
    inner_product,
    namespace,
    require_choice,
    require_matching,
    row_chunks,
    to_host,
    working_dtype,
)
from probes.cka_sides import ESTIMATORS, GramPreparation, GramSide, PreparedCKA, undefined_reason
from probes.judging import judged_by

FLAT = 1e-12
"""A kernel that varies less than this, relative to its size, is flat: what is left of it is rounding."""


@dataclass(frozen=True)
class RBFCKA:
    """A centred kernel alignment of Gaussian kernels.

    Attributes:
        score: At most 1; negative values of the debiased estimator are reported as they are; NaN has a `reason`.
        chance: The exact mean over all permutations of the rows: 0 when debiased, above 0 when biased.
        n: How many sentences were compared.
        bandwidth: The kernel's width as a multiple of the median distance.
        estimator: debiased or biased.
        reason: Why the score is NaN; empty where it is not.
    """

    score: float
    chance: float
    n: int
    bandwidth: float
    estimator: str
    reason: str = ""


@dataclass(frozen=True, eq=False)
class RBFSide(GramSide):
    """The centred Gram of a language under the Gaussian kernel, scaled to mean square 1 (CKA does not see scale).

    Attributes:
        kernel: The centred Gram, in the working type.
        lengths: As in `GramSide`.
        estimator: As in `GramSide`.
        name: As in `GramSide`.
        flat: Why the Gram is zero; empty where it is not.
    """

    kernel: Float[Array, "n n"]
    lengths: Float[np.ndarray, " n"]
    estimator: str
    name: str
    flat: str

    @property
    def gram(self) -> Float[Array, "n n"]:
        """The centred Gram."""
        return self.kernel

    @property
    def flaw(self) -> str:
        """Why the Gram is zero; empty where it is not."""
        return self.flat


def rbf_side(
    x: Float[Array, "n d"], *, bandwidth: float | None = None, estimator: str = "debiased", name: str = "x"
) -> RBFSide:
    """Return the side of RBF CKA that belongs to `x`: distances, kernel and centring in float64.

    Raises:
        ValueError: If `x` has fewer than 4 rows or values that are not finite, the bandwidth is not positive, or the
            estimator is unknown.
    """
    require_choice("estimator", estimator, ESTIMATORS)
    bandwidth = checked_bandwidth(bandwidth)
    x = checked(x, name=name)
    xp = namespace(x)
    squares = squared_distances(x)
    median = median_distance(squares)
    gram = xp.zeros_like(squares) if median == 0 else gaussian(squares, bandwidth * median, wide=bandwidth > 1)
    lengths, gram = centred_gram(gram, estimator)
    flat = "" if bool(xp.any(gram != 0)) else _flaw(name, bandwidth, median, float(xp.max(squares)))
    return RBFSide(xp.astype(gram, working_dtype(x)), lengths, estimator, name, flat)


def checked_bandwidth(bandwidth: float | None) -> float:
    """Return the bandwidth, 1 where none is given.

    Raises:
        ValueError: If it is not a positive number.
    """
    if bandwidth is None:
        return 1.0
    if not (np.isfinite(bandwidth) and bandwidth > 0):
        raise ValueError(
            f"bandwidth must be a positive multiple of the median distance, got {bandwidth}; None stands for 1"
        )
    return float(bandwidth)


def squared_distances(x: Float[Array, "n d"]) -> Float[Array, "n n"]:
    """Return squared distances between rows in float64; exactly 0 where nothing but rounding is left."""
    xp = namespace(x)
    wide, _ = centred(x)
    lengths = xp.sum(wide * wide, axis=1)
    squares = wide @ wide.T
    squares *= -2
    squares += lengths[:, None]
    squares += lengths[None, :]
    for rows in row_chunks(x.shape[0], x.shape[0]):
        block = squares[rows, :]
        rounding = 32 * xp.finfo(xp.float64).eps * xp.maximum(lengths[rows, None], lengths[None, :])
        block[block <= rounding] = 0.0
    return squares


def median_distance(squares: Float[Array, "n n"]) -> float:
    """Return the median distance of two rows, the mean of the middle two where their number is even."""
    off_diagonal = to_host(squares)[below_diagonal(squares.shape[0])]
    middle = [(off_diagonal.size - 1) // 2, off_diagonal.size // 2]
    return float(np.sqrt(np.partition(off_diagonal, middle)[middle]).mean())


def below_diagonal(n: int) -> Bool[np.ndarray, "n n"]:
    """Say which entries of an n x n matrix stand for the pairs of rows, each once."""
    return np.tri(n, k=-1, dtype=bool)


def gaussian(squares: Float[Array, "n n"], sigma: float, *, wide: bool) -> Float[Array, "n n"]:
    """Return exp(-squares / (2 sigma^2)), less 1 where the kernel is `wide`.

    Centring takes the 1 away again. Without it all entries of a wide kernel lie close to 1, and nothing but rounding
    would be left of them.
    """
    xp = namespace(squares)
    exponents = squares / (-2 * sigma**2)
    return xp.expm1(exponents) if wide else xp.exp(exponents)


def centred_gram(gram: Float[Array, "n n"], estimator: str) -> tuple[Float[np.ndarray, " n"], Float[Array, "n n"]]:
    """Centre a Gram in place for the estimator, scaled to mean square 1, or all 0 where it is flat.

    Debiased: with a zero diagonal, `m = rowsum / (n - 2); m -= sum(m) / (2 (n - 1)); K -= m_i + m_j`, and the diagonal
    zero again. Biased: `H K H`. The diagonal of the latter is returned first, whatever the estimator.
    """
    xp, n = namespace(gram), gram.shape[0]
    diagonal = xp.arange(n, device=gram.device)
    size = inner_product(gram, gram) ** 0.5
    means = xp.mean(gram, axis=1)
    lengths = gram[diagonal, diagonal] - 2 * means + xp.mean(means)
    if estimator == "debiased":
        shifts = (n * means - gram[diagonal, diagonal]) / (n - 2)
        shifts -= xp.sum(shifts) / (2 * (n - 1))
    else:
        shifts = means - xp.mean(means) / 2
    gram -= shifts[:, None]
    gram -= shifts[None, :]
    if estimator == "debiased":
        gram[diagonal, diagonal] = 0.0
    scale = inner_product(gram, gram) ** 0.5
    if scale <= FLAT * size:
        return np.zeros(n), xp.zeros_like(gram)
    gram *= n / scale
    return to_host(lengths * (n / scale)), gram


def _flaw(name: str, bandwidth: float, median: float, largest: float) -> str:
    if largest == 0:
        return f"{name} has the same vector in every row, so nothing varies that could be compared"
    if median == 0:
        return f"{name} has the same vector in so many rows that the median distance is 0; leave copies out"
    return (
        f"the kernel of {name} is flat: at bandwidth {bandwidth:g} all its sentences are equally similar; try another"
    )


@dataclass(frozen=True)
class RBFPreparation(GramPreparation):
    """RBF CKA with its bandwidth and estimator.

    In a bootstrap sigma stays that of the sample: it is a setting of the kernel, not drawn again.
    """

    bandwidth: float | None = None
    estimator: str = "debiased"

    def side(self, x: Float[Array, "n d"], *, name: str = "x") -> RBFSide:
        """Return the centred Gram of one language."""
        return rbf_side(x, bandwidth=self.bandwidth, estimator=self.estimator, name=name)


@judged_by(RBFPreparation)
def rbf_cka(
    x: Float[Array, "n d"],
    y: Float[Array, "n e"],
    *,
    bandwidth: float | None = None,
    estimator: str = "debiased",
) -> RBFCKA:
    """Compare who is near to whom in two spaces: CKA under the Gaussian kernel.

    `K[i, j] = exp(-|x_i - x_j|^2 / (2 sigma^2))`, with sigma = `bandwidth` times the median of the distances
    |x_i - x_j| over all pairs i < j; each side has its own. A small bandwidth sees near neighbours alone; with a large
    one the score tends to that of `linear_cka`. The authors' code takes the median over all n^2 squared distances, the
    n zeros of the diagonal among them: a slightly smaller sigma.

    Args:
        x: Sentence vectors of one language, at least 4; row i is matched with row i of `y`.
        y: Sentence vectors of the other; its dimensions may differ in number.
        bandwidth: Width of the kernel as a positive multiple of the median distance; None is 1.
        estimator: debiased | biased; as in `linear_cka`, with the same chance, null and bootstrap. Sigma is not drawn
            again in a bootstrap.

    Returns:
        The score with its chance level; NaN with a reason where a kernel does not vary.

    Raises:
        ValueError: If the rows differ in number, there are fewer than 4, a value is not finite, the bandwidth is not
            positive, or the estimator is unknown.

    References:
        Kornblith et al. (2019), Similarity of Neural Network Representations Revisited, arXiv:1905.00414, sec. 3
            (kernels), eq. 4.
        Alvarez (2021), Gaussian RBF CKA in the Large Bandwidth Limit, arXiv:2112.09305.
    """
    require_matching(x, y)
    a = rbf_side(x, bandwidth=bandwidth, estimator=estimator)
    b = rbf_side(y, bandwidth=bandwidth, estimator=estimator, name="y")
    prepared = PreparedCKA(a, b)
    reason = undefined_reason(a, b, prepared.score)
    return RBFCKA(prepared.score, prepared.chance, a.n, checked_bandwidth(bandwidth), estimator, reason)
