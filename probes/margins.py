"""Retrieval that corrects for hubs: CSLS and the margin of bitext mining."""

from dataclasses import dataclass

from jaxtyping import Float

from probes.arrays import Array, require_choice
from probes.judging import judged_by
from probes.prepared_retrieval import PreparedAnswers
from probes.retrieval import RetrievalAccuracy, RetrievalPreparation, directions_of
from probes.retrieval_sides import Labels
from probes.retrieval_statistics import MARGINS


@dataclass(frozen=True)
class MarginRetrieval:
    """Retrieval by margin, from `x` to `y`.

    Attributes:
        error_rate: Share of rows whose best margin is not their translation's (LASER's xsim).
        score: 1 - error_rate.
        n_errors: error_rate times n; a whole number unless margins tie.
        chance: The expected score when nothing is matched.
        n: How many rows were asked.
        margin: ratio, distance or absolute.
    """

    error_rate: float
    score: float
    n_errors: float
    chance: float
    n: int
    margin: str


def _csls(k: int = 10, groups: Labels | None = None) -> RetrievalPreparation[PreparedAnswers]:
    return RetrievalPreparation(lambda statistics: statistics.csls(k), neighbours=k, groups=groups)


def _margin(k: int = 4, margin: str = "ratio", groups: Labels | None = None) -> RetrievalPreparation[PreparedAnswers]:
    require_choice("margin", margin, MARGINS)

    return RetrievalPreparation(lambda statistics: statistics.margin(k, margin), neighbours=k, groups=groups)


@judged_by(_csls)
def csls_retrieval(
    x: Float[Array, "n d"], y: Float[Array, "n d"], *, k: int = 10, groups: Labels | None = None
) -> RetrievalAccuracy:
    """Measure P@1 by cross-domain similarity local scaling, `2 cos(x, y) - r_x - r_y`.

    `r` is a row's mean cosine to its k nearest on the other side: hubs, near to everything, are pushed away. All rows
    are candidates; ties are shared.

    Args:
        x: Sentence vectors of one language, at least 4; row i translates row i of `y`.
        y: Sentence vectors of the other.
        k: How many neighbours make a neighbourhood.
        groups: A label per row; every row of a label is a right answer to the others.

    Returns:
        The accuracy in both directions and their mean; chance is 1 / n.

    Raises:
        TypeError: If k is no whole number.
        ValueError: As `probes.retrieval_accuracy`.

    References:
        Conneau et al. (2018), Word Translation Without Parallel Data, arXiv:1710.04087, eq. 7.
    """
    return directions_of(_csls(k, groups), x, y)


@judged_by(_margin)
def margin_retrieval(
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    *,
    k: int = 4,
    margin: str = "ratio",
    groups: Labels | None = None,
) -> MarginRetrieval:
    """Measure how often the best margin among a row's k nearest is not its translation's (LASER's xsim).

    With c the cosine and A a row's mean cosine to its k nearest on the other side: ratio `c / ((A_x + A_y) / 2)`,
    distance `c - (A_x + A_y) / 2`, absolute `c`. Only the k nearest of a row are its candidates (and what ties with the
    k-th); scoring all candidates is another measure.

    Args:
        x: Sentence vectors of one language, at least 4, which ask; row i translates row i of `y`.
        y: Sentence vectors of the other, which answer.
        k: How many nearest are candidates, and make a neighbourhood.
        margin: ratio | distance | absolute.
        groups: A label per row; every row of a label is a right answer to the others.

    Returns:
        The error rate, and the score 1 - error rate.

    Raises:
        TypeError: If k is no whole number.
        ValueError: As `probes.retrieval_accuracy`; or if `ratio` would divide by a mean cosine that is not positive,
            where it changes its meaning: take `distance`.

    References:
        Artetxe & Schwenk (2019), Margin-based Parallel Corpus Mining, arXiv:1811.01136, eq. 1-3.
    """
    prepared = _margin(k, margin, groups).of(x, y)
    n, error_rate = prepared.labels.size, 1 - prepared.score
    n_errors = float((1 - prepared.hits[0]).sum())
    return MarginRetrieval(error_rate, prepared.score, n_errors, prepared.chance, n, margin)
