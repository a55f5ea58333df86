"""Training does what its definition says, keeps the best, and refuses what it cannot use."""

import json
import math
import os

import numpy as np
import pytest
import safetensors.torch
import torch
import transformers

from probes import retrieval_accuracy
from xalign import load_encoder
from xalign.corpora.bitexts import BitextCorpus
from xalign.errors import CorpusError, SettingError, UnknownNameError
from xalign.realigning import training as module
from xalign.realigning.errors import DivergedError, RealignmentError
from xalign.realigning.losses import weak_contrastive
from xalign.realigning.planning import make_plan
from xalign.realigning.preparing import prepare
from xalign.realigning.settings import RealignmentSettings
from xalign.realigning.training import draw_dataset, train

BOTH = ["deu_Latn", "swh_Latn"]
QUICK = RealignmentSettings(
    loss="sentence", steps=6, batch_size=8, learning_rate=0.003, evaluate_every=3, save_every=None, warmup=0.4
)


def weights_of(folder) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / "model.safetensors")


def mean_vectors(encoder, sentences, layer: int = 4) -> np.ndarray:
    return encoder.encode(sentences, layers=[layer], progress=False).layer(layer)


@pytest.mark.parametrize("accumulation", [1, 3])
def test_training_is_adamw_on_the_drawn_batches_with_a_linear_warm_up_and_fall(encoder, corpus, tmp_path, accumulation):
    settings = QUICK.changed(accumulation=accumulation)
    outcome = train(encoder, corpus, BOTH, tmp_path / "out", settings, progress=False)
    plan = make_plan(encoder, corpus, BOTH, settings, pivot="eng_Latn", held_out=None)
    dataset = draw_dataset(plan, prepare(plan.reader, plan.pairs, settings, {}), n_processes=1)
    assert len(dataset) == 6 * accumulation
    model = plan.fresh().layered.module.requires_grad_(True)
    model.pooler.requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.0, weight_decay=0.0)
    for number, drawn in enumerate(dataset.drawn):
        examples = [dataset.examples[language][pair] for language, pair in drawn]
        source, pivot = ([getattr(example, side).ids for example in examples] for side in ("source", "pivot"))
        vectors = [
            torch.stack([model(torch.tensor([ids]))[0][0].mean(dim=0) for ids in side]) for side in (source, pivot)
        ]
        (weak_contrastive(*vectors) / accumulation).backward()
        step, rest = divmod(number + 1, accumulation)
        if rest:
            continue
        optimizer.param_groups[0]["lr"] = 0.003 * min((step - 1) / 3, (7 - step) / 3)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    written = weights_of(outcome.folder)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(written[name], value, atol=2e-5, rtol=0)


def test_mixed_precision_rounds_the_passes_and_keeps_whole_weights(encoder, corpus, tmp_path):
    """The passes' rounding shows in the loss, a little; the weights are not those that the short type can hold."""
    whole = train(encoder, corpus, BOTH, tmp_path / "whole", QUICK, progress=False)
    mixed = train(encoder, corpus, BOTH, tmp_path / "mixed", QUICK.changed(precision="bfloat16"), progress=False)
    gaps = [abs(a["loss"] - b["loss"]) for a, b in zip(whole.log[1:], mixed.log[1:], strict=True)]
    assert 0 < max(gaps) < 0.01
    after = weights_of(mixed.folder)["encoder.layer.0.output.dense.weight"]
    assert after.dtype == torch.float32
    assert not after.equal(after.bfloat16().float())


@pytest.mark.parametrize("loss", ["sentence", "strong", "weak", "l2"])
def test_every_loss_lets_sentences_find_their_translations(encoder, corpus, dictionaries, tmp_path, loss):
    settings = QUICK.changed(
        loss=loss, steps=30, learning_rate=0.01, evaluate_every=30, batch_size=12, anchor=1.0 if loss == "l2" else 0.0
    )
    outcome = train(
        encoder, corpus, BOTH, tmp_path / "out", settings, held_out=corpus, word_pairs=dictionaries, progress=False
    )
    start, end = outcome.log[0]["retrieval"], outcome.log[-1]["retrieval"]
    assert start < 0.15
    assert end > 0.5
    assert outcome.best_step == 30


def test_the_log_tells_what_the_folder_holds(encoder, corpus, tmp_path):
    outcome = train(encoder, corpus, BOTH, tmp_path / "out", QUICK, held_out=corpus, progress=False)
    assert [row["step"] for row in outcome.log] == [0, 3, 6]
    best = max(outcome.log, key=lambda row: row["retrieval"])
    assert outcome.best_step == best["step"]
    realigned = load_encoder(outcome.folder, device="cpu")
    pivot = mean_vectors(realigned, corpus.sentences["eng_Latn"])
    for language in BOTH:
        score = retrieval_accuracy(mean_vectors(realigned, corpus.sentences[language]), pivot).score
        assert best["by_language"][language] == pytest.approx(score, abs=1e-9)
    assert best["retrieval"] == pytest.approx(np.mean([best["by_language"][language] for language in BOTH]))


