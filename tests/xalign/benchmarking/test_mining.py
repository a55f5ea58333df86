"""Mining: files in BUCC's format, a threshold chosen on one split and scored on another, F1 against brute force."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from probes.mining import mine_bitext, mining_scores
from xalign.benchmarking import benchmark
from xalign.benchmarking.bucc import load_bucc
from xalign.benchmarking.judged import Draws
from xalign.benchmarking.mined import MinedScores
from xalign.benchmarking.mining_parts import plan_mining
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.corpora import load_corpus
from xalign.encoders import load_encoder
from xalign.errors import CorpusError, ProbeError, SettingError, UnknownNameError

GOLD = {"training": range(0, 20), "test": range(50, 68)}
ONLY = {"training": (range(20, 32), range(32, 48)), "test": (range(68, 80), range(80, 96))}


def make_settings(**options) -> BenchmarkSettings:
    usual = {
        "task": "bucc", "languages": None, "layer": 6, "pooling": "mean", "score": "margin", "k": None,
        "margin": "ratio", "transform": "none", "prompt": None, "pivot": None, "split": None, "select": None,
        "n_permutations": 19, "n_resamples": 20, "seed": 0,
    }  # fmt: skip
    return BenchmarkSettings(**(usual | options))


def write_split(folder: Path, split: str, *, gold: bool = True) -> None:
    text = load_corpus(languages=["deu", "eng"])
    rng = np.random.default_rng(0)
    rows = [[*GOLD[split], *own] for own in ONLY[split]]
    for side, language in ((0, "de"), (1, "en")):
        rng.shuffle(rows[side])
        sentences = text.sentences[("deu_Latn", "eng_Latn")[side]]
        lines = "".join(f"{language}-{place:05d}\t{sentences[row]}\n" for place, row in enumerate(rows[side]))
        (folder / f"de-en.{split}.{language}").write_text(lines, encoding="utf-8")
    pairs = "".join(f"de-{rows[0].index(row):05d}\ten-{rows[1].index(row):05d}\n" for row in GOLD[split])
    if gold:
        (folder / f"de-en.{split}.gold").write_text(pairs, encoding="utf-8")


@pytest.fixture(scope="module")
def bucc(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bucc2018") / "de-en"
    folder.mkdir()
    for split in GOLD:
        write_split(folder, split)
    return folder.parent


def mine(folder: Path, split: str, layer: int):
    """Mine a split apart from the benchmark."""
    found = load_bucc(folder, make_settings()).pairs[0].splits[split]
    encoder = load_encoder()
    x, y = (encoder.encode(side, layers=[layer], progress=False).layer(layer) for side in (found.x, found.y))
    return mine_bitext(x, y), [(int(i), int(j)) for i, j in found.gold]


def test_the_files_are_read_as_they_were_written(bucc):
    material = load_bucc(bucc, make_settings())
    (pair,) = material.pairs
    assert (pair.source, pair.target, material.pivot) == ("deu_Latn", "eng_Latn", "eng_Latn")
    text = load_corpus(languages=["deu", "eng"])
    split = pair.splits["test"]
    assert (len(split.x), len(split.y), len(split.gold)) == (30, 34, 18)
    rows = [text.sentences["deu_Latn"].index(split.x[i]) for i, _ in split.gold]
    assert rows == [text.sentences["eng_Latn"].index(split.y[j]) for _, j in split.gold] == list(GOLD["test"])


def test_the_threshold_of_training_is_scored_on_test(bucc, quiet):
    result = benchmark(None, "bucc", data=bucc, layer=4, **quiet)
    tuned = mining_scores(*(lambda mined, gold: (mined.pairs, mined.margins, gold))(*mine(bucc, "training", 4)))
    mined, gold = mine(bucc, "test", 4)
    expected = mining_scores(mined.pairs, mined.margins, gold, threshold=tuned.best_threshold)
    found = result.table.set_index("metric")["score"]
    assert found["f1"] == pytest.approx(expected.f1) == pytest.approx(result.score)
    assert found["precision"] == pytest.approx(expected.precision)
    assert found["recall"] == pytest.approx(expected.recall)
    assert found["f1_best_threshold"] == pytest.approx(expected.best_f1)
    assert any("the threshold is the best on training" in warning for warning in result.warnings)
    assert set(zip(result.table["n"], result.table["n_candidates"], strict=True)) == {(30, 34)}


def test_the_layer_is_chosen_on_training(bucc, quiet):
    result = benchmark(None, bucc, **quiet)
    chosen = []
    for layer in range(7):
        mined, gold = mine(bucc, "training", layer)
        chosen.append(mining_scores(mined.pairs, mined.margins, gold).best_f1)
    np.testing.assert_allclose(result.selection["score"], chosen)
    assert result.layer == int(np.argmax(chosen))


def test_a_single_split_is_told_to_flatter_its_threshold(bucc, quiet, tmp_path):
    for path in (bucc / "de-en").glob("*.training.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    write_split(tmp_path, "test", gold=False)
    fixed = benchmark(None, tmp_path, layer=6, **quiet)
    assert any("which flatters F1" in warning for warning in fixed.warnings)
    assert any("without a gold file, and passed over: de-en.test" in warning for warning in fixed.warnings)
    scores = fixed.table.set_index("metric")["score"]
    assert scores["f1"] == scores["f1_best_threshold"]
    halved = benchmark(None, tmp_path, transform="centre", **quiet)
    assert halved.run["protocol"]["fitted_on"].startswith("training, half 1")
    assert halved.run["protocol"]["reported_on"].startswith("training, half 2")


@pytest.mark.parametrize("seed", range(5))
def test_halves_keep_true_pairs_together(seed):
    rng = np.random.default_rng(seed)
    gold = np.stack([rng.permutation(20)[:12], rng.permutation(25)[:12]], axis=1)
    plan = plan_mining({"training": (20, 25, gold)}, make_settings(layer="best", seed=seed), name="de-en")
    rows = [
        {(int(part.x.rows[i]), int(part.y.rows[j])) for i, j in part.gold} for part in (plan.tuning, plan.scored_part)
    ]
    assert rows[0] | rows[1] == set(map(tuple, gold.tolist()))
    assert not rows[0] & rows[1]
    assert sum(plan.tuning.n) + sum(plan.scored_part.n) == 45


def brute(kept, gold, counts) -> dict[str, float]:
    true = {tuple(pair) for pair in gold.tolist()}
    right = sum(counts[i] for i, j in kept.tolist() if (i, j) in true)
    n_kept, n_true = (sum(counts[i] for i, _ in pairs.tolist()) for pairs in (kept, gold))
    return {"f1": 2 * right / (n_kept + n_true), "precision": right / n_kept, "recall": right / n_true}


def test_scores_null_and_chance_agree_with_brute_force():
    gold = np.array([[0, 1], [2, 3], [3, 0], [5, 5]])
    kept = np.array([[0, 1], [2, 0], [3, 3], [4, 5], [5, 5], [1, 2]])
    judged = MinedScores(kept, gold, 7).judged(Draws(30, 30, 0))
    shuffled = [np.stack([gold[:, 0], gold[list(order), 1]], axis=1) for order in permutations(range(4))]
    ones = np.ones(7)
    for name, each in judged.items():
        assert each.score == pytest.approx(brute(kept, gold, ones)[name])
        assert each.chance == pytest.approx(np.mean([brute(kept, other, ones)[name] for other in shuffled]))
        expected = [
            brute(kept, np.stack([gold[:, 0], gold[order, 1]], axis=1), ones)[name]
            for order in Draws(30, 30, 0).permutations(4)
        ]
        np.testing.assert_allclose(each.permuted, expected)


def test_a_resample_draws_sources_with_what_was_kept_and_what_is_true_of_them():
    gold, kept = np.array([[0, 1], [2, 3], [3, 0]]), np.array([[0, 1], [2, 0], [3, 0], [1, 2]])
    draws = Draws(3, 40, 0)
    judged = MinedScores(kept, gold, 9).judged(draws)
    counts = draws.counts_among(4, 9)
    for name, each in judged.items():
        with np.errstate(invalid="ignore"):
            expected = [brute(kept, gold, {i: np.float64(row[i]) for i in range(4)})[name] for row in counts]
        np.testing.assert_allclose(each.resampled, expected)
    assert counts.sum(axis=1).max() <= 9
    assert counts.mean() == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("de-en.test.de", "no tab here\n", "line 1: two cells with a tab"),
        ("de-en.test.de", "a\tx\na\ty\n", "line 2: ids must be unique, got a again"),
        ("de-en.test.en", "a\t \n", "line 1: a sentence was expected"),
        ("de-en.test.en", "", "an empty file"),
        ("de-en.test.gold", "de-00000\ten-99999\n", "line 1: an id of the sentences was expected, got 'en-99999'"),
        ("de-en.test.gold", "de-00000\ten-00000\n" * 2, "a pair may stand once"),
        ("de-en.test.gold", "", "at least one pair"),
        ("test.gold", "", "a name such as de-en.training.gold"),
    ],
)
def test_malformed_files_are_told_by_line(tmp_path, name, text, words):
    write_split(tmp_path, "test")
    (tmp_path / name).write_text(text)
    with pytest.raises(CorpusError, match=words):
        load_bucc(tmp_path, make_settings())


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"transform": "linear"}, SettingError, "fitted on a language by itself"),
        ({"score": "csls"}, SettingError, "score must be margin"),
        ({"split": "tset"}, UnknownNameError, "did you mean 'test'"),
        ({"split": "test", "select": "test"}, SettingError, "another split"),
        ({"languages": ["fra"]}, CorpusError, "gold files such as de-en.training.gold in fra"),
        ({"k": 31}, ProbeError, "at most the 30 candidates of deu_Latn and eng_Latn"),
    ],
)
def test_what_cannot_be_mined_is_refused(bucc, quiet, options, error, words):
    with pytest.raises(error, match=words):
        benchmark(None, "bucc", data=bucc, **({"layer": 6} | quiet | options))
