"""Texts longer than the model reads are counted while they are embedded, by either kind of model, and told."""

import json

import numpy as np
import pytest

from xalign.encoders import load_encoder
from xalign.quality.network import build_network
from xalign.selecting.models.embedders import load_embedder, model_settings, sum_known
from xalign.selecting.pools.sidecars import Sidecars

LIMIT = 9
PLAIN = {"layer": None, "pooling": "mean", "precision": "float32", "device": "cpu"}
COUNTED = "rows are longer than the model reads: their vectors are of their beginnings"
UNKNOWN = "how many rows are longer than the model reads is not known: vectors that were kept have no count of them"


@pytest.fixture(scope="module")
def short():
    """The embedded model, reading 9 tokens."""
    return load_encoder(None, device="cpu", max_length=LIMIT)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """The same as a sentence-transformers folder."""
    found = tmp_path_factory.mktemp("pipeline") / "model"
    build_network(load_encoder(None, device="cpu")).save_pretrained(str(found), create_model_card=False)
    return load_encoder(found, device="cpu", max_length=LIMIT)


def draw_texts(seed, n=80):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(["a", "dog", "runs", "home", "now"], rng.integers(1, 14))) for _ in range(n)]


@pytest.mark.parametrize("kind", ["short", "pipeline"])
@pytest.mark.parametrize("seed", range(3))
def test_a_text_is_cut_if_it_has_more_tokens_than_are_read_and_not_if_it_has_as_many(kind, seed, short, request):
    encoder, texts = request.getfixturevalue(kind), draw_texts(seed)
    n_tokens = np.array([len(row) for row in short.tokenizer(texts)["input_ids"]])
    assert (n_tokens == LIMIT).any()
    assert (n_tokens > LIMIT).any()
    embedder = load_embedder(model_settings(encoder, **PLAIN))
    vectors, n_cut = embedder.embed(texts)
    assert n_cut == (n_tokens > LIMIT).sum()
    assert embedder.embed(texts[:1])[1] == (n_tokens[0] > LIMIT)
    assert np.abs(vectors - embedder.encode(texts)).max() < 1e-5


def test_texts_that_a_pipeline_reads_whole_are_tokenised_once(pipeline, short, monkeypatch):
    from xalign.selecting.models.pipelines import open_pipeline

    found = open_pipeline(model_settings(pipeline, **PLAIN))
    read, asked = found._read, []
    monkeypatch.setattr(found, "_read", lambda inputs, **options: asked.append(inputs) or read(inputs, **options))
    full = next(text for text in draw_texts(0) if len(short.tokenizer(text)["input_ids"]) == LIMIT)
    long, whole = "dog " * 20, "a dog"
    assert found.embed([whole] * 40)[1] == 0
    assert sum(map(len, asked)) == 40
    asked.clear()
    assert found.embed([whole, long, full, whole])[1] == 1
    assert asked[1:] == [[long, full]]


@pytest.mark.parametrize("kind", ["short", "pipeline"])
def test_cut_rows_are_told_beside_the_choice(kind, rows, write_jsonl, select, request, tmp_path):
    path = write_jsonl(
        tmp_path / "pool.jsonl", [row | {"text": "a dog"} if n < 30 else row for n, row in enumerate(rows)]
    )
    found = select(path, method="random", model=request.getfixturevalue(kind))
    assert f"18 {COUNTED}" in found.warnings
    assert not any("longer than the model reads" in said for said in select(path, method="random").warnings)


def test_vectors_that_were_kept_without_a_count_are_taken_and_that_is_told(rows, write_jsonl, select, short, tmp_path):
    path = write_jsonl(tmp_path / "pool.jsonl", rows)
    arguments = {"method": "random", "model": short, "sidecars": tmp_path / "side"}
    assert f"48 {COUNTED}" in select(path, **arguments).warnings
    kept = sorted(Sidecars(tmp_path / "side").folder.glob("vectors/??/*.json"))
    assert len(kept) == 3
    facts = json.loads(kept[0].read_text(encoding="utf-8"))
    del facts["cut"]
    kept[0].write_text(json.dumps(facts), encoding="utf-8")
    before = [path.stat().st_mtime_ns for path in kept]
    assert UNKNOWN in select(path, **arguments).warnings
    assert [path.stat().st_mtime_ns for path in kept] == before


def test_a_sum_is_known_where_every_part_is():
    assert sum_known([2, 0, 3]) == 5
    assert sum_known([2, None, 3]) is None
