"""The margin's three forms, its refusal of a meaningless ratio, and what CSLS is for."""

import numpy as np
import pytest

from probes import csls_retrieval, margin_retrieval, retrieval_accuracy


def noisy(n: int = 60, d: int = 8, noise: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((n, d))
    return x, x + noise * rng.standard_normal((n, d))


def errors_by_hand(x: np.ndarray, y: np.ndarray, k: int, margin: str) -> int:
    """LASER's xsim, row by row."""
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
    s, errors = a @ b.T, 0
    for i in range(len(x)):
        nearest = np.argsort(-s[i])[:k]
        own = s[i][nearest].mean()
        margins = []
        for j in nearest:
            around = (own + np.sort(s[:, j])[-k:].mean()) / 2
            margins.append({"ratio": s[i, j] / around, "distance": s[i, j] - around, "absolute": s[i, j]}[margin])
        errors += int(nearest[int(np.argmax(margins))] != i)
    return errors


@pytest.mark.parametrize("margin", ["ratio", "distance", "absolute"])
@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_errors_are_those_of_the_published_procedure(margin, k, dtype):
    x, y = (z.astype(dtype) for z in noisy())
    result = margin_retrieval(x, y, k=k, margin=margin)
    expected = errors_by_hand(x.astype(float), y.astype(float), k, margin)
    assert 0 < expected < 60
    assert result.n_errors == pytest.approx(expected)
    assert result.error_rate == pytest.approx(expected / 60)
    assert result.score == pytest.approx(1 - expected / 60)


def test_the_absolute_margin_is_plain_retrieval():
    x, y = noisy()
    assert margin_retrieval(x, y, margin="absolute").score == pytest.approx(retrieval_accuracy(x, y).forward)


def test_a_ratio_over_a_neighbourhood_that_is_not_positive_is_refused():
    x = np.abs(np.random.default_rng(0).standard_normal((6, 3))) + 1
    with pytest.raises(ValueError, match=r"got -0\.\d+ for row 0 of x; use margin='distance'"):
        margin_retrieval(x, -x)
    assert 0 <= margin_retrieval(x, -x, margin="distance").error_rate <= 1


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_margin_is_refused():
    with pytest.raises(ValueError, match="margin must be one of ratio, distance, absolute, got 'cosine'"):
        margin_retrieval(np.eye(5), np.eye(5), margin="cosine")


def test_csls_takes_queries_from_a_hub():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((80, 20)) + 1.0
    y = x + 1.2 * rng.standard_normal((80, 20))
    y[:4] = x.mean(axis=0) + 0.1 * rng.standard_normal((4, 20))
    assert csls_retrieval(x, y).forward > retrieval_accuracy(x, y).forward + 0.1
