"""All batches are drawn from the seed alone, languages by temperature, and no sentence meets itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.errors import SettingError
from xalign.realigning.sampling import draw_batches, language_shares


def groups(*sizes: int) -> list[np.ndarray]:
    """Languages whose pairs have the first pivot sentences in common."""
    return [np.arange(size) for size in sizes]


def draw(
    rows: list[np.ndarray], n_batches: int, batch_size: int, temperature: float = 1.0, seed: int = 0
) -> np.ndarray:
    return draw_batches(rows, n_batches=n_batches, batch_size=batch_size, temperature=temperature, seed=seed)


def test_shares_are_proportions_at_one_equal_at_infinity_and_roots_between():
    sizes = [900, 100]
    np.testing.assert_allclose(language_shares(sizes, temperature=1.0), [0.9, 0.1])
    np.testing.assert_allclose(language_shares(sizes, temperature=2.0), [0.75, 0.25])
    np.testing.assert_allclose(language_shares(sizes, temperature=float("inf")), [0.5, 0.5])
    np.testing.assert_allclose(language_shares(sizes, temperature=0.5), np.array([81, 1]) / 82)


def test_languages_are_drawn_by_their_shares():
    drawn = draw(groups(900, 100), 400, 10, temperature=2.0)
    assert (drawn[..., 0] == 0).mean() == pytest.approx(0.75, abs=0.03)


def test_the_same_seed_gives_the_same_batches_and_another_does_not():
    rows = groups(50, 60)
    assert np.array_equal(draw(rows, 20, 8, seed=3), draw(rows, 20, 8, seed=3))
    assert not np.array_equal(draw(rows, 20, 8, seed=3), draw(rows, 20, 8, seed=4))


def test_a_longer_training_begins_with_the_order_of_pairs_of_a_shorter():
    (rows,) = (groups(50),)
    assert np.array_equal(draw(rows, 10, 8), draw(rows, 30, 8)[:10])


@given(st.lists(st.integers(3, 12), min_size=1, max_size=4), st.integers(1, 6), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_no_pivot_sentence_stands_twice_in_a_batch_and_every_pair_exists(sizes, batch_size, seed):
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, 12, size=size) for size in sizes]
    if len(np.unique(np.concatenate(rows))) < batch_size:
        with pytest.raises(SettingError, match="batch_size must be at most"):
            draw(rows, 5, batch_size, seed=seed)
        return
    for batch in draw(rows, 15, batch_size, seed=seed):
        sentences = [rows[language][pair] for language, pair in batch]
        assert len(set(sentences)) == batch_size


def test_every_pair_of_a_language_comes_once_before_any_comes_again():
    drawn = draw(groups(24), 9, 8)
    for first in range(0, 9, 3):
        assert sorted(drawn[first : first + 3, :, 1].ravel()) == list(range(24))


def test_a_small_language_gives_its_place_away_rather_than_meet_itself():
    rows = [np.arange(3), np.arange(3, 100)]
    drawn = draw(rows, 50, 20, temperature=float("inf"))
    for batch in drawn:
        small = batch[batch[:, 0] == 0, 1]
        assert len(small) == len(set(small)) <= 3


def test_more_rows_than_sentences_are_refused_by_number():
    with pytest.raises(SettingError, match="batch_size must be at most 6, the number of different pivot sentences"):
        draw(groups(6, 4), 2, 7)
