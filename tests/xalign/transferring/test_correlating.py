"""Relations that are planted are found, those that run through script alone are not, and noise stays noise."""

import numpy as np
import pandas as pd
import pytest

from xalign.transferring.correlating import (
    CORRELATION_COLUMNS,
    Correlated,
    correlate,
    correlate_all,
    design,
    explained_by_confounds,
)
from xalign.transferring.estimating import interval

SCRIPTS = ("Latin", "Cyrillic", "Arabic")


def run(score, accuracy, *, scripts=None, tokens=None, n_resamples=200, seed=0) -> Correlated:
    n, rng = len(score), np.random.default_rng(seed)
    weights = np.vstack([np.ones((1, n)), rng.multinomial(n, np.full(n, 1 / n), size=n_resamples)])
    return correlate(
        np.asarray(score, float),
        np.asarray(accuracy, float),
        scripts=scripts or [SCRIPTS[i % 3] for i in range(n)],
        tokens=np.exp(rng.normal(3, 0.3, n)) if tokens is None else tokens,
        weights=weights,
        seed=seed,
    )


def frames(scores: dict[str, np.ndarray], accuracy: np.ndarray, layers=(0,)):
    languages = [f"l{i:02d}" for i in range(accuracy.size)]
    tokens = np.random.default_rng(9).uniform(15, 40, len(languages))
    confounds = pd.DataFrame({"language": languages, "script": [SCRIPTS[i % 3] for i in range(len(languages))]})
    measured = pd.DataFrame({"language": languages, "accuracy": accuracy})
    scored = [pd.DataFrame({"probe": p, "language": languages, "score": values}) for p, values in scores.items()]
    return (
        pd.concat([part.assign(layer=layer) for layer in layers for part in scored]),
        pd.concat([measured.assign(layer=layer) for layer in layers]),
        confounds.assign(tokens_per_sentence=tokens),
    )


def test_a_straight_line_is_found_whole_whatever_its_sign():
    x = np.random.default_rng(0).normal(size=30)
    for sign in (1, -1):
        found = run(x, 0.4 + sign * 0.1 * x)
        for name in ("pearson", "spearman", "partial"):
            np.testing.assert_allclose(found.drawn[name], sign)
        assert found.p_value == pytest.approx(1e-4)


def test_a_curve_that_only_rises_is_perfect_by_rank_alone():
    x = np.random.default_rng(0).normal(size=30)
    found = run(x, np.exp(3 * x))
    assert found.drawn["spearman"][0] == pytest.approx(1)
    assert found.drawn["pearson"][0] < 0.9


@pytest.mark.parametrize("true", [0.0, 0.7])
def test_intervals_hold_the_true_correlation_about_nineteen_times_in_twenty(true):
    rng, held = np.random.default_rng(1), []
    for seed in range(150):
        x = rng.normal(size=30)
        found = run(x, true * x + np.sqrt(1 - true**2) * rng.normal(size=30), seed=seed)
        low, high = interval(found.drawn["pearson"][1:])
        part_low, part_high = interval(found.drawn["partial"][1:])
        held.append((low <= true <= high, part_low <= true <= part_high))
    np.testing.assert_allclose(np.mean(held, axis=0), 0.95, atol=0.06)


def test_a_relation_that_runs_through_script_alone_vanishes_from_the_partial_correlation():
    rng = np.random.default_rng(2)
    level = np.array([0.2, 0.5, 0.8])[np.arange(60) % 3]
    found = run(level + 0.05 * rng.normal(size=60), level + 0.05 * rng.normal(size=60))
    assert found.drawn["pearson"][0] > 0.9
    assert abs(found.drawn["partial"][0]) < 0.3
    low, high = interval(found.drawn["partial"][1:])
    assert low < 0 < high


def test_a_relation_that_runs_through_length_alone_vanishes_too():
    rng = np.random.default_rng(3)
    tokens = np.exp(rng.normal(3, 0.4, 60))
    found = run(
        -np.log(tokens) + 0.05 * rng.normal(size=60), np.log(tokens) + 0.05 * rng.normal(size=60), tokens=tokens
    )
    assert found.drawn["pearson"][0] < -0.9
    assert abs(found.drawn["partial"][0]) < 0.3


def test_a_relation_within_scripts_survives_their_differences():
    rng = np.random.default_rng(4)
    level, own = np.array([0.2, 0.5, 0.8])[np.arange(60) % 3], rng.normal(size=60)
    found = run(level + 0.02 * own, -level + 0.02 * own)
    assert found.drawn["pearson"][0] < -0.8
    assert found.drawn["partial"][0] == pytest.approx(1)


def test_a_language_alone_with_its_script_counts_only_in_the_plain_correlations():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=20), rng.normal(size=20)
    scripts = [*(SCRIPTS[i % 2] for i in range(18)), "Thai", "Georgian"]
    tokens = np.exp(rng.normal(3, 0.3, 20))
    found = run(x, y, scripts=scripts, tokens=tokens)
    assert (found.n, found.n_partial) == (20, 18)
    assert found.drawn["pearson"][0] == pytest.approx(np.corrcoef(x, y)[0, 1])
    held = design(np.array(scripts[:18]), tokens[:18])
    left = [v[:18] - held @ np.linalg.lstsq(held, v[:18], rcond=None)[0] for v in (x, y)]
    assert found.drawn["partial"][0] == pytest.approx(np.corrcoef(*left)[0, 1])


