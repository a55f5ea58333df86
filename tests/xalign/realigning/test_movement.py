"""What moved, from its definition: means by group, intervals and tests over languages, corrected for their number."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xalign.errors import UnknownNameError, XalignError
from xalign.realigning.movement import (
    CHANGE_COLUMNS,
    MOVED_COLUMNS,
    measure_movement,
    select_movement,
    signs_p_value,
    tabulate_changes,
)
from xalign.summary import mean_interval
from xalign.transferring.estimating import holm


@pytest.fixture
def before(report_table) -> pd.DataFrame:
    return report_table(n_layers=3, probes=("cka", "retrieval"))


@pytest.fixture
def after(before) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return before.assign(score=before["score"] + rng.normal(0.05, 0.03, len(before))).sample(frac=1, random_state=1)


@pytest.fixture
def groups(before) -> dict[str, str]:
    languages = list(before["target"].unique())
    return {
        language: "chosen" if i < 7 else "other" if i < 18 else "unseen" for i, language in enumerate(languages[:21])
    }


def test_a_row_is_a_language_with_its_scores_on_both_sides_whatever_their_order(before, after, groups):
    changes = tabulate_changes(before, after, groups)
    assert list(changes.columns) == CHANGE_COLUMNS
    assert len(changes) == 3 * 2 * len(groups)
    first = before.set_index(["layer", "probe", "target"])["score"]
    second = after.set_index(["layer", "probe", "target"])["score"]
    for row in changes.to_dict("records"):
        key = (row["layer"], row["probe"], row["language"])
        assert (row["before"], row["after"]) == (first[key], second[key])
        assert row["change"] == pytest.approx(second[key] - first[key])
        assert row["group"] == groups[row["language"]]


def test_movement_is_the_mean_over_a_groups_languages_with_an_interval_over_them(before, after, groups):
    changes = tabulate_changes(before, after, groups)
    moved = measure_movement(changes)
    assert list(moved.columns) == MOVED_COLUMNS
    assert len(moved) == 3 * 2 * 3
    for row in moved.to_dict("records"):
        mine = changes[(changes["layer"] == row["layer"]) & (changes["probe"] == row["probe"])]
        mine = mine[mine["group"] == row["group"]]
        assert row["change"] == pytest.approx(mine["change"].mean())
        assert row["after"] - row["before"] == pytest.approx(row["change"])
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(mean_interval(mine["change"].to_numpy()))
        assert row["n"] == len(mine)


def test_p_values_are_corrected_for_all_layers_probes_and_groups_that_have_one(before, after, groups):
    moved = measure_movement(tabulate_changes(before, after, groups))
    unseen = moved["group"] == "unseen"
    assert moved.loc[unseen, ["p_value", "p_corrected"]].isna().all(axis=None)
    known = moved.loc[~unseen, "p_value"].to_numpy()
    assert known.size == 12
    assert moved.loc[~unseen, "p_corrected"].to_numpy() == pytest.approx(holm(known))


@given(st.lists(st.floats(-1, 1).map(lambda value: round(value, 3)), min_size=6, max_size=9))
def test_the_test_tries_all_signs(values):
    change = np.array(values)
    means = np.array([np.dot(signs, change) for signs in product((-1, 1), repeat=change.size)])
    beyond = np.abs(means) >= abs(change.sum()) - 1e-9
    assert signs_p_value(change) == pytest.approx(beyond.mean())


def test_nothing_moved_gives_no_change_and_a_p_value_of_1(before, groups):
    moved = measure_movement(tabulate_changes(before, before, groups))
    assert (moved["change"] == 0).all()
    assert not tabulate_changes(before, before, groups)["apart"].any()
    assert (moved.loc[moved["group"] != "unseen", "p_value"] == 1).all()


def test_the_sign_of_the_change_follows_the_order_of_the_reports(before, after, groups):
    there = measure_movement(tabulate_changes(before, after, groups))
    back = measure_movement(tabulate_changes(after, before, groups))
    key = ["layer", "probe", "group"]
    both = there.merge(back, on=key)
    assert both["change_x"].to_numpy() == pytest.approx(-both["change_y"].to_numpy())
    assert both["p_value_x"].to_numpy() == pytest.approx(both["p_value_y"].to_numpy(), nan_ok=True)


def test_a_score_that_is_undefined_on_one_side_counts_on_neither(before, after, groups):
    lost = before["target"].unique()[0]
    after.loc[(after["target"] == lost) & (after["probe"] == "cka"), "score"] = np.nan
    moved = measure_movement(tabulate_changes(before, after, groups))
    chosen = moved[moved["group"] == "chosen"].set_index(["probe", "layer"])["n"]
    assert set(chosen["cka"]) == {6}
    assert set(chosen["retrieval"]) == {7}


def test_a_group_of_two_languages_has_no_interval(before, after, groups):
    few = dict(list(groups.items())[:2])
    moved = measure_movement(tabulate_changes(before, after, few))
    assert set(moved["group"]) == {"chosen"}
    assert moved[["ci_low", "ci_high", "p_value"]].isna().all(axis=None)
    assert moved["change"].notna().all()


def test_selecting_a_probe_or_layer_that_is_not_there_names_those_that_are(before, after, groups):
    moved = measure_movement(tabulate_changes(before, after, groups))
    assert len(select_movement(moved, "cka", 2)) == 3
    with pytest.raises(UnknownNameError, match="probe must be one of cka, retrieval, got 'anc'"):
        select_movement(moved, "anc")
    with pytest.raises(UnknownNameError, match="layer must be one of 0, 1, 2, got 9"):
        select_movement(moved, "cka", 9)


def test_reports_without_a_common_score_are_refused(before, after, groups):
    with pytest.raises(XalignError, match="share no score"):
        tabulate_changes(before, after.assign(probe="anc"), groups)
