"""Wherever tasks run, what they leave is the same to the byte; an error comes back as it was raised."""

import filecmp
import importlib.util
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from xalign.errors import CorpusError
from xalign.selecting import select_data
from xalign.selecting.phases.engines import InProcess, run_phase, running_engine
from xalign.selecting.pools.places import find_pool
from xalign.selecting.pools.shards import cut_file, cut_tasks
from xalign.selecting.pools.sidecars import Sidecars

RESULTS = ["chosen.jsonl", "rows.parquet", "table.parquet", "shares.parquet", "curve.parquet"]


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def require_same_files(one: Path, other: Path):
    names = files_of(one)
    assert names == files_of(other)
    assert filecmp.cmpfiles(one, other, names, shallow=False)[1:] == ([], [])


def test_two_processes_leave_the_same_bytes_as_one(pool, target, tmp_path):
    found = [
        select_data(
            pool, target, 10, sidecars=tmp_path / f"{workers}", workers=workers, shard_rows=20, n_draws=2, device="cpu",
            method="round_robin", progress=False,
        )
        for workers in (1, 2)
    ]  # fmt: skip
    require_same_files(tmp_path / "1", tmp_path / "2")
    for name in ("rows", "table", "shares", "curve", "points"):
        assert getattr(found[0], name).equals(getattr(found[1], name))
    assert [one.run["arguments"]["workers"] for one in found] == [1, 2]
    assert {one.run["arguments"]["engine"] for one in found} == {"process"}


@pytest.mark.usefixtures("quick_model")
def test_ray_leaves_the_same_bytes(start_quickly, pool, target, tmp_path):
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed: pip install 'xalign-toolkit[ray]'")
    arguments = {"pool": pool, "target": target, "shard_rows": 20}
    # Ray needs sockets, which the tests have switched off in this process.
    process = start_quickly(**arguments, out=tmp_path / "ray", sidecars=tmp_path / "by_ray", engine="ray", patience=20)
    _, errors = process.communicate(timeout=200)
    if process.returncode == -signal.SIGALRM:
        pytest.skip("a local Ray does not start within 20 s")
    assert process.returncode == 0, errors
    select_data(
        **arguments, budget=10, out=tmp_path / "here", sidecars=tmp_path / "by_one", n_draws=2, device="cpu",
        method="round_robin", progress=False,
    )  # fmt: skip
    require_same_files(tmp_path / "by_one", tmp_path / "by_ray")
    assert filecmp.cmpfiles(tmp_path / "here", tmp_path / "ray", RESULTS, shallow=False)[1:] == ([], [])


def test_an_error_in_a_process_comes_back_with_file_and_line(tmp_path):
    for place in range(3):
        (tmp_path / f"{place}.csv").write_text('text\n"open\n' if place == 1 else "text\na\n", encoding="utf-8")
    files = find_pool(tmp_path, spool=tmp_path)
    tasks = cut_tasks(files, 5, Sidecars(tmp_path / "sidecars"))
    with running_engine("process", 2) as engine, pytest.raises(CorpusError, match=r"1\.csv, line 2: cells with quotes"):
        list(engine.map(cut_file, tasks))


@dataclass(frozen=True)
class Task:
    number: int
    is_done: bool


def test_what_is_done_is_not_run_again_and_is_counted():
    ran = []

    def work(task):
        ran.append(task.number)
        return 1

    tasks = [Task(number, number % 3 == 0) for number in range(7)]
    assert run_phase(InProcess(), work, tasks, name="x", progress=False) == 3
    assert ran == [1, 2, 4, 5]


def test_ray_that_is_not_installed_is_told(monkeypatch, pool, select):
    from xalign.errors import XalignError

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(XalignError, match=r"engine 'ray' needs ray: pip install"):
        select(pool, engine="ray")