def test_a_language_without_a_score_is_left_out_and_counted_out():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=20), rng.normal(size=20)
    holes = np.where(np.arange(20) < 4, np.nan, x)
    found = run(holes, y)
    assert found.n == 16
    assert found.drawn["pearson"][0] == pytest.approx(np.corrcoef(x[4:], y[4:])[0, 1])
    assert not np.isnan(found.drawn["pearson"][1:]).any()


@pytest.mark.parametrize("score", [np.r_[np.arange(4.0), np.full(16, np.nan)], np.full(20, 0.3)])
def test_four_languages_or_a_score_that_does_not_vary_have_no_correlation(score):
    found = run(score, np.random.default_rng(7).normal(size=20))
    assert np.isnan(found.p_value)
    assert all(np.isnan(values).all() for values in found.drawn.values())


def test_too_few_languages_for_so_many_scripts_have_no_partial_correlation():
    x = np.random.default_rng(8).normal(size=6)
    found = run(x, x**3, scripts=["a", "a", "b", "b", "c", "c"])
    assert np.isnan(found.drawn["partial"]).all()
    assert found.drawn["pearson"][0] > 0.5


def test_the_table_holds_each_probe_at_each_layer_and_corrects_within_the_layer():
    rng = np.random.default_rng(9)
    accuracy = rng.normal(size=24)
    scores = {"good": accuracy + 0.3 * rng.normal(size=24), "noise": rng.normal(size=24), "flat": np.ones(24)}
    table = correlate_all(*frames(scores, accuracy, layers=(0, 3)), n_resamples=300, seed=0)
    assert list(table.columns) == CORRELATION_COLUMNS
    assert table[["layer", "probe"]].to_numpy().tolist() == [[layer, probe] for layer in (0, 3) for probe in scores]
    for _, rows in table.set_index("probe").groupby("layer"):
        good, noise = rows.loc["good"], rows.loc["noise"]
        assert good["p_corrected"] == pytest.approx(2 * good["p_value"])
        assert noise["p_corrected"] == pytest.approx(max(noise["p_value"], good["p_corrected"]))
        assert np.isnan(rows.loc["flat", "p_corrected"])
        assert good["behind"] == 0
        assert noise["behind"] == pytest.approx(good["pearson"] - abs(noise["pearson"]))
        assert 0 < noise["behind_low"] < noise["behind"] < noise["behind_high"]
        for name in ("pearson", "spearman", "partial"):
            ends = [good[f"{name}{end}"] for end in ("_joint_low", "_low", "", "_high", "_joint_high")]
            assert ends == sorted(ends), name


def test_one_probe_alone_needs_no_correction():
    rng = np.random.default_rng(10)
    accuracy = rng.normal(size=24)
    (row,) = correlate_all(
        *frames({"only": accuracy + rng.normal(size=24)}, accuracy), n_resamples=2000, seed=0
    ).to_dict("records")
    assert row["p_corrected"] == row["p_value"]
    assert (row["pearson_joint_low"], row["pearson_joint_high"]) == pytest.approx(
        (row["pearson_low"], row["pearson_high"]), abs=0.01
    )


def test_the_order_of_languages_does_not_matter_to_the_values_and_the_seed_decides_the_rest():
    rng = np.random.default_rng(11)
    accuracy = rng.normal(size=15)
    scores, measured, confounds = frames({"a": accuracy + rng.normal(size=15)}, accuracy)
    once = correlate_all(scores, measured, confounds, n_resamples=100, seed=1)
    pd.testing.assert_frame_equal(once, correlate_all(scores, measured, confounds, n_resamples=100, seed=1))
    shuffled = correlate_all(scores.sample(frac=1, random_state=0), measured[::-1], confounds, n_resamples=100, seed=1)
    pd.testing.assert_frame_equal(once, shuffled)
    other = correlate_all(scores, measured, confounds, n_resamples=100, seed=2)
    assert other["pearson"].tolist() == once["pearson"].tolist()
    assert other["pearson_low"].tolist() != once["pearson_low"].tolist()


def test_a_probe_is_behind_the_best_by_what_paired_resamples_say():
    rng = np.random.default_rng(12)
    accuracy = rng.normal(size=40)
    good = accuracy + 0.5 * rng.normal(size=40)
    scores = {"good": good, "mirrored": -2 * good, "nearly": good + 0.01 * rng.normal(size=40)}
    table = correlate_all(*frames(scores, accuracy), n_resamples=500, seed=0).set_index("probe")
    np.testing.assert_allclose(table.loc[["good", "mirrored"], ["behind", "behind_low", "behind_high"]], 0, atol=2e-3)
    assert table.loc["nearly", "behind_high"] - table.loc["nearly", "behind_low"] < 0.02
    assert table.loc["good", "pearson_high"] - table.loc["good", "pearson_low"] > 0.05


def test_what_script_and_length_explain_by_themselves_is_all_or_nothing_where_it_should_be():
    rng = np.random.default_rng(13)
    scripts, tokens = [SCRIPTS[i % 3] for i in range(300)], rng.uniform(15, 40, 300)
    level = np.array([0.2, 0.5, 0.8])[np.arange(300) % 3]
    assert explained_by_confounds(level - 0.1 * np.log(tokens), scripts, tokens) == pytest.approx(1)
    assert explained_by_confounds(rng.normal(size=300), scripts, tokens) == pytest.approx(0, abs=0.03)
    half = level + np.std(level) * rng.normal(size=300)
    assert explained_by_confounds(half, scripts, tokens) == pytest.approx(0.5, abs=0.1)
    assert np.isnan(explained_by_confounds(rng.normal(size=5), ["a", "a", "b", "b", "c"], tokens[:5]))
