"""Facility location: gains kept up to date against a greedy that works everything out anew, and against every set."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from selection.data.covering import facility_location, facility_location_select

CLOSE = 1e-5
"""Of similarities in float32 that are summed over tens of rows."""


def rows(n, seed, d=4):
    return np.random.default_rng(seed).standard_normal((n, d))


def plain_similarities(x):
    return np.array([[(1 + a @ b / np.sqrt((a @ a) * (b @ b))) / 2 for b in x] for a in x])


def value(similarities, chosen):
    return sum(max((row[j] for j in chosen), default=0.0) for row in np.maximum(similarities, 0))


def assert_greedy(found, similarities, *, allowed=lambda row, before: True):
    """Every choice adds as much as any other row would."""
    for place, row in enumerate(found.indices.tolist()):
        before = found.indices[:place].tolist()
        start = value(similarities, before)
        others = [j for j in range(similarities.shape[1]) if j not in before and allowed(j, before)]
        best = max(value(similarities, [*before, j]) for j in others) - start
        assert found.gains[place] == pytest.approx(value(similarities, [*before, row]) - start, abs=CLOSE)
        assert found.gains[place] >= best - CLOSE
    assert len(set(found.indices.tolist())) == len(found.indices)


@pytest.mark.parametrize("capacity", [1, 40, 1 << 20])
@given(n=st.integers(2, 16), seed=st.integers(0, 10_000), data=st.data())
@settings(max_examples=20, deadline=None)
def test_every_choice_is_the_best_that_a_plain_greedy_finds(capacity, n, seed, data):
    """However few pairs are kept: none, some, or all."""
    x, budget = rows(n, seed), data.draw(st.integers(1, n))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facility_location, "CAPACITY", capacity)
        found = facility_location_select(x, budget, metric="cosine")
    assert_greedy(found, plain_similarities(x))


@given(n=st.integers(2, 9), seed=st.integers(0, 10_000), data=st.data())
@settings(max_examples=40, deadline=None)
def test_greedy_reaches_its_share_of_the_best_set(n, seed, data):
    table = np.random.default_rng(seed).random((n, n))
    budget = data.draw(st.integers(1, n))
    best = max(value(table, s) for s in combinations(range(n), budget))
    assert facility_location_select(table, budget).gains.sum() >= (1 - 1 / np.e) * best - 1e-12


@given(n=st.integers(2, 20), seed=st.integers(0, 10_000), is_sparse=st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_table_may_be_sparse_lopsided_and_negative(n, seed, is_sparse):
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((n, n)) * (rng.random((n, n)) < 0.6)
    found = facility_location_select(sparse.csr_array(table) if is_sparse else table, n)
    assert_greedy(found, table)


def test_embeddings_and_their_table_give_the_same_choice():
    x = rows(300, 1, d=16)
    by_vectors = facility_location_select(x, 40)
    by_table = facility_location_select(plain_similarities(x), 40)
    assert by_vectors.indices.tolist() == by_table.indices.tolist()
    np.testing.assert_allclose(by_vectors.gains, by_table.gains, atol=CLOSE)
    assert by_vectors.coverage == pytest.approx(value(plain_similarities(x), by_table.indices) / 300)


def test_gains_never_increase():
    assert np.all(np.diff(facility_location_select(rows(400, 2, d=8).astype(np.float32), 100).gains) <= CLOSE)


def test_lengths_of_vectors_do_not_matter():
    x = rows(50, 3)
    scaled = x * np.random.default_rng(0).uniform(0.1, 9, (50, 1))
    np.testing.assert_array_equal(facility_location_select(x, 9).indices, facility_location_select(scaled, 9).indices)


def test_one_row_of_each_cluster_is_chosen_before_any_second():
    rng = np.random.default_rng(0)
    clusters = rng.integers(0, 6, 120)
    x = np.eye(6)[clusters] + 0.01 * rng.standard_normal((120, 6))
    assert sorted(clusters[facility_location_select(x, 6).indices]) == list(range(6))


def test_ties_go_to_the_smaller_row():
    table = np.kron(np.eye(3), np.ones((2, 2)))
    assert facility_location_select(table, 6).indices.tolist() == [0, 2, 4, 1, 3, 5]


def test_covering_drawn_rows_covers_the_pool_almost_as_well():
    x = rows(2000, 4, d=8)
    similarities = plain_similarities(x[:600])
    everyone, drawn = (facility_location_select(x[:600], 30, n_covered=m) for m in (None, 200))
    assert drawn.n_covered == 200
    assert value(similarities, drawn.indices) > 0.99 * value(similarities, everyone.indices)
    whole = facility_location_select(x[:600], 30, n_covered=600)
    np.testing.assert_array_equal(whole.indices, everyone.indices)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_quotas_are_met_by_the_best_rows_of_groups_that_still_give(seed):
    x, groups, quotas = rows(20, seed), np.arange(20) % 3, {0: 4, 1: 1, 2: 2}
    found = facility_location_select(x, 7, groups=groups, quotas=quotas)
    assert np.bincount(groups[found.indices]).tolist() == [4, 1, 2]
    assert_greedy(
        found,
        plain_similarities(x),
        allowed=lambda row, before: np.sum(groups[before] == groups[row]) < quotas[groups[row]],
    )


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (np.vstack([np.eye(2), np.zeros(2)]), {}, "must not be zero, got a zero vector in row 2"),
        (
            np.array([[1, np.nan], [1, 1], [0, 1]]),
            {},
            "must be finite, got NaN or infinity in 1 of 3 rows, first in row 0",
        ),
        (np.full((3, 3), np.inf), {}, "must be finite"),
        (np.ones((3, 2)), {"metric": "precomputed"}, r"must be square where it is precomputed, got shape \(3, 2\)"),
        (np.ones((3, 2)), {"metric": "l2"}, "metric must be one of auto, cosine, precomputed"),
        (np.ones((3, 2)), {"n_covered": 4}, "n_covered must be at most the 3 rows, got 4"),
        (np.ones((1, 2)), {}, "budget must be at most the 1 rows of the pool, got 2"),
        (np.ones((3, 2)), {"quotas": "equal"}, "quotas must come with groups"),
    ],
)
def test_errors_say_what_is_wrong_and_where(unchecked, given, options, message):
    with pytest.raises(ValueError, match=message):
        facility_location_select(given, 2, **options)
