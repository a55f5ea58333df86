"""The multilingual pool against its definition, its ties, its chance, and the bias towards a query's own language."""

from functools import partial
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from probes import arrays, prepared_pool, strong_alignment
from probes.judging import draw_resamples
from probes.pool import PoolPreparation, multilingual_pool
from probes.prepared_pool import draw_orders, pool_seconds

Vectors = dict[str, np.ndarray]


def tied(m: int, n: int, d: int, seed: int) -> Vectors:
    """Rows of small whole numbers: many equal cosines, and equal rows."""
    rng = np.random.default_rng(seed)
    meaning = rng.integers(0, 2, (n, d))
    return {f"language {i}": meaning + rng.integers(0, 2, (n, d)) + np.eye(1, d) for i in range(m)}


def related(m: int = 4, n: int = 20, d: int = 12, seed: int = 0, offset: float = 0.0) -> Vectors:
    rng = np.random.default_rng(seed)
    meaning = rng.standard_normal((n, d))
    return {
        f"language {i}": meaning + 0.7 * rng.standard_normal((n, d)) + offset * rng.standard_normal(d) for i in range(m)
    }


def expected_precision(values: np.ndarray, right: np.ndarray) -> float:
    """Average precision, level values in every possible order."""
    total, above, right_above = 0.0, 0, 0
    for value in np.unique(values)[::-1]:
        t, r = int((values == value).sum()), int((right & (values == value)).sum())
        sums = [
            sum((right_above + i + 1) / (above + place + 1) for i, place in enumerate(places))
            for places in combinations(range(t), r)
        ]
        total, above, right_above = total + float(np.mean(sums)), above + t, right_above + r
    return total / right.sum()


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def by_definition(x: Vectors, candidates: Vectors | None, answers: list[int], labels: np.ndarray):
    """Scores by language, and who answers first, one query after another."""
    m, given = len(x), x if candidates is None else candidates
    owner = np.repeat(np.arange(m), len(labels))
    everything, label = np.concatenate([unit(z) for z in given.values()]), np.tile(labels, m)
    scores, top = np.zeros((m, len(answers))), np.zeros((m, m))
    for language, queries in enumerate(x.values()):
        for i, query in enumerate(unit(queries)):
            values = np.round(everything @ query, 11)
            right = label == labels[answers[i]]
            kept = np.full(right.size, True) if candidates is not None else ~(right & (owner == language))
            scores[language, i] = expected_precision(values[kept], right[kept])
            first = kept & (values == values[kept].max())
            top[language] += np.bincount(owner[first], minlength=m) / first.sum()
    return scores.mean(axis=1), top / len(answers)


@settings(max_examples=30, deadline=None)
@given(m=st.integers(2, 4), n=st.integers(3, 6), d=st.integers(2, 5), seed=st.integers(0, 999), grouped=st.booleans())
def test_a_pool_of_sentences_is_its_definition_ties_and_groups_included(m, n, d, seed, grouped):
    x = tied(m, n, d, seed)
    labels = np.random.default_rng(seed).integers(0, n - 1, n) if grouped else np.arange(n)
    result = multilingual_pool(x, groups=[f"text {i}" for i in labels] if grouped else None)
    scores, top = by_definition(x, None, list(range(n)), labels)
    np.testing.assert_allclose(list(result.per_language.values()), scores, atol=1e-9)
    np.testing.assert_allclose(result.top_language, top, atol=1e-9)
    assert result.score == pytest.approx(scores.mean())
    assert result.own_language == pytest.approx(np.trace(top) / m)


@settings(max_examples=30, deadline=None)
@given(m=st.integers(2, 3), n=st.integers(2, 6), c=st.integers(2, 4), seed=st.integers(0, 999), grouped=st.booleans())
def test_a_pool_of_paragraphs_is_its_definition_ties_and_groups_included(m, n, c, seed, grouped):
    x, candidates, rng = tied(m, n, 4, seed), tied(m, c, 4, seed + 1), np.random.default_rng(seed)
    answers, labels = rng.integers(0, c, n), rng.integers(0, c, c) if grouped else np.arange(c)
    shuffled = {language: candidates[language] for language in reversed(candidates)}
    result = multilingual_pool(x, candidates=shuffled, answers=answers, groups=labels if grouped else None)
    scores, top = by_definition(x, candidates, answers.tolist(), labels)
    np.testing.assert_allclose(list(result.per_language.values()), scores, atol=1e-9)
    np.testing.assert_allclose(result.top_language, top, atol=1e-9)


def test_without_ties_it_is_the_average_precision_of_scikit_learn():
    x, candidates = related(3, 8), related(3, 8, seed=0)
    result = multilingual_pool(x, candidates=candidates)
    everything = np.concatenate([unit(z) for z in candidates.values()])
    for language, queries in x.items():
        expected = [
            average_precision_score(np.tile(np.arange(8) == i, 3), everything @ query)
            for i, query in enumerate(unit(queries))
        ]
        assert result.per_language[language] == pytest.approx(np.mean(expected), abs=1e-12)


