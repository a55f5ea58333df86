"""The floors of the house: arrows point down only, and every floor is light to import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "transformers", "pandas", "matplotlib", "scipy.stats", "sklearn", "datasets")


def imported_by(package: str) -> dict[str, set[str]]:
    """Return the packages that each file of a package imports, wherever in the file."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path} imports relatively"
                names.add(node.module or "")
        found[str(path.relative_to(ROOT))] = {name.split(".")[0] for name in names}
    return found


@pytest.mark.parametrize(("package", "above"), [("probes", {"selection", "xalign"}), ("selection", {"xalign"})])
def test_no_floor_imports_one_above(package, above):
    files = imported_by(package)
    assert files
    assert {path: names & above for path, names in files.items() if names & above} == {}


ROOMS = ("pools", "models", "scores", "phases", "material", "methods", "results")
"""Of selecting, from the ground up: no room imports from one behind it."""


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_of_selecting_imports_from_one_above(room):
    above = tuple(f"xalign.selecting.{name}" for name in ROOMS[ROOMS.index(room) + 1 :])
    found = {}
    for path in sorted((ROOT / "xalign" / "selecting" / room).rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        found[path.name] = {name for name in names if name.startswith(above)}
    assert len(found) > 2
    assert {name: names for name, names in found.items() if names} == {}


def test_probes_needs_nothing_but_arrays_and_numerical_libraries():
    third_party = {"array_api_compat", "jaxtyping", "numpy", "probes", "scipy", "sklearn", "threadpoolctl"}
    outside = {path: names - third_party - sys.stdlib_module_names for path, names in imported_by("probes").items()}
    assert {path: names for path, names in outside.items() if names} == {}


def loads(package: str) -> tuple[float, list[str]]:
    """Return the seconds that an import takes in a fresh interpreter, and which heavy modules it loaded.

    Processor seconds, where these are fewer: a machine that is busy elsewhere does not count.
    """
    code = (
        "import sys, time; start = time.perf_counter(), time.process_time(); "
        f"import {package}; seconds = min(time.perf_counter() - start[0], time.process_time() - start[1]); "
        f"print(seconds, *[name for name in {HEAVY} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, *heavy = result.stdout.split()
    return float(seconds), heavy


@pytest.mark.parametrize("package", ["probes", "selection", "xalign"])
def test_importing_a_floor_is_fast_and_loads_nothing_heavy(package):
    runs = [loads(package) for _ in range(3)]
    assert runs[0][1] == []
    assert min(seconds for seconds, _ in runs) < 0.3
