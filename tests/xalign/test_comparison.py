import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xalign.comparison import compare_tables
from xalign.errors import XalignError


@pytest.fixture
def before() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {"model": "m", "layer": layer, "source": "eng_Latn", "target": f"l{i}", "probe": "cka", "score": score}
        | {"ci_low": score - 0.05, "ci_high": score + 0.05, "n": 100}
        for layer in (0, 1)
        for i, score in enumerate(rng.uniform(0.2, 0.6, 10))
    ]
    return pd.DataFrame(rows)


def test_a_report_against_itself_did_not_move(before):
    found = compare_tables(before, before)
    assert (found.table["change"] == 0).all()
    assert not found.table["apart"].any()
    assert (found.summary["p_value"] == 1).all()
    assert (found.only_before, found.only_after) == (0, 0)


def test_rows_are_matched_by_key_whatever_their_order(before):
    after = before.assign(score=before["score"] + 0.2, ci_low=before["ci_low"] + 0.2, ci_high=before["ci_high"] + 0.2)
    found = compare_tables(before, after.sample(frac=1, random_state=0))
    assert found.table["change"].to_numpy() == pytest.approx(0.2)
    assert found.table["apart"].all()


def test_the_test_over_languages_is_wilcoxons(before):
    change = np.random.default_rng(1).normal(0.02, 0.05, len(before))
    found = compare_tables(before, before.assign(score=before["score"] + change)).summary.set_index("layer")
    for layer in (0, 1):
        chosen = change[(before["layer"] == layer).to_numpy()]
        assert found.loc[layer, "p_value"] == pytest.approx(stats.wilcoxon(chosen).pvalue)
        assert found.loc[layer, "change"] == pytest.approx(chosen.mean())


def test_rows_that_only_one_report_has_are_counted(before):
    found = compare_tables(before, before[before["layer"] == 1])
    assert (found.only_before, found.only_after) == (10, 0)


def test_reports_without_a_common_row_are_refused(before):
    with pytest.raises(XalignError, match="share no row"):
        compare_tables(before, before.assign(probe="anc"))
