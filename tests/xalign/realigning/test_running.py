"""The loop as a whole, on the embedded model: what is trained on, what is measured, and how it is taken up again."""

import inspect
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import xalign
import xalign.choosing
from xalign import BitextCorpus, ParallelCorpus
from xalign.encoders import ActivationCache, Encoder
from xalign.errors import CorpusError, SettingError, UnknownNameError
from xalign.realigning import studying
from xalign.realigning.dividing import divide
from xalign.realigning.errors import RealignmentError
from xalign.realigning.languages import group_languages, read_languages
from xalign.realigning.measuring import Measuring
from xalign.realigning.movement import measure_movement, tabulate_changes
from xalign.realigning.results import Realignment
from xalign.realigning.running import realign
from xalign.realigning.settings import RealignmentSettings
from xalign.realigning.training import train

CHOSEN, UNSEEN = ["yor_Latn", "tam_Taml"], ["swh_Latn", "fin_Latn"]
OTHER = ["deu_Latn", "tur_Latn"]
LANGUAGES = ["eng_Latn", *CHOSEN, *UNSEEN, *OTHER]
SETTINGS = RealignmentSettings(
    loss="sentence", steps=4, batch_size=8, learning_rate=2e-4, warmup=0.0, evaluate_every=2, max_length=24
)
FAST = {"n_permutations": 10, "n_resamples": 20, "settings": SETTINGS, "progress": False}


class Stop(Exception):  # noqa: N818 - no error
    """Ends a run where training would begin."""