def test_a_training_that_does_harm_keeps_the_starting_model_to_the_byte(encoder, corpus, tmp_path, dictionaries):
    good = train(encoder, corpus, BOTH, tmp_path / "good", QUICK.changed(steps=20, learning_rate=0.01), progress=False)
    harm = QUICK.changed(learning_rate=5.0)
    outcome = train(
        load_encoder(good.folder, device="cpu"), corpus, BOTH, tmp_path / "out", harm, held_out=corpus, progress=False
    )
    assert outcome.best_step == 0
    assert (outcome.folder / "model.safetensors").read_bytes() == (good.folder / "model.safetensors").read_bytes()


def test_the_anchor_holds_the_pivot_and_all_holds_the_others_too(encoder, corpus, dictionaries, tmp_path):
    def moved(name: str, **changes) -> tuple[float, float]:
        settings = QUICK.changed(steps=12, learning_rate=0.003, loss="strong", **changes)
        outcome = train(
            encoder, corpus, ["deu_Latn"], tmp_path / name, settings, word_pairs=dictionaries, progress=False
        )
        after = load_encoder(outcome.folder, device="cpu")
        texts = [corpus.sentences[language] for language in ("eng_Latn", "deu_Latn")]
        return tuple(float(((mean_vectors(after, t) - mean_vectors(encoder, t)) ** 2).sum(1).mean()) for t in texts)

    free, held, everything = (
        moved("free"),
        moved("held", anchor=30.0),
        moved("all", anchor=30.0, anchor_on="all"),
    )
    assert held[0] < 0.2 * free[0]
    assert everything[1] < 0.5 * held[1]


def test_an_anchor_alone_moves_nothing_at_the_first_step(encoder, corpus, tmp_path):
    """Its gradient is 0 where the model still is the starting model, so the weight does not matter to a first step."""
    settings = QUICK.changed(steps=1, warmup=0.0)
    for name, weight in (("none", 0.0), ("much", 1000.0)):
        train(encoder, corpus, BOTH, tmp_path / name, settings.changed(anchor=weight), progress=False)
    without, with_anchor = weights_of(tmp_path / "none"), weights_of(tmp_path / "much")
    for name, value in without.items():
        torch.testing.assert_close(value, with_anchor[name], atol=2e-4, rtol=0)


def test_heads_and_names_of_the_source_files_are_kept(encoder, corpus, tmp_path, tokenizer):
    torch.manual_seed(1)
    folder = tmp_path / "masked"
    transformers.XLMRobertaForMaskedLM(encoder.config).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text("mine")
    (folder / "optimizer.bin").write_bytes(b"pickle")
    outcome = train(load_encoder(folder, device="cpu"), corpus, BOTH, tmp_path / "out", QUICK, progress=False)
    before, after = weights_of(folder), weights_of(outcome.folder)
    assert before.keys() == after.keys()
    assert all(value.dtype == torch.bfloat16 for value in after.values())
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed
    assert all(name.startswith("roberta.") for name in changed)
    assert not {"README.md", "optimizer.bin"} & {path.name for path in outcome.folder.iterdir()}
    loaded = transformers.AutoModelForMaskedLM.from_pretrained(outcome.folder)
    key = "roberta.encoder.layer.0.attention.self.query.weight"
    assert loaded.state_dict()[key].equal(after[key])


