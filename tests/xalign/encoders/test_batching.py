"""Batches hold every sentence once and stay inside the budget."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xalign.encoders.batching import pad_right, plan_batches

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=80)


@given(LENGTHS, st.integers(1, 200))
def test_every_sentence_is_in_one_batch_and_no_batch_breaks_the_budget(lengths, budget):
    batches = plan_batches(lengths, batch_tokens=budget)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) == 1 or len(rows) * max(lengths[row] for row in rows) <= budget


@given(LENGTHS, st.integers(60, 200))
def test_batches_are_cut_only_where_the_next_sentence_would_not_fit(lengths, budget):
    batches = plan_batches(lengths, batch_tokens=budget)
    for rows in batches[:-1]:
        assert (len(rows) + 1) * lengths[rows[0]] > budget


@given(LENGTHS)
def test_sorting_by_length_pads_no_more_than_any_other_order_of_the_same_batches(lengths):
    rows_per_batch = 4
    order = np.concatenate(plan_batches(lengths, batch_tokens=10**9))
    shuffled = np.random.default_rng(0).permutation(len(lengths))

    def padded(rows):
        cuts = [rows[start : start + rows_per_batch] for start in range(0, len(rows), rows_per_batch)]
        return sum(len(cut) * max(lengths[row] for row in cut) for cut in cuts)

    assert padded(order) <= padded(shuffled) + rows_per_batch * max(lengths)


def test_padding_stands_on_the_right_and_the_mask_comes_from_lengths():
    ids, mask = pad_right([[5, 7], [7, 5, 5]], pad_id=7)
    np.testing.assert_array_equal(ids, [[5, 7, 7], [7, 5, 5]])
    np.testing.assert_array_equal(mask, [[1, 1, 0], [1, 1, 1]])


def test_a_budget_below_one_is_refused():
    with pytest.raises(ValueError, match="batch_tokens must be 1 or more, got 0"):
        plan_batches([3], batch_tokens=0)
