"""Pools as MIG's authors publish them go through the pipeline as they are: dialogs, tags, scores by round."""

import json

import numpy as np
import pytest

from selection.data import information_gain_select, tags_from_names
from xalign.errors import CorpusError, SettingError
from xalign.selecting.pools.fields import Turns
from xalign.selecting.pools.reading import Row
from xalign.selecting.scores.scorers import parse_scorer
from xalign.selecting.settings import ModelSettings

QUALITY = "annotation.deita.quality_scores"
COMPLEXITY = "annotation.deita.complexity_scores"
TAGS = ("number theory", "proof", "chess", "cooking", "travel")


def row(place):
    """A row as the authors' example has it, fields that are not read included."""
    rng = np.random.default_rng(place)
    tags, n = rng.choice(TAGS, 2, replace=False).tolist(), 1 + place % 3
    return {
        "dialogs": [{"role": "user", "content": f"Wie spät ist {place}?"}, {"role": "assistant", "content": "Drei."}],
        "_id": f"row {place}",
        "source": ["ai2-adapt-dev/personahub"],
        "ifd_score": {"version": 100, "content": 0.84},
        "annotation": {
            "instag": {"content": tags, "versions": [100] * len(tags)},
            "dialog_round": n,
            "deita": {
                "quality_scores": rng.uniform(1, 6, n).tolist(),
                "complexity_scores": rng.uniform(1, 6, n).tolist(),
            },
        },
    }


@pytest.mark.usefixtures("quick_model")
def test_their_file_is_chosen_from_by_their_tags_and_by_quality_times_complexity(write_jsonl, select, tmp_path):
    rows = [row(place) for place in range(30)]
    found = select(
        write_jsonl(tmp_path / "pool.jsonl", rows),
        method="mig",
        tags="annotation.instag.content",
        quality=f"product:{QUALITY},{COMPLEXITY}",
        options={"mig": {"graph": False}},
    )
    scores = [one["annotation"]["deita"] for one in rows]
    quality = [np.mean(np.multiply(one["quality_scores"], one["complexity_scores"])) for one in scores]
    tags = tags_from_names([one["annotation"]["instag"]["content"] for one in rows]).matrix
    expected = information_gain_select(tags, np.array(quality), 12)
    assert found.indices.tolist() == expected.indices.tolist()
    assert found.rows["quality"].tolist() == pytest.approx([quality[place] for place in expected.indices])


@pytest.mark.usefixtures("quick_model")
def test_tags_are_neighbours_by_the_vectors_of_their_names(write_jsonl, select, tmp_path):
    rows = [row(place) for place in range(30)]
    for one in rows:
        tags = one["annotation"]["instag"]["content"]
        one["annotation"]["instag"]["content"] = [f"{tag} {tag}" if tag == "proof" else tag for tag in tags] + ["proof"]
    found = select(write_jsonl(tmp_path / "pool.jsonl", rows), method="mig", tags="annotation.instag.content")
    assert "mig: 2 of 6 labels have neighbours of a cosine of 0.9 or more, with which they share" in found.warnings


def score(quality, **fields):
    return parse_scorer(quality).score([Row(0, 1, fields, Turns("text"), "text")], ModelSettings("any")).item()


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [([4.0, 2.0], [3.0, 1.0], 7.0), (2, "1.5", 3.0), ([1.0, 3.0], 2, 4.0), ([4.5], [2.0], 9.0)],
)
def test_a_product_is_the_mean_over_rounds_of_products(a, b, expected):
    assert score("product:a,b", a=a, b=b) == expected


@pytest.mark.parametrize(("a", "b"), [([1.0], [1.0, 2.0]), ([], []), (None, 1), (["high"], [1.0])])
def test_there_is_no_product_where_rounds_or_numbers_are_missing(a, b):
    assert np.isnan(score("product:a,b", a=a, b=b))


def test_a_column_of_scores_by_round_is_their_mean():
    assert score("column:a", a=[4.5, 3.0]) == 3.75
    assert np.isnan(score("column:a", a=[4.5, None]))


def test_a_product_names_several_fields():
    with pytest.raises(SettingError, match=r"quality 'product' must name fields with commas between, got 'a'"):
        parse_scorer("product:a")


@pytest.mark.usefixtures("quick_model")
def test_a_row_without_as_many_scores_is_told_with_its_line(write_jsonl, select, tmp_path):
    rows = [row(place) for place in range(5)]
    rows[3]["annotation"]["deita"]["quality_scores"] = [1.0] * 9
    path = write_jsonl(tmp_path / "pool.jsonl", rows)
    with pytest.raises(CorpusError, match=r"pool.jsonl, line 4: numbers, or lists of as many numbers, were expected"):
        select(path, method="mig", budget=2, quality=f"product:{QUALITY},{COMPLEXITY}")


@pytest.mark.usefixtures("quick_model")
def test_a_field_of_a_product_that_no_row_has_is_refused(write_jsonl, select, tmp_path):
    path = write_jsonl(tmp_path / "pool.jsonl", [json.dumps(row(place)) for place in range(5)])
    with pytest.raises(SettingError, match=r"nowhere"):
        select(path, method="mig", budget=2, quality=f"product:{QUALITY},nowhere")
