"""A result keeps, averages and shows what was scored, and the mteb package reads it."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from xalign.benchmarking import Retrieval, benchmark
from xalign.benchmarking.columns import TABLE_COLUMNS
from xalign.benchmarking.directions import NearestF1
from xalign.benchmarking.mteb_format import as_mteb
from xalign.benchmarking.pictures import language_bars, pair_matrix
from xalign.benchmarking.summary import summarise_retrieval
from xalign.benchmarking.tasks import TASKS, XTREME_TATOEBA, find_task
from xalign.corpora import resolve_language
from xalign.errors import XalignError

PIVOT = "eng_Latn"


def make_table(n_languages: int = 6, seed: int = 0) -> pd.DataFrame:
    """Accuracy both ways of made-up languages against English."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n_languages):
        for source, target in ((f"x{i}", PIVOT), (PIVOT, f"x{i}")):
            rows.append(
                {"layer": 3, "metric": "accuracy", "source": source, "target": target, "score": rng.random(),
                 "chance": 0.01, "null_mean": 0.01, "ci_low": 0.1, "ci_high": 0.9, "n": 100, "n_candidates": 100}
            )  # fmt: skip
    return pd.DataFrame(rows)


def test_averages_are_means_over_languages_both_ways_to_and_from():
    table = make_table()
    found = summarise_retrieval(table, pivot=PIVOT).set_index("direction")
    to, back = table[table["target"] == PIVOT]["score"].to_numpy(), table[table["source"] == PIVOT]["score"].to_numpy()
    assert found.loc["to eng_Latn", "score"] == pytest.approx(to.mean())
    assert found.loc["from eng_Latn", "score"] == pytest.approx(back.mean())
    assert found.loc["both ways", "score"] == pytest.approx((to + back).mean() / 2)
    assert (found["n_rows"] == 6).all()
    drawn = np.random.default_rng(9).choice((to + back) / 2, (4000, 6)).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.loc["both ways", ["ci_low", "ci_high"]].tolist() == pytest.approx([low, high], abs=0.02)


def test_a_subset_is_averaged_only_where_every_language_of_it_is_there():
    table = make_table()
    own = summarise_retrieval(table, pivot=PIVOT, subsets={"small": ["x1", "x4"], "torn": ["x1", "x9"]})
    assert set(own["languages"]) == {"all", "small"}
    row = own[(own["languages"] == "small") & (own["direction"] == "to eng_Latn")].iloc[0]
    expected = table[(table["target"] == PIVOT) & table["source"].isin(["x1", "x4"])]["score"].mean()
    assert row["score"] == pytest.approx(expected)


def test_the_xtreme_subset_has_36_languages_that_tatoeba_has(real_data):
    assert len(XTREME_TATOEBA) == len(set(XTREME_TATOEBA)) == 36
    assert all((real_data / "tatoeba" / f"tatoeba.{code}-eng.{code}").is_file() for code in XTREME_TATOEBA)
    assert len({resolve_language(code).code for code in XTREME_TATOEBA}) == 36


def test_an_undefined_score_is_left_out_of_the_mean():
    table = make_table()
    table.loc[0, "score"] = np.nan
    row = summarise_retrieval(table, pivot=PIVOT).query("direction == 'to eng_Latn'").iloc[0]
    assert row["n_rows"] == 5
    assert row["score"] == pytest.approx(table[table["target"] == PIVOT]["score"].mean())


def test_a_saved_result_is_loaded_as_it_was(run_once, tmp_path):
    result = run_once()
    assert result.save(tmp_path / "out") == tmp_path / "out"
    again = Retrieval.load(tmp_path / "out")
    pd.testing.assert_frame_equal(again.table, result.table)
    pd.testing.assert_frame_equal(again.selection, result.selection)
    assert (again.run, again.warnings, again.layer, again.score) == (
        json.loads(json.dumps(result.run)), result.warnings, result.layer, result.score,
    )  # fmt: skip
    assert list(pd.read_csv(tmp_path / "out" / "table.csv").columns) == TABLE_COLUMNS
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {
        "table.parquet",
        "summary.csv",
        "results.json",
        "run.json",
        "bars.png",
        "layers.png",
        "retrieval.html",
    } <= names
    assert repr(again).startswith("Retrieval(xalign-mini on xalign-100: 0.")


