"""The losses against their definitions, one sum at a time, and the laws they keep."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.realigning.losses import anchor_loss, squared_distance, strong_contrastive, weak_contrastive

T = 0.1


def vectors(n: int, d: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator), torch.randn(n, d, generator=generator)


def by_hand(source: torch.Tensor, pivot: torch.Tensor, *, own_language: bool) -> float:
    """Sum -log of the counterpart's share, vector by vector, in plain Python."""
    rows, n, total = [*source.double(), *pivot.double()], len(source), 0.0
    for i, row in enumerate(rows):
        counterpart = (i + n) % (2 * n)
        others = [j for j in range(2 * n) if j != i and (own_language or (j < n) != (i < n))]
        cosines = {j: float(row @ rows[j] / (row.norm() * rows[j].norm())) for j in others}
        total -= cosines[counterpart] / T - math.log(sum(math.exp(cosine / T) for cosine in cosines.values()))
    return total / (2 * n)


@given(st.integers(1, 6), st.integers(2, 5), st.integers(0, 1000))
@settings(deadline=None, max_examples=25)
def test_strong_is_the_cost_among_all_words_of_both_languages_but_the_word_itself(n, d, seed):
    assert strong_contrastive(*vectors(n, d, seed)).item() == pytest.approx(
        by_hand(*vectors(n, d, seed), own_language=True), abs=1e-4
    )


@given(st.integers(1, 6), st.integers(2, 5), st.integers(0, 1000))
@settings(deadline=None, max_examples=25)
def test_weak_is_the_cost_among_the_words_of_the_other_language(n, d, seed):
    assert weak_contrastive(*vectors(n, d, seed)).item() == pytest.approx(
        by_hand(*vectors(n, d, seed), own_language=False), abs=1e-4
    )


@given(st.integers(2, 6), st.integers(0, 1000))
@settings(deadline=None, max_examples=15)
def test_weak_is_below_strong_which_has_more_wrong_answers(n, seed):
    assert weak_contrastive(*vectors(n, 4, seed)) < strong_contrastive(*vectors(n, 4, seed))


def test_weak_of_perfect_translations_far_from_each_other_is_almost_zero_and_strong_too():
    x = torch.eye(5)
    assert weak_contrastive(x, x).item() == pytest.approx(math.log(1 + 4 * math.exp(-10)), rel=1e-3)
    assert strong_contrastive(x, x).item() == pytest.approx(math.log(1 + 8 * math.exp(-10)), rel=1e-3)


def test_contrastive_losses_of_one_point_are_the_log_of_the_number_of_candidates():
    x = torch.ones(6, 3)
    assert strong_contrastive(x, x).item() == pytest.approx(math.log(11), rel=1e-5)
    assert weak_contrastive(x, x).item() == pytest.approx(math.log(6), rel=1e-5)


@pytest.mark.parametrize("loss", [strong_contrastive, weak_contrastive])
def test_contrastive_losses_do_not_change_with_length_rotation_order_or_sides(loss):
    x, y = vectors(7, 4, 3)
    rotation = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)))[0]
    order = torch.tensor([3, 1, 6, 0, 2, 5, 4])
    for a, b in [(5 * x, y / 3), (x @ rotation, y @ rotation), (x[order], y[order]), (y, x)]:
        assert loss(a, b).item() == pytest.approx(loss(x, y).item(), abs=1e-5)


def test_squared_distance_is_a_multiple_of_its_unit_and_zero_of_equals():
    x, y = torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.tensor([[3.0, 4.0], [1.0, 2.0]])
    assert squared_distance(x, y).item() == 13
    assert squared_distance(x, y, unit=26.0).item() == 0.5
    assert squared_distance(x, x).item() == 0


def test_the_anchor_counts_only_rows_that_are_kept():
    x, start = torch.zeros(3, 2), torch.tensor([[1.0, 0.0], [9.0, 9.0], [0.0, 3.0]])
    assert anchor_loss(x, start, torch.tensor([True, False, True]), unit=1.0).item() == 5


def test_the_gradient_of_the_strong_loss_moves_words_to_their_counterparts():
    x, y = vectors(8, 16, 0)
    x.requires_grad_(True)
    before = torch.cosine_similarity(x, y).mean().item()
    strong_contrastive(x, y).backward()
    after = torch.cosine_similarity(x - 2 * x.grad, y).mean().item()
    assert after > before + 0.1
