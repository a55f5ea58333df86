"""A file that changes between two phases is refused by name, and nothing of it gets a final name."""

import dataclasses
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xalign.errors import CorpusError
from xalign.selecting.phases.embedding import embed_shard, embed_task
from xalign.selecting.phases.scoring import ScoreTask, score_shard
from xalign.selecting.phases.tagging import TagTask, tag_shard
from xalign.selecting.pools.places import fingerprint_of
from xalign.selecting.pools.reading import ReadTask, read_shard
from xalign.selecting.pools.shards import CutTask, cut_file
from xalign.selecting.pools.sidecars import Sidecars
from xalign.selecting.results.writing import Subset
from xalign.selecting.scores.scorers import parse_scorer
from xalign.selecting.settings import ModelSettings, ReadingSettings

pytestmark = pytest.mark.usefixtures("quick_model")
ROWS = [{"text": f"{word} {word}", "score": 1.0, "topic": "a"} for word in ("aaaa", "cccc", "eeee")]
OTHER_TEXTS = [{**row, "text": row["text"].replace("c", "d")} for row in ROWS]
OTHER_VALUES = [{**row, "score": 2.0, "topic": "b"} for row in ROWS]
SHORT_ROWS = [{**ROWS[0], "text": "a"}] * 6
TEXT_CHANGES = {
    "fewer": ROWS[:2],
    "one before": [OTHER_TEXTS[1], *ROWS],
    "more in less": SHORT_ROWS,
    "other": OTHER_TEXTS,
}
MODEL = ModelSettings("letters")


def save_dataset(path, rows):
    import datasets

    datasets.disable_progress_bars()
    shutil.rmtree(path, ignore_errors=True)
    datasets.Dataset.from_list(rows).save_to_disk(str(path))


@pytest.fixture(params=["JSON lines", "Parquet", "saved dataset"])
def stored(request, tmp_path, write_jsonl):
    """A file's path, its format, and what writes it."""
    known = {
        "JSON lines": ("a.jsonl", write_jsonl),
        "Parquet": ("a.parquet", lambda path, rows: pq.write_table(pa.Table.from_pylist(rows), path)),
        "saved dataset": ("a", save_dataset),
    }
    name, write = known[request.param]
    return tmp_path / name, request.param, write


def read(path, format_name, sidecars):
    (shard,) = cut_file(CutTask(path, format_name, 100, Sidecars(sidecars)))
    task = ReadTask(shard, ReadingSettings("text"), Sidecars(sidecars))
    read_shard(task)
    return task


def test_a_file_that_changes_before_it_is_read_leaves_nothing(stored, tmp_path):
    path, name, write = stored
    write(path, ROWS)
    (shard,) = cut_file(CutTask(path, name, 100, Sidecars(tmp_path / "side")))
    task = ReadTask(shard, ReadingSettings("text"), Sidecars(tmp_path / "side"))
    path.rename(tmp_path / "kept")
    write(path, OTHER_TEXTS)
    with pytest.raises(CorpusError, match=f"{path.name}: .*it changed while it was selected from; run again"):
        read_shard(task)
    assert not task.is_done
    path.rename(tmp_path / "other")
    (tmp_path / "kept").rename(path)
    assert read_shard(task) == 3


def test_rows_are_written_from_the_files_that_they_were_chosen_from_or_not_at_all(stored, select, tmp_path):
    path, _, write = stored
    write(path, ROWS)
    found = select(path, method="random", budget=2, text_field="text")
    path.rename(tmp_path / "kept")
    with pytest.raises(CorpusError, match=f"{path.name}: .*it changed while it was selected from; run again"):
        found.save(tmp_path / "out")
    write(path, OTHER_VALUES)
    with pytest.raises(CorpusError, match=f"{path.name}: .*it changed while it was selected from; run again"):
        found.save(tmp_path / "out")
    path.rename(tmp_path / "other")
    assert not (tmp_path / "out").exists()
    (tmp_path / "kept").rename(path)
    assert found.save(tmp_path / "out").path.exists()


def test_what_datasets_keeps_beside_rows_is_not_the_dataset(tmp_path):
    save_dataset(tmp_path / "a", ROWS)
    before = fingerprint_of(tmp_path / "a")
    (tmp_path / "a" / "cache-0123.arrow").write_bytes(b"indices")
    assert fingerprint_of(tmp_path / "a") == before
    (tmp_path / "a" / "data-0.arrow").write_bytes(b"rows")
    assert fingerprint_of(tmp_path / "a") != before


def test_a_file_that_changes_while_rows_are_written_leaves_nothing(select, write_jsonl, tmp_path, monkeypatch):
    path = write_jsonl(tmp_path / "a.jsonl", ROWS)
    found = select(path, method="random", budget=2)
    written = Subset.format.fget(found.subset)

    def write_and_change(*arguments):
        written.write(*arguments)
        write_jsonl(path, OTHER_VALUES)

    monkeypatch.setattr(Subset, "format", dataclasses.replace(written, write=write_and_change))
    with pytest.raises(CorpusError, match=r"a\.jsonl: .*it changed while it was selected from; run again"):
        found.save(tmp_path / "out")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.jsonl"]


def phases(reading):
    """Each phase after reading, with its task."""
    return {
        "vectors": (embed_shard, embed_task(reading, MODEL, "letters")),
        "scores": (score_shard, ScoreTask(reading, parse_scorer("column:score"), MODEL)),
        "tags": (tag_shard, TagTask(reading, "topic")),
    }


@pytest.mark.parametrize("change", TEXT_CHANGES)
def test_changed_texts_are_refused_by_every_phase_and_leave_nothing(change, stored, tmp_path):
    path, name, write = stored
    write(path, ROWS)
    reading = read(path, name, tmp_path / "side")
    write(path, TEXT_CHANGES[change])
    for kind, (run, task) in phases(reading).items():
        with pytest.raises(CorpusError, match=f"{path.name}: .*it changed while it was selected from; run again"):
            run(task)
        assert not task.is_done
        assert [found for found in (tmp_path / "side" / kind).rglob("*") if found.is_file()] == []


def test_changed_values_beside_the_same_texts_are_refused_where_they_are_read(stored, tmp_path):
    path, name, write = stored
    write(path, ROWS)
    reading = read(path, name, tmp_path / "side")
    write(path, OTHER_VALUES)
    steps = phases(reading)
    for kind in ("scores", "tags"):
        run, task = steps[kind]
        with pytest.raises(CorpusError, match=f"{path.name}: .*it changed while it was selected from; run again"):
            run(task)
        assert not task.is_done
    run, task = steps["vectors"]
    assert run(task) == 3
    assert len(task.sidecars.map_array("vectors", task.key)) == 3


def test_a_file_as_it_was_is_mapped_and_so_is_the_changed_one_once_it_is_read_again(stored, tmp_path):
    path, name, write = stored
    for rows, score in ((ROWS, 1.0), (OTHER_VALUES, 2.0)):
        write(path, rows)
        for run, task in phases(read(path, name, tmp_path / "side")).values():
            assert run(task) == 3
            assert task.is_done
        _, scoring = phases(read(path, name, tmp_path / "side"))["scores"]
        found = scoring.reading.sidecars.map_array("scores", scoring.key)
        assert np.array_equal(found, np.full(3, score))
