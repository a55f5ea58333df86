"""Token weights against a loop over tokens, with the padding on either side."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from xalign.encoders.pooling import POOLINGS, pool, token_weights

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def padded(lengths: list[int], side: str) -> torch.Tensor:
    longest = max(lengths)
    rows = [[1] * length + [0] * (longest - length) for length in lengths]
    return torch.tensor(rows if side == "right" else [row[::-1] for row in rows])


@given(LENGTHS, st.sampled_from(["left", "right"]), st.integers(0, 99))
def test_pooling_is_a_loop_over_real_tokens(lengths, side, seed):
    mask = padded(lengths, side)
    states = torch.from_numpy(np.random.default_rng(seed).normal(size=(*mask.shape, 3)).astype("float32"))
    found = pool(token_weights(mask, list(POOLINGS)), states).numpy()
    for row, length in enumerate(lengths):
        tokens = states[row][mask[row].bool()].numpy().astype("float64")
        weighted = sum((t + 1) * tokens[t] for t in range(length)) / (length * (length + 1) / 2)
        expected = {"mean": tokens.mean(0), "cls": tokens[0], "last": tokens[-1], "weighted": weighted}
        for index, name in enumerate(POOLINGS):
            np.testing.assert_allclose(found[row, index], expected[name], atol=1e-5)


@given(LENGTHS, st.sampled_from(["left", "right"]))
def test_weights_sum_to_one_and_leave_padding_out(lengths, side):
    mask = padded(lengths, side)
    weights = token_weights(mask, list(POOLINGS))
    np.testing.assert_allclose(weights.sum(2).numpy(), 1, atol=1e-6)
    assert (weights * (1 - mask)[:, None]).abs().max() == 0


@given(LENGTHS)
def test_weights_of_left_padding_are_those_of_right_padding_moved(lengths):
    left, right = (token_weights(padded(lengths, side), list(POOLINGS)) for side in ("left", "right"))
    for row, length in enumerate(lengths):
        np.testing.assert_array_equal(left[row, :, -length:].numpy(), right[row, :, :length].numpy())


def test_pooling_of_half_precision_accumulates_in_float32():
    states = torch.full((1, 4096, 1), 1.001, dtype=torch.bfloat16)
    mask = torch.ones(1, 4096, dtype=torch.int64)
    assert abs(pool(token_weights(mask, ["mean"]), states).item() - states[0, 0, 0].item()) < 1e-5
