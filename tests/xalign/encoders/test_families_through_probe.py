"""`xalign probe` on a folder of every kind of architecture, as a user would run it."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import xalign
from xalign.cli import app


@pytest.mark.parametrize("family", ["llama", "qwen3", "mt5", "bloom", "xlm-r"])
def test_a_model_folder_goes_through_the_command_line(family, save_model, tmp_path, monkeypatch):
    monkeypatch.setenv("XALIGN_CACHE", str(tmp_path / "cache"))
    folder, out = save_model(family), tmp_path / "out"
    options = ["--languages", "deu_Latn", "--permutations", "20", "--resamples", "20", "--pooling", "weighted"]
    found = CliRunner().invoke(app, ["probe", str(folder), "--out", str(out), "--quiet", "--limit", "30", *options])
    assert found.exit_code == 0, found.output
    report = xalign.ProbeReport.load(out)
    assert sorted(report.table["layer"].unique()) == [0, 1, 2, 3]
    assert set(report.table.query("probe == 'neurons'")["layer"]) == {1, 2, 3}
    assert np.isfinite(report.table["score"]).all()
    facts = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert facts["model"]["architecture"].lower().startswith(family.replace("-r", "").replace("xlm", "xlmroberta"))
    assert facts["arguments"]["pooling"] == "weighted"
