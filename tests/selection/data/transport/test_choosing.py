"""The walk over scored rows: targets' parts, groups' counts, and rows that wait, on cases worked out by hand."""

import numpy as np

from selection.data.transport.choosing import Parts, choose_rows

ANGLES = np.array([0.0, 1.5, 1.5001, 3.0])
ON_A_CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def parts_of(weights):
    weights = np.asarray(weights, dtype=float)
    return Parts(lambda rows: weights[rows], np.full(weights.shape[1], 1 / weights.shape[1]), np.inf)


def choose(weights, counts, groups=None, *, scores=None, vectors=None, sigma=None):
    n = len(weights)
    vectors = np.eye(n) if vectors is None else vectors
    scores = np.arange(n, dtype=float) if scores is None else np.asarray(scores, dtype=float)
    return choose_rows(scores, counts, groups, vectors=lambda rows: vectors[rows], sigma=sigma, parts=parts_of(weights))


def test_each_target_has_its_part_although_the_other_has_the_better_rows():
    chosen = choose([[1, 0]] * 10 + [[0, 1]] * 10, {None: 6})
    assert chosen.indices.tolist() == [0, 1, 2, 10, 11, 12]


def test_rows_of_a_full_group_do_not_serve_the_targets_of_others():
    """Group a gives one row, all about the first target; of b's five, the first target still lacks two."""
    chosen = choose([[1, 0]] * 35 + [[0, 1]] * 5, {"a": 1, "b": 5}, np.array(["a"] * 30 + ["b"] * 10))
    assert chosen.indices.tolist() == [0, 30, 31, 35, 36, 37]


def test_a_row_that_waited_for_one_that_lost_its_seat_has_its_chance():
    """Row 2 repeats row 1, which row 3 has displaced; row 2 is better than row 3 and as well placed."""
    weights = [[1, 0], [0.9, 0.1], [0, 1], [0, 1]]
    assert choose(weights, {None: 2}).indices.tolist() == [0, 2]
    assert choose(weights, {None: 2}, vectors=ON_A_CIRCLE, sigma=0.5).indices.tolist() == [0, 2]


def test_rows_that_repeat_seated_ones_fill_what_is_left():
    chosen = choose([[1, 0]] * 4, {None: 4}, vectors=ON_A_CIRCLE, sigma=0.5)
    assert chosen.indices.tolist() == [0, 1, 3, 2]
    assert chosen.n_repeating == 1
