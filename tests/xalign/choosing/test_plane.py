"""Points that lie in a plane are found again, whatever frame they came in; stress says how far a picture misleads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.choosing.plane import lay_out, stress_of


def distances_of(places):
    return np.linalg.norm(places[:, None] - places[None], axis=2)


def draw_places(seed, m, d):
    return np.random.default_rng(seed).normal(size=(m, d))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.integers(3, 30))
def test_distances_of_a_plane_are_drawn_exactly(seed, m):
    distances = distances_of(draw_places(seed, m, 2))
    plane = lay_out(distances)
    assert plane.stress < 1e-4
    np.testing.assert_allclose(distances_of(plane.positions), distances, atol=1e-3)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 999))
def test_turning_and_mirroring_the_points_changes_no_picture(seed):
    places = draw_places(seed, 12, 2) * [3.0, 1.0]
    turn = np.array([[0.6, 0.8], [0.8, -0.6]])
    one, other = (lay_out(distances_of(points)).positions for points in (places, places @ turn + 5))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_scaling_improves_on_the_classical_layout():
    from xalign.choosing.plane import _classical

    distances = distances_of(draw_places(0, 40, 10))
    plane = lay_out(distances)
    assert 0 < plane.stress < stress_of(_classical(distances), distances)
    np.testing.assert_allclose(plane.positions.mean(axis=0), 0, atol=1e-9)
    assert plane.positions[:, 0].std() >= plane.positions[:, 1].std()


@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_pool_of_one_two_or_equal_languages_is_drawn_too(m):
    assert lay_out(np.zeros((m, m))).stress == 0
    apart = np.ones((m, m)) - np.eye(m)
    assert lay_out(apart).stress < 1e-3
