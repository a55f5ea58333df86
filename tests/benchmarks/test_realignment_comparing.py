"""Arm against arm: a hand-computed case, honest false alarms, and what counts as the same training."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.realignment.comparing import Pair, _test, compare
from benchmarks.realignment.languages import POOL, UNSEEN
from benchmarks.realignment.rows import COLUMNS, OUTSIDE


def pair_of(rng, *, languages=0.0, seeds=0.0, draws=0.0, shift=0.0, n_draws=5):
    """Two arms of one set and of random sets, three trainings, twenty languages."""

    def arm(n, mean):
        noise = rng.normal(0, 0.01, (n, 3, 20))
        return noise + mean + rng.normal(0, seeds, (n, 3, 1)) + rng.normal(0, draws, (n, 1, 1))

    own = rng.normal(0, languages, (1, 1, 20))
    return Pair(arm(1, shift) + own, arm(n_draws, 0.0))


def test_with_one_training_and_one_set_it_is_the_paired_t_test_over_languages():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.1, 0.1, (1, 1, 20)), rng.normal(0, 0.1, (1, 1, 20))
    found = _test([Pair(first, second)])
    expected = stats.ttest_rel(first.ravel(), second.ravel())
    assert found["p"] == pytest.approx(expected.pvalue)
    assert (found["low"], found["high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))


@pytest.mark.parametrize("source", ["languages", "seeds"])
def test_where_nothing_differs_about_one_in_twenty_is_below_a_twentieth(source):
    rng = np.random.default_rng(1)
    p = [_test([pair_of(rng, **{source: 0.03})])["p"] for _ in range(400)]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.08


def test_a_difference_that_one_training_made_is_not_taken_for_one_of_the_set():
    rng = np.random.default_rng(2)
    first, second = np.zeros((1, 3, 20)), np.zeros((1, 3, 20))
    first[0, 0] += 0.3
    first += rng.normal(0, 0.001, first.shape)
    assert stats.ttest_1samp(first.mean((0, 1)), 0).pvalue < 1e-6
    assert _test([Pair(first, second)])["p"] > 0.2


def test_an_arm_that_is_the_same_at_every_size_counts_its_trainings_once():
    rng = np.random.default_rng(3)
    first = rng.normal(0, 0.05, (1, 3, 1)) + rng.normal(0, 0.001, (1, 3, 20))
    seconds = [rng.normal(0, 0.001, (5, 3, 20)) for _ in range(3)]
    together = _test([Pair(first, second) for second in seconds])
    alone = _test([Pair(first, seconds[0])])
    assert together["high"] - together["low"] == pytest.approx(alone["high"] - alone["low"], rel=0.1)


def rows_of(gains):
    """A table of one model whose languages all gain what their arm gains, with a little noise."""
    rng = np.random.default_rng(4)
    runs = [("start", 0, 0, 0, 0.0), *[(arm, 3, 0, seed, gain) for arm, gain in gains.items() for seed in range(3)]]
    return pd.DataFrame(
        [
            [*("copy", arm, k, draw, seed, language), role, 0.3 + gain + rng.normal(0, 0.002), 0.3, 0.5, 0.5]
            for arm, k, draw, seed, gain in runs
            for role, languages in (("other", POOL), (OUTSIDE, UNSEEN))
            for language in languages
        ],
        columns=COLUMNS,
    )


def test_a_plain_difference_is_found_with_its_sign_and_size():
    found = compare(rows_of({"most": 0.1, "least": 0.05, "random": 0.05}))
    row = found.query("outcome == 'retrieval' and group == 'pool' and first == 'most' and second == 'least'").iloc[0]
    assert row["difference"] == pytest.approx(0.05, abs=0.002)
    assert row["p_holm"] < 0.01
    same = found.query("outcome == 'retrieval' and group == 'pool' and first == 'least' and second == 'random'").iloc[0]
    assert abs(same["difference"]) < 0.002