def test_two_languages_answer_first_where_strong_alignment_does():
    x, y = related(2, 60, 6, seed=3).values()
    prepared = PoolPreparation().of({"x": x, "y": y})
    assert 0.1 < (prepared.average_precisions == 1).mean() < 0.9
    assert (prepared.average_precisions == 1).mean() == pytest.approx(strong_alignment(x, y).score)


def test_a_right_answer_tied_with_a_wrong_one_has_the_mean_of_both_orders():
    x = {"a": np.eye(4)[:2], "b": np.eye(4)[[0, 0]]}
    result = multilingual_pool(x)
    assert result.per_language["a"] == pytest.approx(((1 + 1 / 2) / 2 + (1 + 1 / 2 + 1 / 3) / 3) / 2)
    assert result.per_language["b"] == pytest.approx(((1 + 1 / 2) / 2 + 1 / 3) / 2)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_constant_vectors_score_exactly_chance(kind):
    m, n = 3, 5
    result = multilingual_pool({str(i): np.ones((n, 4), dtype=kind) for i in range(m)})
    assert result.score == pytest.approx(result.chance, abs=1e-12)
    own = (n - 1) / (m * n - 1)
    assert (result.own_language, result.own_language_chance) == pytest.approx((own, own))
    np.testing.assert_allclose(result.top_language[~np.eye(m, dtype=bool)], (1 - own) / (m - 1))


def test_the_answer_does_not_depend_on_the_order_of_rows_or_languages():
    x = tied(3, 17, 4, 1)
    order, result = np.random.default_rng(0).permutation(17), multilingual_pool(x)
    other = multilingual_pool({language: x[language][order] for language in reversed(x)})
    assert {k: pytest.approx(v, abs=1e-12) for k, v in other.per_language.items()} == result.per_language
    np.testing.assert_allclose(other.top_language[::-1, ::-1], result.top_language, atol=1e-12)


def test_a_language_offset_makes_every_first_answer_its_own_and_centring_undoes_it():
    x = related(4, 200, 64, offset=8.0)
    biased = multilingual_pool(x)
    np.testing.assert_allclose(biased.top_language, np.eye(4))
    centred = multilingual_pool({language: z - z.mean(axis=0) for language, z in x.items()})
    assert centred.own_language < 0.05 < centred.own_language_chance < biased.own_language == 1
    assert centred.score > 0.9
    assert biased.score < biased.chance


