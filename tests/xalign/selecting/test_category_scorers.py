"""Each category has its own scorer, and rows of different scorers can be compared."""

import numpy as np
import pytest

from selection.data.stratified import from_zero, preference, robust_scale, score_by_category
from xalign.errors import CorpusError, SettingError
from xalign.selecting.scores.category_scorers import parse_quality, quality_words

SEEN = """
from pathlib import Path


def count_letters(rows):
    with Path({path!r}).open("a") as file:
        file.writelines(f"{{row.fields['id']}}\\n" for row in rows)
    return [len(row.text) for row in rows]
"""
BY_TOPIC = {"general": "column:score", "travel": "length", "sports": "length"}


def choose(select, pool, **arguments):
    return select(pool, budget=48, method="laser", category="topic", **arguments)


def in_pool_order(selection, column):
    return selection.rows.set_index("row").sort_index()[column].to_numpy()


@pytest.mark.usefixtures("quick_model")
def test_quality_is_that_of_each_categorys_scorer_from_its_own_percentiles(select, pool, rows):
    scorers = {
        "general": lambda some: [row["score"] for row in some],
        "length": lambda some: [len(row["text"]) for row in some],
    }
    names = ["length" if BY_TOPIC.get(row["topic"]) == "length" else "general" for row in rows]
    assert 0 < names.count("length") < len(rows)
    raw, expected = score_by_category(rows, names, scorers), np.empty(len(rows))
    for name in scorers:
        own = [place for place, known in enumerate(names) if known == name]
        expected[own] = from_zero(raw[own])
    found = choose(select, pool, quality=BY_TOPIC)
    np.testing.assert_allclose(in_pool_order(found, "quality"), expected, rtol=1e-12)
    assert any("quality is from several scorers" in note for note in found.warnings)


@pytest.mark.usefixtures("quick_model")
def test_laser_scales_within_language_and_scorer_and_multiplies_by_difficulty(select, pool, rows):
    sources = [(row["language"], BY_TOPIC.get(row["topic"]) == "length") for row in rows]
    found = choose(select, pool, quality=BY_TOPIC)
    quality = in_pool_order(found, "quality")
    np.testing.assert_allclose(in_pool_order(found, "score"), robust_scale(quality, sources), atol=1e-9)
    found = choose(select, pool, quality=BY_TOPIC, difficulty="-length")
    hard = np.array([-len(row["text"]) for row in rows], dtype=float)
    np.testing.assert_allclose(in_pool_order(found, "score"), preference(quality, hard, sources), atol=1e-9)
    assert in_pool_order(found, "difficulty").tolist() == hard.tolist()
    assert f"difficulty {found.rows['difficulty'].iloc[0]:.4g}" in found.rows["reason"].iloc[0]


@pytest.mark.usefixtures("quick_model")
def test_a_scorer_sees_the_rows_of_its_categories_alone(select, pool, rows, tmp_path, monkeypatch):
    seen = tmp_path / "seen"
    (tmp_path / "own_scores.py").write_text(SEEN.format(path=str(seen)), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    choose(select, pool, quality={"sports": "function:own_scores.count_letters", "general": "column:score"})
    assert sorted(seen.read_text().split()) == sorted(row["id"] for row in rows if row["topic"] == "sports")


@pytest.mark.usefixtures("quick_model")
def test_a_row_without_a_score_of_its_own_scorer_is_a_fault_and_other_scorers_do_not_mind(
    select, rows, tmp_path, write_jsonl
):
    changed = [row | ({} if row["topic"] == "sports" else {"score": None}) for row in rows]
    pool = write_jsonl(tmp_path / "pool.jsonl", changed)
    found = choose(select, pool, quality={"sports": "column:score", "general": "length"})
    assert len(found.rows) == 48
    with pytest.raises(CorpusError, match=r"a number was expected in 'score', got None"):
        choose(select, pool, quality={"sports": "length", "general": "column:score"})


@pytest.mark.usefixtures("quick_model")
@pytest.mark.parametrize(
    ("quality", "told"),
    [
        ({"sport": "length", "general": "length"}, r"got 'sport' \(did you mean 'sports'\?\); there are "),
        ({"sports": "length"}, r"got none for .*; add --quality SCORER without a category"),
        (
            ["length", "length"],
            r"quality must name one scorer for each category, got two for rows of no category that is named",
        ),
    ],
)
def test_scorers_that_do_not_fit_the_categories_are_refused(select, pool, quality, told):
    with pytest.raises(SettingError, match=told):
        choose(select, pool, quality=quality)


@pytest.mark.usefixtures("quick_model")
def test_a_field_that_only_late_rows_of_a_category_have_is_found_and_one_that_none_has_is_refused(
    select, rows, tmp_path, write_jsonl
):
    many = [row | {"id": f"{copy} {row['id']}", "topic": "plain"} for copy in range(7) for row in rows]
    late = [row | {"id": f"late {row['id']}", "steps": [0.5, row["score"]]} for row in rows if row["topic"] == "sports"]
    pool = write_jsonl(tmp_path / "pool.jsonl", [*many, *late])
    found = select(
        pool, budget=10, method="laser", category="topic", quality={"sports": "least:steps", "general": "length"}
    )
    assert len(found.rows) == 10
    with pytest.raises(SettingError, match=r"must name a field of .*, got 'stepz' \(did you mean 'steps'"):
        choose(select, pool, quality={"sports": "least:stepz", "general": "length"})


@pytest.mark.usefixtures("quick_model")
def test_a_row_that_has_no_category_to_read_does_not_ask_for_a_scorer(select, rows, tmp_path, write_jsonl):
    known = {row["topic"] for row in rows}
    pool = write_jsonl(tmp_path / "pool.jsonl", [rows[0] | {"id": "odd", "topic": None}, *rows])
    scorers = dict.fromkeys(known, "length")
    found = choose(select, pool, quality=scorers, skip_bad=True)
    assert found.skipped["line"].tolist() == [1]
    with pytest.raises(CorpusError, match=r"line 1: labels were expected in 'topic'"):
        choose(select, pool, quality=scorers)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"percentile": 101}, r"percentile of laser must be from 0 to 100, got 101"),
        ({"shares": {"sports": 0.5}}, r"shares of laser must sum to 1, got \{'sports': 0.5\}"),
    ],
)
def test_options_of_laser_are_checked_before_any_work(select, pool, options, told):
    with pytest.raises(SettingError, match=told):
        select(pool, method="laser", quality="length", options={"laser": options})


