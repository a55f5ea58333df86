"""What is planted and how it is counted, on cases worked out by hand."""

import numpy as np
import pytest

from benchmarks.data_selection.instructions import Response, ranked_above
from benchmarks.data_selection.tasks import neighbour_agreement
from benchmarks.data_selection.texts import plant

TEXTS = [f"one two three four five six seven eight nine ten {i}" for i in range(200)]
LABELS = ["a", "b", "c", "d"] * 50


def test_a_fifth_of_labels_is_wrong_and_no_other() -> None:
    planted = plant(TEXTS, LABELS)
    true = np.array(LABELS)[planted.origin]
    np.testing.assert_array_equal(planted.wrong, planted.labels != true)
    assert planted.wrong.sum() == 44  # a fifth of 200 rows and 20 copies


def test_each_copy_lacks_another_word_of_its_origin() -> None:
    planted = plant(TEXTS, LABELS)
    origins = planted.origin[len(TEXTS) :]
    assert len(planted.copies) == len(origins) == 20
    for place, (origin, copy) in enumerate(zip(origins, planted.copies, strict=True)):
        words = TEXTS[origin].split()
        assert copy.split() == [word for i, word in enumerate(words) if i != place % 10]


def test_rows_that_change_places_keep_what_was_planted_in_them() -> None:
    planted = plant(TEXTS, LABELS)
    order = np.random.default_rng(1).permutation(len(planted.labels))
    moved = planted.take(order)
    true = np.array(LABELS)[moved.origin]
    np.testing.assert_array_equal(moved.wrong, moved.labels != true)


def test_agreement_leaves_the_row_itself_out() -> None:
    """Two tight groups of 30; in one, a single row bears the other's label."""
    rng = np.random.default_rng(0)
    rows = np.repeat(np.eye(2), 30, axis=0) + 0.01 * rng.standard_normal((60, 2))
    labels = np.repeat(["x", "y"], 30)
    labels[7] = "y"
    found = neighbour_agreement(rows, labels, k=29)
    expected = np.where(np.arange(60) < 30, 28 / 29, 1.0)
    expected[7] = 0.0
    np.testing.assert_allclose(found, expected)


def test_pairs_with_equal_responses_are_not_ranked() -> None:
    rows = [
        *(Response("German", 0, revised, "q", text) for revised, text in ((False, "ab"), (True, "abc"))),
        *(Response("German", 1, revised, "q", text) for revised, text in ((False, "abcd"), (True, "abc"))),
        *(Response("German", 2, revised, "q", text) for revised, text in ((False, "ab"), (True, "cd"))),
        *(Response("German", 3, revised, "q", "same") for revised in (False, True)),
    ]
    found = ranked_above(rows, np.array([float(len(row.response)) for row in rows]))
    assert found == {"German": {"ranked_above": pytest.approx((1 + 0 + 0.5) / 3, abs=1e-4), "n": 3}}
