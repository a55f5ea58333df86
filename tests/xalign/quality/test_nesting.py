"""Subsets are nested, of the sizes asked for, drawn by one seed, and written whole."""

import json

import pytest

from xalign.quality import QualityError, write_nested_subsets
from xalign.quality.nesting import nested_sizes


@pytest.fixture
def pool(tmp_path):
    rows = [{"text": f"d{i}", "score": i % 7} for i in range(50)]
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "German.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "pool" / "Swahili.json").write_text(json.dumps([{"text": f"ü{i}", "score": i} for i in range(12)]))
    return tmp_path / "pool"


def lines(folder, language, name):
    return (folder / language / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def test_each_subset_begins_with_the_smaller_ones_and_full_has_every_row_once(pool, tmp_path):
    found = write_nested_subsets(pool, tmp_path / "out", sizes=[40, 10, 20])
    assert found.sizes == {"deu_Latn": (10, 20, 40, 50), "swh_Latn": (10, 12)}
    for language, sizes in found.sizes.items():
        full = lines(found.folder, language, "full")
        for size in sizes[:-1]:
            assert lines(found.folder, language, size) == full[:size]
    texts = [json.loads(line)["text"] for line in lines(found.folder, "deu_Latn", "full")]
    assert sorted(texts) == sorted(f"d{i}" for i in range(50))
    assert texts != [f"d{i}" for i in range(50)]
    assert "ü" in lines(found.folder, "swh_Latn", "full")[0]


def test_the_seed_decides_the_order_and_the_sizes_do_not(pool, tmp_path):
    one = write_nested_subsets(pool, tmp_path / "one", sizes=[10])
    same = write_nested_subsets(pool, tmp_path / "same", sizes=[5, 30])
    other = write_nested_subsets(pool, tmp_path / "other", sizes=[10], seed=1)
    assert lines(one.folder, "deu_Latn", 10)[:5] == lines(same.folder, "deu_Latn", 5)
    assert lines(one.folder, "deu_Latn", 10) != lines(other.folder, "deu_Latn", 10)


@pytest.mark.parametrize("options", [{"language_field": "lang"}, {"order_by": "scores"}])
def test_a_field_that_no_row_has_is_told_with_those_there_are(pool, tmp_path, options):
    (name,) = options
    with pytest.raises(QualityError, match=rf"{name} must be a field of the rows, got '.*'; they have score, text"):
        write_nested_subsets(pool, tmp_path / "out", skip_bad=True, **options)
    assert not (tmp_path / "out").exists()


def test_an_order_by_score_takes_the_best_first(pool, tmp_path):
    found = write_nested_subsets(pool, tmp_path / "out", sizes=[10], order_by="score")
    scores = [json.loads(line)["score"] for line in lines(found.folder, "deu_Latn", "full")]
    assert scores == sorted(scores, reverse=True)
    record = json.loads((found.folder / "subsets.json").read_text())
    assert (record["order_by"], record["seed"], record["sizes"]["swh_Latn"]) == ("score", 0, [10, 12])


@pytest.mark.parametrize(
    ("n", "expected"), [(999, (999,)), (1000, (1000,)), (2300, (1000, 2000, 2300)), (4000, (1000, 2000, 4000))]
)
def test_sizes_double_from_a_thousand(n, expected):
    assert nested_sizes(n) == expected


def test_bad_input_is_told_and_leaves_nothing(pool, tmp_path):
    out = tmp_path / "out"
    (pool / "Swahili.json").write_text('[{"score": "high"}, {"score": 1}]')
    with pytest.raises(QualityError, match=r"1 rows cannot be used: Swahili.json, row 1: 'score' must be a finite num"):
        write_nested_subsets(pool, out, order_by="score")
    with pytest.raises(QualityError, match="sizes must be at least 1, got 0"):
        write_nested_subsets(pool, out, sizes=[5, 0])
    assert not out.exists()
    found = write_nested_subsets(pool, out, order_by="score", skip_bad=True)
    assert found.sizes["swh_Latn"] == (1,)
    assert len(found.skipped) == 1
    with pytest.raises(QualityError, match="out must be a new or empty folder"):
        write_nested_subsets(pool, out)
