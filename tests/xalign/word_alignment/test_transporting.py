"""Transport plans against POT's solvers for one problem, and OTAlign's steps from cosines to links written out."""

import warnings

import numpy as np
import ot
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from xalign.errors import SettingError
from xalign.word_alignment.extraction import METHODS, extract
from xalign.word_alignment.transport_plans import UnconvergedTransportWarning, scaling_plan

KINDS = ("ot", "partial_ot", "unbalanced_ot")
EVERY = pytest.mark.parametrize("method", KINDS)


def cosines(m: int, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((m, 8))
    y = x[rng.permutation(max(m, n))[:n] % m] + 0.8 * rng.standard_normal((n, 8))
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
    return a @ b.T


def drawn(n_pairs: int, seed: int, longest: int = 12) -> list[np.ndarray]:
    sizes = np.random.default_rng(seed).integers(2, longest, (n_pairs, 2)).tolist()
    return [cosines(m, n, seed + k) for k, (m, n) in enumerate(sizes)]


def scaled(values: np.ndarray) -> np.ndarray:
    return (values - values.min()) / (values.max() - values.min())


def by_pot(method: str, matrix: np.ndarray, a: np.ndarray, b: np.ndarray, epsilon: float, weight: float) -> np.ndarray:
    """The plan of one pair, each step of OTAlign's code with POT's own solver."""
    cost = 1 - scaled((matrix + 1) / 2)
    if method == "ot":
        a, b = a / a.sum(), b / b.sum()
        if not epsilon:
            return scaled(ot.emd(a, b, cost))
        return scaled(ot.sinkhorn(a, b, cost, epsilon, stopThr=1e-10, numItermax=3000, warn=False))
    if method == "partial_ot":
        moved = weight * min(a.sum(), b.sum())
        if not epsilon:
            return scaled(ot.partial.partial_wasserstein(a, b, cost, m=moved))
        solve = ot.partial.entropic_partial_wasserstein
        return scaled(solve(a, b, cost, epsilon, m=moved, stopThr=1e-10, numItermax=3000))
    solve = ot.unbalanced.sinkhorn_unbalanced
    return scaled(solve(a, b, cost, epsilon, weight, c=np.ones_like(cost), stopThr=1e-10, numItermax=3000))


WEIGHT = {"ot": None, "partial_ot": "fraction", "unbalanced_ot": "tau"}


@EVERY
@pytest.mark.parametrize("epsilon", [0.05, 0.1, 1.0])
@pytest.mark.parametrize("weighed", [False, True])
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 9999), weight=st.sampled_from([0.2, 0.8, 0.95]))
def test_entropic_plans_are_those_of_pot_pair_by_pair(method, epsilon, weighed, seed, weight):
    matrices = drawn(4, seed)
    rng = np.random.default_rng(seed)
    masses = [tuple(rng.uniform(0.5, 2, n) for n in matrix.shape) for matrix in matrices]
    options = {} if WEIGHT[method] is None else {WEIGHT[method]: weight}
    try:
        found = extract(method, matrices, epsilon=epsilon, threshold=0.0, masses=masses if weighed else None, **options)
    except UnconvergedTransportWarning:  # a rare draw, of which a user is told
        reject()
    for matrix, (a, b), links in zip(matrices, masses, found, strict=True):
        mean = (a.sum() + b.sum()) / (a.size + b.size)
        sides = (a / mean, b / mean) if weighed else (np.ones(a.size), np.ones(b.size))
        plan = np.zeros(matrix.shape)
        plan[tuple(links.pairs.T)] = links.confidence
        np.testing.assert_allclose(plan, by_pot(method, matrix, *sides, epsilon, weight), atol=3e-3)


@pytest.mark.parametrize("method", ["ot", "partial_ot"])
def test_exact_plans_are_those_of_pot(method):
    matrices = drawn(20, 3)
    options = {"fraction": 0.7} if method == "partial_ot" else {}
    for matrix, links in zip(matrices, extract(method, matrices, epsilon=0.0, threshold=0.1, **options), strict=True):
        plan = by_pot(method, matrix, *(np.ones(n) for n in matrix.shape), 0.0, 0.7)
        assert links.pairs.tolist() == np.argwhere(plan > 0.1).tolist()
        np.testing.assert_allclose(links.confidence, plan[plan > 0.1])


def test_exact_transport_of_equally_many_words_is_the_best_matching():
    matrices = [cosines(n, n, n) for n in range(2, 12)]
    exact, matched = extract("ot", matrices, epsilon=0.0), extract("mwmf", matrices)
    assert [links.pairs.tolist() for links in exact] == [links.pairs.tolist() for links in matched]


