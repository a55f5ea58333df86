"""Measures of words in their sentences: found and linked by a lexicon, where both languages are in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from probes import concept_alignment, concept_overlap, word_retrieval
from probes.concept_clusters import Concepts, find_concepts
from probes.judging import draw_permutations, draw_resamples
from xalign.encoding import EncodedGroup
from xalign.judging.rows import Judged, Judging, columns_of, row_of
from xalign.measure import Measure
from xalign.word_groups import linked_pairs, links_between

THETA = 0.5
"""Share of a cluster's words for CALIGN; the paper's .8 has hardly any power on a lexicon of 200 concepts."""


@dataclass(frozen=True)
class WordPair:
    """The words of two languages at one layer.

    Attributes:
        x: Vectors of the source's words.
        y: Vectors of the target's words.
        links: Rows of `x` and `y` that translate each other in one sentence.
        concepts: Clusters of each language's words, made when they are asked for.
    """

    x: Float[np.ndarray, "m d"]
    y: Float[np.ndarray, "k d"]
    links: Int[np.ndarray, "links 2"]
    concepts: Callable[[], tuple[Concepts, Concepts]]


def judge_words(
    measure: Measure, group: EncodedGroup, layer: int, pivot: str | None, judging: Judging
) -> Iterator[dict[str, Any]]:
    """Score the pairs of languages whose words the lexicon links at least 20 times.

    Args:
        measure: Word retrieval, concept alignment or concept overlap.
        group: Languages with the words that were found in their sentences.
        layer: 0 for the embeddings.
        pivot: The language all others are compared with; None for all pairs.
        judging: Numbers of permutations and resamples.

    Yields:
        A row without model and layer; `n` counts links for retrieval, the words of both languages for concepts.
    """
    judge, words = JUDGES[measure.function], group.words

    @cache
    def concepts(language: str) -> Concepts:
        return find_concepts(words[language].vectors.layer(layer), words[language].concepts, seed=judging.seed)

    for source, target in linked_pairs(words, pivot):
        x, y = words[source], words[target]
        pair = WordPair(
            x.vectors.layer(layer),
            y.vectors.layer(layer),
            links_between(x, y),
            partial(_both, concepts, source, target),
        )
        yield judge(measure, pair, judging) | {"source": source, "target": target}


def _both(concepts: Callable[[str], Concepts], source: str, target: str) -> tuple[Concepts, Concepts]:
    return concepts(source), concepts(target)


def _retrieval(measure: Measure, pair: WordPair, judging: Judging) -> dict[str, Any]:
    prepared = measure.function.preparation(links=pair.links).of(pair.x, pair.y)  # type: ignore[attr-defined]
    n = prepared.n_links
    permuted = prepared.permuted(draw_permutations(n, measure.n_draws(judging.n_permutations), seed=judging.seed))
    resampled = prepared.resampled(draw_resamples(n, judging.n_resamples, seed=judging.seed))
    return row_of(measure, Judged(float(prepared.score), float(prepared.chance), permuted, resampled), n)


def _alignment(measure: Measure, pair: WordPair, judging: Judging) -> dict[str, Any]:
    source, target = pair.concepts()
    shared = np.intersect1d(source.type_labels, target.type_labels)
    found = concept_alignment(source, target, np.stack([shared, shared], axis=1), theta=THETA)
    null = found.null(n_permutations=measure.n_draws(judging.n_permutations), seed=judging.seed)
    interval = found.interval(n_resamples=judging.n_resamples, seed=judging.seed)
    return columns_of(measure, len(pair.x) + len(pair.y), found.chance, null, interval)


def _overlap(measure: Measure, pair: WordPair, judging: Judging) -> dict[str, Any]:
    n = min(len(pair.x), len(pair.y))
    rng = np.random.default_rng(judging.seed)
    x, y = (vectors[np.sort(rng.permutation(len(vectors))[:n])] for vectors in (pair.x, pair.y))
    found = concept_overlap(x, y, seed=judging.seed)
    null = found.null(n_permutations=measure.n_draws(judging.n_permutations), seed=judging.seed)
    interval = found.interval(n_resamples=judging.n_resamples, seed=judging.seed)
    return columns_of(measure, 2 * n, found.chance, null, interval)


JUDGES = {word_retrieval: _retrieval, concept_alignment: _alignment, concept_overlap: _overlap}
"""How each measure of words is taken of two languages."""
