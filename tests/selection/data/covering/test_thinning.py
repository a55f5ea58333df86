"""The threshold filter and semantic de-duplication against their definitions written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selection.data.covering import deduplicating, semantic_deduplicate, threshold_diversity, threshold_diversity_select


def rows(n, seed, d=3):
    return np.random.default_rng(seed).standard_normal((n, d))


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


@pytest.mark.parametrize("block", [3, 512])
@given(
    n=st.integers(1, 40), seed=st.integers(0, 10_000), threshold=st.sampled_from([0.0, 0.5, 0.9, 1.1]), data=st.data()
)
@settings(max_examples=30, deadline=None)
def test_best_rows_are_taken_unless_one_like_them_was(block, n, seed, threshold, data):
    x, budget = rows(n, seed), data.draw(st.integers(1, n))
    scores = np.random.default_rng(seed).integers(0, 5, n)
    taken = []
    for row in sorted(range(n), key=lambda i: (-scores[i], i)):
        if len(taken) < budget and all(cosine(x[row], x[j]) < threshold for j in taken):
            taken.append(row)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threshold_diversity, "BLOCK", block)
        found = threshold_diversity_select(x, scores, budget, threshold=threshold)
    assert found.indices.tolist() == taken
    assert found.shortfall == budget - len(taken)
    assert found.similarities[0] == -np.inf
    for place in range(1, len(taken)):
        largest = max(cosine(x[taken[place]], x[j]) for j in taken[:place])
        assert found.similarities[place] == pytest.approx(largest, abs=1e-5)


def test_the_threshold_filter_keeps_quotas():
    x, scores = np.eye(6), np.array([6.0, 5, 4, 3, 2, 1])
    found = threshold_diversity_select(x, scores, 3, groups=list("aaabbb"), quotas={"a": 1, "b": 2})
    assert found.indices.tolist() == [0, 3, 4]


def plain_removed(x, order, threshold):
    """A row goes if it is too like any before it in its cluster, whether that stays or not."""
    return {row for place, row in enumerate(order) if any(cosine(x[row], x[j]) > threshold for j in order[:place])}


@pytest.mark.parametrize("block", [2, 1024])
@given(
    n=st.integers(1, 30),
    seed=st.integers(0, 10_000),
    k=st.integers(1, 4),
    by=st.sampled_from(["hard", "easy", "scores"]),
    threshold=st.sampled_from([0.3, 0.95]),
)
@settings(max_examples=30, deadline=None)
def test_rows_like_one_before_them_in_their_cluster_go(block, n, seed, k, by, threshold):
    x, rng = rows(n, seed), np.random.default_rng(seed)
    clusters, scores = rng.integers(0, k, n) * 7, rng.random(n)
    removed = set()
    for cluster in set(clusters.tolist()):
        members = np.flatnonzero(clusters == cluster)
        mean = np.mean([x[i] / np.linalg.norm(x[i]) for i in members], axis=0)
        keys = {
            "hard": lambda i, mean=mean: (round(cosine(x[i], mean), 6), i),
            "easy": lambda i, mean=mean: (-round(cosine(x[i], mean), 6), i),
            "scores": lambda i: -scores[i],
        }
        removed |= plain_removed(x, sorted(members.tolist(), key=keys[by]), threshold)
    options = {"scores": scores} if by == "scores" else {"keep": by}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deduplicating, "BLOCK", block)
        found = semantic_deduplicate(x, clusters=clusters, threshold=threshold, **options)
    assert set(range(n)) - set(found.indices.tolist()) == removed
    assert found.share_removed == pytest.approx(len(removed) / n)
    for row in removed:
        other = found.duplicate_of[row]
        assert clusters[other] == clusters[row]
        assert found.similarities[row] == pytest.approx(cosine(x[row], x[other]), abs=1e-9)


def test_planted_copies_go_and_nothing_else():
    x = rows(60, 0, d=32)
    copies = x[:20] * 3 + 1e-3 * rows(20, 1, d=32)
    found = semantic_deduplicate(np.vstack([x, copies]), scores=-np.arange(80.0))
    assert found.indices.tolist() == list(range(60))
    assert found.duplicate_of[60:].tolist() == list(range(20))


def test_rows_in_different_clusters_are_never_compared():
    x = np.ones((4, 2))
    assert semantic_deduplicate(x, clusters=np.arange(4)).indices.tolist() == [0, 1, 2, 3]
    assert semantic_deduplicate(x).share_removed == 0.75


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: threshold_diversity_select(np.eye(2), np.array([1, np.nan]), 1),
            "scores must be finite, got nan in row 1",
        ),
        (
            lambda: threshold_diversity_select(np.eye(2), np.ones(3), 1),
            "scores must be a number for each of the 2 rows",
        ),
        (lambda: threshold_diversity_select(np.zeros((2, 2)), np.array([1, 2]), 1), "got a zero vector in row 1"),
        (lambda: threshold_diversity_select(np.eye(2), np.ones(2), 3), "budget must be at most the 2 rows"),
        (lambda: threshold_diversity_select(np.eye(2), np.ones(2), 1, threshold=-1.0), "threshold must be above -1"),
        (lambda: semantic_deduplicate(np.array([[1, 0], [0, 0]])), "must not be zero, got a zero vector in row 1"),
        (lambda: semantic_deduplicate(np.array([[1, np.nan]])), "embeddings must be finite, .* in row 0"),
        (lambda: semantic_deduplicate(np.eye(2), clusters=np.zeros(3, dtype=int)), "clusters must be a label for each"),
        (lambda: semantic_deduplicate(np.eye(2), threshold=2.0), "threshold must be above -1 and at most 1"),
        (lambda: semantic_deduplicate(np.eye(2), keep="best"), "keep must be one of hard, easy, got 'best'"),
        (lambda: semantic_deduplicate(np.eye(2), scores=np.array([np.inf, 1])), "scores must be finite"),
    ],
)
def test_errors_say_what_is_wrong_and_where(unchecked, call, message):
    with pytest.raises(ValueError, match=message):
        call()
