"""The language identity probe: chance where there is nothing, one where languages lie apart, and no leak of content."""

from math import erf

import numpy as np
import pytest
import torch

from probes.judging import draw_resamples
from probes.language_identity import (
    IdentityPreparation,
    fit_discriminant,
    language_identity,
    shrunk,
)


def languages(
    k: int = 4, n: int = 60, d: int = 10, *, offset: float = 1.0, content: float = 1.0, seed: int = 0
) -> dict[str, np.ndarray]:
    """Shared content, noise of sd 1, and an offset per language."""
    rng = np.random.default_rng(seed)
    shared = content * rng.standard_normal((n, d))
    return {f"l{i}": shared + rng.standard_normal((n, d)) + offset * rng.standard_normal(d) for i in range(k)}


def test_languages_that_lie_far_apart_are_always_told_apart():
    result = language_identity(languages(offset=20.0))
    assert result.score == 1
    assert result.per_language == {"l0": 1.0, "l1": 1.0, "l2": 1.0, "l3": 1.0}
    assert (result.chance, result.n, result.n_folds) == (0.25, 60, 5)


def test_languages_without_a_difference_score_at_chance():
    scores = [language_identity(languages(offset=0.0, seed=seed)).score for seed in range(40)]
    assert np.mean(scores) == pytest.approx(0.25, abs=4 * np.std(scores) / np.sqrt(40))


def test_languages_with_the_very_same_vectors_score_exactly_chance():
    x = np.random.default_rng(0).standard_normal((30, 6))
    result = language_identity({"a": x, "b": x, "c": x + 9})
    assert result.per_language == pytest.approx({"a": 0.5, "b": 0.5, "c": 1.0})
    assert language_identity({"a": x, "b": x, "c": x}).score == pytest.approx(1 / 3)


def test_two_gaussians_are_told_apart_as_often_as_their_distance_allows():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 4000, 3))
    y[:, 0] += 2.0
    best = 0.5 * (1 + erf(1 / np.sqrt(2)))
    assert language_identity({"x": x, "y": y}).score == pytest.approx(best, abs=0.015)


@pytest.mark.parametrize("transform", ["rotation", "offset", "scale"])
def test_rotation_offset_and_scale_change_nothing(transform):
    vectors = languages(offset=0.4)
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((10, 10)))[0]
    moved = {
        language: {"rotation": x @ rotation, "offset": x + 1e4, "scale": 1e-6 * x}[transform]
        for language, x in vectors.items()
    }
    assert language_identity(moved).per_language == pytest.approx(language_identity(vectors).per_language, abs=1e-12)


def test_recalls_are_those_of_sklearns_discriminant_on_the_same_folds():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    vectors = languages(k=3, n=40, d=6, offset=0.5)
    prepared = IdentityPreparation(n_folds=4, seed=3).of(vectors)
    stack, hits = np.stack(list(vectors.values())), np.empty((3, 40))
    for fold in range(4):
        inside = prepared.folds == fold
        train = stack[:, ~inside]
        means = train.mean(axis=1)
        residuals = (train - means[:, None]).reshape(-1, 6)
        n = 3 * (train.shape[1] - 1)
        within = shrunk(residuals.T @ residuals / n, n)
        probe = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Fixed(within), priors=np.full(3, 1 / 3))
        probe.fit(train.reshape(-1, 6), np.repeat(np.arange(3), train.shape[1]))
        hits[:, inside] = [probe.predict(stack[i, inside]) == i for i in range(3)]
    np.testing.assert_allclose(prepared.hits, hits)


class Fixed:
    """A covariance estimator that always finds the same."""

    def __init__(self, covariance: np.ndarray) -> None:
        self.covariance_ = covariance

    def fit(self, x: np.ndarray) -> "Fixed":
        return self


@pytest.mark.parametrize(("n", "d"), [(12, 5), (200, 40), (8, 30)])
def test_shrinkage_is_sklearns_up_to_the_term_that_it_leaves_out(n, d):
    from sklearn.covariance import oas

    x = np.random.default_rng(0).standard_normal((n, d)) * np.linspace(1, 3, d)
    covariance = x.T @ x / n
    expected = oas(x, assume_centered=True)[0]
    ours = shrunk(covariance, n)
    assert np.linalg.norm(ours - expected) < 0.05 * np.linalg.norm(expected)
    assert np.trace(ours) == pytest.approx(np.trace(covariance))
    np.testing.assert_allclose(shrunk(2.0 * np.eye(d), n), 2.0 * np.eye(d))


def test_vectors_that_do_not_vary_within_a_language_are_named_by_distance():
    means = np.array([[0.0, 1.0], [3.0, 1.0]])
    probe = fit_discriminant(means, 5 * means.T @ means, 5)
    np.testing.assert_allclose(probe.weights, means.T)
    constant = {"a": np.zeros((8, 2)) + 0.1, "b": np.full((8, 2), 0.7)}
    assert language_identity(constant).score == 1


