"""Information gain: the lazy choice against a dense greedy that looks at every row, and against every possible set."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from selection.data.information import information_gain_select

BOTH = pytest.mark.parametrize("gain", ["gradient", "exact"])
CLOSE = 1e-9
"""Rows whose gains differ by less are equal but for rounding: either may come first."""


class Dense:
    """MIG as its paper writes it, with full matrices and nothing remembered."""

    def __init__(self, problem):
        w = np.where(problem.similarity >= problem.threshold, problem.similarity, 0.0)
        np.fill_diagonal(w, 1.0)
        p = np.diag(np.diag(w)) + problem.propagation * (w - np.diag(np.diag(w)))
        e = problem.quality[:, None] * (problem.tags @ (p / p.sum(axis=0)))
        n_languages = max(problem.languages) + 1
        self.e = np.zeros((len(e), n_languages, e.shape[1]))
        self.e[np.arange(len(e)), problem.languages] = e
        self.phi, self.parameter = problem.phi, problem.parameter

    def value(self, z):
        return np.sum(z**self.parameter if self.phi == "power" else 1 - np.exp(-self.parameter * z))

    def slope(self, z):
        if self.phi == "power":
            return self.parameter * (z + 1e-6) ** (self.parameter - 1)
        return self.parameter * np.exp(-self.parameter * z)

    def keys(self, chosen, gain):
        """What each row is ranked by, given the chosen."""
        z = self.e[chosen].sum(axis=0)
        if gain == "gradient":
            return np.array([np.sum(row * self.slope(z)) for row in self.e])
        return np.array([self.value(z + row) - self.value(z) for row in self.e])

    def information(self, chosen):
        return self.value(self.e[list(chosen)].sum(axis=0))


@st.composite
def problems(draw, largest=12):
    n, k = draw(st.integers(1, largest)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    vectors = rng.standard_normal((k, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = vectors @ vectors.T
    phi = draw(st.sampled_from(["power", "exponential"]))
    return SimpleNamespace(
        n=n,
        tags=(rng.random((n, k)) < 0.5).astype(int),
        quality=rng.random(n) * (rng.random(n) < 0.9),
        similarity=(similarity + similarity.T) / 2,
        threshold=draw(st.sampled_from([0.2, 0.7, 1.0])),
        propagation=draw(st.sampled_from([0.0, 0.5, 1.0, 3.0])),
        phi=phi,
        parameter=draw(st.sampled_from([0.3, 0.8, 1.0])),
        languages=rng.integers(0, draw(st.integers(1, 3)), n),
        budget=draw(st.integers(1, n)),
    )


def choose(problem, gain, **options):
    parameter = {"exponent" if problem.phi == "power" else "rate": problem.parameter}
    return information_gain_select(
        sparse.csr_array(problem.tags),
        problem.quality,
        problem.budget,
        similarity=problem.similarity,
        threshold=problem.threshold,
        propagation=problem.propagation,
        phi=problem.phi,
        gain=gain,
        languages=problem.languages,
        **parameter,
        **options,
    )


@BOTH
@given(problem=problems())
@settings(max_examples=60, deadline=None)
def test_every_pick_is_the_best_that_a_dense_greedy_finds(gain, problem):
    dense, found = Dense(problem), choose(problem, gain)
    assert len(set(found.indices.tolist())) == problem.budget
    for place, row in enumerate(found.indices.tolist()):
        before = found.indices[:place]
        keys = dense.keys(before, gain)
        keys[before] = -np.inf
        assert keys[row] >= keys.max() - CLOSE * max(1, abs(keys.max()))
        added = dense.information([*before, row]) - dense.information(before)
        assert found.gains[place] == pytest.approx(added, abs=CLOSE)
    assert found.information == pytest.approx(dense.information(found.indices), abs=CLOSE)
    assert found.gains.sum() == pytest.approx(found.information, abs=CLOSE)


@given(problem=problems())
@settings(max_examples=60, deadline=None)
def test_exact_gains_never_increase(problem):
    """Diminishing returns, in the form with a function for each label and language too."""
    gains = choose(problem, "exact").gains
    assert np.all(np.diff(gains) <= CLOSE)


@given(problem=problems(largest=9), data=st.data())
@settings(max_examples=60, deadline=None)
def test_information_is_submodular_and_monotone(problem, data):
    """What a row adds to a set is at least what it adds to a larger set, measured by choosing within sets."""
    order = data.draw(st.permutations(range(problem.n)))
    small = data.draw(st.integers(0, problem.n - 1))
    large = data.draw(st.integers(small, problem.n - 1))
    added = [gain_on_top(problem, order[:size], order[-1]) for size in (small, large)]
    assert added[0] >= added[1] - CLOSE
    assert added[1] >= -CLOSE


def gain_on_top(problem, chosen, row):
    return information_of(problem, [*chosen, row]) - information_of(problem, chosen)


def information_of(problem, chosen):
    if not chosen:
        return 0.0
    part = SimpleNamespace(**vars(problem))
    part.tags, part.quality = problem.tags[chosen], problem.quality[chosen]
    part.languages, part.budget = problem.languages[chosen], len(chosen)
    return choose(part, "exact").information


@given(problem=problems(largest=8))
@settings(max_examples=40, deadline=None)
def test_exact_greedy_reaches_its_share_of_the_best_set(problem):
    best = max(Dense(problem).information(s) for s in combinations(range(problem.n), problem.budget))
    assert choose(problem, "exact").information >= (1 - 1 / np.e) * best - CLOSE


@BOTH
def test_ties_go_to_the_smaller_row(gain):
    tags = sparse.csr_array(np.eye(4, dtype=int)[[2, 0, 1, 2, 0, 3]])
    found = information_gain_select(tags, np.ones(6), 6, gain=gain)
    assert found.indices.tolist() == [0, 1, 2, 5, 3, 4]


@BOTH
def test_rows_without_tags_or_quality_come_last(gain):
    tags = sparse.csr_array(np.array([[0, 0], [1, 1], [0, 1], [1, 0]]))
    found = information_gain_select(tags, np.array([9.0, 0.0, 1.0, 2.0]), 4, gain=gain)
    assert found.indices.tolist() == [3, 2, 0, 1]
    assert found.gains[2:].tolist() == [0, 0]


@BOTH
def test_a_large_pool_is_chosen_as_the_dense_definition_chooses(gain):
    rng = np.random.default_rng(3)
    problem = SimpleNamespace(
        n=800,
        tags=(rng.random((800, 60)) < 0.08).astype(int),
        quality=rng.gamma(3, 1, 800),
        similarity=np.clip(np.eye(60) + np.kron(np.eye(20), np.full((3, 3), 0.95)), 0, 1),
        threshold=0.9,
        propagation=1.0,
        phi="power",
        parameter=0.8,
        languages=np.zeros(800, dtype=int),
        budget=60,
    )
    dense, expected = Dense(problem), []
    for _ in range(problem.budget):
        keys = dense.keys(expected, gain)
        keys[expected] = -np.inf
        expected.append(int(np.argmax(keys)))
    assert choose(problem, gain).indices.tolist() == expected


def test_spreading_wholly_between_equal_labels_makes_them_one():
    """With W of ones, a tag's information is divided over all labels, whichever tag it is."""
    rng = np.random.default_rng(0)
    tags, quality = np.eye(3, dtype=int)[rng.integers(0, 3, 10)], rng.random(10)
    found = information_gain_select(sparse.csr_array(tags), quality, 10, similarity=np.ones((3, 3)))
    assert found.indices.tolist() == np.argsort(-quality).tolist()
    np.testing.assert_allclose(found.totals, quality.sum() / 3)