def kernels(seed: int, m: int = 7, n: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.exp(-rng.random((3, m, n)) / 0.1), rng.uniform(0.5, 2, (3, m)), rng.uniform(0.5, 2, (3, n))


def test_balanced_plans_move_all_mass_and_partial_ones_the_fraction_they_are_told():
    kernel, a, b = kernels(0)
    a, b = a / a.sum(axis=1, keepdims=True), b / b.sum(axis=1, keepdims=True)
    plan = scaling_plan(kernel, a, b, np.divide)
    np.testing.assert_allclose(plan.sum(axis=2), a, rtol=1e-5)
    np.testing.assert_allclose(plan.sum(axis=1), b, rtol=1e-5)
    for fraction in (0.1, 0.5, 0.99):
        moved = np.full(3, fraction)
        part = scaling_plan(kernel, a, b, lambda mass, sums: np.minimum(mass / sums, 1.0), moved=moved)
        np.testing.assert_allclose(part.sum(axis=(1, 2)), moved, rtol=1e-9)
        assert (part.sum(axis=2) <= a * (1 + 1e-5)).all()
        assert (part.sum(axis=1) <= b * (1 + 1e-5)).all()


def test_unbalanced_transport_becomes_balanced_as_its_price_rises():
    matrices = [cosines(n, n, n) for n in range(2, 12)]
    balanced = extract("ot", matrices, threshold=0.2)
    for one, other in zip(balanced, extract("unbalanced_ot", matrices, tau=1e5, threshold=0.2), strict=True):
        assert one.pairs.tolist() == other.pairs.tolist()
        np.testing.assert_allclose(one.confidence, other.confidence, atol=1e-3)


def test_moving_less_mass_leaves_more_words_without_links():
    matrices = drawn(60, 5)
    unlinked = [
        sum(links.unaligned_source.size for links in extract("partial_ot", matrices, fraction=fraction, epsilon=0.0))
        for fraction in (0.3, 0.6, 0.95)
    ]
    assert unlinked[0] > unlinked[1] > unlinked[2]


@EVERY
def test_a_word_that_nothing_translates_is_left_without_links(method):
    matrix = np.full((4, 4), -0.2)
    matrix[[0, 1, 2], [0, 1, 2]] = 0.9
    matrix[3] = matrix[:, 3] = -0.9
    options = {"fraction": 0.7} if method == "partial_ot" else {"tau": 0.05} if method == "unbalanced_ot" else {}
    links = METHODS[method](matrix, **options)
    expected = [[0, 0], [1, 1], [2, 2]]
    # Balanced transport must move the last words' mass too: to each other, as all else is taken.
    assert links.pairs.tolist() == (expected if method != "ot" else [*expected, [3, 3]])
    assert links.unaligned_source.tolist() == links.unaligned_target.tolist() == ([3] if method != "ot" else [])


@EVERY
def test_only_ratios_of_masses_matter_and_equal_ones_are_none(method):
    matrices = drawn(12, 6)
    masses = [tuple(np.random.default_rng(n).uniform(1, 2, n) for n in matrix.shape) for matrix in matrices]
    once = extract(method, matrices, masses=masses)
    thrice = extract(method, matrices, masses=[(3 * a, 3 * b) for a, b in masses])
    none = extract(method, matrices)
    equal = extract(method, matrices, masses=[(np.full_like(a, 7), np.full_like(b, 7)) for a, b in masses])
    for first, second in ((once, thrice), (none, equal)):
        for one, other in zip(first, second, strict=True):
            assert one.pairs.tolist() == other.pairs.tolist()
            np.testing.assert_allclose(one.confidence, other.confidence, atol=1e-5)


@EVERY
def test_where_all_words_are_equally_alike_all_are_linked(method):
    found = extract(method, [np.full((1, 1), -0.3), np.full((2, 3), 0.4)])
    assert [len(links.pairs) for links in found] == [1, 6]
    assert all((links.confidence == 1).all() for links in found)


def test_a_plan_that_does_not_settle_is_said():
    rng = np.random.default_rng(0)
    matrix = rng.uniform(-1, 1, (30, 30))
    with pytest.warns(UnconvergedTransportWarning, match="not settled after 1000 iterations; raise epsilon"):
        extract("partial_ot", [matrix], epsilon=0.005, fraction=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extract("partial_ot", [matrix], epsilon=0.1, fraction=1.0)


@EVERY
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": 0.001}, "epsilon must be at least 0.005.*, got 0.001"),
        ({"epsilon": float("nan")}, "epsilon must be at least 0.005"),
        ({"threshold": 1.0}, r"threshold must lie in \[0, 1\)"),
        ({"distortion": -1.0}, r"distortion must lie in \[0, 1\]"),
        ({"masses": []}, "masses must have the 1 pairs of similarities, got 0"),
        ({"masses": [(np.ones(2), np.ones(2))]}, r"masses\[0\] must hold one number above 0 .* \(2,\) for 3 words"),
        ({"masses": [(np.ones(2), np.array([1.0, 0, 1]))]}, r"masses\[0\] must hold one number above 0"),
    ],
)
def test_unfit_options_are_refused(unchecked, method, options, message):
    with pytest.raises(SettingError, match=message):
        extract(method, [np.eye(2, 3)], **options)


def test_options_of_one_kind_are_refused_out_of_range():
    with pytest.raises(SettingError, match=r"fraction must lie in \(0, 1\], got 1.2"):
        extract("partial_ot", [np.eye(2)], fraction=1.2)
    with pytest.raises(SettingError, match="tau must be above 0 and finite"):
        extract("unbalanced_ot", [np.eye(2)], tau=0.0)
    with pytest.raises(SettingError, match=r"epsilon must be at least 0\.005, got 0\.0"):
        extract("unbalanced_ot", [np.eye(2)], epsilon=0.0)
