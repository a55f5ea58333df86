"""Diversity of a set: published samples, brute force per feature and pair, and what must not matter."""

from itertools import combinations
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selection.diversity import DiversityPool, set_diversity


def pool_of(seed: int, m: int = 9, f: int = 7, n_values: int = 3, missing: float = 0.3) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = generator.integers(0, n_values, (m, f)).astype(float)
    values[generator.random((m, f)) < missing] = np.nan
    return values


def entropy_of(values: list) -> float:
    shares = [values.count(value) / len(values) for value in set(values)]
    return -sum(share * log(share) for share in shares)


def brute_force(features: np.ndarray, chosen: list[int]) -> dict[str, float]:
    """The definitions, one feature and one pair at a time."""
    with_missing, without, inclusion, overlap = [], [], [], []
    for column in features.T:
        shown = ["?" if np.isnan(value) else value for value in column[chosen]]
        known = [value for value in shown if value != "?"]
        with_missing.append(entropy_of(shown))
        without.append(entropy_of(known) if known else 0.0)
        pool = set(column[~np.isnan(column)])
        inclusion.append(len(set(known)) / max(len(pool), 2))
        agree = [a == b for a, b in combinations(known, 2)]
        if agree:
            overlap.append(np.mean(agree))
    return {
        "entropy": np.mean(without),
        "entropy_with_missing": np.mean(with_missing),
        "feature_value_inclusion": np.mean(inclusion),
        "feature_value_overlap": np.mean(overlap) if overlap else np.nan,
        "known": (~np.isnan(features[chosen])).mean(),
    }


def distance_between(a: np.ndarray, b: np.ndarray) -> float:
    both = ~np.isnan(a) & ~np.isnan(b)
    return np.sqrt(((a - b)[both] ** 2).sum() * a.size / both.sum()) if both.any() else np.nan


def test_published_samples_give_their_published_entropy_inclusion_and_distance(real_data):
    data = np.load(real_data / "references" / "typdiv_samples.npz", allow_pickle=False)
    features = np.where(data["features"] < 0, np.nan, data["features"].astype(float))
    pool = DiversityPool(features)
    for rows, (with_missing, without, inclusion, distance) in zip(data["samples"], data["published"], strict=True):
        found = pool.judge(rows[rows >= 0])
        assert found.entropy_with_missing / log(2) == pytest.approx(with_missing, abs=1e-9)
        assert found.entropy / log(2) == pytest.approx(without, abs=1e-9)
        assert found.feature_value_inclusion == pytest.approx(inclusion, abs=1e-9)
        assert found.mean_pairwise_distance == pytest.approx(distance, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(2, 4), st.floats(0, 0.8))
def test_shown_values_agree_with_brute_force(seed, k, n_values, missing):
    features = pool_of(seed, n_values=n_values, missing=missing)
    chosen = list(np.random.default_rng(seed).choice(len(features), k, replace=False))
    found = set_diversity(features, chosen, kind="features")
    for name, expected in brute_force(features, chosen).items():
        assert getattr(found, name) == pytest.approx(expected, nan_ok=True), name


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_distance_and_coverage_agree_with_brute_force(seed, k):
    features = pool_of(seed, missing=0.5)
    every = np.array([[distance_between(a, b) for b in features] for a in features])
    np.fill_diagonal(every, 0)
    chosen = list(np.random.default_rng(seed).choice(len(features), k, replace=False))
    pairs = [every[i, j] for i, j in combinations(chosen, 2) if not np.isnan(every[i, j])]
    near = [
        max([1 - every[i, j] / np.nanmax(every) for j in chosen if not np.isnan(every[i, j])] or [0]) for i in range(9)
    ]
    found = set_diversity(features, chosen, kind="features")
    assert found.n_pairs == len(pairs)
    expected = np.mean(pairs) / np.nanmax(every) if pairs else np.nan
    assert found.mean_pairwise_distance == pytest.approx(expected, nan_ok=True)
    assert found.coverage == pytest.approx(np.mean(near))


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_order_of_languages_features_and_names_of_values_do_not_matter(seed):
    features = pool_of(seed, n_values=2)
    generator = np.random.default_rng(seed)
    rows, columns = generator.permutation(9), generator.permutation(7)
    chosen = generator.choice(9, 4, replace=False)
    swapped = 1 - features[rows][:, columns]
    found = set_diversity(swapped, np.argsort(rows)[chosen][::-1], kind="features")
    expected = set_diversity(features, chosen, kind="features")
    for name in vars(expected):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), nan_ok=True), name


