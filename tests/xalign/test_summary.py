import numpy as np
import pandas as pd
import pytest

from xalign.columns import TABLE_COLUMNS
from xalign.summary import best_layers, mean_interval, summarise


def table_of(scores: dict[tuple[int, str], list[float]], source: str = "eng_Latn") -> pd.DataFrame:
    rows = [
        dict.fromkeys(TABLE_COLUMNS, 0.0)
        | {"model": "m", "layer": layer, "probe": probe, "source": source, "target": f"l{i}", "score": score}
        for (layer, probe), values in scores.items()
        for i, score in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_the_summary_is_the_mean_over_languages_and_names_the_ends():
    summary = summarise(table_of({(0, "cka"): [0.1, 0.5, 0.3, 0.3]}))
    row = summary.iloc[0]
    assert row["score"] == pytest.approx(0.3)
    assert (row["best"], row["worst"], row["n_pairs"]) == ("l1", "l0", 4)
    assert row["ci_low"] < 0.3 < row["ci_high"]


def test_an_undefined_score_is_counted_and_left_out():
    row = summarise(table_of({(0, "cka"): [0.1, float("nan"), 0.3]})).iloc[0]
    assert row["score"] == pytest.approx(0.2)
    assert (row["n_pairs"], row["n_undefined"]) == (2, 1)


def test_the_interval_covers_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(300):
        low, high = mean_interval(rng.normal(0.4, 0.1, 40), seed=trial)
        hits += low <= 0.4 <= high
    assert 0.90 <= hits / 300 <= 0.98


def test_the_interval_of_equal_values_is_that_value_and_of_two_values_unknown():
    assert mean_interval(np.full(5, 0.25)) == pytest.approx((0.25, 0.25))
    assert np.isnan(mean_interval(np.array([0.1, 0.2]))).all()


def test_with_all_pairs_languages_are_resampled_so_the_interval_is_wider_than_over_pairs():
    rng = np.random.default_rng(1)
    quality = rng.normal(0, 1, 12)
    rows = [(f"l{i}", f"l{j}", quality[i] + quality[j]) for i in range(12) for j in range(i + 1, 12)]
    frame = table_of({(0, "cka"): [0.0] * len(rows)}).assign(
        source=[r[0] for r in rows], target=[r[1] for r in rows], score=[r[2] for r in rows]
    )
    row = summarise(frame).iloc[0]
    over_pairs = mean_interval(frame["score"].to_numpy())
    assert row["ci_high"] - row["ci_low"] > 1.5 * (over_pairs[1] - over_pairs[0])


def test_the_best_layer_is_the_highest_mean_and_on_a_tie_the_lowest():
    table = table_of({(0, "anc"): [0.1] * 3, (2, "anc"): [0.4] * 3, (1, "anc"): [0.4] * 3, (0, "cka"): [0.9] * 3})
    best = best_layers(summarise(table)).set_index("probe")["layer"]
    assert best.to_dict() == {"anc": 1, "cka": 0}