def test_a_language_that_lacks_a_label_is_served_before_one_that_has_it():
    tags = sparse.csr_array(np.ones((4, 1), dtype=int))
    quality, languages = np.array([4.0, 3.9, 3.8, 1.0]), ["eng_Latn", "eng_Latn", "eng_Latn", "swh_Latn"]
    options = {"phi": "exponential", "gain": "exact"}
    together = information_gain_select(tags, quality, 2, **options)
    apart = information_gain_select(tags, quality, 2, languages=languages, **options)
    assert together.indices.tolist() == [0, 1]
    assert apart.indices.tolist() == [0, 3]
    assert apart.languages == ("eng_Latn", "swh_Latn")
    assert apart.totals.tolist() == [[4.0], [1.0]]


@BOTH
@given(problem=problems())
@settings(max_examples=30, deadline=None)
def test_quotas_are_met_by_the_best_rows_of_groups_that_still_give(gain, problem):
    groups = np.arange(problem.n) % 2
    problem.budget = 1 + (problem.n - 1) // 2
    quotas = {0: problem.budget - problem.budget // 3, 1: problem.budget // 3} if problem.n > 1 else {0: 1}
    found = choose(problem, gain, groups=groups, quotas=quotas)
    assert np.bincount(groups[found.indices], minlength=2).tolist() == [quotas[0], quotas.get(1, 0)]
    dense, left = Dense(problem), dict(quotas)
    for place, row in enumerate(found.indices.tolist()):
        keys = dense.keys(found.indices[:place], gain)
        keys[found.indices[:place]] = -np.inf
        keys[[not left.get(int(group)) for group in groups]] = -np.inf
        assert keys[row] >= keys.max() - CLOSE * max(1, abs(keys.max()))
        left[int(groups[row])] -= 1


def test_inputs_stay_as_they_are():
    tags = sparse.csr_array((np.array([1, 1, 0]), np.array([1, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    copies = tags.data.copy(), tags.indices.copy(), tags.indptr.copy()
    information_gain_select(tags, np.ones(2), 1)
    for now, before in zip((tags.data, tags.indices, tags.indptr), copies, strict=True):
        np.testing.assert_array_equal(now, before)


def valid(**changes):
    return {"tags": sparse.csr_array(np.eye(3, dtype=int)), "quality": np.ones(3), "budget": 2} | changes


def out_of_range(column):
    tags = sparse.csr_array(np.eye(3, dtype=int))
    tags.indices[1] = column
    return tags


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tags": out_of_range(7)}, "tags must be columns 0 to 2, got 7 in row 1 of 3"),
        ({"tags": out_of_range(-1)}, "tags must be columns 0 to 2, got -1 in row 1"),
        ({"tags": sparse.csr_array(np.diag([1, 2, 1]))}, "tags must be 0 or 1, got 2 in row 1, label 1"),
        ({"quality": np.array([1, np.nan, 1])}, "quality must be finite and at least 0, got nan in row 1"),
        ({"quality": np.array([1, 1, -0.5])}, "quality must be finite and at least 0, got -0.5 in row 2"),
        ({"quality": np.ones(4)}, "quality must be a number for each of the 3 rows of tags"),
        ({"budget": 4}, "budget must be at most the 3 rows of the pool, got 4"),
        ({"budget": 0}, "budget must be at least 1, got 0"),
        ({"similarity": np.eye(2)}, "similarity must be 3 x 3 for the 3 labels"),
        ({"similarity": np.triu(np.ones((3, 3)))}, "similarity must be symmetric, got 1 from label 0 to 1 and 0 back"),
        ({"similarity": np.full((3, 3), np.nan)}, "similarity must be finite"),
        ({"threshold": 0.0}, "threshold must be above 0 and at most 1, got 0.0"),
        ({"propagation": -1.0}, "propagation must be finite and at least 0"),
        ({"exponent": 1.5}, "exponent must be above 0 and at most 1"),
        ({"phi": "exponential", "rate": 0.0}, "rate must be finite and above 0"),
        ({"phi": "log"}, "phi must be one of power, exponential, got 'log'"),
        ({"gain": "lazy"}, "gain must be one of gradient, exact, got 'lazy'"),
        ({"languages": ["a"]}, "a label for each of the 3 rows, got 1"),
        ({"groups": ["a", "a", "b"]}, "groups must come with quotas"),
    ],
)
def test_errors_say_what_is_wrong_and_where(unchecked, changes, message):
    with pytest.raises(ValueError, match=message):
        information_gain_select(**valid(**changes))


def test_tags_that_are_no_sparse_matrix_are_refused():
    with pytest.raises(TypeError, match="tags must be a scipy CSR matrix, got ndarray"):
        information_gain_select(np.eye(3), np.ones(3), 1)
