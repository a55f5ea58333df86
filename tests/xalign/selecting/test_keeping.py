"""What `xalign select` keeps is listed with its size, and cleared as activations are: all, of a model, or the old."""

import json
import os
import time

import pytest
from typer.testing import CliRunner

from xalign.cli import app
from xalign.errors import CacheError
from xalign.selecting.pools.keeping import clear_sidecars, list_sidecars


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XALIGN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(*arguments):
    return CliRunner().invoke(app, ["cache", *map(str, arguments)])


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def kept(cache, rows, select, quick_model, monkeypatch):
    """Sidecars of a pool of 48 rows in three shards, of a dataset, and of a matrix that memory does not hold."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    monkeypatch.setattr("xalign.selecting.material.spaces.IN_MEMORY", 0)
    pool = datasets.Dataset.from_list(rows)
    select(pool, method="round_robin", compare="mig", quality="column:score", tags="labels", sidecars=None)
    return cache / "selecting"


def test_every_byte_is_listed_under_its_kind_and_maker(kept):
    groups = list_sidecars()
    found = {group.kind: group for group in groups}
    assert list(found) == ["cuts", "rows", "vectors", "scores", "tags", "joined", "datasets"]
    counts = {kind: (group.model, group.n_sidecars, group.n_rows) for kind, group in found.items()}
    assert counts == {
        "cuts": ("", 1, 0),
        "rows": ("", 3, 48),
        "vectors": ("xalign-mini", 3, 48),
        "scores": ("column:score", 3, 48),
        "tags": ("", 3, 48),
        "joined": ("", 1, 0),
        "datasets": ("", 1, 0),
    }
    assert sum(group.n_bytes for group in groups) == sum(path.stat().st_size for path in files_in(kept))


def test_the_command_lists_sizes_and_clears_what_is_there(kept):
    shown = run("list").stdout
    size = sum(path.stat().st_size for path in files_in(kept)) / 1e6
    assert shown.rstrip().endswith(f"15 sidecars of xalign select, {size:.1f} MB in {kept}")
    listed = json.loads(run("list", "--json").stdout)
    assert [entry["n_sentences"] for entry in listed if entry["key"] == "selecting/vectors"] == [48]
    assert json.loads(run("list", "--json", "--only", "activations").stdout) == []
    assert run("clear", "--only", "activations").stdout == "deleted 0 entries, 0.0 MB\n"
    assert len(list_sidecars()) == 7
    assert f"deleted 15 sidecars of xalign select, {size:.1f} MB" in run("clear").stdout
    assert files_in(kept) == []
    assert run("list", "--only", "sidecars").stdout == f"{kept} is empty\n"


def test_only_one_models_vectors_are_cleared_and_made_again_alone(kept, rows, select):
    assert "deleted 3 sidecars of xalign select" in run("clear", "--model", "xalign-mini").stdout
    assert [group.kind for group in list_sidecars()] == ["cuts", "rows", "scores", "tags", "joined", "datasets"]
    old = {path: path.stat().st_mtime_ns for path in files_in(kept)}
    datasets = pytest.importorskip("datasets")
    pool = datasets.Dataset.from_list(rows)
    select(pool, method="round_robin", quality="column:score", tags="labels", sidecars=None)
    assert {path: path.stat().st_mtime_ns for path in old} == old
    assert "vectors" in [group.kind for group in list_sidecars()]


def test_old_ones_and_what_killed_runs_left_are_cleared_by_age(kept):
    week_ago = time.time() - 7 * 86_400
    (first, second) = sorted((kept / "rows").rglob("*.parquet"))[:2]
    os.utime(first, (week_ago, week_ago))
    os.utime(first.with_suffix(".json"), (week_ago, week_ago))
    left, young = second.with_name(".left.npy.x"), second.with_name(".young.npy.x")
    left.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(left, (week_ago, week_ago))
    assert "deleted 1 sidecars" in run("clear", "--older-than-days", 3).stdout
    assert [first.exists(), first.with_suffix(".json").exists(), left.exists()] == [False, False, False]
    assert second.exists()
    assert young.exists()
    clear_sidecars()
    assert not young.exists()


def test_what_cannot_be_meant_is_refused_and_nothing_is_removed(kept):
    found = run("clear", "--only", "sidecar")
    assert (found.exit_code, found.stderr) == (
        1, "error: --only must be one of activations, sidecars, got 'sidecar' (did you mean 'sidecars'?)\n",
    )  # fmt: skip
    with pytest.raises(CacheError, match=r"older_than_days must be in 0\.\."):
        clear_sidecars(older_than_days=-1)
    assert len(list_sidecars()) == 7
