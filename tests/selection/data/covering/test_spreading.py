"""Round robin and k-centre against their definitions written out."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selection.data.covering import k_centre_select, round_robin, round_robin_select, unit_rows


def rows(n, seed, d=3):
    return np.random.default_rng(seed).standard_normal((n, d))


def cosines(x, y):
    return np.array([[a @ b / np.sqrt((a @ a) * (b @ b)) for b in y] for a in x])


def chords(x):
    return np.sqrt(np.maximum(2 - 2 * cosines(x, x), 0))


def plain_round_robin(pool, target, budget, may=lambda row, taken: True):
    similar, taken = cosines(target, pool), []
    for turn in range(budget):
        free = [j for j in range(len(pool)) if j not in taken and may(j, taken)]
        taken.append(max(free, key=lambda j: similar[turn % len(target), j]))
    return taken


@given(n=st.integers(1, 40), m=st.integers(1, 5), seed=st.integers(0, 10_000), data=st.data())
@settings(max_examples=40, deadline=None)
def test_each_target_in_turn_takes_its_nearest_row_that_is_left(n, m, seed, data):
    pool, target, budget = rows(n, seed), rows(m, seed + 1), data.draw(st.integers(1, n))
    found = round_robin_select(pool, target, budget)
    assert found.indices.tolist() == plain_round_robin(pool, target, budget)
    assert found.targets.tolist() == [turn % m for turn in range(budget)]
    np.testing.assert_allclose(found.similarities, cosines(target, pool)[found.targets, found.indices], atol=1e-12)


@pytest.mark.parametrize("elements", [1, 12, 60])
def test_a_pool_read_in_blocks_gives_the_same_choice(monkeypatch, elements):
    """Targets that all want the same rows, so that lists run out and are fetched deeper."""
    pool, target = np.repeat(rows(30, 0), 2, axis=0), rows(1, 5) + 0.01 * rows(6, 6)
    expected = round_robin_select(pool, target, 60)
    for module in (round_robin, unit_rows):
        monkeypatch.setattr(
            module, "row_chunks", lambda n, _: [slice(i, min(i + elements, n)) for i in range(0, n, elements)]
        )
    monkeypatch.setattr(round_robin, "DEPTH", 1)
    found = round_robin_select(pool, target, 60)
    assert found.indices.tolist() == expected.indices.tolist()
    ties = found.indices.reshape(-1)
    assert all(np.flatnonzero(ties == i)[0] < np.flatnonzero(ties == i + 1)[0] for i in range(0, 60, 2))


def test_the_pool_is_read_a_few_times_however_many_targets_want_the_few_rows_of_a_quota(monkeypatch):
    pool, target, groups = rows(3000, 3), rows(60, 4), np.arange(3000) % 100
    reads = []
    find = round_robin.nearest_rows
    monkeypatch.setattr(round_robin, "nearest_rows", lambda *some, **open_: reads.append(1) or find(*some, **open_))
    found = round_robin_select(pool, target, 30, groups=groups, quotas={7: 30})
    assert sorted(found.indices.tolist()) == list(range(7, 3000, 100))
    assert len(reads) <= 4


def test_round_robin_keeps_quotas():
    pool, target, groups, quotas = rows(30, 1), rows(4, 2), np.arange(30) % 2, {0: 2, 1: 9}
    found = round_robin_select(pool, target, 11, groups=groups, quotas=quotas)
    expected = plain_round_robin(
        pool, target, 11, lambda row, taken: np.sum(groups[taken] == groups[row]) < quotas[groups[row]]
    )
    assert found.indices.tolist() == expected


@given(n=st.integers(1, 25), seed=st.integers(0, 10_000), data=st.data())
@settings(max_examples=40, deadline=None)
def test_each_centre_is_the_row_farthest_from_those_before(n, seed, data):
    x = rows(n, seed)
    budget, first = data.draw(st.integers(1, n)), data.draw(st.integers(0, n - 1))
    found, apart = k_centre_select(x, budget, first=first), chords(x)
    assert found.indices[0] == first
    assert found.distances[0] == np.inf
    for place in range(1, budget):
        to_nearest = apart[:, found.indices[:place]].min(axis=1)
        assert found.distances[place] == pytest.approx(to_nearest[found.indices[place]], abs=1e-6)
        assert found.distances[place] >= to_nearest.max() - 1e-6
    assert found.radius == pytest.approx(apart[:, found.indices].min(axis=1).max(), abs=1e-6)
    assert len(set(found.indices.tolist())) == budget


@given(n=st.integers(2, 9), seed=st.integers(0, 10_000), data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_radius_is_at_most_twice_the_least(n, seed, data):
    x, budget = rows(n, seed), data.draw(st.integers(1, n - 1))
    least = min(chords(x)[:, list(s)].min(axis=1).max() for s in combinations(range(n), budget))
    assert k_centre_select(x, budget).radius <= 2 * least + 1e-6


def test_k_centre_begins_in_the_middle_and_keeps_quotas():
    x = np.array([[1.0, 0], [0.9, 0.1], [1, 0.3], [0, 1], [0.1, 1]])
    assert k_centre_select(x, 1).indices.tolist() == [2]
    found = k_centre_select(x, 3, groups=["a", "a", "a", "b", "b"], quotas={"a": 2, "b": 1})
    assert np.sum(found.indices < 3) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: round_robin_select(np.eye(2), np.ones((1, 3)), 1), "must have the 2 columns"),
        (
            lambda: round_robin_select(np.zeros((2, 2)), np.eye(2), 1),
            "pool must not be zero, got a zero vector in row 0",
        ),
        (lambda: round_robin_select(np.eye(2), np.zeros((1, 2)), 1), "target must not be zero"),
        (lambda: round_robin_select(np.full((2, 2), np.nan), np.eye(2), 1), "pool must be finite, .* in row 0"),
        (lambda: round_robin_select(np.eye(2), np.eye(2), 3), "budget must be at most the 2 rows"),
        (lambda: k_centre_select(np.zeros((2, 2)), 1), "embeddings must not be zero"),
        (lambda: k_centre_select(np.eye(2), 1, first=2), "first must be a row, 0 to 1, got 2"),
        (lambda: k_centre_select(np.eye(2), 3), "budget must be at most the 2 rows"),
        (lambda: k_centre_select(np.ones(3), 1), "embeddings must have two axes"),
    ],
)
def test_errors_say_what_is_wrong_and_where(unchecked, call, message):
    with pytest.raises(ValueError, match=message):
        call()
