"""Isotropy against its formula, closed forms, its null, and other ways to the same numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.isotropy import IsotropyPreparation, isotropy, log_sums
from probes.judging import draw_resamples, interval_of


def as_printed(x: np.ndarray) -> float:
    """Mu & Viswanath's ratio over both signs of the eigenvectors, with no care for overflow."""
    vectors = np.linalg.eigh(x.T @ x)[1]
    z = np.exp(x @ np.concatenate([vectors, -vectors], axis=1)).sum(axis=0)
    return z.min() / z.max()


@settings(max_examples=25, deadline=None)
@given(n=st.integers(4, 30), d=st.integers(1, 30), seed=st.integers(0, 99), offset=st.sampled_from([0.0, 0.5]))
def test_isotropy_is_the_ratio_of_partition_functions_as_printed(n, d, seed, offset):
    x = np.random.default_rng(seed).standard_normal((n, d)) * 0.7 + offset
    assert isotropy(x).score == pytest.approx(as_printed(x), rel=1e-6)


def test_rows_along_every_axis_alike_are_perfectly_isotropic():
    axes = np.concatenate([np.eye(5), -np.eye(5)]) * 3
    result = isotropy(axes)
    assert result.score == pytest.approx(1, abs=1e-12)
    assert result.mean_cosine == pytest.approx(-1 / 9)
    np.testing.assert_allclose(result.share, [0.2, 0.4, 0.6])


@pytest.mark.parametrize("length", [0.5, 20.0, 5000.0])
def test_one_common_direction_gives_exp_of_minus_twice_its_length(length):
    x = np.full((8, 4), length / 2)
    result = isotropy(x)
    assert result.log_score == pytest.approx(-2 * length, rel=1e-9)
    assert result.score == pytest.approx(np.exp(-2 * length), abs=1e-12)
    assert result.mean_cosine == pytest.approx(1)
    assert np.isnan(result.share).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), n=st.integers(8, 30), d=st.integers(2, 8))
def test_isotropy_does_not_change_under_rotation_or_with_the_order_of_rows(seed, n, d):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)) * np.arange(1, d + 1) + 0.3
    turned = isotropy((x @ np.linalg.qr(rng.standard_normal((d, d)))[0])[rng.permutation(n)])
    straight = isotropy(x)
    assert turned.log_score == pytest.approx(straight.log_score, abs=1e-8)
    assert turned.mean_cosine == pytest.approx(straight.mean_cosine, abs=1e-12)
    np.testing.assert_allclose(turned.share, straight.share, atol=1e-12)


def test_a_common_offset_lowers_isotropy_and_raises_the_mean_cosine():
    x = np.random.default_rng(0).standard_normal((300, 20)) / 5
    plain, moved = isotropy(x), isotropy(x + 0.5)
    assert moved.score < 0.1 < plain.score
    assert abs(plain.mean_cosine) < 0.01
    assert moved.mean_cosine > 0.8
    np.testing.assert_allclose(moved.share, plain.share)


def test_mean_cosine_is_that_of_all_pairs_of_different_rows():
    x = np.random.default_rng(0).standard_normal((13, 6)) + 1
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    pairs = (unit @ unit.T)[~np.eye(13, dtype=bool)]
    assert isotropy(x).mean_cosine == pytest.approx(pairs.mean(), abs=1e-14)


def test_share_is_that_of_principal_components_with_more_or_fewer_rows_than_columns():
    for shape in ((40, 5), (6, 30)):
        x = np.random.default_rng(0).standard_normal(shape) + 7
        values = np.sort(np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2)[::-1]
        np.testing.assert_allclose(isotropy(x).share, np.cumsum(values)[:3] / values.sum(), atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), scale=st.sampled_from([0.1, 10.0, 1e4]))
def test_weighted_sums_of_exponentials_are_exact_even_where_the_largest_is_not_drawn(seed, scale):
    values = scale * np.random.default_rng(seed).standard_normal(9)
    counts = draw_resamples(9, 20, seed=seed)
    direct = [np.logaddexp.reduce(np.repeat(values, c)) for c in counts]
    np.testing.assert_allclose(log_sums(values, counts), direct, rtol=1e-10, atol=1e-10)


def languages(n: int = 60, d: int = 8) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"one": rng.standard_normal((n, d)), "two": rng.standard_normal((n, d)) * 0.5 + 0.4}


def test_prepared_scores_are_those_of_each_language():
    vectors = languages()
    prepared = isotropy.preparation().of(vectors)
    np.testing.assert_allclose(prepared.scores, [isotropy(x).score for x in vectors.values()], rtol=1e-12)
    np.testing.assert_allclose(prepared.resampled(np.ones((2, 60), int)), np.tile(prepared.scores, (2, 1)).T)


def test_resamples_weigh_sentences_along_the_directions_of_the_sample():
    x = languages()["two"]
    counts = draw_resamples(60, 10)
    vectors = np.linalg.eigh(x.T @ x)[1]
    z = np.exp(x @ np.concatenate([vectors, -vectors], axis=1))
    low, high = z.sum(axis=0).argmin(), z.sum(axis=0).argmax()
    expected = (counts @ z[:, low]) / (counts @ z[:, high])
    np.testing.assert_allclose(IsotropyPreparation().of({"two": x}).resampled(counts)[0], expected, rtol=1e-10)


