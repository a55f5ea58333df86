"""Matching and iterating against the simalign package, link by link; what every method keeps to."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from simalign.simalign import SentenceAligner

from xalign.errors import UnknownNameError
from xalign.word_alignment.extraction import METHODS, extract
from xalign.word_alignment.links import Links

EVERY = pytest.mark.parametrize("method", METHODS)
COSINE = [name for name in METHODS if METHODS[name].similarity == "cosine"]


def cosines(m: int, n: int, seed: int, kind: type = np.float64) -> np.ndarray:
    """Cosines of words that translate each other, noisily and not one to one."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((m, 8))
    y = x[rng.permutation(max(m, n))[:n] % m] + 0.8 * rng.standard_normal((n, 8))
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
    return (a @ b.T).astype(kind)


def drawn(n_pairs: int, seed: int, longest: int = 14, kind: type = np.float64) -> list[np.ndarray]:
    sizes = np.random.default_rng(seed).integers(1, longest, (n_pairs, 2)).tolist()
    return [cosines(m, n, seed + k, kind) for k, (m, n) in enumerate(sizes)]


def pairs(links: Links) -> set[tuple[int, int]]:
    return set(map(tuple, links.pairs.tolist()))


def by_simalign(method: str, matrix: np.ndarray, distortion: float = 0.0) -> set[tuple[int, int]]:
    similarity = SentenceAligner.apply_distortion((matrix + 1.0) / 2.0, distortion)
    if method == "argmax":
        forward, backward = SentenceAligner.get_alignment_matrix(similarity)
        links = forward * backward
    elif method == "itermax":
        links = SentenceAligner.iter_max(similarity)
    else:
        links = SentenceAligner.get_max_weight_match(similarity)
    return set(map(tuple, np.argwhere(links > 0).tolist()))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("method", ["argmax", "itermax", "mwmf"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9999), distortion=st.sampled_from([0.0, 0.1, 0.5]))
def test_links_are_those_of_the_simalign_package(method, kind, seed, distortion):
    matrices = drawn(12, seed, kind=kind)
    for matrix, links in zip(matrices, extract(method, matrices, distortion=distortion), strict=True):
        assert pairs(links) == by_simalign(method, matrix, distortion)


@pytest.mark.parametrize("method", ["argmax", "itermax"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9999))
def test_ties_fall_as_in_the_simalign_package(method, seed):
    rng = np.random.default_rng(seed)
    matrices = [rng.integers(-2, 3, rng.integers(1, 9, 2)) / 2 for _ in range(20)]
    for matrix, links in zip(matrices, extract(method, matrices), strict=True):
        assert pairs(links) == by_simalign(method, matrix)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9999))
def test_matchings_of_tied_words_are_as_heavy_as_those_of_the_simalign_package(seed):
    rng = np.random.default_rng(seed)
    matrices = [rng.integers(-1, 3, rng.integers(1, 7, 2)) / 2 for _ in range(10)]
    for matrix, links in zip(matrices, extract("mwmf", matrices), strict=True):
        expected = by_simalign("mwmf", matrix)
        assert len(pairs(links)) == len(expected) == min(matrix.shape)
        assert sum(matrix[link] for link in pairs(links)) == pytest.approx(sum(matrix[link] for link in expected))


@pytest.mark.parametrize("iterations", [1, 2, 3, 5])
def test_further_iterations_are_those_of_the_simalign_package(iterations):
    for matrix in drawn(40, 5):
        expected = SentenceAligner.iter_max((matrix + 1) / 2, max_count=iterations)
        found = METHODS["itermax"](matrix, iterations=iterations)
        assert pairs(found) == set(map(tuple, np.argwhere(expected > 0).tolist()))


def test_iterating_once_is_argmax_and_more_only_adds():
    matrices = drawn(40, 1)
    once, argmax, twice, often = (
        [pairs(links) for links in extract(*arguments, **options)]
        for arguments, options in (
            (("itermax", matrices), {"iterations": 1}),
            (("argmax", matrices), {}),
            (("itermax", matrices), {}),
            (("itermax", matrices), {"iterations": 9}),
        )
    )
    assert once == argmax
    assert all(a <= b <= c for a, b, c in zip(once, twice, often, strict=True))
    assert once != twice


@EVERY
def test_a_pair_is_aligned_the_same_alone_and_among_many(method):
    matrices = [matrix * (1 if method in COSINE else 9) for matrix in drawn(60, 7, longest=40)]
    for matrix, links in zip(matrices, extract(method, matrices), strict=True):
        alone = METHODS[method](matrix)
        np.testing.assert_array_equal(links.pairs, alone.pairs)
        np.testing.assert_allclose(links.confidence, alone.confidence, atol=2e-3)


