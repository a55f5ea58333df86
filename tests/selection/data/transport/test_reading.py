"""Rows as the transport selectors take them: what stays on disk, and what is copied."""

import numpy as np
import pytest

from selection.data.transport.reading import read_rows


@pytest.mark.parametrize(("stored", "read"), [("f4", "f4"), ("f8", "f8"), ("f2", "f4"), ("i2", "f8")])
def test_a_memory_map_stays_one_in_the_types_that_are_computed_in_and_is_copied_in_others(stored, read, tmp_path):
    mapped = np.memmap(tmp_path / "x", dtype=stored, mode="w+", shape=(5, 3))
    mapped[:] = np.arange(1, 16).reshape(5, 3)
    found = read_rows(mapped, "pool")
    assert found.dtype == np.dtype(read)
    assert np.shares_memory(found, mapped) == (stored == read)
    assert np.array_equal(found, mapped)
