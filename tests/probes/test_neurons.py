"""Neuron states: MEXA's rule in every layer, and the overlap of active sets."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from probes import bootstrap_interval, mutual_retrieval, neuron_alignment, neuron_overlap, permutation_null
from probes.judging import draw_permutations, prepare


def states(n: int = 30, layers: int = 3, neurons: int = 16) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.random((n, layers, neurons))
    return x, x + np.array([0.05, 1.0, 8.0])[:layers, None] * rng.random((n, layers, neurons))


def test_every_layer_is_judged_by_mexas_rule_and_the_score_is_their_mean():
    x, y = states()
    result = neuron_alignment(x, y)
    expected = [mutual_retrieval(x[:, i], y[:, i]).score for i in range(3)]
    np.testing.assert_allclose(result.per_layer, expected)
    assert expected[0] > expected[1] > expected[2]
    assert result.score == pytest.approx(np.mean(expected))
    assert result.chance == pytest.approx(1 / 59)


def test_neuron_alignment_is_judged_from_what_is_computed():
    x, y = states()
    orders = draw_permutations(30, 6)
    expected = [neuron_alignment(x, y[p]).score for p in orders]
    np.testing.assert_allclose(prepare(neuron_alignment, x, y).permuted(orders), expected, atol=1e-12)
    null = permutation_null(neuron_alignment, x, y, n_permutations=99)
    assert null.p_value == pytest.approx(0.01)
    interval = bootstrap_interval(neuron_alignment, x, y, n_resamples=50)
    assert interval.low < neuron_alignment(x, y).score < interval.high


def test_torch_agrees_with_numpy():
    x, y = states()
    assert (
        neuron_alignment(torch.tensor(x), torch.tensor(y)).per_layer.tolist()
        == neuron_alignment(x, y).per_layer.tolist()
    )


@given(shape=st.sampled_from([(7,), (3, 5), (2, 3, 4)]), rate=st.floats(0, 1), seed=st.integers(0, 99))
def test_overlap_is_the_jaccard_index_of_sets(shape, rate, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.random(shape) < rate, rng.random(shape) < rate
    a, b = (set(np.flatnonzero(z).tolist()) for z in (x, y))
    result = neuron_overlap(x, y)
    assert (result.intersection, result.union) == (len(a & b), len(a | b))
    expected = len(a & b) / len(a | b) if a | b else float("nan")
    assert result.jaccard == pytest.approx(expected, nan_ok=True)
    assert result.score == pytest.approx(expected, nan_ok=True)
    assert neuron_overlap(torch.tensor(x), torch.tensor(y)).intersection == result.intersection


@pytest.mark.usefixtures("unchecked")
def test_unfit_input_is_refused_by_name():
    x, y = states()
    with pytest.raises(ValueError, match="states_x must have three axes"):
        neuron_alignment(x[:, 0], y[:, 0])
    with pytest.raises(ValueError, match="states_y must have the layers of states_x, got 2 and 3"):
        neuron_alignment(x, y[:, :2])
    x[4, 1] = 0
    with pytest.raises(ValueError, match=r"states_x\[:, 1\] must have a direction in every row, got zeros in row 4"):
        neuron_alignment(x, y)
    with pytest.raises(ValueError, match=r"active_y must have the shape \(3,\) of active_x, got \(4,\)"):
        neuron_overlap(np.ones(3, bool), np.ones(4, bool))
    with pytest.raises(ValueError, match="active_x must be boolean, got float64"):
        neuron_overlap(np.ones(3), np.ones(3))