@pytest.mark.parametrize("paragraphs", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
def test_chance_is_what_unrelated_vectors_score(paragraphs, grouped):
    rng, m, n, draws = np.random.default_rng(0), 3, 6, 150
    groups = np.array([0, 0, 1, 2, 3, 4]) if grouped else None
    results = []
    for _ in range(draws):
        x, y = ({str(i): rng.standard_normal((n, 60)) for i in range(m)} for _ in range(2))
        results.append(multilingual_pool(x, candidates=y if paragraphs else None, groups=groups))
    scores, own = np.array([(r.score, r.own_language) for r in results]).T
    assert abs(scores.mean() - results[0].chance) < 4 * scores.std() / np.sqrt(draws)
    assert abs(own.mean() - results[0].own_language_chance) < 4 * own.std() / np.sqrt(draws)


def test_chance_has_its_closed_form():
    n = 2 * 7 - 1
    assert multilingual_pool(related(2, 7)).chance == pytest.approx(sum(1 / i for i in range(1, n + 1)) / n)
    everyone_right = multilingual_pool(related(3, 4), groups=[0, 0, 0, 0])
    assert everyone_right.chance == everyone_right.score == pytest.approx(1)


@pytest.mark.parametrize("paragraphs", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("kept", [0, 1 << 24], ids=["ranked again", "ranks kept"])
def test_the_null_is_the_score_of_shuffled_candidates(monkeypatch, paragraphs, grouped, kept):
    monkeypatch.setattr(prepared_pool, "KEPT_RANKS", kept)
    x, n = tied(3, 7, 4, 5), 7
    options = {"groups": np.array([0, 0, 1, 2, 3, 4, 5]) if grouped else None}
    candidates = tied(3, n, 4, 6) if paragraphs else None
    null = PoolPreparation(candidates, **options).of(x).null(5, seed=3)
    for draw in range(5):
        orders = dict(zip(x, draw_orders(3, 5, n, seed=3)[:, draw], strict=True))
        for row, language in enumerate(x):
            if paragraphs:
                shuffled = {other: candidates[other][orders[other]] for other in x}
                again = multilingual_pool(x, candidates=shuffled, **options)
            else:
                moved = {other: x[other] if other == language else x[other][orders[other]] for other in x}
                again = multilingual_pool(moved, **options)
            assert null[row, draw] == pytest.approx(again.per_language[language], abs=1e-12)


def test_the_null_of_unrelated_vectors_lies_around_chance_and_differs_between_draws():
    rng = np.random.default_rng(1)
    prepared = PoolPreparation().of({str(i): rng.standard_normal((40, 200)) for i in range(4)})
    null = prepared.null(50)
    np.testing.assert_allclose(null.mean(axis=1), prepared.chances, atol=null.std())
    assert (null.std(axis=1) > 0).all()
    np.testing.assert_array_equal(null, prepared.null(50))
    assert (null != prepared.null(50, seed=1)).any()


def test_bootstrap_draws_questions_and_keeps_the_pool():
    prepared, counts = PoolPreparation().of(related(3, 20)), draw_resamples(20, 6)
    expected = [[row @ count / 20 for count in counts] for row in prepared.average_precisions]
    np.testing.assert_allclose(prepared.resampled(counts), expected, atol=1e-12)
    np.testing.assert_allclose(prepared.resampled(np.ones((1, 20), dtype=int))[:, 0], prepared.scores)


def test_blocks_of_any_size_give_the_same(monkeypatch):
    x = tied(3, 19, 5, 4)
    whole, null = multilingual_pool(x), PoolPreparation().of(x).null(7)
    monkeypatch.setattr(arrays.row_chunks, "__kwdefaults__", {"elements": 57 * 4})
    cut = multilingual_pool(x)
    assert cut.per_language == pytest.approx(whole.per_language, abs=1e-12)
    np.testing.assert_allclose(cut.top_language, whole.top_language, atol=1e-12)
    np.testing.assert_allclose(PoolPreparation().of(x).null(7), null, atol=1e-12)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_torch_agrees_with_numpy_and_nothing_is_changed(kind):
    x = {language: torch.tensor(z, dtype=kind) for language, z in tied(3, 9, 4, 2).items()}
    before = {language: z.clone() for language, z in x.items()}
    narrow, wide = multilingual_pool(x), multilingual_pool({k: z.double().numpy() for k, z in x.items()})
    assert narrow.per_language == pytest.approx(wide.per_language, abs=1e-12)
    np.testing.assert_allclose(narrow.top_language, wide.top_language, atol=1e-12)
    assert all((x[language] == before[language]).all() for language in x)


def test_the_estimate_grows_with_the_square_of_the_pool_and_tells_what_is_too_large():
    report, xquad, flores = (partial(pool_seconds, m, n, 256) for m, n in ((24, 100), (12, 1190), (205, 1004)))
    assert report(n_draws=200) < 1 < xquad() < 20 < 600 < flores()
    assert xquad(n_draws=1) == pytest.approx(2 * xquad(), rel=0.01)
    assert pool_seconds(10, 500, 64, n_candidates=1000) == pytest.approx(pool_seconds(10, 1000, 64) / 2)


@pytest.mark.usefixtures("unchecked")
def test_unfit_input_is_refused_by_name():
    x = {"a": np.eye(5), "b": np.eye(5)}
    with pytest.raises(ValueError, match="queries must be in at least 2 languages, got 1"):
        multilingual_pool({"a": np.eye(5)})
    with pytest.raises(ValueError, match=r"b must have the shape of a, \(5, 5\), got \(4, 5\); rows are matched"):
        multilingual_pool({"a": np.eye(5), "b": np.eye(5)[:4]})
    with pytest.raises(ValueError, match="b must have a direction in every row, got zeros in row 2"):
        multilingual_pool({"a": np.eye(5), "b": np.diag([1.0, 1, 0, 1, 1])})
    with pytest.raises(ValueError, match="candidates must be in the languages of the queries, a, b, got a, c"):
        multilingual_pool(x, candidates={"a": np.eye(5), "c": np.eye(5)})
    with pytest.raises(ValueError, match="answers must name the right candidate of each of the 5 queries among 3"):
        multilingual_pool(x, candidates={"a": np.eye(3, 5), "b": np.eye(3, 5)})
    with pytest.raises(ValueError, match="answers must be rows of the 3 candidates from 0, got 0 to 3"):
        multilingual_pool(x, candidates={"a": np.eye(3, 5), "b": np.eye(3, 5)}, answers=[0, 1, 2, 3, 0])
    with pytest.raises(ValueError, match="answers must be a row of candidates for each of the 5 queries"):
        multilingual_pool(x, candidates=x, answers=[0, 1])
    with pytest.raises(ValueError, match="answers must come with candidates"):
        multilingual_pool(x, answers=[0, 1, 2, 3, 4])
    with pytest.raises(ValueError, match="groups must have one label for each of the 5 rows"):
        multilingual_pool(x, groups=[1, 2])
    with pytest.raises(ValueError, match="n_draws must be at least 1, got 0"):
        PoolPreparation().of(x).null(0)
