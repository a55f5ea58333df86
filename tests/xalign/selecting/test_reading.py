"""What is known of each row does not depend on how the pool is cut, stored or called."""

import csv
import shutil

import numpy as np
import pytest

from xalign.selecting.material.compact import gather_pool
from xalign.selecting.models.embedders import model_settings
from xalign.selecting.phases.engines import InProcess
from xalign.selecting.phases.mapping import Asked, MapPlan, map_shards, read_shards, resolve_reading
from xalign.selecting.pools.places import find_pool
from xalign.selecting.pools.reading import language_of_name, normalised
from xalign.selecting.pools.sidecars import Sidecars

pytestmark = pytest.mark.usefixtures("quick_model")


@pytest.fixture
def gather(tmp_path):
    def run(source, asked=None, *, shard_rows=7, store=None, **arguments):
        sidecars = Sidecars(store or tmp_path / "sidecars")
        files = find_pool(source, spool=sidecars.folder)
        model = model_settings(None, layer=None, pooling="mean", precision="float32", device="cpu")
        plan = MapPlan(model, sidecars, shard_rows=shard_rows, progress=False, **arguments)
        read = read_shards(files, resolve_reading(files, asked or Asked()), plan, InProcess())
        return gather_pool(map_shards(read, plan, InProcess()), skip_bad=False)

    return run


def not_again(task):
    raise AssertionError(task)


def facts(pool):
    return (
        pool.n, pool.groups.tolist(), pool.lengths.tolist(), pool.texts.tolist(),
        pool.vectors.rows(np.arange(pool.n)).tolist(), pool.ids(np.arange(pool.n)),
    )  # fmt: skip