@EVERY
def test_links_follow_the_words_when_they_change_places(method):
    rng = np.random.default_rng(0)
    for matrix in drawn(20, 11):
        matrix = matrix * (1 if method in COSINE else 9)
        rows, columns = rng.permutation(matrix.shape[0]), rng.permutation(matrix.shape[1])
        moved = METHODS[method](matrix[np.ix_(rows, columns)])
        assert {(rows[i], columns[j]) for i, j in pairs(moved)} == pairs(METHODS[method](matrix))


@EVERY
def test_swapping_the_sides_swaps_the_links(method):
    for matrix in drawn(20, 12):
        matrix = matrix * (1 if method in COSINE else 9)
        assert {(j, i) for i, j in pairs(METHODS[method](matrix.T))} == pairs(METHODS[method](matrix))


@EVERY
def test_words_that_are_alike_only_to_their_translation_are_linked_surely(method):
    rng = np.random.default_rng(3)
    matrices = [np.eye(n)[rng.permutation(n)] for n in range(2, 12)]
    scaled = matrices if method in COSINE else [40 * matrix for matrix in matrices]
    for matrix, links in zip(matrices, extract(method, scaled), strict=True):
        assert pairs(links) == set(map(tuple, np.argwhere(matrix).tolist()))
        np.testing.assert_allclose(links.confidence, 1, atol=1e-3)
        assert links.unaligned_source.size == links.unaligned_target.size == 0


@EVERY
def test_links_are_sorted_confidences_lie_in_0_1_and_words_without_links_are_named(method):
    for matrix in drawn(30, 13):
        links = METHODS[method](matrix)
        assert links.pairs.tolist() == sorted(pairs(links) and map(list, pairs(links)))
        assert ((links.confidence >= 0) & (links.confidence <= 1)).all()
        assert set(links.unaligned_source) == set(range(matrix.shape[0])) - {i for i, _ in pairs(links)}
        assert set(links.unaligned_target) == set(range(matrix.shape[1])) - {j for _, j in pairs(links)}


@pytest.mark.parametrize("method", ["argmax", "itermax", "mwmf"])
def test_confidence_is_half_of_one_plus_the_cosine(method):
    for matrix in drawn(10, 4):
        links = METHODS[method](matrix)
        np.testing.assert_allclose(links.confidence, [(1 + matrix[link]) / 2 for link in map(tuple, links.pairs)])


@EVERY
def test_sides_without_words_have_no_links_and_callers_matrices_stay(method):
    matrices = [np.zeros((0, 3)), np.full((2, 2), 0.5), np.zeros((3, 0)), np.zeros((0, 0))]
    matrices[1].setflags(write=False)
    found = extract(method, matrices)
    assert [len(links.pairs) == 0 for links in found] == [True, False, True, True]
    assert found[0].unaligned_target.tolist() == [0, 1, 2]
    assert extract(method, []) == []


@EVERY
def test_torch_matrices_in_half_precision_are_aligned_as_their_values(method):
    matrix = cosines(7, 9, 0).astype(np.float16)
    for given_as in (torch.from_numpy(matrix), torch.from_numpy(matrix).requires_grad_()):
        assert pairs(METHODS[method](given_as)) == pairs(METHODS[method](matrix.astype(np.float32)))


@EVERY
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_by_pair_and_words(method, value):
    matrices = drawn(5, 2)
    matrices[3] = np.zeros((4, 6))
    matrices[3][2, 5] = value
    with pytest.raises(ValueError, match=r"similarities\[3\] must hold .* between source word 2 and target word 5"):
        extract(method, matrices)


@pytest.mark.parametrize("method", COSINE)
def test_inner_products_are_refused_where_cosines_are_asked_for(method):
    with pytest.raises(ValueError, match=r"similarities\[1\] must hold cosines.*got 3.0.*divide inner products"):
        extract(method, [np.eye(2), 3 * np.eye(2)])


def test_unknown_names_and_unfit_options_are_refused():
    with pytest.raises(UnknownNameError, match=r"method must be one of argmax, .*, got 'inter'"):
        extract("inter", [])
    with pytest.raises(UnknownNameError, match="options of argmax are distortion, got alpha"):
        extract("argmax", [], alpha=0.9)
    for options, message in (
        ({"alpha": 0.0}, r"alpha must lie in \(0, 1\], got 0.0"),
        ({"iterations": 0}, "iterations must be at least 1"),
        ({"distortion": 1.5}, r"distortion must lie in \[0, 1\], got 1.5"),
    ):
        with pytest.raises(ValueError, match=message):
            extract("itermax", [], **options)


def test_a_matrix_with_one_axis_or_of_words_is_refused():
    with pytest.raises(ValueError, match=r"similarities\[0\] must have two axes"):
        extract("argmax", [np.zeros(3)])
    with pytest.raises(ValueError, match=r"similarities\[0\] must hold real numbers"):
        extract("argmax", [np.array([["a"]])])
