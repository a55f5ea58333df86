"""`xalign probe` on a folder of every kind of architecture, as a user would run it."""

import json

import numpy as np
import pytest
import torch
import transformers
from typer.testing import CliRunner

import xalign
from xalign.cli import app
from xalign.embedded import model_folder
from xalign.measures import MEASURES


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


def test_all_probes_of_a_decoder_without_its_head_leave_the_lens_out(save_model, tmp_path):
    corpus = xalign.load_corpus(languages=["eng", "deu"]).take(12)
    report = xalign.probe(
        save_model("llama"), corpus, probes="all", n_permutations=9, n_resamples=9, cache=False, progress=False
    )
    assert "head" in report.run["skipped"]["logit_lens"]


def test_all_probes_that_apply_are_taken_of_a_decoder_its_lens_among_them(tmp_path, monkeypatch):
    monkeypatch.setenv("XALIGN_CACHE", str(tmp_path / "cache"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder())
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4
    )
    torch.manual_seed(0)
    folder, out = tmp_path / "decoder", tmp_path / "out"
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    options = ["--languages", "deu,spa", "--permutations", "20", "--resamples", "20", "--probes", "all", "--quiet"]
    found = CliRunner().invoke(app, ["probe", str(folder), "--out", str(out), *options])
    assert found.exit_code == 0, found.output
    report = xalign.ProbeReport.load(out)
    assert report.run["skipped"] == {}
    assert set(report.table["probe"]) == set(MEASURES)
    lens = report.table.query("probe == 'logit_lens'")
    assert list(zip(lens["layer"], lens["target"], strict=True)) == [
        (layer, target) for layer in range(3) for target in ("deu_Latn", "spa_Latn")
    ]
    assert (lens["score"] - lens["chance"]).abs().max() < 1e-3, "random weights know no translation"
    text = {code: tuple(f"{code} {i}" for i in range(4)) for code in ("eng_Latn", "deu_Latn", "ast_Latn")}
    corpus = xalign.ParallelCorpus("three", text)
    asked = xalign.probe(folder, corpus, probes="logit_lens", n_permutations=9, n_resamples=9, progress=False)
    assert asked.run["skipped"] == {"logit_lens in ast_Latn": "the lexicon does not have them"}
    assert set(asked.table["target"]) == {"deu_Latn"}