@pytest.mark.parametrize(("n", "d"), [(200, 6), (80, 40), (30, 60)])
def test_random_directions_score_like_the_null_and_the_null_is_centred_on_chance(n, d):
    rng = np.random.default_rng(1)
    vectors = {str(i): rng.standard_normal((n, d)) / np.sqrt(d) for i in range(30)}
    prepared = IsotropyPreparation().of(vectors)
    null = prepared.null(19, seed=5)
    spread = null.std() / np.sqrt(19)
    assert null.mean() == pytest.approx(prepared.chances.mean(), abs=4 * spread)
    assert prepared.scores.mean() == pytest.approx(null.mean(), abs=4 * spread)


def test_the_null_keeps_lengths_and_forgets_the_offset():
    x = languages()["two"]
    prepared = IsotropyPreparation().of({"two": x, "near": x - x.mean(axis=0)})
    assert prepared.scores[0] < 0.6 * prepared.null(19).min()
    doubled = IsotropyPreparation().of({"two": 2 * x})
    assert doubled.chances[0] < prepared.chances[0]


def test_a_language_by_itself_keeps_every_length_and_random_directions_alone_do_not_stand_out():
    rng = np.random.default_rng(0)
    ranks = []
    for _ in range(100):
        x = rng.standard_normal((40, 6))
        x *= (rng.gamma(2, 0.5, size=40) / np.linalg.norm(x, axis=1))[:, None]
        prepared = IsotropyPreparation().of({"x": x})
        ranks.append(np.mean(prepared.null(19, seed=int(rng.integers(1000))) < prepared.scores[0]))
    assert np.mean(ranks) == pytest.approx(0.5, abs=4 * 0.29 / 10)


def test_languages_share_draws_but_each_keeps_its_own_scale():
    rng = np.random.default_rng(0)
    vectors = {}
    for i in range(5):
        x = rng.standard_normal((200, 12))
        vectors[str(i)] = x * (0.5 + i / 4) * (rng.gamma(100, 0.01, size=200) / np.linalg.norm(x, axis=1))[:, None]
    shared = np.log(IsotropyPreparation().of(vectors).null(200, seed=3))
    for i, x in enumerate(vectors.values()):
        own = np.log(IsotropyPreparation().of({"x": x}).null(200, seed=4)[0])
        assert shared[i].mean() == pytest.approx(own.mean(), abs=0.3 * own.std())
        assert shared[i].std() == pytest.approx(own.std(), rel=0.3)
    assert (np.diff(shared.mean(axis=1)) < 0).all()


def test_the_interval_covers_the_mean_score_of_other_samples():
    rng = np.random.default_rng(0)

    def draw() -> np.ndarray:
        return rng.standard_normal((100, 5)) * np.array([1.0, 0.8, 0.5, 0.4, 0.3]) + np.array([0.8, 0, 0, 0, 0])

    truth = np.mean([isotropy(draw()).score for _ in range(200)])
    counts = draw_resamples(100, 200)
    covered = 0
    for _ in range(60):
        prepared = IsotropyPreparation().of({"x": draw()})
        interval = interval_of(float(prepared.scores[0]), prepared.resampled(counts)[0])
        covered += interval.low <= truth <= interval.high
    assert covered >= 50


def test_the_same_seed_draws_the_same_null_and_torch_agrees_with_numpy():
    vectors = languages()
    prepared = IsotropyPreparation().of(vectors)
    np.testing.assert_array_equal(prepared.null(4, seed=2), prepared.null(4, seed=2))
    np.testing.assert_array_equal(prepared.null(19), IsotropyPreparation().of(vectors).null(19))
    assert (prepared.null(4, seed=2) != prepared.null(4, seed=3)).all()
    tensors = {language: torch.tensor(x, requires_grad=True) for language, x in vectors.items()}
    np.testing.assert_array_equal(IsotropyPreparation().of(tensors).scores, prepared.scores)
    assert isotropy(tensors["one"]).mean_cosine == isotropy(vectors["one"]).mean_cosine


@pytest.mark.usefixtures("unchecked")
def test_unfit_vectors_are_refused_by_name():
    x = np.ones((5, 3))
    x[3] = 0
    with pytest.raises(ValueError, match="x must have a direction in every row, got zeros in row 3"):
        isotropy(x)
    with pytest.raises(ValueError, match=r"x_by_language\['b'\] must have a direction in every row"):
        IsotropyPreparation().of({"a": np.ones((5, 3)), "b": x})
    with pytest.raises(ValueError, match=r"x_by_language\['b'\] must have the shape \(5, 3\) of 'a', got \(4, 3\)"):
        IsotropyPreparation().of({"a": np.ones((5, 3)), "b": np.ones((4, 3))})
    with pytest.raises(ValueError, match="x_by_language must hold at least 1 language, got 0"):
        IsotropyPreparation().of({})
    with pytest.raises(ValueError, match=r"x_by_language\['a'\] must be finite"):
        IsotropyPreparation().of({"a": np.full((5, 3), np.nan)})
    with pytest.raises(ValueError, match="n_draws must be at least 1, got 0"):
        IsotropyPreparation().of({"a": np.ones((5, 3))}).null(0)
