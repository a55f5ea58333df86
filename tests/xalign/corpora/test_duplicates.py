import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xalign.corpora import count_duplicates, duplicate_labels
from xalign.errors import CorpusError

rows = st.lists(st.tuples(*[st.sampled_from("abcdefg")] * 3), max_size=9)


def reachable(texts):
    """Whether one row leads to another by steps between rows that are equal in some column."""
    reached = np.array([[any(x == y for x, y in zip(a, b, strict=True)) for b in texts] for a in texts], dtype=int)
    return np.linalg.matrix_power(reached, len(texts)) > 0


@given(rows)
def test_rows_share_a_label_exactly_when_equal_texts_lead_from_one_to_the_other(texts):
    labels = duplicate_labels(*([row[i] for row in texts] for i in range(3)))
    same = labels[:, None] == labels
    assert np.array_equal(same, reachable(texts) if texts else np.zeros((0, 0), dtype=bool))


@given(rows)
def test_labels_are_numbered_by_first_occurrence(texts):
    labels = list(duplicate_labels([row[0] for row in texts], [row[1] for row in texts]))
    assert list(dict.fromkeys(labels)) == list(range(len(set(labels))))


def test_equal_texts_of_different_columns_join_nothing():
    assert duplicate_labels(["a", "b", "c"], ["b", "c", "a"]).tolist() == [0, 1, 2]


def test_two_columns_join_what_neither_joins_alone():
    assert duplicate_labels(["a", "a", "b", "c"], ["x", "y", "y", "z"]).tolist() == [0, 0, 0, 1]


@given(st.lists(st.sampled_from("abcdefg")))
def test_duplicates_are_the_rows_that_share_their_label(texts):
    labels = duplicate_labels(texts)
    assert count_duplicates(texts) == sum(np.sum(labels == label) > 1 for label in labels)


@pytest.mark.parametrize("texts", [[], [["a"], ["a", "b"]]])
def test_columns_must_be_of_one_length(texts):
    with pytest.raises(CorpusError, match="one or more columns of equal length, got lengths"):
        duplicate_labels(*texts)