def test_the_whole_pool_shows_every_value_and_covers_itself():
    found = set_diversity(pool_of(0), range(9), kind="features")
    assert found.feature_value_inclusion == 1
    assert found.coverage == 1


def test_copies_of_one_language_have_no_diversity():
    features = np.vstack([np.tile(np.arange(5.0) % 2, (4, 1)), 1 - np.arange(5.0) % 2])
    found = set_diversity(features, [0, 1, 2, 3], kind="features")
    assert (found.mean_pairwise_distance, found.entropy, found.feature_value_overlap) == (0, 0, 1)
    assert set_diversity(features, [0, 4], kind="features").mean_pairwise_distance == 1


def test_missing_values_raise_only_the_entropy_that_counts_them():
    features = np.array([[0.0, 1.0], [0.0, np.nan], [1.0, np.nan]])
    found = set_diversity(features, [0, 1], kind="features")
    assert found.entropy == 0
    assert found.entropy_with_missing == pytest.approx(log(2) / 2)
    assert found.known == 0.75


def test_overlap_averages_whole_features_not_running_prefixes():
    features = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    prefixes = np.mean([1, 1 / 2, 2 / 3])
    found = set_diversity(features, [0, 1], kind="features").feature_value_overlap
    assert found == pytest.approx(2 / 3)
    assert found != pytest.approx(prefixes)


def test_a_distance_matrix_keeps_its_unit_and_tells_nothing_of_features():
    distances = np.array([[0.0, 10, 20], [10, 0, 40], [20, 40, 0]])
    found = set_diversity(distances, [0, 2])
    assert found.mean_pairwise_distance == 20
    assert found.coverage == pytest.approx((1 + 0.75 + 1) / 3)
    assert np.isnan(found.entropy)
    assert np.isnan(found.feature_value_overlap)


def test_a_set_of_one_has_no_pairs():
    found = set_diversity(pool_of(1), [3], kind="features")
    assert found.n_pairs == 0
    assert np.isnan(found.mean_pairwise_distance)
    assert np.isnan(found.feature_value_overlap)
    assert found.entropy == 0


@pytest.mark.parametrize(
    ("array", "chosen", "kind", "message"),
    [
        (np.zeros((3, 2)), [0, 3], "auto", "from 0 to 2, got 0 to 3"),
        (np.zeros((3, 2)), [-1], "auto", "from 0 to 2, got -1"),
        (np.zeros((3, 2)), [1, 1], "auto", "index 1 again"),
        (np.zeros((3, 2)), [], "auto", "at least one"),
        (np.zeros((3, 2)), [0.5], "auto", "indices"),
        (np.zeros((3, 2)), [0], "distances", "kind='features'"),
        (np.array([[0.0, -1], [-1, 0]]), [0], "distances", "negative"),
        (np.array([[0.0, np.inf], [1, 0]]), [0], "auto", "infinity in row 0"),
        (np.zeros((3, 2)), [0], "other", "'other'"),
        (np.zeros((0, 2)), [0], "auto", "shape"),
    ],
)
def test_bad_input_is_named(array, chosen, kind, message, unchecked):
    with pytest.raises(ValueError, match=message):
        set_diversity(array, chosen, kind=kind)