@pytest.mark.usefixtures("quick_model")
@pytest.mark.parametrize(("method", "labelled"), [("laser", {"category": "topic"}), ("mig", {"tags": "labels"})])
def test_a_number_of_clusters_may_be_given_where_rows_have_labels_and_changes_nothing(method, labelled, select, pool):
    plain = select(pool, method=method, quality="length", **labelled)
    assert (
        select(pool, method=method, quality="length", options={method: {"n_clusters": 5}}, **labelled).ids == plain.ids
    )


def test_scorers_by_category_need_categories_and_difficulty_needs_laser(select, pool):
    with pytest.raises(SettingError, match=r"quality of sports needs categories of rows; name their field, or @route"):
        select(pool, method="laser", quality={"sports": "length", "general": "length"})
    with pytest.raises(
        SettingError, match=r"category is for laser and for scorers by category, got it for longest with"
    ):
        select(pool, method="longest", category="topic")
    with pytest.raises(SettingError, match=r"difficulty is multiplied with quality by laser, got it for longest"):
        select(pool, method="longest", difficulty="length")


def test_one_scorer_however_it_is_written_is_one():
    written = ["length", ["length"], {"general": "length"}, ["general=length"]]
    assert {quality_words(quality) for quality in written} == {"length"}
    assert all(parse_quality(quality, category=None).is_one for quality in written)
    assert quality_words(None) is None
    assert quality_words(["Math=least:steps", "column:a=b"]) == "Math=least:steps; column:a=b"
    assert quality_words(["x:y=length", "a=b=-column:c=d"]) == "x:y=length; a=b=-column:c=d"
    assert set(parse_quality(["x:y=length", "a=b=-column:c=d", "length"], category="c").by_category) == {
        "x:y", "a=b", "general",
    }  # fmt: skip


@pytest.mark.usefixtures("quick_model")
def test_lasers_scorers_read_steps_answers_and_revisions(select, tmp_path, write_jsonl):
    rows = [
        {"id": "a", "text": "one\ntwo\nthree", "steps": [0.5, 0.25, 1], "kept": [True, False], "fixed": "one\nthree"},
        {"id": "b", "text": "four", "steps": [2], "kept": [True], "fixed": "four"},
    ]
    pool = write_jsonl(tmp_path / "pool.jsonl", rows)
    expected = {"least:steps": [0.25, 2.0], "constraints:kept": [0.5, 1.0], "revision:fixed": [2 / 3, 1.0]}
    for quality, scores in expected.items():
        found = select(pool, budget=2, method="deita", quality=quality)
        assert in_pool_order(found, "quality") == pytest.approx(scores)
    for quality, told in {
        "least:kept": r"a list of numbers was expected in 'kept', got \[True, False\]",
        "constraints:steps": r"a list of true and false, one for each rule, was expected in 'steps'",
        "revision:steps": r"a revision was expected in 'steps'",
    }.items():
        with pytest.raises(CorpusError, match=told):
            select(pool, budget=2, method="deita", quality=quality)


def test_a_function_that_does_not_score_every_row_is_refused(select, pool, tmp_path, monkeypatch):
    (tmp_path / "own_sums.py").write_text("def total(rows):\n    return [len(rows)]\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        SettingError, match=r"function 'own_sums.total' must give a number for each of \d+ rows, got shape"
    ):
        select(pool, method="deita", quality="function:own_sums.total")
