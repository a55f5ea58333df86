"""Distances over shared features: brute force per pair, laws of a metric, missing values, errors by name."""

from itertools import combinations
from math import acos, asin, cos, pi, radians, sin, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.errors import SettingError
from xalign.typology import FeatureTable, MissingFeaturesError, typology_distances
from xalign.typology.metrics import METRICS, great_circle

FEATURE_METRICS = ("angular", "cosine", "hamming", "jaccard")


def table_of(values, kind: str = "uriel.syntax") -> FeatureTable:
    values = np.asarray(values, dtype=float)
    languages = tuple(f"{chr(97 + i) * 3}_Latn" for i in range(len(values)))
    return FeatureTable(languages, tuple(f"f{i}" for i in range(values.shape[1])), values, kind, "a test", "none")


def random_values(seed: int, m: int = 6, f: int = 12, missing: float = 0.3) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 2, (m, f)).astype(float)
    values[generator.random((m, f)) < missing] = np.nan
    values[:, :2] = generator.integers(0, 2, (m, 2))
    return values


def one_by_one(metric: str, a: np.ndarray, b: np.ndarray) -> float:
    """The definition for two languages."""
    shared = [(x, y) for x, y in zip(a, b, strict=True) if not np.isnan(x) and not np.isnan(y)]
    if metric == "hamming":
        return sum(x != y for x, y in shared) / len(shared)
    both = sum(x * y for x, y in shared)
    own = sum(x for x, _ in shared), sum(y for _, y in shared)
    if metric == "jaccard":
        either = own[0] + own[1] - both
        return 1 - both / either if either else 0.0
    if own == (0, 0):
        return 0.0
    cosine = min(both / sqrt(own[0] * own[1]), 1.0) if all(own) else 0.0
    return 1 - cosine if metric == "cosine" else 2 * acos(cosine) / pi


@pytest.mark.parametrize("metric", FEATURE_METRICS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.floats(0, 0.7))
def test_every_pair_agrees_with_the_definition(metric, seed, missing):
    values = random_values(seed, missing=missing)
    found = typology_distances(table_of(values), metric=metric, minimum_shared=1, minimum_coverage=0.0)
    for i, j in combinations(range(6), 2):
        assert found.values[i, j] == pytest.approx(one_by_one(metric, values[i], values[j]), abs=1e-7)
        assert found.shared[i, j] == (~np.isnan(values[i]) & ~np.isnan(values[j])).sum()


@pytest.mark.parametrize("metric", FEATURE_METRICS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_distances_are_symmetric_in_range_and_zero_to_oneself(metric, seed):
    found = typology_distances(table_of(random_values(seed)), metric=metric, minimum_shared=1).values
    np.testing.assert_array_equal(found, found.T)
    assert not np.diag(found).any()
    assert 0 <= found.min() <= found.max() <= 1


@pytest.mark.parametrize("metric", ["hamming", "jaccard", "angular"])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_without_gaps_no_detour_is_shorter(metric, seed):
    values = random_values(seed, missing=0)
    values[:, 0] = 1  # an angle needs a direction
    found = typology_distances(table_of(values), metric=metric).values
    for i, j, k in np.ndindex(6, 6, 6):
        assert found[i, j] <= found[i, k] + found[k, j] + 1e-7


@pytest.mark.parametrize("metric", FEATURE_METRICS)
def test_a_missing_value_takes_its_feature_out_for_that_pair_only(metric):
    values = random_values(3, missing=0)
    holed = values.copy()
    holed[0, 5] = np.nan
    whole = typology_distances(table_of(values), metric=metric)
    found = typology_distances(table_of(holed), metric=metric)
    without = typology_distances(table_of(np.delete(values, 5, axis=1)), metric=metric)
    np.testing.assert_allclose(found.values[0], without.values[0])
    np.testing.assert_allclose(found.values[1:, 1:], whole.values[1:, 1:])
    assert found.coverage[0] == pytest.approx(11 / 12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=2, max_size=5))
def test_great_circles_agree_with_the_haversine_formula(places):
    found = great_circle(np.array(places))
    for (i, (lat1, lon1)), (j, (lat2, lon2)) in combinations(enumerate(places), 2):
        haversine = (
            sin(radians(lat2 - lat1) / 2) ** 2
            + cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ** 2
        )
        assert found[i, j] == pytest.approx(2 * asin(min(sqrt(haversine), 1)) / pi, abs=1e-6)


def test_the_poles_and_antipodes_are_as_far_apart_as_can_be():
    found = typology_distances(table_of([[90, 0], [-90, 77], [0, 10], [0, -170]], "uriel.geographic")).values
    np.testing.assert_allclose(found[[0, 2, 0], [1, 3, 2]], [1, 1, 0.5])


def test_languages_below_the_floor_of_coverage_are_named():
    values = random_values(0, missing=0)
    values[2, 1:] = np.nan
    with pytest.raises(MissingFeaturesError, match=r"ccc_Latn \(8%\)") as caught:
        typology_distances(table_of(values))
    assert caught.value.languages == ("ccc_Latn",)


def test_the_fewest_languages_without_which_all_share_enough_are_named():
    values = random_values(0, missing=0)
    values[2, 6:] = np.nan
    with pytest.raises(MissingFeaturesError, match=r"at least 10 uriel\.syntax features, got 6") as caught:
        typology_distances(table_of(values))
    assert caught.value.languages == ("ccc_Latn",)
    assert typology_distances(table_of(values), minimum_shared=6).shared.min() == 6


def test_two_languages_without_a_shared_feature_have_no_distance_whatever_the_floor():
    with pytest.raises(MissingFeaturesError, match="share at least 1"):
        typology_distances(table_of([[1, np.nan], [np.nan, 1]]), minimum_shared=0)


@pytest.mark.parametrize(
    ("kind", "metric", "message"),
    [
        ("uriel.syntax", "great_circle", "suit uriel.syntax"),
        ("uriel.geographic", "cosine", "great_circle is for"),
        ("uriel.syntax", "angula", "did you mean 'angular'"),
    ],
)
def test_a_metric_that_does_not_suit_is_refused(kind, metric, message):
    with pytest.raises(SettingError, match=message):
        typology_distances(table_of(np.ones((2, 2)), kind), metric=metric)


def test_every_metric_is_at_home_with_one_language():
    for metric in METRICS:
        kind = "uriel.geographic" if metric == "great_circle" else "uriel.syntax"
        assert typology_distances(table_of(np.ones((1, 2)), kind), metric=metric).values.tolist() == [[0.0]]
