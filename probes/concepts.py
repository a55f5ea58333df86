"""CALIGN and COLAP: do the clusters of word vectors of two languages hold translations, or words of both languages?"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.arrays import (
    Array,
    checked,
    require_same_width,
    require_whole,
    row_chunks,
    to_host,
)
from probes.concept_clusters import Concepts, cluster
from probes.judging import BootstrapInterval, PermutationNull, draw_permutations, draw_resamples, interval_of, null_of

WORDS_PER_CLUSTER = 20
ROUNDING = 1e-12
CHANCE_DRAWS = 200


@dataclass(frozen=True, eq=False)
class ConceptAlignment:
    """CALIGN: the share of source clusters whose types translate into one target cluster.

    Attributes:
        score: The share, of the clusters that were judged; NaN if none was.
        aligned: Which of the judged clusters are aligned.
        judged: The clusters that were judged, by their number in the source: those with at least `min_types` types.
        n_clusters: How many clusters the source has.
        n_translated: How many types of the source have a translation among those of the target.
        theta: What share of a cluster's types must be exceeded.
        matches: The types of each judged cluster, and which of the target's clusters hold a translation of each type.
        needed: How many types a target cluster must translate; infinity where its size is out of the ratio.
    """

    score: float
    aligned: Bool[np.ndarray, " judged"]
    judged: Int[np.ndarray, " judged"]
    n_clusters: int
    n_translated: int
    theta: float
    matches: tuple[Bool[np.ndarray, "judged types"], Bool[np.ndarray, "types targets"]]
    needed: Float[np.ndarray, "judged targets"]

    @cached_property
    def chance(self) -> float:
        """The mean score of 200 shuffled dictionaries; there is no closed form, as clusters of several can match."""
        return float(self._shuffled(CHANCE_DRAWS, seed=0).mean()) if self.judged.size else float("nan")

    def null(self, *, n_permutations: int = 1000, seed: int = 0) -> PermutationNull:
        """Score shuffled dictionaries: each type that has translations is given those of another.

        What clusters there are, and how large, stays as it is: many small clusters, or few large ones that hold most
        types, are aligned by chance too, and this null shows how often.

        Raises:
            ValueError: If fewer than 1 permutation is asked for, or the seed is negative.
        """
        return null_of(self.score, self._shuffled(n_permutations, seed=seed))

    def interval(self, *, n_resamples: int = 1000, level: float = 0.95, seed: int = 0) -> BootstrapInterval:
        """Draw judged clusters with replacement, as they were found: how far other concepts would move the score.

        Words are not drawn: copies of a word would form clusters of their own.

        Raises:
            ValueError: If fewer than 1 resample is asked for, the seed is negative, or `level` is not in (0, 1).
        """
        return _share_interval(self.score, self.aligned, n_resamples, level, seed)

    def _shuffled(self, m: int, *, seed: int) -> Float[np.ndarray, " m"]:
        holds, hits = (part.astype(np.float32) for part in self.matches)
        translated = np.flatnonzero(hits.any(axis=1))
        orders = translated[draw_permutations(translated.size, m, seed=seed)]
        scores = np.full(m, np.nan)
        for number, order in enumerate(orders if self.judged.size else ()):
            shuffled = hits.copy()
            shuffled[translated] = hits[order]
            scores[number] = np.mean((holds @ shuffled > self.needed).any(axis=1))
        return scores


@dataclass(frozen=True, eq=False)
class ConceptOverlap:
    """COLAP: the share of joint clusters in which both languages have more than theta of the words.

    Attributes:
        score: The share of clusters.
        chance: What labels of language dealt at random give, exactly. It is what a space gives that mixes the two
            languages perfectly: a score near it says that language makes no difference, one below that they lie apart.
        share: The share of `x` in each cluster.
        size: How many words each cluster holds.
        theta: What share both must exceed.
        method: How the clusters were found: `ward` or `k_means`.
        from_x: For each word of both languages, whether it is of `x`.
        clusters: Its cluster, from 0.
    """

    score: float
    chance: float
    share: Float[np.ndarray, " clusters"]
    size: Int[np.ndarray, " clusters"]
    theta: float
    method: str
    from_x: Bool[np.ndarray, " n"]
    clusters: Int[np.ndarray, " n"]

    @property
    def overlapping(self) -> Bool[np.ndarray, " clusters"]:
        """Which clusters both languages share."""
        return _both_exceed(self.share, self.theta)

    def null(self, *, n_permutations: int = 1000, seed: int = 0) -> PermutationNull:
        """Score the same clusters with the labels of language shuffled among all words.

        The p-value is the share of shuffles that mix the languages at least as well; a small one cannot be hoped for.

        Raises:
            ValueError: If fewer than 1 permutation is asked for, or the seed is negative.
        """
        members = (self.clusters[:, None] == np.arange(self.size.size)).astype(np.float32)
        orders = draw_permutations(self.clusters.size, n_permutations, seed=seed)
        scores = [
            _both_exceed(self.from_x[orders[rows]].astype(np.float32) @ members / self.size, self.theta).mean(axis=1)
            for rows in row_chunks(n_permutations, self.clusters.size)
        ]
        return null_of(self.score, np.concatenate(scores).astype(float))

    def interval(self, *, n_resamples: int = 1000, level: float = 0.95, seed: int = 0) -> BootstrapInterval:
        """Draw clusters with replacement, as they were found: how far other concepts would move the score.

        Raises:
            ValueError: If fewer than 1 resample is asked for, the seed is negative, or `level` is not in (0, 1).
        """
        return _share_interval(self.score, self.overlapping, n_resamples, level, seed)


def concept_alignment(
    source: Concepts,
    target: Concepts,
    translations: Int[np.ndarray, "pairs 2"],
    *,
    theta: float = 0.8,
    size_ratio: float = 0.6,
    min_types: int = 2,
) -> ConceptAlignment:
    """Count the source concepts that a dictionary translates into one target concept (CALIGN).

    A source cluster is aligned if more than theta of its types have a translation in one and the same target cluster,
    and the two differ in size by no more than the ratio allows: |C_s & T| / |C_s| > theta and
    min(|C_s|, |C_t|) / max(|C_s|, |C_t|) >= size_ratio, in types.

    The authors' program leaves small clusters unaligned but counts them; here they are not judged, and two languages
    with equal vectors score 1. A cluster of one type is aligned whatever the dictionary says, if only the types of the
    other language stand alone too: that is why `min_types` is 2.

    Args:
        source: The clusters of one language, by `probes.concept_clusters.find_concepts`.
        target: The clusters of the other, at the same layer.
        translations: Pairs of a source type and a target type; a type may have several. Types that are not there are
            passed over.
        theta: Share of a source cluster's types, in [0, 1), that must be exceeded; 0.8 in the paper.
        size_ratio: In [0, 1]; 0.6 is the paper's "do not differ by more than 40%". 0 allows any sizes.
        min_types: Source clusters with fewer types are not judged.

    Returns:
        The share of aligned clusters, with `.chance`, `.null()` and `.interval()`. It is not symmetric.

    Raises:
        ValueError: If an option is out of its range, or no pair of types is in both languages.

    References:
        Mousi et al. (2024), Exploring Alignment in Shared Cross-lingual Spaces, arXiv:2405.14535.
    """
    _require_share("theta", theta, below=True)
    _require_share("size_ratio", size_ratio)
    require_whole("min_types", min_types, minimum=1)
    hits = _translated_into(source, target, np.asarray(translations))
    judged = np.flatnonzero(source.n_types >= min_types)
    sizes, others = source.n_types[judged, None], target.n_types[None, :]
    within = np.minimum(sizes, others) / np.maximum(sizes, others) >= size_ratio - ROUNDING
    needed = np.where(within, sizes * (theta + ROUNDING), np.inf)
    holds = source.holds[judged]
    aligned = np.asarray((holds.astype(np.float32) @ hits.astype(np.float32) > needed).any(axis=1))
    return ConceptAlignment(
        score=float(aligned.mean()) if judged.size else float("nan"),
        aligned=aligned,
        judged=judged,
        n_clusters=source.n_clusters,
        n_translated=int(hits.any(axis=1).sum()),
        theta=theta,
        matches=(holds, hits),
        needed=needed,
    )


def concept_overlap(
    x: Float[Array, "m d"],
    y: Float[Array, "n d"],
    *,
    theta: float = 0.3,
    n_clusters: int | None = None,
    method: str = "auto",
    seed: int = 0,
) -> ConceptOverlap:
    """Cluster the words of two languages together, and count the concepts that both share (COLAP).

    Computed on the CPU by scikit-learn.

    Args:
        x: Vectors of words of one language; nothing is matched by row.
        y: Vectors of words of the other, at the same layer. Give about as many: with shares of 30 % and less in all, no
            cluster can be expected to overlap.
        theta: Share, in [0, 0.5), that both languages must exceed in a cluster; 0.3 in the paper.
        n_clusters: How many clusters; by default one for every 20 words, at least 2.
        method: As in `probes.concept_clusters.find_concepts`.
        seed: Seed of k-means.

    Returns:
        The share of overlapping clusters, with its exact `.chance`, `.null()` and `.interval()`.

    Raises:
        ValueError: If theta is out of its range, widths differ, there are more clusters than different rows, or a value
            is not finite.

    References:
        Mousi et al. (2024), Exploring Alignment in Shared Cross-lingual Spaces, arXiv:2405.14535.
    """
    if not 0 <= theta < 0.5:
        raise ValueError(f"theta must lie in [0, 0.5), got {theta}; two languages cannot both exceed half of a cluster")
    x, y = checked(x, minimum=2), checked(y, name="y", minimum=2)
    require_same_width(x, y)
    both = np.concatenate([to_host(x), to_host(y)])
    from_x = np.arange(both.shape[0]) < x.shape[0]
    wanted = max(2, both.shape[0] // WORDS_PER_CLUSTER) if n_clusters is None else n_clusters
    clusters, used = cluster(both, wanted, method, seed)
    size = np.bincount(clusters, minlength=wanted)
    share = np.bincount(clusters, weights=from_x, minlength=wanted) / size
    return ConceptOverlap(
        score=float(_both_exceed(share, theta).mean()),
        chance=_mixing_chance(size, int(from_x.sum()), theta),
        share=share,
        size=size,
        theta=theta,
        method=used,
        from_x=from_x,
        clusters=clusters,
    )


def _translated_into(
    source: Concepts, target: Concepts, translations: Int[np.ndarray, "pairs 2"]
) -> Bool[np.ndarray, "types targets"]:
    """Return for each source type which target clusters hold one of its translations."""
    there = np.isin(translations[:, 0], source.type_labels) & np.isin(translations[:, 1], target.type_labels)
    if not there.any():
        raise ValueError(
            "translations must pair at least one type of source with one of target, got none of either; types are "
            "matched by their labels"
        )
    rows = np.searchsorted(source.type_labels, translations[there, 0])
    columns = np.searchsorted(target.type_labels, translations[there, 1])
    hits = np.zeros((source.type_labels.size, target.n_clusters), dtype=bool)
    np.logical_or.at(hits, rows, target.holds[:, columns].T)
    return hits


def _both_exceed(share: Float[np.ndarray, "*clusters"], theta: float) -> Bool[np.ndarray, "*clusters"]:
    return (share > theta + ROUNDING) & (1 - share > theta + ROUNDING)


def _mixing_chance(size: Int[np.ndarray, " clusters"], n_x: int, theta: float) -> float:
    """Return the mean probability that both languages exceed theta in a cluster, labels dealt at random."""
    n = int(size.sum())
    distinct, counts = np.unique(size, return_counts=True)
    return float(
        sum(_chance_of_one(int(s), n, n_x, theta) * c for s, c in zip(distinct, counts, strict=True)) / size.size
    )


def _chance_of_one(size: int, n: int, n_x: int, theta: float) -> float:
    """Sum the hypergeometric probabilities of the numbers of x that overlap, in one cluster of a size."""
    numbers = np.arange(max(0, size - (n - n_x)), min(size, n_x) + 1)
    logs = [_log_choose(n_x, k) + _log_choose(n - n_x, size - k) - _log_choose(n, size) for k in numbers.tolist()]
    return float(np.exp(logs) @ _both_exceed(numbers / size, theta))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _share_interval(
    score: float, counted: Bool[np.ndarray, " n"], n_resamples: int, level: float, seed: int
) -> BootstrapInterval:
    if not counted.size:
        return interval_of(score, np.full(n_resamples, np.nan), level=level)
    counts = draw_resamples(counted.size, n_resamples, seed=seed)
    return interval_of(score, counts @ counted.astype(float) / counted.size, level=level)


def _require_share(name: str, value: float, *, below: bool = False) -> None:
    if not 0 <= value <= 1 or (below and value == 1):
        raise ValueError(f"{name} must lie in [0, 1{')' if below else ']'}, got {value}")
