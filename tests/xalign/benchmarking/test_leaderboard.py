"""The leaderboard ranks runs by what they have in common, says when they may not be compared, and loads nothing."""

import re
from html import unescape

import numpy as np
import pytest

from xalign.benchmarking import leaderboard
from xalign.benchmarking.contests import contests_of
from xalign.benchmarking.leaderboard_page import language_table, render_leaderboard, runs_table
from xalign.errors import SettingError, XalignError
from xalign.summary import mean_interval


@pytest.fixture(scope="module")
def three(run_once):
    return [run_once(layer=0), run_once(layer=4), run_once(layer=2)]


def test_runs_are_ranked_by_their_mean_and_named_by_what_differs(three):
    (contest,) = contests_of(three)
    assert [run.name for run in contest.runs] == [f"xalign-mini (layer {layer})" for layer in (4, 2, 0)]
    means = [run.mean for run in contest.runs]
    assert means == sorted(means, reverse=True)
    assert means[0] == pytest.approx(three[1].score)


def test_the_difference_is_taken_language_by_language(three):
    (contest,) = contests_of(three)
    first, last = contest.runs[0], contest.runs[-1]
    own = [run.by_language["score"].to_numpy() for run in (first, last)]
    mean, low, high = contest.behind(last)
    assert mean == pytest.approx(np.mean(own[1] - own[0]))
    assert (low, high) == mean_interval(own[1] - own[0])
    assert contest.behind(first)[0] == 0


def test_runs_with_other_languages_are_compared_on_those_in_common(run_once):
    whole, part = run_once(layer=4), run_once(layer=2, languages=["swh", "yor"])
    (contest,) = contests_of([part, whole])
    assert set(contest.common) == {"swh_Latn", "yor_Latn"}
    expected = whole.table.query("metric == 'accuracy'")
    shared = expected[expected["source"].isin(contest.common) | expected["target"].isin(contest.common)]
    assert contest.runs[0].mean == pytest.approx(shared["score"].mean())
    to = shared[shared["target"] == "eng_Latn"]["score"].mean()
    assert contest.runs[0].mean_of("accuracy", "to eng_Latn") == pytest.approx(to)
    assert any("the 2 that all have" in caution for caution in contest.cautions)


def test_other_rows_and_other_scores_are_cautioned_against(run_once):
    (contest,) = contests_of([run_once(layer=4), run_once(layer=4, score="csls"), run_once()])
    cautions = " ".join(contest.cautions)
    assert "by the same rows: half 2 (50); all (100)" in cautions or "all (100); half 2 (50)" in cautions
    assert "csls (k = 10)" in cautions
    assert {run.name for run in contest.runs} >= {"xalign-mini (layer 4, csls (k = 10))"}


def test_equal_runs_are_told_apart_by_number(run_once):
    (contest,) = contests_of([run_once(layer=4), run_once(layer=4)])
    assert {run.name for run in contest.runs} == {"xalign-mini #1", "xalign-mini #2"}


def test_tasks_have_sections_of_their_own(run_once):
    pairs = run_once(layer=6, pivot=None, languages=["eng", "deu", "swh", "yor"])
    assert [contest.title for contest in contests_of([run_once(layer=6), pairs])] == [
        "xalign-100",
        "xalign-100, all pairs",
    ]


def test_the_tables_hold_every_run_and_every_language(three):
    (contest,) = contests_of(three)
    runs, languages = runs_table(contest), language_table(contest)
    assert [row[0] for row in runs.rows] == [run.name for run in contest.runs]
    assert runs.rows[0][1].split("\t")[0] == f"{contest.runs[0].mean:.3f}"
    assert [row[0].split("\t")[1] for row in languages.rows] == list(contest.languages)
    for row in languages.rows:
        scores = [float(cell.split(" ")[0].split("\t")[0]) for cell in row[1:]]
        assert ["★" in cell for cell in row[1:]] == [score == max(scores) for score in scores]


def test_the_page_loads_nothing_and_escapes_what_it_is_given(three):
    from dataclasses import replace

    named = replace(three[0], run=three[0].run | {"model": three[0].run["model"] | {"name": "<script>x</script>"}})
    page = render_leaderboard([named, three[1]])
    assert "<script>x" not in page
    assert "<script>x</script>" in unescape(page)
    assert not re.search(r"url\(|@import|https?://", page)
    assert "default-src 'none'" in page
    assert page.count("data-sortable") >= 2


def test_saved_runs_make_one_page(three, tmp_path):
    folders = [result.save(tmp_path / str(i)) for i, result in enumerate(three[:2])]
    out = leaderboard(*folders, out=tmp_path / "page" / "leaderboard.html")
    text = out.read_text(encoding="utf-8")
    assert "Retrieval leaderboard: 2 runs on xalign-100" in text
    alone = (tmp_path / "0" / "retrieval.html").read_text(encoding="utf-8")
    assert "How it was run" in alone
    assert alone.count("data:image/png;base64,") == 1


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(XalignError, match=r"not a saved retrieval result: it lacks run\.json"):
        leaderboard(tmp_path, out=tmp_path / "page.html")
    with pytest.raises(SettingError, match="at least one"):
        leaderboard(out=tmp_path / "page.html")


def test_a_single_run_shows_both_directions_and_its_subsets(run_once):
    from dataclasses import replace

    result = run_once(layer=4)
    task = result.run["task"] | {"subsets": {"SMALL": ["deu_Latn", "yor_Latn"]}}
    (contest,) = contests_of([replace(result, run=result.run | {"task": task})])
    titles = [column.title for column in language_table(contest).columns]
    assert titles == ["language", "to English", "from English"]
    runs = runs_table(contest)
    shown = dict(zip([column.title for column in runs.columns], runs.rows[0], strict=True))
    rows = result.table.query("metric == 'accuracy'")
    small = rows[rows["source"].isin(["deu_Latn", "yor_Latn"]) | rows["target"].isin(["deu_Latn", "yor_Latn"])]
    assert shown["SMALL languages only"] == f"{small['score'].mean():.3f}"
    assert "behind the first" not in shown
