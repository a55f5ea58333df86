"""Subsets are nested, of the sizes asked for, drawn by one seed, in the pool's format and order, and written whole."""

import itertools
import json

import pandas as pd
import pytest

from xalign.errors import CorpusError, SettingError
from xalign.selecting import write_nested_subsets
from xalign.selecting.nesting import nested_sizes

ROWS = [{"text": f"d{i}", "score": i % 7, "note": f'"{i}"\n, ü'} for i in range(50)]


@pytest.fixture
def pool(tmp_path):
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "German.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    rows = [{"text": f"ü{i}", "score": i} for i in range(12)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "pool" / "Swahili.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path / "pool"


def lines(folder, language, name):
    return (folder / language / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def test_each_subset_is_within_the_next_in_the_pools_order_and_full_has_every_row_as_it_stands(pool, tmp_path):
    found = write_nested_subsets(pool, tmp_path / "out", sizes=[40, 10, 20])
    assert found.sizes == {"deu_Latn": (10, 20, 40, 50), "swh_Latn": (10, 12)}
    for language, sizes in found.sizes.items():
        full = lines(found.folder, language, "full")
        parts = [lines(found.folder, language, size) for size in sizes[:-1]] + [full]
        assert [len(part) for part in parts] == list(sizes)
        for part, larger in itertools.pairwise(parts):
            assert set(part) < set(larger)
            assert part == [line for line in full if line in set(part)]
    assert lines(found.folder, "deu_Latn", "full") == (pool / "German.jsonl").read_text().splitlines()
    assert lines(found.folder, "deu_Latn", 10) != lines(found.folder, "deu_Latn", "full")[:10]


READERS = {
    "csv": pd.read_csv,
    "tsv": lambda path: pd.read_csv(path, sep="\t"),
    "parquet": pd.read_parquet,
    "json": pd.read_json,
    "jsonl": lambda path: pd.read_json(path, lines=True),
}


@pytest.mark.parametrize("kind", [*READERS, "dataset"])
def test_subsets_are_of_the_pools_own_format_and_the_same_rows_in_any(kind, tmp_path):
    import datasets

    datasets.disable_progress_bars()
    frame = pd.DataFrame(ROWS).assign(lang=["sw", "de"] * 25)
    path = tmp_path / f"pool.{kind}"
    writers = {
        "csv": lambda: frame.to_csv(path, index=False),
        "tsv": lambda: frame.to_csv(path, index=False, sep="\t"),
        "parquet": lambda: frame.to_parquet(path),
        "json": lambda: frame.to_json(path, orient="records"),
        "jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        "dataset": lambda: datasets.Dataset.from_pandas(frame).save_to_disk(str(path)),
    }
    writers[kind]()
    found = write_nested_subsets(path, tmp_path / "out", sizes=[5], order_by="score", seed=2)
    assert found.sizes == {"deu_Latn": (5, 25), "swh_Latn": (5, 25)}
    read = READERS.get(kind, lambda folder: datasets.load_from_disk(str(folder)).to_pandas())
    ending = "" if kind == "dataset" else f".{kind}"
    full = read(found.folder / "deu_Latn" / f"full{ending}")
    assert full.to_dict("records") == frame[1::2].to_dict("records")
    best = read(found.folder / "deu_Latn" / f"5{ending}")
    rows = [row for row in frame[1::2].to_dict("records") if row["text"] in set(best["text"])]
    assert best.to_dict("records") == rows
    assert sorted(best["score"]) == sorted(frame[1::2]["score"])[-5:]


def test_lines_of_text_become_json_lines_and_a_pattern_names_several_files(tmp_path):
    for name in ("de", "sw"):
        (tmp_path / f"{name}.txt").write_text("eins\nzwei\n", encoding="utf-8")
    found = write_nested_subsets(tmp_path / "*.txt", tmp_path / "out")
    assert lines(found.folder, "deu_Latn", "full") == ['{"text": "eins"}', '{"text": "zwei"}']
    assert set(found.sizes) == {"deu_Latn", "swh_Latn"}


def test_the_seed_decides_the_order_and_the_sizes_do_not(pool, tmp_path):
    one = write_nested_subsets(pool, tmp_path / "one", sizes=[10])
    same = write_nested_subsets(pool, tmp_path / "same", sizes=[5, 30])
    other = write_nested_subsets(pool, tmp_path / "other", sizes=[10], seed=1)
    ten = set(lines(one.folder, "deu_Latn", 10))
    assert set(lines(same.folder, "deu_Latn", 5)) < ten < set(lines(same.folder, "deu_Latn", 30))
    assert ten != set(lines(other.folder, "deu_Latn", 10))


def test_languages_come_from_a_field_in_any_spelling_from_names_of_files_or_not_at_all(pool, tmp_path):
    spoken = [*["Swahili", "sw", "klingon?"] * 2, "a/b", ".."]
    path = tmp_path / "mixed.jsonl"
    path.write_text("".join(json.dumps({"text": "a", "to": {"lang": name}}) + "\n" for name in spoken))
    found = write_nested_subsets(path, tmp_path / "a", language_field="to.lang", skip_bad=True)
    assert found.sizes == {"klingon?": (2,), "swh_Latn": (4,)}
    assert [text.split(": ", 1)[1] for text in found.skipped] == [
        f"a language that can name a folder was expected in 'to.lang', got {name!r}" for name in ("a/b", "..")
    ]
    assert write_nested_subsets(pool, tmp_path / "b", language_field="none").sizes == {"all": (62,)}
    assert set(write_nested_subsets(pool, tmp_path / "c", language_field="@file").sizes) == {"deu_Latn", "swh_Latn"}
    with pytest.raises(
        SettingError, match=r"language_field must be a field, @file or none, got '@detect'; what xalign"
    ):
        write_nested_subsets(pool, tmp_path / "d", language_field="@detect")


@pytest.mark.parametrize("options", [{"language_field": "lang"}, {"order_by": "scores"}])
def test_a_field_that_no_row_has_is_told_with_those_there_are(pool, tmp_path, options):
    (name,) = options
    with pytest.raises(SettingError, match=rf"\({name}\) must name a field of .*, got '.*'.*; rows have text, score"):
        write_nested_subsets(pool, tmp_path / "out", skip_bad=True, **options)
    assert not (tmp_path / "out").exists()


def test_an_order_by_score_takes_the_best(pool, tmp_path):
    found = write_nested_subsets(pool, tmp_path / "out", sizes=[10], order_by="score")
    scores = [json.loads(line)["score"] for line in lines(found.folder, "deu_Latn", 10)]
    assert sorted(scores) == sorted(row["score"] for row in ROWS)[-10:]
    record = json.loads((found.folder / "subsets.json").read_text())
    assert (record["order_by"], record["seed"], record["sizes"]["swh_Latn"]) == ("score", 0, [10, 12])


@pytest.mark.parametrize(
    ("n", "expected"), [(999, (999,)), (1000, (1000,)), (2300, (1000, 2000, 2300)), (4000, (1000, 2000, 4000))]
)
def test_sizes_double_from_a_thousand(n, expected):
    assert nested_sizes(n) == expected


def test_bad_input_is_told_and_leaves_nothing(pool, tmp_path):
    out = tmp_path / "out"
    (pool / "Swahili.jsonl").write_text('{"score": "high"}\n{"score": 1}\n{"score": true}\n{\n')
    with pytest.raises(CorpusError, match=r"line 1: a number was expected in 'score', got 'high'; 3 rows of the pool"):
        write_nested_subsets(pool, out, order_by="score")
    with pytest.raises(SettingError, match="sizes must be at least 1, got 0"):
        write_nested_subsets(pool, out, sizes=[5, 0])
    assert not out.exists()
    found = write_nested_subsets(pool, out, order_by="score", skip_bad=True)
    assert found.sizes["swh_Latn"] == (1,)
    assert [text.split(": ", 1)[0].rpartition("/")[2] for text in found.skipped] == [
        f"Swahili.jsonl, line {line}" for line in (1, 3, 4)
    ]
    assert lines(out, "swh_Latn", "full") == ['{"score": 1}']
    with pytest.raises(SettingError, match="out must be a new or empty folder"):
        write_nested_subsets(pool, out)
