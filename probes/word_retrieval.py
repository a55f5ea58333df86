"""Contextual word retrieval: is the nearest of all word tokens of the other language the one a word is aligned with?"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import CHUNK_ELEMENTS, Array, inverse, require_neighbours, require_same_width, row_chunks
from probes.judging import Preparation, judged_by
from probes.mining import Pairs, pair_array
from probes.neighbours import Answers
from probes.retrieval_sides import RetrievalSide, retrieval_side
from probes.retrieval_statistics import RetrievalStatistics


@dataclass(frozen=True)
class WordRetrieval:
    """The expected share of linked words answered right.

    Attributes:
        score: Mean of both directions.
        forward: Linked words of `x` asking among all words of `y`.
        backward: Linked words of `y` asking among all words of `x`.
        chance: The expected score when every order of the candidates is equally likely.
        n_links: How many distinct links.
        n_asked: How many words ask, forward and backward.
        n_words: How many words there are in `x` and in `y`.
    """

    score: float
    forward: float
    backward: float
    chance: float
    n_links: int
    n_asked: tuple[int, int]
    n_words: tuple[int, int]


@dataclass(frozen=True, eq=False)
class AskedWords:
    """The nearest candidates of the words of one side that have a link.

    Attributes:
        asking: Of each link, the word that asks: its place among the words that ask.
        expected: Of each link, the word of the other side that is right.
        answers: Who is nearest to each word that asks, ties included.
        n_candidates: How many words are candidates.
    """

    asking: Int[np.ndarray, " m"]
    expected: Int[np.ndarray, " m"]
    answers: Answers
    n_candidates: int

    @cached_property
    def links_of(self) -> Float[np.ndarray, " q"]:
        """How many links each word that asks has."""
        return np.bincount(self.asking).astype(float)

    @cached_property
    def _paired(self) -> tuple[Int[np.ndarray, " t"], Int[np.ndarray, " t"], Int[np.ndarray, " e"]]:
        """Every answer beside every link of its query: answers (rising), links, and where each answer begins."""
        by_word = np.argsort(self.asking, kind="stable")
        first = np.cumsum(self.links_of.astype(int)) - self.links_of.astype(int)
        sizes = self.links_of.astype(int)[self.answers.queries]
        starts = np.cumsum(sizes) - sizes
        entries = np.repeat(np.arange(sizes.size), sizes)
        links = by_word[first[self.answers.queries[entries]] + np.arange(entries.size) - starts[entries]]
        return entries, links, starts

    def hits(self, expected: Int[np.ndarray, "p m"]) -> Float[np.ndarray, "p q"]:
        """Return the share of each word's question that is answered right, given what each link expects."""
        entries, links, starts = self._paired
        equal = expected[:, links] == self.answers.candidates[entries]
        return self.answers.shares(np.logical_or.reduceat(equal, starts, axis=1))

    @property
    def chance(self) -> float:
        """The mean of (right answers) / (candidates) over the words that ask."""
        return float(self.links_of.mean() / self.n_candidates)


@dataclass(frozen=True, eq=False)
class PreparedWords:
    """Word retrieval that is ready to be judged; its rows are the links.

    Similarities and candidates stay. A permutation gives each link the `y` word of another, so that words ask for the
    translations of others. In a bootstrap links are drawn: each carries an equal part of the question of its word.
    """

    forward: AskedWords
    backward: AskedWords

    @property
    def n_links(self) -> int:
        """How many distinct links: the rows that permutations and resamples are of."""
        return self.forward.asking.size

    @cached_property
    def hits(self) -> tuple[Float[np.ndarray, " q"], Float[np.ndarray, " r"]]:
        """The share of each word's question that is answered right, forward and backward."""
        return self.forward.hits(self.forward.expected[None])[0], self.backward.hits(self.backward.expected[None])[0]

    @cached_property
    def score(self) -> float:
        """The mean of both directions."""
        return float(self.hits[0].mean() + self.hits[1].mean()) / 2

    @property
    def chance(self) -> float:
        """The expected score when every order of the candidates is equally likely."""
        return (self.forward.chance + self.backward.chance) / 2

    def permuted(self, permutations: Int[np.ndarray, "p m"]) -> Float[np.ndarray, " p"]:
        """Return the score when link i leads to the `y` word of link permutations[., i]."""
        parts = row_chunks(len(permutations), 4 * self.n_links, elements=CHUNK_ELEMENTS)
        return np.concatenate([self._permuted(permutations[part]) for part in parts])

    def _permuted(self, permutations: Int[np.ndarray, "p m"]) -> Float[np.ndarray, " p"]:
        forward = self.forward.hits(self.forward.expected[permutations]).mean(axis=1)
        askers = self.backward.expected[inverse(permutations)]
        return (forward + self.backward.hits(askers).mean(axis=1)) / 2

    def resampled(self, counts: Int[np.ndarray, "p m"]) -> Float[np.ndarray, " p"]:
        """Return the score when link i is drawn counts[., i] times."""
        asked = zip((self.forward, self.backward), self.hits, strict=True)
        return sum((_weighted(side, hits, counts) for side, hits in asked), np.zeros(len(counts))) / 2


