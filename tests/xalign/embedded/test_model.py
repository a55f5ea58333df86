"""xalign-mini meets its bar on text it never saw, and its card says so."""

import json

import pytest

import xalign
from xalign.embedded import model_folder

FAST = {"n_permutations": 1, "n_resamples": 1, "progress": False, "probes": "retrieval", "cache": False}


@pytest.fixture(scope="module")
def scores(real_data):
    languages = xalign.load_corpus().languages
    reports = {}
    for split in ("dev", "test"):
        corpus = xalign.load_corpus(real_data / "flores200", languages=languages, split=split)
        reports[split] = xalign.probe(None, corpus, **FAST)
    return reports


def test_it_weighs_at_most_20_megabytes():
    assert sum(path.stat().st_size for path in model_folder().iterdir()) <= 20_000_000


def test_retrieval_on_unseen_text_reaches_the_bar_at_the_layer_chosen_on_dev(scores):
    layer = int(scores["dev"].best_layers["layer"].item())
    rows = scores["test"].table.query("layer == @layer").set_index("target")["score"]
    assert len(rows) == 23
    assert rows.mean() >= 0.60
    assert rows.min() >= 0.40
    card = json.loads((model_folder() / "scores.json").read_text(encoding="utf-8"))
    assert card["layer"] == layer
    assert f"mean {rows.mean():.3f}" in (model_folder() / "README.md").read_text(encoding="utf-8")


def test_alignment_rises_from_the_embeddings_and_differs_by_language(scores):
    by_layer = scores["test"].summary.set_index("layer")["score"]
    assert by_layer.loc[4:].min() > by_layer.loc[0] + 0.2
    top = scores["test"].table.query("layer == 6")["score"]
    assert top.max() - top.min() > 0.15
