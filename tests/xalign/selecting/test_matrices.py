"""Vectors on disk read like one array, whatever the shards and whichever rows are left out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.selecting.material.matrices import ShardedMatrix


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_blocks_and_rows_agree_with_the_arrays_put_together(tmp_path_factory, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    sizes = data.draw(st.lists(st.integers(0, 7), min_size=1, max_size=5))
    folder, parts, kept = tmp_path_factory.mktemp("shards"), [], []
    for place, size in enumerate(sizes):
        stored = rng.normal(size=(size, 3)).astype(np.float16)
        keep = rng.random(size) < data.draw(st.sampled_from([0.5, 1.0]))
        np.save(folder / f"{place}.npy", stored)
        parts.append(stored[keep])
        kept.append(keep)
    matrix = ShardedMatrix(tuple(folder / f"{place}.npy" for place in range(len(sizes))), tuple(kept), 3)
    whole = np.concatenate(parts).astype(np.float32)
    assert matrix.shape == whole.shape
    for rows in (1, 2, 100):
        found = list(matrix.blocks(rows))
        assert [start for start, _ in found] == np.cumsum([0, *(len(block) for _, block in found)])[:-1].tolist()
        assert np.array_equal(np.concatenate([block for _, block in found] or [whole]), whole)
        assert all(block.dtype == np.float32 for _, block in found)
    wanted = rng.integers(0, max(1, len(whole)), 6) if len(whole) else np.empty(0, dtype=int)
    assert np.array_equal(matrix.rows(wanted), whole[wanted])
