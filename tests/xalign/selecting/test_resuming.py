"""A run that is killed leaves nothing half-written, and the next one goes on where it was, to the same bytes."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from xalign.selecting import DataSelection, select_data
from xalign.selecting.pools.sidecars import Sidecars

RESULTS = ("chosen.jsonl", "rows.parquet", "table.parquet", "shares.parquet", "curve.parquet")


@pytest.mark.usefixtures("quick_model")
def test_a_killed_run_goes_on_and_makes_the_same_bytes(start_quickly, pool, target, tmp_path):
    out, sidecars = tmp_path / "killed", tmp_path / "sidecars"
    process = start_quickly(pool=pool, target=target, out=out, sidecars=sidecars, shard_rows=6, slow=0.2)
    vectors, give_up = sidecars / "vectors", time.monotonic() + 60
    while len(list(vectors.rglob("*.json"))) < 3 and time.monotonic() < give_up:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    done = {path: path.stat().st_mtime_ns for path in vectors.rglob("*.npy") if path.with_suffix(".json").exists()}
    assert 3 <= len(done) < 8
    assert not out.exists()
    for folder, store in ((out, sidecars), (tmp_path / "whole", tmp_path / "others")):
        select_data(
            pool, target, 10, out=folder, sidecars=store, shard_rows=6, n_draws=2, device="cpu", method="round_robin",
            progress=False,
        )  # fmt: skip
        assert {path: path.stat().st_mtime_ns for path in done} == done
    for name in RESULTS:
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="this system does not list processes as files")
def test_workers_end_with_a_run_that_is_killed(start_quickly, pool, target, tmp_path):
    process = start_quickly(
        pool=pool, target=target, sidecars=tmp_path / "sidecars", shard_rows=3, slow=1, workers=2, out=tmp_path / "out"
    )
    give_up = time.monotonic() + 60
    while len(workers := children_of(process.pid)) < 2 and time.monotonic() < give_up:
        time.sleep(0.05)
    assert len(workers) >= 2
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert [worker for worker in workers if Path(f"/proc/{worker}").exists()] == []


def children_of(parent):
    """The processes that a process has started to work for it."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            told = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(told[1]) == parent and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except (OSError, IndexError, ValueError):
            continue
    return found


@pytest.mark.usefixtures("quick_model")
def test_what_earlier_runs_left_is_said_and_written_down(rows, write_jsonl, target, select, tmp_path, capsys):
    asked = {"method": "longest", "sidecars": tmp_path / "sidecars", "shard_rows": 5, "progress": True}
    paths = [write_jsonl(tmp_path / f"{n}.jsonl", rows[n::2]) for n in range(2)]
    assert select(paths[0], target, **asked).run["there_already"] == {}
    assert "already" not in capsys.readouterr().err
    found = select(paths, target, quality="column:score", **asked)
    kept = {"shards": 5, "rows": 24}
    assert found.run["there_already"] == {"reading": kept, "embedding": kept}
    told = [line for line in capsys.readouterr().err.splitlines() if "already" in line]
    assert told == [f"{name}: 24 rows, 5 of 10 shards, are there already" for name in ("reading", "embedding")]
    select(paths, target, **(asked | {"progress": False}))
    assert capsys.readouterr().err == ""


def test_a_sidecar_without_its_facts_counts_as_absent(tmp_path):
    store = Sidecars(tmp_path)

    def torn():
        yield np.zeros((2, 3), dtype=np.float32)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write_array("vectors", "ab12", (4, 3), torn(), {})
    assert not store.has("vectors", "ab12")
    assert list(tmp_path.rglob("*ab12*")) == []
    store.write_array("vectors", "ab12", (2, 3), iter([np.ones((2, 3), dtype=np.float32)]), {"n": 2})
    assert store.has("vectors", "ab12")
    assert np.array_equal(store.map_array("vectors", "ab12"), np.ones((2, 3)))
    (tmp_path / "vectors" / "ab" / "ab12.json").unlink()
    assert not store.has("vectors", "ab12")


@pytest.mark.usefixtures("quick_model")
def test_a_folder_that_cannot_be_finished_does_not_appear_and_the_next_run_clears_what_is_left(
    pool, select, tmp_path, monkeypatch
):
    left = tmp_path / ".out.unfinished-abc"
    left.mkdir()
    (left / "chosen.jsonl").write_text("half", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr("xalign.selecting.results.page.render_page", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            select(pool, method="random", out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    select(pool, method="random", out=tmp_path / "out")
    assert len(DataSelection.load(tmp_path / "out").rows) == 12


def test_an_array_of_other_rows_than_announced_is_not_kept(tmp_path):
    store = Sidecars(tmp_path)
    for blocks in ([(2, 3)], [(2, 3), (3, 3)], [(4, 2)], []):
        with pytest.raises(ValueError, match="blocks must have"):
            store.write_array("vectors", "ab12", (4, 3), (np.zeros(shape) for shape in blocks), {})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
