"""Mutual neighbours: do sentences have the same nearest sentences in both languages?"""

from dataclasses import dataclass
from functools import partial

from jaxtyping import Float

from probes.arrays import Array, require_matching
from probes.judging import judged_by
from probes.prepared_neighbours import NeighbourPreparation, PreparedNeighbours, kernel_side, overlap_side


@dataclass(frozen=True)
class MutualNeighbours:
    """The share of nearest neighbours that two spaces have in common.

    Attributes:
        score: Between 0 and 1, the mean over sentences.
        chance: k / (n - 1), the exact mean over all permutations of the rows.
        n: How many sentences were compared.
        k: How many neighbours each has.
    """

    score: float
    chance: float
    n: int
    k: int


@dataclass(frozen=True)
class NeighbourAlignment:
    """CKNNA: an alignment of kernels over the neighbours that two spaces have in common.

    Attributes:
        score: At most 1; NaN has a `reason`.
        chance: The exact mean over all permutations of the rows.
        n: How many sentences were compared.
        k: How many neighbours each has.
        reason: Why the score is NaN; empty where it is not.
    """

    score: float
    chance: float
    n: int
    k: int
    reason: str = ""


@judged_by(partial(NeighbourPreparation, overlap_side))
def mutual_knn(x: Float[Array, "n d"], y: Float[Array, "n e"], *, k: int = 10) -> MutualNeighbours:
    """Count the nearest neighbours that a sentence has in both spaces.

    Neighbours are the k other rows of largest cosine. Ties at the last place share what places are left: the score is
    the expected overlap when ties are broken at random, in each space by itself, and never depends on the order of the
    rows. (So a space whose rows are tied agrees with itself no further than chance tells.)

    Args:
        x: Sentence vectors of one language, at least 4; row i is matched with row i of `y`.
        y: Sentence vectors of the other; its dimensions may differ in number.
        k: How many neighbours, below the number of rows.

    Returns:
        The mean share of k with its chance level k / (n - 1).

    Raises:
        TypeError: If k is no whole number.
        ValueError: If the rows differ in number, there are fewer than 4 or no more than k, a value is not finite, or a
            row is zero.

    References:
        Huh et al. (2024), The Platonic Representation Hypothesis, arXiv:2405.07987, eq. 9-11. They cut features at the
            95th percentile before; here vectors are taken as they are.
    """
    prepared = _prepared(NeighbourPreparation(overlap_side, k), x, y)
    return MutualNeighbours(prepared.score, prepared.chance, prepared.a.n, k)


@judged_by(partial(NeighbourPreparation, kernel_side))
def cknna(x: Float[Array, "n d"], y: Float[Array, "n e"], *, k: int = 10) -> NeighbourAlignment:
    """Align two kernels over the neighbours that a sentence has in both spaces (CKNNA).

    With K[i, j] = cos(x_i, x_j) - mean_l cos(x_i, x_l), the mean over all n rows, L the same of `y`, and a(i, j) = 1
    where j is among the k nearest of i in both spaces (i itself is not):

        sum a K L / sqrt(sum a_x K^2 sum a_y L^2)

    a_x and a_y stand for neighbours in one space, whatever the other. Ties at the last place share what places are left
    in each of the three sums, as in `mutual_knn`. This is the paper's definition. Its released code differs: it takes
    the unbiased HSIC of the two Gram matrices with all but common neighbours set to 0, so it centres after it masks,
    and adds 1e-6 to the denominator.

    Args:
        x: Sentence vectors of one language, at least 4; row i is matched with row i of `y`.
        y: Sentence vectors of the other; its dimensions may differ in number.
        k: How many neighbours, below the number of rows.

    Returns:
        The alignment with its chance level; NaN with a reason where all rows of a language have one direction.

    Raises:
        TypeError: If k is no whole number.
        ValueError: If the rows differ in number, there are fewer than 4 or no more than k, a value is not finite, or a
            row is zero.

    References:
        Huh et al. (2024), The Platonic Representation Hypothesis, arXiv:2405.07987, eq. 12 and 16-18.
    """
    prepared = _prepared(NeighbourPreparation(kernel_side, k), x, y)
    reason = next((_reason(side.name) for side in (prepared.a, prepared.b) if not side.own.any()), "")
    return NeighbourAlignment(prepared.score, prepared.chance, prepared.a.n, k, reason)


def _prepared(preparation: NeighbourPreparation, x: Float[Array, "n d"], y: Float[Array, "n e"]) -> PreparedNeighbours:
    require_matching(x, y)
    return preparation.pair(preparation.side(x), preparation.side(y, name="y"))


def _reason(name: str) -> str:
    return f"all rows of {name} have one direction, so no neighbour is nearer than the others"
