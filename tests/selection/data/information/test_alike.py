"""Rows that nothing tells apart: found exactly, and choosing by the first of them changes no choice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from selection.data.information import alike as linking
from selection.data.information import information_gain_select
from selection.data.information.alike import link_alike
from selection.data.information.kernels import Pool


@st.composite
def repeated_rows(draw):
    """Few kinds of rows, each many times: tags, quality, languages and groups."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n, k, kinds = draw(st.integers(1, 40)), draw(st.integers(1, 4)), draw(st.integers(1, 5))
    kind = rng.integers(0, kinds, n)
    tags = (rng.random((kinds, k)) < 0.6).astype(np.int8)[kind]
    quality = rng.choice([0.0, 0.5, 1.0], kinds)[kind]
    languages, groups = (rng.integers(0, draw(st.integers(1, 2)), n) for _ in range(2))
    return tags, quality, languages, groups


def pool_of(tags, quality, languages, groups, *, apart):
    table = sparse.csr_array(tags)
    starts, labels = table.indptr.astype(np.int64), table.indices.astype(np.int32)
    none = np.empty(0, dtype=np.int32)
    offsets = (languages * tags.shape[1]).astype(np.int32) if apart else none
    return Pool(starts, labels, quality, offsets, groups.astype(np.int32) if apart else none)


@pytest.mark.parametrize("collide", [False, True])
@pytest.mark.parametrize("apart", [False, True])
@given(rows=repeated_rows())
@settings(max_examples=30, deadline=None)
def test_rows_are_linked_in_order_with_those_that_are_like_them_in_all_that_counts(apart, collide, rows):
    tags, quality, languages, groups = rows
    with pytest.MonkeyPatch.context() as patch:
        if collide:  # hashes that say nothing leave sets in pieces, and no row in another's
            patch.setattr(linking, "_keys", lambda pool, bits: np.zeros(len(bits), dtype=np.uint64))
        firsts, following = link_alike(pool_of(*rows, apart=apart))
    told = [(*tags[row], quality[row], *((languages[row], groups[row]) if apart else ())) for row in range(len(tags))]
    found = []
    for first in firsts.tolist():
        row = first
        while row >= 0:
            assert told[row] == told[first]
            found.append(row)
            assert following[row] == -1 or following[row] > row
            row = int(following[row])
    assert sorted(found) == list(range(len(tags)))
    assert (np.diff(firsts) > 0).all()
    if not collide:
        assert len(firsts) == len(set(told))


@pytest.mark.parametrize("gain", ["gradient", "exact"])
@pytest.mark.parametrize("phi", ["power", "exponential"])
@given(rows=repeated_rows(), data=st.data())
@settings(max_examples=30, deadline=None)
def test_linking_rows_changes_no_choice(gain, phi, rows, data):
    tags, quality, languages, groups = rows
    n, k = tags.shape
    vectors = np.random.default_rng(k).normal(size=(k, 2))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    options = {"gain": gain, "phi": phi, "similarity": vectors @ vectors.T, "threshold": 0.5}
    if data.draw(st.booleans()):
        options["languages"] = languages
    if data.draw(st.booleans()):
        options |= {"groups": groups, "quotas": "proportional"}
    arguments = sparse.csr_array(tags), quality, data.draw(st.integers(1, n))
    found = information_gain_select(*arguments, **options)
    with pytest.MonkeyPatch.context() as patch:
        alone = np.arange(n, dtype=np.int32), np.full(n, -1, dtype=np.int32)
        patch.setattr(linking, "link_alike", lambda pool: alone)
        expected = information_gain_select(*arguments, **options)
    assert found.indices.tolist() == expected.indices.tolist()
    assert found.gains.tolist() == expected.gains.tolist()


def test_rows_that_all_tie_take_turns_label_by_label_from_the_first():
    tags = sparse.csr_array(np.eye(3, dtype=np.int8)[np.repeat(np.arange(3), 100)])
    found = information_gain_select(tags, np.ones(300), 7)
    assert found.indices.tolist() == [0, 100, 200, 1, 101, 201, 2]
