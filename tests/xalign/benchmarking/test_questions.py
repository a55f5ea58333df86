"""Questions and paragraphs: who belongs to whom, accuracy against brute force, and the pool of all languages."""

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from probes import multilingual_pool
from probes.retrieval_sides import retrieval_side
from probes.retrieval_statistics import RetrievalStatistics
from xalign.benchmarking import benchmark
from xalign.benchmarking.judged import Draws
from xalign.benchmarking.question_trial import PreparedQuestions
from xalign.corpora import load_corpus
from xalign.encoders import load_encoder
from xalign.errors import CorpusError, ProbeError, SettingError

QUIET = {"progress": False, "n_permutations": 19, "n_resamples": 20}
LANGUAGES = {"en": "eng_Latn", "de": "deu_Latn", "fr": "fra_Latn"}
N_PARAGRAPHS = 16


@pytest.fixture(scope="module")
def xquad(tmp_path_factory) -> Path:
    """SQuAD files made of the embedded corpus: paragraphs of 3 sentences, one or two of them asked again."""
    folder = tmp_path_factory.mktemp("data") / "xquad"
    folder.mkdir()
    text = load_corpus(languages=list(LANGUAGES.values()))
    for short, code in LANGUAGES.items():
        rows = text.sentences[code]
        paragraphs = [
            {
                "context": " ".join(rows[3 * j : 3 * j + 3]),
                "qas": [{"id": f"q{j}-{i}", "question": rows[3 * j + i]} for i in range(1 + j % 2)],
            }
            for j in range(N_PARAGRAPHS)
        ]
        document = {"data": [{"title": "all", "paragraphs": paragraphs}]}
        (folder / f"xquad.{short}.json").write_text(json.dumps(document), encoding="utf-8")
    return folder.parent


def brute(x: np.ndarray, y: np.ndarray, right: np.ndarray) -> float:
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (x, y)]
    return float(np.mean(np.argmax(unit[0] @ unit[1].T, axis=1) == right))


def prepared(n_paragraphs: int = 6, n_questions: int = 14, seed: int = 0) -> PreparedQuestions:
    rng = np.random.default_rng(seed)
    y, right = rng.standard_normal((n_paragraphs, 5)), np.arange(n_questions) % n_paragraphs
    x = y[right] + 0.8 * rng.standard_normal((n_questions, 5))
    answers = RetrievalStatistics(retrieval_side(x), retrieval_side(y)).nearest[0].answers()
    found = PreparedQuestions(answers, right, n_paragraphs)
    assert found.score == brute(x, y, right)
    return found


def test_chance_is_the_mean_over_all_ways_to_name_the_paragraphs():
    found = prepared(n_paragraphs=5)
    every = np.array(list(permutations(range(5))))
    assert found.hits(every[:, found.right]).mean() == pytest.approx(1 / 5)
    assert found.judged(Draws(5, 5, 0)).chance == 1 / 5


def test_a_resample_draws_paragraphs_with_all_their_questions():
    found, draws = prepared(), Draws(3, 8, 0)
    hits = found.hits(found.right[None, :])[0]
    expected = []
    for counts in draws.counts(6):
        drawn = np.repeat(np.arange(6), counts)
        asked = np.concatenate([np.flatnonzero(found.right == paragraph) for paragraph in drawn])
        expected.append(hits[asked].mean())
    np.testing.assert_allclose(found.judged(draws).resampled, expected)


def test_level_paragraphs_share_a_question():
    x, y = np.eye(4)[[0, 1, 2, 3, 0]] + 0.0, np.eye(4)[[0, 0, 2, 3]]
    answers = RetrievalStatistics(retrieval_side(x), retrieval_side(y)).nearest[0].answers()
    found = PreparedQuestions(answers, np.array([0, 1, 2, 3, 1]), 4)
    np.testing.assert_allclose(found.hits(found.right[None, :])[0], [0.5, 0.25, 1, 1, 0.5])


def test_the_benchmark_asks_every_language_of_every_other(xquad):
    result = benchmark(None, "xquad", data=xquad, layer=6, **QUIET)
    text = [load_corpus(f"{xquad / 'xquad'}{option}", progress=False) for option in ("", "#paragraphs")]
    encoder = load_encoder()
    right = np.repeat(np.arange(N_PARAGRAPHS), [1 + j % 2 for j in range(N_PARAGRAPHS)])
    rows = [
        {code: encoder.encode(each.sentences[code], layers=[6], progress=False).layer(6) for code in LANGUAGES.values()}
        for each in text
    ]
    found = result.table.set_index(["source", "target"])["score"]
    assert len(found) == 9
    for source in LANGUAGES.values():
        for target in LANGUAGES.values():
            assert found[source, target] == pytest.approx(brute(rows[0][source], rows[1][target], right))
    assert set(result.table["n"]) == {24}
    assert set(result.table["n_candidates"]) == {N_PARAGRAPHS}
    across = result.table[result.table["source"] != result.table["target"]]["score"].mean()
    assert result.score == pytest.approx(across)
    assert list(result.summary["direction"]) == ["across languages", "within a language"]


