"""Label graphs and tag tables: what is alike, what spreads, what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from selection.data.information import information_gain_select, similar_labels, tags_from_clusters, tags_from_names
from selection.data.information.labels import propagation_matrix


@given(seed=st.integers(0, 1000), k=st.integers(1, 12), threshold=st.sampled_from([0.1, 0.6, 0.95]))
@settings(max_examples=40, deadline=None)
def test_similar_labels_are_the_cosines_that_reach_the_threshold(seed, k, threshold):
    vectors = np.random.default_rng(seed).standard_normal((k, 3)) * 7
    expected = np.array([[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in vectors] for a in vectors])
    expected[expected < threshold] = 0
    np.fill_diagonal(expected, 1)
    np.testing.assert_allclose(similar_labels(vectors, threshold=threshold).toarray(), expected, atol=1e-12)


def test_every_label_receives_a_weighted_mean_of_those_like_it():
    w = np.array([[1, 0.95, 0], [0.95, 1, 0.92], [0, 0.92, 1]])
    p = propagation_matrix(3, w, threshold=0.9, propagation=0.5).toarray()
    np.testing.assert_allclose(p.sum(axis=0), 1)
    np.testing.assert_allclose(p[:, 0], np.array([1, 0.475, 0]) / 1.475)
    np.testing.assert_allclose(propagation_matrix(3, w, threshold=0.94, propagation=1.0).toarray()[2], [0, 0, 1])


def test_a_sparse_similarity_means_what_the_dense_one_means():
    rng = np.random.default_rng(0)
    w = similar_labels(rng.standard_normal((20, 3)), threshold=0.8)
    tags, quality = sparse.csr_array((rng.random((50, 20)) < 0.2).astype(int)), rng.random(50)
    one = information_gain_select(tags, quality, 20, similarity=w, threshold=0.8)
    other = information_gain_select(tags, quality, 20, similarity=w.toarray(), threshold=0.8)
    np.testing.assert_array_equal(one.indices, other.indices)


def test_names_become_columns_and_count_once_a_row():
    table = tags_from_names([["b", "a", "b"], [], ["c"]])
    assert table.labels == ("a", "b", "c")
    assert table.matrix.toarray().tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_a_tag_outside_the_list_is_refused_or_dropped_and_counted():
    with pytest.raises(ValueError, match="tags must be among the 1 labels, got 'z' in row 1"):
        tags_from_names([["a"], ["a", "z"]], labels=["a"])
    table = tags_from_names([["a"], ["a", "z", "z"]], labels=["a"], unknown="drop")
    assert table.matrix.toarray().tolist() == [[1], [1]]
    assert table.n_dropped == 1


def test_clusters_serve_as_tags():
    assert tags_from_clusters(np.array([1, 0, 1])).toarray().tolist() == [[0, 1], [1, 0], [0, 1]]
    several = tags_from_clusters(np.array([[2, 0], [1, 2]]), k=4)
    assert several.toarray().tolist() == [[1, 0, 1, 0], [0, 1, 1, 0]]


def test_one_row_of_each_cluster_comes_before_any_second():
    """Clusters that are unlike, rows of one quality: information asks for every cluster first."""
    clusters = np.random.default_rng(0).integers(0, 7, 60)
    found = information_gain_select(tags_from_clusters(clusters), np.ones(60), 14)
    assert sorted(clusters[found.indices[:7]]) == list(range(7))
    assert sorted(clusters[found.indices[7:]]) == list(range(7))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tags_from_clusters(np.array([0, 5]), k=3), "tags must be columns 0 to 2, got 5 in row 1"),
        (lambda: tags_from_clusters(np.array([0, -1])), "got -1 in row 1"),
        (lambda: tags_from_clusters(np.array([[1, 1]])), "tags must be 0 or 1, got 2 in row 0"),
        (lambda: tags_from_clusters(np.array([0.5])), "clusters must be whole numbers"),
        (lambda: tags_from_names(["abc"]), r"tags must hold a list for each row, got the text 'abc' in row 0"),
        (lambda: tags_from_names([["a"]], labels=["a", "a"]), "labels must all differ"),
        (lambda: tags_from_names([["a"]], unknown="keep"), "unknown must be one of error, drop"),
        (lambda: similar_labels(np.zeros((2, 3))), "vectors must not be zero, got zero for label 0 and 1 more"),
        (lambda: similar_labels(np.full((2, 3), np.nan)), "vectors must be finite"),
    ],
)
def test_errors_say_what_is_wrong_and_where(unchecked, call, message):
    with pytest.raises(ValueError, match=message):
        call()