def test_content_does_not_leak_because_translations_share_a_fold():
    rng = np.random.default_rng(0)
    topics = 30 * rng.standard_normal((5, 10))
    shared = topics[np.arange(50) % 5]
    vectors = {f"l{i}": shared + rng.standard_normal((50, 10)) for i in range(3)}
    prepared = IdentityPreparation().of(vectors)
    assert all((prepared.folds == fold).sum() == 10 for fold in range(5))
    null = prepared.null(200, seed=1).mean(axis=0)
    assert null.mean() == pytest.approx(1 / 3, abs=4 * null.std() / np.sqrt(200))


def test_the_null_is_centred_on_chance_and_unrelated_gaussians_score_like_it():
    rng = np.random.default_rng(0)
    prepared = IdentityPreparation().of({str(i): rng.standard_normal((50, 8)) for i in range(5)})
    null = prepared.null(300, seed=1)
    assert prepared.chances == pytest.approx(np.full(5, 0.2))
    assert null.mean() == pytest.approx(0.2, abs=4 * null.mean(axis=0).std() / np.sqrt(300))
    assert abs(prepared.scores.mean() - 0.2) < 4 * null.mean(axis=0).std()


def test_a_draw_of_the_null_is_the_score_of_shuffled_labels():
    vectors = languages(k=3, n=25, d=4)
    prepared = IdentityPreparation().of(vectors)
    order = np.random.default_rng(7).permuted(np.tile(np.arange(3)[:, None], (1, 25)), axis=0)
    stack = np.stack(list(vectors.values()))
    shuffled = {str(j): stack[order[j], np.arange(25)] for j in range(3)}
    expected = IdentityPreparation().of(shuffled).hits
    np.testing.assert_allclose(prepared.null(1, seed=7)[:, 0], expected.mean(axis=1))


def test_resamples_draw_sentences_that_no_probe_was_trained_on():
    prepared = IdentityPreparation().of(languages(offset=0.3))
    counts = draw_resamples(60, 5)
    expected = [[np.repeat(hits, c).mean() for c in counts] for hits in prepared.hits]
    np.testing.assert_allclose(prepared.resampled(counts), expected)
    np.testing.assert_allclose(prepared.resampled(np.ones((1, 60), int))[:, 0], prepared.scores)


def test_centring_on_other_sentences_takes_an_offset_away_and_on_the_same_falls_below_chance():
    vectors, others = languages(k=5, n=100, seed=1), languages(k=5, n=100, seed=1)
    half = {language: x[:50] - others[language][50:].mean(axis=0) for language, x in vectors.items()}
    same = {language: x - x.mean(axis=0) for language, x in vectors.items()}
    assert language_identity(vectors).score > 0.6
    assert language_identity(half).score == pytest.approx(0.2, abs=0.12)
    assert language_identity(same).score < 0.15


def test_the_seed_decides_the_folds_and_torch_and_float32_agree_with_numpy():
    vectors = languages(offset=0.3)
    assert language_identity(vectors, seed=1) == language_identity(vectors, seed=1)
    assert (IdentityPreparation(seed=1).of(vectors).folds != IdentityPreparation(seed=2).of(vectors).folds).any()
    tensors = {language: torch.tensor(x, requires_grad=True) for language, x in vectors.items()}
    assert language_identity(tensors) == language_identity(vectors)
    narrow = {language: x.astype(np.float32) for language, x in vectors.items()}
    assert language_identity(narrow).score == pytest.approx(language_identity(vectors).score, abs=0.01)
    nulls = [IdentityPreparation().of(v).null(5, seed=1).mean() for v in (narrow, vectors)]
    assert nulls[0] == pytest.approx(nulls[1], abs=0.01)


@pytest.mark.usefixtures("unchecked")
def test_unfit_input_is_refused_by_name():
    x = np.eye(4)
    with pytest.raises(ValueError, match="must hold at least 2 languages, got 1: a probe that knows one language"):
        language_identity({"eng_Latn": x})
    with pytest.raises(ValueError, match="must have a sentence for each of the 5 folds, got 4 sentences"):
        language_identity({"a": x, "b": x})
    with pytest.raises(ValueError, match=r"x_by_language\['b'\] must have the shape \(4, 4\) of 'a', got \(4, 3\)"):
        language_identity({"a": x, "b": x[:, :3]})
    with pytest.raises(ValueError, match="n_folds must be at least 2, got 1"):
        language_identity({"a": x, "b": x}, n_folds=1)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        language_identity({"a": x, "b": x}, seed=-1)
    with pytest.raises(TypeError, match=r"n_folds must be a whole number, got 2.5"):
        language_identity({"a": x, "b": x}, n_folds=2.5)