def _weighted(
    side: AskedWords, hits: Float[np.ndarray, " q"], counts: Int[np.ndarray, "p m"]
) -> Float[np.ndarray, " p"]:
    parts = 1 / side.links_of[side.asking]
    return counts @ (parts * hits[side.asking]) / (counts @ parts)


@dataclass(frozen=True)
class WordPreparation(Preparation[PreparedWords]):
    """Word retrieval through given links.

    Attributes:
        links: Row of `x`, row of `y`; a link given twice counts once.
        k: How many neighbours make a neighbourhood.
    """

    links: Pairs
    k: int = 10

    def side(self, x: Float[Array, "p d"], *, name: str = "x") -> RetrievalSide:
        """Return the unit rows of one language's words."""
        return retrieval_side(x, name=f"{name}_words" if name in ("x", "y") else name, minimum=1)

    def pair(self, a: RetrievalSide, b: RetrievalSide) -> PreparedWords:
        """Return two languages paired by the links."""
        links = _checked_links(pair_array("links", self.links), a.n, b.n)
        require_neighbours(self.k, min(a.n, b.n))
        require_same_width(a.unit, b.unit)
        forward, backward = RetrievalStatistics(a, b, neighbours=self.k).csls_answers(self.k)
        return PreparedWords(_asked(links, forward, b.n), _asked(links[:, ::-1], backward, a.n))

    def of(self, x: Float[Array, "p d"], y: Float[Array, "q d"]) -> PreparedWords:
        """Return the words of two languages paired; they need not be equally many."""
        return self.pair(self.side(x), self.side(y, name="y"))


def _checked_links(links: Int[np.ndarray, "m 2"], n_x: int, n_y: int) -> Int[np.ndarray, "distinct 2"]:
    if not len(links):
        raise ValueError("links must hold at least one pair (row of x_words, row of y_words), got none; align words")
    outside = (links < 0) | (links >= np.array([n_x, n_y]))
    if outside.any():
        row = int(np.flatnonzero(outside.any(axis=1))[0])
        raise ValueError(
            f"links must name rows of the {n_x} x_words and {n_y} y_words from 0, got {tuple(links[row].tolist())} in "
            f"link {row}"
        )
    return np.unique(links, axis=0)


def _asked(links: Int[np.ndarray, "m 2"], answers: Answers, n_candidates: int) -> AskedWords:
    words, asking = np.unique(links[:, 0], return_inverse=True)
    return AskedWords(asking, links[:, 1], _of_queries(answers, words), n_candidates)


def _of_queries(answers: Answers, chosen: Int[np.ndarray, " q"]) -> Answers:
    """Return the answers of chosen queries (rising), numbered from 0."""
    place = np.full(answers.places.size, -1)
    place[chosen] = np.arange(chosen.size)
    kept: Bool[np.ndarray, " e"] = place[answers.queries] >= 0
    return Answers(
        place[answers.queries[kept]],
        answers.candidates[kept],
        answers.tied[kept],
        answers.places[chosen],
        answers.n_tied[chosen],
    )


@judged_by(WordPreparation)
def word_retrieval(
    x_words: Float[Array, "p d"], y_words: Float[Array, "q d"], links: Pairs, *, k: int = 10
) -> WordRetrieval:
    """Measure how often the CSLS-nearest of all word tokens of the other language is an aligned one.

    Words are tokens in context: the same word in two sentences is two rows. Only linked words ask; all words are
    candidates and make neighbourhoods. Every link of a word is a right answer; ties are shared.

    Args:
        x_words: Vectors of all word tokens of one side of a bitext.
        y_words: Vectors of all word tokens of the other; the two sides need not have equally many.
        links: Row of `x_words`, row of `y_words` of each aligned pair, from 0; a pair given twice counts once.
        k: How many neighbours make a neighbourhood; at most the words of either side.

    Returns:
        The accuracy in both directions and their mean. Judge it with `WordPreparation(links, k)`: its rows are the
        links, so permutations and resamples are drawn of `n_links`.

    Raises:
        TypeError: If k is no whole number.
        ValueError: If k is larger than the number of words of a side, a link leads outside, there is none, widths
            differ, a value is not finite or a row is zero.

    References:
        Cao, Kitaev & Klein (2020), Multilingual Alignment of Contextual Word Representations, arXiv:2002.03518,
            section 3 (contextual word retrieval, CSLS with k = 10).
    """
    prepared = WordPreparation(links, k).of(x_words, y_words)
    forward, backward = (float(hits.mean()) for hits in prepared.hits)
    return WordRetrieval(
        score=prepared.score,
        forward=forward,
        backward=backward,
        chance=prepared.chance,
        n_links=prepared.n_links,
        n_asked=(prepared.forward.links_of.size, prepared.backward.links_of.size),
        n_words=(prepared.backward.n_candidates, prepared.forward.n_candidates),
    )
