"""Rows that choose and rows that are scored never meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xalign.benchmarking.splitting import SplitWishes, halves, make_plan
from xalign.errors import CorpusError, SettingError, UnknownNameError

BEST = SplitWishes(choose=True, fit=False)
SPLITS = ["train"] * 6 + ["dev"] * 8 + ["test"] * 7


@given(labels=st.lists(st.integers(0, 9), min_size=2, max_size=40), seed=st.integers(0, 5))
def test_halves_share_no_row_and_no_label_and_leave_none_out(labels, seed):
    labels = np.array(labels)
    first, second = halves(labels, seed)
    assert sorted([*first, *second]) == list(range(labels.size))
    assert not set(labels[first]) & set(labels[second])


@given(n=st.integers(2, 60), seed=st.integers(0, 5))
def test_halves_of_distinct_rows_differ_in_size_by_one_at_most_and_depend_on_the_seed_alone(n, seed):
    first, second = halves(np.arange(n), seed)
    assert abs(first.size - second.size) <= 1
    np.testing.assert_array_equal(first, halves(np.arange(n), seed)[0])


def test_named_splits_choose_on_dev_and_report_test():
    plan = make_plan(SPLITS, np.arange(21), BEST, name="text")
    assert (plan.choosing.score.name, plan.choosing.score.n) == ("dev", 8)
    assert (plan.reporting.score.name, plan.reporting.score.n) == ("test", 7)
    assert set(plan.units) == {"dev", "test"}


def test_a_layer_by_number_needs_no_other_rows_and_takes_all_where_there_are_no_splits():
    plan = make_plan(None, np.arange(9), SplitWishes(choose=False, fit=False), name="text")
    assert plan.choosing is None
    assert (plan.reporting.score.name, plan.reporting.score.n, plan.reporting.score.rows) == ("all", 9, None)


@pytest.mark.parametrize("splits", [None, ["test"] * 20, ["left"] * 10 + ["right"] * 10])
def test_without_another_split_rows_are_halved(splits):
    plan = make_plan(splits, np.arange(20), BEST, name="text")
    chosen, scored = plan.choosing.score.rows, plan.reporting.score.rows
    assert sorted([*chosen, *scored]) == list(range(20))
    assert len(plan.units) == 1


@pytest.mark.parametrize("splits", [None, SPLITS])
def test_what_fits_a_transform_neither_chooses_nor_is_scored(splits):
    plan = make_plan(splits, np.arange(21), SplitWishes(choose=True, fit=True), name="text")
    parts = [plan.choosing.fit, plan.choosing.score, plan.reporting.score]
    own = [np.arange(part.n) if part.rows is None else part.rows for part in parts]
    rows = [{(part.unit, int(row)) for row in rows} for part, rows in zip(parts, own, strict=True)]
    assert len(set.union(*rows)) == sum(map(len, rows))
    assert plan.reporting.fit.n == plan.choosing.fit.n + plan.choosing.score.n


def test_splits_are_chosen_by_name():
    plan = make_plan(SPLITS, np.arange(21), SplitWishes(True, False, report="dev", select="train"), name="text")
    assert (plan.choosing.score.name, plan.reporting.score.name) == ("train", "dev")
    everything = make_plan(SPLITS, np.arange(21), SplitWishes(False, False, report="all"), name="text")
    assert everything.reporting.score.n == 21


@pytest.mark.parametrize(
    ("wishes", "error", "words"),
    [
        (SplitWishes(True, False, report="tset"), UnknownNameError, "did you mean 'test'"),
        (SplitWishes(True, False, select="dve"), UnknownNameError, "did you mean 'dev'"),
        (SplitWishes(True, False, report="dev", select="dev"), SettingError, "another split"),
        (SplitWishes(True, False, report="all", select="dev"), SettingError, "another split"),
    ],
)
def test_splits_that_cannot_be_used_are_refused(wishes, error, words):
    with pytest.raises(error, match=words):
        make_plan(SPLITS, np.arange(21), wishes, name="text")


def test_a_part_of_fewer_than_4_rows_is_refused():
    with pytest.raises(CorpusError, match="at least 4 sentences must be left in every part, got 3"):
        make_plan(None, np.arange(7), BEST, name="text")