@pytest.mark.parametrize("shard_rows", [1, 5, 48, 1000])
def test_the_arrays_do_not_depend_on_how_the_pool_is_cut(shard_rows, pool, gather, rows):
    found = gather(pool, shard_rows=shard_rows)
    assert facts(found) == facts(gather(pool))
    assert found.groups.tolist() == [row["language"] for row in rows]
    assert found.ids(np.array([40, 3])) == [rows[40]["id"], rows[3]["id"]]
    assert len(found.shards) == -(-48 // shard_rows)


def as_csv(folder, rows):
    with (folder / "pool.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["id", "language", "text"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return folder / "pool.csv"


def as_parquet(folder, rows):
    import pandas as pd

    pd.DataFrame(rows).to_parquet(folder / "pool.parquet")
    return folder / "pool.parquet"


def as_dataset(folder, rows):
    import datasets

    return datasets.Dataset.from_list(rows)


def as_saved_dataset(folder, rows):
    as_dataset(folder, rows).save_to_disk(str(folder / "saved"))
    return folder / "saved"


@pytest.mark.parametrize("make", [as_csv, as_parquet, as_dataset, as_saved_dataset])
def test_the_arrays_do_not_depend_on_the_format(make, rows, pool, gather, tmp_path):
    import datasets

    datasets.disable_progress_bars()
    assert facts(gather(make(tmp_path, rows))) == facts(gather(pool))


def test_many_files_are_one_pool_in_the_order_given_or_by_name(rows, pool, gather, write_jsonl, tmp_path):
    files = [write_jsonl(tmp_path / "in" / f"{place:02}.jsonl", rows[place : place + 5]) for place in range(0, 48, 5)]
    assert (
        facts(gather(files))
        == facts(gather(tmp_path / "in"))
        == facts(gather(tmp_path / "in" / "*.jsonl"))
        == facts(gather(pool))
    )
    assert facts(gather(files[::-1])) != facts(gather(pool))


def test_sidecars_are_found_again_where_the_same_file_lies_elsewhere(pool, gather, tmp_path, monkeypatch):
    store = tmp_path / "store"
    gather(pool, store=store)
    shutil.copy(pool, tmp_path / "moved.jsonl")
    monkeypatch.setattr("xalign.selecting.phases.mapping.read_shard", not_again)
    monkeypatch.setattr("xalign.selecting.phases.mapping.embed_shard", not_again)
    assert gather(tmp_path / "moved.jsonl", store=store).n == 48


def test_vectors_are_found_again_where_only_other_fields_changed(
    rows, pool, gather, write_jsonl, tmp_path, monkeypatch
):
    store = tmp_path / "store"
    gather(pool, store=store)
    path = write_jsonl(tmp_path / "a.jsonl", [row | {"score": 0} for row in rows])
    monkeypatch.setattr("xalign.selecting.phases.mapping.embed_shard", not_again)
    assert gather(path, store=store).n == 48


def test_what_was_read_in_another_form_is_read_again_and_its_vectors_stay(pool, gather, tmp_path, monkeypatch):
    store = tmp_path / "store"
    gather(pool, store=store)
    monkeypatch.setattr("xalign.selecting.phases.mapping.embed_shard", not_again)
    monkeypatch.setattr("xalign.selecting.pools.reading.FORM", "later")
    assert gather(pool, store=store).n == 48
    monkeypatch.setattr("xalign.selecting.phases.mapping.read_shard", not_again)
    monkeypatch.setattr("xalign.selecting.pools.reading.FORM", "latest")
    with pytest.raises(AssertionError):
        gather(pool, store=store)


def test_the_prompt_of_a_conversation_is_the_same_whatever_the_system_says(gather, write_jsonl, tmp_path):
    talks = [[("user", f"question {n}"), ("assistant", f"answer {n}")] for n in range(4)]
    told = [[("system", "Be brief."), *turns] for turns in talks]
    paths = [
        write_jsonl(
            tmp_path / f"{place}.jsonl", [{"messages": [{"role": r, "content": c} for r, c in t]} for t in some]
        )
        for place, some in enumerate((talks, told))
    ]
    for part, same in (("prompt", True), ("response", True), ("all", False)):
        one, other = (facts(gather(path, Asked(part=part, id_field="none")))[2:5] for path in paths)
        assert (one == other) == same


def test_a_file_that_changed_is_read_again(rows, gather, write_jsonl, tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", rows[:10])
    assert gather(path).n == 10
    write_jsonl(path, rows[:9])
    assert gather(path).n == 9


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("deu_Latn.tsv", "deu_Latn"), ("train.de.jsonl", "deu_Latn"), ("German.json", "deu_Latn"),
        ("zho_Hans.txt", "zho_Hans"), ("pool.jsonl", None), ("part-00001.parquet", None),
    ],
)  # fmt: skip
def test_languages_are_read_from_names_of_files(name, code):
    assert language_of_name(name) == code


def test_languages_come_from_names_where_several_files_name_several(rows, gather, write_jsonl, tmp_path):
    plain = [{"text": row["text"]} for row in rows]
    for place, name in enumerate(("English", "de", "swh_Latn", "tam")):
        write_jsonl(tmp_path / "in" / f"{name}.jsonl", plain[12 * place : 12 * place + 12])
    assert gather(tmp_path / "in").counts == dict.fromkeys(("deu_Latn", "eng_Latn", "swh_Latn", "tam_Taml"), 12)
    assert gather(tmp_path / "in" / "de.jsonl").counts == {"und": 12}
    assert gather(tmp_path / "in" / "de.jsonl", Asked(language_field="@file")).counts == {"deu_Latn": 12}


def test_a_language_in_any_spelling_is_its_code_and_another_label_stays(gather, write_jsonl, tmp_path):
    spelled = ["sw", "Swahili", "swh_Latn", "python"]
    path = write_jsonl(tmp_path / "a.jsonl", [{"text": f"x{n}", "lang": name} for n, name in enumerate(spelled)])
    assert gather(path).groups.tolist() == ["swh_Latn"] * 3 + ["python"]


def test_languages_are_detected_where_that_is_asked_for(rows, gather, write_jsonl, tmp_path):
    pytest.importorskip("lingua")
    path = write_jsonl(tmp_path / "a.jsonl", [{"text": row["text"]} for row in rows])
    found = gather(path, Asked(language_field="@detect", detect=("en", "de", "sw", "ta", "fi")))
    hits = np.array(found.groups) == [row["language"] for row in rows]
    assert hits.mean() > 0.9


@pytest.mark.parametrize(
    ("asked", "fields", "expected"),
    [
        (Asked(detect=("en", "de")), {"language": "en"}, "@detect"),
        (Asked(detect=("en", "de"), language_field="@detect"), {"language": "en"}, "@detect"),
        (Asked(), {"language": "en"}, "language"),
        (Asked(detect=("en", "de"), prefix="target_"), {"language": "en"}, "language"),
        (Asked(detect=("en", "de"), prefix="target_"), {}, "@detect"),
        (Asked(detect=("en", "de"), language_field="none", prefix="target_"), {}, "none"),
    ],
)
def test_languages_to_detect_among_ask_for_detecting_unless_a_target_says_its_own(
    asked, fields, expected, write_jsonl, tmp_path
):
    path = write_jsonl(tmp_path / "a.jsonl", [{"text": "a"} | fields])
    assert resolve_reading(find_pool(path, spool=tmp_path), asked).language_field == expected


def test_texts_that_differ_in_case_and_white_space_alone_are_duplicates(gather, write_jsonl, tmp_path):
    texts = ["Ein  Haus", "ein haus", " EIN\nHAUS ", "ein hauss"]
    path = write_jsonl(tmp_path / "a.jsonl", [{"text": text} for text in texts])
    assert len(set(gather(path).texts.tolist())) == 2
    assert normalised(texts[2]) == "ein haus"


def test_labels_become_a_matrix_with_sorted_columns(rows, pool, gather):
    found = gather(pool, tags="labels")
    names = sorted({label for row in rows for label in row["labels"]})
    expected = [[float(name in row["labels"]) for name in names] for row in rows]
    assert found.labels == tuple(names)
    assert found.tags.toarray().tolist() == expected


def test_a_category_is_the_field_of_each_row(rows, pool, gather):
    assert gather(pool, category="topic").categories.tolist() == [row["topic"] for row in rows]


def test_half_precision_halves_the_files_and_moves_vectors_by_no_more_than_its_rounding(pool, gather, tmp_path):
    whole = gather(pool).vectors
    sidecars = Sidecars(tmp_path / "half")
    files = find_pool(pool, spool=sidecars.folder)
    model = model_settings(None, layer=None, pooling="mean", precision="float16", device="cpu")
    plan = MapPlan(model, sidecars, shard_rows=7, progress=False)
    read = read_shards(files, resolve_reading(files, Asked()), plan, InProcess())
    half = gather_pool(map_shards(read, plan, InProcess()), skip_bad=False).vectors
    assert np.load(half.paths[0]).dtype == np.float16
    assert half.rows(np.arange(half.n)) == pytest.approx(whole.rows(np.arange(whole.n)), rel=1e-3)
