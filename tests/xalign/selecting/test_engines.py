"""Wherever tasks run, what they leave is the same to the byte; an error comes back as it was raised."""

import filecmp
import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from xalign.errors import CorpusError
from xalign.selecting import select_data
from xalign.selecting.engines import InProcess, run_phase, running_engine
from xalign.selecting.places import find_pool
from xalign.selecting.shards import cut_file, cut_tasks
from xalign.selecting.sidecars import Sidecars

RUN = """
import sys
from xalign.selecting import select_data
pool, target, out, sidecars = sys.argv[1:]
select_data(pool, target, 10, out=out, sidecars=sidecars, engine="ray", shard_rows=20, n_draws=2, device="cpu",
            method="round_robin", progress=False)
"""
STARTS = "import ray; ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)"
RESULTS = ["chosen.jsonl", "rows.parquet", "table.parquet", "shares.parquet", "curve.parquet", "plane.png"]


@pytest.fixture(scope="module")
def run(pool, target, tmp_path_factory):
    """Run a selection here, once for each number of workers; returns its folder of results and its sidecars."""
    folder, done = tmp_path_factory.mktemp("engines"), {}

    def with_workers(workers):
        if workers not in done:
            done[workers] = folder / f"out{workers}", folder / f"sidecars{workers}"
            select_data(
                pool, target, 10, out=done[workers][0], sidecars=done[workers][1], workers=workers, shard_rows=20,
                n_draws=2, device="cpu", method="round_robin", progress=False,
            )  # fmt: skip
        return done[workers]

    return with_workers


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def require_same(one, other):
    names = files_of(one[1])
    assert names == files_of(other[1])
    assert filecmp.cmpfiles(one[1], other[1], names, shallow=False)[1:] == ([], [])
    assert filecmp.cmpfiles(one[0], other[0], RESULTS, shallow=False)[1:] == ([], [])


def test_two_processes_leave_the_same_bytes_as_one(run):
    require_same(run(1), run(2))


def test_ray_leaves_the_same_bytes(run, pool, target, tmp_path):
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed: pip install 'xalign-toolkit[ray]'")
    try:
        subprocess.run([sys.executable, "-c", STARTS], capture_output=True, check=True, timeout=20)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        pytest.skip(f"a local Ray does not start within 20 s: {error}")
    other = tmp_path / "out", tmp_path / "sidecars"
    # Ray needs sockets, which the tests have switched off in this process.
    result = subprocess.run(
        [sys.executable, "-c", RUN, pool, target, *other], capture_output=True, text=True, check=False, timeout=200
    )
    assert result.returncode == 0, result.stderr
    require_same(run(1), other)


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


def test_the_engine_is_told_in_the_record(run):
    out, _ = run(2)
    record = json.loads((out / "selection.json").read_text(encoding="utf-8"))
    assert (record["arguments"]["engine"], record["arguments"]["workers"]) == ("process", 2)