def test_a_sentence_transformers_folder_stays_one(model_folder, corpus, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    parts = Transformer(str(model_folder), max_seq_length=32)
    folder = tmp_path / "sentence"
    SentenceTransformer(modules=[parts, Pooling(32, pooling_mode="cls")], device="cpu").save(str(folder))
    outcome = train(load_encoder(folder, device="cpu"), corpus, BOTH, tmp_path / "out", QUICK, progress=False)
    after = load_encoder(outcome.folder, device="cpu")
    assert (after.default_pooling, after.max_length) == ("cls", 32)
    texts = list(corpus.sentences["deu_Latn"][:5])
    ours = after.encode(texts, layers=[4], pooling="cls", progress=False).layer(4)
    np.testing.assert_allclose(SentenceTransformer(str(outcome.folder), device="cpu").encode(texts), ours, atol=1e-5)
    assert not np.allclose(SentenceTransformer(str(folder), device="cpu").encode(texts), ours, atol=1e-3)


def test_bitexts_of_unlike_size_are_trained_on_by_temperature(encoder, corpus, tmp_path):
    bitexts = BitextCorpus(
        "two",
        "eng_Latn",
        {
            "deu_Latn": corpus.select(["deu_Latn", "eng_Latn"]),
            "swh_Latn": corpus.select(["swh_Latn", "eng_Latn"]).take(20),
        },
    )
    outcome = train(encoder, bitexts, BOTH, tmp_path / "out", QUICK, progress=False)
    assert outcome.n_pairs == {"deu_Latn": 60, "swh_Latn": 20}


def test_the_callers_model_and_random_numbers_stay_as_they_are(encoder, corpus, tmp_path):
    before = mean_vectors(encoder, corpus.sentences["deu_Latn"])
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(encoder, corpus, BOTH, tmp_path / "out", QUICK, progress=False)
    assert torch.equal(torch.rand(3), expected)
    assert np.array_equal(mean_vectors(encoder, corpus.sentences["deu_Latn"]), before)


@pytest.mark.parametrize("held", [True, False])
def test_a_loss_that_is_not_finite_stops_at_the_best_and_is_told_again(encoder, corpus, tmp_path, monkeypatch, held):
    calls = []
    real = module.Objective.__call__

    def broken(self, *arguments):
        calls.append(1)
        loss = real(self, *arguments)
        return loss * math.nan if len(calls) == 5 else loss

    monkeypatch.setattr(module.Objective, "__call__", broken)
    arguments = {"held_out": corpus if held else None, "progress": False}
    with pytest.raises(DivergedError, match=r"at step 5; the best model before it, of step \d, is in") as caught:
        train(encoder, corpus, BOTH, tmp_path / "out", QUICK.changed(learning_rate=0.01), **arguments)
    assert caught.value.folder == tmp_path / "out"
    assert caught.value.best_step == 3
    monkeypatch.undo()
    three = train(
        encoder, corpus, BOTH, tmp_path / "again", QUICK.changed(learning_rate=0.01, evaluate_every=1), progress=False,
        held_out=None,
    )  # fmt: skip
    assert three.best_step == 6
    assert not (tmp_path / "out.work").exists()
    assert load_encoder(tmp_path / "out", device="cpu").encode(["de1"], progress=False).layers.shape[0] == 5
    with pytest.raises(DivergedError, match="at step 5"):
        train(encoder, corpus, BOTH, tmp_path / "out", QUICK.changed(learning_rate=0.01), **arguments)


def test_watched_vectors_that_are_not_finite_stop_the_training_too(encoder, corpus, tmp_path):
    """A rate that throws the weights far away, yet leaves them finite."""
    with pytest.raises(DivergedError, match=r"the best model before it, of step 0, is in") as caught:
        train(
            encoder, corpus, BOTH, tmp_path / "out", QUICK.changed(learning_rate=1e30, steps=2, warmup=0.0),
            held_out=corpus, progress=False,
        )  # fmt: skip
    assert caught.value.best_step == 0
    before = load_encoder(caught.value.folder, device="cpu")
    assert np.array_equal(mean_vectors(before, ["de1 de2"]), mean_vectors(encoder, ["de1 de2"]))


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_others_may_read_the_model_where_they_may_read_other_files(encoder, corpus, tmp_path):
    outcome = train(encoder, corpus, BOTH, tmp_path / "out", QUICK.changed(steps=1), progress=False)
    (tmp_path / "file").touch()
    modes = {path.name: path.stat().st_mode & 0o777 for path in outcome.folder.iterdir()}
    assert set(modes.values()) == {(tmp_path / "file").stat().st_mode & 0o777}, modes


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"languages": ["fra_Latn"]}, UnknownNameError, r"languages must be among those of small, got 'fra_Latn'"),
        ({"languages": ["eng_Latn"]}, CorpusError, r"languages must name another language of small beside the pivot"),
        ({"pivot": "fra_Latn"}, CorpusError, r"pivot must be a language of small, got 'fra_Latn'"),
        ({"settings": QUICK.changed(layers=(9,))}, UnknownNameError, r"layers must be in 0 to 4, or 'last'.*got 9"),
        ({"settings": QUICK.changed(batch_size=61)}, SettingError, r"batch_size must be at most 60"),
        (
            {"settings": QUICK.changed(precision="float16")},
            SettingError,
            r"precision must be .* on the CPU, got 'float16'",
        ),
        ({"settings": QUICK.changed(max_length=2)}, SettingError, r"max_length must be at least 3"),
        ({"word_pairs": {"deu_Latn": []}, "loss": "strong"}, ValueError, r"links must hold a list for each of the 60"),
        ({"word_pairs": {"swh_Latn": []}, "loss": "strong"}, UnknownNameError, r"got none for deu_Latn"),
        ({"word_pairs": {"deu_Latn": [[]] * 60}, "loss": "weak"}, RealignmentError, r"deu_Latn has no linked words"),
        ({"word_pairs": "nowhere", "loss": "weak"}, CorpusError, r"word_pairs must be a folder of dictionaries"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(encoder, corpus, tmp_path, change, error, message):
    arguments = {"languages": ["deu_Latn"], "settings": QUICK, **change}
    if loss := arguments.pop("loss", None):
        arguments["settings"] = QUICK.changed(loss=loss)
    with pytest.raises(error, match=message):
        train(encoder, corpus, out=tmp_path / "out", progress=False, **arguments)
    assert not (tmp_path / "out").exists()


def test_a_dictionary_file_serves_a_single_language(encoder, corpus, dictionaries, tmp_path):
    settings, file = QUICK.changed(loss="weak"), dictionaries / "deu_Latn.tsv"
    one = train(encoder, corpus, ["deu_Latn"], tmp_path / "file", settings, word_pairs=file, progress=False)
    folder = train(
        encoder, corpus, ["deu_Latn"], tmp_path / "folder", settings, word_pairs=dictionaries, progress=False
    )
    assert one.n_vectors == folder.n_vectors
    assert weights_of(one.folder)["encoder.layer.0.output.dense.weight"].equal(
        weights_of(folder.folder)["encoder.layer.0.output.dense.weight"]
    )
    with pytest.raises(CorpusError, match=r"or a file for one language only, got .*deu_Latn.tsv for deu_Latn, swh"):
        train(encoder, corpus, BOTH, tmp_path / "two", settings, word_pairs=file, progress=False)


def test_a_folder_with_something_else_is_left_alone(encoder, corpus, tmp_path, model_folder):
    (tmp_path / "fresh" / "lost+found").mkdir(parents=True)
    assert train(encoder, corpus, BOTH, tmp_path / "fresh", QUICK.changed(steps=1), progress=False).best_step == 1
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RealignmentError, match=r"out must be a new or empty folder, got .*which holds .*notes.txt"):
        train(encoder, corpus, BOTH, tmp_path, QUICK, progress=False)
    with pytest.raises(RealignmentError, match=r"which holds config.json"):
        train(encoder, corpus, BOTH, model_folder, QUICK, progress=False)
    with pytest.raises(RealignmentError, match=r"out must be a folder, got the file"):
        train(encoder, corpus, BOTH, tmp_path / "notes.txt", QUICK, progress=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "stong"}, r"loss must be one of strong, weak, sentence, l2, got 'stong'.*strong"),
        ({"loss": "l2"}, r"anchor must be above 0 with loss='l2'"),
        ({"layers": ()}, r"layers must name at least one"),
        ({"layers": "first"}, r"layers must be one of last, middle"),
        ({"temperature": 0.0}, r"temperature must be above 0, got 0.0"),
        ({"learning_rate": float("nan")}, r"learning_rate must be above 0, got nan"),
        ({"warmup": 1.0}, r"warmup must be in \[0, 1\)"),
        ({"steps": 0}, r"steps must be at least 1, got 0"),
        ({"n_watched": 3}, r"n_watched must be at least 4, got 3"),
        ({"loss": "sentence", "batch_size": 1}, r"batch_size must be at least 2"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(change, message):
    with pytest.raises((SettingError, UnknownNameError), match=message):
        RealignmentSettings(**change)


def test_settings_can_be_written_as_json_and_made_again():
    settings = RealignmentSettings(layers=(3, "last"), anchor=0.5, evaluate_every=7)
    assert RealignmentSettings(**json.loads(json.dumps(settings.as_json()))) == settings.changed(layers=(3, "last"))
    assert settings.layer_numbers(12) == (3, 12)
    assert RealignmentSettings(layers="middle").layer_numbers(5) == (2,)


@pytest.mark.parametrize(
    ("steps", "given", "expected"), [(200, None, 20), (9, None, 1), (24_544, None, 500), (200, 500, 500)]
)
def test_watched_sentences_are_looked_at_ten_times_or_more_unless_it_is_said_how_often(steps, given, expected):
    settings = RealignmentSettings(steps=24_544, evaluate_every=given).changed(steps=steps)
    assert settings.as_json()["evaluate_every"] == settings.steps_between_looks == expected


def test_a_short_training_is_looked_at_on_the_way(encoder, corpus, tmp_path):
    settings = QUICK.changed(steps=20, evaluate_every=None)
    found = train(encoder, corpus, BOTH, tmp_path / "out", settings, held_out=corpus, progress=False)
    assert [entry["step"] for entry in found.log] == list(range(0, 21, 2))
