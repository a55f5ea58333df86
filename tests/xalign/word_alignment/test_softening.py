"""Softmax and entmax against torch and the entmax package, their defining equations, and awesome-align's rule."""

import numpy as np
import pytest
import torch
from entmax import entmax15
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.errors import SettingError
from xalign.word_alignment.extraction import extract
from xalign.word_alignment.softening import entmax, softmax

PEERS = {"softmax": torch.softmax, "entmax": entmax15}
OWN = {"softmax": softmax, "entmax": entmax}
BOTH = pytest.mark.parametrize("method", PEERS)


def inner_products(n_pairs: int, seed: int, scale: float = 4.0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [scale * rng.standard_normal(rng.integers(1, 12, 2)) for _ in range(n_pairs)]


@BOTH
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 9999), scale=st.sampled_from([0.01, 1.0, 30.0, 1e4]), axis=st.integers(0, 2))
def test_probabilities_are_those_of_the_peer(method, seed, scale, axis):
    rng = np.random.default_rng(seed)
    scores = scale * rng.standard_normal((*rng.integers(1, 9, 3),))
    scores[rng.random(scores.shape) < 0.3] = scale
    expected = PEERS[method](torch.from_numpy(scores), dim=axis).numpy()
    np.testing.assert_allclose(OWN[method](scores, axis), expected, atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 9999), scale=st.sampled_from([0.01, 1.0, 30.0]))
def test_entmax_solves_its_defining_equation(seed, scale):
    """p = [s / 2 - tau]+^2 with sum 1: 2 sqrt(p) - s is one number where p > 0, and no larger elsewhere."""
    scores = scale * np.random.default_rng(seed).standard_normal((5, 9))
    p = entmax(scores, 1)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    for row, s in zip(p, scores, strict=True):
        multipliers = 2 * np.sqrt(row[row > 0]) - s[row > 0]
        np.testing.assert_allclose(multipliers, multipliers[0], atol=1e-7 * max(1, scale))
        assert (-s[row == 0] >= multipliers[0] - 1e-9).all()


@BOTH
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9999), threshold=st.sampled_from([0.0, 1e-3, 0.2]))
def test_links_are_what_both_directions_find_likely(method, seed, threshold):
    matrices = inner_products(12, seed)
    for matrix, links in zip(matrices, extract(method, matrices, threshold=threshold), strict=True):
        scores = torch.from_numpy(matrix)
        forward, backward = (PEERS[method](scores, dim=axis).numpy() for axis in (1, 0))
        expected = np.argwhere((forward > threshold) & (backward > threshold))
        assert links.pairs.tolist() == expected.tolist()
        i, j = expected.T
        harmonic = 2 / (1 / forward[i, j] + 1 / backward[i, j])
        np.testing.assert_allclose(links.confidence, harmonic, atol=1e-7)


def test_a_word_far_below_the_likeliest_has_no_mass_at_all():
    """Rounding must not give it any: at threshold 0 it would be a link."""
    scores = np.array([[0.0, 30.0], [9.4, 31.7], [0.3, 27.1], [5.5, 36.9]])
    for column in range(2):
        far = scores.max(axis=0)[column] - scores[:, column] >= 2
        assert (entmax(scores, 0)[far, column] == 0).all()
    rng = np.random.default_rng(0)
    for _ in range(300):
        s = 4 * rng.standard_normal((rng.integers(2, 12), 9))
        assert (entmax(s, 0)[s.max(axis=0) - s >= 2] == 0).all()


@BOTH
def test_a_higher_threshold_only_takes_links_away(method):
    matrices = inner_products(20, 1)
    found = [extract(method, matrices, threshold=threshold) for threshold in (0.0, 0.01, 0.3)]
    for three in zip(*found, strict=True):
        low, middle, high = (set(map(tuple, links.pairs.tolist())) for links in three)
        assert high <= middle <= low


@BOTH
def test_temperature_divides_the_scores_and_their_level_does_not_matter(method):
    matrices = inner_products(20, 2)
    cold = extract(method, matrices, temperature=0.1)
    for same in (
        extract(method, [10 * m for m in matrices]),
        extract(method, [m - 70 for m in matrices], temperature=0.1),
    ):
        for one, other in zip(cold, same, strict=True):
            np.testing.assert_array_equal(one.pairs, other.pairs)
            np.testing.assert_allclose(one.confidence, other.confidence, atol=1e-6)


def test_entmax_links_are_among_those_of_softmax_where_scores_are_apart():
    matrices = inner_products(30, 3)
    sparse, dense = (extract(method, matrices, threshold=0.0) for method in ("entmax", "softmax"))
    counts = [sum(len(links.pairs) for links in found) for found in (sparse, dense)]
    assert counts[0] < 0.5 * counts[1]
    assert counts[1] == sum(matrix.size for matrix in matrices)


@BOTH
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.0}, r"threshold must lie in \[0, 1\), got 1.0"),
        ({"threshold": -0.1}, r"threshold must lie in \[0, 1\), got -0.1"),
        ({"temperature": 0.0}, "temperature must be above 0 and finite, got 0.0"),
        ({"temperature": float("nan")}, "temperature must be above 0 and finite, got nan"),
    ],
)
def test_unfit_options_are_refused(method, options, message):
    with pytest.raises(SettingError, match=message):
        extract(method, [np.eye(2)], **options)
