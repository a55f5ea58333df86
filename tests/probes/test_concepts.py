"""CALIGN and COLAP: counted by hand on small sets, exact chances, and planted concepts that are found or kept apart."""

from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import concept_clusters
from probes.concept_clusters import Concepts, find_concepts
from probes.concepts import concept_alignment, concept_overlap
from probes.judging import draw_resamples

METHODS = pytest.mark.parametrize("method", ["ward", "k_means"])


def same(n_types: int) -> np.ndarray:
    """The dictionary in which each type is its own translation."""
    return np.stack([np.arange(n_types)] * 2, axis=1)


def drawn(rng: np.random.Generator, n: int, n_types: int, n_clusters: int) -> Concepts:
    clusters = np.concatenate([np.arange(n_clusters), rng.integers(0, n_clusters, n - n_clusters)])
    return Concepts(clusters, rng.integers(0, n_types, n), n_clusters, "by hand")


def in_clusters(*members: list[int]) -> Concepts:
    """Clusters by the types they hold."""
    clusters = np.concatenate([np.full(len(types), number) for number, types in enumerate(members)])
    return Concepts(clusters, np.concatenate(members).astype(int), len(members), "by hand")


def planted(n_themes: int = 8, per_theme: int = 6, repeats: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Words in themes: 6 types to a theme, 3 words to a type, themes far apart."""
    rng = np.random.default_rng(seed)
    themes = 20 * np.random.default_rng(99).standard_normal((n_themes, 12))
    types = np.repeat(np.arange(n_themes * per_theme), repeats)
    return themes[types // per_theme] + rng.standard_normal((types.size, 12)), types


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 9999),
    theta=st.sampled_from([0.0, 0.25, 0.5, 2 / 3, 0.8]),
    ratio=st.sampled_from([0.0, 0.5, 0.6, 1.0]),
    least=st.integers(1, 3),
)
def test_alignment_is_what_counting_sets_gives(seed, theta, ratio, least):
    rng = np.random.default_rng(seed)
    source, target = drawn(rng, 30, 12, 5), drawn(rng, 24, 10, 6)
    pairs = rng.integers(0, 12, (14, 2))
    meanings = {a: {int(y) for x, y in pairs if x == a} for a in range(12)}
    counted = []
    for cluster in range(5):
        types = set(source.types[source.clusters == cluster].tolist())
        if len(types) < least:
            continue
        others = [set(target.types[target.clusters == other].tolist()) for other in range(6)]
        counted.append(
            any(
                sum(bool(meanings[a] & other) for a in types) / len(types) > theta
                and min(len(types), len(other)) >= ratio * max(len(types), len(other))
                for other in others
            )
        )
    result = concept_alignment(source, target, pairs, theta=theta, size_ratio=ratio, min_types=least)
    assert result.aligned.tolist() == counted
    assert result.score == pytest.approx(np.mean(counted) if counted else np.nan, nan_ok=True)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 9999), method=st.sampled_from(["ward", "k_means"]))
def test_equal_vectors_and_their_own_dictionary_score_one(seed, method):
    rng = np.random.default_rng(seed)
    x, types = rng.standard_normal((40, 3)), rng.integers(0, 15, 40)
    found = find_concepts(x, types, n_clusters=5, method=method)
    assert concept_alignment(found, found, same(15)).score == 1


def test_rotation_offset_scale_order_and_labels_change_nothing():
    x, types = planted()
    y, _ = planted(seed=1)
    y[:50] = 60 * np.random.default_rng(3).standard_normal((50, 12))
    rng = np.random.default_rng(0)
    rotation, order = np.linalg.qr(rng.standard_normal((12, 12)))[0], rng.permutation(types.size)
    labels = rng.permutation(1000)[: types.max() + 1]
    usual = concept_alignment(find_concepts(x, types), find_concepts(y, types), same(48), theta=0.5)
    moved = find_concepts(1e4 + 7 * (x @ rotation)[order], labels[types[order]])
    pairs = np.stack([labels, np.arange(48)], axis=1)
    assert 0 < usual.score < 1
    assert concept_alignment(moved, find_concepts(y, types), pairs, theta=0.5).score == usual.score


@METHODS
def test_planted_concepts_are_found_and_aligned_far_above_a_shuffled_dictionary(method):
    x, types = planted()
    y, _ = planted(seed=1)
    source = find_concepts(x, types, n_clusters=8, method=method)
    for theme in range(8):
        assert np.unique(source.clusters[types // 6 == theme]).size == 1
    target = find_concepts(-y, types, n_clusters=8, method=method)
    result = concept_alignment(source, target, same(48))
    null = result.null(n_permutations=200)
    assert (result.score, result.n_translated, result.judged.size) == (1, 48, 8)
    assert (null.mean, null.p_value) == (0, 1 / 201)
    wrong = concept_alignment(source, target, np.stack([np.arange(48), (np.arange(48) + 3) % 48], axis=1))
    assert wrong.score == 0


def test_theta_must_be_exceeded_and_sizes_must_be_within_the_ratio():
    source, target = in_clusters([0, 1, 2, 3, 4]), in_clusters([0, 1, 2, 3, 10], [4, *range(11, 20)])
    assert concept_alignment(source, target, same(20), theta=0.8).score == 0
    assert concept_alignment(source, target, same(20), theta=0.79).score == 1
    small, large = in_clusters([0, 1, 2]), in_clusters([0, 1, 2, 3, 4])
    assert concept_alignment(small, large, same(5), size_ratio=0.6).score == 1
    assert concept_alignment(small, in_clusters(list(range(6))), same(6), size_ratio=0.6).score == 0
    assert concept_alignment(in_clusters(list(range(6))), small, same(6), theta=0.4, size_ratio=0.6).score == 0
    assert concept_alignment(small, in_clusters(list(range(6))), same(6), size_ratio=0.0).score == 1


def test_a_type_with_several_translations_counts_once():
    source, target = in_clusters([0, 1], [2, 3]), in_clusters([10, 11], [12, 13])
    pairs = np.array([[0, 10], [0, 11], [2, 12], [2, 13], [3, 11], [3, 13], [3, 99]])
    assert concept_alignment(source, target, pairs).aligned.tolist() == [False, True]


def test_clusters_of_one_type_are_aligned_whatever_the_dictionary_says():
    alone = in_clusters(*([number] for number in range(6)))
    result = concept_alignment(alone, alone, same(6), min_types=1)
    assert (result.score, result.chance, result.null(n_permutations=50).sd) == (1, 1, 0)
    judged = concept_alignment(alone, alone, same(6))
    assert judged.judged.size == 0
    assert np.isnan([judged.score, judged.chance, judged.null(n_permutations=5).p_value, judged.interval().low]).all()


def test_the_null_is_the_mean_over_every_dictionary():
    source, target = in_clusters([0, 1], [2, 3, 4]), in_clusters([0, 1, 2], [3, 4], [5])
    scores = [
        concept_alignment(source, target, np.stack([np.arange(5), order], axis=1), theta=0.6).score
        for order in permutations(range(5))
    ]
    result = concept_alignment(source, target, same(5), theta=0.6)
    null = result.null(n_permutations=4000)
    assert null.mean == pytest.approx(np.mean(scores), abs=0.02)
    assert null.sd == pytest.approx(np.std(scores), abs=0.02)
    assert result.chance == pytest.approx(np.mean(scores), abs=0.06)
    assert result.null(n_permutations=20) == result.null(n_permutations=20)


@pytest.mark.parametrize("seed", range(4))
def test_independent_vectors_align_as_a_shuffled_dictionary_does(seed):
    rng = np.random.default_rng(seed)
    types = np.arange(60)
    source, target = (find_concepts(rng.standard_normal((60, 4)), types, n_clusters=12) for _ in range(2))
    result = concept_alignment(source, target, same(60), theta=0.2, size_ratio=0.3)
    null = result.null(n_permutations=300)
    assert 0.1 < null.mean < 0.9
    assert abs(result.score - null.mean) < 3 * null.sd
    assert result.chance == pytest.approx(null.mean, abs=0.03)


def test_the_interval_is_that_of_a_share():
    source, target = in_clusters([0, 1], [2, 3], [4, 5], [6, 7]), in_clusters([0, 1], [2, 3], [4, 6], [5, 7])
    result = concept_alignment(source, target, same(8))
    interval = result.interval(n_resamples=500, seed=3)
    by_hand = draw_resamples(4, 500, seed=3) @ np.array([1, 1, 0, 0]) / 4
    assert (interval.low, interval.high) == pytest.approx(np.quantile(by_hand, [0.025, 0.975]))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 9999), theta=st.sampled_from([0.0, 0.2, 0.3, 0.4]))
def test_overlap_is_what_counting_words_gives_and_does_not_depend_on_which_is_first(seed, theta):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((25, 3)), rng.standard_normal((35, 3)) + 0.5
    result = concept_overlap(x, y, theta=theta, n_clusters=7)
    labels = ["x"] * 25 + ["y"] * 35
    by_hand = []
    for cluster in range(7):
        inside = [label for label, c in zip(labels, result.clusters, strict=True) if c == cluster]
        by_hand.append(all(inside.count(label) / len(inside) > theta for label in "xy"))
    assert result.overlapping.tolist() == by_hand
    assert result.score == np.mean(by_hand)
    turned = concept_overlap(y, x, theta=theta, n_clusters=7)
    assert (turned.score, turned.chance) == pytest.approx((result.score, result.chance))


def test_the_chance_of_overlap_is_the_mean_over_every_way_to_deal_the_labels():
    rng = np.random.default_rng(0)
    result = concept_overlap(rng.standard_normal((4, 2)), rng.standard_normal((6, 2)), n_clusters=3)
    scores = []
    for chosen in combinations(range(10), 4):
        shares = [np.isin(np.flatnonzero(result.clusters == c), chosen).mean() for c in range(3)]
        scores.append(np.mean([0.3 < share < 0.7 for share in shares]))
    assert result.chance == pytest.approx(np.mean(scores), abs=1e-12)
    null = result.null(n_permutations=4000)
    assert (null.mean, null.sd) == pytest.approx((np.mean(scores), np.std(scores)), abs=0.02)


@METHODS
def test_languages_that_lie_apart_do_not_overlap_and_mixed_ones_do_as_chance_says(method):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 300, 8))
    apart = concept_overlap(x, y + 40, method=method)
    assert apart.score == 0
    assert apart.chance > 0.85
    mixed = concept_overlap(x, y, method=method)
    null = mixed.null(n_permutations=300)
    assert mixed.chance == pytest.approx(null.mean, abs=0.01)
    assert abs(mixed.score - mixed.chance) < 3 * null.sd
    assert mixed.score > 0.8
    assert mixed.interval().low < mixed.score < mixed.interval().high


def test_a_rare_language_cannot_overlap_and_chance_says_so():
    x, y = np.random.default_rng(0).standard_normal((2, 400, 5))
    rare = concept_overlap(x[:20], y)
    assert rare.chance < 0.01
    assert rare.score <= 0.05


def test_many_words_are_clustered_by_k_means(monkeypatch):
    x, types = planted()
    assert find_concepts(x, types).method == "ward"
    monkeypatch.setattr(concept_clusters, "LARGEST_WARD", 100)
    many = find_concepts(x, types, n_clusters=8)
    assert (many.method, many.n_clusters) == ("k_means", 8)
    assert concept_overlap(x, x + 0.1).method == "k_means"


def test_types_and_words_set_how_many_clusters_there_are():
    x, types = planted()
    assert find_concepts(x, types).n_clusters == 48 // 2
    assert find_concepts(x[:4], types[:4]).n_clusters == 2
    assert concept_overlap(x, x + 1).size.size == 2 * 144 // 20


def test_torch_agrees_with_numpy_and_nothing_is_changed():
    x, types = planted()
    before = x.copy()
    np.testing.assert_array_equal(find_concepts(torch.tensor(x), types).clusters, find_concepts(x, types).clusters)
    assert concept_overlap(torch.tensor(x), torch.tensor(x + 1)).score == concept_overlap(x, x + 1).score
    np.testing.assert_array_equal(x, before)


def test_a_mean_offset_of_100_in_float32_changes_nothing():
    x, types = planted()
    narrow = find_concepts((x + 100).astype(np.float32), types, n_clusters=8)
    np.testing.assert_array_equal(narrow.clusters, find_concepts(x, types, n_clusters=8).clusters)


@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_named():
    x, types = planted()
    found = find_concepts(x, types)
    with pytest.raises(ValueError, match=r"types must hold a label for each of the 144 rows of x, got shape \(3,\)"):
        find_concepts(x, types[:3])
    with pytest.raises(ValueError, match="n_clusters must be at most the 2 different rows, got 3; ask for fewer"):
        find_concepts(np.repeat(x[:2], 5, axis=0), types[:10], n_clusters=3)
    with pytest.raises(ValueError, match="method must be one of auto, ward, k_means, got 'dbscan'"):
        find_concepts(x, types, method="dbscan")
    with pytest.raises(ValueError, match="translations must pair at least one type of source with one of target"):
        concept_alignment(found, found, np.array([[0, 999]]))
    with pytest.raises(ValueError, match=r"theta must lie in \[0, 1\), got 1"):
        concept_alignment(found, found, same(48), theta=1)
    with pytest.raises(ValueError, match=r"size_ratio must lie in \[0, 1\], got 2"):
        concept_alignment(found, found, same(48), size_ratio=2)
    with pytest.raises(ValueError, match=r"theta must lie in \[0, 0.5\), got 0.5; two languages cannot both"):
        concept_overlap(x, x, theta=0.5)
    with pytest.raises(ValueError, match="y must have the 12 columns of x, got 11"):
        concept_overlap(x, x[:, 1:])
    with pytest.raises(ValueError, match="y must be finite"):
        concept_overlap(x, np.full((5, 12), np.nan))