def test_a_save_that_breaks_off_leaves_no_result_that_loads(run_once, tmp_path, monkeypatch):
    from xalign.benchmarking import result_files

    result = run_once()
    result.save(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(result_files, "write_pictures", full)
    with pytest.raises(XalignError, match="No space left on device"):
        result.save(tmp_path)
    with pytest.raises(XalignError, match=r"lacks run\.json"):
        Retrieval.load(tmp_path)


def test_bars_are_the_tables_own_rows_against_a_pivot_and_means_over_partners_without(run_once):
    result = run_once(layer=4)
    bars = language_bars(result).set_index(["language", "series"])
    row = result.table.query("metric == 'accuracy' and source == 'swh_Latn'").iloc[0]
    assert bars.loc[("swh_Latn", "to English"), ["score", "ci_low", "ci_high"]].tolist() == (
        row[["score", "ci_low", "ci_high"]].tolist()
    )
    assert pair_matrix(result) is None
    result = run_once(layer=6, pivot=None, languages=["eng", "deu", "swh", "yor"])
    bars = language_bars(result).set_index(["language", "series"])
    asks = result.table[result.table["source"] == "swh_Latn"]["score"]
    assert bars.loc[("swh_Latn", "asks"), "score"] == pytest.approx(asks.mean())
    matrix = pair_matrix(result)
    assert matrix.loc["swh_Latn", "deu_Latn"] == asks[result.table["target"] == "deu_Latn"].iloc[0]
    assert np.isnan(matrix.loc["deu_Latn", "deu_Latn"])


@pytest.fixture(scope="module")
def mteb_results():
    """The module of mteb that loads results; importing it warns of its own dependencies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("mteb")
        from mteb import results

        return results


def test_mteb_loads_the_result_and_finds_the_mean(run_once, tmp_path, mteb_results):
    result = run_once(layer=4)
    result.save(tmp_path)
    loaded = mteb_results.TaskResult.from_disk(tmp_path / "results.json")
    assert loaded.task_name == "xalign-xalign-100"
    assert loaded.get_score() == pytest.approx(result.score)
    german = result.table.query("metric == 'accuracy' and (source == 'deu_Latn' or target == 'deu_Latn')")
    assert loaded.get_score(languages=["deu"]) == pytest.approx(german["score"].mean())
    assert set(loaded.hf_subsets) >= {"deu_Latn-eng_Latn", "eng_Latn-deu_Latn"}


def test_tatoeba_asked_as_mteb_asks_has_mtebs_name_and_its_own_score(tatoeba, quiet, tmp_path, mteb_results):
    result = benchmark(None, "tatoeba", data=tatoeba, layer=5, **quiet)
    result.save(tmp_path)
    loaded = mteb_results.TaskResult.from_disk(tmp_path / "results.json")
    assert (loaded.task_name, loaded.eval_splits) == ("Tatoeba", ["test"])
    assert set(loaded.hf_subsets) == {"deu-eng", "swh-eng"}
    f1 = result.table[result.table["metric"] == "f1"]["score"]
    assert loaded.get_score() == pytest.approx(f1.mean(), abs=1e-6)
    (entry,) = [each for each in loaded.scores["test"] if each["hf_subset"] == "deu-eng"]
    assert entry["languages"] == ["deu-Latn", "eng-Latn"]
    chosen = benchmark(None, "tatoeba", data=tatoeba, **quiet)
    assert as_mteb(chosen)["task_name"] == "xalign-tatoeba"


def test_the_f1_is_what_mteb_computes_from_the_same_neighbours(mteb_results):
    from mteb.abstasks.text.bitext_mining import AbsTaskBitextMining

    predicted = np.random.default_rng(0).integers(0, 30, 30)
    neighbours = [{"corpus_id": int(j), "score": 1.0} for j in predicted]
    gold = [(i, i) for i in range(30)]
    expected = AbsTaskBitextMining._compute_metrics(None, neighbours, gold)
    assert NearestF1(predicted).score == pytest.approx(expected["f1"])


def test_tasks_are_found_by_name_path_and_dataset(tmp_path):
    assert find_task(None).name == "xalign-100"
    assert find_task("flores") is TASKS["flores"]
    assert find_task(tmp_path).kind == "matched"
    (tmp_path / "de-en.training.gold").touch()
    assert find_task(tmp_path).kind == "mined"
    assert find_task("openlanguagedata/flores_plus").kind == "matched"