@pytest.fixture(scope="module", autouse=True)
def quick():
    """No pictures and a single penalty, where most of a run's time would go; these have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xalign.report_files.draw_pictures", lambda *_, **__: ())
        patch.setattr("xalign.figures.realignments.draw_realignment", lambda *_: ())
        patch.setattr("xalign.transferring.topics.PENALTIES", (0.1,))
        yield


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Encoder:
    """The embedded model with so much noise that a few steps make it better."""
    folder = tmp_path_factory.mktemp("model") / "noisy"
    shutil.copytree(xalign.load_encoder().source.folder, folder)
    generator = torch.Generator().manual_seed(0)
    weights = load_file(folder / "model.safetensors")
    for name, values in weights.items():
        if values.ndim > 1:
            noise = torch.randn(values.shape, generator=generator) * values.float().std()
            weights[name] = (values.float() + 1.2 * noise).to(values.dtype)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return xalign.load_encoder(folder, device="cpu")


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> ActivationCache:
    return ActivationCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def corpus() -> ParallelCorpus:
    """Six of the topics, 52 sentences: just enough to watch five."""
    whole = xalign.load_corpus(progress=False).select(LANGUAGES)
    topics = ("family", "sports", "science", "food", "travel", "everyday_life")
    return whole.at([row for row, topic in enumerate(whole.labels) if topic in topics])


@pytest.fixture(scope="module")
def rows(corpus):
    return divide(corpus, pivot="eng_Latn", seed=0)


@pytest.fixture(scope="module")
def result(encoder, corpus, cache, tmp_path_factory) -> Realignment:
    out = tmp_path_factory.mktemp("out") / "realigned"
    return realign(encoder, corpus, languages=CHOSEN, unseen=UNSEEN, out=out, cache=cache, **FAST)


def scores(table: pd.DataFrame) -> pd.Series:
    return table.set_index(["layer", "probe", "target"])["score"]


def test_both_reports_are_the_probes_own_on_the_rows_that_were_not_trained_on(result, encoder, rows, cache):
    realigned = xalign.load_encoder(result.folder, device="cpu")
    for model, report in ((encoder, result.before), (realigned, result.after)):
        expected = xalign.probe(
            model, rows.test, probes="cka,retrieval", n_permutations=1, n_resamples=1, cache=cache, progress=False
        )
        pd.testing.assert_series_equal(scores(report.table), scores(expected.table))


def test_only_training_rows_of_chosen_languages_are_trained_on_and_only_those_to_watch_watched(
    corpus, rows, cache, encoder, tmp_path, monkeypatch
):
    seen = stopped_at_training(monkeypatch)
    with pytest.raises(Stop):
        realign(encoder, corpus, languages=CHOSEN, out=tmp_path / "out", probes="retrieval", cache=cache, **FAST)
    assert seen["corpus"] == rows.train
    assert seen["held_out"] == rows.dev
    assert list(seen["languages"]) == CHOSEN
    assert (seen["pivot"], seen["settings"]) == ("eng_Latn", SETTINGS)


def stopped_at_training(monkeypatch) -> dict[str, object]:
    """Stop runs where training would begin; gives what it is called with."""
    seen: dict[str, object] = {}

    def train(encoder, corpus, languages, out, settings, **options):
        seen.update(options, corpus=corpus, languages=languages, out=out, settings=settings)
        raise Stop

    monkeypatch.setattr(studying, "train", train)
    return seen


def test_what_moved_is_taken_from_the_two_reports(result):
    groups = dict.fromkeys(CHOSEN, "chosen") | dict.fromkeys(UNSEEN, "unseen")
    groups |= dict.fromkeys(OTHER, "other")
    changes = tabulate_changes(result.before.table, result.after.table, groups)
    pd.testing.assert_frame_equal(result.changes, changes)
    pd.testing.assert_frame_equal(result.moved, measure_movement(changes))
    assert list(result.headline["group"]) == ["chosen", "other", "unseen"]
    assert (result.probe, result.layer) == ("retrieval", 6)
    assert result.run["training"]["best_step"] > 0
    assert result.changes["change"].abs().max() > 0.001


def test_the_pivots_own_task_stands_beside(result):
    assert list(result.topics["group"]) == ["pivot", "chosen", "other", "unseen"]
    assert set(result.topics["n_sentences"]) == {10}
    mine = result.accuracy[(result.accuracy["side"] == "before") & (result.accuracy["language"] == "eng_Latn")]
    row = result.topics.iloc[0]
    assert row["before"] == mine.set_index("layer").loc[row["layer_before"], "accuracy"]


def test_the_folder_is_an_ordinary_model_with_a_record_of_what_was_done(result, encoder, corpus):
    model = transformers.AutoModel.from_pretrained(result.folder)
    start = encoder.model.state_dict()
    assert any(not np.array_equal(values, start[name]) for name, values in model.state_dict().items() if name in start)
    record = json.loads((result.folder / "realign.json").read_text())
    assert (record["languages"], record["unseen"]) == (CHOSEN, UNSEEN)
    assert record["candidates"] == sorted([*CHOSEN, *OTHER])
    assert record["corpus"]["hash"] == corpus.fingerprint
    assert record["division"].endswith("(random rows, 70, 10 and 20 %, seed 0)")
    assert record["settings"]["loss"] == "sentence"
    assert record["training"]["word_pairs"] == "none: whole sentences are aligned"
    assert record["seeds"] == {"training": 0, "measuring": 0}
    assert record["model"]["fingerprint"] == encoder.fingerprint != record["realigned"]["fingerprint"]
    for side in ("before", "after"):
        row = result.headline.set_index("group").loc["chosen"]
        assert record[side]["retrieval"]["6"]["chosen"] == pytest.approx(row[side], abs=1e-6)


def test_a_saved_result_loads_as_it_was(result):
    loaded = Realignment.load(result.folder)
    for name in ("moved", "changes", "topics", "accuracy"):
        pd.testing.assert_frame_equal(getattr(loaded, name), getattr(result, name))
    pd.testing.assert_frame_equal(loaded.before.table, result.before.table)
    assert loaded.run == json.loads(json.dumps(result.run))
    assert loaded.warnings == result.warnings
    assert repr(loaded) == repr(result)


def test_the_same_call_again_trains_and_measures_nothing_anew(result, encoder, corpus, cache, monkeypatch):
    def never(*_, **__):
        pytest.fail("probed again")

    monkeypatch.setattr("xalign.realigning.measuring.probe", never)
    kept = [result.folder / name for name in ("model.safetensors", "before/run.json", "after/run.json")]
    times = [path.stat().st_mtime_ns for path in kept]
    again = realign(encoder, corpus, languages=CHOSEN, unseen=UNSEEN, out=result.folder, cache=cache, **FAST)
    pd.testing.assert_frame_equal(again.moved, result.moved)
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_a_run_that_died_after_training_measures_the_model_that_is_there(result, encoder, corpus, cache, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(result.folder, out)
    shutil.rmtree(out / "after")
    (out / "realign.json").unlink()
    again = realign(encoder, corpus, languages=CHOSEN, unseen=UNSEEN, out=out, cache=cache, **FAST)
    pd.testing.assert_frame_equal(again.moved, result.moved)


def test_a_report_is_kept_only_for_the_same_model_text_and_arguments(result, encoder, rows, cache):
    same = Measuring(("cka", "retrieval"), "eng_Latn", "mean", 10, 20, 0, cache, False)
    folder = result.folder / "before"
    kept = same.kept_report(encoder, rows.test, folder)
    pd.testing.assert_frame_equal(kept.table, result.before.table)
    realigned = xalign.load_encoder(result.folder, device="cpu")
    assert same.kept_report(realigned, rows.test, folder) is None
    assert same.kept_report(encoder, rows.dev, folder) is None
    assert same.kept_report(encoder, rows.test.select(LANGUAGES[:3]), folder) is None
    assert same.kept_report(encoder, rows.test, result.folder / "nowhere") is None
    for change in ({"probes": ("cka",)}, {"seed": 1}, {"n_resamples": 21}, {"pooling": "cls"}):
        assert replace(same, **change).kept_report(encoder, rows.test, folder) is None


def test_another_training_does_not_touch_a_folder_that_holds_a_result(result, encoder, corpus, cache):
    before = (result.folder / "realign.json").read_bytes()
    with pytest.raises(RealignmentError, match=r"pass resume=False \(--no-resume\) to begin again, or change out"):
        realign(encoder, corpus, languages=["deu_Latn"], out=result.folder, cache=cache, **FAST)
    assert (result.folder / "realign.json").read_bytes() == before
    assert (result.folder / "before" / "run.json").is_file()


@pytest.mark.parametrize(
    ("choose", "change", "words"),
    [
        (1, {}, r"choose \(2 there, 1 now\)"),
        (2, {"batch_size": 4}, r"data: batch_size \(8 there, 4 now\); pass"),
        (2, {"languages": "deu,tur,yor"}, r"data: languages \(tam_Taml, yor_Latn there, yor_Latn now\); pass"),
    ],
)
def test_a_used_folder_is_refused_before_languages_are_chosen(
    result, encoder, corpus, monkeypatch, choose, change, words
):
    def never(*_):
        pytest.fail("chosen")

    monkeypatch.setattr(studying, "pick_languages", never)
    pool = change.pop("languages", None)
    settings = FAST | {"settings": SETTINGS.changed(**change)}
    with pytest.raises(RealignmentError, match=words):
        realign(encoder, corpus, languages=pool, choose=choose, out=result.folder, cache=False, **settings)


def test_a_folder_with_something_else_or_other_checkpoints_is_refused_before_languages_are_chosen(
    encoder, corpus, tmp_path, monkeypatch
):
    monkeypatch.setattr(studying, "pick_languages", lambda *_: pytest.fail("chosen"))
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RealignmentError, match=r"which holds notes\.txt"):
        realign(encoder, corpus, choose=2, out=tmp_path, cache=False, **FAST)
    (tmp_path / "out.work").mkdir()
    (tmp_path / "out.work" / "notes.txt").write_text("mine")
    with pytest.raises(RealignmentError, match="is needed for checkpoints, but holds something else"):
        realign(encoder, corpus, choose=2, out=tmp_path / "out", cache=False, **FAST)


def test_the_same_choice_may_go_on_where_it_stopped(result, encoder, corpus, monkeypatch):
    def reached(*_):
        raise Stop

    monkeypatch.setattr(studying, "pick_languages", reached)
    for pool in (None, [*CHOSEN, *OTHER]):
        with pytest.raises(Stop):
            realign(encoder, corpus, languages=pool, choose=2, out=result.folder, cache=False, **FAST)


def test_checkpoints_of_another_training_are_refused_before_anything_is_measured(
    result, encoder, corpus, tmp_path, monkeypatch
):
    run = json.loads((result.folder / "training_run.json").read_text())["run"]
    checkpoint = tmp_path / "out.work" / "checkpoint-2"
    checkpoint.mkdir(parents=True)
    (checkpoint / "progress.json").write_text("{}")
    (checkpoint.parent / "run.json").write_text(json.dumps(run))
    monkeypatch.setattr("xalign.realigning.measuring.probe", lambda *_, **__: pytest.fail("probed"))
    words = r"checkpoints of an interrupted run with other settings or data: languages \(tam_Taml, yor_Latn there"
    with pytest.raises(RealignmentError, match=words):
        realign(encoder, corpus, languages="deu", out=tmp_path / "out", cache=False, **FAST)
    words = r"interrupted run with other settings or data: choose \(2 there, 3 now\)"
    with pytest.raises(RealignmentError, match=words):
        realign(encoder, corpus, choose=3, out=tmp_path / "out", cache=False, **FAST)


def test_few_sentences_are_warned_of_and_the_record_says_how_often_was_looked(result):
    (warning,) = [warning for warning in result.warnings if warning.startswith("only")]
    assert warning.startswith("only 5 watched and 10 measured sentences (there should be 50)")
    assert result.run["settings"]["evaluate_every"] == 2


def test_settings_that_are_none_are_refused_before_a_model_is_loaded(tmp_path):
    for function in (realign, train):
        unchecked = inspect.unwrap(function)  # these tests check every type; a user's calls are not
        with pytest.raises(TypeError, match=r"RealignmentSettings\(steps=1000\), got dict \{'steps': 3\}"):
            unchecked("no/such/model", None, languages="swh", out=tmp_path / "out", settings={"steps": 3})


def test_languages_can_be_chosen_first_on_sentences_that_are_trained_on(
    encoder, corpus, rows, cache, tmp_path, monkeypatch
):
    asked, choose = {}, xalign.choosing.select_languages

    def watched(report, k, **options):
        asked.update(options, report=report, k=k)
        return choose(report, k, n_draws=5, **options)

    monkeypatch.setattr(xalign.choosing, "select_languages", watched)
    seen = stopped_at_training(monkeypatch)
    pool, out = ["deu_Latn", "tur_Latn", "yor_Latn", "tam_Taml"], tmp_path / "out"
    with pytest.raises(Stop):
        realign(encoder, corpus, languages=pool, choose=2, out=out, probes="retrieval", cache=cache, **FAST)
    assert asked["report"].run["corpus"]["hash"] == rows.train.select(["eng_Latn", *pool]).fingerprint
    chosen = json.loads((out / "chosen.json").read_text())
    assert list(seen["languages"]) == chosen["languages"]
    assert len(chosen["languages"]) == asked["k"] == 2
    groups = group_languages(read_languages(f"@{out / 'chosen.json'}"), corpus, pivot="eng_Latn")
    assert set(groups.unseen) == set(UNSEEN)


def test_bitexts_are_realigned_and_measured_without_a_task(encoder, corpus, cache, tmp_path):
    pairs = {code: corpus.select([code, "eng_Latn"]) for code in ("deu_Latn", "swh_Latn")}
    text = BitextCorpus("pairs", "eng_Latn", pairs)
    found = realign(encoder, text, languages="swh", out=tmp_path / "out", probes="retrieval", cache=cache, **FAST)
    assert set(found.changes["language"]) == set(pairs)
    assert found.topics.empty
    assert any("own task score is not shown: pairs is a set of bitexts" in warning for warning in found.warnings)
    assert Realignment.load(found.folder).topics.empty


def test_a_dictionary_of_one_language_serves_that_alone(encoder, corpus, cache, tmp_path):
    words = tmp_path / "words.tsv"
    words.write_text("Haus\thouse\n", encoding="utf-8")
    strong = SETTINGS.changed(loss="strong")
    with pytest.raises(SettingError, match="is of one language, but there are 2"):
        realign(
            encoder, corpus, languages=CHOSEN, out=tmp_path / "out", word_pairs=words, **FAST | {"settings": strong}
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"languages": "isl"}, UnknownNameError, "got 'isl'"),
        ({"languages": "eng,swh"}, SettingError, "others than the pivot"),
        ({"languages": "swh", "pivot": "isl_Latn"}, CorpusError, "pivot 'isl_Latn' is not in corpus"),
        ({"languages": "swh", "probes": "retreival"}, UnknownNameError, "did you mean 'retrieval'"),
        ({"languages": "swh", "n_resamples": 1}, SettingError, "n_resamples must be at least 2"),
        ({"languages": "swh", "seed": -1}, SettingError, "seed"),
        ({"languages": "swh", "settings": SETTINGS.changed(layers=9)}, UnknownNameError, "layers must be in 0 to 6"),
        ({"languages": "swh,deu", "choose": 3}, SettingError, "choose must be in 1 to 2"),
        ({}, SettingError, "or choose how many"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(encoder, corpus, tmp_path, arguments, error, words):
    with pytest.raises(error, match=words):
        realign(encoder, corpus, out=tmp_path / "out", cache=False, **FAST | arguments)
    assert not (tmp_path / "out").exists()


def test_the_starting_models_own_folder_is_refused(encoder, corpus):
    own = Path(encoder.source.folder)
    with pytest.raises(SettingError, match="out must be another folder than the starting model's"):
        realign(encoder, corpus, languages="swh", out=own, **FAST)
    assert not (own / "before").exists()