def test_the_pool_is_that_of_the_measure(xquad):
    result = benchmark(None, "xquad-pool", data=xquad, layer=5, **QUIET)
    encoder = load_encoder()
    text = [load_corpus(f"{xquad / 'xquad'}{option}", progress=False) for option in ("", "#paragraphs")]
    queries, candidates = (
        {code: encoder.encode(each.sentences[code], layers=[5], progress=False).layer(5) for code in each.languages}
        for each in text
    )
    right = np.repeat(np.arange(N_PARAGRAPHS), [1 + j % 2 for j in range(N_PARAGRAPHS)])
    expected = multilingual_pool(queries, candidates=candidates, answers=right)
    assert result.score == pytest.approx(expected.mean_average_precision)
    precise = result.table[result.table["metric"] == "map"].set_index("source")["score"]
    assert precise.to_dict() == pytest.approx(expected.per_language)
    top = result.table[result.table["metric"] == "top_language"].pivot(index="source", columns="target", values="score")
    np.testing.assert_allclose(top.loc[list(expected.languages), list(expected.languages)], expected.top_language)
    bias = result.summary[result.summary["metric"] == "top_language"].iloc[0]
    assert bias["score"] == pytest.approx(expected.own_language)
    assert bias["chance"] == pytest.approx(1 / 3)
    assert any("LAReQA" in warning for warning in result.warnings)


@pytest.mark.parametrize("task", ["xquad", "xquad-pool"])
@pytest.mark.parametrize("transform", ["none", "centre", "orthogonal"])
def test_paragraphs_that_choose_and_fit_are_not_scored(xquad, task, transform):
    result = benchmark(None, task, data=xquad, transform=transform, **QUIET)
    per_language = result.table.drop_duplicates("source")
    assert set(per_language["n_candidates"]) == {N_PARAGRAPHS // 2 * (3 if task == "xquad-pool" else 1)}
    assert result.run["protocol"]["reported_on"] == "half 2 (8)"
    assert result.run["protocol"]["chosen_on"].startswith("half 1")
    assert (result.run["protocol"]["fitted_on"] is None) == (transform == "none")
    assert result.layer == result.selection.loc[result.selection["score"].idxmax(), "layer"]


def test_a_pivot_keeps_the_pairs_that_it_is_part_of(xquad):
    result = benchmark(None, "xquad", data=xquad, layer=6, languages=["de"], pivot="eng", **QUIET)
    assert set(zip(result.table["source"], result.table["target"], strict=True)) == {
        ("eng_Latn", "eng_Latn"), ("eng_Latn", "deu_Latn"), ("deu_Latn", "eng_Latn"),
    }  # fmt: skip
    assert result.summary.iloc[0]["direction"] == "both ways"


def test_more_neighbours_than_paragraphs_are_refused_before_anything_is_encoded(xquad):
    with pytest.raises(ProbeError, match="at most the 16 candidates of the paragraphs of xquad"):
        benchmark(None, "xquad", data=xquad, layer=6, score="csls", k=17, **QUIET)


def test_a_pool_has_no_other_score_than_cosine(xquad):
    with pytest.raises(SettingError, match="score must be cosine"):
        benchmark(None, "xquad-pool", data=xquad, score="csls", **QUIET)


def test_questions_out_of_order_are_refused(tmp_path, xquad):
    document = json.loads((xquad / "xquad" / "xquad.en.json").read_text())
    paragraphs = document["data"][0]["paragraphs"]
    paragraphs[0]["qas"] = [{"id": "q1-1", "question": "Again?"}, *paragraphs[0]["qas"]]
    paragraphs[1]["qas"] = paragraphs[1]["qas"][:1]
    (tmp_path / "xquad.en.json").write_text(json.dumps(document))
    (tmp_path / "xquad.de.json").write_text((xquad / "xquad" / "xquad.de.json").read_text())
    with pytest.raises(CorpusError, match=r"ids of|order of their paragraphs"):
        benchmark(None, "xquad", data=tmp_path, layer=6, **QUIET)
