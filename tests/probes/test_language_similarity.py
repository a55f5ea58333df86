"""Language similarity: a loop over pairs, what centring undoes, ranks, and the form of published matrices."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from probes import language_similarity, pair_cosine
from probes.language_similarity import pairwise_cosine, rank_standardised

CENTRED = pytest.mark.parametrize("centred", [False, True])


def languages(m: int = 5, n: int = 23, d: int = 7, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) + 0.5 * rng.standard_normal((m, n, d)) + 2 * rng.standard_normal((m, 1, d))


@CENTRED
@settings(max_examples=15, deadline=None)
@given(m=st.integers(1, 6), n=st.integers(4, 30), d=st.integers(2, 9), seed=st.integers(0, 99))
def test_all_pairs_agree_with_a_loop_over_pair_cosine(centred, m, n, d, seed):
    stack = languages(m, n, d, seed)
    moved = stack - stack.mean(axis=1, keepdims=True) if centred else stack
    loop = [[pair_cosine(x, y).score for y in moved] for x in moved]
    found = pairwise_cosine(stack, centred=centred)
    np.testing.assert_allclose(found.scores, loop, atol=1e-12)
    assert (found.n, found.centred, found.standardised) == (n, centred, False)


@CENTRED
@pytest.mark.parametrize("elements", [1, 200, 1 << 20])
def test_scores_do_not_depend_on_the_size_of_blocks(centred, elements, monkeypatch):
    stack = languages()
    whole = pairwise_cosine(stack, centred=centred).scores
    monkeypatch.setattr(language_similarity, "BLOCK_ELEMENTS", elements)
    np.testing.assert_allclose(pairwise_cosine(stack, centred=centred).scores, whole, atol=1e-12)
    np.testing.assert_array_equal(whole, whole.T)
    np.testing.assert_array_equal(np.diag(whole), 1)


def test_an_offset_that_all_vectors_share_hides_similarity_until_languages_are_centred():
    stack = languages(seed=1)
    stack[3] = np.random.default_rng(2).standard_normal(stack[3].shape)
    shifted = stack + 100
    assert pairwise_cosine(shifted).scores.min() > 0.99
    np.testing.assert_allclose(
        pairwise_cosine(shifted, centred=True).scores, pairwise_cosine(stack, centred=True).scores, atol=1e-9
    )
    assert abs(pairwise_cosine(shifted, centred=True).scores[3, :3]).max() < 0.3


def test_rotation_and_the_length_of_rows_change_no_raw_cosine():
    stack, rng = languages(), np.random.default_rng(1)
    rotation = np.linalg.qr(rng.standard_normal((7, 7)))[0]
    moved = rng.uniform(1e-3, 1e3, (5, 23, 1)) * stack @ rotation
    np.testing.assert_allclose(pairwise_cosine(moved).scores, pairwise_cosine(stack).scores, atol=1e-12)


@CENTRED
def test_the_standardised_form_keeps_order_alone(centred):
    stack = languages(8)
    raw, ranks = (pairwise_cosine(stack, centred=centred, standardised=s).scores for s in (False, True))
    upper = np.triu_indices(8, 1)
    np.testing.assert_allclose(ranks[upper], (rankdata(raw[upper]) - 1) / (upper[0].size - 1), atol=1e-12)
    np.testing.assert_array_equal(np.diag(ranks), 1)
    np.testing.assert_array_equal(ranks, ranks.T)
    np.testing.assert_allclose(rank_standardised(np.exp(9 * raw)), ranks, atol=1e-12)


def test_tied_missing_and_single_scores_have_ranks_too():
    scores = np.array([[1, 0.4, 0.4], [0.4, 1, 0.7], [0.4, 0.7, 1]])
    np.testing.assert_allclose(rank_standardised(scores), [[1, 0.25, 0.25], [0.25, 1, 1], [0.25, 1, 1]])
    scores[0, 1] = scores[1, 0] = np.nan
    np.testing.assert_allclose(rank_standardised(scores), [[1, np.nan, 0], [np.nan, 1, 1], [0, 1, 1]])
    np.testing.assert_allclose(rank_standardised(scores[1:, 1:]), [[1, 0.5], [0.5, 1]])


def test_published_matrices_lie_close_together_until_they_are_standardised(real_data):
    """mPLM-Sim, xlm-roberta-base, layer 5: 84 languages, symmetric, an empty diagonal."""
    path = real_data / "mplm_sim" / "xlm-roberta-base_flores200" / "sents_layer5.tsv"
    published = np.genfromtxt(path, delimiter="\t", skip_header=1)[:, 1:]
    upper = np.triu_indices(len(published), 1)
    assert published[upper].min() > 0.85
    assert published[upper].std() < 0.03
    ranks = rank_standardised(published)
    assert ranks[upper].mean() == pytest.approx(0.5)
    assert ranks[upper].std() == pytest.approx(1 / np.sqrt(12), rel=0.01)
    assert spearmanr(ranks[upper], published[upper]).statistic == pytest.approx(1)


@CENTRED
def test_torch_lists_and_float32_agree_with_numpy(centred):
    stack = languages()
    expected = pairwise_cosine(stack, centred=centred).scores
    given_as = [list(stack), torch.tensor(stack), stack.astype(np.float32), list(torch.tensor(stack).float())]
    for found in given_as:
        np.testing.assert_allclose(pairwise_cosine(found, centred=centred).scores, expected, atol=1e-6)


def test_a_mean_offset_of_100_in_float32_changes_little_after_centring():
    stack = (languages(4, 60, 20) + 100).astype(np.float32)
    wide = pairwise_cosine(stack.astype(float), centred=True).scores
    np.testing.assert_allclose(pairwise_cosine(stack, centred=True).scores, wide, atol=1e-6)


def test_lengths_far_from_one_neither_overflow_nor_vanish():
    stack = languages()
    scales = np.array([1e200, 1e-200, 1.0, 1e30, 1e-30])[:, None, None]
    np.testing.assert_allclose(pairwise_cosine(scales * stack).scores, pairwise_cosine(stack).scores, atol=1e-12)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("stack", "options", "message"),
    [
        ([np.ones((5, 2)), np.ones((6, 2))], {}, r"stack\[1\] must have the 5 rows of stack\[0\], got 6"),
        ([np.ones((5, 2)), np.ones((5, 3))], {}, "y must have the 2 columns of x, got 3"),
        ([np.ones((5, 2)), np.eye(5, 2)], {}, r"stack\[1\] must have a direction in every row, got zeros in row 2"),
        ([], {}, "stack must hold at least one matrix, got none"),
        (
            [np.eye(5), np.full((5, 5), 0.1)],
            {"centred": True},
            r"stack\[1\] must have a direction in every row, got the mean of all its rows in row 0; leave that",
        ),
    ],
)
def test_unfit_input_is_refused_by_name(stack, options, message):
    with pytest.raises(ValueError, match=message):
        pairwise_cosine(stack, **options)
