"""The README shows what the program prints today."""

import re
from pathlib import Path

import pytest

import xalign
from xalign.commands.output import report_as_text
from xalign.measures import TABLE

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"-?\d+\.\d+")


def test_the_example_shows_what_the_demo_prints():
    shown = re.search(r"```\n(xalign-mini on xalign-100.*?)\n```", README, re.DOTALL).group(1)
    report = xalign.probe(n_permutations=1, n_resamples=1, cache=False, progress=False)
    printed = report_as_text(report, Path("out/demo"))
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", shown)
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (printed, shown)]
    assert numbers[0] == pytest.approx(numbers[1], abs=0.006)


@pytest.mark.parametrize("measure", TABLE, ids=lambda measure: measure.name)
def test_every_probe_stands_in_the_table_of_measures(measure):
    cells = (f"`{measure.name}`", f"`{measure.function.__name__}`", measure.asks, measure.bounds, measure.chance)
    assert f"| {' | '.join((*cells, measure.fooled_by))} |" in README


def test_pictures_named_in_the_readme_exist():
    names = re.findall(r"\]\(([^)]+\.png)\)", README)
    assert names
    assert all((Path(__file__).parents[1] / name).is_file() for name in names)
