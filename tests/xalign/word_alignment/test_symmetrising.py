"""Symmetrisation against the published pseudocode over all cells, an example by hand, and its laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.errors import UnknownNameError
from xalign.word_alignment.symmetrising import METHODS, NEIGHBOURS, symmetrise

GROWN = ("grow_diag", "grow_diag_final", "grow_diag_final_and")


def drawn(seed: int, size: int = 8, share: float = 0.25) -> tuple[set, set]:
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, size, 2)
    first = rng.random(shape) < share
    second = np.where(rng.random(shape) < 0.5, first, rng.random(shape) < share)
    return tuple(set(map(tuple, np.argwhere(links).tolist())) for links in (first, second))


def transposed(links) -> set:
    return {(j, i) for i, j in links}


def by_pseudocode(forward: set, backward: set, method: str, neighbours=NEIGHBOURS, by_target: bool = False) -> set:
    """Koehn et al.'s loops over all cells, again until a round adds nothing."""
    size = 1 + max([max(link) for link in forward | backward], default=0)
    cells = [(j, i) if by_target else (i, j) for i in range(size) for j in range(size)]
    links = forward & backward

    def without_link(new):
        return (new[0] not in {i for i, _ in links}) + (new[1] not in {j for _, j in links})

    before = -1
    while len(links) > before:
        before = len(links)
        for i, j in cells:
            for di, dj in neighbours if (i, j) in links else ():
                if (i + di, j + dj) in forward | backward and without_link((i + di, j + dj)):
                    links.add((i + di, j + dj))
    for direction in () if method == "grow_diag" else (forward, backward):
        for link in cells:
            if link in direction and without_link(link) >= (2 if method.endswith("and") else 1):
                links.add(link)
    return links


@pytest.mark.parametrize("method", GROWN)
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 99999), share=st.sampled_from([0.1, 0.25, 0.5]))
def test_links_grow_as_in_the_published_pseudocode(method, seed, share):
    forward, backward = drawn(seed, share=share)
    assert symmetrise(forward, backward, method) == by_pseudocode(forward, backward, method)


@pytest.mark.parametrize("method", GROWN)
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 99999))
def test_swapping_the_sides_swaps_the_links_where_the_order_is_swapped_too(method, seed):
    forward, backward = drawn(seed)
    order = [(dj, di) for di, dj in NEIGHBOURS]
    other = by_pseudocode(transposed(forward), transposed(backward), method, neighbours=order, by_target=True)
    assert transposed(symmetrise(forward, backward, method)) == other


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 99999))
def test_each_method_adds_to_the_one_before_up_to_the_union(seed):
    forward, backward = drawn(seed)
    found = {method: symmetrise(forward, backward, method) for method in METHODS}
    assert found["intersection"] == forward & backward
    assert found["union"] == forward | backward
    assert found["intersection"] <= found["grow_diag"] <= found["grow_diag_final_and"] <= found["union"]
    assert found["grow_diag"] <= found["grow_diag_final"] <= found["union"]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 99999))
def test_after_the_final_step_no_word_of_the_union_is_without_a_link(seed):
    forward, backward = drawn(seed)
    union, final = forward | backward, symmetrise(forward, backward, "grow_diag_final")
    for side in (0, 1):
        assert {link[side] for link in final} == {link[side] for link in union}


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 99999))
def test_growing_does_not_ask_which_direction_a_link_came_from(seed):
    forward, backward = drawn(seed)
    for method in ("intersection", "union", "grow_diag"):
        assert symmetrise(forward, backward, method) == symmetrise(backward, forward, method)


@pytest.mark.parametrize("method", METHODS)
def test_two_directions_that_agree_stay_as_they_are(method):
    forward, _ = drawn(3)
    assert symmetrise(forward, forward, method) == forward
    assert symmetrise(set(), set(), method) == set()


def test_an_example_worked_by_hand():
    #     0 1 2 3 4      both: B, forward only: f, backward only: b
    # 0   B f . . .      (0, 1) lies beside (0, 0), and target word 1 is free: grown
    # 1   . b . . .      (1, 1) lies beside (0, 1), and source word 1 is free: grown
    # 2   . b . f .      (2, 1) lies beside (1, 1), and source word 2 is free: grown
    # 4   f . . . .      (2, 3) and (4, 0) lie beside none; one word of each is free: final
    # 5   . . . . b      (5, 4) lies beside none; both its words are free: final and final-and
    both, forward, backward = {(0, 0)}, {(0, 1), (2, 3), (4, 0)}, {(1, 1), (2, 1), (5, 4)}
    found = {method: symmetrise(both | forward, both | backward, method) for method in METHODS}
    grown = {(0, 0), (0, 1), (1, 1), (2, 1)}
    assert found["grow_diag"] == grown
    assert found["grow_diag_final"] == grown | {(2, 3), (4, 0), (5, 4)}
    assert found["grow_diag_final_and"] == grown | {(5, 4)}


def test_of_two_links_that_exclude_each_other_the_earlier_neighbour_is_taken():
    # (1, 2) is beside both links of the intersection; once (1, 1) has taken source word 1 it needs target word 2 free.
    both = {(0, 0), (2, 2)}
    assert symmetrise(both | {(1, 1), (1, 2)}, both, "grow_diag") == both | {(1, 1)}
    assert symmetrise(both | {(1, 2)}, both, "grow_diag") == both | {(1, 2)}
    # From (0, 0), "source word after" comes before the diagonal, which still brings target word 1 its link.
    assert symmetrise({(0, 0), (1, 0), (1, 1)}, {(0, 0)}, "grow_diag") == {(0, 0), (1, 0), (1, 1)}


def test_arrays_and_lists_are_taken_and_callers_sets_stay():
    forward, backward = {(0, 0), (0, 1)}, {(0, 0)}
    result = symmetrise(forward, backward, "grow_diag")
    assert result == {(0, 0), (0, 1)}
    assert (forward, backward) == ({(0, 0), (0, 1)}, {(0, 0)})
    assert symmetrise([(0, 0), (0, 1)], [(0, 0)], "grow_diag") == result


def test_an_unknown_method_is_refused():
    with pytest.raises(UnknownNameError, match=r"method must be one of intersection, union, grow_diag.*, got 'gdfa'"):
        symmetrise(set(), set(), "gdfa")
